"""What a generator makes, as it is used for evaluation."""

import jax
import numpy as np

from ganfield._memory import check_memory, size_of
from ganfield._types import PyTree
from ganfield.configuration import Built, random_keys
from ganfield.data._checks import check_examples_fit
from ganfield.runs._quick import quick_jit

_AT_ONCE = 256


class Maker:
    """The examples of a run's generator, in batches of one size.

    Batch norm, where there is any, has the statistics of one fixed batch of latent variables. So an
    example depends on its latent variables alone, and not on those beside it. That batch is larger
    than those of the steps, as running averages would be: with few examples in it all of them carry
    its error.

    Args:
        built: the run.
    """

    def __init__(self, built: Built):
        config, generator, self._inputs = built.config, built.generator, built.inputs
        self._key, key_reference = jax.random.split(random_keys(config).samples)
        shape = generator.input_shape
        check_examples_fit(config.reference_size, shape, argument="reference_size")
        reference = self._inputs(key_reference, config.reference_size)

        def make(params: PyTree, latent: jax.Array) -> jax.Array:
            return generator.evaluate(params, latent, reference)

        self._make = quick_jit(make)

    def __call__(self, params: PyTree, count: int) -> np.ndarray:
        """Return examples; of equal parameters the same ones, and a larger count only adds some.

        Raises:
            ValueError: the machine has not the memory for them.
        """
        some = jax.eval_shape(lambda key: self._inputs(key, _AT_ONCE), self._key)
        each = size_of(jax.eval_shape(self._make, params, some)) / _AT_ONCE
        check_memory(
            count,
            lambda examples: 2 * each * examples,
            argument="the number of examples must be",
            what="as many",
            instead=": make fewer at a time",
            on_host=True,
        )
        made = []
        for first in range(0, count, _AT_ONCE):
            latent = self._inputs(jax.random.fold_in(self._key, first), _AT_ONCE)
            made.append(np.asarray(self._make(params, latent)))
        return np.concatenate(made)[:count]
