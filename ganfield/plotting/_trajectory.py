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
from ganfield.plotting._thinned import thinned
from ganfield.simulate import Run, failures


def trajectory(
    points: Players | Run,
    ax: Axes | None = None,
    *,
    label: str,
    bounds: Any = None,
    color: Any = None,
    linestyle: str = "-",
    max_points: int | None = None,
) -> list[Line2D]:
    """Draw runs in the plane: an open square where one starts, a filled one where it ends.

    A run that becomes NaN or infinite is drawn up to the record before, with a cross there. From
    the step whose inner solve failed on a run is drawn with dots, for there it is not the method
    that it is named after; the legend says so.

    Args:
        points: `Players` of two arrays, ``(records,)`` or ``(records, k)`` for k runs. Of a run
            with more parameters, their ``coordinates`` in a plane of `ganfield.planes`. Or a `Run`
            whose records are such, of `ganfield.simulate.paths` say, which knows what failed.
        ax: where to draw; new axes if None.
        label: for the legend, the name of what drew these paths (the method, its step size). There
            is one entry for all k.
        bounds: what to show, ``(low, high)`` or `Players` of two such pairs; paths that leave are
            cut there. If None, the axes stay as they are.
        color: of all lines; the next of the cycle if None.
        linestyle: of all lines.
        max_points: of a path of more records no more points are drawn. If None, all that can be
            told apart: of more than 5000 records those are left out that stay within a thousandth
            of the picture's size, or go over what is drawn. The legend says how many of how many.

    Returns:
        The paths, one line for each run; two for one whose inner solve failed.

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
    if max_points is not None:
        max_points = check_count(max_points, argument="max_points", minimum=2)
    box = None if bounds is None else check_bounds(bounds)
    if box is not None:
        check_starts(both[0], box, argument="points")

    ax = axes(ax)
    if box is None:
        low, high = np.nanmin(both, axis=(0, 1)), np.nanmax(both, axis=(0, 1))
    else:
        low, high = np.array(box).T
    drawn = 0
    pieces: list[tuple[np.ndarray, str]] = []
    for run, (records, solved) in enumerate(zip(alive, _solved(points, len(both)), strict=True)):
        path = both[:records, run]
        pieces.append((thinned(path[:solved], low, high, max_points), linestyle))
        drawn += int(np.isfinite(pieces[-1][0][:, 0]).sum())
        if solved < records:  # The way of the failed step begins at the record before.
            pieces.append((thinned(path[solved - 1 :], low, high, max_points), ":"))
            drawn += int(np.isfinite(pieces[-1][0][1:, 0]).sum())
    said = [failures(points)] if isinstance(points, Run) else []
    said += [f"{drawn:,} of {alive.sum():,} points"] if drawn < alive.sum() else []
    label = "\n".join(filter(None, [label, *said]))
    lines: list[Line2D] = []
    for path, style in pieces:
        (line,) = ax.plot(path[:, 0], path[:, 1], style, color=color, zorder=3)
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
        points: `Players` of two arrays, ``(records,)`` or ``(records, k)``, or a `Run` of them.
        argument: what the caller calls them.

    Returns:
        The points, shape ``(records, k, 2)``, NaN from the first record on that is not finite, and
        that record, shape ``(k,)``.

    Raises:
        ValueError: they have other shapes, or a start is not finite.
    """
    wanted = f"{argument} must be Players of two arrays of one shape, (records,) or (records, k)"
    points = points.records if isinstance(points, Run) else points
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


def _solved(points: Players | Run, records: int) -> np.ndarray:
    """Return how many records of each run its method made, before an inner solve failed."""
    if not isinstance(points, Run):
        return np.full(np.shape(points.theta)[1:] or 1, records)
    failed = np.reshape(points.unsolved_at, -1)
    return np.where(failed < 0, records, np.searchsorted(points.steps, failed))


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
