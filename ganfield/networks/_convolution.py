"""Convolutions of images held as (channels, height, width, batch), padded as TensorFlow's SAME.

Three ways to the same numbers. "xla" is XLA's own convolution, what accelerators have kernels for,
and "ordered" the same with its axes in the order that XLA's fast kernels on a CPU ask for, in all
derivatives too. Those kernels are for float32 alone. "patches" gathers what every kernel sees into
the columns of one matrix and takes one product; its derivatives of every order are products again,
and it is what "ordered" does in other types.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield.checks import lookup
from ganfield.networks._ordered_convolution import ordered_convolve, ordered_transposed
from ganfield.networks._patches import by_phases, patches, patches_convolve, taps_of_phases

_DIMENSIONS = ("CHWN", "HWIO", "CHWN")
CONVOLUTIONS = ("auto", "ordered", "patches", "xla")


def choose_convolution(name: str) -> str:
    """Return the name of a way; "auto" is "ordered" where JAX's default backend is the CPU.

    Raises:
        ValueError: the name is none of "auto", "ordered", "patches", "xla".

    Example:
        >>> choose_convolution("patch")
        Traceback (most recent call last):
        ...
        ValueError: unknown convolution 'patch': did you mean 'patches'? Known: auto, ordered,
        patches, xla
    """
    lookup(dict.fromkeys(CONVOLUTIONS), name, argument="convolution")
    if name == "auto":
        return "ordered" if jax.default_backend() == "cpu" else "xla"
    return name


def convolve(x: jax.Array, kernel: jax.Array, *, stride: int, convolution: str) -> jax.Array:
    """Return y[o] = Σ_i kernel[i]·x[stride·o + i − p], in both directions, p as SAME has it.

    Args:
        x: (channels, height, width, batch).
        kernel: (size, size, channels, features).
        stride: how many pixels lie between neighbours of the output.
        convolution: "ordered", "patches" or "xla".

    Returns:
        (features, ⌈height/stride⌉, ⌈width/stride⌉, batch).
    """
    if convolution == "xla":
        return jax.lax.conv_general_dilated(
            x, kernel, (stride, stride), "SAME", dimension_numbers=_DIMENSIONS
        )
    if convolution == "ordered" and _is_fast(x, kernel):
        return ordered_convolve(x, kernel, stride=stride)
    return patches_convolve(x, kernel, stride=stride)


def convolve_transposed(x: jax.Array, kernel: jax.Array, *, convolution: str) -> jax.Array:
    """Return the transpose of `convolve` with stride 2: y[2o + i − p] gains kernel[i]·x[o].

    Each of the four phases of the output, even and odd rows and columns, is a convolution of the
    small image with every other tap of the kernel (sub-pixel convolution): no zeros are put between
    pixels, and one product does all four.

    Args:
        x: (channels, height, width, batch).
        kernel: (size, size, channels, features), size ≥ 2.
        convolution: "ordered", "patches" or "xla".

    Returns:
        (features, 2·height, 2·width, batch).
    """
    size, (_, height, width, batch) = kernel.shape[0], x.shape
    low = (size - 2) // 2
    if convolution == "xla":
        return jax.lax.conv_general_dilated(
            x,
            kernel[::-1, ::-1],
            (1, 1),
            [(size - 1 - low, low + 1)] * 2,
            lhs_dilation=(2, 2),
            dimension_numbers=_DIMENSIONS,
        )
    if convolution == "ordered" and _is_fast(x, kernel):
        return ordered_transposed(x, kernel, stride=2)
    (before, after), taps = taps_of_phases(size, 2, low)
    features = kernel.shape[-1]
    rows = by_phases(kernel, taps, taps).transpose(2, 3, 5, 0, 1, 4).reshape(4 * features, -1)
    gathered = patches(x, [(before, after)] * 2, range(before + after + 1), (height, width), 1)
    y = (rows @ gathered).reshape(2, 2, features, height, width, batch)
    return y.transpose(2, 3, 0, 4, 1, 5).reshape(features, 2 * height, 2 * width, batch)


def _is_fast(x: jax.Array, kernel: jax.Array) -> bool:
    """Return whether XLA has fast convolutions on a CPU for these types."""
    return x.dtype == kernel.dtype == jnp.float32
