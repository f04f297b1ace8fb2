"""From a configuration to what a run is made of; nothing is trained here."""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from ganfield import games
from ganfield._types import Field, Sampler
from ganfield.checks import lookup
from ganfield.configuration._config import Config, GameConfig
from ganfield.configuration._data import load_data
from ganfield.configuration._objects import make_method, make_transform
from ganfield.data import Images, batch_sampler
from ganfield.data._batch_sampler import check_distribution
from ganfield.field import vector_field
from ganfield.games import OBJECTIVES, PENALTIES, Game
from ganfield.methods import Method

if TYPE_CHECKING:
    from ganfield.networks import Network


class Built(NamedTuple):
    """What a run is made of.

    Attributes:
        config: what it was built from.
        generator: θ's network.
        discriminator: φ's network.
        game: what is played.
        original: v, the game's own field.
        field: what the method moves along, v or what the transform makes of it.
        method: how the players move.
        data: the images, or another distribution to imitate.
    """

    config: Config
    generator: "Network"
    discriminator: "Network"
    game: Game
    original: Field
    field: Field
    method: Method
    data: Any

    def sampler(self) -> Sampler:
        """Return ``sample(key) -> batch`` of the configuration's sizes; images go to the device."""
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
    from ganfield.configuration._networks import build_discriminator, build_generator

    examples = load_data(config.data) if data is None else data
    check_distribution(examples, argument="data")
    shape = _shape(examples)
    generator = build_generator(config.generator, config.latent_size, shape)
    discriminator = build_discriminator(config.discriminator, shape)
    game = _game(config.game, generator, discriminator)
    original = vector_field(game)
    return Built(
        config,
        generator,
        discriminator,
        game,
        original,
        make_transform(config.method, original),
        make_method(config.method),
        examples,
    )


def batch_sizes(config: Config) -> dict[str, Any]:
    """Return what samplers and loaders of batches are told."""
    # Penalties and noise draw random numbers of their own.
    draws = config.game.penalty is not None or config.game.instance_noise > 0
    return {"batch_size": config.batch_size, "latent_size": config.latent_size, "keys": draws}


def _shape(examples: Any) -> tuple[int, ...]:
    if isinstance(examples, Images):
        return examples.shape
    drawn = jax.eval_shape(lambda key: examples.sample(key, 2), jax.random.key(0))
    return tuple(drawn.shape[1:])


def _game(chosen: GameConfig, generator: "Network", discriminator: "Network") -> Game:
    lookup(OBJECTIVES, chosen.objective, argument="game.objective")
    extras: dict[str, Any] = {}
    if chosen.penalty is not None:
        lookup(PENALTIES, chosen.penalty, argument="game.penalty")
        extras |= {"penalty": chosen.penalty, "penalty_weight": chosen.penalty_weight}
    if chosen.instance_noise:
        extras["instance_noise"] = chosen.instance_noise
    return games.gan(generator, discriminator, chosen.objective, **extras)
