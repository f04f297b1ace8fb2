"""Where a function of the points of a branch changes its sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import scipy

from ganfield.dynamics._branches_follow import Spot, corrected
from ganfield.dynamics._branches_problem import Problem

ZERO = 1e-7  # of ‖J‖: a real part that is 0; rounding makes so much of a double eigenvalue
_CROSSED = 0.1  # of what it is beside it: a singular value that comes to 0 where branches cross
_REACH = 1.5  # times what exponents change by in steps nearby: how far one may have gone in a step
_ALONG = 0.9  # the least cosine between a chord and the branch
_MOST_BETWEEN = 3  # points at an event, none of which is on either side


def levels_of(problem: Problem, spot: Spot) -> np.ndarray:
    """Return the real parts of the exponents, the largest first."""
    return np.sort(problem.exponents(problem.eigenvalues(spot.slopes)).real)[::-1]


def level_of(problem: Problem, k: int) -> Callable[[Spot], float]:
    return lambda spot: float(levels_of(problem, spot)[k])


def size_of(problem: Problem, spot: Spot) -> float:
    return 1.0 if problem.is_map else float(np.linalg.norm(problem.jacobian(spot.slopes), 2))


def changes(signs: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the places before and after each change of sign, few zeros between them."""
    known = np.flatnonzero(signs)
    for i, j in pairwise(known):
        if signs[i] != signs[j] and j - i <= _MOST_BETWEEN:
            yield int(i), int(j)


def _between(problem: Problem, one: Spot, other: Spot) -> Callable[[float], tuple[Spot, bool]]:
    """Return the points of a branch between two of it, by their share of the chord.

    Very near a crossing none may be found, or one of the other branch: then it is a point of the
    chord, which is told.
    """
    chord = other.y - one.y
    row = chord / np.linalg.norm(chord)

    def at(share: float) -> tuple[Spot, bool]:
        guess = one.y + share * chord
        spot = corrected(problem, guess, row)
        if spot is None or spot.tangent @ row < _ALONG:
            return Spot(guess, problem.look(guess)[1], row), False
        return spot, True

    return at


def root(
    problem: Problem,
    one: Spot,
    other: Spot,
    level: Callable[[Spot], float],
    exact: float = 1e-14,
) -> tuple[float, Spot, bool]:
    """Return where a function of the points between two of a branch changes its sign.

    That is its share of the chord, the point, and whether it is a solution or only of the chord.
    """
    at = _between(problem, one, other)
    ends = level(one), level(other)

    def of(share: float) -> float:
        return ends[int(share)] if share in (0.0, 1.0) else float(level(at(share)[0]))

    share = scipy.optimize.brentq(of, 0.0, 1.0, xtol=exact, rtol=1e-14, maxiter=80, disp=False)
    return share, *at(share)


def with_dips(problem: Problem, spots: list[Spot]) -> list[Spot]:
    """Return a branch with points where an exponent crosses 0 twice within a step.

    Two that pass each other there, one to either side, leave the sorted ones as they were. So where
    one is so near 0 at both ends of a step, on one side, that it may have crossed and come back,
    the point between is looked for at which it is on the other side.
    """
    levels = np.array([levels_of(problem, spot) for spot in spots])
    size = max(size_of(problem, spot) for spot in spots)
    changes = np.abs(np.diff(levels, axis=0)).max(axis=1)
    more: list[tuple[int, Spot]] = []
    for i in range(len(spots) - 1):
        reach = _REACH * changes[max(i - 2, 0) : i + 3].max()
        ends = levels[i : i + 2]
        near = (np.abs(ends).min(axis=0) <= reach) & (ends[0] * ends[1] > (ZERO * size) ** 2)
        at = _between(problem, spots[i], spots[i + 1])
        for k in map(int, np.flatnonzero(near)):

            def height(share: float, at: Any = at, k: int = k, sign: Any = ends[0, k]) -> float:
                spot, is_solution = at(share)
                return float(np.sign(sign) * levels_of(problem, spot)[k]) if is_solution else np.inf

            dip = scipy.optimize.minimize_scalar(
                height, bounds=(0, 1), method="bounded", options={"xatol": 1e-4}
            )
            if dip.fun < -ZERO * size:
                more.append((i, at(dip.x)[0]))
    ordered = list(enumerate(spots)) + more
    return [spot for _, spot in sorted(ordered, key=_along_of(spots))]


def _along_of(spots: list[Spot]) -> Callable[[tuple[int, Spot]], float]:
    """Return where a point lies in the order of a branch, by the step that it is in."""

    def place(each: tuple[int, Spot]) -> float:
        i, spot = each
        if spot is spots[i]:
            return float(i)
        chord = spots[i + 1].y - spots[i].y
        return i + float((spot.y - spots[i].y) @ chord / (chord @ chord))

    return place


def crossings(problem: Problem, spots: list[Spot]) -> Iterator[tuple[float, Spot]]:
    """Yield where the determinant of D with the tangent changes its sign."""

    def level(spot: Spot) -> float:
        whole = np.vstack([spot.slopes, spot.tangent])
        sizes = np.linalg.svd(whole, compute_uv=False)
        return float(np.linalg.slogdet(whole)[0] * sizes[-1] / sizes[0])

    levels = np.array([level(spot) for spot in spots])
    for i, j in changes(np.where(np.abs(levels) > 1e-9, np.sign(levels), 0)):
        # Not nearer, for there the equations are all but singular.
        share, spot, _ = root(problem, spots[i], spots[j], level, exact=1e-3)
        if abs(level(spot)) <= _CROSSED * max(abs(levels[i]), abs(levels[j])):
            yield i + share * (j - i), spot
