"""From the game of a configuration to its networks: what goes into each, and what comes out."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield import games
from ganfield._registry import Registry
from ganfield.checks import lookup
from ganfield.configuration._config import Config
from ganfield.configuration._networks import (
    Shape,
    build_discriminator,
    build_encoder,
    build_generator,
    build_translator,
)
from ganfield.configuration._options import arguments, keywords
from ganfield.data import Pairs
from ganfield.games import OBJECTIVES, PENALTIES, Game
from ganfield.networks import Network

Inputs = Callable[[jax.Array, int], jax.Array]
"""``inputs(key, count)``: what a generator makes as many examples of."""


class Parts(NamedTuple):
    """What a game is made of.

    Attributes:
        game: what is played.
        generator: θ's network, as it makes examples.
        discriminator: φ's network.
        inputs: what the generator is given where examples are wanted.
        encoder: θ's other network, of a `bigan`, which takes its own part of θ.
    """

    game: Game
    generator: Network
    discriminator: Network
    inputs: Inputs
    encoder: Network | None = None


class _Asked(NamedTuple):
    """What there is to make the parts of."""

    config: Config
    data: Any
    shape: Shape
    options: Mapping[str, Any]

    def generator(self, more: int = 0) -> Network:
        config = self.config
        return build_generator(config.generator, config.latent_size + more, self.shape)

    def discriminator(self, more: int = 0, outputs: int = 1) -> Network:
        return build_discriminator(self.config.discriminator, self.shape, outputs, more=more)

    def latent(self, key: jax.Array, count: int, more: int = 0) -> jax.Array:
        return jax.random.normal(key, (count, self.config.latent_size + more))

    def play(self, *subject: Any, **given: Any) -> Game:
        """Return the game of these networks, with what the configuration says of it."""
        chosen, extras = self.config.game, dict(self.options)
        if chosen.penalty is not None:
            extras |= {"penalty": chosen.penalty, "penalty_weight": chosen.penalty_weight}
        if chosen.instance_noise:
            extras["instance_noise"] = chosen.instance_noise
        return games.GAMES[chosen.name](*subject, chosen.objective, **extras, **given)

    def num_classes(self) -> int:
        labels = getattr(self.data, "labels", None)
        if labels is None:
            raise ValueError(
                f"game.name={self.config.game.name} needs data with labels, and "
                f"{self.config.data.name} has none"
            )
        images = getattr(self.data, "images", self.data)
        names = getattr(images, "class_names", ())
        return len(names) or int(np.max(np.asarray(images.labels))) + 1


def _gan(asked: _Asked) -> Parts:
    generator, discriminator = asked.generator(), asked.discriminator()
    return Parts(asked.play(generator, discriminator), generator, discriminator, asked.latent)


def _with_classes(asked: _Asked, classes: int) -> Inputs:
    def inputs(key: jax.Array, count: int) -> jax.Array:
        of_latent, of_label = jax.random.split(key)
        label = jax.random.randint(of_label, (count,), 0, classes)
        return games.append_one_hot(asked.latent(of_latent, count), label, classes)

    return inputs


def _conditional(asked: _Asked) -> Parts:
    classes = asked.num_classes()
    generator, discriminator = asked.generator(classes), asked.discriminator(classes)
    game = asked.play(generator, discriminator, classes)
    return Parts(game, generator, discriminator, _with_classes(asked, classes))


def _auxiliary_classifier(asked: _Asked) -> Parts:
    classes = asked.num_classes()
    generator, discriminator = asked.generator(classes), asked.discriminator(outputs=1 + classes)
    game = asked.play(generator, discriminator, classes)
    return Parts(game, generator, discriminator, _with_classes(asked, classes))


def _info(asked: _Asked) -> Parts:
    categories, numbers = (
        asked.options.get(name, 0) for name in ("num_categories", "num_continuous")
    )
    if categories < 0 or numbers < 0 or categories == 1 or categories + numbers == 0:
        raise ValueError(
            "game.options must give info_gan a code: num_categories ≥ 2, num_continuous ≥ 1 or "
            f"both, got num_categories={categories} and num_continuous={numbers}"
        )
    code = categories + numbers
    generator, discriminator = asked.generator(code), asked.discriminator(outputs=1 + code)

    def inputs(key: jax.Array, count: int) -> jax.Array:
        of_latent, of_category, of_numbers = jax.random.split(key, 3)
        latent = asked.latent(of_latent, count)
        if categories:
            category = jax.random.randint(of_category, (count,), 0, categories)
            latent = games.append_one_hot(latent, category, categories)
        drawn = jax.random.uniform(of_numbers, (count, numbers), minval=-1.0)
        return jnp.concatenate([latent, drawn], axis=1)

    return Parts(asked.play(generator, discriminator), generator, discriminator, inputs)


def _semi_supervised(asked: _Asked) -> Parts:
    classes = asked.num_classes()
    generator, discriminator = asked.generator(), asked.discriminator(outputs=classes)
    game = asked.play(generator, discriminator, classes)
    return Parts(game, generator, discriminator, asked.latent)


def _bigan(asked: _Asked) -> Parts:
    size, noise = asked.config.latent_size, asked.options.get("noise_size", 0)
    generator, discriminator = asked.generator(noise), asked.discriminator(size)
    encoder = build_encoder(asked.config.discriminator, asked.shape, size, more=noise)
    game = asked.play(generator, encoder, discriminator)

    def inputs(key: jax.Array, count: int) -> jax.Array:
        return asked.latent(key, count, noise)

    return Parts(
        game, _part(generator, "generator"), discriminator, inputs, _part(encoder, "encoder")
    )


def _part(network: Network, name: str) -> Network:
    """Return a network that finds its parameters in θ."""
    return Network(
        lambda key: {name: network.init(key)},
        lambda theta, x: network.apply(theta[name], x),
        network.input_shape,
        lambda theta, x, reference: network.evaluate(theta[name], x, reference),
    )


def _image_to_image(asked: _Asked) -> Parts:
    if not isinstance(asked.data, Pairs):
        raise ValueError(
            "game.name=image_to_image needs pairs: data.pairs=quarter or edges makes them of "
            f"images, got {asked.data!r:.80}"
        )
    pairs, source = asked.data, tuple(asked.data.sources.shape)
    generator = build_translator(asked.config.generator, source, asked.shape)
    discriminator = asked.discriminator(source[-1])

    def inputs(key: jax.Array, count: int) -> jax.Array:
        return pairs.sample_pairs(key, count)[0]

    return Parts(asked.play(generator, discriminator), generator, discriminator, inputs)


MAKERS: Registry[Callable[[_Asked], Parts]] = Registry(
    "game",
    {
        "gan": _gan,
        "conditional_gan": _conditional,
        "auxiliary_classifier_gan": _auxiliary_classifier,
        "info_gan": _info,
        "semi_supervised_gan": _semi_supervised,
        "bigan": _bigan,
        "image_to_image": _image_to_image,
    },
)
"""Name of a game → how its parts are made."""

# Settings of a game that have places of their own, or follow from networks and data.
_APART = (
    "generator",
    "encoder",
    "discriminator",
    "num_classes",
    "objective",
    "penalty",
    "penalty_weight",
    "instance_noise",
    "features",
)


def options_of(name: str) -> dict[str, Any]:
    """Return the parameters of a game that ``game.options`` gives."""
    takes = keywords(games.GAMES[name], skip=0)
    return {option: each for option, each in takes.items() if option not in _APART}


def make_parts(config: Config, data: Any, shape: Shape) -> Parts:
    """Return the game and the networks of a configuration.

    Raises:
        ValueError: a name is unknown; an option is not the game's; networks or data do not fit it.
    """
    chosen = config.game
    make = lookup(MAKERS, chosen.name, argument="game.name")
    lookup(OBJECTIVES, chosen.objective, argument="game.objective")
    if chosen.penalty is not None:
        lookup(PENALTIES, chosen.penalty, argument="game.penalty")
    options = arguments(chosen.options, options_of(chosen.name), argument="game.options")
    return make(_Asked(config, data, shape, options))
