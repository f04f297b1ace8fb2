"""From a distribution to batches of a GAN game."""

from collections.abc import Callable
from typing import Protocol

import jax

from ganfield._types import Batch
from ganfield.errors import check_count


class Distribution(Protocol):
    """What a batch needs of the real examples; `Mixture` and `Curves` have it."""

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` examples along the first axis."""


def batch_sampler(
    distribution: Distribution, *, batch_size: int, latent_size: int
) -> Callable[[jax.Array], Batch]:
    """Return ``sample(key) -> Batch``: points of a distribution and Gaussian latent variables.

    Args:
        distribution: where the real examples come from, by ``sample(key, size)``.
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
        return Batch(distribution.sample(key_real, batch_size), latent)

    return sample
