"""Convolutions as one product of a matrix with all that kernels see, gathered into columns."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np


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


def taps_of_phases(size: int, stride: int, low: int) -> tuple[tuple[int, int], np.ndarray]:
    """Return how far a transposed convolution's phases see, and the taps by which they see it.

    Output stride·p + r sees input p + m by the tap r + low − stride·m. Where there is no such tap
    it is ``size``, for which a row of zeros is to be put behind the kernel.

    Returns:
        How many neighbours before and after; an array of (neighbours, phases).

    Example:
        >>> taps_of_phases(5, 2, 1)[1].tolist()
        [[3, 4], [1, 2], [5, 0]]
    """
    before, after = (size - 1 - low) // stride, (stride - 1 + low) // stride
    offsets = np.arange(-before, after + 1)
    taps = np.arange(stride) + low - stride * offsets[:, None]
    return (before, after), np.where((taps >= 0) & (taps < size), taps, size)


def by_phases(kernel: jax.Array, rows: np.ndarray, columns: np.ndarray) -> jax.Array:
    """Return a kernel's taps by neighbours and phases, (rows, columns, phases, phases, …)."""
    padded = jnp.pad(kernel, ((0, 1), (0, 1), (0, 0), (0, 0)))
    return padded[rows[:, None, :, None], columns[None, :, None, :]]
