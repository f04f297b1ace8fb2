"""How fast a method converges at an equilibrium: what its update map predicts, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._html import html_of
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_count, check_positive
from ganfield.methods import Method, State, for_each_move
from ganfield.spectra._local import Local, local_map
from ganfield.spectra._period import correcting
from ganfield.spectra._roles import are_params
from ganfield.spectra._spectral_radius import matrix_of, of_local
from ganfield.spectra._update_map import lent

_DENSE_LIMIT = 400
_SHARE = 0.02  # of 1 − rate: what predicted and measured may differ by
_CHANGE = 1e-3  # and by so much of the distance, over all of the window
_SKEW = 4.0  # the condition of an eigenvalue that is nearly defective
_PARALLEL = 0.9  # the cosine of its eigenvector with that of the other
_FAR = 10.0  # times the distance: where a run has left
_NEARER = 1e-4  # times the distance: where one begins that leaves
_AGAIN = 1e-2  # times the distance: where the next begins if one does not move as F′ says
_LEFT = 1e4  # times the floor: the least distance with something to measure
_NEAR = 4.0  # such are nearer to each other than this, over the steps until the window ends


class ConvergenceRate(NamedTuple):
    """A rate of convergence of the parameters, ``state.params``, twice.

    Attributes:
        predicted: by the spectral radius of the update map of the parameters and of what steers
            them: `ganfield.spectra.SpectralRadius.rate`.
        measured: on a run from near the equilibrium; NaN where that is over within four steps.
        window: the first and the last step of the fit that measured it.
        expected: what F′ alone gives over that window from that start. It differs from
            ``predicted`` while other eigenvalues die out, where the distance swings, and by
            log k/k after k steps where the leading eigenvalue is defective.
        defective: whether the leading eigenvalue is, or is so nearly that one does not see the
            difference before the window ends; None of more than 400 numbers.
        tolerance: 2 % of abs(1 − predicted), and a thousandth of the distance over the window.
        agree: whether ``measured`` is within ``tolerance`` of ``expected``; None where nothing was
            measured.
        held: whether second moments were held as ``state`` lent them, in prediction and run.
        dimension: of the continuum of zeros that the point lies on; the rates are those across it.
        distance: at which the run began. Less than was asked for, it is where the step is linear:
            that of Fromage is so within 10⁻⁶, where the parameters are 0, and second moments that
            are 0 at the point have to stay small beside ε.
    """

    predicted: float
    measured: float
    window: tuple[int, int] = (0, 0)
    expected: float = float("nan")
    defective: bool | None = None
    tolerance: float = float("nan")
    agree: bool | None = None
    held: bool = False
    dimension: int = 0
    distance: float = float("nan")

    def __repr__(self) -> str:
        verdict = {None: "not measured", True: "they agree", False: "they DISAGREE"}[self.agree]
        parts = [f"predicted {self.predicted:.6g}, measured {self.measured:.6g}"]
        if self.agree is not None:
            first, last = self.window
            parts[0] += f" over steps {first} to {last} from {self.distance:.2g} away"
            verdict += f" within {self.tolerance:.2g} (F′ alone gives {self.expected:.6g} there)"
        parts.append(verdict)
        if self.defective:
            parts.append("the leading eigenvalue is defective: the measured rate lags by log k/k")
        if self.held:
            parts.append("second moments held")
        if self.dimension:
            parts.append(f"across a continuum of dimension {self.dimension}")
        return "ConvergenceRate: " + "; ".join(parts)

    def _repr_html_(self) -> str:
        return html_of(self)


def convergence_rate(
    method: Method,
    field: Field,
    params: Players,
    *,
    num_steps: int = 400,
    distance: float = 1e-4,
    state: State | None = None,
    batch: Any = None,
    key: jax.Array | None = None,
) -> ConvergenceRate:
    """Return the rate that the update map predicts at an equilibrium, and that of a run beside it.

    Both are rates of the points, ``state.params``. What a method only keeps beside them, such as
    the mean of `ganfield.averaged`, has a decay of its own, which is in neither; it is an
    eigenvalue in `ganfield.spectral_radius`, which is that of the whole state.

    The run starts at a random point at ``distance`` from the equilibrium, in float64, with the
    memory that the map was made at, as if it had been there for long. Its rate is
    the slope of a straight line through the logarithms of the distance, over the second half of the
    steps before rounding takes over, or the run is ten times as far as ``distance``. On a
    continuum of zeros, where nobody knows which of them the run comes to, the length of its steps
    stands for the distance.

    Args:
        method: how to move.
        field: along what.
        params: the equilibrium.
        num_steps: steps of the run.
        distance: from the equilibrium at the start, or a ten-thousandth of it where the run is
            predicted to leave; small, so that the run stays where the field is nearly linear, and
            not so small that rounding ends the run early. A run that does not move as F′ says is
            begun again at a hundredth of it, and the result says where one did.
        state: lends its memory, as in `spectral_radius`, to the prediction and to the run. Adam and
            RMSProp need it; their second moments are held in both, for in a run without noise they
            fade, and its steps grow until it leaves. So is the correction of a bias.
        batch: what the field sees at every step.
        key: a typed key for the direction; by default ``jax.random.key(0)``.

    Returns:
        A `ConvergenceRate`, which says whether the two agree.

    Raises:
        ValueError: as `spectral_radius`, or the method's step leads away from the point itself.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> rate = gf.convergence_rate(gf.simultaneous(optax.sgd(0.1)), v, gf.Players(0.0, 0.0))
        >>> round(rate.predicted, 4), round(rate.measured, 4), rate.agree
        (0.922, 0.922, True)
    """
    num_steps = check_count(num_steps, argument="num_steps", minimum=8)
    check_positive(distance, argument="distance")
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        at, batch = double(params, integers=True), double(batch)
        local = local_map(method, field, at, state, batch, None)
        radius = of_local(local, field, at, batch, _DENSE_LIMIT, jax.random.key(0))
        origin, unravel = ravel_pytree(at)
        begin, floor = _range(local, float(jnp.abs(origin).max()), distance, radius.rate)
        away = jax.random.normal(key, origin.shape, origin.dtype)
        away /= jnp.linalg.norm(away)
        start = lent(method, local.state, unravel(origin + begin * away))
        by_steps = radius.dimension > 0
        step = _steps(method, field, for_each_move(method, batch), local, start)
        program = compiled(_gaps(step, origin, by_steps, num_steps), start, name="_gaps")

        def run(begin: float) -> ConvergenceRate:
            start = lent(method, local.state, unravel(origin + begin * away))
            gaps = np.asarray(program(start))
            first, last = _window(gaps, floor, _FAR * distance)
            # Whole periods, for within one a distance may go to and fro.
            steps = np.arange(local.num_steps - 1, last, local.num_steps)
            inside = (steps >= first) & (last >= 4)
            measured = _slope(steps[inside], gaps[steps[inside]])
            expected = _slope(steps[inside], _linear_gaps(local, start, by_steps, last)[inside])
            tolerance = _SHARE * abs(1 - radius.rate) + _CHANGE / max(last - first, 1)
            known = not np.isnan(measured + expected)
            return ConvergenceRate(
                radius.rate,
                measured,
                (first + 1, last),
                expected,
                _is_defective(local, radius.dimension, last),
                tolerance,
                bool(abs(measured - expected) <= tolerance) if known else None,
                radius.held,
                radius.dimension,
                begin,
            )

        nearer = result = run(begin)
        while nearer.agree is False and _AGAIN * nearer.distance >= _LEFT * floor:
            nearer = run(_AGAIN * nearer.distance)
    return result if nearer.agree is False else nearer


def _range(local: Local, farthest: float, distance: float, predicted: float) -> tuple[float, float]:
    """Return how far a run begins, and below what it is not looked at; or refuse the point."""
    params = are_params(local.F)
    moved = np.asarray(local.look(local.F.point, local.F.point)[0] - local.F.point)[params]
    away = float(np.linalg.norm(moved))
    if not away <= 1e-2 * distance:
        raise ValueError(
            "params must be a fixed point of the method, and there its step leads away by "
            f"{away:.2g}, with a run that starts at a distance of {distance:.2g}: is the field 0 "
            "at the point, and does the optimizer move (as by weight decay) where the field is 0?"
        )
    floor = max(1e-12 * (1 + farthest), 1e3 * away if away > 1e-15 * (1 + farthest) else 0.0)
    return (
        max(_NEARER * distance, min(10 * floor, distance)) if predicted > 1 else distance
    ), floor


Step = Callable[[State, jax.Array], State]


def _steps(method: Method, field: Field, batches: Any, local: Local, start: State) -> Step:
    """Return ``step(state, count) -> State``, which holds second moments if they were lent.

    After a period of the method it puts them and bias corrections back as they began. What stands
    still by itself, such as the sums of AdaGrad, goes on as it does.
    """

    def step(state: State, count: jax.Array) -> State:
        return method.step(field, state, batches)[0]

    if not local.lent:
        return step
    leaves, structure = jax.tree.flatten(start)
    held, flags, first = local.remembered & local.decays, [], 0
    for leaf, corrects in zip(leaves, correcting(start), strict=True):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            flags.append(jnp.asarray(held[first : first + leaf.size].reshape(leaf.shape)))
            first += leaf.size
        else:
            flags.append(jnp.full(leaf.shape, corrects))

    def holding(state: State, count: jax.Array) -> State:
        now, is_due = jax.tree.leaves(step(state, count)), (count + 1) % local.num_steps == 0
        kept = [
            jnp.where(flag & is_due, old, new)
            for flag, old, new in zip(flags, leaves, now, strict=True)
        ]
        return jax.tree.unflatten(structure, kept)

    return holding


def _gaps(
    step: Step, origin: jax.Array, by_steps: bool, num_steps: int
) -> Callable[[State], jax.Array]:
    """Return ``gaps(state)``: how far a run is from the point, or moves, after every step."""

    def gaps(state: State) -> jax.Array:
        def body(carry: State, count: jax.Array) -> tuple[State, jax.Array]:
            after = step(carry, count)
            there = ravel_pytree(after.params)[0]
            since = ravel_pytree(carry.params)[0] if by_steps else origin
            return after, jnp.linalg.norm(there - since)

        return jax.lax.scan(body, state, jnp.arange(num_steps))[1]

    return gaps


def _linear_gaps(local: Local, start: State, by_steps: bool, last: int) -> np.ndarray:
    """Return what F′ alone makes of the distance, after every period until a step."""
    floats = [x for x in jax.tree.leaves(start) if jnp.issubdtype(x.dtype, jnp.floating)]
    point, params = np.asarray(local.F.point), are_params(local.F)
    off = np.where(local.moves, np.asarray(ravel_pytree(floats)[0]) - point, 0)
    matrix = matrix_of(local) if off.size <= _DENSE_LIMIT else None
    gaps = []
    for _ in range(last // local.num_steps):
        ahead = (
            np.asarray(local.look(local.F.point, jnp.asarray(off))[1])
            if matrix is None
            else matrix @ off
        )
        ahead = np.where(local.moves, ahead, 0)
        gaps.append(np.linalg.norm((ahead - off if by_steps else ahead)[params]))
        off = ahead
    return np.array(gaps)


def _is_defective(local: Local, dimension: int, last: int) -> bool | None:
    """Return whether the eigenvalue of largest modulus, next to it another, is nearly defective."""
    if local.F.point.size > _DENSE_LIMIT:
        return None
    with jax.enable_x64(True):
        matrix = matrix_of(local)[np.ix_(local.moves, local.moves)]
    # Units do not matter: momentum is to be as large as what it moves.
    balanced = scipy.linalg.matrix_balance(matrix, permute=False)[0]
    values, covectors, vectors = scipy.linalg.eig(balanced, left=True, right=True)
    along = np.argsort(np.abs(values - 1))[:dimension]
    moduli = np.abs(values)
    moduli[along] = -1
    lead = int(np.argmax(moduli))
    if moduli[lead] <= 0 or len(values) < 2:
        return False
    cosine = abs(np.vdot(covectors[:, lead], vectors[:, lead]))
    near = np.abs(values - values[lead]) * last < _NEAR * moduli[lead] * local.num_steps
    parallel = np.abs(vectors[:, lead].conj() @ vectors) > _PARALLEL
    return bool(cosine * _SKEW < 1 and (near & parallel).sum() > 1)


def _window(gaps: np.ndarray, floor: float, ceiling: float) -> tuple[int, int]:
    """Return the steps, counted from 0, over which a run is measured, the last one excluded."""
    usable = (gaps > floor) & (gaps < ceiling)
    last = len(gaps) if usable.all() else int(np.argmin(usable))
    return last // 2, last


def _slope(steps: np.ndarray, gaps: np.ndarray) -> float:
    """Return the factor per step, by least squares on the logarithms; NaN of fewer than two."""
    if len(steps) < 2 or not (gaps > 0).all():
        return float("nan")
    return float(np.exp(np.polyfit(steps, np.log(gaps), 1)[0]))
