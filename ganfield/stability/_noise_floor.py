"""Where a method settles around an equilibrium under minibatch noise, and how fast it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._html import html_of
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.methods import Method, State
from ganfield.stability._by_products import Floor, floor_by_products, run_alone
from ganfield.stability._equation import GROUPS, LARGEST, Equation, Steps, drawn, equation_of
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._pairs import Pairs, follow
from ganfield.stability._settled import (
    Settled,
    UnsettledError,
    check_bend,
    covariance_of,
    root_of,
    settle,
)

_FOLLOWS = 0.25  # relative variance of squares that are no longer held
_OFF = (0.3, 5.0)  # spreads, standard errors: an equilibrium that is none
_BENT_RATE = 0.5  # of 1 − rate
_COUPLED = 1e-9
_FORGETS = 6.0  # times 1/(1 − rate): after so many steps a run has forgotten where it began
_NEAR = 2.3  # times that: its mean square is within a hundredth of where it goes
_LONGEST = 12000  # steps of a run before it is measured


class NoiseFloor(NamedTuple):
    """Where a method settles around an equilibrium, predicted and, where asked, run.

    Attributes:
        mean_square: E‖x − x*‖², of the parameters, in the long run.
        mean_square_error: how far it may be off: the standard error by the number of batches, and
            what second moments that are not quite held may change.
        players: of each player's parameters alone.
        covariance: of the parameters, shape ``(n, n)``; None where more than 1000 numbers move.
        rate: by what the mean of the distance of two runs under the same batches is multiplied in
            a step, with second moments held; NaN where those follow the iterates. Of
            more than 1000 numbers it is what a Krylov space of 60 products shows.
        rate_error: how far it may be off: by the number of batches, by second moments that are not
            quite held, and by the bend of the field over the spread.
        decay: the largest modulus of what is remembered beside the motion, such as β₂; 0 for none.
        state: the point, with the memory where it settles: to lend to `ganfield.spectral_radius`.
        bend: by how much the field bends over the spread of the iterates, of the motion; 0 for a
            linear one. The answer is that of the linear one.
        residual: of the equation of the second moments, relative.
        measured: what runs did, or None.
    """

    mean_square: float
    mean_square_error: float
    players: Players
    covariance: np.ndarray | None
    rate: float
    rate_error: float
    decay: float
    state: State
    bend: float
    residual: float
    measured: Pairs | None

    @property
    def distance(self) -> float:
        """The root of the mean square distance."""
        return float(np.sqrt(self.mean_square))

    @property
    def agrees(self) -> bool:
        """Whether runs did as predicted: within three errors and 2 % of 1 − rate and of the floor.

        A rate that is not known (NaN), or not measured, is not compared.
        """
        if self.measured is None:
            raise ValueError("num_runs must be given for runs to be compared, and there are none")
        off = abs(self.measured.mean_square - self.mean_square)
        errors = 3 * np.hypot(self.mean_square_error, self.measured.mean_square_error)
        near = off <= errors + 0.04 * self.mean_square + self.bend * self.mean_square
        if np.isnan(self.rate + self.measured.rate):
            return bool(near)
        slack = self.rate_error + 3 * self.measured.rate_error
        close = abs(self.measured.rate - self.rate) <= slack + 0.02 * abs(1 - self.rate)
        return bool(near and close)

    def __repr__(self) -> str:
        return (
            f"NoiseFloor: distance {self.distance:.4g}, rate {self.rate:.6g} ± "
            f"{self.rate_error:.2g}" + ("" if self.measured is None else f"; runs {self.measured}")
        )

    def _repr_html_(self) -> str:
        return html_of(self)


def noise_floor(
    method: Method,
    field: Field,
    params: Players,
    *,
    sample: Callable[[jax.Array], PyTree],
    num_batches: int | None = None,
    num_runs: int = 0,
    key: jax.Array | None = None,
) -> NoiseFloor:
    """Return the stationary spread of the iterates around an equilibrium, and their rate.

    Close to x* a step is x ← Mx + q, with M and q from a batch. So the covariance of the
    iterates solves Σ = E[MΣMᵀ] + E[qqᵀ], and pairs of runs that see the same batches come together
    by E[M]. x is the parameters and what is linear in them, such as momentum and averages. Adam,
    RMSProp and their kin divide by second moments n, which settle at n = E[g²], g being the noise
    of a batch and J times the distance: D² = diag(C + JΣJᵀ) for simultaneous steps. That is solved
    for log n together with Σ. For every method g is what its own step gives the optimizer:
    extragradient's half step, alternating moves and the like are differentiated as they are.

    Where more than 1000 numbers move no matrix is made. What the noise of a batch does to the
    iterates is followed along chains of products with M, each of a new batch: z_0 = q and
    z_k = M z_{k−1}. Then E‖x − x*‖² = Σ_k E‖z_k‖², and what is added to second moments is a sum of
    the same kind. 32 chains give its error, and 4096 products of each are the most that are spent.

    Second moments are held at their mean, which is right to O(1 − β₂); what their own spread
    changes is added to the rate to first order, and is its error.

    Args:
        method: how to move.
        field: along what, ``field(params, batch)``.
        params: an equilibrium of the mean of the field over batches.
        sample: ``sample(key) -> batch``, a new one for every step.
        num_batches: how many are drawn for means over batches; by default
            16384, or fewer for more parameters and larger batches.
        num_runs: so many real runs are made and measured, a multiple of 8; 0 for none. Of more than
            1000 numbers their distance is measured, and no rate.
        key: a typed key; by default ``jax.random.key(0)``.

    Returns:
        A `NoiseFloor`, in float64.

    Raises:
        ValueError: an argument is not allowed; the point is no equilibrium of the mean field;
            nothing is stationary there (the mean or the mean square grows; memory that forgets
            nothing, as AdaGrad's; second moments that nothing moves); the step has no derivative
            on the scale of the spread, as that along a sign, or other noise than at the point; runs
            would take more than 12000 steps to settle; of more than 1000 numbers, what the noise
            does has not ended after 4096 products, as along a continuum.

    Reference:
        Mandt, Hoffman, Blei, "Stochastic Gradient Descent as Approximate Bayesian Inference", 2017,
        for the covariance of plain steps.

    Example:
        >>> import jax, optax, ganfield as gf
        >>> def field(params, noise):           # v = −x, and noise of variance 1
        ...     return gf.Players(noise[0] - params.theta, noise[1] - params.phi)
        >>> floor = gf.noise_floor(
        ...     gf.simultaneous(optax.sgd(0.1)),
        ...     field,
        ...     gf.Players(0.0, 0.0),
        ...     sample=lambda key: jax.random.normal(key, (2,)),
        ... )
        >>> round(floor.rate, 6), abs(floor.mean_square - 2 * 0.1 / (2 - 0.1)) < 0.01  # h/(2 − h)
        (0.9, True)
    """
    if num_runs and check_count(num_runs, argument="num_runs") % GROUPS:
        raise ValueError(f"num_runs must be a multiple of {GROUPS}, got {num_runs}")
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        first, second = jax.random.split(key)
        F, batches = drawn(method, field, params, sample, num_batches, first, largest=None)
        if F.moving.sum() > LARGEST:
            by_products = floor_by_products(F, batches, second)
            floor, start = _of_products(F, by_products), _start(F, by_products.squares)
            if not num_runs:
                return floor
            burn_in, window = _times(by_products.rates[0], by_products.own_decay)
            squares = run_alone(
                F, start, num_runs=num_runs, burn_in=burn_in, window=window, key=second
            )
            error = float(squares.std() / np.sqrt(num_runs))
            unknown = float("nan")
            return floor._replace(
                measured=Pairs(unknown, unknown, float(squares.mean()), error, window)
            )
        equation = equation_of(F, batches)
        try:
            settled = settle(equation)
        except UnsettledError:
            _check_smooth(F, equation)
            raise
        floor = _floor(F, equation, settled)
        if not num_runs:
            return floor
        start = _start(F, settled.squares)
        rate = _rate(F, settled.steps.slopes.mean(axis=0))
        burn_in, window = _times(rate, float(np.max(equation.decay, initial=0.0)))
        measured = follow(F, start, num_runs=num_runs, burn_in=burn_in, window=window, key=second)
        return floor._replace(measured=measured)


def _start(F: NoisyMap, squares: np.ndarray) -> jax.Array:
    """Return the point with the memory where it settles."""
    return F.point.at[np.flatnonzero(F.square)].set(jnp.asarray(squares))


def _times(rate: float, decay: float) -> tuple[int, int]:
    """Return how many maps a run is given to settle in, and how many it is measured over."""
    rate = max(rate, 0.5)
    if (1 - rate) * _LONGEST < _NEAR:
        raise ValueError(
            "num_runs must be 0 where iterates settle so slowly: runs would take "
            f"{_NEAR / max(1 - rate, 1e-300):.2g} steps to spread as far as they will, and "
            f"{_LONGEST} are the most (the rate is {rate:.7g})"
        )
    window = int(np.clip(np.ceil(1.5 / (1 - rate)), 16, 4000))
    slowest = 1 - min(1 - rate, 1 - decay)
    return int(np.clip(np.ceil(_FORGETS / (1 - slowest)), 64, _LONGEST)), window


def _of_products(F: NoisyMap, floor: Floor) -> NoiseFloor:
    """Return what is predicted of many numbers."""
    root = 1 / F.num_steps
    plain, white, whole = (rate**root for rate in floor.rates)
    follows = floor.follows > _FOLLOWS
    mean_square = float(floor.players.sum())
    far = float(np.abs(np.asarray(F.point)[F.moving]).max())
    _check_offset(*floor.offset, float(np.sqrt(mean_square)), far)
    check_bend(floor.bend, 1.0 if follows else floor.noisier)
    unheld = abs(white - plain) + 2 * abs(whole - white)
    by_bending = floor.bend * abs(1 - plain)
    return NoiseFloor(
        mean_square,
        float(np.hypot(floor.chance[2], floor.wider - mean_square)),
        Players(*map(float, floor.players)),
        None,
        float("nan") if follows else white,
        float("nan") if follows else unheld + by_bending + 3 * floor.rate_chance,
        floor.own_decay**root,
        F.unravel(_start(F, floor.squares)),
        floor.bend,
        floor.residual,
        None,
    )


def _floor(F: NoisyMap, equation: Equation, settled: Settled) -> NoiseFloor:
    """Return what is predicted."""
    is_param = F.params[F.moving]
    held = settled.steps
    covariance = settled.covariance[np.ix_(is_param, is_param)]
    _check_equilibrium(held, settled.covariance, is_param, np.asarray(F.point)[F.moving])
    bend, bent, noisier = _bend(F, equation, held, settled.squares, root_of(settled.covariance))
    plain = white = whole = _rate(F, held.slopes.mean(axis=0))
    floor = wider = float(np.trace(covariance))
    if len(settled.squares):
        white_steps, all_steps = (
            equation.steps(settled.squares, spread)
            for spread in (settled.spread, settled.spread + settled.slow)
        )
        white, whole = (_rate(F, each.slopes.mean(axis=0)) for each in (white_steps, all_steps))
        try:
            wider = float(np.trace(covariance_of(all_steps)[0][np.ix_(is_param, is_param)]))
        except UnsettledError:
            wider = 2 * floor
    squares_error, chance = _by_chance(F, equation, settled)
    follows = float(np.max(settled.spread + settled.slow, initial=0.0)) > _FOLLOWS
    by_bending = abs(_rate(F, held.slopes.mean(axis=0) + bent) - plain)
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
        F.unravel(_start(F, settled.squares)),
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


def _rate(F: NoisyMap, mean: np.ndarray) -> float:
    steers = _steering(F, mean)
    values = np.linalg.eigvals(mean[np.ix_(steers, steers)])
    return float(np.abs(values).max() ** (1 / F.num_steps))


def _own_decay(F: NoisyMap, equation: Equation, mean: np.ndarray) -> float:
    kept = ~_steering(F, mean)
    own = np.abs(np.linalg.eigvals(mean[np.ix_(kept, kept)])) if kept.any() else np.zeros(1)
    return float(max(own.max(), np.max(equation.decay, initial=0.0)) ** (1 / F.num_steps))


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
        rates.append(_rate(F, mean))
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
    _check_offset(offset, chance, spread, float(np.abs(point).max()))


def _check_offset(offset: float, chance: float, spread: float, far: float) -> None:
    if offset > _OFF[0] * spread and offset > _OFF[1] * chance + 1e-9 * (1 + far):
        raise ValueError(
            "params must be an equilibrium of the mean of the field over batches: the iterates "
            f"settle {offset:.3g} away from it, {offset / max(spread, 1e-300):.2g} times as far as "
            f"they spread and {offset / max(chance, 1e-300):.2g} standard errors. "
            "gf.find_equilibria finds one, of the mean field"
        )


def _check_smooth(F: NoisyMap, equation: Equation) -> None:
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
