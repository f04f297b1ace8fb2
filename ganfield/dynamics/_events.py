"""Events along a branch: its stability changes, it turns back, or others cross it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from ganfield._types import Players
from ganfield.dynamics._branches_follow import Spot, corrected
from ganfield.dynamics._branches_problem import Problem
from ganfield.dynamics._branches_switch import crossing
from ganfield.dynamics._normal_forms import NormalForm, normal_form

FOLD, PITCHFORK, TRANSCRITICAL, BRANCH_POINT = "fold", "pitchfork", "transcritical", "branch point"
HOPF, FLIP, NEIMARK_SACKER = "hopf", "flip", "neimark-sacker"
EVENTS = (FOLD, PITCHFORK, TRANSCRITICAL, BRANCH_POINT, HOPF, FLIP, NEIMARK_SACKER)
_ZERO = 1e-7  # of ‖J‖: a real part that is 0; rounding makes so much of a double eigenvalue
_TOGETHER = 1e-8  # in scaled unknowns: eigenvalues that cross at one point
_TURNS = 1e-6  # of ‖J‖: an imaginary part that is not 0
_RESONANT = 1e-6  # how near to a root of unity
_CROSSED = 0.1  # of what it is beside it: a singular value that comes to 0 where branches cross
_REACH = 1.5  # times what exponents change by in steps nearby: how far one may have gone in a step
_ALONG = 0.9  # the least cosine between a chord and the branch
_MOST_BETWEEN = 3  # points at an event, none of which is on either side


class Event(NamedTuple):
    """A point of a branch at which something happens.

    Attributes:
        kind: "fold" (the branch turns back), "pitchfork" (another branch crosses, and turns back at
            the point), "transcritical" (another one crosses and goes on), "branch point" (others
            may cross, but the equations to second order do not tell how), "hopf" (a closed orbit is
            born), and of a method's step "flip" (an orbit of two points is) and "neimark-sacker"
            (an invariant circle is).
        value: of the knob.
        params: the point, NumPy float64.
        eigenvalue: the one that crosses, of the field's Jacobian or of F′, with Im ≥ 0.
        crossing: how many eigenvalues cross there; 0 where a branch only meets another one.
        angle: what the motion turns by: ω of a Hopf point, the argument of a Neimark–Sacker
            point's multiplier, π of a flip; NaN of the others.
        resonance: "1:1" to "1:4" where the multiplier is that root of unity, so that a circle is
            not all that may be born; else "".
        normal_form: what comes after; None but for Hopf, flip and Neimark–Sacker points.
        place: of the event among the points of its branch.
        y: the point and the knob, scaled; for use by ``branches``.
        ways: directions of the branches that cross there, scaled, shape ``(count, n + 1)``.
    """

    kind: str
    value: float
    params: Players
    eigenvalue: complex
    crossing: int
    angle: float
    resonance: str
    normal_form: NormalForm | None
    place: int
    y: np.ndarray
    ways: np.ndarray

    def __repr__(self) -> str:
        name = f"{self.resonance} {self.kind}".strip()
        after = f", {self.normal_form.kind}" if self.normal_form is not None else ""
        return f"Event: {name}{after} at {self.value:.10g}"


class Marked(NamedTuple):
    """A branch with its events.

    Attributes:
        spots: its points, those of the events among them, and one between each two.
        events: in its order.
        jump: the place of the first jump of an exponent, before which no event was looked for;
            None where there is none.
    """

    spots: list[Spot]
    events: list[Event]
    jump: int | None = None


def marked(problem: Problem, spots: list[Spot]) -> Marked:
    """Return a branch with its events.

    The real parts of the exponents, sorted, are continuous along the branch, so that a change of
    the k-th one's sign is a zero of it, which Brent's method finds; it is looked at whether it is
    one. Where only the determinant of D and the tangent changes its sign, another branch crosses.

    Args:
        problem: what is solved.
        spots: points of the branch, in its order.
    """
    if len(spots) < 2:
        return Marked(spots, [])
    spots = _with_dips(problem, spots)
    levels = [_levels(problem, spot) for spot in spots]
    sizes = [_size(problem, spot) for spot in spots]
    signs = np.array(
        [np.where(np.abs(x) > _ZERO * s, np.sign(x), 0) for x, s in zip(levels, sizes, strict=True)]
    )
    met: list[tuple[float, Spot, int, bool]] = []
    for k in range(signs.shape[1]):
        for i, j in _changes(signs[:, k]):
            share, spot = _root(problem, spots[i], spots[j], _level(problem, k))
            if abs(_levels(problem, spot)[k]) > 1e-6 * max(sizes[i], sizes[j]):
                return Marked(spots, [], i)
            turns = bool(spots[i].tangent[-1] * spots[j].tangent[-1] < 0)
            met.append((i + share * (j - i), spot, 1, turns))
    for place, spot in _crossings(problem, spots):
        if not any(np.linalg.norm(spot.y - other.y) <= 1e-3 for _, other, _, _ in met):
            met.append((place, spot, 0, False))
    met.sort(key=lambda each: each[0])
    events: list[tuple[float, Event]] = []
    while met:
        place, spot, count, turns = met.pop(0)
        while met and np.linalg.norm(met[0][1].y - spot.y) <= _TOGETHER:
            count += met.pop(0)[2]
        event = event_at(problem, spot, count, turns)
        if event is not None:
            events.append((place, event))
    return _inserted(problem, spots, events)


def _inserted(problem: Problem, spots: list[Spot], events: list[tuple[float, Event]]) -> Marked:
    """Return a branch with the points of its events, and points between two of them."""
    points = [(float(place), spot) for place, spot in enumerate(spots)]
    for place, event in events:
        near = spots[round(place)]
        if np.linalg.norm(event.y - near.y) > _TOGETHER:
            points.append((place, Spot(event.y, problem.look(event.y)[1], near.tangent)))
    for (one, before), (other, after) in pairwise(events):
        if np.floor(one) == np.floor(other):
            near, middle = spots[round(one)], (before.y + after.y) / 2
            between = corrected(problem, middle, near.tangent)
            if between is not None:
                points.append(((one + other) / 2, between))
    points.sort(key=lambda each: each[0])
    every = [spot for _, spot in points]
    ys = np.stack([spot.y for spot in every])
    placed = [
        event._replace(place=int(np.argmin(np.linalg.norm(ys - event.y, axis=1))))
        for _, event in events
    ]
    return Marked(every, placed)


def _levels(problem: Problem, spot: Spot) -> np.ndarray:
    """Return the real parts of the exponents, the largest first."""
    return np.sort(problem.exponents(problem.eigenvalues(spot.slopes)).real)[::-1]


def _level(problem: Problem, k: int) -> Callable[[Spot], float]:
    return lambda spot: float(_levels(problem, spot)[k])


def _size(problem: Problem, spot: Spot) -> float:
    return 1.0 if problem.is_map else float(np.linalg.norm(problem.jacobian(spot.slopes), 2))


def _changes(signs: np.ndarray) -> Iterator[tuple[int, int]]:
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


def _root(
    problem: Problem,
    one: Spot,
    other: Spot,
    level: Callable[[Spot], float],
    exact: float = 1e-14,
) -> tuple[float, Spot]:
    """Return where a function of the points between two of a branch changes its sign."""
    at = _between(problem, one, other)
    ends = level(one), level(other)

    def of(share: float) -> float:
        return ends[int(share)] if share in (0.0, 1.0) else float(level(at(share)[0]))

    share = brentq(of, 0.0, 1.0, xtol=exact, rtol=1e-14, maxiter=80, disp=False)
    return share, at(share)[0]


def _with_dips(problem: Problem, spots: list[Spot]) -> list[Spot]:
    """Return a branch with points where an exponent crosses 0 twice within a step.

    Two that pass each other there, one to either side, leave the sorted ones as they were. So where
    one is so near 0 at both ends of a step, on one side, that it may have crossed and come back,
    the point between is looked for at which it is on the other side.
    """
    levels = np.array([_levels(problem, spot) for spot in spots])
    size = max(_size(problem, spot) for spot in spots)
    changes = np.abs(np.diff(levels, axis=0)).max(axis=1)
    more: list[tuple[int, Spot]] = []
    for i in range(len(spots) - 1):
        reach = _REACH * changes[max(i - 2, 0) : i + 3].max()
        ends = levels[i : i + 2]
        near = (np.abs(ends).min(axis=0) <= reach) & (ends[0] * ends[1] > (_ZERO * size) ** 2)
        at = _between(problem, spots[i], spots[i + 1])
        for k in map(int, np.flatnonzero(near)):

            def height(share: float, at: Any = at, k: int = k, sign: Any = ends[0, k]) -> float:
                spot, is_solution = at(share)
                return float(np.sign(sign) * _levels(problem, spot)[k]) if is_solution else np.inf

            dip = minimize_scalar(height, bounds=(0, 1), method="bounded", options={"xatol": 1e-4})
            if dip.fun < -_ZERO * size:
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


def _crossings(problem: Problem, spots: list[Spot]) -> Iterator[tuple[float, Spot]]:
    """Yield where the determinant of D with the tangent changes its sign."""

    def level(spot: Spot) -> float:
        whole = np.vstack([spot.slopes, spot.tangent])
        sizes = np.linalg.svd(whole, compute_uv=False)
        return float(np.linalg.slogdet(whole)[0] * sizes[-1] / sizes[0])

    levels = np.array([level(spot) for spot in spots])
    for i, j in _changes(np.where(np.abs(levels) > 1e-9, np.sign(levels), 0)):
        # Not nearer, for there the equations are all but singular.
        share, spot = _root(problem, spots[i], spots[j], level, exact=1e-3)
        if abs(level(spot)) <= _CROSSED * max(abs(levels[i]), abs(levels[j])):
            yield i + share * (j - i), spot


def event_at(problem: Problem, spot: Spot, count: int, turns: bool) -> Event | None:
    """Return what happens at a point where so many exponents have a real part of 0.

    ``turns`` says whether the branch turns back there; ``count`` is 0 where others cross alone.
    """
    values = problem.eigenvalues(spot.slopes)
    exponents = problem.exponents(values)
    order = np.argsort(np.abs(exponents.real), kind="stable")[: max(count, 1)]
    lead = order[np.argmax(exponents[order].imag)]
    turn, eigenvalue = abs(float(exponents[lead].imag)), complex(values[lead])
    ways, y, angle, resonance, form = np.zeros((0, spot.y.size)), spot.y, float("nan"), "", None
    size = _size(problem, spot)
    if count and problem.is_map and abs(turn - np.pi) < _TURNS:
        kind, angle, resonance = FLIP, np.pi, "1:2" if count > 1 else ""
    elif count and turn > _TURNS * size:
        kind, angle = (NEIMARK_SACKER if problem.is_map else HOPF), turn
        resonance = _resonance(turn) if problem.is_map else ""
    elif count > 1:
        kind, resonance = BRANCH_POINT, "1:1" if problem.is_map and count == 2 else ""
        ways = _null_ways(problem, spot, count)
    elif count and turns:
        kind = FOLD
    else:
        met = crossing(problem, spot)
        if met is None:
            if not count:  # two branches that only come near
                return None
            kind = BRANCH_POINT
        else:
            y, ways = met.y, met.ways
            kind = PITCHFORK if met.pitchfork else TRANSCRITICAL if len(ways) else BRANCH_POINT
    if kind in (HOPF, FLIP, NEIMARK_SACKER):
        form = normal_form(problem, spot, eigenvalue, count, resonance)
    z = y * problem.scale
    return Event(
        kind,
        float(z[-1]),
        problem.unravel(z[:-1][problem.params]),
        eigenvalue.conjugate() if eigenvalue.imag < 0 else eigenvalue,
        count,
        angle,
        resonance,
        form,
        0,
        y,
        ways,
    )


def _resonance(angle: float) -> str:
    near = [k for k in (1, 2, 3, 4) if abs(angle - 2 * np.pi / k) < _RESONANT]
    return f"1:{near[0]}" if near else ""


def _null_ways(problem: Problem, spot: Spot, count: int) -> np.ndarray:
    """Return directions in which J vanishes, where several eigenvalues are 0 at once."""
    rows = np.linalg.svd(spot.slopes[:, :-1])[2][-count:]
    return np.column_stack([rows, np.zeros(count)])
