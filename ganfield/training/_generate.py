"""What a generator makes, as it is used for evaluation."""

import jax
import numpy as np

from ganfield._types import PyTree
from ganfield.networks import Network
from ganfield.training._quick import quick_jit

_AT_ONCE = 256


class Maker:
    """A generator's examples, in batches of one size.

    Batch norm, where there is any, has the statistics of one fixed batch of latent variables. So an
    example depends on its latent variables alone, and not on those beside it.

    Args:
        generator: the network.
        latent_size: features of one latent variable.
        reference_size: latent variables of the fixed batch.
        key: of the fixed batch and of all latent variables.
    """

    def __init__(
        self, generator: Network, *, latent_size: int, reference_size: int, key: jax.Array
    ):
        self._latent_size = latent_size
        self._key, key_reference = jax.random.split(key)
        reference = jax.random.normal(key_reference, (reference_size, latent_size))

        def make(params: PyTree, latent: jax.Array) -> jax.Array:
            return generator.evaluate(params, latent, reference)

        self._make = quick_jit(make)

    def __call__(self, params: PyTree, count: int) -> np.ndarray:
        """Return examples; of equal parameters the same ones, and a larger count only adds some."""
        made = []
        for first in range(0, count, _AT_ONCE):
            latent = jax.random.normal(
                jax.random.fold_in(self._key, first), (_AT_ONCE, self._latent_size)
            )
            made.append(np.asarray(self._make(params, latent)))
        return np.concatenate(made)[:count]
