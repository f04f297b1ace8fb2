"""The options that commands share, and how texts such as "-2,2" become numbers."""

import math
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg

import ganfield as gf
from ganfield.cli._help import options, shown

T = TypeVar("T")

Name: TypeAlias = Annotated[T, shown("NAME")]
Count: TypeAlias = Annotated[T, shown("COUNT")]
File: TypeAlias = Annotated[T, shown("FILE")]
Point: TypeAlias = Annotated[T, shown("THETA,PHI")]
Given: TypeAlias = Annotated[T | None, shown()]
"""None unless it is given."""
RunFolder: TypeAlias = Annotated[Positional[Path], shown("RUN")]
Texts: TypeAlias = Annotated[tuple[tuple[str, ...], ...], UseAppendAction]
"""An option that takes several values, and may be given again for more."""
Settings: TypeAlias = Annotated[Texts, shown("NAME=VALUE", name="set")]
Flag: TypeAlias = Annotated[bool, FlagCreatePairsOff]

# Options that mean the same in every command that has them.
Json: TypeAlias = Annotated[Flag, arg(help="Print numbers as JSON, and nothing else, to stdout.")]
Dark: TypeAlias = Annotated[Flag, arg(help="Light ink on a dark ground, for slides.")]
Bounds: TypeAlias = Annotated[
    str,
    arg(
        metavar="LOW,HIGH[,LOW,HIGH]",
        help="The part of the plane to look at: one pair for both players, or θ's and then φ's.",
    ),
]


@options
class Dynamics:
    """What moves: a game, and perhaps a transform of its field."""

    game: Name[str]
    """What is played: {games}, which `ganfield list games` explains; or a game of your own,
    FILE.py:FUNCTION, a function of a Python file that returns one."""
    objective: Name[str | None] = None
    """The losses of a GAN: {objectives}. Only for games that take one.
    (default: the game's own, standard)"""
    settings: Settings = ()
    """The game's other parameters, such as coupling=2 or penalty=r1 penalty_weight=0.5, and those
    of the transform but γ. `ganfield list` names them; one that both have is game.NAME or
    transform.NAME. (default: their own)"""
    transform: Name[str] = "identity"
    """The field w made from the game's field v: {transforms}. `ganfield list transforms` explains
    them."""
    gamma: Given[float] = None
    """Weight γ ≥ 0 of the transform's own term; only for transforms that take one. (default: 1)"""


def parse_point(text: str, *, argument: str) -> gf.Players:
    """Return the point that a text such as "1,-0.5" gives.

    Raises:
        ValueError: it is not two finite numbers.
    """
    numbers = numbers_in(text)
    if len(numbers) != 2:
        raise ValueError(
            f"{argument} must be two numbers θ,φ without blanks, such as 1,1 or -1,0.5, "
            f"got {text!r}"
        )
    return gf.Players(*numbers)


def parse_starts(texts: Texts, bounds: gf.Players) -> list[gf.Players]:
    """Return the points that --start gives.

    Raises:
        ValueError: one is not two numbers, or not within the bounds.
    """
    starts = []
    for text in [text for group in texts for text in group]:
        start = parse_point(text, argument="--start")
        if not all(low <= x <= high for x, (low, high) in zip(start, bounds, strict=True)):
            raise ValueError(
                f"--start must be within the bounds, θ in {list(bounds.theta)} and φ in "
                f"{list(bounds.phi)}, got {text!r}"
            )
        starts.append(start)
    return starts


def parse_bounds(text: str) -> gf.Players:
    """Return the bounds that a text such as "-2,2" or "-2,2,-1,1" gives.

    Raises:
        ValueError: it is not one or two pairs of numbers, each rising.
    """
    numbers = numbers_in(text)
    if len(numbers) not in (2, 4):
        raise ValueError(
            "--bounds must be LOW,HIGH or LOW,HIGH,LOW,HIGH (θ's, then φ's) without blanks, such "
            f"as -2,2 or -2,2,-1,1, got {text!r}"
        )
    pairs = [(numbers[index], numbers[index + 1]) for index in range(0, len(numbers), 2)]
    for low, high in pairs:
        if not low < high:
            raise ValueError(f"--bounds must rise, LOW before HIGH, got {low:g},{high:g}")
    return gf.Players(pairs[0], pairs[-1])


def numbers_in(text: str) -> tuple[float, ...]:
    """Return the finite numbers that commas separate, or none if one of them is no such number."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()
