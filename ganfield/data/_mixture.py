"""Mixtures of Gaussians in the plane, sampled in-graph."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import Batch
from ganfield.errors import check_count, check_not_negative


class Mixture(NamedTuple):
    """Gaussians of equal weight and one standard deviation.

    Attributes:
        modes: their means, shape ``(num_modes, dimensions)``.
        std: their standard deviation in every direction.
    """

    modes: np.ndarray
    std: float

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` points, shape ``(size, dimensions)``, spread evenly over the modes.

        Every mode gets the same number of points (one more or less where that does not divide), in
        the order of the modes. So a batch's composition does not vary, as in the official code.

        Raises:
            ValueError: ``size`` is no positive integer.

        Example:
            >>> import jax, ganfield as gf
            >>> gf.data.ring().sample(jax.random.key(0), 512).shape
            (512, 2)
        """
        size = check_count(size, argument="size")
        modes = jnp.asarray(self.modes, jnp.result_type(float))
        chosen = modes[np.arange(size) * len(self.modes) // size]
        return chosen + self.std * jax.random.normal(key, chosen.shape, chosen.dtype)


def ring(num_modes: int = 8, *, radius: float = 1.0, std: float = 0.01) -> Mixture:
    """Return Gaussians at equal distances on a circle.

    Args:
        num_modes: how many.
        radius: of the circle.
        std: standard deviation of each Gaussian in every direction.

    Returns:
        A `Mixture` with the first mode at (radius, 0), the others counter-clockwise.

    Raises:
        ValueError: a count is no positive integer, or a length is negative.

    Reference:
        Metz et al., "Unrolled Generative Adversarial Networks", 2017; the settings are those of
        the official code of "The Numerics of GANs".

    Example:
        >>> import ganfield as gf
        >>> gf.data.ring().modes.shape
        (8, 2)
    """
    check_not_negative(radius, argument="radius")
    check_not_negative(std, argument="std")
    angle = 2 * np.pi * np.arange(check_count(num_modes, argument="num_modes")) / num_modes
    return Mixture(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), std)


def batch_sampler(
    mixture: Mixture, *, batch_size: int, latent_size: int
) -> Callable[[jax.Array], Batch]:
    """Return ``sample(key) -> Batch``: points of a mixture and Gaussian latent variables.

    Args:
        mixture: where the real examples come from.
        batch_size: how many examples of each.
        latent_size: features of one latent variable.

    Returns:
        ``sample(key) -> Batch``, pure.

    Raises:
        ValueError: a size is no positive integer.

    Example:
        >>> import jax, ganfield as gf
        >>> sample = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)
        >>> sample(jax.random.key(0)).latent.shape
        (512, 16)
    """
    batch_size = check_count(batch_size, argument="batch_size")
    latent_size = check_count(latent_size, argument="latent_size")

    def sample(key: jax.Array) -> Batch:
        key_real, key_latent = jax.random.split(key)
        latent = jax.random.normal(key_latent, (batch_size, latent_size))
        return Batch(mixture.sample(key_real, batch_size), latent)

    return sample
