"""Basins of attraction: where each start ends."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from ganfield._types import Players
from ganfield.plotting._plane import frame, hatched
from ganfield.plotting._style import COLORS, RGBA, axes, ink, once, paper, tint

# What gf.basins calls outcomes, by number.
_CONVERGED, _CYCLE, _DIVERGED, _UNDECIDED = range(4)
# The first of these differ in lightness as well, for prints without colour; ink is the seventh.
_FILLS = tuple(COLORS[index] for index in (0, 4, 2, 3, 1, 5))
_CYCLE_FILL = "#F0E442"  # Okabe and Ito's yellow, the one that COLORS leaves out.
_HATCHES = ("..", "xx", "++", "oo")


def basins(result: Any, ax: Axes | None = None) -> AxesImage:
    """Draw which attractor each start ends in.

    Every attractor has a colour, and a number if there are several; after seven of them the colours
    come again, hatched. Limit cycles are yellow, starts that diverge are hatched, and those of
    which nothing is known are grey with dashes. ``ax.legend()`` names what occurs.

    Args:
        result: an object with ``grid`` (`Players` of two arrays, shape ``(rows, columns)``, rows
            along φ), ``outcome`` (integers of that shape: 0 converged, 1 cycling, 2 diverged, 3
            undecided), ``attractor`` (integers of that shape, rows of ``attractors`` where the
            outcome is 0) and ``attractors``, shape ``(k, 2)``, such as that of ``gf.basins``.
        ax: where to draw; new axes if None.

    Returns:
        The image. Its array holds the attractor's number from 0, then k for cycles, k + 1 for what
        diverged, k + 2 for what is undecided.

    Raises:
        ValueError: the shapes do not fit, or a number names no outcome or no attractor.

    Example:
        >>> import types, numpy as np, ganfield as gf
        >>> theta, phi = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 1.0])
        >>> result = types.SimpleNamespace(
        ...     grid=gf.Players(theta, phi),
        ...     outcome=np.array([[0, 2, 0], [0, 1, 0]]),
        ...     attractor=np.array([[0, -1, 1], [0, -1, 1]]),
        ...     attractors=np.array([[-1.0, 0.0], [1.0, 0.0]]),
        ... )
        >>> gf.plot.basins(result).get_array().data
        array([[0, 3, 1],
               [0, 2, 1]])
    """
    theta, phi, classes, attractors = _read(result)
    count = len(attractors)
    palette = [*(tint(color, 0.75) for color in _FILLS), tint(ink(), 0.75)]
    fills = [palette[index % len(palette)] for index in range(count)]
    fills += [tint(_CYCLE_FILL, 0.75), tint(ink(), 0.06), tint(ink(), 0.35)]
    hatches = [_hatch(index // len(palette)) for index in range(count)]
    hatches += ["", "\\\\\\\\", "--"]
    several = count > 1
    labels = [f"attractor {index + 1}" if several else "attractor" for index in range(count)]
    labels += ["limit cycle", "diverged", "undecided"]

    ax = axes(ax)
    # Pixels are centred on their starts, so half of the outermost ones lies beyond the bounds.
    across, up = (0.5 * (line[-1] - line[0]) / (len(line) - 1) for line in (theta, phi))
    image = ax.imshow(
        classes,
        origin="lower",
        extent=(theta[0] - across, theta[-1] + across, phi[0] - up, phi[-1] + up),
        aspect="auto",
        interpolation="nearest",
        cmap=ListedColormap(fills),
        norm=BoundaryNorm(np.arange(len(fills) + 1) - 0.5, len(fills)),
        zorder=0,
    )
    for index in np.unique(classes):
        if hatches[index]:
            hatched(
                ax,
                theta,
                phi,
                classes == index,
                hatch=hatches[index],
                facecolor=(0, 0, 0, 0),
                edgecolor=ink(0.45),
                linewidth=0,
                zorder=0.1,
            )
        _legend_entry(ax, labels[index], fills[index], hatches[index])
    for index, at in enumerate(attractors):
        _mark(ax, at, str(index + 1) if several else "")
    frame(ax, Players((theta[0], theta[-1]), (phi[0], phi[-1])))
    return image


def _read(result: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the columns' and the rows' coordinates, the class of each pixel, the attractors."""
    columns, rows = (np.asarray(part, float) for part in result.grid)
    outcome, attractor = np.asarray(result.outcome), np.asarray(result.attractor)
    shapes = [part.shape for part in (columns, rows, outcome, attractor)]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2 or min(shapes[0]) < 2:
        raise ValueError(
            "grid.theta, grid.phi, outcome and attractor must have one shape (rows, columns), two "
            f"or more of each, got {', '.join(map(str, shapes))}"
        )
    theta, phi = columns[0], rows[:, 0]
    exact = np.meshgrid(*(np.linspace(line[0], line[-1], len(line)) for line in (theta, phi)))
    # A hundredth of a step is what rounding in float32 may do to a fine grid, and no more.
    steps = [(line[-1] - line[0]) / (len(line) - 1) for line in (theta, phi)]
    regular = all(
        step > 0 and np.all(np.abs(given - even) < 0.01 * step)
        for given, even, step in zip((columns, rows), exact, steps, strict=True)
    )
    if not regular:
        raise ValueError("grid must have even steps, θ rising along rows and φ along columns")
    attractors = np.asarray(result.attractors, float).reshape(-1, 2)
    if not np.isin(outcome, range(4)).all():
        raise ValueError(f"outcome must hold numbers from 0 to 3, got {np.unique(outcome)}")
    named = attractor[outcome == _CONVERGED]
    if not np.isin(named, range(len(attractors))).all():
        raise ValueError(
            f"attractor must hold rows of the {len(attractors)} attractors where the outcome is 0, "
            f"got {np.unique(named)}"
        )
    classes = np.where(outcome == _CONVERGED, attractor, len(attractors) + outcome - _CYCLE)
    return theta, phi, classes, attractors


def _hatch(cycle: int) -> str:
    """Return none for the first cycle of colours, then one after the other, ever denser."""
    if cycle == 0:
        return ""
    denser, index = divmod(cycle - 1, len(_HATCHES))
    return _HATCHES[index] + denser * _HATCHES[index][0]


def _legend_entry(ax: Axes, label: str, fill: RGBA, hatch: str) -> None:
    # A legend copies what it shows from an artist, and an invisible one would be copied as such:
    # this one lies outside the axes, which cut it off.
    entry = Rectangle((-1, -1), 0, 0, transform=ax.transAxes, label=once(ax, label))
    entry.set(facecolor=fill, edgecolor=ink(0.45), linewidth=0.6, hatch=hatch, in_layout=False)
    ax.add_patch(entry)


def _mark(ax: Axes, at: np.ndarray, number: str) -> None:
    theta, phi = at
    size = {0: 35, 1: 75}.get(len(number), 120)
    ax.scatter(theta, phi, s=size, facecolors=[paper()], edgecolors=[ink()], linewidths=1, zorder=4)
    ax.text(
        theta,
        phi,
        number,
        ha="center",
        va="center_baseline",
        fontsize=6.5,
        color=ink(),
        zorder=4.1,
        clip_on=True,
    )
