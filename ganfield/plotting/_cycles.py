"""Closed orbits in the plane."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ganfield.dynamics import LimitCycle
from ganfield.plotting._plane import name_axes
from ganfield.plotting._style import axes, ink, once, paper

_LINES = {"stable": "-", "unstable": "--", "saddle": "-.", "undecided": ":"}


def cycles(
    cycles: LimitCycle | Iterable[LimitCycle], ax: Axes | None = None, *, color: Any = None
) -> list[Line2D]:
    """Draw closed orbits: solid where they attract, dashed where they repel.

    A cycle of a map is its points, filled where it attracts and open where not, with a thin line in
    their order; an invariant circle is the points of a run on it.

    Args:
        cycles: of ``gf.limit_cycle``, one or several, of games of two numbers.
        ax: where to draw; new axes if None.
        color: of all; the ink of the text if None.

    Returns:
        The lines, one for each; the legend names each form and kind once.

    Raises:
        ValueError: one is none, or its points are not two numbers.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.almost_bilinear())
        >>> [line.get_label() for line in gf.plot.cycles(gf.limit_cycle(v, gf.Players(1.0, 0.0)))]
        ['stable orbit']
    """
    given = [cycles] if isinstance(cycles, LimitCycle) else list(cycles)
    paths = [_points(each, index) for index, each in enumerate(given)]
    ax, color = axes(ax), ink() if color is None else color
    rim = [withStroke(linewidth=3.2, foreground=paper())]
    drawn = []
    for each, path in zip(given, paths, strict=True):
        closed = path if each.form == "circle" else np.concatenate([path, path[:1]])
        settings: dict[str, Any] = {"linestyle": _LINES[each.kind]}
        if each.form == "circle":
            settings = {"linestyle": "", "marker": ".", "markersize": 3}
        elif each.form == "cycle":
            filled = color if each.kind == "stable" else paper()
            settings = {"linewidth": 0.6, "marker": "o", "markersize": 5, "markerfacecolor": filled}
        label = once(ax, f"{each.kind} {each.form}")
        drawn += ax.plot(*closed.T, color=color, label=label, path_effects=rim, **settings)
    name_axes(ax)
    return drawn


def _points(cycle: Any, index: int) -> np.ndarray:
    """Return the points of an orbit, shape ``(count, 2)``."""
    if not isinstance(cycle, LimitCycle):
        raise ValueError(
            f"cycles must be LimitCycles, got {type(cycle).__name__} as element {index}"
        )
    parts = [np.asarray(part) for part in cycle.points if not isinstance(part, dict | list | tuple)]
    if len(parts) != 2 or any(part.ndim != 1 for part in parts):
        raise ValueError(
            f"cycles must be of games of two numbers, and element {index} is not: its points have "
            "no place in the plane"
        )
    return np.stack(parts, axis=1)
