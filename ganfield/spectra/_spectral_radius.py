"""How fast a method converges at an equilibrium: what its update map predicts, and what it does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._html import html_of
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_count, check_positive
from ganfield.field import check_field
from ganfield.methods import Method, State, check_is_method, for_each_move
from ganfield.spectra._arnoldi import leading, most_products
from ganfield.spectra._motion import motion, without_decay
from ganfield.spectra._programs import Look, jacobian_of, looking
from ganfield.spectra._standing_memory import standing
from ganfield.spectra._update_map import UpdateMap, lent, state_at, steps_of, update_map
from ganfield.spectra._work import Progress, Work, begin, watched

_DENSE_LIMIT = 400
_COLUMNS = 128  # of a large matrix, made together
_MEMORIES = {
    "lent": "memory lent by state",
    "fresh": "fresh memory, of steps at the point",
    "none": "no memory",
}


class SpectralRadius(NamedTuple):
    """The spectral radius of an update map.

    Attributes:
        value: the largest modulus of the eigenvalues of F′.
        rate: by what the distance to the fixed point is multiplied in one step, asymptotically:
            ``value`` to the power of one over the steps that F takes.
        eigenvalues: all of them, or, found without the matrix, up to six of largest modulus. Memory
            that stands still beside the point (hyper-parameters of ``optax.inject_hyperparams``,
            sums of AdaGrad) has an eigenvalue 1 that is in neither, nor in ``value``.
        residual: ‖F′u − λu‖ for the leading eigenvector of length 1; 0 where all were found.
        fixed_point_residual: ‖F(x) − x‖. The rate means something where this is 0.
        memory: whose the method had: "lent", that of the ``state`` that was given, such as a run's;
            "fresh", what it has after steps at the point; "none", for it remembers nothing.
    """

    value: float
    rate: float
    eigenvalues: np.ndarray
    residual: float
    fixed_point_residual: float
    memory: str

    def __repr__(self) -> str:
        count = len(self.eigenvalues)
        return (
            f"SpectralRadius: {self.value:.6g} (rate {self.rate:.6g}), {count} eigenvalues; "
            f"{_MEMORIES[self.memory]}; ‖F(x) − x‖ = {self.fixed_point_residual:.2g}"
        )

    def _repr_html_(self) -> str:
        return html_of(self)


class ConvergenceRate(NamedTuple):
    """A rate of convergence of the parameters, ``state.params``, twice.

    Attributes:
        predicted: by the spectral radius of the update map of the parameters and of what steers
            them.
        measured: on a run from near the equilibrium; NaN where that is over within four steps.
    """

    predicted: float
    measured: float

    def _repr_html_(self) -> str:
        return html_of(self)


def spectral_radius(
    method: Method,
    field: Field,
    params: Players,
    *,
    state: State | None = None,
    batch: Any = None,
    num_steps: int | None = None,
    moments: str = "moving",
    dense_limit: int = _DENSE_LIMIT,
    key: jax.Array | None = None,
    progress: Progress = True,
) -> SpectralRadius:
    """Return the largest modulus of the eigenvalues of a method's update map, in float64.

    Below 1 the method converges locally to the point, and each step multiplies the distance by it,
    asymptotically. Small states get all eigenvalues of the dense matrix; large ones Arnoldi's
    method on products with F′, up to 600 from each of two starts. Each eigenvalue is checked by its
    residual, and an answer is given only where both starts agree and nothing that is not yet found
    may lie further out: where eigenvalues of nearly the largest modulus crowd there may be none.

    Args:
        method: how to move.
        field: along what.
        params: the point, a fixed point of the method.
        state: whose memory the method has there, such as that of a run; if None, what it has after
            ``num_steps`` steps at the point.
        batch: what the field sees.
        num_steps: as in `ganfield.update_map`.
        moments: as in `ganfield.update_map`.
        dense_limit: the longest state whose matrix is made.
        key: a typed key for the two starts of Arnoldi's method; by default
            ``jax.random.key(0)``.
        progress: true says on stderr what a long computation takes before it begins, and shows a
            bar on a terminal and in a notebook; false is silent; ``progress(count, work)`` is
            called before anything is compiled, before the first product with F′ (the count is 0
            both times) and after each, with a `ganfield.spectra.Work`.

    Returns:
        A `SpectralRadius`, which says whose memory the method had.

    Raises:
        ValueError: an argument is not allowed, a step depends on a count and never repeats (a
            schedule), or not after ``num_steps``; it jumps at the point; F′ is not finite (with
            second moments that are 0, say: give the state of a run), or products with it do not
            tell the leading eigenvalues apart: a larger ``dense_limit`` does.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, Proposition 3.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> radius = gf.spectral_radius(gf.simultaneous(optax.sgd(0.5)), v, gf.Players(0.0, 0.0))
        >>> round(radius.value**2, 6)                       # 1 + h²
        1.25
    """
    dense_limit = check_count(dense_limit, argument="dense_limit", minimum=0)
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        at, batch = double(params, integers=True), double(batch)
        check_is_method(method)
        check_field(field, at, batch)
        begin(progress, _work(_size(method, at, moments), dense_limit))
        num_steps = steps_of(method, field, at, state, batch, num_steps)
        there = state_at(method, field, at, state, batch, num_steps)
        F = update_map(method, field, there, batch=batch, num_steps=num_steps, moments=moments)
        memory = (
            "none" if not jax.tree.leaves(there.memory) else "fresh" if state is None else "lent"
        )
        return _of_map(F, num_steps, dense_limit, key, progress, memory)


def _size(method: Method, params: Players, moments: str) -> int:
    """Return on how many numbers the map will act."""
    begun = jax.eval_shape(method.init, params)
    leaves = jax.tree.leaves(begun.params if moments == "frozen" else begun)
    return sum(leaf.size for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating))


def _work(size: int, dense_limit: int, seconds: float = float("nan")) -> Work:
    has_matrix = size <= max(dense_limit, 4)
    return Work(size, size if has_matrix else most_products(size) + 3, seconds, has_matrix)


def _of_map(
    F: UpdateMap,
    num_steps: int,
    dense_limit: int,
    key: jax.Array,
    progress: Progress = False,
    memory: str = "none",
) -> SpectralRadius:
    size = F.point.size
    with jax.enable_x64(True):
        look, ones = looking(F), jnp.ones_like(F.point)
        moved = jax.block_until_ready(look(F.point, ones))[0]
        began = time.perf_counter()
        jax.block_until_ready(look(F.point, ones))
        work = _work(size, dense_limit, time.perf_counter() - began)
        with watched(progress, work) as tick:
            if work.has_matrix:
                values, residual = _by_matrix(F, tick), 0.0
            else:
                values, residual = _by_products(F, look, key, tick)
        away = float(jnp.linalg.norm(moved - F.point))
    value = float(np.abs(values).max())
    return SpectralRadius(value, value ** (1 / num_steps), values, residual, away, memory)


def _by_matrix(F: UpdateMap, tick: Callable[[int], None]) -> np.ndarray:
    """Return all eigenvalues; a large matrix is made some columns at a time."""
    size = F.point.size
    if size <= _DENSE_LIMIT:
        matrix = np.asarray(jacobian_of(F)(F.point))
    else:
        some = jax.jit(jax.vmap(F.jvp, in_axes=(None, 1), out_axes=1))
        parts = []
        for first in range(0, size, _COLUMNS):
            parts.append(np.asarray(some(F.point, jnp.eye(size, _COLUMNS, -first))))
            tick(min(first + _COLUMNS, size))
        matrix = np.concatenate(parts, axis=1)[:, :size]
    _check_finite(matrix)
    moving = ~np.asarray(standing(F, matrix))
    return np.linalg.eigvals(matrix[np.ix_(moving, moving)]).astype(complex)


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

    The run starts at a random point at ``distance`` from the equilibrium, in float64. Its rate is
    the slope of a straight line through the logarithms of the distance, over the second half of the
    steps before rounding takes over, or the run is a thousand times as far as it was.

    Args:
        method: how to move.
        field: along what.
        params: the equilibrium.
        num_steps: steps of the run.
        distance: from the equilibrium at the start; small, so that the run stays where the field is
            nearly linear, and not so small that rounding ends the run early.
        state: lends its memory, as in `spectral_radius`, to the prediction and to the run. Adam and
            RMSProp need it; their second moments fade as the run converges, so that its rate is
            the predicted one for a while only.
        batch: what the field sees at every step.
        key: a typed key for the direction; by default ``jax.random.key(0)``.

    Returns:
        A `ConvergenceRate`.

    Raises:
        ValueError: an argument is not allowed, or the update map has no derivative there.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> rate = gf.convergence_rate(gf.simultaneous(optax.sgd(0.1)), v, gf.Players(0.0, 0.0))
        >>> round(rate.predicted, 4), round(rate.measured, 4)
        (0.922, 0.922)
    """
    num_steps = check_count(num_steps, argument="num_steps", minimum=8)
    check_positive(distance, argument="distance")
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        at, batch = double(params, integers=True), double(batch)
        steps = steps_of(method, field, at, state, batch, None)
        there = state_at(method, field, at, state, batch, steps)
        F = update_map(method, field, there, batch=batch, num_steps=steps)
        F = motion(F, method, field, there, batch)
        F = without_decay(F) if F.point.size <= _DENSE_LIMIT else F
        predicted = _of_map(F, steps, _DENSE_LIMIT, jax.random.key(0))
        origin, unravel = ravel_pytree(at)
        batches = for_each_move(method, batch)
        away = jax.random.normal(key, origin.shape, origin.dtype)
        place = unravel(origin + distance * away / jnp.linalg.norm(away))
        start = method.init(place) if state is None else lent(method, state, place)

        @jax.jit
        def gaps(state: State) -> jax.Array:
            def body(carry: State, _: None) -> tuple[State, jax.Array]:
                after = method.step(field, carry, batches)[0]
                return after, jnp.linalg.norm(ravel_pytree(after.params)[0] - origin)

            return jax.lax.scan(body, state, None, length=num_steps)[1]

        distances = np.asarray(gaps(start))
        floor = 1e-12 * (1 + float(jnp.abs(origin).max()))
    return ConvergenceRate(predicted.rate, _slope(distances, floor, 1e3 * distance))


