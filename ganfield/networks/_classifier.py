"""A small convolutional classifier, for scores of images that Inception does not know."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import jax
from flax import nnx

from ganfield._registry import name_of, named
from ganfield._types import PyTree
from ganfield.checks import check_count
from ganfield.networks._image_layers import Layer, Settings, settings
from ganfield.networks._network import from_nnx

_SMALLEST = 4


class ClassifierNetwork(NamedTuple):
    """A network with two results.

    Attributes:
        init: ``init(key) -> params``, plain nested dicts of arrays.
        apply: ``apply(params, images) -> (features, logits)``, images as floats in [−1, 1].
        input_shape: the shape of one image.
    """

    init: Callable[[jax.Array], PyTree]
    apply: Callable[[PyTree, jax.Array], tuple[jax.Array, jax.Array]]
    input_shape: tuple[int, ...]

    def __repr__(self) -> str:
        return name_of(self.apply, "ClassifierNetwork")


class Classifier(nnx.Module):
    """3×3 convolutions that halve the image until its shorter side is at most 4, and two layers."""

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        width: int,
        num_features: int,
        options: Settings,
        rngs: nnx.Rngs,
    ):
        *sides, channels = image_shape
        halvings = max(math.ceil(math.log2(min(sides) / _SMALLEST)), 0)
        widths = [channels, width, *(width * min(2**i, 4) for i in range(1, halvings + 1))]
        rows, columns = (math.ceil(side / 2**halvings) for side in sides)
        self.convolutions = nnx.List(
            Layer("down" if index else "same", (3, 3, *pair), options, rngs)
            for index, pair in enumerate(pairwise(widths))
        )
        size = rows * columns * widths[-1]
        self.features = Layer("linear", (size, num_features), options, rngs)
        self.logits = Layer("linear", (num_features, num_classes), options, rngs)

    def __call__(self, images: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Map images (batch, height, width, channels) to features and logits."""
        x = images.transpose(3, 1, 2, 0)
        for convolution in self.convolutions:
            x = jax.nn.relu(convolution(x))
        features = jax.nn.relu(self.features(x.reshape(-1, x.shape[-1])))
        return features.T, self.logits(features).T


@named
def classifier(
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int = 32,
    num_features: int = 128,
    convolution: str = "auto",
) -> ClassifierNetwork:
    """Return a small convolutional classifier.

    A 3×3 convolution to ``width`` maps, then one of stride 2 for each halving that brings the
    shorter side to at most 4, with twice the maps each time up to four times ``width``; a layer of
    features; the logits. ReLU throughout and no normalisation, so that nothing depends on an
    image's neighbours. Kernels begin Glorot uniform, biases at zero.

    Args:
        image_shape: height, width and channels.
        num_classes: logits.
        width: maps of the first convolution.
        num_features: of the layer before the logits.
        convolution: as in `dcgan_discriminator`.

    Returns:
        A `ClassifierNetwork`.

    Raises:
        ValueError: a size is no positive integer, or the convolution is unknown.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.classifier((16, 16, 1), 10)
        >>> params = network.init(jax.random.key(0))
        >>> features, logits = network.apply(params, jax.numpy.zeros((5, 16, 16, 1)))
        >>> features.shape, logits.shape
        ((5, 128), (5, 10))
    """
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {image_shape}")
    height, width_of_image, channels = (check_count(n, argument="image_shape") for n in image_shape)
    shape = (height, width_of_image, channels)
    num_classes = check_count(num_classes, argument="num_classes", minimum=2)
    width = check_count(width, argument="width")
    num_features = check_count(num_features, argument="num_features")
    options = settings(False, False, None, convolution)
    built: Any = from_nnx(
        lambda rngs: Classifier(shape, num_classes, width, num_features, options, rngs), shape
    )
    return ClassifierNetwork(built.init, built.apply, shape)
