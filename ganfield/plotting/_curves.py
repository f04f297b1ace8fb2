"""Quantities against steps, for several seeds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ganfield.plotting._style import axes


def curves(
    steps: ArrayLike,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    color: str = "C0",
    linestyle: str = "-",
    label: str | None = None,
) -> Line2D:
    """Draw a quantity against steps: the mean over seeds, and each seed faintly.

    Args:
        steps: shape ``(records,)``.
        values: shape ``(records,)`` or ``(records, seeds)``. A seed's NaN is left out of the mean.
        ax: where to draw; new axes if None.
        color: of all lines.
        linestyle: of all lines.
        label: for the legend.

    Returns:
        The line of the mean.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> import ganfield as gf
        >>> gf.plot.curves([0, 10], [[1.0, 3.0], [2.0, 4.0]]).get_ydata()
        array([2., 3.])
    """
    at, each = np.asarray(steps), np.asarray(values, float)
    each = each[:, None] if each.ndim == 1 else each
    if each.ndim != 2 or at.shape != each.shape[:1]:
        raise ValueError(
            "steps and values must have shapes (records,) and (records, seeds), got "
            f"{at.shape} and {np.shape(values)}"
        )
    ax = axes(ax)
    if each.shape[1] > 1:
        ax.plot(at, each, color=color, linestyle=linestyle, linewidth=0.6, alpha=0.35)
    mean = np.ma.masked_invalid(each).mean(axis=1).filled(np.nan)
    (line,) = ax.plot(at, mean, color=color, linestyle=linestyle, label=label)
    return line
