"""The density of points in the plane."""

from __future__ import annotations

import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike

from ganfield.plotting._cloud import corner, draw_real, limit_of, lost, read_real, show_square
from ganfield.plotting._style import axes


def density(
    samples: ArrayLike,
    ax: Axes | None = None,
    *,
    real: ArrayLike | None = None,
    limit: float | None = None,
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
        real: examples of the data, shape ``(m, 2)``, drawn as dots above; ``ax.legend()`` names
            them.
        limit: the square is [−limit, limit]². If None, all real examples fit, or 1.6 without any.
        bandwidth: the kernel's standard deviation, in the units of the samples.
        cmap: a Matplotlib colour map.
        resolution: pixels along one side.

    Returns:
        The image.

    Raises:
        ValueError: the samples, or the real examples, are not points in the plane; the limit is not
            positive.

    Example:
        >>> import jax, ganfield as gf
        >>> gf.plot.density(gf.data.ring().sample(jax.random.key(0), 2560)).get_array().shape
        (320, 320)
    """
    points = np.asarray(samples, float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"samples must have shape (n, 2), got {points.shape}")
    examples = read_real(real)
    limit = limit_of(limit, examples, default=1.6)
    inside = points[(np.abs(points) <= limit).all(axis=1)]
    edges = np.linspace(-limit, limit, resolution + 1)
    counts, _, _ = np.histogram2d(inside[:, 0], inside[:, 1], bins=(edges, edges))
    smooth = scipy.ndimage.gaussian_filter(
        counts, bandwidth * resolution / (2 * limit), mode="constant"
    )
    ax = axes(ax)
    image = ax.imshow(
        np.sqrt(smooth.T),
        origin="lower",
        extent=(-limit, limit, -limit, limit),
        cmap=cmap,
        interpolation="bilinear",
    )
    if examples is not None:
        draw_real(ax, examples, zorder=2)
    if said := lost(points, limit):
        corner(ax, said)
    show_square(ax, limit)
    return image
