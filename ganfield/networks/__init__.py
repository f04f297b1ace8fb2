"""Networks for either player, written in Flax; the only place that imports it."""

from collections.abc import Callable

from ganfield.networks._classifier import ClassifierNetwork, classifier
from ganfield.networks._dcgan import dcgan_discriminator, dcgan_generator
from ganfield.networks._inception import INCEPTION_SIZE, inception, inception_shapes
from ganfield.networks._mlp import MLP, mlp
from ganfield.networks._network import Network, from_linen, from_nnx
from ganfield.networks._resnet import resnet_discriminator, resnet_generator
from ganfield.networks._spectral_norm import spectral_norm

NETWORKS: dict[str, Callable[..., Network]] = {
    "mlp": mlp,
    "dcgan_generator": dcgan_generator,
    "dcgan_discriminator": dcgan_discriminator,
    "resnet_generator": resnet_generator,
    "resnet_discriminator": resnet_discriminator,
}
"""Name → builder; each takes the size or shape of one input and of one output first, but for the
discriminators' output, which is one logit unless they are told."""

__all__ = [
    "INCEPTION_SIZE",
    "MLP",
    "NETWORKS",
    "ClassifierNetwork",
    "Network",
    "classifier",
    "dcgan_discriminator",
    "dcgan_generator",
    "from_linen",
    "from_nnx",
    "inception",
    "inception_shapes",
    "mlp",
    "resnet_discriminator",
    "resnet_generator",
    "spectral_norm",
]
