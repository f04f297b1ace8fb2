"""From settings to a field and a method, by the registries."""

from collections.abc import Callable, Mapping
from typing import Any

import optax

from ganfield._registry import Registry
from ganfield._types import Field, Players
from ganfield.checks import lookup
from ganfield.configuration._config import MethodConfig
from ganfield.configuration._options import arguments, keywords, missing, naming_options
from ganfield.field import TRANSFORMS
from ganfield.methods import METHODS, WRAPPERS, Method, numerics_rmsprop

# Those of optax that need a direction, their memory and the parameters, and nothing else: no value
# of a loss, no key.
_OF_OPTAX = (
    "sgd",
    "adam",
    "rmsprop",
    "adabelief",
    "adadelta",
    "adafactor",
    "adagrad",
    "adamax",
    "adamaxw",
    "adamw",
    "adan",
    "amsgrad",
    "fromage",
    "lamb",
    "lars",
    "lion",
    "novograd",
    "optimistic_adam_v2",
    "optimistic_gradient_descent",
    "radam",
    "rprop",
    "sign_sgd",
    "yogi",
)
OPTIMIZERS: Registry[Callable[..., optax.GradientTransformation]] = Registry(
    "optimizer",
    {"numerics_rmsprop": numerics_rmsprop} | {name: getattr(optax, name) for name in _OF_OPTAX},
)
"""Name → builder; each takes the learning rate first."""


def make_transform(config: MethodConfig, field: Field) -> Field:
    """Return the field that the players move along: what the transform makes of v.

    Args:
        config: its transform, γ and the transform's other options.
        field: v.

    Raises:
        ValueError: the transform is unknown; it takes no γ, or no option of that name; one that it
            must be given is missing.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> config = gf.configuration.MethodConfig(transform="consensus", gamma=0.5)
        >>> gf.eigenvalues(make_transform(config, v))(gf.Players(0.0, 0.0)).round(3)
        Array([-0.5+1.j, -0.5-1.j], dtype=complex64)
    """
    transform = lookup(TRANSFORMS, config.transform, argument="method.transform")
    takes = keywords(transform)
    options: Mapping[str, Any] = config.transform_options
    if config.gamma is not None:
        if "gamma" not in takes:
            takers = [name for name, each in TRANSFORMS.items() if "gamma" in keywords(each)]
            raise ValueError(
                f"method.gamma is for the transforms {', '.join(takers)}, got {config.gamma:g} "
                f"with method.transform={config.transform}"
            )
        options = {"gamma": config.gamma, **options}
    made = arguments(options, takes, argument="method.transform_options")
    for name in missing(options, takes):
        where = "method.gamma" if name == "gamma" else f"method.transform_options.{name}"
        raise ValueError(f"{where} must be given with method.transform={config.transform}")
    return transform(field, **made)


def make_optimizers(config: MethodConfig) -> Players:
    """Return each player's optimizer.

    Args:
        config: its optimizer, learning rates and options.

    Raises:
        ValueError: the name is unknown, or an option is not its builder's.
    """
    optimizer = lookup(OPTIMIZERS, config.optimizer, argument="method.optimizer")
    of_optimizer = arguments(
        config.optimizer_options, keywords(optimizer), argument="method.optimizer_options"
    )
    rates = Players(config.learning_rate, config.learning_rate)
    if config.phi_learning_rate is not None:
        rates = rates._replace(phi=config.phi_learning_rate)
    with naming_options(config.optimizer_options, argument="method.optimizer_options"):
        return Players(*(optimizer(rate, **of_optimizer) for rate in rates))


def make_method(config: MethodConfig) -> Method:
    """Return the method, with an optimizer for both players or one for each, and what wraps it.

    Args:
        config: its name, optimizer, learning rates, wrapper, and the options of all.

    Raises:
        ValueError: a name is unknown, or an option is not its builder's.

    Example:
        >>> import ganfield as gf
        >>> config = gf.configuration.MethodConfig(name="alternating", phi_steps=2)
        >>> make_method(config).num_batches
        3
    """
    builder = lookup(METHODS, config.name, argument="method.name")
    optimizers = make_optimizers(config)
    # One optimizer for both where they do not differ: some methods keep one memory then.
    phi_rate = config.phi_learning_rate
    same = phi_rate is None or bool(config.learning_rate == phi_rate)
    shared = optimizers.theta if same else optimizers
    takes = keywords(builder)
    options = dict(config.options)
    for name in ("theta_steps", "phi_steps"):
        value = getattr(config, name)
        if name in takes:
            options[name] = value
        elif value != 1:
            raise ValueError(
                f"method.{name} is for alternating steps, got {value} with {config.name}"
            )
    made = arguments(options, takes, argument="method.options")
    with naming_options(config.options, argument="method.options"):
        method = builder(shared, **made)
    if config.wrapper is None:
        if config.wrapper_options:
            raise ValueError("method.wrapper_options: there is no method.wrapper")
        return method
    wrapper = lookup(WRAPPERS, config.wrapper, argument="method.wrapper")
    given = arguments(config.wrapper_options, keywords(wrapper), argument="method.wrapper_options")
    with naming_options(config.wrapper_options, argument="method.wrapper_options"):
        return wrapper(method, **given)
