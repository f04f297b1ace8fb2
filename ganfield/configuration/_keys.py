"""What is random in a run, from its seed."""

from typing import NamedTuple

import jax

from ganfield.configuration._config import Config


class Keys(NamedTuple):
    """A key for everything that is random.

    Attributes:
        init: the players' first parameters.
        batches: what the steps see.
        metrics: what is measured on.
        samples: the latent variables of grids and scores.
    """

    init: jax.Array
    batches: jax.Array
    metrics: jax.Array
    samples: jax.Array


def random_keys(config: Config) -> Keys:
    """Return the keys of a run, all from its seed.

    Example:
        >>> random_keys(Config(seed=3)).init.shape
        ()
    """
    return keys_of(config.seed)


def keys_of(seed: int | jax.Array) -> Keys:
    """Return the keys that come of a seed, which may be traced."""
    return Keys(*jax.random.split(jax.random.key(seed), len(Keys._fields)))
