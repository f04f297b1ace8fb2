"""Where a method settles around an equilibrium under minibatch noise, and how fast it does."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.methods import Method
from ganfield.stability._by_matrices import check_smooth, floor_by_matrices, rate_of_mean
from ganfield.stability._by_products import Floor, floor_by_products, run_alone
from ganfield.stability._equation import GROUPS, LARGEST, drawn, equation_of
from ganfield.stability._floor import FOLLOWS, NoiseFloor, memory_at
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._pairs import Pairs, follow
from ganfield.stability._settled import UnsettledError, check_bend, check_offset, settle

_FORGETS = 6.0  # times 1/(1 − rate): after so many steps a run has forgotten where it began
_NEAR = 2.3  # times that: its mean square is within a hundredth of where it goes
_LONGEST = 12000  # steps of a run before it is measured


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
            floor, start = _of_products(F, by_products), memory_at(F, by_products.squares)
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
            check_smooth(F, equation)
            raise
        floor = floor_by_matrices(F, equation, settled)
        if not num_runs:
            return floor
        start = memory_at(F, settled.squares)
        rate = rate_of_mean(F, settled.steps.slopes.mean(axis=0))
        burn_in, window = _times(rate, float(np.max(equation.decay, initial=0.0)))
        measured = follow(F, start, num_runs=num_runs, burn_in=burn_in, window=window, key=second)
        return floor._replace(measured=measured)


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
    follows = floor.follows > FOLLOWS
    mean_square = float(floor.players.sum())
    far = float(np.abs(np.asarray(F.point)[F.moving]).max())
    check_offset(*floor.offset, float(np.sqrt(mean_square)), far)
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
        F.unravel(memory_at(F, floor.squares)),
        floor.bend,
        floor.residual,
        None,
    )
