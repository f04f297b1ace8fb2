"""Events along a branch: its stability changes, it turns back, or others cross it."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ganfield._types import Players
from ganfield.dynamics._branches_follow import Spot, corrected, settled
from ganfield.dynamics._branches_problem import Problem
from ganfield.dynamics._branches_switch import crossing
from ganfield.dynamics._events_locate import (
    ZERO,
    changes,
    crossings,
    level_of,
    levels_of,
    root,
    size_of,
    with_dips,
)
from ganfield.dynamics._normal_forms import NormalForm, normal_form

FOLD, PITCHFORK, TRANSCRITICAL, BRANCH_POINT = "fold", "pitchfork", "transcritical", "branch point"
HOPF, FLIP, NEIMARK_SACKER = "hopf", "flip", "neimark-sacker"
EVENTS = (FOLD, PITCHFORK, TRANSCRITICAL, BRANCH_POINT, HOPF, FLIP, NEIMARK_SACKER)
_TOGETHER = 1e-8  # in scaled unknowns: eigenvalues that cross at one point
_TURNS = 1e-6  # of ‖J‖: an imaginary part that is not 0
_LEVEL = 1e-6  # of ‖J‖: a real part that is 0 at a point that was located
_RESONANT = 1e-6  # how near to a root of unity


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
        jump: the place before the first step that went to another branch, or over a jump of an
            exponent: then no event was looked for. None where there is none.
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
    spots = with_dips(problem, spots)
    levels = [levels_of(problem, spot) for spot in spots]
    sizes = [size_of(problem, spot) for spot in spots]
    signs = np.array(
        [np.where(np.abs(x) > ZERO * s, np.sign(x), 0) for x, s in zip(levels, sizes, strict=True)]
    )
    met: list[tuple[float, Spot, int, bool]] = []
    for k in range(signs.shape[1]):
        for i, j in changes(signs[:, k]):
            level, size = level_of(problem, k), max(sizes[i], sizes[j])
            share, near, is_solution = root(problem, spots[i], spots[j], level)
            spot: Spot | None = near
            if not is_solution or abs(level(near)) > _LEVEL * size:
                spot = _where_branches_cross(problem, near)
            if spot is None or abs(level(spot)) > _LEVEL * size:
                return Marked(spots, [], i)
            turns = bool(spots[i].tangent[-1] * spots[j].tangent[-1] < 0)
            met.append((i + share * (j - i), spot, 1, turns))
    for place, spot in crossings(problem, spots):
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


def _where_branches_cross(problem: Problem, near: Spot) -> Spot | None:
    """Return the solution at a crossing that a point of a chord is near; None where there is none.

    There is none where a step went over from one branch to another that only comes near.
    """
    met = crossing(problem, near)
    if met is None:
        return settled(problem, near)
    return near._replace(y=met.y, slopes=problem.look(met.y)[1])


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
    size = size_of(problem, spot)
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
