"""What figures of the (θ, φ)-plane share: their frame, and regions that are hatched."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch

from ganfield._types import Players
from ganfield.plotting._style import RGBA


def frame(ax: Axes, bounds: Players) -> None:
    """Show the bounds and no more, on one scale unless one span is over four times the other."""
    ax.set(xlim=bounds.theta, ylim=bounds.phi)
    if is_one_scale(bounds):
        ax.set_aspect("equal")
    name_axes(ax)


def is_one_scale(bounds: Players) -> bool:
    """Return whether the spans are near enough to each other to have one scale."""
    short, long = sorted(high - low for low, high in bounds)
    return long <= 4 * short


def name_axes(ax: Axes) -> None:
    """Name the axes θ and φ where they have no names."""
    ax.set(xlabel=ax.get_xlabel() or "θ", ylabel=ax.get_ylabel() or "φ")


def hatched(
    ax: Axes,
    theta: np.ndarray,
    phi: np.ndarray,
    mask: np.ndarray,
    *,
    hatch: str,
    facecolor: RGBA,
    edgecolor: RGBA,
    linewidth: float,
    zorder: float,
    label: str = "_nolegend_",
) -> PathPatch:
    """Hatch where a mask is True.

    Args:
        ax: where to draw. Its limits may change.
        theta: the columns' coordinates.
        phi: the rows' coordinates.
        mask: shape ``(rows, columns)``. The region ends half-way between True and False.
        hatch: a Matplotlib hatch.
        facecolor: of the region.
        edgecolor: of its outline and of the hatch.
        linewidth: of its outline.
        zorder: what is higher is drawn above it.
        label: for the legend.

    Returns:
        The one patch, of as many parts as the region has.
    """
    # A frame of False at no distance closes the outline where the region meets the border.
    filled = ax.contourf(
        np.pad(theta, 1, mode="edge"),
        np.pad(phi, 1, mode="edge"),
        np.pad(mask.astype(float), 1),
        levels=(0.5, 1.5),
    )
    path = filled.get_paths()[0]
    filled.remove()
    patch = PathPatch(
        path,
        hatch=hatch,
        facecolor=facecolor,
        edgecolor=edgecolor,
        linewidth=linewidth,
        zorder=zorder,
        label=label,
    )
    ax.add_patch(patch)
    return patch
