"""Pseudo-arclength continuation: from a solution along its branch, past folds, to where it ends."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from ganfield.dynamics._branches_problem import Problem

_FIRST, _LONGEST, _SHORTEST = 0.01, 0.05, 1e-7  # steps, in scaled unknowns
_GROWS = 1.5
_TURNS = 0.995  # the least cosine between the tangents at the two ends of a step
_BENT = 2e-3  # of ‖D‖: by how much D half-way may miss the mean of both ends
_JUMPS = 1e-5  # of ‖D‖: more than what D changes by over the shortest step, where it is smooth
_SMALL = 1e-12  # of 1 + ‖y‖: a Newton step that is rounding
_SINGULAR = 1e-13  # of the largest singular value: one that is 0 but for rounding
_MOST = 12  # of Newton's steps
_ALMOST, _BESIDE = 1e-6, 1e-3  # singular values, of the largest; a way, in scaled unknowns
_FINER = 64  # steps of one that went to another branch
BOUNDS, BOX, CLOSED = "the knob's bounds", "the box of parameters", "closed"
KINK = "a kink or a jump of the field"
LOST, LONG = "Newton's method finds no further point", "as many points as are allowed"
UNDEFINED = "the field is not finite"


class Spot(NamedTuple):
    """A solution: the unknowns, the derivative of G by them, and the branch's direction there."""

    y: np.ndarray
    slopes: np.ndarray
    tangent: np.ndarray


class Limits(NamedTuple):
    """Where a branch is followed to, in scaled unknowns."""

    low: np.ndarray
    high: np.ndarray
    max_points: int

    def holds(self, y: np.ndarray) -> bool:
        """Return whether a point is within."""
        return bool(np.all((self.low <= y) & (y <= self.high)))


def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the solution of linear equations, the shortest one where there are several."""
    factors, pivots, _ = scipy.linalg.lapack.dgetrf(matrix)
    inverse_condition, _ = scipy.linalg.lapack.dgecon(factors, np.abs(matrix).sum(axis=0).max())
    if inverse_condition > _SINGULAR:
        return scipy.linalg.lapack.dgetrs(factors, pivots, right)[0]
    return np.linalg.lstsq(matrix, right, rcond=_SINGULAR)[0]


def corrected(problem: Problem, guess: np.ndarray, row: np.ndarray) -> Spot | None:
    """Return the solution in the plane through ``guess`` across ``row``, None where none is found.

    Newton's method on G(y) = 0, row·(y − guess) = 0. The tangent is that in the sense of ``row``.
    """
    y, before = guess, np.inf
    for _ in range(_MOST):
        value, slopes = problem.look(y)
        if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
            return None
        matrix = np.vstack([slopes, row])
        step = solved(matrix, -np.append(value, row @ (y - guess)))
        length, size = float(np.linalg.norm(step)), 1 + float(np.linalg.norm(y))
        if length > 2 * before:
            return None
        y = y + step
        # Where the matrix is nearly singular rounding alone makes steps that do not shrink.
        if length <= _SMALL * size or (length <= 1e-9 * size and length > before / 2):
            if np.linalg.norm(value) > 1e-8 * size * np.linalg.norm(slopes):
                return None  # equations that do not hold together have a shortest answer, too
            return Spot(y, slopes, tangent(slopes, row))
        before = length
    return None


def settled(problem: Problem, near: Spot) -> Spot | None:
    """Return a solution at most a little beside a point where D is singular, None if there is none.

    Newton's method by the shortest steps, without those along directions in which D is almost 0.
    """
    y = near.y
    for _ in range(_MOST):
        value, slopes = problem.look(y)
        step = np.linalg.lstsq(slopes, -value, rcond=_ALMOST)[0]
        y = y + step
        if not np.linalg.norm(y - near.y) <= _BESIDE:
            return None
        if np.linalg.norm(step) <= _SMALL * (1 + np.linalg.norm(y)):
            break
    value, slopes = problem.look(y)
    is_solution = np.linalg.norm(value) <= 1e-10 * np.linalg.norm(slopes)
    return near._replace(y=y, slopes=slopes) if is_solution else None


def tangent(slopes: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return the unit vector along the branch, in the sense of ``before``."""
    last = np.append(np.zeros(len(slopes)), 1.0)
    with np.errstate(all="ignore"):
        along = solved(np.vstack([slopes, before]), last)
        along = along / np.linalg.norm(along)
    off = np.linalg.norm(slopes @ along) if np.isfinite(along).all() else np.inf
    if not off <= 1e-9 * np.linalg.norm(slopes):
        # At a crossing of branches, or where it turns across ``before``.
        _, sizes, rows = np.linalg.svd(slopes)
        small = np.append(sizes, 0.0) <= 1e-9 * sizes[0]
        null = rows[small]
        inside = null.T @ (null @ before)
        along = inside if np.linalg.norm(inside) > 1e-6 else rows[-1]
        along = along / np.linalg.norm(along)
    return along if along @ before >= 0 else -along


