"""TensorFlow 1's bilinear resize, which Inception's published scores are made with."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike
from ganfield.checks import check_count


def resize_tf1(images: ArrayLike, size: int | tuple[int, int]) -> jax.Array:
    """Return images resized as ``tf.image.resize_bilinear(images, size)`` of TensorFlow 1 does it.

    Row i of the result is read at the place i·(old/new) of the old rows, without the shift by half
    a pixel that later versions make, between the row below that place and the next; columns the
    same. Nothing is smoothed before, so to make images smaller is to drop pixels. No other resize
    gives the published scores: ``jax.image.resize`` differs by several grey levels.

    Args:
        images: shape ``(n, height, width, channels)``.
        size: (height, width) of the result, or one number for both.

    Returns:
        Images of shape ``(n, *size, channels)``; float32 where they were integers.

    Raises:
        ValueError: the shape is another, or a size no positive integer.

    Example:
        >>> import jax.numpy as jnp
        >>> resize_tf1(jnp.array([0, 8, 4]).reshape(1, 1, 3, 1), (1, 6)).ravel()
        Array([0., 4., 8., 6., 4., 4.], dtype=float32)
    """
    pixels = jnp.asarray(images)
    if not jnp.issubdtype(pixels.dtype, jnp.floating):
        pixels = pixels.astype(jnp.float32)
    if pixels.ndim != 4:
        raise ValueError(
            f"images must have the shape (n, height, width, channels), got {pixels.shape}"
        )
    height, width = size if isinstance(size, tuple) else (size, size)
    pixels = _along(pixels, 2, check_count(width, argument="size"))
    return _along(pixels, 1, check_count(height, argument="size"))


def _along(pixels: jax.Array, axis: int, size: int) -> jax.Array:
    old = pixels.shape[axis]
    place = np.arange(size) * old / size
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, old - 1)
    shape = [1] * pixels.ndim
    shape[axis] = size
    weight = jnp.asarray((place - low).reshape(shape), pixels.dtype)
    below, above = jnp.take(pixels, low, axis=axis), jnp.take(pixels, high, axis=axis)
    return below + (above - below) * weight
