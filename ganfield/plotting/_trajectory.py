"""Paths of runs in the plane."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from ganfield._types import Players
from ganfield.checks import check_bounds, check_count
from ganfield.plotting._plane import frame, name_axes
from ganfield.plotting._style import axes, paper


def trajectory(
    points: Players,
    ax: Axes | None = None,
    *,
    label: str,
    bounds: Any = None,
    color: Any = None,
    linestyle: str = "-",
    max_points: int = 5000,
) -> list[Line2D]:
    """Draw runs in the plane: an open square where one starts, a filled one where it ends.

    A run that becomes NaN or infinite is drawn up to the record before, with a cross there.

    Args:
        points: `Players` of two arrays, ``(records,)`` or ``(records, k)`` for k runs. Of a run
            with more parameters, their ``coordinates`` in a plane of `ganfield.planes`.
        ax: where to draw; new axes if None.
        label: for the legend, the name of what drew these paths (the method, its step size). There
            is one entry for all k.
        bounds: what to show, ``(low, high)`` or `Players` of two such pairs; paths that leave are
            cut there. If None, the axes stay as they are.
        color: of all lines; the next of the cycle if None.
        linestyle: of all lines.
        max_points: of a path of more records, so many at even distances are drawn, the first and
            the last among them. Raise it where paths turn within a few records.

    Returns:
        The paths.

    Raises:
        ValueError: the points are not of such shapes, or a start is not finite or not within the
            bounds; there is no label.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> t = np.linspace(0, 6, 50)
        >>> spiral = gf.Players(np.exp(-t / 4) * np.cos(t), np.exp(-t / 4) * np.sin(t))
        >>> gf.plot.trajectory(spiral, label="flow", bounds=(-1, 1))[0].get_xydata().shape
        (50, 2)
    """
    check_label(label)
    both, alive = read_paths(points, argument="points")
    max_points = check_count(max_points, argument="max_points", minimum=2)
    box = None if bounds is None else check_bounds(bounds)
    if box is not None:
        check_starts(both[0], box, argument="points")

    ax = axes(ax)
    lines: list[Line2D] = []
    for run, records in enumerate(alive):
        path = both[_thinned(records, max_points), run]
        (line,) = ax.plot(path[:, 0], path[:, 1], linestyle, color=color, zorder=3)
        line.set(label="_nolegend_" if lines else label, solid_joinstyle="round")
        # A rim of the ground's colour lifts the path off streamlines.
        rim = withStroke(linewidth=line.get_linewidth() + 1.4, foreground=paper())
        line.set_path_effects([rim])
        color = line.get_color() if color is None else color
        lines.append(line)
    ends = both[alive - 1, np.arange(len(alive))]
    ended = alive == len(both)
    _mark(ax, both[0], "s", color=color, fill=paper())
    _mark(ax, ends[ended], "s", color=color, fill=color)
    _mark(ax, ends[~ended], "x", color=color, fill=color)
    name_axes(ax) if box is None else frame(ax, box)
    return lines


def check_label(label: Any) -> None:
    """Raise a ``ValueError`` unless a legend will show the label."""
    # Matplotlib leaves labels that begin with an underscore out.
    if not isinstance(label, str) or not label.strip() or label.startswith("_"):
        raise ValueError(
            "label must say what drew the paths, in words that do not begin with an underscore, "
            f"got {label!r}"
        )


def check_starts(starts: np.ndarray, bounds: Players, *, argument: str) -> None:
    """Raise a ``ValueError`` unless all starts, shape ``(k, 2)``, are within the bounds."""
    low, high = np.array(bounds).T
    outside = ~((starts >= low) & (starts <= high)).all(axis=1)
    if outside.any():
        theta, phi = starts[outside][0]
        raise ValueError(
            f"{argument} must start within the bounds, θ in {list(bounds.theta)} and φ in "
            f"{list(bounds.phi)}: {outside.sum()} of {len(starts)} do not, the first of them "
            f"starts at ({theta:g}, {phi:g})"
        )


def read_paths(points: Any, *, argument: str) -> tuple[np.ndarray, np.ndarray]:
    """Return points as one array, and for how many records each run is finite.

    Args:
        points: `Players` of two arrays, ``(records,)`` or ``(records, k)``.
        argument: what the caller calls them.

    Returns:
        The points, shape ``(records, k, 2)``, NaN from the first record on that is not finite, and
        that record, shape ``(k,)``.

    Raises:
        ValueError: they have other shapes, or a start is not finite.
    """
    wanted = f"{argument} must be Players of two arrays of one shape, (records,) or (records, k)"
    if not isinstance(points, Players):
        raise ValueError(f"{wanted}, got {type(points).__name__}")
    try:
        theta, phi = (np.asarray(part, float) for part in points)
    except (TypeError, ValueError) as error:
        kinds = " and ".join(type(part).__name__ for part in points)
        raise ValueError(f"{wanted}, got Players of {kinds}") from error
    if theta.shape != phi.shape or theta.ndim not in (1, 2) or not theta.size:
        raise ValueError(f"{wanted}, got shapes {theta.shape} and {phi.shape}")
    both = np.stack([theta, phi], axis=-1).reshape(len(theta), -1, 2)
    finite = np.isfinite(both).all(axis=-1)
    if not finite[0].all():
        raise ValueError(
            f"{argument} must start at finite numbers, got {both[0][~finite[0]][0].tolist()} as "
            f"the start of run {np.argmin(finite[0])}"
        )
    alive = np.where(finite.all(axis=0), len(both), finite.argmin(axis=0))
    both[np.arange(len(both))[:, None] >= alive] = np.nan
    return both, alive


def _thinned(records: int, most: int) -> np.ndarray:
    if records <= most:
        return np.arange(records)
    return np.linspace(0, records - 1, most).round().astype(int)


def _mark(ax: Axes, at: np.ndarray, marker: str, *, color: Any, fill: Any) -> None:
    if len(at):
        ax.plot(
            at[:, 0],
            at[:, 1],
            marker=marker,
            color=color,
            linestyle="none",
            markersize=4,
            markeredgewidth=1,
            markeredgecolor=color,
            markerfacecolor=fill,
            zorder=4,
        )
