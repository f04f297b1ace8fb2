"""Where two branches cross: the reduced equation there, and how to go over to the other one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ganfield.dynamics._branches_follow import Spot, corrected, solved, tangent
from ganfield.dynamics._branches_problem import Problem

_WAY = 1e-4  # of finite differences, in scaled unknowns
_FAR = 1e-2  # from where a crossing was located, at most
_FLAT = 1e-5  # what counts as 0 in the reduced equation, of its other coefficients
_ASIDE = (0.01, 0.003, 0.001, 0.03)  # steps on to another branch
_FAR_ASIDE = (0.1, 0.05, 0.02)  # where several eigenvalues cross, for a ring may be born


class Crossing(NamedTuple):
    """A point where two branches cross.

    Attributes:
        y: the point.
        ways: directions of the two branches, shape ``(2, n + 1)``, or ``(0, n + 1)`` where the
            reduced equation does not tell them.
        pitchfork: whether one of them turns back at the point.
    """

    y: np.ndarray
    ways: np.ndarray
    pitchfork: bool


def crossing(problem: Problem, near: Spot) -> Crossing | None:
    """Return the crossing at a point that is near one, refined; None where there is none.

    With null vectors u to the right and w to the left of J there, the equations
    G(x, l) + βw = 0, u·(x − x*) = a can be solved for x and β beside it and on it, so that
    branches are the solutions of the one equation β(a, l) = 0 (Lyapunov and Schmidt). They cross
    where β has a saddle: its second derivatives are their directions.
    """
    left, sizes, right = np.linalg.svd(near.slopes[:, :-1])
    reduced = _Reduced(problem, near.y, left[:, -1], right[-1])
    place, hessian = np.zeros(2), np.zeros((2, 2))
    for _ in range(4):
        here = reduced.slopes(place)
        around = [reduced.slopes(place + _WAY * side) for side in (*np.eye(2), *-np.eye(2))]
        if here is None or any(each is None for each in around):
            return None
        sides = np.array(around)
        hessian = (sides[:2] - sides[2:]) / (2 * _WAY)
        hessian = (hessian + hessian.T) / 2
        third = abs(sides[0, 0] - 2 * here[0] + sides[2, 0]) / _WAY**2
        if -np.linalg.det(hessian) <= (1e-6 * np.abs(hessian).max()) ** 2:
            break
        step = np.linalg.solve(hessian, here)
        place = place - step
        if np.linalg.norm(place) > _FAR:
            return None
        if np.linalg.norm(step) < 1e-13:
            break
    solution = reduced.at(place)
    if solution is None or abs(solution.height) > 1e-7 * sizes[0]:
        return None
    (aa, al), (_, ll) = hessian
    size = near.y.size
    if al**2 - aa * ll <= 0:
        return Crossing(solution.y, np.zeros((0, size)), False)
    pitchfork = abs(aa) <= _FLAT * max(abs(al), min(third, 1e3 * abs(al)))
    root = np.sqrt(al**2 - aa * ll)
    if pitchfork:
        pairs = [(1.0, 0.0), (-ll / (2 * al), 1.0)]
    else:
        pairs = [((-al + sign * root) / aa, 1.0) for sign in (1, -1)]
    by_a, by_knob = np.append(solution.by_a, 0.0), np.append(solution.by_knob, 1.0)
    ways = [a * by_a + knob * by_knob for a, knob in pairs]
    return Crossing(solution.y, np.stack([way / np.linalg.norm(way) for way in ways]), pitchfork)


class _Solution(NamedTuple):
    y: np.ndarray
    height: float
    slopes: np.ndarray
    by_a: np.ndarray
    by_knob: np.ndarray


class _Reduced:
    """The reduced equation β(a, l) = 0 round a point."""

    def __init__(self, problem: Problem, y: np.ndarray, left: np.ndarray, right: np.ndarray):
        self.problem, self.y, self.left, self.right = problem, y, left, right

    def at(self, place: np.ndarray) -> _Solution | None:
        (a, knob), size = place, self.y.size - 1
        x, height = self.y[:-1] + a * self.right, 0.0
        for _ in range(12):
            value, slopes = self.problem.look(np.append(x, self.y[-1] + knob))
            if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
                return None
            matrix = np.block(
                [[slopes[:, :-1], self.left[:, None]], [self.right[None], np.zeros((1, 1))]]
            )
            off = np.append(value + height * self.left, self.right @ (x - self.y[:-1]) - a)
            step = solved(matrix, -off)
            x, height = x + step[:-1], height + step[-1]
            if np.linalg.norm(step) <= 1e-13 * (1 + np.linalg.norm(x)):
                break
        by_a = solved(matrix, np.append(np.zeros(size), 1.0))
        by_knob = solved(matrix, np.append(-slopes[:, -1], 0.0))
        y = np.append(x, self.y[-1] + knob)
        return _Solution(
            y, float(height), np.array([by_a[-1], by_knob[-1]]), by_a[:-1], by_knob[:-1]
        )

    def slopes(self, place: np.ndarray) -> np.ndarray | None:
        """Return the derivatives of β by a and l."""
        solution = self.at(place)
        return None if solution is None else solution.slopes


def spot_at(problem: Problem, y: np.ndarray, way: np.ndarray) -> Spot:
    """Return a solution as a spot with a direction that is known."""
    return Spot(y, problem.look(y)[1], way)


def aside(problem: Problem, y: np.ndarray, way: np.ndarray, *, far: bool) -> Spot | None:
    """Return a solution beside a crossing, along a direction; its tangent leads away."""
    for length in _FAR_ASIDE if far else _ASIDE:
        spot = corrected(problem, y + length * way, way)
        if spot is None:
            continue
        gone = spot.y - y
        if np.linalg.norm(gone) <= 2 * length and gone @ way > 0.8 * np.linalg.norm(gone):
            along = tangent(spot.slopes, gone / np.linalg.norm(gone))
            return spot._replace(tangent=along)
    return None
