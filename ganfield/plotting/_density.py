"""The density of points in the plane."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from ganfield.plotting._style import axes, ink


def density(
    samples: ArrayLike,
    ax: Axes | None = None,
    *,
    limit: float = 1.6,
    bandwidth: float = 0.04,
    cmap: str = "Blues",
    resolution: int = 320,
) -> AxesImage:
    """Draw a kernel density estimate of points in the plane.

    The kernel is a Gaussian of one width everywhere, so panels can be compared with each other, and
    shades go with the square root of the density, so that faint parts show.

    Args:
        samples: shape ``(n, 2)``. The share that lies outside the square is written in the corner
            where it is 1 % or more, and how many are not finite, of a run that failed, wherever
            there is one.
        ax: where to draw; new axes if None.
        limit: the square is [−limit, limit]².
        bandwidth: the kernel's standard deviation, in the units of the samples.
        cmap: a Matplotlib colour map.
        resolution: pixels along one side.

    Returns:
        The image.

    Raises:
        ValueError: the samples are not points in the plane.

    Example:
        >>> import jax, ganfield as gf
        >>> gf.plot.density(gf.data.ring().sample(jax.random.key(0), 2560)).get_array().shape
        (320, 320)
    """
    points = np.asarray(samples, float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"samples must have shape (n, 2), got {points.shape}")
    finite = np.isfinite(points).all(axis=1)
    inside = (np.abs(points) <= limit).all(axis=1)
    points = points[inside]
    edges = np.linspace(-limit, limit, resolution + 1)
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=(edges, edges))
    smooth = gaussian_filter(counts, bandwidth * resolution / (2 * limit), mode="constant")
    ax = axes(ax)
    image = ax.imshow(
        np.sqrt(smooth.T),
        origin="lower",
        extent=(-limit, limit, -limit, limit),
        cmap=cmap,
        interpolation="bilinear",
    )
    failed, outside = np.sum(~finite), (finite & ~inside).mean()
    words = []
    if failed:
        words.append(f"failed: {failed} of {len(finite)} not finite")
    if outside >= 0.01:
        words.append(f"{outside:.0%} outside")
    if words:
        said = "\n".join(words)
        ax.text(0.04, 0.96, said, transform=ax.transAxes, va="top", fontsize=7, color=ink(0.75))
    ax.set(xticks=[], yticks=[])
    return image
