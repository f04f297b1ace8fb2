"""Rows of what a study over seeds expected and measured: how a range is said, what is kept."""

from typing import Any

import numpy as np

Rows = list[tuple[str, str, str]]
"""(quantity, expected, measured)."""


def spread(values: Any) -> str:
    """Return the range of some values in two digits, or the one value."""
    low, high = f"{np.min(values):.2g}", f"{np.max(values):.2g}"
    return low if low == high else f"{low} to {high}"


def kept(rows: Rows) -> list[dict[str, str]]:
    """Return the rows as a result holds them."""
    return [dict(zip(("quantity", "expected", "measured"), row, strict=True)) for row in rows]
