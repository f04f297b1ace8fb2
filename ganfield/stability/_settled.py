"""Second moments of the iterates and of the memory of squares, as they settle under noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy  # Its parts are loaded when they are first used.

from ganfield.stability._equation import Array, Equation, Steps

_SLOWEST = 1e-6  # 1 − β: what forgets more slowly (Adafactor in the limit) never settles
BENT = 0.25  # of the motion: a field that bends more over the spread is not linear there
_STABLE = 1 - 1e-9
_TOLERANCE = 1e-7  # of the equation of the squares, relative
_SWEEPS = 200  # of the equation of Σ under a noisy Jacobian
_LARGEST_DIRECT = 100  # squares of which a Jacobian is made by differences

_OFF = (0.3, 5.0)  # spreads, standard errors: an equilibrium that is none


class Settled(NamedTuple):
    """Where a method settles around a point.

    Attributes:
        squares: the stationary mean of the memory of squares, shape ``(k,)``.
        spread: their relative variance by the noise of batches, shape ``(k,)``.
        slow: that by the motion of the iterates, shape ``(k,)``.
        covariance: Σ, of the numbers that move, shape ``(d, d)``.
        steps: what the batches make of that state, the squares at their mean.
        residual: of the equation of the squares, relative.
    """

    squares: Array
    spread: Array
    slow: Array
    covariance: Array
    steps: Steps
    residual: float


class UnsettledError(ValueError):
    """There is no stationary state at such squares."""


def covariance_of(steps: Steps) -> tuple[Array, Array]:
    """Return Σ = E[MΣMᵀ] + Q, the stationary covariance of x ← Mx + noise, and A = E[M].

    Raises:
        UnsettledError: there is none: the mean of the motion, or its mean square, grows.
    """
    mean = steps.slopes.mean(axis=0)
    if not (np.isfinite(mean).all() and np.isfinite(steps.moved).all()):
        raise UnsettledError("params must be a point where the step is finite")
    radius = np.abs(np.linalg.eigvals(mean)).max()
    if radius >= _STABLE:
        raise UnsettledError(
            "method must be stable at params, and the mean of the iterates leaves the point: E[M] "
            f"multiplies it by {radius:.6g}"
        )
    noise = steps.moved - steps.moved.mean(axis=0)
    pushed = noise.T @ noise / len(noise)
    apart = steps.slopes - mean
    covariance = scipy.linalg.solve_discrete_lyapunov(mean, pushed)
    if not (np.abs(apart) > 1e-12 * np.abs(mean).max()).any():
        return _symmetric(covariance), mean
    for _ in range(_SWEEPS):
        if not np.isfinite(covariance).all():
            break
        after = scipy.linalg.solve_discrete_lyapunov(mean, pushed + pushed_on(apart, covariance))
        change = np.abs(after - covariance).max()
        covariance = after
        if change <= 1e-10 * np.abs(after).max():
            return _symmetric(covariance), mean
    raise UnsettledError(
        "method must be stable at params in the mean square, and the mean square distance from the "
        "point grows without end: gf.mean_square_radius says how fast"
    )


def pushed_on(slopes: Array, covariance: Array) -> Array:
    """Return E[MΣMᵀ]."""
    return np.einsum("bij,jk,blk->il", slopes, covariance, slopes, optimize=True) / len(slopes)


def settle(equation: Equation) -> Settled:
    """Solve n = E[F_n] for the squares, with Σ from its own equation at each n.

    Args:
        equation: of `ganfield.stability._equation.equation_of`.

    Raises:
        UnsettledError: no squares solve it, or nothing settles.
        ValueError: squares that nothing moves, or that only grow.
    """
    decay = equation.decay
    if not len(decay):
        steps = equation.steps(decay, decay)
        return Settled(decay, decay, decay, covariance_of(steps)[0], steps, 0.0)
    check_forgets(decay, equation.names)

    def residual(logarithms: Array) -> Array:
        return np.log(_aim(equation, np.exp(logarithms)).squares) - logarithms

    logarithms = _begin(equation)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        logarithms = _damped(residual, logarithms)
        method = "hybr" if len(decay) <= _LARGEST_DIRECT else "krylov"
        solution = scipy.optimize.root(_guarded(residual), logarithms, method=method, tol=1e-9)
        logarithms = solution.x
        left = float(np.abs(_guarded(residual)(logarithms)).max())
    if not left <= _TOLERANCE:
        raise UnsettledError(no_squares(left))
    squares = np.exp(logarithms)
    aim = _aim(equation, squares)
    rate = float(np.abs(np.linalg.eigvals(aim.mean)).max())
    spread, slow = spread_of(decay, aim.steps.added, aim.moved, rate)
    return Settled(squares, spread, slow, aim.covariance, aim.steps, left)


class _Aim(NamedTuple):
    """Where squares go that are held at some values: ``squares``, and what else is known there."""

    squares: Array
    moved: Array
    covariance: Array
    mean: Array
    steps: Steps


def _aim(equation: Equation, squares: Array) -> _Aim:
    steps = equation.steps(squares, np.zeros_like(squares))
    covariance, mean = covariance_of(steps)
    moved = equation.from_spread(squares, root_of(covariance))
    goal = (steps.added.mean(axis=0) + moved) / (1 - equation.decay)
    return _Aim(goal, moved, covariance, mean, steps)


def spread_of(decay: Array, added: Array, moved: Array, rate: float) -> tuple[Array, Array]:
    """Return the relative variance of squares, averages of g² over some 1/(1 − β) steps.

    g is the noise of the batch, new at every step, and J times the distance, Gaussian and as slow
    as the motion: with the rate ρ its square is correlated over steps by ρ², ρ⁴ …

    Args:
        decay: β.
        added: what each batch adds at the point, shape ``(b, k)``.
        moved: what the spread of the iterates adds in the mean.
        rate: ρ.

    Returns:
        What the noise of batches makes of it, and what the motion of the iterates does.
    """
    total = np.maximum(added.mean(axis=0) + moved, np.finfo(float).tiny)
    share = np.clip(moved / total, 0, 1)
    white = added.var(axis=0) / total**2 + 4 * share * (1 - share)
    kept = decay * min(rate, 1.0) ** 2
    slow = 2 * share**2 * (1 + kept) / (1 - kept)
    taken = (1 - decay) / (1 + decay)
    return taken * white, taken * slow


def check_forgets(decay: Array, names: Sequence[str]) -> None:
    """Raise a ``ValueError`` where squares are no running means over a bounded time."""
    grows = ~((decay > 0) & (decay < 1 - _SLOWEST))
    if grows.any():
        raise ValueError(
            "method has no stationary state: "
            f"state{names[int(np.argmax(grows))]} forgets nothing. Sums, as AdaGrad's, "
            "grow as long as the run goes on, Adafactor's means take in ever "
            "more steps, and Yogi's moments go by a sign"
        )


def check_bend(bend: float, noisier: float = 1.0) -> None:
    """Raise a ``ValueError`` where a step is not what it is at the point, over a spread.

    Args:
        bend: how far differences over it are from the derivative, of the motion.
        noisier: the variance of what noise does there, of that at the point.
    """
    if bend > BENT:
        raise ValueError(
            "method and field must be nearly linear over the spread of the iterates, and the step "
            f"differs there from its derivative by {bend:.2g} of the motion: a step along a sign "
            "(sign_sgd, lion) has none; smaller steps or larger batches spread less"
        )
    if abs(noisier - 1) > BENT:
        raise ValueError(
            "method and field must be nearly linear over the spread of the iterates, and noise "
            f"moves them {noisier:.2g} times as much there, in the mean square, as at the "
            "point: so it does where a step goes by the length of parameters that are 0 (fromage)"
        )


def check_offset(offset: float, chance: float, spread: float, far: float) -> None:
    """Raise a ``ValueError`` where iterates settle far from the point, beyond spread and chance."""
    if offset > _OFF[0] * spread and offset > _OFF[1] * chance + 1e-9 * (1 + far):
        raise ValueError(
            "params must be an equilibrium of the mean of the field over batches: the iterates "
            f"settle {offset:.3g} away from it, {offset / max(spread, 1e-300):.2g} times as far as "
            f"they spread and {offset / max(chance, 1e-300):.2g} standard errors. "
            "gf.find_equilibria finds one, of the mean field"
        )


def no_noise(name: str) -> str:
    """Return why squares that nothing moves have no stationary value, in words."""
    return (
        f"sample must bring noise where the method divides by it: state{name} and all other "
        "squares are 0 at the point. Without noise they decay until the steps grow unstable, so "
        "there is no stationary state"
    )


def no_squares(left: float) -> str:
    """Return that no squares solve their equation, in words."""
    return (
        "method must have second moments that settle, and none are consistent with the spread "
        f"that they leave: the residual is {left:.2g}"
    )


def _begin(equation: Equation) -> Array:
    """Return logarithms of squares to begin with: those of the noise, large enough to settle."""
    decay = equation.decay
    some = np.ones_like(decay)
    squares = equation.steps(some, np.zeros_like(some)).added.mean(axis=0) / (1 - decay)
    if not (squares > 0).any():
        raise ValueError(no_noise(equation.names[0]))
    typical = np.exp(np.log(squares[squares > 0]).mean())
    squares = np.maximum(squares, 1e-3 * typical)
    for _ in range(60):
        try:
            _aim(equation, squares)
            return np.log(squares)
        except UnsettledError as error:
            reason = error
            squares = 4 * squares
    raise reason


def _damped(residual: Callable[[Array], Array], logarithms: Array) -> Array:
    """Return logarithms nearer to the solution, never where nothing settles."""
    step = residual(logarithms) / 2
    for _ in range(40):
        if np.abs(step).max() < 0.1:
            break
        try:
            after = residual(logarithms + np.clip(step, -1, 1)) / 2
        except UnsettledError:
            step = np.clip(step, -1, 1) / 2
            continue
        logarithms, step = logarithms + np.clip(step, -1, 1), after
    return logarithms


def _guarded(residual: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return a residual that says "larger" where nothing settles, as a solver can use."""

    def safe(logarithms: Array) -> Array:
        try:
            return residual(logarithms)
        except UnsettledError:
            return np.full(len(logarithms), 3.0)

    return safe


def root_of(covariance: Array) -> Array:
    """Return L with LLᵀ = Σ."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def _symmetric(matrix: Array) -> Array:
    return (matrix + matrix.T) / 2
