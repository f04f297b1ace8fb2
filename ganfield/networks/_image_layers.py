"""What the networks for images are made of: layers, batch norm, and the way in and out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from ganfield.checks import check_count
from ganfield.networks._convolution import choose_convolution, convolve, convolve_transposed
from ganfield.networks._spectral_norm import spectral_norm

EPSILON = 1e-3

Forward = Callable[[jax.Array, int | None], jax.Array]


class Settings(NamedTuple):
    """How every layer of a network works.

    Attributes:
        batch_norm: whether layers are normalised by the batch.
        spectral_norm: whether kernels are divided by their largest singular value.
        dtype: the floating-point type of computation, or None for that of the parameters.
        convolution: "ordered", "patches" or "xla".
    """

    batch_norm: bool
    spectral_norm: bool
    dtype: Any
    convolution: str


def settings(batch_norm: bool, spectral_norm: bool, dtype: Any, convolution: str) -> Settings:
    """Return checked settings.

    Raises:
        ValueError: the type is no floating-point type; the convolution is unknown.
    """
    if dtype is not None:
        try:
            kind = jnp.dtype(dtype)
        except TypeError:
            kind = jnp.dtype(int)
        if not jnp.issubdtype(kind, jnp.floating):
            raise ValueError(
                f"dtype must be a floating-point type such as bfloat16, or None, got {dtype!r}"
            )
        dtype = kind
    return Settings(batch_norm, spectral_norm, dtype, choose_convolution(convolution))


def check_image(image_shape: Sequence[int], num_layers: int) -> tuple[int, int, int]:
    """Return (height, width, channels), checked: 2^num_layers must divide both sides.

    Raises:
        ValueError: it does not, or these are not three positive integers.

    Example:
        >>> check_image((28, 28, 1), 4)
        Traceback (most recent call last):
        ...
        ValueError: image_shape must have sides that 2**num_layers = 16 divides, got (28, 28, 1):
        take at most num_layers=2, or resize the images
    """
    shape = tuple(image_shape)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {shape}")
    height, width, channels = (check_count(n, argument="image_shape") for n in shape)
    possible = (math.gcd(height, width) & -math.gcd(height, width)).bit_length() - 1
    if num_layers > possible:
        power = f" = {2**num_layers}" if num_layers < 64 else ""
        hint = f"take at most num_layers={possible}, or resize the images"
        raise ValueError(
            f"image_shape must have sides that 2**num_layers{power} divides, got "
            f"{shape}: {hint if possible else 'resize the images'}"
        )
    return height, width, channels


class Layer(nnx.Module):
    """One linear map: "linear", "down" (stride 2), "up" (its transpose) or "same" (stride 1)."""

    def __init__(
        self,
        kind: str,
        shape: tuple[int, ...],
        options: Settings,
        rngs: nnx.Rngs,
        *,
        bias: bool = True,
    ):
        # Flax would keep float32 where the user has enabled float64.
        dtype = jnp.result_type(float)
        self.kind, self.options = kind, options
        self.kernel = nnx.Param(nnx.initializers.glorot_uniform()(rngs.params(), shape, dtype))
        self.bias = nnx.Param(jnp.zeros(shape[-1], dtype)) if bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map (features, …, batch) to the same with other features."""
        kernel: jax.Array = self.kernel[...]
        if self.options.spectral_norm:
            kernel = kernel / spectral_norm(kernel)
        kernel = kernel.astype(self.options.dtype or kernel.dtype)
        convolution = self.options.convolution
        if self.kind == "linear":
            y = kernel.T @ x
        elif self.kind == "up":
            y = convolve_transposed(x, kernel, convolution=convolution)
        else:
            stride = 2 if self.kind == "down" else 1
            y = convolve(x, kernel, stride=stride, convolution=convolution)
        return y if self.bias is None else y + per_feature(self.bias[...].astype(y.dtype), y)


