"""Small figures as SVG inside a page: curves against steps, and points of the plane."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

_WIDTH, _HEIGHT, _SQUARE = 360, 190, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 8, 22
_BUCKETS = 240  # of a curve, each with its lowest and its highest point
_WIDE = 30.0  # from this ratio on a positive quantity has a logarithmic axis
_TICKS = 5
_LARGEST = 1e100  # what is beyond leaves a gap, as infinity does

Box = tuple[float, float, float, float]


def curves(
    steps: np.ndarray, lines: Mapping[str, np.ndarray], *, title: str, log: bool = False
) -> str:
    """Return a figure of quantities against steps.

    NaN and infinity leave a gap. Long curves are thinned, and keep their highest and lowest points.

    Args:
        steps: shape (records,).
        lines: name → values of that shape; at most four.
        title: what is shown.
        log: whether the axis is logarithmic where all values are positive and differ much.

    Returns:
        A ``<figure>``; where there is nothing finite to draw, one that says so.

    Example:
        >>> "loss theta" in curves(np.arange(3), {"loss_theta": np.ones(3)}, title="Losses")
        True
    """
    values = [np.asarray(each, float) for each in lines.values()]
    key = "".join(
        f'<li class="s{place}">{_text(name.replace("_", " "))} {say(_last(each))}</li>'
        for place, (name, each) in enumerate(zip(lines, values, strict=True))
    )
    values = [np.where(np.abs(each) < _LARGEST, each, np.nan) for each in values]
    finite = np.concatenate([each[np.isfinite(each)] for each in values])
    if not finite.size:
        return _figure(title, key, "<p>no number to draw</p>")
    low, high = float(finite.min()), float(finite.max())
    is_log = log and low > 0 and high > _WIDE * low
    down = np.log10 if is_log else np.asarray
    bottom, top = _padded(float(down(low)), float(down(high)))
    left, right = _padded(float(steps.min()), float(steps.max()), share=0.0)
    x = _scale(left, right, _LEFT, _WIDTH - _RIGHT)
    y = _scale(bottom, top, _HEIGHT - _BOTTOM, _TOP)
    marks = [(y(float(down(tick))), say(tick)) for tick in _ticks(bottom, top, is_log)]
    parts = [*_axes(marks, [(x(tick), say(tick)) for tick in _round_numbers(left, right)])]
    for place, each in enumerate(values):
        kept = _thin(each)
        parts.append(f'<path class="l s{place}" d="{_path(x(steps[kept]), y(down(each[kept])))}"/>')
    return _figure(title, key, _svg(_WIDTH, _HEIGHT, title, parts))


def scatter(groups: Mapping[str, np.ndarray], box: Box, *, title: str, circle: bool = False) -> str:
    """Return a square figure of points in the plane, both axes on one scale.

    Args:
        groups: name → points (n, 2), drawn in this order.
        box: left, right, bottom and top of what is shown.
        title: what is shown.
        circle: whether the unit circle is drawn too.
    """
    x = _scale(box[0], box[1], _LEFT, _LEFT + _SQUARE)
    y = _scale(box[2], box[3], _TOP + _SQUARE, _TOP)
    parts = [
        *_axes(
            [(y(tick), say(tick)) for tick in _round_numbers(*box[2:])],
            [(x(tick), say(tick)) for tick in _round_numbers(*box[:2])],
            right=_LEFT + _SQUARE,
            bottom=_TOP + _SQUARE,
        )
    ]
    # A frame of its own cuts off what lies outside.
    inner = []
    if circle:
        radius = _SQUARE / (box[1] - box[0])
        at = f'cx="{x(0.0) - _LEFT:.1f}" cy="{y(0.0) - _TOP:.1f}" r="{radius:.1f}"'
        inner.append(f'<circle class="u" {at}/>')
    for place, points in enumerate(groups.values()):
        across, up = x(points[:, 0]) - _LEFT, y(points[:, 1]) - _TOP
        dots = "".join(
            f"M{a:.1f} {b:.1f}h0" for a, b in zip(across, up, strict=True) if _are_finite(a, b)
        )
        inner.append(f'<path class="d s{place}" d="{dots}"/>')
    frame = f'<svg x="{_LEFT}" y="{_TOP}" width="{_SQUARE}" height="{_SQUARE}">'
    parts.append(frame + "".join(inner) + "</svg>")
    key = "".join(f'<li class="s{at}">{_text(name)}</li>' for at, name in enumerate(groups))
    size = (_LEFT + _SQUARE + _RIGHT, _TOP + _SQUARE + _BOTTOM)
    return _figure(title, key, _svg(*size, title, parts))


def box_around(points: np.ndarray) -> Box:
    """Return a square that holds finite points (n, 2), with some room beside them."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return (-1.0, 1.0, -1.0, 1.0)
    low, high = finite.min(axis=0), finite.max(axis=0)
    middle, half = (low + high) / 2, 0.58 * max(float((high - low).max()), 1e-6)
    return (middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half)


