"""Random numbers of a game: from the typed keys that the batch holds, one for each example."""

from __future__ import annotations

from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np


def check_keys(key: jax.Array | None, *, num_examples: int, purpose: str) -> jax.Array:
    """Return the keys, or raise a ``ValueError`` unless there is a typed one for each example.

    Args:
        key: what the batch holds.
        num_examples: how many examples there are.
        purpose: what the random numbers are for, to begin the message with.

    Example:
        >>> check_keys(None, num_examples=8, purpose="instance noise")
        Traceback (most recent call last):
        ...
        ValueError: instance noise draws random numbers: key (in a game Batch.key, which
        gf.data.batch_sampler fills with keys=True) must hold 8 typed keys, one for each example,
        got None
    """
    if not _typed(key) or np.shape(key) != (num_examples,):
        given = "None" if key is None else f"{jnp.asarray(key).dtype} of shape {np.shape(key)}"
        raise ValueError(
            f"{purpose} draws random numbers: key (in a game Batch.key, which "
            f"gf.data.batch_sampler fills with keys=True) must hold {num_examples} typed keys, one "
            f"for each example, got {given}"
        )
    return key


def fold(keys: jax.Array | None, use: int) -> Any:
    """Return other keys, independent for every number ``use``, one for each of ``keys``.

    What holds no typed keys is handed on as it is, for `check_keys` to name where they are needed.
    """
    return jax.vmap(lambda key: jax.random.fold_in(key, use))(keys) if _typed(keys) else keys


def normal_like(keys: jax.Array, examples: jax.Array) -> jax.Array:
    """Return standard normal numbers of the shape of the examples, each drawn from its own key."""
    shape, dtype = examples.shape[1:], examples.dtype
    return jax.vmap(lambda key: jax.random.normal(key, shape, dtype))(keys)


def _typed(key: Any) -> TypeGuard[jax.Array]:
    return isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
