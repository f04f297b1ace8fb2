"""Eigenvalues in the complex plane."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from ganfield.checks import check_positive
from ganfield.plotting._style import axes, ink


def spectrum(
    eigenvalues: ArrayLike,
    ax: Axes | None = None,
    *,
    box: tuple[float, float, float, float] | None = None,
    unit_circle: bool = False,
    step_size: float | None = None,
    color: str = "C0",
    label: str | None = None,
) -> PathCollection:
    """Draw eigenvalues, and the line that divides the stable from the unstable.

    Args:
        eigenvalues: complex, any shape.
        ax: where to draw; new axes if None.
        box: (left, right, bottom, top), what to show; all if None. How many eigenvalues lie outside
            is written in the corner, so that none goes unnoticed.
        unit_circle: draw the unit circle, for eigenvalues of an update map such as I + hJ; else the
            imaginary axis, for those of a field's Jacobian.
        step_size: h > 0. Draw the circle abs(1 + hλ) = 1 too, with centre −1/h and radius 1/h, for
            eigenvalues of a field's Jacobian: simultaneous steps of size h are stable where they
            are inside, which is shaded.
        color: of the points.
        label: for the legend.

    Returns:
        The points.

    Raises:
        ValueError: the step size is not a positive number, or goes with ``unit_circle``.

    Example:
        >>> import ganfield as gf
        >>> points = gf.plot.spectrum([-1 + 2j, -1 - 2j], box=(-1.5, 0.5, -1, 1))
        >>> [text.get_text() for text in points.axes.texts]
        ['2 outside']
    """
    values = np.ravel(np.asarray(eigenvalues))
    if step_size is not None and unit_circle:
        raise ValueError(
            "step_size goes with eigenvalues of a field's Jacobian and unit_circle with those of "
            f"an update map: give one of them, got step_size={step_size!r} and unit_circle=True"
        )
    radius = None if step_size is None else 1 / check_positive(step_size, argument="step_size")
    ax = axes(ax)
    if unit_circle:
        ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=ink(0.5), linewidth=0.8, zorder=0))
        ax.set_aspect("equal")
    else:
        ax.axvline(0, color=ink(0.5), linewidth=0.8, zorder=0)
    if radius is not None:
        stable = Circle((-radius, 0), radius, facecolor=ink(0.07), zorder=0)
        stable.set(edgecolor=ink(0.5), linewidth=0.8)
        ax.add_patch(stable)
        ax.set_aspect("equal")
    points = ax.scatter(
        values.real, values.imag, s=7, color=color, alpha=0.5, linewidths=0, label=label
    )
    if box is not None:
        left, right, bottom, top = box
        inside = (values.real >= left) & (values.real <= right)
        inside &= (values.imag >= bottom) & (values.imag <= top)
        ax.set(xlim=(left, right), ylim=(bottom, top))
        if not inside.all():
            said = f"{np.sum(~inside)} outside"
            ax.text(0.03, 0.96, said, transform=ax.transAxes, va="top", fontsize=7, color=ink(0.75))
    ax.set(xlabel="Re λ", ylabel="Im λ")
    return points
