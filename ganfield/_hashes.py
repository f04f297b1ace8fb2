"""Hashes of pytrees, as files keep them."""

import hashlib
from typing import Any

import jax
import numpy as np

from ganfield._types import PyTree


def hash_of(tree: PyTree, *, named: bool = True) -> str:
    """Return the SHA-256 of a pytree of arrays.

    Args:
        tree: arrays, on the host or on a device.
        named: whether names, types and shapes are hashed with the bytes, in the order of the names;
            if not, the bytes alone, leaf by leaf.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> import jax.numpy as jnp
        >>> hash_of({"a": jnp.ones(2)}) == hash_of({"a": jnp.array([1.0, 1.0])})
        True
        >>> hash_of({"a": jnp.ones(2)}) == hash_of({"b": jnp.ones(2)})
        False
        >>> hash_of({"a": jnp.ones(2)}, named=False) == hash_of(jnp.ones((1, 2)), named=False)
        True
    """
    digest = hashlib.sha256()
    paths: list[tuple[Any, Any]] = jax.tree_util.tree_leaves_with_path(tree)
    leaves = [(jax.tree_util.keystr(path), leaf) for path, leaf in paths]
    for name, leaf in sorted(leaves, key=lambda pair: pair[0]) if named else leaves:
        array = np.ascontiguousarray(leaf)
        if named:
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        # Without a copy, for images may fill the memory; bfloat16 has no buffer of its own.
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
