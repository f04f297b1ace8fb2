"""Convolutions as one product of a matrix with all that kernels see, gathered into columns."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def same(length: int, size: int, stride: int) -> tuple[int, int]:
    """Return how many zeros SAME puts before and after a side; the odd one comes after.

    Example:
        >>> same(8, 5, 2)
        (1, 2)
    """
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def patches_convolve(x: jax.Array, kernel: jax.Array, *, stride: int) -> jax.Array:
    """Return y[o] = Σ_i kernel[i]·x[stride·o + i − p], in both directions, p as SAME has it.

    Args:
        x: (channels, height, width, batch).
        kernel: (size, size, channels, features).
        stride: how many pixels lie between neighbours of the output.

    Returns:
        (features, ⌈height/stride⌉, ⌈width/stride⌉, batch).

    Example:
        >>> import jax.numpy as jnp
        >>> patches_convolve(jnp.ones((2, 4, 4, 7)), jnp.ones((5, 5, 2, 3)), stride=2).shape
        (3, 2, 2, 7)
    """
    size, features, batch = kernel.shape[0], kernel.shape[-1], x.shape[-1]
    shape = -(-x.shape[1] // stride), -(-x.shape[2] // stride)
    padding = [same(length, size, stride) for length in x.shape[1:3]]
    gathered = patches(x, padding, range(size), shape, stride)
    return (kernel.reshape(-1, features).T @ gathered).reshape(features, *shape, batch)


def patches(
    x: jax.Array,
    padding: Sequence[tuple[int, int]],
    taps: range,
    shape: tuple[int, int],
    stride: int,
) -> jax.Array:
    """Return a matrix of (taps² · channels, height · width · batch)."""
    padded = jnp.pad(x, ((0, 0), *padding, (0, 0)))
    rows, columns = ((count - 1) * stride + 1 for count in shape)
    pieces = [
        padded[:, i : i + rows : stride, j : j + columns : stride] for i in taps for j in taps
    ]
    return jnp.stack(pieces).reshape(len(pieces) * x.shape[0], -1)
