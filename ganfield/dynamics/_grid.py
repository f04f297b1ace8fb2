"""A grid of points of the plane."""

from typing import Any

import jax.numpy as jnp

from ganfield._types import Players
from ganfield.checks import check_bounds, check_count


def grid(bounds: Any, resolution: int) -> Players:
    """Return the points of a regular grid, for a field to be evaluated on or basins to be mapped.

    Args:
        bounds: ``(low, high)`` for both coordinates, or `Players` of two such pairs. The grid
            includes its ends.
        resolution: points along each side, at least 2.

    Returns:
        `Players` of two arrays of shape ``(resolution, resolution)``. θ changes along the columns,
        φ along the rows, as in an image whose first row is at the bottom.

    Raises:
        ValueError: the bounds or the resolution are not allowed.

    Example:
        >>> grid((0, 2), 3).theta
        Array([[0., 1., 2.],
               [0., 1., 2.],
               [0., 1., 2.]], dtype=float32)
    """
    checked = check_bounds(bounds)
    resolution = check_count(resolution, argument="resolution", minimum=2)
    return Players(*jnp.meshgrid(*(jnp.linspace(low, high, resolution) for low, high in checked)))
