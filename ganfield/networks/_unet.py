"""A U-Net: from an image to an image of the same size."""

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
    ImageModule,
    Layer,
    Settings,
    layout,
    leaky_relu,
    settings,
)
from ganfield.networks._network import NETWORKS, Network, from_nnx

KERNEL = 5


class UNet(ImageModule):
    """Convolutions that halve the sides, and transposed ones that see what they halved."""

    def __init__(
        self,
        channels: int,
        output_channels: int,
        widths: Sequence[int],
        options: Settings,
        rngs: nnx.Rngs,
    ):
        self.options = options
        count, normal = len(widths), options.batch_norm

        def layer(kind: str, inputs: int, outputs: int, *, bias: bool) -> Layer:
            return Layer(kind, (KERNEL, KERNEL, inputs, outputs), options, rngs, bias=bias)

        starts, ends = (channels, *widths[:-1]), (output_channels, *widths[:-1])
        self.down = nnx.List(
            layer("down", starts[index], widths[index], bias=index == 0 or not normal)
            for index in range(count)
        )
        # All but the innermost get what went down beside what comes up.
        self.up = nnx.List(
            layer(
                "up",
                widths[index] * (1 if index == count - 1 else 2),
                ends[index],
                bias=index == 0 or not normal,
            )
            for index in range(count)
        )
        self.down_norms = nnx.List(BatchNorm(width) for width in widths[1:] if normal)
        self.up_norms = nnx.List(BatchNorm(width) for width in ends[1:] if normal)

    def forward(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (channels, height, width, batch) to the same with other channels."""
        kept = []
        for index, layer in enumerate(self.down):
            x = layer(x)
            if index and self.options.batch_norm:
                x = self.down_norms[index - 1](x, num_reference)
            x = leaky_relu(x)
            kept.append(x)
        for index in reversed(range(len(self.up))):
            if index < len(self.up) - 1:
                x = jnp.concatenate([jax.nn.relu(x), kept[index]])
            x = self.up[index](x)
            if index and self.options.batch_norm:
                x = self.up_norms[index - 1](x, num_reference)
        return jnp.tanh(self.outward(x, self.up[0]))


@registered(NETWORKS)
def unet(
    image_shape: Sequence[int],
    output_channels: int,
    *,
    num_layers: int = 4,
    width: int = 64,
    growing: bool = True,
    batch_norm: bool = True,
    spectral_norm: bool = False,
    dtype: Any = None,
    convolution: str = "auto",
) -> Network:
    """Return a U-Net: from images to images of the same sides, as pix2pix translates them.

    ``num_layers`` convolutions (5×5, stride 2, SAME) with leaky ReLU of slope 0.2 halve the sides;
    as many transposed ones double them again, each but the first on what came down to its place as
    well; ReLU between them, and tanh at the end. Batch norm stands after all but the first and the
    last. There is no dropout: a field is a function of parameters and batch.

    Args:
        image_shape: (height, width, channels) of an input; 2^num_layers must divide the sides.
        output_channels: of an output.
        num_layers: convolutions, and transposed ones.
        width: features of the outermost layer.
        growing: whether features double inwards; if not, all layers have ``width``.
        batch_norm: as in `dcgan_generator`.
        spectral_norm: as in `dcgan_generator`.
        dtype: as in `dcgan_generator`.
        convolution: as in `dcgan_generator`.

    Returns:
        A `Network` from (batch, *image_shape) to (batch, height, width, output_channels), in
        [−1, 1].

    Raises:
        ValueError: as `dcgan_generator`.

    Reference:
        Ronneberger, Fischer, Brox, "U-Net: Convolutional Networks for Biomedical Image
        Segmentation", 2015; Isola, Zhu, Zhou, Efros, "Image-to-Image Translation with Conditional
        Adversarial Networks", 2017.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.unet((8, 8, 1), 3, num_layers=2, width=4)
        >>> network.apply(network.init(jax.random.key(0)), jax.numpy.ones((5, 8, 8, 1))).shape
        (5, 8, 8, 3)
    """
    output_channels = check_count(output_channels, argument="output_channels")
    shape, widths = layout(image_shape, num_layers, width, growing)
    options = settings(batch_norm, spectral_norm, dtype, convolution)
    return from_nnx(lambda rngs: UNet(shape[-1], output_channels, widths, options, rngs), shape)
