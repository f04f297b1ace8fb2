"""The convolutional networks of the CIFAR-10 experiments: DCGAN of three or four layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from ganfield._registry import registered
from ganfield.checks import check_count
from ganfield.networks._image_layers import (
    BatchNorm,
    ImageDiscriminator,
    ImageModule,
    Layer,
    Settings,
    from_image,
    layout,
    leaky_relu,
    settings,
    to_image,
)
from ganfield.networks._network import NETWORKS, Network, from_nnx

KERNEL = 5


class DCGANGenerator(ImageModule):
    """A linear layer to a small image, and transposed convolutions that double its sides."""

    def __init__(
        self,
        latent_size: int,
        image_shape: tuple[int, int, int],
        widths: Sequence[int],
        options: Settings,
        rngs: nnx.Rngs,
    ):
        height, width, channels = image_shape
        count, normal = len(widths), options.batch_norm
        self.options = options
        self.base = height // 2**count, width // 2**count
        units = self.base[0] * self.base[1] * widths[-1]
        # The official network of three layers normalises each unit of the base by itself and has
        # ReLU; that of four, each channel, with a bias for each unit besides, and leaky ReLU.
        self.by_unit = count == 3
        self.activation = jax.nn.relu if count == 3 else leaky_relu
        self.first = Layer(
            "linear", (latent_size, units), options, rngs, bias=not (normal and self.by_unit)
        )
        self.first_norm = BatchNorm(units if self.by_unit else widths[-1]) if normal else None
        ends = (*reversed(widths), channels)
        self.layers = nnx.List(
            Layer(
                "up",
                (KERNEL, KERNEL, ends[index], ends[index + 1]),
                options,
                rngs,
                bias=index == count - 1 or not normal,
            )
            for index in range(count)
        )
        self.norms = nnx.List(BatchNorm(features) for features in ends[1:-1] if normal)

    def forward(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (latent, batch) to (channels, height, width, batch)."""
        x = self.first(x)
        if self.first_norm is not None and self.by_unit:
            x = self.first_norm(x, num_reference)
        x = to_image(x, *self.base)
        if self.first_norm is not None and not self.by_unit:
            x = self.first_norm(x, num_reference)
        for index, layer in enumerate(self.layers):
            x = layer(self.activation(x))
            if index < len(self.norms):
                x = self.norms[index](x, num_reference)
        return jnp.tanh(self.outward(x, self.first))


class DCGANDiscriminator(ImageDiscriminator):
    """Convolutions that halve an image's sides, and a linear layer."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        output_size: int,
        widths: Sequence[int],
        options: Settings,
        rngs: nnx.Rngs,
    ):
        height, width, channels = image_shape
        count, ends, normal = len(widths), (channels, *widths), options.batch_norm
        self.options = options
        self.layers = nnx.List(
            Layer(
                "down",
                (KERNEL, KERNEL, ends[index], ends[index + 1]),
                options,
                rngs,
                bias=index == 0 or not normal,
            )
            for index in range(count)
        )
        self.norms = nnx.List(BatchNorm(features) for features in widths[1:] if normal)
        units = (height // 2**count) * (width // 2**count) * widths[-1]
        self.last = Layer("linear", (units, output_size), options, rngs)

    def hidden(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (channels, height, width, batch) to (features, batch)."""
        for index, layer in enumerate(self.layers):
            x = layer(x)
            if index and self.options.batch_norm:
                x = self.norms[index - 1](x, num_reference)
            x = leaky_relu(x)
        return from_image(x)


