"""The spectral radius of a method's step: of the parameters' motion, and of what it remembers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield._html import html_of
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_count, lookup
from ganfield.field import check_field
from ganfield.methods import Method, State, check_is_method
from ganfield.spectra._leading import Leading, Search, leading
from ganfield.spectra._local import (
    Local,
    across,
    check_finite,
    continuum,
    local_map,
    no_fixed_point,
)
from ganfield.spectra._programs import looking
from ganfield.spectra._update_map import MOMENTS, update_map
from ganfield.spectra._work import Progress, Work, begin, watched

_DENSE_LIMIT = 400
_MOST_VALUES = 6
_MOST_PRODUCTS = 2000
_SOLVED = 1e-12  # the largest residual of an eigenvalue, as a share of the map's norm
_BLURRED = 1e-3  # the largest error of the modulus, by its condition, likewise
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
        rate: by what the distance of the parameters to the fixed point is multiplied in one step,
            asymptotically: the largest modulus of their motion, momentum included and with second
            moments held, to the power of one over the steps that F takes. On a continuum of zeros
            it is that across it.
        eigenvalues: all of them, or, found without the matrix, up to six of largest modulus. Memory
            that stands still beside the point (hyper-parameters of ``optax.inject_hyperparams``,
            sums of AdaGrad) has an eigenvalue 1 that is in neither, nor in ``value``.
        residual: ‖F′u − λu‖ for the leading eigenvector of length 1; 0 where all were found.
        fixed_point_residual: ‖F(x) − x‖. The rate means something where this is 0.
        memory: whose the method had: "lent", that of the ``state`` that was given, such as a run's;
            "fresh", what it has after steps at the point; "none", for it remembers nothing.
        decay: by what that which is only remembered (second moments, the mean of
            `ganfield.averaged`) is multiplied in a step; 0 where nothing is.
        held: whether second moments that steer the parameters were held as ``state`` lent them. In
            a run without noise they fade by ``decay``, and its steps grow.
        dimension: of the continuum of zeros that the point lies on; 0 where it is isolated.
    """

    value: float
    rate: float
    eigenvalues: np.ndarray
    residual: float
    fixed_point_residual: float
    memory: str
    decay: float = 0.0
    held: bool = False
    dimension: int = 0

    def __repr__(self) -> str:
        parts = [f"{len(self.eigenvalues)} eigenvalues", _MEMORIES[self.memory]]
        if self.decay:
            parts.append(f"what is only remembered decays by {self.decay:.6g}")
        if self.held:
            parts.append("the rate is with second moments held")
        if self.dimension:
            parts.append(
                f"a continuum of dimension {self.dimension}, and the rate is that across it"
            )
        parts.append(f"‖F(x) − x‖ = {self.fixed_point_residual:.2g}")
        head = f"SpectralRadius: {self.value:.6g} (rate {self.rate:.6g}), {parts[0]}; "
        return head + "; ".join(parts[1:])

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
    asymptotically. What only remembers the motion, such as second moments, has a decay of its own,
    which is no rate: the result keeps the two apart.

    Small states get all eigenvalues of the dense matrix; large ones a Krylov–Schur method on
    products with F′, as in `ganfield.krylov_eigenvalues`. Each eigenvalue is checked by its
    residual, and an answer is given only where a second start finds nothing further out, and
    nothing that is not yet found may be there: where eigenvalues of nearly the largest modulus
    crowd there may be none.

    Args:
        method: how to move.
        field: along what.
        params: the point, a fixed point of the method.
        state: whose memory the method has there, such as that of a run: its second moments are
            held, and what follows the parameters (momentum, a previous gradient, an average) is as
            it is at rest there. If None, what the method has after ``num_steps`` steps at the
            point, and in the end: second moments as far as they fade, bias corrections past.
        batch: what the field sees.
        num_steps: as in `ganfield.update_map`.
        moments: as in `ganfield.update_map`.
        dense_limit: the longest state whose matrix is made.
        key: a typed key for the two starts; by default ``jax.random.key(0)``.
        progress: true says on stderr what a long computation takes before it begins, and shows a
            bar on a terminal and in a notebook; false is silent; ``progress(count, work)`` is
            called before anything is compiled, before the first product with F′ (the count is 0
            both times) and after each, with a `ganfield.spectra.Work`.

    Returns:
        A `SpectralRadius`, which says whose memory the method had.

    Raises:
        ValueError: an argument is not allowed, a step depends on a count and never repeats (a
            schedule), or not after ``num_steps``; it draws noise of its own; the field or the
            method's step has a kink or a jump at the point; F′ is not finite (with second moments
            that are 0, say: give the state of a run); without a state second moments fade until
            the step is unstable; or products with F′ do not tell the leading eigenvalues apart: a
            larger ``dense_limit`` does.

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
        kind = lookup(MOMENTS, moments, argument="moments")
        local = local_map(method, field, at, state, batch, num_steps)
        if kind:
            local = _frozen(local, method, field, batch)
        memory = (
            "none" if not jax.tree.leaves(local.state.memory) else "lent" if local.lent else "fresh"
        )
        return of_local(local, field, at, batch, dense_limit, key, progress, memory)


def _size(method: Method, params: Players, moments: str) -> int:
    """Return on how many numbers the map will act."""
    begun = jax.eval_shape(method.init, params)
    leaves = jax.tree.leaves(begun.params if moments == "frozen" else begun)
    return sum(leaf.size for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating))


