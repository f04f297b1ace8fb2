"""What the options choose: a game, its field, and a transform of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import ganfield as gf
from ganfield.cli._options import Dynamics
from ganfield.cli._own import builder, is_own, made
from ganfield.cli._words import OF_THE_PLANE, in_words

_SYMBOLS = {"gamma": "γ"}


class Chosen(NamedTuple):
    """What the options of `Dynamics` chose.

    Attributes:
        game: the game.
        field: its field v, or the w that the transform makes of it.
        symbol: "v" or "w".
        title: in words.
        record: for JSON.
        build: ``build(**settings)``, which makes games like it.
    """

    game: gf.Game
    field: gf.Field
    symbol: str
    title: str
    record: dict[str, Any]
    build: Callable[..., gf.Game]

    @property
    def original(self) -> gf.Field | None:
        """The v that w was made from; None where the field is the game's own."""
        return gf.vector_field(self.game) if self.symbol == "w" else None


def choose(options: Dynamics) -> Chosen:
    """Return the game and the fields that the options name.

    Raises:
        ValueError: a name is unknown, or a value not allowed.
    """
    configuration = gf.configuration
    build = builder(options.game)
    transform = gf.checks.lookup(gf.TRANSFORMS, options.transform, argument="transform")
    of_game = configuration.keywords(build, skip=0)
    # γ has an option of its own, and groups are those of a minibatch, which no game here has.
    of_transform = configuration.keywords(transform)
    gamma = 1.0 if options.gamma is None and "gamma" in of_transform else options.gamma
    free = {n: p for n, p in of_transform.items() if n not in ("gamma", "groups")}

    texts = [text for group in options.settings for text in group]
    if options.objective is not None:
        if "objective" not in of_game:
            raise ValueError(
                f"--objective is for the game {_takers('objective', gf.games.closed_forms())}, got "
                f"{options.objective!r} with {options.game!r}"
            )
        texts.insert(0, f"objective={options.objective}")
    given = configuration.parse_settings(texts, argument="--set")
    if given and not (of_game or free):
        raise ValueError(f"--set: the game {options.game!r} has no parameters, got {texts[-1]!r}")
    values, own = _sorted_out(given, of_game, free, game=options.game)
    with in_words(OF_THE_PLANE):
        arguments = configuration.arguments(values, of_game, argument="--set")
        game = made(build, arguments, options.game)
        method = configuration.MethodConfig(
            transform=options.transform, gamma=gamma, transform_options=own
        )
        field = configuration.make_transform(method, gf.vector_field(game))

    own = own if gamma is None else {"gamma": gamma, **own}
    transformed = options.transform != "identity"
    name = build.__name__ if is_own(options.game) else options.game
    said = [name, *(f"{name} = {_say(value)}" for name, value in arguments.items())]
    if transformed:
        words = [f"{_SYMBOLS.get(name, name)} = {_say(value)}" for name, value in own.items()]
        said.append(" ".join([options.transform, *words]))
    return Chosen(
        game,
        field,
        "w" if transformed else "v",
        ", ".join(said),
        {
            "game": {"name": options.game, **arguments},
            "transform": {"name": options.transform, **own},
        },
        partial(build, **arguments),
    )


def _sorted_out(
    given: Mapping[str, str],
    of_game: Mapping[str, Any],
    of_transform: Mapping[str, Any],
    *,
    game: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the game's parameters and those of the transform's.

    A name that both have is the game's as game.NAME, the transform's as transform.NAME.
    """
    values: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    takes = {"game": of_game, "transform": of_transform}
    for whole, text in given.items():
        owner, dot, name = whole.partition(".")
        if not (dot and owner in takes):
            name = whole
            gf.checks.lookup({**of_game, **of_transform}, name, argument=f"parameter of {game}")
            owner = "game" if name in of_game else "transform"
            if name in of_game and name in of_transform:
                raise ValueError(
                    f"--set: the game and the transform both have {name}: "
                    f"say game.{name} or transform.{name}, got {name}={text}"
                )
        if not takes[owner]:
            raise ValueError(f"--set: the {owner} has no parameters here, got {whole}={text}")
        gf.checks.lookup(takes[owner], name, argument=f"parameter of the {owner}")
        chosen = values[list(takes).index(owner)]
        if name in chosen:
            raise ValueError(f"--set must give {name} once, got it again: {whole}={text}")
        chosen[name] = gf.configuration.guess(text)
    return values


def _takers(parameter: str, registry: Mapping[str, Callable[..., Any]]) -> str:
    """Return who in a registry takes a parameter."""
    keywords = gf.configuration.keywords
    return " or ".join(n for n, build in registry.items() if parameter in keywords(build, skip=0))


def _say(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
