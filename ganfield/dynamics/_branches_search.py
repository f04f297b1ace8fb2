"""Further equilibria at one value of the knob, by Newton's method with the known ones left out."""

from __future__ import annotations

import jax
import numpy as np

from ganfield.dynamics._branches_follow import Limits, Spot, at_knob, solved
from ganfield.dynamics._branches_problem import Problem
from ganfield.dynamics._equilibria import even_points

_MOST = 60  # Newton's steps
_SAME = 1e-5  # in scaled unknowns
_FAR = 2.0  # widths of the limits from their middle
_LONGEST = 0.3  # a step, so that one does not go where another start is


def further(
    problem: Problem, value: float, known: list[np.ndarray], limits: Limits, num_starts: int
) -> list[Spot]:
    """Return equilibria within limits that are not known, from starts that fill them evenly.

    Newton's method on G(x)·∏ (1 + 1/‖x − xᵢ‖²), which has all zeros of G but the known xᵢ. Its step
    is Newton's d times 1/(1 − d·∇log ∏), so that it costs no more.

    Args:
        problem: what is solved.
        value: of the knob, scaled.
        known: solutions there, of shape ``(n + 1,)``.
        limits: box of the parameters.
        num_starts: how many starts.

    Reference:
        Farrell, Birkisson, Funke, "Deflation techniques for finding distinct solutions of nonlinear
        partial differential equations", 2015.
    """
    size = int(problem.params.sum())
    places = np.asarray(even_points(jax.random.key(0), num_starts, size))
    low, high = (end[:-1][problem.params] for end in (limits.low, limits.high))
    apart, spots = list(known), []
    for place in places:
        y = np.append(problem.begin, value)
        y[:-1][problem.params] = low + place * (high - low)
        end = _deflated(problem, y, apart, limits)
        spot = None if end is None else at_knob(problem, end)
        if spot is None or not limits.holds(spot.y):
            continue
        if all(np.linalg.norm(spot.y - other) > _SAME for other in apart):
            apart.append(spot.y)
            spots.append(spot)
    return spots


def _deflated(
    problem: Problem, y: np.ndarray, apart: list[np.ndarray], limits: Limits
) -> np.ndarray | None:
    """Return where the deflated steps end, None where they do not, or far outside."""
    x = y[:-1].copy()
    middle, reach = (limits.low + limits.high)[:-1] / 2, (limits.high - limits.low)[:-1].max()
    others = np.array([other[:-1] for other in apart]).reshape(-1, x.size)
    for _ in range(_MOST):
        value, slopes = problem.look(np.append(x, y[-1]))
        if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
            return None
        step = solved(slopes[:, :-1], -value)
        away = x - others
        square = np.sum(away**2, axis=1)
        if (square == 0).any():
            return None
        slope = np.sum(-2 * away / (square**2 * (1 + 1 / square))[:, None], axis=0)
        factor = 1 / (1 - slope @ step) if abs(1 - slope @ step) > 1e-12 else 1.0
        length = abs(factor) * np.linalg.norm(step)
        if not np.isfinite(length):
            return None
        x = x + factor * step * min(1.0, _LONGEST / max(length, 1e-300))
        if np.abs(x - middle).max() > _FAR * reach:
            return None
        if length <= 1e-8:
            return np.append(x, y[-1])
    return None