@registered(NETWORKS)
def dcgan_generator(
    latent_size: int,
    image_shape: Sequence[int],
    *,
    num_layers: int = 4,
    width: int = 64,
    growing: bool = True,
    batch_norm: bool = True,
    spectral_norm: bool = False,
    dtype: Any = None,
    convolution: str = "auto",
) -> Network:
    """Return the DCGAN generator of "The Numerics of GANs": from latent variables to images.

    A linear layer makes an image of sides 2^num_layers times smaller, with width·2^(num_layers−1)
    channels; ``num_layers`` transposed convolutions (5×5, stride 2, SAME) double its sides and
    halve its channels, the last to those of the image; then tanh. Kernels begin Glorot uniform,
    biases at zero. In the official code's names, at 32×32:

    | name | options |
    |---|---|
    | dcgan4 | none |
    | dcgan3 | ``num_layers=3`` |
    | dcgan4_nobn, dcgan3_nobn | ``batch_norm=False`` |
    | dcgan4_nobn_cf | ``batch_norm=False, growing=False`` |

    With three layers the activation is ReLU, with any other number leaky ReLU of slope 0.2.

    **Batch norm** stands after every layer but the last: ε = 0.001, a shift and no scale, as the
    official code's library has it by default. A convolution that it follows has no bias (batch norm
    would take it away again). Statistics are those of the batch, inside the field, so v is a pure
    function of parameters and batch; `Network.evaluate` takes them from a reference batch instead.

    **Types.** With ``dtype=jax.numpy.bfloat16`` products and activations are in bfloat16, while
    parameters, statistics, outputs and so v keep float32. What that costs in precision, above all
    of Jᵀv, is in experiments/benchmarks/README.md.

    Args:
        latent_size: features of one input.
        image_shape: (height, width, channels); 2^num_layers must divide height and width.
        num_layers: transposed convolutions.
        width: features of the last hidden layer.
        growing: whether features double from layer to layer, seen from the image; if not, all
            hidden layers have ``width``.
        batch_norm: whether there is batch norm.
        spectral_norm: whether every kernel is divided by its largest singular value.
        dtype: the floating-point type of computation; None is that of the parameters.
        convolution: "xla" for XLA's own, "ordered" for the same with its axes as a CPU wants them,
            "patches" for one matrix product over gathered patches, or "auto": on a CPU "ordered",
            elsewhere "xla", judged by `jax.default_backend` now.

    Returns:
        A `Network` from (batch, latent_size) to (batch, height, width, channels), in [−1, 1].

    Raises:
        ValueError: a size is no positive integer; the sides of the image are not divisible; the
            type is not of floating point; the convolution is unknown.

    Reference:
        Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks", 2016.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.dcgan_generator(4, (8, 8, 1), num_layers=2, width=4)
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((5, 4))).shape
        (5, 8, 8, 1)
    """
    latent_size = check_count(latent_size, argument="latent_size")
    shape, widths = layout(image_shape, num_layers, width, growing)
    options = settings(batch_norm, spectral_norm, dtype, convolution)
    return from_nnx(
        lambda rngs: DCGANGenerator(latent_size, shape, widths, options, rngs), (latent_size,)
    )


@registered(NETWORKS)
def dcgan_discriminator(
    image_shape: Sequence[int],
    output_size: int = 1,
    *,
    num_layers: int = 4,
    width: int = 64,
    growing: bool = True,
    batch_norm: bool = True,
    spectral_norm: bool = False,
    dtype: Any = None,
    convolution: str = "auto",
) -> Network:
    """Return the DCGAN discriminator of "The Numerics of GANs": from images to logits.

    ``num_layers`` convolutions (5×5, stride 2, SAME) with leaky ReLU of slope 0.2 halve the sides
    and, from ``width`` on, double the features; then a linear layer. The names of the official code
    are those of `dcgan_generator`. Batch norm stands after every convolution but the first.

    Args:
        image_shape: (height, width, channels); 2^num_layers must divide height and width.
        output_size: outputs for each image; 1 is a logit.
        num_layers: convolutions.
        width: features of the first layer.
        growing: whether features double from layer to layer; if not, all layers have ``width``.
        batch_norm: as in `dcgan_generator`, like all that follow.
        spectral_norm: whether every kernel is divided by its largest singular value.
        dtype: the floating-point type of computation; None is that of the parameters.
        convolution: "auto", "ordered", "patches" or "xla".

    Returns:
        A `Network` from (batch, height, width, channels) to (batch, output_size).

    Raises:
        ValueError: as `dcgan_generator`.

    Reference:
        As `dcgan_generator`.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.dcgan_discriminator((8, 8, 1), num_layers=2, width=4)
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((5, 8, 8, 1))).shape
        (5, 1)
    """
    output_size = check_count(output_size, argument="output_size")
    shape, widths = layout(image_shape, num_layers, width, growing)
    options = settings(batch_norm, spectral_norm, dtype, convolution)
    return from_nnx(
        lambda rngs: DCGANDiscriminator(shape, output_size, widths, options, rngs), shape
    )
