"""Bifurcation diagrams: branches over a knob, a line for what is stable, dashes for what is not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ganfield._types import Players
from ganfield.checks import check_count
from ganfield.plotting._map import said
from ganfield.plotting._style import COLORS, axes, ink, once, paper

# The shape of each event, whether it is filled, and what the legend calls it.
_EVENTS = {
    "fold": ("s", False, "fold"),
    "pitchfork": ("P", True, "pitchfork"),
    "transcritical": ("X", True, "transcritical"),
    "branch point": ("D", False, "branch point"),
    "hopf": ("o", True, "Hopf"),
    "flip": ("v", True, "flip"),
    "neimark-sacker": ("o", False, "Neimark–Sacker"),
}

_ROUNDING = 1e-12  # would fill the axis where all points are 0


def branches(
    result: Any, ax: Axes | None = None, *, ordinate: int | Callable[[Players], Any] = 0
) -> list[Line2D]:
    """Draw a bifurcation diagram: what rests, over a knob.

    What is stable is a solid line and what is not a dashed one; what is spurious, there or stable
    by a transform's doing and not the game's, has a colour of its own. Events are markers, a shape
    for each kind, with a strong resonance beside it. ``ax.legend()`` names all.

    Args:
        result: an object with ``branches``, ``events`` and ``knob``, such as that of
            ``gf.branches``.
        ax: where to draw; new axes if None.
        ordinate: what is drawn over the knob: the place of a parameter among all (θ before φ), or a
            function of a point that returns a number, such as
            ``lambda point: point.theta + point.phi``.

    Returns:
        The lines, one for each stretch of a branch, and then the events' markers.

    Raises:
        ValueError: there is no parameter at that place.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.sine())
        >>> diagram = gf.branches(lambda gamma: gf.consensus(v, gamma=gamma), gf.Players(0.0, 0.0),
        ...     (0.0, 2.0))
        >>> [line.get_linestyle() for line in gf.plot.branches(diagram)]
        ['--', '-', 'None']
    """
    heights = [_heights(branch.params, ordinate) for branch in result.branches]
    heights = [np.where(np.abs(each) < _ROUNDING, 0.0, each) for each in heights]
    ax = axes(ax)
    drawn = []
    for branch, height in zip(result.branches, heights, strict=True):
        for (stable, spurious), first, last in _stretches(branch):
            name = ("spurious, " if spurious else "") + ("stable" if stable else "unstable")
            drawn.extend(
                ax.plot(
                    branch.values[first : last + 1],
                    height[first : last + 1],
                    linestyle="-" if stable else "--",
                    linewidth=1.8 if stable else 1.0,
                    color=COLORS[1] if spurious else ink(),
                    label=once(ax, name),
                )
            )
    for branch, height in zip(result.branches, heights, strict=True):
        for event in branch.events:
            shape, filled, name = _EVENTS[event.kind]
            drawn.extend(
                ax.plot(
                    [event.value],
                    [height[event.place]],
                    marker=shape,
                    linestyle="none",
                    markersize=6,
                    color=ink(),
                    markerfacecolor=ink() if filled else paper(),
                    zorder=5,
                    label=once(ax, name),
                )
            )
            if event.resonance:
                ax.annotate(
                    event.resonance.replace(":", " : "),
                    (event.value, height[event.place]),
                    xytext=(5, 5),
                    textcoords="offset points",
                    fontsize="small",
                )
    ax.set(
        xlabel=ax.get_xlabel() or said(result.knob),
        ylabel=ax.get_ylabel() or _name(result, ordinate),
    )
    return drawn


def _heights(params: Players, ordinate: int | Callable[[Players], Any]) -> np.ndarray:
    if callable(ordinate):
        count = len(jax.tree.leaves(params)[0])
        points = (jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(count))
        return np.array([float(ordinate(point)) for point in points])
    flat = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in jax.tree.leaves(params)], axis=1)
    place = check_count(ordinate, argument="ordinate", minimum=0, maximum=flat.shape[1] - 1)
    return flat[:, place]


def _name(result: Any, ordinate: int | Callable[[Players], Any]) -> str:
    if callable(ordinate):
        return ""
    leaves = jax.tree.leaves(result.branches[0].params)
    if len(leaves) == 2 and all(leaf.ndim == 1 for leaf in leaves):
        return ("θ", "φ")[ordinate]
    return f"parameter {ordinate}"


def _stretches(branch: Any) -> list[tuple[tuple[bool, bool], int, int]]:
    """Return the stretches of a branch of one look: how, from which point and to which.

    Points of events belong to both sides.
    """
    events = {event.place for event in branch.events}
    looks = []
    for i in range(len(branch.values) - 1):
        at = i + 1 if i in events and i + 1 not in events else i
        spurious = branch.spurious is not None and bool(branch.spurious[at])
        looks.append((branch.kinds[at] == "stable", spurious))
    stretches, first = [], 0
    for look, group in groupby(looks):
        last = first + len(list(group))
        stretches.append((look, first, last))
        first = last
    return stretches
