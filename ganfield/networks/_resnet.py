"""The residual networks of the CelebA experiments."""

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

SCALE = 0.1


class Block(nnx.Module):
    """A convolution that resamples, and x + 0.1·conv(lrelu(conv(lrelu(x)))) with 3×3 kernels."""

    def __init__(
        self,
        kind: str,
        before: int,
        after: int,
        inner: int,
        options: Settings,
        rngs: nnx.Rngs,
        *,
        norm: bool,
    ):
        self.resample = Layer(kind, (5, 5, before, after), options, rngs, bias=not norm)
        self.norm = BatchNorm(after) if norm else None
        self.narrow = Layer("same", (3, 3, after, inner), options, rngs)
        self.widen = Layer("same", (3, 3, inner, after), options, rngs)

    def __call__(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map an image to one of twice or half its sides."""
        x = self.resample(x)
        x = x if self.norm is None else self.norm(x, num_reference)
        return x + SCALE * self.widen(leaky_relu(self.narrow(leaky_relu(x))))


class ResNetGenerator(ImageModule):
    """A linear layer to a small image, blocks that double its sides, a transposed convolution."""

    def __init__(
        self,
        latent_size: int,
        image_shape: tuple[int, int, int],
        widths: Sequence[int],
        options: Settings,
        rngs: nnx.Rngs,
    ):
        height, width, channels = image_shape
        self.options = options
        self.base = height // 2 ** len(widths), width // 2 ** len(widths)
        units = self.base[0] * self.base[1] * widths[-1]
        self.first = Layer("linear", (latent_size, units), options, rngs)
        self.first_norm = BatchNorm(widths[-1]) if options.batch_norm else None
        self.blocks = nnx.List(
            Block("up", before, after, after // 2, options, rngs, norm=options.batch_norm)
            for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = Layer("up", (5, 5, widths[0], channels), options, rngs)

    def forward(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (latent, batch) to (channels, height, width, batch)."""
        x = to_image(self.first(x), *self.base)
        x = x if self.first_norm is None else self.first_norm(x, num_reference)
        for block in self.blocks:
            x = block(leaky_relu(x), num_reference)
        return jnp.tanh(self.outward(self.last(leaky_relu(x)), self.last))


class ResNetDiscriminator(ImageDiscriminator):
    """Blocks that halve an image's sides, and a linear layer."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        output_size: int,
        widths: Sequence[int],
        inner: Sequence[int],
        options: Settings,
        rngs: nnx.Rngs,
    ):
        height, width, channels = image_shape
        count, ends = len(widths), (channels, *widths)
        self.options = options
        self.blocks = nnx.List(
            Block(
                "down",
                ends[index],
                ends[index + 1],
                inner[index],
                options,
                rngs,
                norm=options.batch_norm and index > 0,
            )
            for index in range(count)
        )
        units = (height // 2**count) * (width // 2**count) * widths[-1]
        self.last = Layer("linear", (units, output_size), options, rngs)

    def hidden(self, x: jax.Array, num_reference: int | None) -> jax.Array:
        """Map (channels, height, width, batch) to (features, batch)."""
        for index, block in enumerate(self.blocks):
            x = block(leaky_relu(x) if index else x, num_reference)
        return from_image(leaky_relu(x))


@registered(NETWORKS)
def resnet_generator(
    latent_size: int,
    image_shape: Sequence[int],
    *,
    num_layers: int = 4,
    width: int = 64,
    growing: bool = True,
    batch_norm: bool = False,
    spectral_norm: bool = False,
    dtype: Any = None,
    convolution: str = "auto",
) -> Network:
    """Return the residual generator of the CelebA experiments: from latent variables to images.

    The widths are those of `dcgan_generator`; after each transposed convolution but the last comes
    net + 0.1·conv3×3(lrelu(conv3×3(lrelu(net)))), with half the features in between. All
    activations are leaky ReLU of slope 0.2, and stand before the convolutions. In the official
    code's names: resnet, no options; resnet_cf, ``growing=False``. Both have four layers and no
    batch norm, and images of 64×64; conopt0 has width and latent size 64, the other runs 128 and
    256.

    Args:
        latent_size: features of one input.
        image_shape: (height, width, channels); 2^num_layers must divide height and width.
        num_layers: transposed convolutions.
        width: features of the last hidden layer, at least 2.
        growing: whether features double from layer to layer, seen from the image.
        batch_norm: whether batch norm follows the linear layer and each transposed convolution but
            the last; the official networks have none.
        spectral_norm: as in `dcgan_generator`, like all that follow.
        dtype: the floating-point type of computation; None is that of the parameters.
        convolution: "auto", "ordered", "patches" or "xla".

    Returns:
        A `Network` from (batch, latent_size) to (batch, height, width, channels), in [−1, 1].

    Raises:
        ValueError: as `dcgan_generator`.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017; the form of the blocks is that of
        the authors' code.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.resnet_generator(4, (8, 8, 1), num_layers=2, width=4)
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((5, 4))).shape
        (5, 8, 8, 1)
    """
    latent_size = check_count(latent_size, argument="latent_size")
    shape, widths = layout(image_shape, num_layers, width, growing, least=2)
    options = settings(batch_norm, spectral_norm, dtype, convolution)
    return from_nnx(
        lambda rngs: ResNetGenerator(latent_size, shape, widths, options, rngs), (latent_size,)
    )


@registered(NETWORKS)
def resnet_discriminator(
    image_shape: Sequence[int],
    output_size: int = 1,
    *,
    num_layers: int = 4,
    width: int = 64,
    growing: bool = True,
    batch_norm: bool = False,
    spectral_norm: bool = False,
    dtype: Any = None,
    convolution: str = "auto",
) -> Network:
    """Return the residual discriminator of the CelebA experiments: from images to logits.

    ``num_layers`` blocks, each a convolution (5×5, stride 2) and net +
    0.1·conv3×3(lrelu(conv3×3(lrelu(net)))) with half the features in between, then a linear layer.
    With ``growing=False`` the first block has all of its features in between, as in the official
    resnet_cf.

    Args:
        image_shape: (height, width, channels); 2^num_layers must divide height and width.
        output_size: outputs for each image; 1 is a logit.
        num_layers: blocks.
        width: features of the first block, at least 2.
        growing: whether features double from block to block.
        batch_norm: whether batch norm follows each convolution of stride 2 but the first; the
            official networks have none.
        spectral_norm: as in `dcgan_generator`, like all that follow.
        dtype: the floating-point type of computation; None is that of the parameters.
        convolution: "auto", "ordered", "patches" or "xla".

    Returns:
        A `Network` from (batch, height, width, channels) to (batch, output_size).

    Raises:
        ValueError: as `dcgan_generator`.

    Reference:
        As `resnet_generator`.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.resnet_discriminator((8, 8, 1), num_layers=2, width=4)
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((5, 8, 8, 1))).shape
        (5, 1)
    """
    output_size = check_count(output_size, argument="output_size")
    shape, widths = layout(image_shape, num_layers, width, growing, least=2)
    inner = [features // 2 for features in widths]
    inner[0] = inner[0] if growing else widths[0]
    options = settings(batch_norm, spectral_norm, dtype, convolution)
    return from_nnx(
        lambda rngs: ResNetDiscriminator(shape, output_size, widths, inner, options, rngs), shape
    )