def at_knob(problem: Problem, y: np.ndarray) -> Spot | None:
    """Return the solution for the same value of the knob that Newton's method leads to from y."""
    row = np.append(np.zeros(y.size - 1), 1.0)
    return corrected(problem, y, row)


def follow(
    problem: Problem, begin: Spot, limits: Limits, careful: float = 0.0
) -> tuple[list[Spot], str]:
    """Return the points of a branch beyond ``begin``, along its tangent, and what it ends at.

    A step is halved where its two ends differ too much in direction, or where D half-way is not
    nearly the mean of D at both ends: of a smooth field that happens at long steps alone, at a kink
    at all. Within ``careful`` of the beginning steps are as short as that by 64.
    """
    path, here, length = [begin], begin, min(_FIRST, careful / _FINER) if careful else _FIRST
    row = np.append(np.zeros(begin.y.size - 1), 1.0)
    while len(path) < limits.max_points:
        if length < _SHORTEST:
            return path[1:], _why(problem, here)
        spot = corrected(problem, here.y + length * here.tangent, here.tangent)
        if spot is None or not _is_near(problem, here, spot, length):
            length /= 2
            continue
        outside = ~((limits.low <= spot.y) & (spot.y <= limits.high))
        if outside[-1]:
            bound = limits.low[-1] if spot.y[-1] < limits.low[-1] else limits.high[-1]
            share = (bound - here.y[-1]) / (spot.y[-1] - here.y[-1])
            end = corrected(problem, here.y + share * (spot.y - here.y), row)
            if end is not None and np.linalg.norm(end.y - here.y) > 1e-9:
                end.y[-1] = bound
                sense = 1.0 if end.tangent @ here.tangent >= 0 else -1.0
                path.append(end._replace(tangent=sense * end.tangent))
            return path[1:], BOUNDS
        if outside.any():
            return path[1:], BOX
        path.append(spot)
        if _has_closed(begin, here, spot):
            return path[1:], CLOSED
        is_far = np.linalg.norm(spot.y - begin.y) >= careful
        here, length = spot, min(length * _GROWS, _LONGEST if is_far else careful / _FINER)
    return path[1:], LONG


def _is_near(problem: Problem, here: Spot, spot: Spot, length: float) -> bool:
    """Return whether a step is short enough to know what lies between its ends."""
    if spot.tangent @ here.tangent < _TURNS:
        return False
    if np.linalg.norm(spot.y - here.y) > 1.5 * length:
        return False
    half = problem.look((here.y + spot.y) / 2)[1]
    bend = np.linalg.norm(half - (here.slopes + spot.slopes) / 2)
    return bool(bend <= _BENT * np.linalg.norm(spot.slopes))


def _why(problem: Problem, here: Spot) -> str:
    """Return what a branch ends at whose steps came to nothing."""
    ahead, slopes = problem.look(here.y + 10 * _SHORTEST * here.tangent)
    if not (np.isfinite(ahead).all() and np.isfinite(slopes).all()):
        return UNDEFINED
    size = np.linalg.norm(slopes)
    bends = np.linalg.norm(slopes - here.slopes) > _JUMPS * size
    jumps = np.linalg.norm(ahead) > 10 * _SHORTEST * size
    return KINK if bends or jumps else LOST


def _has_closed(begin: Spot, here: Spot, spot: Spot) -> bool:
    """Return whether the step from here to a spot goes past the beginning."""
    step = spot.y - here.y
    share = (begin.y - here.y) @ step / (step @ step)
    off = np.linalg.norm(here.y + share * step - begin.y)
    near = 0 < share <= 1 and off <= 0.02 * np.linalg.norm(step)
    return bool(near and begin.tangent @ spot.tangent > _TURNS)
