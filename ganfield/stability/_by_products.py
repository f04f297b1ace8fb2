"""The noise floor of many numbers, whose covariance is no matrix: by products."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import scipy

from ganfield._compiled import compiled
from ganfield._types import PyTree
from ganfield.spectra._krylov import Space
from ganfield.stability._impulses import NUM_CHAINS, EndlessError, Impulses, Linear, Rows, linear_of
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._settled import (
    UnsettledError,
    check_bend,
    check_forgets,
    no_noise,
    no_squares,
    spread_of,
)

_TOLERANCE = 1e-4  # of the equation of the squares, relative
_DEAD = 1e-6  # of the typical square: what no batch moves
_NUM_DRIFTS = 8  # chains that follow the mean motion
_COUPLED = 1e-12
_KRYLOV = 60  # products that look for the leading eigenvalue
# Squares that are off at random push the spectral radius outwards; twice the variance does so by
# √2 − 1 of that more.
_MAGNIFIED = 2.5


class Floor(NamedTuple):
    """What is known by products.

    Attributes:
        players: E‖θ − θ*‖² and E‖φ − φ*‖².
        chance: the standard errors of those and of their sum, shape ``(3,)``.
        wider: their sum with squares that are not held.
        rates: of the motion with squares held, spread by their noise, and spread by the motion as
            well.
        rate_chance: the error of the first.
        own_decay: the largest modulus of what steers nothing, of one map.
        squares: the stationary mean of the memory of squares.
        follows: the largest relative variance of those.
        residual: of their equation.
        bend, noisier: as in `ganfield.stability._by_matrices`.
        offset: of the mean motion from the point, and its standard error.
    """

    players: np.ndarray
    chance: np.ndarray
    wider: float
    rates: tuple[float, float, float]
    rate_chance: float
    own_decay: float
    squares: np.ndarray
    follows: float
    residual: float
    bend: float
    noisier: float
    offset: tuple[float, float]


def floor_by_products(F: NoisyMap, batches: PyTree, key: jax.Array) -> Floor:
    """Return where a method settles, from what becomes of the noise of single batches.

    Args:
        F: the method's steps.
        batches: many, stacked.
        key: for the batches that follow.

    Raises:
        ValueError: nothing settles, or not within the products that are spent.
    """
    linear = linear_of(F, batches, key)
    settled = _settle(F, linear)
    squares, rows, impulses = settled.squares, settled.rows, settled.impulses
    none, is_param = np.zeros_like(squares), np.asarray(linear.player.any(axis=0))
    bend, noisier = _bend(linear, squares, impulses.places, rows, is_param)
    steers = _steering(F, linear, squares)
    rate, chance = _rate(linear, squares, none, steers)
    white, whole = rate, rate
    gathered = impulses.moved.mean(axis=0)
    white_spread, slow = spread_of(linear.decay, rows.added, gathered, rate)
    wider = float(impulses.squared.sum(axis=1).mean())
    if len(squares):
        chance += _MAGNIFIED * abs(
            rate - _rate(linear, squares * _shaken(impulses, rows), none, steers)[0]
        )
        white = _rate(linear, squares, white_spread, steers)[0]
        whole = _rate(linear, squares, white_spread + slow, steers)[0]
        try:
            spread_out = _impulses(F, linear, squares, rows, white_spread + slow)
            wider = float(spread_out.squared.sum(axis=1).mean())
        except UnsettledError:
            wider *= 2
    each = np.column_stack([impulses.squared, impulses.squared.sum(axis=1)])
    return Floor(
        impulses.squared.mean(axis=0),
        each.std(axis=0) / np.sqrt(len(each)) + impulses.tail * each.mean(axis=0),
        wider,
        (rate, white, whole),
        chance,
        max(_rate(linear, squares, none, ~steers)[0], float(np.max(linear.decay, initial=0.0))),
        squares,
        float(np.max(white_spread + slow, initial=0.0)),
        settled.residual,
        bend,
        noisier,
        _offset(F, linear, squares, rows, impulses, is_param),
    )


class _Settled(NamedTuple):
    squares: np.ndarray
    rows: Rows
    impulses: Impulses
    residual: float


def _impulses(
    F: NoisyMap,
    linear: Linear,
    squares: np.ndarray,
    rows: Rows,
    spread: np.ndarray | None = None,
    num_steps: int | None = None,
) -> Impulses:
    """Follow the noise of the first batches."""
    noise = rows.moved - rows.moved.mean(axis=0)
    noise *= np.sqrt(len(noise) / max(len(noise) - 1, 1))
    spread = np.zeros_like(squares) if spread is None else spread
    return linear.impulses(squares, spread, noise[:NUM_CHAINS], num_steps)


def _settle(F: NoisyMap, linear: Linear) -> _Settled:
    """Solve for the logarithms of the squares, with the same batches at every trial."""
    decay, names = linear.decay, [F.names[i] for i in np.flatnonzero(F.square)]
    if not len(decay):
        rows = linear.rows(decay)
        _check_smooth(linear, decay, rows)
        return _Settled(decay, rows, _impulses(F, linear, decay, rows), 0.0)
    check_forgets(decay, names)
    squares = linear.rows(np.ones_like(decay)).added.mean(axis=0) / (1 - decay)
    alive = squares > 0
    if not alive.any():
        raise ValueError(no_noise(names[0]))
    typical = float(np.exp(np.log(squares[alive]).mean()))
    squares = np.maximum(squares, 1e-3 * typical)
    squares[~alive] = _DEAD * typical
    _check_smooth(linear, squares, linear.rows(squares))
    for trial in range(60):  # large enough to settle
        try:
            _impulses(F, linear, squares, linear.rows(squares))
            break
        except EndlessError:
            raise
        except UnsettledError:
            if trial == 59:
                raise
            squares[alive] *= 4

    def aim(logarithms: np.ndarray, num_steps: int | None) -> _Settled:
        squares[alive] = np.exp(logarithms)
        rows = linear.rows(squares)
        impulses = _impulses(F, linear, squares, rows, None, num_steps)
        goal = (rows.added.mean(axis=0) + impulses.moved.mean(axis=0)) / (1 - decay)
        off = np.log(goal[alive]) - logarithms
        return _Settled(off, rows, impulses, float(np.abs(off).max()))

    logarithms = np.log(squares[alive])
    for _ in range(20):  # to where the iterates spread about as far as they will
        there = aim(logarithms, None)
        if there.residual < 0.3:
            break
        logarithms = logarithms + np.clip(0.6 * there.squares, -1, 1)
    num_steps = there.impulses.num_steps  # of all trials, so that they differ smoothly
    try:
        solution = scipy.optimize.anderson(
            lambda x: aim(x, num_steps).squares,
            logarithms,
            alpha=0.6,
            f_tol=_TOLERANCE,
            maxiter=20,
            line_search=None,
        )
    except scipy.optimize.NoConvergence as error:
        solution = error.args[0]
    there = aim(solution, num_steps)
    if not there.residual <= 10 * _TOLERANCE:
        raise UnsettledError(no_squares(there.residual))
    return there._replace(squares=squares.copy())


def _shaken(impulses: Impulses, rows: Rows) -> np.ndarray:
    """Return factors as those by which chance may have changed the squares."""
    total = np.maximum(rows.added.mean(axis=0) + impulses.moved.mean(axis=0), 1e-300)
    variance = rows.added.var(axis=0) / len(rows.added)
    variance = variance + impulses.moved.var(axis=0) / len(impulses.moved)
    return np.exp(np.sqrt(variance) / total * np.random.default_rng(5).normal(size=total.shape))


def _check_smooth(linear: Linear, squares: np.ndarray, rows: Rows) -> None:
    """Raise a ``ValueError`` where the step has no derivative on its own scale."""
    noise = rows.moved - rows.moved.mean(axis=0)
    is_param = np.asarray(linear.player.any(axis=0))
    check_bend(_bend(linear, squares, noise, rows, is_param)[0])


def _bend(
    linear: Linear, squares: np.ndarray, places: np.ndarray, rows: Rows, is_param: np.ndarray
) -> tuple[float, float]:
    """Return how far differences over the spread are from the derivative, of the motion.

    And the variance of the noise there, of that at the point. The products of two halves of the
    batches hold nothing that a batch brings by chance.
    """
    off = motion = noise = 0.0
    none = np.zeros_like(squares)
    for place in places[:8]:
        plus, minus = linear.from_place(squares, place)[:, :, is_param]
        slopes = linear.slopes(squares, none, place)[:, is_param]
        apart = (plus - minus) / 2
        off += _between_halves(apart - slopes)
        motion += max(_between_halves(part - place[is_param]) for part in (apart, slopes))
        noise += float(((plus + minus) / 2).var(axis=0).sum())
    here = 8 * float(rows.moved[: len(plus), is_param].var(axis=0).sum())
    bend = float(np.sqrt(max(off, 0.0) / motion)) if motion > 0 else 0.0
    return bend, noise / here if here > 0 else 1.0


def _between_halves(rows: np.ndarray) -> float:
    return float(rows[::2].mean(axis=0) @ rows[1::2].mean(axis=0))


def _steering(F: NoisyMap, linear: Linear, squares: np.ndarray) -> np.ndarray:
    """Return which of the numbers that move are parameters or steer them, and move at all."""
    u = np.random.default_rng(0).normal(size=len(linear.player[0])) * linear.player.any(axis=0)
    none, steers = np.zeros_like(squares), u != 0
    for _ in range(3):
        u = linear.pulled(squares, none, u)
        steers = steers | (np.abs(u) > _COUPLED * np.abs(u).max())
    z = np.random.default_rng(1).normal(size=len(u))
    return steers & (linear.slopes(squares, none, z) != z).any(axis=0)


def _rate(
    linear: Linear, squares: np.ndarray, spread: np.ndarray, which: np.ndarray
) -> tuple[float, float]:
    """Return the spectral radius of E[M] within some of the numbers that move, and its error.

    The error is that by the few batches, of the Rayleigh quotient, and the residual.
    """
    if not which.any():
        return 0.0, 0.0

    def of_each(part: np.ndarray) -> np.ndarray:
        vector = np.zeros(len(which))
        vector[which] = part
        return linear.slopes(squares, spread, vector)[:, which]

    def product(part: np.ndarray) -> np.ndarray:
        return of_each(part).mean(axis=0)

    value, vector, residual = _leading(product, int(which.sum()))
    each = (of_each(vector.real) + 1j * of_each(vector.imag)) @ vector.conj()
    along = (each * value.conjugate()).real / max(abs(value), 1e-300)
    return float(abs(value)), float(along.std() / np.sqrt(len(along))) + residual


def _leading(
    product: Callable[[np.ndarray], np.ndarray], size: int
) -> tuple[complex, np.ndarray, float]:
    """Return the eigenvalue of largest modulus that one small Krylov space shows.

    With its vector and its residual. The ends of a spectrum show first, also where eigenvalues
    crowd, as they do of many numbers, so that a search for the very largest has no end.
    """
    random = np.random.default_rng(2)
    most = min(size, _KRYLOV)
    space = Space(product, size, most, np.dtype(float), random, is_filtered=False)
    while space.grow(space.count + 1) and space.row.any() and space.count < len(space.row):
        pass
    ritz = space.ritz()
    lead = int(np.argmax(np.abs(ritz.values)))
    vector = ritz.vectors[:, lead] @ space.basis[: space.count]
    return ritz.values[lead], vector, float(ritz.radii[lead])


def _offset(
    F: NoisyMap,
    linear: Linear,
    squares: np.ndarray,
    rows: Rows,
    impulses: Impulses,
    is_param: np.ndarray,
) -> tuple[float, float]:
    """Return how far from the point the mean motion settles, and its standard error."""
    drift = rows.moved.mean(axis=0) - np.asarray(F.point)[F.moving]
    starts = np.tile(drift, (NUM_CHAINS, 1))
    away = linear.impulses(squares, np.zeros_like(squares), starts, impulses.num_steps)
    offset = float(np.linalg.norm(away.sums.mean(axis=0)[is_param]))
    chance = (impulses.sums[:, is_param] ** 2).sum(axis=1).mean() / len(rows.moved)
    return offset, float(np.sqrt(chance))


def run_alone(
    F: NoisyMap, start: jax.Array, *, num_runs: int, burn_in: int, window: int, key: jax.Array
) -> np.ndarray:
    """Return the mean square distance of runs from the point, of each over a window."""
    is_param = np.flatnonzero(F.params)
    origin = start[is_param]

    def run(key: jax.Array) -> jax.Array:
        first, second = jax.random.split(key)

        def one(x: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
            after = F.apply(x, F.draw(key))
            return after, ((after[is_param] - origin) ** 2).sum()

        settled, _ = jax.lax.scan(one, start, jax.random.split(first, burn_in))
        return jax.lax.scan(one, settled, jax.random.split(second, window))[1].mean()

    keys = jax.random.split(key, num_runs)
    return np.asarray(compiled(jax.vmap(run), keys, name="alone")(keys))
