"""What figures of samples in the plane share: their square, the real data, what is not in it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.text import Text
from numpy.typing import ArrayLike

from ganfield.checks import check_positive
from ganfield.plotting._style import ink, once

_MARGIN = 1.08  # of the square round the real data


def read_real(real: ArrayLike | None) -> np.ndarray | None:
    """Return real examples as an array, None where there are none.

    Raises:
        ValueError: they are not finite points in the plane.
    """
    if real is None:
        return None
    points = np.asarray(real, float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise ValueError(
            f"real must be finite numbers of shape (n, 2), got an array of shape {points.shape}"
        )
    return points


def limit_of(limit: float | None, real: np.ndarray | None, default: float) -> float:
    """Return half the side of the square: what was said, or what shows all real points."""
    if limit is not None:
        return check_positive(limit, argument="limit")
    return default if real is None else max(_MARGIN * float(np.abs(real).max()), 1e-6)


def show_square(ax: Axes, limit: float) -> None:
    """Show [−limit, limit]² on one scale, whatever is drawn later."""
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", autoscale_on=False)
    ax.locator_params(nbins=5)


def draw_real(ax: Axes, real: np.ndarray, *, zorder: float) -> PathCollection:
    """Draw real examples as small dots, which a legend calls so."""
    return ax.scatter(
        real[:, 0],
        real[:, 1],
        s=4,
        color="C1",
        alpha=float(np.clip(600 / len(real), 0.3, 0.8)),
        linewidths=0,
        zorder=zorder,
        label=once(ax, "real"),
    )


def corner(ax: Axes, said: str = "") -> Text:
    """Write into the upper left corner."""
    return ax.text(
        0.04, 0.96, said, transform=ax.transAxes, va="top", fontsize=7, color=ink(0.75), zorder=5
    )


def lost(points: np.ndarray, limit: float) -> str:
    """Return in words how many points are not finite, and which share of them the square lacks."""
    finite = np.isfinite(points).all(axis=1)
    outside = (finite & ~(np.abs(points) <= limit).all(axis=1)).mean()
    words = []
    if not finite.all():
        words.append(f"failed: {np.sum(~finite)} of {len(finite)} not finite")
    if outside >= 0.01:
        words.append(f"{outside:.0%} outside")
    return "\n".join(words)