def _by_products(
    F: UpdateMap, look: Look, key: jax.Array, tick: Callable[[int], None]
) -> tuple[np.ndarray, float]:
    """Return the eigenvalues of largest modulus, and the residual of the first."""
    count = itertools.count(1)

    def product(vector: np.ndarray) -> np.ndarray:
        answer = np.asarray(look(F.point, jnp.asarray(vector))[1])
        tick(next(count))
        return answer

    size = F.point.size
    _check_finite(product(np.ones(size)))
    probes = np.asarray(jax.random.normal(key, (2, size)))
    still = standing(F, (np.stack([product(probe) for probe in probes], axis=1), probes.T))
    moving = ~np.asarray(still)

    def of_moving(vector: np.ndarray) -> np.ndarray:
        return product(np.where(moving, 1, 0) * vector) * moving

    answer = leading(of_moving if not moving.all() else product, size, key)
    if answer is None:
        raise ValueError(
            f"dense_limit must be {size} or more here: without the matrix, Arnoldi's method does "
            "not tell the leading eigenvalues apart"
        )
    return answer.values, answer.residual


def _check_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise ValueError(
            "params must be a point where the update map has a derivative, and it is not finite "
            "there. Adam has none where its second moments are 0, nor RMSProp with ε outside the "
            "root: give the state of a run, whose moments are not"
        )


def _slope(gaps: np.ndarray, floor: float, ceiling: float) -> float:
    """Return the factor per step, by least squares on the logarithms."""
    usable = (gaps > floor) & (gaps < ceiling)
    last = len(gaps) if usable.all() else int(np.argmin(usable))
    if last < 4:
        return float("nan")
    steps = np.arange(last // 2, last)
    return float(np.exp(np.polyfit(steps, np.log(gaps[steps]), 1)[0]))
