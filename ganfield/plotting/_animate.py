"""Runs that move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb

from ganfield._types import Players
from ganfield.checks import check_bounds, check_count
from ganfield.plotting._plane import frame, name_axes
from ganfield.plotting._style import axes, paper
from ganfield.plotting._trajectory import check_label, check_starts, read_paths
from ganfield.simulate import Run, failures


def animate(
    paths: Mapping[str, Players | Run],
    ax: Axes | None = None,
    *,
    bounds: Any = None,
    num_frames: int = 120,
    tail: int | None = None,
) -> FuncAnimation:
    """Animate runs in the plane: a head for each, with a tail that fades.

    A run that becomes NaN or infinite leaves a cross at the last record before. The animation
    plays only as long as it is kept in a variable; `save_animation` writes it to a file.

    Args:
        paths: label → `Players` of two arrays, ``(records,)`` or ``(records, k)`` for k runs. All
            have one number of records; a legend shows the labels. Or a `Run` whose records are
            such, of which the legend says whether it stopped or an inner solve failed.
        ax: where to draw, what is there stays; new axes if None.
        bounds: what to show, ``(low, high)`` or `Players` of two such pairs. If None, the axes'
            limits, or all points if those are free.
        num_frames: frames, spread evenly over the records, from the first to the last.
        tail: how many records a tail goes back; a tenth of all if None.

    Returns:
        The animation.

    Raises:
        ValueError: there is no path; the points are not of such shapes; the numbers of records
            differ; a start is not finite or not within the bounds.

    Example:
        >>> import pathlib, tempfile, numpy as np, ganfield as gf
        >>> t = np.linspace(0, 6, 50)
        >>> circle = gf.Players(np.cos(t), np.sin(t))
        >>> animation = gf.plot.animate({"flow": circle}, bounds=(-2, 2), num_frames=3)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gf.plot.save_animation(animation, pathlib.Path(folder) / "flow.gif", dpi=40)
    """
    if not paths:
        raise ValueError("paths must hold at least one label and its points, got none")
    read = {}
    box = None if bounds is None else check_bounds(bounds)
    for label, points in paths.items():
        check_label(label)
        path = read_paths(points, argument=f"paths[{label!r}]")
        if box is not None:
            check_starts(path[0][0], box, argument=f"paths[{label!r}]")
        said = failures(points) if isinstance(points, Run) else ""
        read["\n".join(filter(None, [label, said]))] = path
    lengths = {label: len(both) for label, (both, _) in read.items()}
    records = max(lengths.values())
    if min(lengths.values()) != records:
        raise ValueError(f"paths must have one number of records, got {lengths}")
    num_frames = check_count(num_frames, argument="num_frames")
    tail = max(1, records // 10) if tail is None else check_count(tail, argument="tail", minimum=0)

    ax = axes(ax)
    if box is not None:
        frame(ax, box)
    else:
        everything = np.concatenate([both.reshape(-1, 2) for both, _ in read.values()])
        ax.update_datalim(everything[np.isfinite(everything).all(axis=1)])
        ax.autoscale_view()
        name_axes(ax)
    moves = [_runner(ax, label, *path, tail=tail) for label, path in read.items()]
    # In one place, where no run comes: the best place would be another one in every frame.
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(read) if len(read) < 4 else 2,
        borderaxespad=0.2,
    )
    shown = np.linspace(0, records - 1, num_frames).round().astype(int)

    def draw(index: int) -> list[Artist]:
        return [artist for move in moves for artist in move(int(shown[index]))]

    draw(0)
    figure = ax.get_figure(root=True)
    assert figure is not None  # Axes that were removed from theirs.
    return FuncAnimation(figure, draw, frames=num_frames, interval=50, init_func=lambda: draw(0))


def _runner(
    ax: Axes, label: str, both: np.ndarray, alive: np.ndarray, *, tail: int
) -> Callable[[int], list[Artist]]:
    """Add the artists of one label, and return the function that moves them to a record."""
    (head,) = ax.plot([], [], "o", markersize=6, markeredgecolor=paper(), label=label, zorder=4)
    color = to_rgb(head.get_color())
    (cross,) = ax.plot([], [], "x", markersize=5, color=color, zorder=4)
    trace = LineCollection([], linewidths=1.6, capstyle="butt", zorder=3)
    ax.add_collection(trace, autolim=False)
    last = both[alive - 1, np.arange(len(alive))]

    def move(at: int) -> list[Artist]:
        first = max(0, at - tail)
        points = both[first : at + 1]
        pieces = np.stack([points[:-1], points[1:]], axis=2)
        age = at - 1 - np.arange(first, at)
        alpha = 1 - age / max(tail, 1)
        colors = np.empty((*pieces.shape[:2], 4))
        colors[..., :3], colors[..., 3] = color, alpha[:, None]
        whole = np.isfinite(pieces).all(axis=(2, 3))
        trace.set(segments=list(pieces[whole]), color=colors[whole])
        head.set_data(both[at, :, 0], both[at, :, 1])
        cross.set_data(*last[alive <= at].T)
        return [trace, head, cross]

    return move
