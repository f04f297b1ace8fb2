"""From a configuration to what a run is made of; nothing is trained here."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from ganfield._types import Field, Sampler
from ganfield.configuration._config import Config
from ganfield.configuration._data import load_data
from ganfield.configuration._objects import make_method, make_transform
from ganfield.data import FewLabels, Images, Pairs, batch_sampler, pair_sampler
from ganfield.data._batch_sampler import check_distribution
from ganfield.field import vector_field
from ganfield.games import Game
from ganfield.methods import Method

if TYPE_CHECKING:
    from ganfield.networks import Network


_LABELLED = ("conditional_gan", "auxiliary_classifier_gan", "semi_supervised_gan")


class Built(NamedTuple):
    """What a run is made of.

    Attributes:
        config: what it was built from.
        generator: θ's network, as it makes examples.
        discriminator: φ's network.
        game: what is played.
        original: v, the game's own field.
        field: what the method moves along, v or what the transform makes of it.
        method: how the players move.
        data: the images, or another distribution to imitate.
        shape: of an example.
        inputs: ``inputs(key, count)``, what the generator makes as many examples of.
        encoder: of a `bigan`, the network that takes θ and examples, else None.
    """

    config: Config
    generator: "Network"
    discriminator: "Network"
    game: Game
    original: Field
    field: Field
    method: Method
    data: Any
    shape: tuple[int, ...]
    inputs: Callable[[jax.Array, int], jax.Array]
    encoder: "Network | None" = None

    def sampler(self) -> Sampler:
        """Return ``sample(key) -> batch`` of the configuration's sizes; images go to the device."""
        if self.config.game.name == "image_to_image":
            sizes = batch_sizes(self.config)
            del sizes["latent_size"]
            return pair_sampler(self.data, **sizes)
        return batch_sampler(self.data, **batch_sizes(self.config))


def build(config: Config, data: Any = None) -> Built:
    """Return what a configuration describes, its names looked up and its shapes checked.

    Args:
        config: the configuration.
        data: what has a ``sample(key, size)``; loaded as ``config.data`` says if None.

    Returns:
        A `Built`.

    Raises:
        ValueError: a name is unknown, an option is not its builder's, shapes do not fit.

    Example:
        >>> import jax, ganfield as gf
        >>> built = gf.configuration.build(gf.configuration.preset("digits/mlp"))
        >>> built.sampler()(jax.random.key(0)).real.shape
        (64, 16, 16, 1)
    """
    # Flax comes with them, which the plane's games do without.
    from ganfield.configuration._gans import make_parts

    examples = load_data(config.data) if data is None else data
    check_distribution(examples, argument="data")
    shape = _shape(examples)
    parts = make_parts(config, examples, shape)
    original = vector_field(parts.game)
    return Built(
        config,
        parts.generator,
        parts.discriminator,
        parts.game,
        original,
        make_transform(config.method, original),
        make_method(config.method),
        examples,
        shape,
        parts.inputs,
        parts.encoder,
    )


def looks_at_data(config: Config) -> bool:
    """Return whether a game's networks follow from more of the data than an example's shape."""
    return config.game.name in (*_LABELLED, "image_to_image")


def batch_sizes(config: Config) -> dict[str, Any]:
    """Return what samplers and loaders of batches are told."""
    chosen = config.game
    # Penalties, noise and codes draw random numbers of their own.
    draws = chosen.penalty is not None or chosen.instance_noise > 0 or chosen.name == "info_gan"
    noise = chosen.options.get("noise_size", 0) if chosen.name == "bigan" else 0
    sizes = {"batch_size": config.batch_size, "latent_size": config.latent_size + 2 * noise}
    labels = {"labels": True} if chosen.name in _LABELLED else {}
    return {**sizes, **labels, "keys": draws}


def _shape(examples: Any) -> tuple[int, ...]:
    if isinstance(examples, Images | FewLabels | Pairs):
        return tuple(examples.shape)
    drawn = jax.eval_shape(lambda key: examples.sample(key, 2), jax.random.key(0))
    return tuple(drawn.shape[1:])
