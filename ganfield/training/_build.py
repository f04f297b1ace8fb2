"""From a configuration to what a run is made of; nothing is trained here."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import optax

from ganfield import games
from ganfield._types import Field, Players
from ganfield.checks import lookup
from ganfield.data import HostLoader, Images, batch_sampler, fits_on_device
from ganfield.field import TRANSFORMS, vector_field
from ganfield.games import OBJECTIVES, PENALTIES, Game
from ganfield.methods import METHODS, Method, numerics_rmsprop
from ganfield.networks import Network
from ganfield.training._config import Config, MethodConfig
from ganfield.training._data import load_data
from ganfield.training._feeds import DeviceFeed, Feed, HostFeed
from ganfield.training._networks import build_discriminator, build_generator

OPTIMIZERS: dict[str, Callable[..., optax.GradientTransformation]] = {
    "numerics_rmsprop": numerics_rmsprop,
    "sgd": optax.sgd,
    "adam": optax.adam,
    "rmsprop": optax.rmsprop,
}
"""Name → builder; each takes the learning rate first."""

_METRICS_SEED = 2**31  # Seeds are below it.


class Built(NamedTuple):
    """What a run is made of.

    Attributes:
        config: what it was built from, with the storage of the data decided.
        generator: θ's network.
        discriminator: φ's network.
        game: what is played.
        original: v, the game's own field.
        field: what the method moves along, v or what the transform makes of it.
        method: how the players move.
        data: the images, or another distribution to imitate.
        feed: the batches. Replace it to place them otherwise.
    """

    config: Config
    generator: Network
    discriminator: Network
    game: Game
    original: Field
    field: Field
    method: Method
    data: Any
    feed: Feed


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
        >>> built = gf.training.build(gf.training.preset("digits/mlp"))
        >>> built.feed.batch(0).real.shape
        (64, 16, 16, 1)
    """
    examples = load_data(config.data) if data is None else data
    shape = _shape(examples)
    generator = build_generator(config.generator, config.latent_size, shape)
    discriminator = build_discriminator(config.discriminator, shape)
    game = _game(config, generator, discriminator)
    original = vector_field(game)
    field, method = _transformed(config.method, original), _method(config.method)
    config = config.replace({"data.storage": _storage(config, examples)})
    feed = _feed(config, method, examples)
    return Built(config, generator, discriminator, game, original, field, method, examples, feed)


def _shape(examples: Any) -> tuple[int, ...]:
    if isinstance(examples, Images):
        return examples.shape
    found = jax.eval_shape(lambda key: examples.sample(key, 2), jax.random.key(0))
    return tuple(found.shape[1:])


def _storage(config: Config, examples: Any) -> str:
    chosen = config.data.storage
    lookup(dict.fromkeys(("auto", "device", "host")), chosen, argument="data.storage")
    if not isinstance(examples, Images):
        if chosen == "host":
            raise ValueError("data.storage=host is for images; other examples are drawn in-graph")
        return "device"
    if chosen != "auto":
        return chosen
    return "device" if fits_on_device(examples) else "host"


def _feed(config: Config, method: Method, examples: Any) -> Feed:
    sizes: dict[str, Any] = {
        "batch_size": config.batch_size,
        "latent_size": config.latent_size,
        # Penalties and noise draw random numbers of their own.
        "keys": config.game.penalty is not None or config.game.instance_noise > 0,
    }
    if config.data.storage == "host":
        return HostFeed(
            HostLoader(examples, seed=config.seed, num_batches=method.num_batches, **sizes),
            method,
            HostLoader(examples, seed=config.seed + _METRICS_SEED, **sizes),
        )
    keys = random_keys(config)
    return DeviceFeed(batch_sampler(examples, **sizes), method, keys.batches, keys.metrics)


class Keys(NamedTuple):
    """A key for everything that is random.

    Attributes:
        init: the players' first parameters.
        batches: what the steps see.
        metrics: what is measured on.
        samples: the latent variables of grids and scores.
    """

    init: jax.Array
    batches: jax.Array
    metrics: jax.Array
    samples: jax.Array


def random_keys(config: Config) -> Keys:
    """Return the keys of a run, all from its seed."""
    return Keys(*jax.random.split(jax.random.key(config.seed), len(Keys._fields)))


def _game(config: Config, generator: Network, discriminator: Network) -> Game:
    chosen = config.game
    lookup(OBJECTIVES, chosen.objective, argument="game.objective")
    extras: dict[str, Any] = {}
    if chosen.penalty is not None:
        lookup(PENALTIES, chosen.penalty, argument="game.penalty")
        extras |= {"penalty": chosen.penalty, "penalty_weight": chosen.penalty_weight}
    if chosen.instance_noise:
        extras["instance_noise"] = chosen.instance_noise
    return games.gan(generator, discriminator, chosen.objective, **extras)


def _transformed(chosen: MethodConfig, field: Field) -> Field:
    transform = lookup(TRANSFORMS, chosen.transform, argument="method.transform")
    options = dict(chosen.transform_options)
    takes = _keywords(transform)
    if chosen.gamma is not None:
        if "gamma" not in takes:
            takers = [name for name, each in TRANSFORMS.items() if "gamma" in _keywords(each)]
            raise ValueError(
                f"method.gamma is for the transforms {', '.join(takers)}, got {chosen.gamma:g} "
                f"with method.transform={chosen.transform}"
            )
        options["gamma"] = chosen.gamma
    _check_options(options, takes, "method.transform_options")
    for name, parameter in takes.items():
        if parameter.default is parameter.empty and name not in options:
            where = "method.gamma" if name == "gamma" else f"method.transform_options.{name}"
            raise ValueError(f"{where} must be given with method.transform={chosen.transform}")
    return transform(field, **options)


def _method(chosen: MethodConfig) -> Method:
    builder = lookup(METHODS, chosen.name, argument="method.name")
    optimizer = lookup(OPTIMIZERS, chosen.optimizer, argument="method.optimizer")
    _check_options(chosen.optimizer_options, _keywords(optimizer), "method.optimizer_options")
    rates = Players(chosen.learning_rate, chosen.learning_rate)
    if chosen.phi_learning_rate is not None:
        rates = rates._replace(phi=chosen.phi_learning_rate)
    optimizers = Players(*(optimizer(rate, **chosen.optimizer_options) for rate in rates))
    # One optimizer for both where they do not differ: some methods keep one memory then.
    shared = optimizers.theta if rates.theta == rates.phi else optimizers
    takes = _keywords(builder)
    options = dict(chosen.options)
    for name in ("theta_steps", "phi_steps"):
        value = getattr(chosen, name)
        if name in takes:
            options[name] = value
        elif value != 1:
            raise ValueError(
                f"method.{name} is for alternating steps, got {value} with {chosen.name}"
            )
    _check_options(options, takes, "method.options")
    return builder(shared, **options)


def _keywords(builder: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a builder after its first."""
    return dict(list(inspect.signature(builder).parameters.items())[1:])


def _check_options(options: Mapping[str, Any], takes: Mapping[str, Any], argument: str) -> None:
    for name in options:
        if not takes:
            raise ValueError(f"{argument}: there are none here, got {name}")
        lookup(takes, name, argument=f"name in {argument}")
