"""Rings inside one another."""

import math

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from ganfield.checks import check_above_zero, check_count, check_not_negative
from ganfield.data._checks import MOST_ARCS
from ganfield.data._curves import Curves


def nested_rings(num_rings: int = 4, *, radius: float = 3.0, std: float = 0.08) -> Curves:
    """Return circles round the origin whose radii grow by equal steps.

    Args:
        num_rings: how many, at most 1000: each is compiled.
        radius: of the outermost.
        std: standard deviation of the noise in every direction.

    Returns:
        `Curves`, one for each ring, the innermost first.

    Raises:
        ValueError: the count is no positive integer, the radius is not positive, or the standard
            deviation is negative.

    Reference:
        Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, "FFJORD", 2019; the settings are those of
        its official code.

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> points = gf.data.nested_rings(std=0.0).sample(jax.random.key(0), 4)
        >>> jnp.linalg.norm(points, axis=1).round(2)
        Array([0.75, 1.5 , 2.25, 3.  ], dtype=float32)
    """
    count = check_count(num_rings, argument="num_rings", maximum=MOST_ARCS)
    check_above_zero(radius, argument="radius")
    check_not_negative(std, argument="std")
    return Curves(tuple(Partial(_ring, radius * (k + 1) / count) for k in range(count)), std)


def _ring(radius: float, place: jax.Array) -> jax.Array:
    angle = 2 * math.pi * place
    return radius * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
