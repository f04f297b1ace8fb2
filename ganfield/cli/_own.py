"""A user's own game: a function in a file, in the place of a registered name."""

import inspect
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ganfield as gf

_FORM = "a name of `ganfield list games` or FILE.py:FUNCTION"


def builder(text: str) -> Callable[..., Any]:
    """Return the builder of a game: a registered one, or a function of a file of the user's.

    Raises:
        ValueError: there is no such game, file or function, or the file cannot be run.
    """
    if not is_own(text):
        if text in gf.games.gans():
            raise ValueError(
                f"--game must be a game of the plane, and {text} is one of networks: play it by "
                f"`ganfield train RUN --set game.name={text}`"
            )
        return gf.checks.lookup(gf.games.closed_forms(), text, argument="game")
    file, _, name = text.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"--game must be {_FORM}, and there is no file {file!r}")
    try:
        held = runpy.run_path(str(path))
    except Exception as error:  # A user's file may fail in any way.
        raise ValueError(
            f"--game: {file} cannot be run, it raised {type(error).__name__}: {error}"
        ) from error
    functions = {
        key: value
        for key, value in held.items()
        if inspect.isfunction(value) and value.__globals__.get("__file__") == str(path)
    }
    function = functions.get(name, held.get(name))
    if not callable(function):
        raise ValueError(gf.checks.unknown(functions, name, argument=f"function of {file}"))
    missing = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if missing:
        raise ValueError(
            f"--game: {name} must make a game without arguments, give defaults to "
            f"{', '.join(missing)}"
        )
    return function


def is_own(text: str) -> bool:
    """Return whether a game is named by a file."""
    return ":" in text or text.endswith(".py")


def program(text: str) -> str | None:
    """Return how a program finds a user's own game, None for a registered one."""
    if not is_own(text):
        return None
    file, _, name = text.rpartition(":")
    return f'runpy.run_path("{Path(file).as_posix()}")["{name}"]'


def made(build: Callable[..., Any], arguments: dict[str, Any], text: str) -> gf.Game:
    """Return the game that a builder makes, of two parameters.

    Raises:
        ValueError: it is no game, or one of more parameters.
    """
    if not is_own(text):
        game: gf.Game = build(**arguments)
        return game
    try:
        game = build(**arguments)
    except Exception as error:  # So may a user's function.
        raise ValueError(f"--game: {text} raised {type(error).__name__}: {error}") from error
    if not isinstance(game, gf.Game):
        raise ValueError(
            f"--game: {text} must return a game, such as gf.games.zero_sum(...), "
            f"got {type(game).__name__}"
        )
    gf.field.check_plane_field(gf.vector_field(game), purpose=f"--game {text}")
    return game
