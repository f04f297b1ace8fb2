"""From the networks of a configuration to networks for images, or for points."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganfield import networks
from ganfield.checks import lookup
from ganfield.configuration._config import NetworkConfig
from ganfield.configuration._options import arguments, keywords
from ganfield.networks import Network

Shape = tuple[int, ...]


def build_generator(config: NetworkConfig, latent_size: int, shape: Shape) -> Network:
    """Return the generator of examples of that shape; images come out of a tanh, in [−1, 1].

    Raises:
        ValueError: the architecture is unknown, or cannot make that shape.
    """
    if config.architecture == "mlp":
        network = _perceptron(config, latent_size, math.prod(shape), "generator")
        return network if len(shape) == 1 else _image_outputs(network, shape)
    builder = _of_images(config, "generator", shape)
    return builder(latent_size, shape, **_arguments(config, builder, "generator"))


def build_discriminator(
    config: NetworkConfig, shape: Shape, outputs: int = 1, *, more: int = 0
) -> Network:
    """Return the discriminator of examples of that shape, of so many outputs for each.

    Args:
        config: how it is built.
        shape: of an example.
        outputs: for an example; 1 is a logit.
        more: how many features, or planes of an image, are appended to an example.

    Raises:
        ValueError: the architecture is unknown, or cannot take that shape.
    """
    taken = (*shape[:-1], shape[-1] + more)
    if config.architecture == "mlp":
        size = math.prod(shape) + more
        network = _perceptron(config, size, outputs, "discriminator")
        return network if len(shape) == 1 else _image_inputs(network, taken, more)
    builder = _of_images(config, "discriminator", shape)
    return builder(taken, outputs, **_arguments(config, builder, "discriminator"))


def build_encoder(config: NetworkConfig, shape: Shape, outputs: int, *, more: int = 0) -> Network:
    """Return what reads latent variables off examples: built as the discriminator is."""
    return build_discriminator(config, shape, outputs, more=more)


def build_translator(config: NetworkConfig, source: Shape, shape: Shape) -> Network:
    """Return the generator of examples from sources of the same sides.

    Raises:
        ValueError: the architecture is not for that.
    """
    names: dict[str, Callable[..., Network]] = {"mlp": networks.mlp, "unet": networks.unet}
    builder = lookup(names, config.architecture, argument="generator.architecture")
    if config.architecture == "unet":
        if len(shape) != 3:
            raise ValueError(
                "generator.architecture must be mlp for examples that are no images (their shape "
                f"is {shape}), got 'unet'"
            )
        return builder(source, shape[-1], **_arguments(config, builder, "generator"))
    network = _perceptron(config, math.prod(source), math.prod(shape), "generator")
    if len(shape) == 1:
        return network
    return _image_inputs(_image_outputs(network, shape), source)


def _of_images(config: NetworkConfig, player: str, shape: Shape) -> Callable[..., Network]:
    builders = {
        name.removesuffix(f"_{player}"): builder
        for name, builder in networks.NETWORKS.items()
        if name.endswith(f"_{player}") or name == "mlp"
    }
    builder = lookup(builders, config.architecture, argument=f"{player}.architecture")
    if len(shape) != 3:
        raise ValueError(
            f"{player}.architecture must be mlp for examples that are no images (their shape is "
            f"{shape}), got {config.architecture!r}"
        )
    return builder


def _arguments(config: NetworkConfig, builder: Callable[..., Network], player: str) -> dict:
    given: dict[str, Any] = {
        name: getattr(config, name)
        for name in ("width", "num_layers", "growing", "batch_norm", "spectral_norm")
    }
    if config.dtype is not None:
        given["dtype"] = jnp.dtype(
            lookup(
                {"float32": "float32", "bfloat16": "bfloat16"},
                config.dtype,
                argument=f"{player}.dtype",
            )
        )
    parameters = keywords(builder, skip=0).items()
    takes = {name: each for name, each in parameters if each.kind is each.KEYWORD_ONLY}
    return given | arguments(config.options, takes, argument=f"{player}.options")


def _perceptron(config: NetworkConfig, inputs: int, outputs: int, player: str) -> Network:
    asked = {name: getattr(config, name) for name in ("batch_norm", "spectral_norm", "dtype")}
    for name, value in (asked | {"growing": not config.growing}).items():
        if value:
            raise ValueError(f"{player}.{name} is not for the architecture mlp: leave it out")
    if config.options:
        raise ValueError(f"{player}.options: the architecture mlp has none")
    return networks.mlp(inputs, outputs, hidden_sizes=(config.width,) * config.num_layers)


def _image_outputs(network: Network, shape: Shape) -> Network:
    def apply(params: Any, x: jax.Array) -> jax.Array:
        flat = jnp.tanh(network.apply(params, x))
        return flat.reshape(*flat.shape[:-1], *shape)

    return Network(network.init, apply, network.input_shape)


def _image_inputs(network: Network, shape: Shape, planes: int = 0) -> Network:
    """Return a perceptron of images; of the last planes, which are constant, it sees one pixel."""

    def apply(params: Any, x: jax.Array) -> jax.Array:
        image, constant = jnp.split(x, [shape[-1] - planes], axis=-1)
        pixels = image.reshape(len(x), -1)
        return network.apply(params, jnp.concatenate([pixels, constant[:, 0, 0]], axis=1))

    def hidden(params: Any, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        return network.penultimate(params, x.reshape(x.shape[0], -1), reference)

    return Network(network.init, apply, shape, hidden=hidden)
