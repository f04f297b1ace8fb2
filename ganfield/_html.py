"""Results as small tables, which notebooks show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import jax
import numpy as np

from ganfield._describe import describe
from ganfield._summarize import amount
from ganfield._types import Players

_LONGEST = 120  # characters of a cell
_MOST = 8  # numbers of an array that are shown


def html_table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> str:
    """Return a table in HTML, whatever stands in it as text.

    Example:
        >>> html_table(["a<b"], [[0.5]])
        '<table><thead><tr><th>a&lt;b</th></tr></thead><tbody><tr><td>0.5</td></tr></tbody></table>'
    """
    caption = f"<caption>{escape(title)}</caption>" if title else ""
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = (
        "<tr>" + "".join(f"<td>{escape(said(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    start = f"<thead><tr>{heads}</tr></thead>" if head else ""
    return f"<table>{caption}{start}<tbody>{''.join(lines)}</tbody></table>"


def html_facts(title: str, facts: Mapping[str, Any]) -> str:
    """Return a table of names and what is said of them.

    Example:
        >>> html_facts("Rate", {"predicted": 0.25})
        '<table><caption>Rate</caption><tbody><tr><td>predicted</td><td>0.25</td></tr></tbody></table>'
    """
    return html_table([], facts.items(), title=title)


def html_of(result: Any) -> str:
    """Return the table of a named tuple: its fields, in their order."""
    return html_facts(type(result).__name__, result._asdict())


def html_spread(mean: float, spread: float) -> str:
    """Return a mean with what it varies by, if that is known.

    Example:
        >>> html_spread(0.51234, 0.0213), html_spread(1.0, float("nan"))
        ('0.5123 ± 0.021', '1')
    """
    return f"{mean:.4g}" + ("" if np.isnan(spread) else f" ± {spread:.2g}")


def said(value: Any) -> str:
    """Return a value in a few words: six digits of a number, a few numbers of an array.

    Example:
        >>> said(1 / 3), said(10**7), said(None), said([1.0, 2 - 1e-9j]), said(np.ones((20, 3)))
        ('0.333333', '10000000', '–', '1, 2-1e-09j', 'float64[20,3]')
        >>> said(Players(0.5, np.ones(2)))
        'θ = 0.5, φ = 1, 1'
    """
    if value is None:
        return "–"
    if isinstance(value, str):
        return _shortened(value)
    if isinstance(value, jax.core.Tracer):
        return "…"
    if isinstance(value, Players) and all(map(_is_short, value)):
        return f"θ = {said(value.theta)}, φ = {said(value.phi)}"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        few = [said(each) for each in value[:_MOST]]
        return _shortened(", ".join(few + ["…"] * (len(value) > _MOST)))
    if isinstance(value, np.ndarray | np.generic | jax.Array | int | float | complex):
        if np.ndim(value) == 1 and np.size(value) <= _MOST:
            return ", ".join(said(each) for each in np.asarray(value))
        kind = "" if np.ndim(value) else np.asarray(value).dtype.kind
        if kind not in ("i", "u", "f", "c"):
            return describe(value)
        return f"{np.asarray(value).item():{'d' if kind in 'iu' else '.6g'}}"
    if type(value).__module__.startswith("ganfield") or not jax.tree.leaves(value):
        return _shortened(repr(value))
    return _shortened(amount(value))


def _is_short(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic | jax.Array | int | float) and (
        np.ndim(value) < 2 and np.size(value) <= _MOST
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
