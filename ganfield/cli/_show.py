"""What commands find and print."""

import math
import sys
from typing import Any, NamedTuple

import jax
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import ganfield as gf
from ganfield.cli._choose import Chosen


class Zeros(NamedTuple):
    """All zeros of a field within bounds, and the hits and classes of those that are classified."""

    chosen: Chosen
    bounds: gf.Players
    equilibria: gf.dynamics.Equilibria
    hits: list[int]
    classes: list[gf.dynamics.Classification]


def point_record(params: gf.Players) -> dict[str, Any]:
    """Return a point for JSON."""
    return {name: float(value) for name, value in params._asdict().items()}


def classification_record(point: gf.dynamics.Classification) -> dict[str, Any]:
    """Return a classification for JSON, the point's coordinates first."""
    record = point_record(point.params) | point._asdict()
    del record["params"]
    # NumPy returns real numbers where all are real; readers of JSON want one form.
    return record | {"eigenvalues": point.eigenvalues.astype(complex)}


def number(value: float, digits: int = 4) -> str:
    """Return a number for a table; a dash where there is none."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    # What rounding errors leave of a zero is a zero.
    return f"{0.0 if abs(value) < 1e-12 else value:.{digits}g}".replace("-", "−")


def complex_number(value: complex) -> str:
    """Return a complex number for a table."""
    real, imaginary = number(value.real), number(abs(value.imag))
    if imaginary == "0":
        return real
    return f"{real} {'−' if value.imag < 0 else '+'} {imaginary}i"


def at(params: gf.Players) -> str:
    """Return a point in words."""
    return f"({number(params.theta)}, {number(params.phi)})"


def yes_no(value: bool | None) -> str:
    """Return what a table says of a question that may have no answer."""
    return {True: "yes", False: "no", None: "–"}[value]


def working(said: str) -> Any:
    """Return a context that shows on a terminal, and there alone, what takes time."""
    return Console(stderr=True).status(said)


def table(*heads: str) -> Table:
    """Return a table without rows."""
    return Table(*heads, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def show(table: Table) -> None:
    """Print a table to stdout."""
    Console(file=sys.stdout, highlight=False, markup=False).print(table)


def tell(command: Any, result: Any) -> None:
    """Print what a command found, in words or, if it was asked for, as JSON."""
    if command.json:
        print(gf.reporting.to_json(command.record(result)))
    else:
        command.say(result)


def most_hit(hits: np.ndarray, most: int) -> list[int]:
    """Return which have most hits; where that leaves a choice, evenly spread in their order.

    Example:
        >>> most_hit(np.array([1, 1, 1, 9, 1, 1, 1]), 4)
        [0, 2, 3, 6]
    """
    if len(hits) <= most:
        return list(range(len(hits)))
    least = np.sort(hits)[::-1][most - 1]
    more, (equal,) = np.flatnonzero(hits > least), np.nonzero(hits == least)
    places = np.linspace(0, len(equal) - 1, most - len(more)).round().astype(int)
    return sorted([*more.tolist(), *equal[places].tolist()])


def find_zeros(
    chosen: Chosen, bounds: gf.Players, *, num_starts: int, seed: int, max_points: int
) -> Zeros:
    """Return the zeros of the chosen field.

    The game's known equilibria are starts too. Of more than ``max_points`` zeros, those that most
    starts led to are classified, and of zeros that as many led to some that are spread over all.
    """
    numbers = gf.Players((), ())
    equilibria = gf.find_equilibria(
        chosen.field,
        bounds=bounds,
        num_starts=num_starts,
        key=jax.random.key(seed),
        known=[p for p in chosen.game.equilibria if jax.tree.map(np.shape, p) == numbers],
    )
    kept = most_hit(equilibria.hits, max_points)
    return Zeros(
        chosen,
        bounds,
        equilibria,
        equilibria.hits[kept].tolist(),
        [
            gf.classify(
                chosen.field, equilibria.points[i], original=chosen.original, game=chosen.game
            )
            for i in kept
        ],
    )
