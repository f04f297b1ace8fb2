"""Figures inside a page: what `ganfield.plot` draws, as SVG, on a light and on a dark ground."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ganfield._html import said
from ganfield.runs._page import escape

_LARGEST = 1e100  # what is beyond leaves a gap, as infinity does


def curves(
    steps: np.ndarray, lines: Mapping[str, np.ndarray], *, title: str, log: bool = False
) -> str:
    """Return a figure of quantities against steps; NaN and infinity leave a gap.

    Args:
        steps: shape (records,).
        lines: name → values of that shape; at most four.
        title: what is shown.
        log: whether the axis is logarithmic where all values are positive and differ much.

    Returns:
        A ``<figure>``; where there is nothing finite to draw, one that says so.

    Example:
        >>> "loss theta 1" in curves(np.arange(3), {"loss_theta": np.ones(3)}, title="Losses")
        True
    """
    values = [np.asarray(each, float) for each in lines.values()]
    key = [
        f"{name.replace('_', ' ')} {said(each[-1]) if each.size else '–'}"
        for name, each in zip(lines, values, strict=True)
    ]
    values = [np.where(np.abs(each) < _LARGEST, each, np.nan) for each in values]
    finite = np.concatenate([each[np.isfinite(each)] for each in values])
    if not finite.size:
        return _captioned(title, key, "<p>no number to draw</p>")

    def draw(ax: Any) -> None:
        from ganfield import plotting

        for each in values:
            plotting.curves(steps, each, ax)
        if log:
            plotting.log_where_wide(ax)

    return drawn(title, draw, key=key)


def drawn(
    title: str,
    draw: Callable[[Any], Any],
    *,
    key: Sequence[str] = (),
    size: tuple[float, float] = (3.6, 1.9),
    on_dark: bool = True,
) -> str:
    """Return a ``<figure>`` of what ``draw(ax)`` draws, once for each ground.

    Args:
        title: its caption, plain text.
        draw: draws into Matplotlib's axes.
        key: what is said of the first, the second … colour.
        size: width and height in inches.
        on_dark: whether there is a drawing for a dark ground too.
    """
    source = ""
    if on_dark:
        dark = _svg(draw, size, dark=True)
        source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
    light = f'<img class="chart" src="{_svg(draw, size, dark=False)}" alt="{escape(title)}">'
    return _captioned(title, key, f"<picture>{source}{light}</picture>")


def _svg(draw: Callable[[Any], Any], size: tuple[float, float], *, dark: bool) -> str:
    # Matplotlib is loaded when there is something to draw, and not to load a run.
    from ganfield import plotting

    settings = {"axes__grid": True, "grid__alpha": 0.4, "svg__hashsalt": "ganfield"}
    with plotting.style(dark=dark, **settings):
        figure = plotting.figure(*size)
        draw(figure.subplots())
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"


def _captioned(title: str, key: Sequence[str], content: str) -> str:
    items = "".join(f'<li class="s{place}">{escape(text)}</li>' for place, text in enumerate(key))
    return f"<figure><figcaption>{escape(title)}<ul>{items}</ul></figcaption>{content}</figure>"
