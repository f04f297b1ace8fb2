"""The noise floor of few numbers, whose covariance is a matrix."""

from __future__ import annotations

import jax
import numpy as np

from ganfield._types import Players
from ganfield.stability._equation import GROUPS, Equation, Steps
from ganfield.stability._floor import FOLLOWS, NoiseFloor, memory_at
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._settled import (
    Settled,
    UnsettledError,
    check_bend,
    check_offset,
    covariance_of,
    root_of,
)

_BENT_RATE = 0.5  # of 1 − rate
_COUPLED = 1e-9


def floor_by_matrices(F: NoisyMap, equation: Equation, settled: Settled) -> NoiseFloor:
    """Return what is predicted."""
    is_param = F.params[F.moving]
    held = settled.steps
    covariance = settled.covariance[np.ix_(is_param, is_param)]
    _check_equilibrium(held, settled.covariance, is_param, np.asarray(F.point)[F.moving])
    bend, bent, noisier = _bend(F, equation, held, settled.squares, root_of(settled.covariance))
    plain = white = whole = rate_of_mean(F, held.slopes.mean(axis=0))
    floor = wider = float(np.trace(covariance))
    if len(settled.squares):
        white_steps, all_steps = (
            equation.steps(settled.squares, spread)
            for spread in (settled.spread, settled.spread + settled.slow)
        )
        white, whole = (
            rate_of_mean(F, each.slopes.mean(axis=0)) for each in (white_steps, all_steps)
        )
        try:
            wider = float(np.trace(covariance_of(all_steps)[0][np.ix_(is_param, is_param)]))
        except UnsettledError:
            wider = 2 * floor
    squares_error, chance = _by_chance(F, equation, settled)
    follows = float(np.max(settled.spread + settled.slow, initial=0.0)) > FOLLOWS
    by_bending = abs(rate_of_mean(F, held.slopes.mean(axis=0) + bent) - plain)
    if not follows and by_bending > _BENT_RATE * abs(1 - plain):
        raise ValueError(
            "method and field must be nearly linear over the spread of the iterates, and over it "
            f"1 − rate is off by {by_bending / abs(1 - plain):.2g} of itself: a step that goes by "
            "the length of parameters which are 0 (lars, fromage) has no derivative there"
        )
    check_bend(bend, 1.0 if follows else noisier)
    unheld = abs(white - plain) + 2 * abs(whole - white)
    variances, theta = np.diag(settled.covariance), _is_theta(F)
    return NoiseFloor(
        floor,
        float(np.hypot(squares_error, wider - floor)),
        Players(*(float(variances[which & is_param].sum()) for which in (theta, ~theta))),
        covariance,
        float("nan") if follows else white,
        float("nan") if follows else unheld + by_bending + 3 * chance,
        _own_decay(F, equation, held.slopes.mean(axis=0)),
        F.unravel(memory_at(F, settled.squares)),
        bend,
        settled.residual,
        None,
    )


def _is_theta(F: NoisyMap) -> np.ndarray:
    """Return which of the numbers that move are parameters of the first player."""
    return np.array([name.startswith(".params.theta") for name in F.names])[F.moving]


def _steering(F: NoisyMap, mean: np.ndarray) -> np.ndarray:
    """Return which of the numbers that move are parameters or steer them."""
    couples = np.abs(mean) > _COUPLED * np.abs(mean).max()
    steers, before = F.params[F.moving], np.zeros(len(mean), bool)
    while not np.array_equal(before, steers):
        before, steers = steers, steers | couples[steers].any(axis=0)
    return steers


def rate_of_mean(F: NoisyMap, mean: np.ndarray) -> float:
    steers = _steering(F, mean)
    values = np.linalg.eigvals(mean[np.ix_(steers, steers)])
    return float(np.abs(values).max() ** (1 / F.num_steps))


def _own_decay(F: NoisyMap, equation: Equation, mean: np.ndarray) -> float:
    kept = ~_steering(F, mean)
    own = np.abs(np.linalg.eigvals(mean[np.ix_(kept, kept)]))
    largest = max(np.max(own, initial=0.0), np.max(equation.decay, initial=0.0))
    return float(largest ** (1 / F.num_steps))