def _work(size: int, dense_limit: int, seconds: float = float("nan"), beside: int = 0) -> Work:
    has_matrix = size <= max(dense_limit, 4)
    most = sum(
        _search(each).most_products + 2 * _MOST_VALUES + 1 for each in (size, beside) if each
    )
    return Work(size, size if has_matrix else most, seconds, has_matrix)


def _search(size: int) -> Search:
    """Return what is looked for: one eigenvalue that is sure, and others that come with it."""
    most = min(_MOST_PRODUCTS, 4 * size + 20)
    return Search(1, np.abs, _SOLVED, most_products=most, more=_MOST_VALUES - 1)


def _frozen(local: Local, method: Method, field: Field, batch: Any) -> Local:
    """Return the map of the parameters alone."""
    F = update_map(
        method,
        field,
        local.state,
        batch=batch,
        num_steps=local.num_steps,
        moments="frozen",
    )
    every = np.ones(F.point.size, bool)
    none = ~every
    return local._replace(
        F=F, look=looking(F), moves=every, remembered=none, decays=none, fades=False
    )


def of_local(
    local: Local,
    field: Field,
    params: Players,
    batch: Any,
    dense_limit: int,
    key: jax.Array,
    progress: Progress = False,
    memory: str = "none",
) -> SpectralRadius:
    F, look, size = local.F, local.look, local.F.point.size
    moved = jax.block_until_ready(look(F.point, jnp.ones_like(F.point)))[0]
    began = time.perf_counter()
    jax.block_until_ready(look(F.point, jnp.ones_like(F.point)))
    beside = int(local.decays.sum())
    work = _work(size, dense_limit, time.perf_counter() - began, beside)
    with watched(progress, work) as tick:
        if work.has_matrix:
            matrix, residual = matrix_of(local, tick), 0.0
            motion, own = (
                np.linalg.eigvals(matrix[np.ix_(which, which)]).astype(complex)
                for which in (local.moves, local.decays)
            )
        else:
            motion, own, residual = _by_products(local, key, tick)
    dimension = continuum(local, motion, field, params, batch)
    values = np.concatenate([motion, own])
    if not work.has_matrix:
        values = values[np.argsort(-np.abs(values), kind="stable")][:_MOST_VALUES]
    # Moduli by one function, so that the two are the same number where all moves.
    value, rate = (np.asarray(across(*each)).max() for each in ((values, 0), (motion, dimension)))
    root = 1 / local.num_steps
    if local.fades and not local.lent and rate >= 1:
        raise ValueError(no_fixed_point(rate**root))
    return SpectralRadius(
        float(value),
        float(rate**root),
        values,
        residual,
        float(jnp.linalg.norm(moved - F.point)),
        memory,
        float(np.abs(own).max(initial=0.0) ** root),
        local.fades and local.lent,
        dimension,
    )


def matrix_of(local: Local, tick: Callable[[int], None] = lambda count: None) -> np.ndarray:
    """Return F′, but for the columns of what stands still; a large one is made some at a time."""
    F, look, size = local.F, local.look, local.F.point.size
    goes = local.moves | local.decays
    if size <= _DENSE_LIMIT:
        matrix = np.zeros((size, size))
        for column in np.flatnonzero(goes):
            matrix[:, column] = look(F.point, jnp.eye(size)[column])[1]
    else:
        columns = jnp.eye(size, _COLUMNS)
        products = jax.vmap(F.jvp, in_axes=(None, 1), out_axes=1)
        some = compiled(products, F.point, columns, name="_columns")
        parts = []
        for first in range(0, size, _COLUMNS):
            parts.append(np.asarray(some(F.point, jnp.eye(size, _COLUMNS, -first))))
            tick(min(first + _COLUMNS, size))
        matrix = np.concatenate(parts, axis=1)[:, :size]
    for which in (local.moves, local.decays):
        check_finite(matrix[np.ix_(which, which)])
    return matrix


def _by_products(
    local: Local, key: jax.Array, tick: Callable[[int], None]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the eigenvalues of largest modulus of two parts, and the residual of the first."""
    count = itertools.count(1)

    def product(vector: np.ndarray) -> np.ndarray:
        answer = np.asarray(local.look(local.F.point, jnp.asarray(vector))[1])
        tick(next(count))
        return answer

    answers = []
    for which in (local.moves, local.decays):
        if not which.any():
            answers.append((np.zeros(0, complex), 0.0))
            continue

        def of_part(part: np.ndarray, which: np.ndarray = which) -> np.ndarray:
            vector = np.zeros(which.size)
            vector[which] = part
            return product(vector)[which]

        size = int(which.sum())
        check_finite(of_part(np.ones(size)))
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        answer = leading(of_part, size, _search(size), random)
        if not _is_sure(answer):
            raise ValueError(
                f"dense_limit must be {which.size} or more here: without the matrix the leading "
                "eigenvalues are not told apart"
            )
        answers.append((answer.values[answer.converged], float(answer.residuals[0])))
    (motion, residual), (own, _) = answers
    return motion, own, residual


def _is_sure(answer: Leading) -> bool:
    """Return whether the first eigenvalue is what it says, by its residual and its condition."""
    rounding = np.finfo(float).eps * answer.norm * len(answer.kept.row) ** 0.5
    error = answer.conditions[0] * max(float(answer.residuals[0]), rounding)
    return answer.complete and bool(answer.converged[0]) and error <= _BLURRED * answer.norm
