"""What the options choose: a game, its field, and a transform of it."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import ganfield as gf
from ganfield.cli._options import Dynamics, numbers_in

_SYMBOLS = {"gamma": "γ"}


class Chosen(NamedTuple):
    """What the options of `Dynamics` chose.

    Attributes:
        game: the game.
        field: its field v, or the w that the transform makes of it.
        symbol: "v" or "w".
        title: in words.
        record: for JSON.
    """

    game: gf.Game
    field: gf.Field
    symbol: str
    title: str
    record: dict[str, Any]

    @property
    def original(self) -> gf.Game | None:
        """The game that w was made from; None where the field is the game's own."""
        return self.game if self.symbol == "w" else None


def choose(options: Dynamics) -> Chosen:
    """Return the game and the fields that the options name.

    Raises:
        ValueError: a name is unknown, or a value not allowed.
    """
    build = gf.checks.lookup(gf.GAMES, options.game, argument="game")
    transform = gf.checks.lookup(gf.TRANSFORMS, options.transform, argument="transform")
    of_game = dict(inspect.signature(build).parameters)
    _, *others = inspect.signature(transform).parameters.items()  # The first is the field.
    of_transform = dict(others)
    settings = _settings(options, {**of_transform, **of_game})
    settings |= _gamma(options, of_transform)
    missing = [
        name
        for name, parameter in of_transform.items()
        if parameter.default is parameter.empty and name not in settings
    ]
    if missing:
        raise ValueError(
            f"--set must give {' and '.join(missing)} for the transform {options.transform!r}, "
            f"such as {missing[0]}=0.1"
        )

    arguments = {name: value for name, value in settings.items() if name in of_game}
    own = {name: value for name, value in settings.items() if name in of_transform}
    game = build(**arguments)
    transformed = options.transform != "identity"
    said = [options.game, *(f"{name} = {_say(value)}" for name, value in arguments.items())]
    if transformed:
        words = [f"{_SYMBOLS.get(name, name)} = {_say(value)}" for name, value in own.items()]
        said.append(" ".join([options.transform, *words]))
    return Chosen(
        game,
        transform(gf.vector_field(game), **own),
        "w" if transformed else "v",
        ", ".join(said),
        {
            "game": {"name": options.game, **arguments},
            "transform": {"name": options.transform, **own},
        },
    )


def _settings(options: Dynamics, parameters: dict[str, inspect.Parameter]) -> dict[str, Any]:
    """Return what --objective and --set give, as arguments of the game and of the transform."""
    settings: dict[str, Any] = {}
    if options.objective is not None:
        if "objective" not in parameters:
            raise ValueError(
                f"--objective is for the game {_takers(gf.GAMES, 'objective', 'or')}, got "
                f"{options.objective!r} with {options.game!r}"
            )
        settings["objective"] = options.objective
    # γ has an option of its own, and groups are those of a minibatch, which no game here has.
    parameters = {name: p for name, p in parameters.items() if name not in ("gamma", "groups")}
    for text in (text for group in options.settings for text in group):
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ValueError(f"--set must be NAME=VALUE, such as coupling=2, got {text!r}")
        if not parameters:
            raise ValueError(f"--set: the game {options.game!r} has no parameters, got {text!r}")
        parameter = gf.checks.lookup(parameters, name, argument=f"parameter of {options.game}")
        if name in settings:
            raise ValueError(f"--set must give {name} once, got it again: {text!r}")
        settings[name] = _value(value, parameter)
    return settings


def _gamma(options: Dynamics, of_transform: dict[str, inspect.Parameter]) -> dict[str, float]:
    if "gamma" in of_transform:
        gamma = 1.0 if options.gamma is None else options.gamma
        if not (math.isfinite(gamma) and gamma >= 0):
            raise ValueError(f"--gamma must be a finite number ≥ 0, got {gamma}")
        return {"gamma": gamma}
    if options.gamma is not None:
        raise ValueError(
            f"--gamma is for the transforms {_takers(gf.TRANSFORMS, 'gamma', 'and')}, got "
            f"{options.gamma:g} with {options.transform!r}"
        )
    return {}


def _takers(registry: Mapping[str, Callable[..., Any]], parameter: str, word: str) -> str:
    """Return who in a registry takes a parameter."""
    names = [n for n, build in registry.items() if parameter in inspect.signature(build).parameters]
    return f" {word} ".join(names)


def _value(text: str, parameter: inspect.Parameter) -> Any:
    """Return a text as what the parameter is by default: a number, or a name."""
    default = parameter.default
    if default is None or isinstance(default, str):
        return text
    if isinstance(default, bool):
        return gf.checks.lookup(
            {"true": True, "false": False}, text.lower(), argument=f"value of {parameter.name}"
        )
    numbers = numbers_in(text)
    if len(numbers) != 1:
        raise ValueError(f"{parameter.name} must be a finite number, got {text!r}")
    return int(text) if isinstance(default, int) and text.isdecimal() else numbers[0]


def _say(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
