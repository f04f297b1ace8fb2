"""Pixels over two axes that have names, and lines over one: where values lie, and what is said."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize

from ganfield.plotting._style import RGBA, ink, tint

_FEW = 7  # numbers that have room side by side
_LABELS = {
    "step_size": "step size h",
    "learning_rate": "learning rate",
    "gamma": "γ",
    "method.gamma": "γ",
}


def said(name: str) -> str:
    """Return what an axis or a quantity is called in a figure."""
    return _LABELS.get(name, name.replace("_", " "))


def is_geometric(values: np.ndarray) -> bool:
    """Return whether the values grow by a factor, which two of them do not show."""
    if len(values) < 3 or values[0] <= 0:
        return False
    factors = np.diff(np.log(values))
    # Close to 1 a factor is a step as well, and the plain axis reads better.
    return bool(np.ptp(factors) < 1e-3 * factors.mean() and values[-1] > 2 * values[0])


def edges(values: np.ndarray) -> np.ndarray:
    """Return the borders of the pixels, which are half-way between values as the axis shows it."""
    if len(values) == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    geometric = is_geometric(values)
    at = np.log(values) if geometric else values
    middle = (at[1:] + at[:-1]) / 2
    borders = np.concatenate([[2 * at[0] - middle[0]], middle, [2 * at[-1] - middle[-1]]])
    return np.exp(borders) if geometric else borders


def places(labels: np.ndarray) -> tuple[np.ndarray, list[str] | None]:
    """Return where values lie on an axis, and their names where they have no order of their own.

    Numbers that rise lie at themselves. What does not, and texts, lie side by side.
    """
    if labels.dtype.kind in "iuf" and np.all(np.diff(labels) > 0):
        return labels.astype(float), None
    names = [each if isinstance(each, str) else f"{each:g}" for each in labels]
    return np.arange(len(labels), dtype=float), names


def pixels(
    ax: Axes,
    columns: np.ndarray,
    rows: np.ndarray,
    shown: np.ndarray,
    *,
    norm: Normalize,
    colours: Colormap,
) -> QuadMesh:
    """Draw an image over two axes; those whose values grow by a factor are logarithmic."""
    image = ax.pcolormesh(
        edges(columns),
        edges(rows),
        shown,
        cmap=colours,
        norm=norm,
        rasterized=True,  # A PDF of a fine grid stays small, and viewers draw no seams.
        zorder=0,
    )
    for values, set_scale in ((columns, ax.set_xscale), (rows, ax.set_yscale)):
        if is_geometric(values):
            set_scale("log")
    ax.set(xlim=edges(columns)[[0, -1]], ylim=edges(rows)[[0, -1]])
    return image


def colours(name: str, *of: str | RGBA) -> Colormap:
    """Return a smooth scale of colours; what is unknown is grey."""
    smooth = LinearSegmentedColormap.from_list(name, list(of))
    return smooth.with_extremes(bad=tint(ink(), 0.35))


def name_places(axis: Any, at: np.ndarray, names: list[str] | None) -> None:
    """Write the names of values under an axis; of few numbers that grow by a factor the numbers."""
    if names is None and is_geometric(at) and len(at) <= _FEW:
        names = [f"{value:.3g}" for value in at]
    if names is not None:
        axis.set_ticks(at, names)
        axis.set_ticks([], minor=True)
