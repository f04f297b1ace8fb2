"""Arithmetic on pytrees, where optax has none of the shape that fields need."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ganfield._types import ArrayLike, PyTree


def add_scaled(tree: PyTree, scale: ArrayLike, other: PyTree) -> PyTree:
    """Return ``tree + scale · other``, every leaf in the dtype that ``tree`` has.

    Example:
        >>> add_scaled({"a": 1.0}, 10.0, {"a": 2.0})
        {'a': Array(21., dtype=float32...)}
    """
    return jax.tree.map(lambda a, b: a + jnp.asarray(scale, jnp.result_type(a)) * b, tree, other)


def strong(tree: PyTree) -> PyTree:
    """Return the tree as arrays of definite dtypes, as a scan's carry must be.

    A Python number makes an array of weak type, which changes its type in the first step.
    """

    def array(leaf: Any) -> jax.Array:
        # A typed key has no weak type to ask for.
        if isinstance(leaf, jax.Array) and not getattr(leaf, "weak_type", False):
            return leaf
        return jnp.asarray(leaf, jnp.result_type(leaf))

    return jax.tree.map(array, tree)


def negate(tree: PyTree) -> PyTree:
    """Return ``−tree``."""
    return jax.tree.map(jnp.negative, tree)


def double(tree: PyTree, *, integers: bool = False) -> PyTree:
    """Return the tree with floats in float64, to be used where ``jax.enable_x64(True)`` holds.

    Args:
        tree: parameters or a batch.
        integers: whether integers are numbers too, as in parameters typed by hand, and not labels.
    """
    kinds = jnp.number if integers else jnp.floating

    def cast(leaf: Any) -> Any:
        return jnp.asarray(leaf, float) if jnp.issubdtype(jnp.result_type(leaf), kinds) else leaf

    return jax.tree.map(cast, tree)


def finite(tree: PyTree) -> jax.Array:
    """Return whether no inexact number of a pytree is a NaN or an infinity."""
    inexact = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in inexact], bool))