class BatchNorm(nnx.Module):
    """(x − mean)/√(variance + 0.001) + shift for every feature; the variance divides by n.

    There is no scale: a positive one would pass through (leaky) ReLU to a kernel that can take it.
    """

    def __init__(self, features: int):
        self.shift = nnx.Param(jnp.zeros(features, jnp.result_type(float)))

    def __call__(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Normalise (features, …, batch) by the first ``num_reference`` examples, or by all."""
        # A mean over 16,384 numbers needs more digits than bfloat16 has.
        exact = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        known = exact[..., :num_reference]
        axes = tuple(range(1, x.ndim))
        mean = known.mean(axes, keepdims=True)
        variance = jnp.square(known - mean).mean(axes, keepdims=True)
        shift = per_feature(self.shift[...], x)
        return ((exact - mean) * jax.lax.rsqrt(variance + EPSILON) + shift).astype(x.dtype)


class ImageModule(nnx.Module):
    """The way in and out: examples last inside, and in the type of computation."""

    options: Settings

    @abstractmethod
    def forward(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (features, …, batch) to (features, …, batch), in the parameters' type."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map a batch; batch norm takes its statistics from it."""
        return self._map(self.forward, x, None)

    def evaluate(self, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        """Map a batch; batch norm takes its statistics from the reference batch."""
        return self._beside(self.forward, x, reference)

    def _beside(self, forward: Forward, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        if not self.options.batch_norm:
            return self._map(forward, x, None)
        if reference is None or jnp.shape(reference)[1:] != x.shape[1:]:
            raise ValueError(
                "reference must be a batch of inputs, of which batch norm takes its statistics, "
                f"with the shape (n, {', '.join(map(str, x.shape[1:]))}), got "
                f"{None if reference is None else jnp.shape(reference)}"
            )
        count = len(reference)
        return self._map(forward, jnp.concatenate([reference, x]), count)[count:]

    def _map(self, forward: Forward, x: jax.Array, num_reference: int | None) -> jax.Array:
        x = x.astype(self.options.dtype or x.dtype)
        y = forward(x.T if x.ndim == 2 else x.transpose(3, 1, 2, 0), num_reference)
        return y.T if y.ndim == 2 else y.transpose(3, 1, 2, 0)

    def outward(self, y: jax.Array, layer: Layer) -> jax.Array:
        """Return the output in the type of a layer's parameters."""
        return y if self.options.dtype is None else y.astype(layer.kernel[...].dtype)


class ImageDiscriminator(ImageModule):
    """A module whose last layer is linear, and that tells what this layer takes."""

    last: Layer

    @abstractmethod
    def hidden(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (channels, height, width, batch) to what the last layer takes."""

    def forward(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (channels, height, width, batch) to (outputs, batch)."""
        return self.outward(self.last(self.hidden(x, num_reference)), self.last)

    def penultimate(self, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        """Map a batch to what the last layer takes, (batch, features)."""

        def forward(x: jax.Array, num_reference: int | None) -> jax.Array:
            return self.outward(self.hidden(x, num_reference), self.last)

        return self._beside(forward, x, reference)


def per_feature(vector: jax.Array, x: jax.Array) -> jax.Array:
    """Return a vector over features so that it broadcasts to (features, …, batch)."""
    return vector.reshape(-1, *[1] * (x.ndim - 1))


def to_image(x: jax.Array, height: int, width: int) -> jax.Array:
    """Return (height · width · channels, batch) as (channels, height, width, batch)."""
    return x.reshape(height, width, -1, x.shape[-1]).transpose(2, 0, 1, 3)


def from_image(x: jax.Array) -> jax.Array:
    """Return (channels, height, width, batch) as (height · width · channels, batch)."""
    return x.transpose(1, 2, 0, 3).reshape(-1, x.shape[-1])


def leaky_relu(x: jax.Array) -> jax.Array:
    """Return max(x, 0.2·x)."""
    return jax.nn.leaky_relu(x, 0.2)


def layout(
    image_shape: Sequence[int], num_layers: int, width: int, growing: bool, *, least: int = 1
) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Return (height, width, channels), and the features of a discriminator's layers in order.

    Raises:
        ValueError: as `check_image`; ``num_layers`` is no positive integer, or ``width`` none of at
            least ``least``.

    Example:
        >>> layout((32, 32, 3), 3, 64, growing=True)
        ((32, 32, 3), (64, 128, 256))
    """
    num_layers = check_count(num_layers, argument="num_layers")
    width = check_count(width, argument="width", minimum=least)
    shape = check_image(image_shape, num_layers)
    return shape, tuple(width * 2**index if growing else width for index in range(num_layers))
