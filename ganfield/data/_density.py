"""What the densities of the plane's distributions share."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganfield._types import ArrayLike
from ganfield.checks import check_number

_TOGETHER = 256  # points, so that what is found for each does not fill the memory


def log_normal(distance: jax.Array, std: ArrayLike, dimensions: int = 1) -> jax.Array:
    """Return the log density of a centred Gaussian at a distance from its mean.

    Example:
        >>> log_normal(jnp.array(0.0), 1.0, dimensions=2).round(3)
        Array(-1.838, dtype=float32)
    """
    scale = jnp.log(jnp.asarray(std, distance.dtype)) + 0.5 * jnp.log(2 * jnp.pi)
    return -0.5 * (distance / std) ** 2 - dimensions * scale


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


def check_above_zero(value: Any, *, argument: str, purpose: str = "") -> None:
    """Raise a ``ValueError`` unless the value is a number above 0; of a traced one none is known.

    Example:
        >>> check_above_zero(-1.0, argument="width")
        Traceback (most recent call last):
        ...
        ValueError: width must be a number > 0, got -1.0
    """
    wanted = f"a number > 0{purpose}"
    check_number(value, argument=argument, wanted=wanted, allows=lambda given: given > 0)