def _by_chance(F: NoisyMap, equation: Equation, settled: Settled) -> tuple[float, float]:
    """Return the standard errors of the mean square and the rate: the batches' jackknife."""
    is_param = F.params[F.moving]
    steps, squares, decay = settled.steps, settled.squares, equation.decay
    groups = np.arange(len(steps.moved)) * GROUPS // len(steps.moved)
    floors, rates = [], []
    bent = equation.from_spread(squares, root_of(settled.covariance)) if len(squares) else squares
    for group in range(GROUPS):
        kept, there = groups != group, steps
        if len(squares):
            aim = (steps.added[kept].mean(axis=0) + bent) / (1 - decay)
            there = equation.steps(aim, np.zeros_like(aim))
        some = there._replace(moved=there.moved[kept], slopes=there.slopes[kept])
        covariance, mean = covariance_of(some)
        floors.append(np.trace(covariance[np.ix_(is_param, is_param)]))
        rates.append(rate_of_mean(F, mean))
    wide = np.sqrt(GROUPS - 1)
    return float(wide * np.std(floors)), float(wide * np.std(rates))


def _check_equilibrium(
    steps: Steps, covariance: np.ndarray, is_param: np.ndarray, point: np.ndarray
) -> None:
    """Raise a ``ValueError`` where the mean motion leaves the point, beyond chance and spread."""
    mean = steps.slopes.mean(axis=0)
    away = np.linalg.solve(np.eye(len(mean)) - mean, (steps.moved - point).T).T[:, is_param]
    offset = float(np.linalg.norm(away.mean(axis=0)))
    chance = np.sqrt(away.var(axis=0).sum() / len(away))
    spread = np.sqrt(np.trace(covariance[np.ix_(is_param, is_param)]))
    check_offset(offset, chance, spread, float(np.abs(point).max()))


def check_smooth(F: NoisyMap, equation: Equation) -> None:
    """Raise a ``ValueError`` where the step has no derivative on its own scale."""
    squares = np.asarray(F.point)[F.square]
    steps = equation.steps(squares, np.zeros_like(squares))
    noise = steps.moved - steps.moved.mean(axis=0)
    if np.isfinite(noise).all():
        _bend(F, equation, steps, squares, root_of(noise.T @ noise / len(noise)))


def _bend(
    F: NoisyMap, equation: Equation, steps: Steps, squares: np.ndarray, root: np.ndarray
) -> tuple[float, np.ndarray, float]:
    """Return how far differences over a spread are from the derivative, of the motion.

    Args:
        F: the map.
        equation: its equation.
        steps: at the point.
        squares: the memory of squares there.
        root: L, with the covariance LLᵀ of the spread.

    Returns:
        That; what would have to be added to E[M] to give those differences in the mean; and the
        variance of what noise does to the parameters over the spread, of that at the point.

    Raises:
        ValueError: too far.
    """
    size, count = len(root), len(steps.moved)
    apart = np.asarray(jax.random.normal(jax.random.key(3), (count, size)))
    places = apart @ root.T
    plus, minus = (equation.from_places(squares, sign * places) for sign in (1, -1))
    slopes = np.einsum("bij,bj->bi", steps.slopes, places)
    off = ((plus - minus) / 2 - slopes).T @ apart / count
    added = off @ np.linalg.pinv(root, rcond=1e-6)
    both = (off + (steps.slopes.mean(axis=0) - np.eye(size)) @ root)[F.params[F.moving]]
    off = off[F.params[F.moving]]
    largest = max(np.linalg.norm(both - off), np.linalg.norm(both))
    bend = float(np.linalg.norm(off) / largest) if largest > 0 else 0.0
    if not np.isfinite(bend):
        raise ValueError(
            "method must be finite over the spread of the iterates, and its step is not: centred "
            "second moments, held at their mean, may be less than the square of the first"
        )
    check_bend(bend)
    noise, there = (
        float(rows[:, F.params[F.moving]].var(axis=0).sum())
        for rows in (steps.moved, (plus + minus) / 2)
    )
    return bend, added, there / noise if noise > 0 else 1.0
