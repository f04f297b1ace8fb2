"""Equilibria in the plane, a marker for each kind."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.patheffects import withStroke

from ganfield._types import Players
from ganfield.checks import lookup
from ganfield.plotting._plane import name_axes
from ganfield.plotting._style import COLORS, axes, ink, once, paper


class _Marker(NamedTuple):
    shape: str
    filled: bool
    size: float
    label: str


_MARKERS = {
    "stable": _Marker("o", True, 45, "stable"),
    "unstable": _Marker("o", False, 45, "unstable"),
    "saddle": _Marker("X", True, 60, "saddle"),
    "centre": _Marker("^", False, 55, "centre"),
    "undecided": _Marker("$?$", True, 60, "undecided"),
    "none": _Marker("P", False, 55, "no equilibrium"),
    "spurious attractor": _Marker("*", True, 120, "spurious attractor"),
    "spurious": _Marker("*", False, 120, "spurious"),
}


def equilibria(classifications: Iterable[Any], ax: Axes | None = None) -> list[PathCollection]:
    """Draw equilibria, in shapes that say their kinds without colour.

    A filled circle is stable, an open one unstable, a cross a saddle, an open triangle a centre,
    and a question mark undecided. A star is a point that the field has and the game has not, filled
    where the field attracts to it.

    Args:
        classifications: objects with ``params`` (`Players` of two numbers), ``kind`` and
            ``spurious`` (True, False or None), such as those of ``gf.classify``.
        ax: where to draw; new axes if None.

    Returns:
        The markers, one collection for each kind that occurs; the legend names each once.

    Raises:
        ValueError: a kind is unknown, or parameters are not two numbers.

    Example:
        >>> import types, ganfield as gf
        >>> origin = types.SimpleNamespace(
        ...     params=gf.Players(0.0, 0.0), kind="centre", spurious=False
        ... )
        >>> [markers.get_label() for markers in gf.plot.equilibria([origin])]
        ['centre']
    """
    points: dict[str, list[np.ndarray]] = {kind: [] for kind in _MARKERS}
    for index, each in enumerate(classifications):
        lookup({k: m for k, m in _MARKERS.items() if m.shape != "*"}, each.kind, argument="kind")
        invented = "spurious attractor" if each.kind == "stable" else "spurious"
        at = _two_numbers(each.params, index)
        points[invented if each.spurious else each.kind].append(at)
    ax = axes(ax)
    drawn = []
    for kind, (shape, filled, size, label) in _MARKERS.items():
        if not points[kind]:
            continue
        theta, phi = np.transpose(points[kind])
        star = shape == "*"
        color: Any = COLORS[1] if star else ink()
        drawn.append(
            ax.scatter(
                theta,
                phi,
                marker=shape,
                s=size,
                facecolors=color if filled else paper(),
                edgecolors=ink() if star and filled else color,
                linewidths=0.7 if filled else 1.4,
                # A rim of the ground's colour lifts markers off streamlines.
                path_effects=[withStroke(linewidth=3.2, foreground=paper())],
                zorder=5,
                label=once(ax, label),
            )
        )
    name_axes(ax)
    return drawn


def _two_numbers(params: Any, index: int) -> np.ndarray:
    if isinstance(params, Players):
        at = [np.asarray(part) for part in params]
        if all(part.ndim == 0 and part.dtype.kind in "fiu" for part in at):
            return np.array(at, float)
    raise ValueError(
        f"params must be Players of two numbers, got {params!r} in element {index}: a game of more "
        "parameters has no place in the plane"
    )
