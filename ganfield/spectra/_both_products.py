"""Products with a field's Jacobian and with its transpose, by one program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.checks import as_params, check_not_empty
from ganfield.field import check_field
from ganfield.field._differentiable import backward, forward
from ganfield.spectra._smooth import check_smooth_along

Both = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class BothProducts(NamedTuple):
    """A field's Jacobian J at a point, known by its products.

    Attributes:
        size: n, how many numbers the parameters hold.
        split: how many of them, the first, are θ's.
        dtype: of the products, that of the parameters.
        both: ``both(u) -> (Ju, Jᵀu)``, NumPy vectors in the order of `ganfield.jacobian`. It raises
            a ``ValueError`` where they are not finite.
    """

    size: int
    split: int
    dtype: np.dtype
    both: Both


def count_numbers(field: Field, params: Players, batch: Any) -> tuple[Players, int, int]:
    """Return checked parameters, how many numbers they hold, and how many of them are θ's."""
    check_field(field, params, batch)
    params = strong(as_params(params))
    check_not_empty(params, argument="params")
    sizes = [sum(leaf.size for leaf in jax.tree.leaves(player)) for player in params]
    return params, sum(sizes), sizes[0]


def key_of(key: jax.Array | None) -> jax.Array:
    """Return a key, or the default one.

    Raises:
        ValueError: it is no typed key.
    """
    if key is None:
        return jax.random.key(0)
    if not isinstance(key, jax.Array) or not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        raise ValueError(f"key must be a typed key, such as jax.random.key(0), got {key!r}")
    return key


def signs(key: jax.Array, J: BothProducts) -> np.ndarray:
    """Return a vector of independent signs, the same in every precision."""
    bits = np.asarray(jax.random.bits(key, (J.size,), "uint8"))
    return (1 - 2.0 * (bits % 2)).astype(J.dtype)


def normals(key: jax.Array, J: BothProducts) -> np.ndarray:
    """Return a vector of independent Gaussian numbers, the same in every precision."""
    return np.asarray(jax.random.normal(key, (J.size,), jnp.float32)).astype(J.dtype)


def both_products(field: Field, params: Players, batch: Any, *, user: str) -> BothProducts:
    """Return the products with the Jacobian of a field at a point, once it was looked at.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point; its dtype is that of the products.
        batch: what the field sees.
        user: who asks, for messages.

    Raises:
        ValueError: the field does not fit the parameters, has no derivatives, or a kink there.
    """
    params, size, split = count_numbers(field, params, batch)
    flat, unravel = ravel_pytree(params)

    def products(flat: jax.Array, batch: Any, vector: jax.Array) -> tuple[jax.Array, ...]:
        def here(x: jax.Array) -> jax.Array:
            return ravel_pytree(field(unravel(x), batch))[0]

        _, pullback = backward(here, flat, user=user)
        value, pushed = forward(here, flat, vector, user=user)
        return jnp.isfinite(value).all(), pushed, pullback(vector)

    program = compiled(products, flat, batch, flat, name="_both_products")

    def both(vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        known, pushed, pulled = map(
            np.asarray, program(flat, batch, jnp.asarray(vector, flat.dtype))
        )
        if not (known and np.isfinite(pushed).all() and np.isfinite(pulled).all()):
            raise ValueError(
                "params must be a point where the field and its Jacobian are finite: one of its "
                "numbers, or of a product's, is not"
            )
        return pushed, pulled

    check_smooth_along(field, params, batch, lambda vector: both(vector)[0])
    return BothProducts(size, split, np.dtype(flat.dtype), both)
