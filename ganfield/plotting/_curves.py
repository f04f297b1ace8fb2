"""Quantities against steps, for several seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from ganfield.plotting._style import axes

# Dashes let the curve below show, where one lies on another.
LINE_STYLES: tuple[Any, ...] = ("-", (0, (6, 4)), (0, (2, 2)), (0, (9, 3, 2, 3)))
_WIDE = 30.0  # from this ratio on a positive quantity is seen better on a logarithmic axis
_MEAN = "mean of curves"  # the group id of what was counted


def curves(
    steps: ArrayLike,
    values: ArrayLike,
    ax: Axes | None = None,
    *,
    color: Any = None,
    linestyle: Any = None,
    label: str | None = None,
) -> Line2D:
    """Draw a quantity against steps: the mean over seeds, and each seed faintly.

    Curves that lie on each other are told apart: the first of the axes is solid, the others are
    dashed, each in its own way, and the gaps show what is below. A number between two that are not
    finite is a dot.

    Args:
        steps: shape ``(records,)``.
        values: shape ``(records,)`` or ``(records, seeds)``. A seed's NaN is left out of the mean.
        ax: where to draw; new axes if None.
        color: of all lines; if None, the next of the cycle.
        linestyle: of the mean; if None, the next of `LINE_STYLES`.
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
    before = sum(line.get_gid() == _MEAN for line in ax.lines)
    color = f"C{before}" if color is None else color
    linestyle = LINE_STYLES[before % len(LINE_STYLES)] if linestyle is None else linestyle
    if each.shape[1] > 1:
        ax.plot(at, each, color=color, linewidth=0.6, alpha=0.35)
    mean = np.ma.masked_invalid(each).mean(axis=1).filled(np.nan)
    (line,) = ax.plot(at, mean, color=color, linestyle=linestyle, label=label, gid=_MEAN)
    line.set_zorder(2.1)  # above the seeds of every curve
    # A number between two that are none has no line to lie on.
    known = np.pad(np.isfinite(mean), 1)
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    if alone.any():
        line.set(marker=".", markevery=np.flatnonzero(alone).tolist())
    return line


def log_where_wide(ax: Axes) -> None:
    """Make the upright axis logarithmic, where all lines are positive and differ by a factor of 30.

    Args:
        ax: with the lines of `curves`.

    Example:
        >>> import ganfield as gf
        >>> line = gf.plot.curves([0, 1], [1.0, 1e-3])
        >>> gf.plot.log_where_wide(line.axes)
        >>> line.axes.get_yscale()
        'log'
    """
    heights = [np.asarray(line.get_ydata(), float) for line in ax.lines]
    finite = np.concatenate([each[np.isfinite(each)] for each in heights] or [np.ones(1)])
    if finite.size and finite.min() > 0 and finite.max() > _WIDE * finite.min():
        ax.set_yscale("log")
