"""A quantity of many runs along the axes of their sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.transforms import blended_transform_factory

from ganfield.checks import lookup
from ganfield.plotting._curves import LINE_STYLES
from ganfield.plotting._map import colours, is_geometric, name_places, pixels, places, said
from ganfield.plotting._style import COLORS, axes, ink, once, paper

_SEEDS = ("seed", "key")
_MOST_LINES = 7
_STEP = "step"


def sweep(
    result: Any,
    quantity: str | None = None,
    ax: Axes | None = None,
    *,
    x: str | None = None,
    y: str | None = None,
    lines: str | None = None,
) -> list[Line2D] | QuadMesh:
    """Draw a quantity of a sweep along an axis, with a line for each value of another, or a map.

    A point is the mean over the runs of all other axes, seeds for example, at the last record, and
    a band or a bar reaches one standard deviation to both sides. Runs that stopped at a NaN or an
    infinity, or are not done, are left out of both, and marked: × where some stopped, + where
    an inner solve failed, both larger the more of the runs did. In a map the mark is in the pixel;
    beside lines it is at the foot. A pixel without any run that counts is grey.

    Args:
        result: a `ganfield.Sweep`.
        quantity: the name of what was recorded, one number for each run; None where that is all.
        ax: where to draw; new axes if None.
        x: the horizontal axis; "step" for the steps of the runs. By default the first axis of
            several numbers that is not called seed or key, and steps where there is none.
        y: the vertical axis of a map. None for lines.
        lines: the axis whose values have a line each. By default the first one of up to seven
            values that is left and no seed.

    Returns:
        The lines of the means, or the image. ``ax.legend()`` names the lines and the marks,
        ``ax.figure.colorbar(image)`` explains the colours.

    Raises:
        ValueError: there is no such axis or quantity; one axis is named twice; the quantity is no
            number.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> def build(step_size, gamma, seed):
        ...     start = gf.Players(*jax.random.normal(jax.random.key(seed), (2,)))
        ...     return gf.simulation(
        ...         gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma), start,
        ...         record=lambda state, info: {"distance": optax.tree.norm(state.params)},
        ...     )
        >>> import jax
        >>> grid = {"step_size": [0.1, 0.2, 0.4], "gamma": [0.0, 1.0], "seed": range(4)}
        >>> runs = gf.sweep(build, grid, num_steps=5)
        >>> [line.get_label() for line in gf.plot.sweep(runs, "distance")]
        ['γ = 0', 'γ = 1']
        >>> gf.plot.sweep(runs, x="step_size", y="gamma").get_array().shape
        (2, 3)
    """
    x, y, lines = _chosen(result, x, y, lines)
    at_steps = x == _STEP
    values = _values(result, quantity, at_steps)
    table = _Table(result, values, [name for name in (x, y, lines) if name is not None])
    ax = axes(ax)
    kept = [
        name for name in result.axes if name not in (x, y, lines) and result.axes[name].size > 1
    ]
    name = said(quantity or "what was recorded")
    name += f", mean over {', '.join(map(said, kept))}" if kept else ""
    if y is not None:
        image = _map(ax, table, x, y)
        ax.set(xlabel=ax.get_xlabel() or said(x), ylabel=ax.get_ylabel() or said(y))
        ax.set_title(ax.get_title() or name)
        return image
    drawn = _lines(ax, table, x, lines)
    ax.set(xlabel=ax.get_xlabel() or said(x), ylabel=ax.get_ylabel() or name)
    return drawn


def _chosen(
    result: Any, x: str | None, y: str | None, lines: str | None
) -> tuple[str, str | None, str | None]:
    """Return the axes that are drawn, with what was left open."""
    known = {**dict.fromkeys(result.axes), **({} if y is not None else {_STEP: None})}
    given = [name for name in (x, y, lines) if name is not None]
    for name, argument in ((x, "x"), (y, "y"), (lines, "lines")):
        if name is not None:
            lookup(known if argument == "x" else result.axes, name, argument=f"axis, {argument},")
    if len({*given}) < len(given):
        raise ValueError(f"x, y and lines must be different axes, got {', '.join(given)}")
    if y is not None and lines is not None:
        raise ValueError(f"a map has no lines: give y or lines, got y={y!r} and lines={lines!r}")
    free = [
        name
        for name, labels in result.axes.items()
        if name not in (*_SEEDS, *given) and labels.size > 1
    ]
    if x is None:
        numbers = [name for name in free if places(result.axes[name])[1] is None]
        x = (numbers or free or [_STEP])[0]
    if y is None and lines is None:
        few = [name for name in free if name != x and result.axes[name].size <= _MOST_LINES]
        lines = few[0] if few else None
    return x, y, lines


def _values(result: Any, quantity: str | None, at_steps: bool) -> np.ndarray:
    """Return one number for each run, NaN where it stopped or is not done; or at every step."""
    kept = np.asarray(result.values(quantity), float)
    stopped = np.asarray(result.run.stopped_at)
    if quantity in ("stopped_at", "unsolved_at"):
        kept = np.broadcast_to(kept, (len(result.run.steps), *kept.shape))
    if kept.shape != (len(result.run.steps), *stopped.shape):
        raise ValueError(
            f"quantity must be one number for each run, and {quantity!r} is an array of shape "
            f"{kept.shape[1 + stopped.ndim :]}"
        )
    counts = (stopped < 0) & (True if result.done is None else result.done)
    if not at_steps:
        return np.where(counts, kept[-1], np.nan)
    steps = np.asarray(result.run.steps).reshape(-1, *[1] * stopped.ndim)
    known = ((stopped < 0) | (steps < stopped)) & (True if result.done is None else result.done)
    return np.where(known, kept, np.nan)


class _Table:
    """Means and spreads over the axes that are not drawn, and the shares of runs that failed."""

    def __init__(self, result: Any, values: np.ndarray, drawn: list[str]):
        self.labels = {_STEP: np.asarray(result.run.steps), **result.axes}
        self.stops = np.asarray(result.run.stopped_at)[np.asarray(result.run.stopped_at) >= 0]
        names = [*([_STEP] if _STEP in drawn else []), *result.axes]
        self._drawn, self._names = drawn, names
        self.known = self._of(np.isfinite(values)).sum(axis=-1)
        rows = np.ma.masked_invalid(self._of(values))
        self.mean = rows.mean(axis=-1).filled(np.nan)
        spread = rows.std(axis=-1, ddof=1).filled(np.nan) if rows.shape[-1] > 1 else 0 * self.mean
        self.spread = np.nan_to_num(spread)
        of_runs = [np.asarray(result.run.stopped_at) >= 0, np.asarray(result.run.unsolved_at) >= 0]
        self.stopped, self.unsolved = (
            self._of(np.broadcast_to(each, values.shape)).mean(axis=-1) for each in of_runs
        )

    def _of(self, values: np.ndarray) -> np.ndarray:
        """Return values with the drawn axes first, and all others as one."""
        order = [self._names.index(name) for name in self._drawn]
        order += [i for i in range(len(self._names)) if i not in order]
        moved = values.transpose(order)
        return moved.reshape(*moved.shape[: len(self._drawn)], -1)


def _lines(ax: Axes, table: _Table, x: str, lines: str | None) -> list[Line2D]:
    at, names = places(table.labels[x])
    before = len(ax.lines)
    count = 1 if lines is None else table.labels[lines].size
    drawn = []
    for index in range(count):
        part = slice(None) if lines is None else (slice(None), index)
        mean, spread = table.mean[part], table.spread[part]
        color, dashes = f"C{(before + index) % 10}", LINE_STYLES[index % len(LINE_STYLES)]
        label = None if lines is None else f"{said(lines)} = {_label(table.labels[lines][index])}"
        # What has no order has no line: values of a choice lie side by side.
        aside = 0.0 if names is None else 0.12 * (index - (count - 1) / 2)
        style = {"linestyle": dashes} if names is None else {"linestyle": "none", "marker": "o"}
        (line,) = ax.plot(at + aside, mean, color=color, label=label, **style)
        if x != _STEP and names is None:
            line.set(marker=".")
        if np.any(spread > 0) and names is None:
            ax.fill_between(at, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
        elif np.any(spread > 0):
            ax.errorbar(at + aside, mean, spread, color=color, fmt="none", linewidth=1)
        drawn.append(line)
        if x != _STEP:
            foot = blended_transform_factory(ax.transData, ax.transAxes)
            height = np.full(at.shape, 0.03 + 0.05 * index)
            _marks(ax, at + aside, height, table, part, color, transform=foot)
    if x == _STEP and table.stops.size:
        foot = blended_transform_factory(ax.transData, ax.transAxes)
        label = once(ax, "a run stopped")
        ax.scatter(
            table.stops, np.full(table.stops.shape, 0.03), 25, color=ink(), marker="x",
            transform=foot, label=label,
        )  # fmt: skip
    if names is None and is_geometric(at):
        ax.set_xscale("log")
    if x != _STEP:  # Where all runs stopped there is no point of a line.
        ax.set_xlim(_ends(at, names is None))
        _explain(ax, table)
    name_places(ax.xaxis, at, names)
    return drawn


def _ends(at: np.ndarray, are_numbers: bool) -> tuple[float, float]:
    """Return the ends of an axis, a little beyond its values."""
    if len(at) == 1 or not are_numbers:
        return at[0] - 0.5, at[-1] + 0.5
    if is_geometric(at):
        aside = (at[-1] / at[0]) ** 0.04
        return at[0] / aside, at[-1] * aside
    return at[0] - 0.04 * np.ptp(at), at[-1] + 0.04 * np.ptp(at)


def _map(ax: Axes, table: _Table, x: str, y: str) -> QuadMesh:
    columns, column_names = places(table.labels[x])
    rows, row_names = places(table.labels[y])
    shown = np.ma.masked_invalid(table.mean.T)
    norm = Normalize(shown.min(), shown.max()) if shown.count() else Normalize(0, 1)
    scale = colours("sweep", paper(), COLORS[0])
    image = pixels(ax, columns, rows, shown, norm=norm, colours=scale)
    across, up = np.meshgrid(columns, rows, indexing="ij")
    _marks(ax, across, up, table, slice(None), ink())
    _explain(ax, table)
    name_places(ax.xaxis, columns, column_names)
    name_places(ax.yaxis, rows, row_names)
    return image


def _marks(
    ax: Axes, across: np.ndarray, up: np.ndarray, table: _Table, part: Any, color: Any, **more: Any
) -> None:
    """Mark where runs stopped and where inner solves failed, larger the more of them did."""
    for shares, marker in ((table.stopped[part], "x"), (table.unsolved[part], "+")):
        some = shares > 0
        ax.scatter(
            across[some], up[some], 8 + 40 * shares[some], color=color, marker=marker,
            linewidths=1, zorder=3, **more,
        )  # fmt: skip


def _explain(ax: Axes, table: _Table) -> None:
    """Name the marks for the legend, where there are any."""
    for shares, marker, label in (
        (table.stopped, "x", "some runs stopped"),
        (table.unsolved, "+", "some inner solves failed"),
    ):
        if np.any(shares > 0):
            ax.scatter([], [], 25, color=ink(), marker=marker, linewidths=1, label=once(ax, label))


def _label(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:g}"
