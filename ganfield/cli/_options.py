"""The options that commands share, and how texts such as "-2,2" become numbers."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from tyro.conf import FlagCreatePairsOff, UseAppendAction, arg

import ganfield as gf


def known(registry: Any) -> str:
    """Return the names of a registry, for a help text."""
    return ", ".join(sorted(registry))


Texts: TypeAlias = Annotated[tuple[tuple[str, ...], ...], UseAppendAction]
"""An option that takes several values, and may be given again for more."""

Json: TypeAlias = Annotated[
    bool, FlagCreatePairsOff, arg(help="Print numbers as JSON, and nothing else, to stdout.")
]
Dark: TypeAlias = Annotated[
    bool, FlagCreatePairsOff, arg(help="Light ink on a dark ground, for slides.")
]
Output: TypeAlias = Annotated[
    Path | None,
    arg(
        metavar="FILE",
        help="Write the figure to this .png, .pdf or .svg file; its folder is made if need be.",
        help_behavior_hint="(default: no figure)",
    ),
]
Bounds: TypeAlias = Annotated[
    str,
    arg(
        metavar="LOW,HIGH[,LOW,HIGH]",
        help="The part of the plane to look at: one pair for both players, or θ's and then φ's.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """What moves: a game, and perhaps a transform of its field."""

    game: Annotated[
        str,
        arg(
            metavar="NAME",
            help=f"What is played: {known(gf.GAMES)}. `ganfield list games` explains them.",
        ),
    ]
    objective: Annotated[
        str | None,
        arg(
            metavar="NAME",
            help=f"The losses of a GAN: {known(gf.OBJECTIVES)}. Only for games that take one.",
            help_behavior_hint="(default: the game's own, standard)",
        ),
    ] = None
    settings: Annotated[
        Texts,
        arg(
            name="set",
            metavar="NAME=VALUE",
            help="The game's other parameters, such as coupling=2 or penalty=r1 "
            "penalty_weight=0.5, and those of the transform but γ. `ganfield list` names them.",
            help_behavior_hint="(default: their own)",
        ),
    ] = ()
    transform: Annotated[
        str,
        arg(
            metavar="NAME",
            help=f"The field w made from the game's field v: {known(gf.TRANSFORMS)}. "
            "`ganfield list transforms` explains them.",
        ),
    ] = "identity"
    gamma: Annotated[
        float | None,
        arg(
            metavar="FLOAT",
            help="Weight γ ≥ 0 of the transform's own term; only for transforms that take one.",
            help_behavior_hint="(default: 1)",
        ),
    ] = None


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


def check_positive(value: float | None, *, argument: str) -> None:
    """Raise a ``ValueError`` unless the value is None or a finite number > 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError(f"{argument} must be a finite number > 0, got {value}")


def numbers_in(text: str) -> tuple[float, ...]:
    """Return the finite numbers that commas separate, or none if one of them is no such number."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()
