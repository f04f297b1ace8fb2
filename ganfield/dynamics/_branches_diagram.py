"""Branch after branch: what crosses them, what a search finds, and what each point is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._types import Players
from ganfield.dynamics._branches_follow import (
    CLOSED,
    KINK,
    Limits,
    Spot,
    at_knob,
    corrected,
    follow,
    tangent,
)
from ganfield.dynamics._branches_problem import Problem, across
from ganfield.dynamics._branches_results import Branch
from ganfield.dynamics._branches_search import further
from ganfield.dynamics._branches_switch import aside, spot_at
from ganfield.dynamics._classify import kind_of
from ganfield.dynamics._events import Event, marked

Original = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]
"""``at(params, value) -> (v, J)`` of the field that another one was made of."""

_SAME = 1e-6  # in scaled unknowns: two solutions that are one
_TOLERANCE = 1e-6  # of ‖J‖: what counts as 0, as in `classify`
_MOST_BRANCHES = 200
_MOST_AGAIN = 4  # times that a branch is followed again from where a step left it
BORN = "the crossing that it is born at"


class _Followed(NamedTuple):
    problem: Problem
    spots: list[Spot]
    events: list[Event]
    ends: tuple[str, str]


class Diagram:
    """Branches, each once.

    Args:
        problem: what is solved.
        limits: where to.
        original: for ``spurious``, or None.
        switch: whether branches that cross are followed, too.
    """

    def __init__(self, problem: Problem, limits: Limits, original: Original | None, switch: bool):
        self.problem, self.limits, self.original, self.switch = problem, limits, original, switch
        self.followed: list[_Followed] = []

    def add(self, y: np.ndarray) -> None:
        """Follow the branch that a solution lies on, both ways, and those that cross it."""
        if self._is_known(y) or len(self.followed) >= _MOST_BRANCHES:
            return
        problem = across(self.problem, y)
        slopes = problem.look(y)[1]
        row = np.append(np.zeros(y.size - 1), 1.0)
        begin = Spot(y, slopes, tangent(slopes, row))
        self._extend(problem, [begin], begin._replace(tangent=-begin.tangent), begin)

    def search(self, value: float, num_starts: int) -> None:
        """Follow the branches of further equilibria at a scaled value of the knob."""
        known = [y for each in self.followed for y in _solutions(each, value)]
        for spot in further(self.problem, value, known, self.limits, num_starts):
            self.add(spot.y)

    def finished(self) -> tuple[Branch, ...]:
        """Return the branches with what their points are."""
        return tuple(map(self._finished, self.followed))

    def _extend(self, problem: Problem, middle: list[Spot], back: Spot | None, on: Spot) -> None:
        """Follow a branch on both sides of what is known of it, and keep it.

        Where ``back`` is None it is born at a crossing, and one side is all there is.
        """
        after, last = follow(problem, on, self.limits)
        before: list[Spot] = []
        if back is None:
            first = BORN
        elif last == CLOSED:
            first = CLOSED
        else:
            before, first = follow(problem, back, self.limits)
        turned = [spot._replace(tangent=-spot.tangent) for spot in reversed(before)]
        spots = [*turned, *middle, *after]
        known = marked(problem, spots)
        again = _MOST_AGAIN
        while known.jump is not None:
            spots, jump = known.spots, known.jump
            here = next(place for place, spot in enumerate(spots) if spot is middle[0])
            is_after = jump >= here
            inside, way = (jump, 1) if is_after else (jump + 1, -1)
            beside, far = spots[inside], np.linalg.norm(spots[jump + 1].y - spots[jump].y)
            # A step may have gone over to another branch; where short ones do as well it is the
            # field that jumps, and what lies beyond hangs together with nothing before it.
            more: list[Spot] = []
            end = KINK
            if again:
                start = beside._replace(tangent=way * beside.tangent)
                more, end = follow(problem, start, self.limits, careful=2 * float(far))
            again = max(again - 1, 0)
            if is_after:
                spots, last = [*spots[: inside + 1], *more], end
            else:
                turned = [spot._replace(tangent=-spot.tangent) for spot in reversed(more)]
                spots, first = [*turned, *spots[inside:]], end
            known = marked(problem, spots)
        self.followed.append(_Followed(problem, known.spots, known.events, (first, last)))
        if self.switch:
            for event in known.events:
                self._switch(problem, known.spots, event)

    def _switch(self, problem: Problem, spots: list[Spot], event: Event) -> None:
        """Follow the branches that cross at an event."""
        if not len(event.ways):
            return
        along = np.abs(event.ways @ spots[event.place].tangent)
        ways = event.ways
        if event.crossing < 2:  # of two, the one that is not this branch
            ways = ways[[np.argmin(along)]]
        for way in ways:
            far = event.crossing > 1
            sides = [aside(problem, event.y, sign * way, far=far) for sign in (1, -1)]
            inside = [
                spot if spot is not None and self.limits.holds(spot.y) else None for spot in sides
            ]
            new = [spot for spot in inside if spot is not None and not self._is_known(spot.y)]
            if not new or len(self.followed) >= _MOST_BRANCHES:
                continue
            other = across(self.problem, new[0].y)
            if len(new) == 1 or other.dimension:
                spot = new[0]._replace(slopes=other.look(new[0].y)[1])
                self._extend(other, [spot], None, spot)
                continue
            on, back = new
            middle = [
                back._replace(tangent=-back.tangent),
                spot_at(problem, event.y, way),
                on,
            ]
            self._extend(problem, middle, back, on)

    def _is_known(self, y: np.ndarray) -> bool:
        return any(
            _is_one(each, y, other)
            for each in self.followed
            for other in [*_solutions(each, float(y[-1])), *_beside(each, y)]
        )

    def _finished(self, followed: _Followed) -> Branch:
        problem, spots, events, ends = followed
        ys = np.stack([spot.y for spot in spots]) * problem.scale
        params = ys[:, :-1][:, problem.params]
        values = np.stack([problem.eigenvalues(spot.slopes) for spot in spots])
        kinds = []
        for spot, row in zip(spots, values, strict=True):
            size = 1.0 if problem.is_map else np.linalg.norm(problem.jacobian(spot.slopes), 2)
            kinds.append(kind_of(problem.exponents(row), _TOLERANCE * float(size))[0])
        points = [problem.unravel(x) for x in params]
        stacked = Players(*(_stack([point[i] for point in points]) for i in (0, 1)))
        spurious = None
        if self.original is not None:
            spurious = np.array(
                [
                    _is_spurious(*self.original(x, value), x, kind)
                    for x, value, kind in zip(params, ys[:, -1], kinds, strict=True)
                ]
            )
        return Branch(
            ys[:, -1],
            stacked,
            ys[:, :-1],
            values,
            np.array(kinds),
            spurious,
            tuple(events),
            ends,
            problem.dimension,
        )


def _stack(trees: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *trees)


def _solutions(followed: _Followed, value: float) -> list[np.ndarray]:
    """Return the solutions of a branch for a scaled value of the knob."""
    spots = followed.spots
    knobs = np.array([spot.y[-1] for spot in spots])
    solutions = []
    for place in np.flatnonzero((knobs[:-1] - value) * (knobs[1:] - value) <= 0):
        i = int(place)
        width = knobs[i + 1] - knobs[i]
        share = (value - knobs[i]) / width if width else 0.0
        guess = spots[i].y + share * (spots[i + 1].y - spots[i].y)
        guess[-1] = value
        spot = at_knob(followed.problem, guess)
        if spot is not None:
            solutions.append(spot.y)
    return solutions


def _beside(followed: _Followed, y: np.ndarray) -> list[np.ndarray]:
    """Return the solution of a branch beside a point; at a fold none has the knob's very value."""
    ys = np.stack([spot.y for spot in followed.spots])
    chords = np.diff(ys, axis=0)
    squares = np.sum(chords**2, axis=1)
    if not squares.size or not squares.all():
        return []
    shares = np.clip(np.sum((y - ys[:-1]) * chords, axis=1) / squares, 0, 1)
    guesses = ys[:-1] + shares[:, None] * chords
    i = int(np.argmin(np.linalg.norm(guesses - y, axis=1)))
    spot = corrected(followed.problem, guesses[i], chords[i] / np.sqrt(squares[i]))
    return [] if spot is None else [spot.y]


def _is_one(followed: _Followed, y: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two solutions are one, or lie on one continuum."""
    if np.linalg.norm(y - other) <= _SAME * (1 + np.linalg.norm(y)):
        return True
    if not followed.problem.dimension:
        return False
    # Points of one orbit of a symmetry have the same eigenvalues.
    one, two = (
        np.sort_complex(followed.problem.eigenvalues(followed.problem.look(each)[1]))
        for each in (y, other)
    )
    return bool(np.abs(one - two).max(initial=0.0) <= _SAME * (1 + np.abs(one).max(initial=0.0)))


def _is_spurious(value: np.ndarray, slopes: np.ndarray, x: np.ndarray, kind: str) -> bool:
    """Return whether a point is no zero of the original, or attracts where that repels."""
    size = np.linalg.norm(slopes, 2)
    if np.linalg.norm(value) > _TOLERANCE * size * (1 + np.abs(x).max()):
        return True
    if kind != "stable":
        return False
    return bool(np.linalg.eigvals(slopes).real.max() > _TOLERANCE * size)