def say(value: float) -> str:
    """Return a number in a few signs.

    Example:
        >>> say(-0.000012345), say(1200.0), say(float("nan"))
        ('−1.23e−5', '1200', '–')
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value)).replace("-", "−")
    mantissa, _, power = f"{value:.3g}".partition("e")
    return (mantissa + (f"e{int(power)}" if power else "")).replace("-", "−")


def _figure(title: str, key: str, drawn: str) -> str:
    return f"<figure><figcaption>{_text(title)}<ul>{key}</ul></figcaption>{drawn}</figure>"


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    head = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img"'
    return f'{head} aria-label="{_text(title)}">{"".join(parts)}</svg>'


def _axes(
    across: Sequence[tuple[float, str]],
    upright: Sequence[tuple[float, str]],
    *,
    right: float = _WIDTH - _RIGHT,
    bottom: float = _HEIGHT - _BOTTOM,
) -> Iterator[str]:
    """Yield the lines of the grid that run across and upright, with what they say."""
    for at, said in across:
        yield f'<path class="g" d="M{_LEFT} {at:.1f}H{right}"/>'
        yield f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{said}</text>'
    for at, said in upright:
        yield f'<path class="g" d="M{at:.1f} {_TOP}V{bottom}"/>'
        anchor = "end" if at > right - 12 else "middle"
        yield f'<text x="{at:.1f}" y="{bottom + 16}" text-anchor="{anchor}">{said}</text>'


def _path(across: np.ndarray, up: np.ndarray) -> str:
    """Return a line through the points, broken where one is not finite; a point alone is a dot."""
    drawn, pen = [], "M"
    for a, b in zip(across, up, strict=True):
        if not _are_finite(a, b):
            pen = "M"
            continue
        drawn.append(f"{pen}{a:.1f} {b:.1f}{'h0' if pen == 'M' else ''}")
        pen = "L"
    return "".join(drawn)


def _thin(values: np.ndarray) -> np.ndarray:
    """Return the indices of the points that are drawn, in their order."""
    if len(values) <= 2 * _BUCKETS:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for part in np.array_split(np.arange(len(values)), _BUCKETS):
        here = values[part]
        if np.isnan(here).all():
            kept.add(int(part[0]))  # the gap
        else:
            kept |= {int(part[np.nanargmin(here)]), int(part[np.nanargmax(here)])}
    return np.array(sorted(kept))


def _scale(low: float, high: float, start: float, end: float) -> Callable[..., Any]:
    """Return what takes a number, or an array of them, to a place in the figure."""
    return lambda value: start + (np.asarray(value) - low) * ((end - start) / (high - low))


def _padded(low: float, high: float, *, share: float = 0.05) -> tuple[float, float]:
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return low - room, high + room
    room = share * (high - low)
    return low - room, high + room


def _ticks(bottom: float, top: float, is_log: bool) -> list[float]:
    """Return where the axis has marks; its ends are logarithms where it is logarithmic."""
    if not is_log:
        return _round_numbers(bottom, top)
    decades = range(math.ceil(bottom), math.floor(top) + 1)
    return [10.0**each for each in decades[:: -(-len(decades) // _TICKS)]]


def _round_numbers(low: float, high: float) -> list[float]:
    """Return at most five round numbers between two.

    Example:
        >>> _round_numbers(0.0, 1.0)
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    least = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(least))
    pace = next(m * power for m in (1, 2, 2.5, 5, 10, 20) if m * power > least * (1 + 1e-9))
    first, last = math.ceil(low / pace - 1e-9), math.floor(high / pace + 1e-9)
    return [
        round(number * pace, 12 - math.floor(math.log10(pace))) for number in range(first, last + 1)
    ]


def _last(values: np.ndarray) -> float:
    return float(values[-1]) if values.size else math.nan


def _are_finite(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))


def _text(said: str) -> str:
    return html.escape(said)
