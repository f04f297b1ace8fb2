"""States as plain arrays on the host, which can be written and sent."""

import jax
import optax

from ganfield._types import PyTree


def without_keys(tree: PyTree) -> PyTree:
    """Return the tree on the host, with typed keys as numbers, which can be written and sent."""
    return jax.device_get(optax.tree.unwrap_random_key_data(tree))


def with_keys(plain: PyTree, like: PyTree) -> PyTree:
    """Return the tree on the device, with numbers as typed keys where ``like`` has such."""

    def restore(leaf: jax.Array, example: jax.Array) -> jax.Array:
        value = jax.numpy.asarray(leaf)
        if jax.dtypes.issubdtype(example.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(value, impl=jax.random.key_impl(example))
        return value

    return jax.tree.map(restore, plain, like)
