"""What a page plays: games, builders of games, fields, several of them by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._describe import describe
from ganfield._registry import Named
from ganfield._types import Field, Players
from ganfield.checks import lookup
from ganfield.configuration import keywords
from ganfield.export._settings import numbers_of
from ganfield.export._words import label, story, summary
from ganfield.field import check_plane_field, vector_field
from ganfield.games import GAMES, OBJECTIVES, Game, closed_forms


class Played(NamedTuple):
    """A game of the page, or a field without one.

    Attributes:
        name: in the page.
        label: in words.
        formula: its losses.
        doc: a sentence.
        numbers: setting → its value at first, those that sliders may change.
        build: ``build(numbers) -> v``.
        builder: what documents the numbers.
        program: Python that makes ``v``, with the numbers to be filled in.
    """

    name: str
    label: str
    formula: str
    doc: str
    numbers: dict[str, float]
    build: Callable[[dict[str, Any]], Field]
    builder: Callable[..., Any] | None
    program: str


def played(given: Any, *, asked: set[str], source: str | None = None) -> list[Played]:
    """Return what a page plays.

    Args:
        given: a `Game`; the name of one, or a builder of one, whose settings have sliders; a field
            of two numbers; or a mapping of these by names of their own. A builder that takes an
            objective, and was given none, is played with each.
        asked: the settings for which sliders are asked: those that are 0 have none by themselves.
        source: Python that makes what is given, for programs.

    Raises:
        ValueError: it is none of these, or not of two parameters.
    """
    if isinstance(given, Mapping):
        if not given:
            raise ValueError("game_or_fields must hold a game or a field, got none")
        return [
            one._replace(name=name, label=name) if len(several) == 1 else one
            for name, what in given.items()
            for several in [played(what, asked=asked)]
            for one in several
        ]
    if isinstance(given, str):
        given = lookup(closed_forms(), given, argument="game")
    if isinstance(given, Game):
        made = given.losses
        if isinstance(made, Named) and made._build.__name__ in closed_forms():
            registered = GAMES[made._build.__name__]
            bound = inspect.signature(registered).bind(*made._args, **made._kwargs)
            bound.apply_defaults()  # It is this one game, and not one of each objective.
            given = partial(registered, **bound.arguments)
        else:
            name = describe(given)
            game = given
            return [
                _checked(Played(name, name, "", "", {}, lambda _: vector_field(game), None, ""))
            ]
    if isinstance(given, Named) and given._build.__name__ == "vector_field":
        return played([*given._args, *given._kwargs.values()][0], asked=asked)
    if not callable(given):
        raise ValueError(
            "game_or_fields must be a game, a field of two numbers, a function that makes a game, "
            f"or these by name, got {type(given).__name__}"
        )
    if isinstance(given, Named) or _needs_arguments(given):
        name = describe(given)
        return [_checked(Played(name, name, "", "", {}, lambda _: given, None, ""))]
    return _built(given, asked, source)


def _needs_arguments(function: Callable[..., Any]) -> bool:
    return any(
        parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        for parameter in inspect.signature(function).parameters.values()
    )


def _built(build: Callable[..., Game], asked: set[str], source: str | None) -> list[Played]:
    """Return the games of a builder, one for each objective where it is free."""
    whole, fixed = _unpacked(build)
    takes = keywords(whole, skip=0)
    if (
        "objective" in takes
        and "objective" not in fixed
        and takes["objective"].default in OBJECTIVES
    ):
        first = takes["objective"].default
        names = [first, *(name for name in OBJECTIVES if name != first)]
        return [
            _one(whole, {**fixed, "objective": name}, asked, source)._replace(
                name=name, label=label(name), doc=summary(OBJECTIVES[name])[1]
            )
            for name in names
        ]
    return [_one(whole, fixed, asked, source)]


def _unpacked(build: Callable[..., Game]) -> tuple[Callable[..., Game], dict[str, Any]]:
    """Return a builder and the arguments that it has been given already."""
    if not isinstance(build, partial):
        return build, {}
    bound = inspect.signature(build.func).bind_partial(*build.args, **build.keywords)
    return build.func, dict(bound.arguments)


def _one(
    build: Callable[..., Game], fixed: dict[str, Any], asked: set[str], source: str | None
) -> Played:
    numbers = {
        name: float(fixed.get(name, default))
        for name, default in numbers_of(build, skip=0).items()
        if isinstance(fixed.get(name, default), float | int)
    }

    def make(settings: dict[str, Any]) -> Field:
        made: Any = build(**{**fixed, **settings})
        return vector_field(made) if isinstance(made, Game) else made

    shown = {
        name: value
        for name, value in numbers.items()
        if name in asked or (value != 0.0 and _matters(make, numbers, name))
    }
    name = build.__name__
    formula, doc = summary(build)
    if GAMES.get(name) is build:
        doc = story(build)
    where = source or (f"gf.games.{name}" if GAMES.get(name) is build else _where(build))
    takes = keywords(build, skip=0)
    said = [
        f"{key}={_written(value)}"
        for key, value in fixed.items()
        if key not in shown and takes[key].default is not value
    ]
    said += [f"{key}={{{key}}}" for key in shown]
    program = f"v = gf.vector_field({where}({', '.join(said)}))" if where else ""
    return _checked(Played(name, label(name), formula, doc, shown, make, build, program))


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _where(build: Callable[..., Any]) -> str:
    """Return how a program finds a function, or "" where it cannot."""
    module, name = getattr(build, "__module__", "__main__"), getattr(build, "__qualname__", "<>")
    if module == "__main__" or "<" in name:
        return ""
    return f'importlib.import_module("{module}").{name}'


def _matters(make: Callable[[dict[str, Any]], Field], numbers: dict[str, float], name: str) -> bool:
    """Return whether v depends on a setting, as far as a trace tells."""

    def value(setting: Any) -> Any:
        return make({**numbers, name: setting})(Players(jnp.zeros(()), jnp.zeros(())))

    try:
        program = jax.make_jaxpr(value)(jnp.zeros(())).jaxpr
    except (TypeError, ValueError, jax.errors.JAXTypeError):
        return False  # It must be known when the game is built.
    reads = {id(x) for equation in program.eqns for x in equation.invars}
    return id(program.invars[0]) in reads


def _checked(one: Played) -> Played:
    check_plane_field(one.build(one.numbers), purpose="a page")
    return one
