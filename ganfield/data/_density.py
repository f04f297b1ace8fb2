"""What the densities of the plane's distributions share."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganfield._types import ArrayLike
from ganfield.checks import check_above_zero

_TOGETHER = 256  # points, so that what is found for each does not fill the memory


def one_by_one(
    log_density: Callable[[jax.Array], jax.Array], points: ArrayLike, dimensions: int
) -> jax.Array:
    """Return what a function says of each point, some hundreds of them together.

    Raises:
        ValueError: the points are not of shape ``(n, dimensions)``.
    """
    given = jnp.asarray(points)
    if given.ndim != 2 or given.shape[1] != dimensions:
        raise ValueError(f"points must have shape (n, {dimensions}), got {given.shape}")
    given = given.astype(jnp.result_type(float))
    return jax.lax.map(log_density, given, batch_size=_TOGETHER)


def check_spread(std: Any, *, argument: str = "std") -> None:
    """Raise a ``ValueError`` where a standard deviation of 0 leaves points without a density.

    Example:
        >>> check_spread(0.0)
        Traceback (most recent call last):
        ...
        ValueError: std must be a number > 0 for a density, got 0.0
    """
    check_above_zero(std, argument=argument, purpose=" for a density")
