"""The Swiss roll, seen from its end."""

import math

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from ganfield.checks import check_above_zero, check_not_negative
from ganfield.data._curves import Curves


def swiss_roll(*, scale: float = 0.2, std: float = 0.2) -> Curves:
    """Return one and a half turns of a roll, in the plane across it.

    Its curve is scale·t(cos t, sin t), t uniform in [3π/2, 9π/2).

    Args:
        scale: of the whole.
        std: standard deviation of the noise in every direction.

    Returns:
        `Curves` of one arc.

    Raises:
        ValueError: the scale is not positive, or the standard deviation is negative.

    Reference:
        Marsland, "Machine Learning: An Algorithmic Perspective", 2009, as in scikit-learn; the
        settings are those of the official code of "FFJORD".

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> points = gf.data.swiss_roll(std=0.0).sample(jax.random.key(0), 1000)
        >>> away = jnp.linalg.norm(points, axis=1) / 0.2 / jnp.pi
        >>> bool(away.min() >= 1.49), bool(away.max() <= 4.51)
        (True, True)
    """
    check_above_zero(scale, argument="scale")
    check_not_negative(std, argument="std")
    return Curves((Partial(_roll, scale),), std)


def _roll(scale: float, place: jax.Array) -> jax.Array:
    angle = 1.5 * math.pi * (1 + 2 * place)
    return (scale * angle)[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
