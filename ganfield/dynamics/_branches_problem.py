"""What is followed: fixed points of a field or of a method's step, with a knob among the unknowns.

Unknowns are scaled, y = (x, knob) / scale, so that steps along a branch have one length for all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._types import Field, Players
from ganfield.checks import check_not_empty
from ganfield.field import check_dense, check_field
from ganfield.methods import Method
from ganfield.spectra import (
    are_params,
    flat_dimension,
    is_smooth,
    local_map,
    matrix_of,
    settled,
    state_at,
    update_map,
)

Build = Callable[[Any], Any]
"""``build(value) -> field`` or ``build(value) -> (method, field)``, called with traced values."""

_TOGETHER = 64  # columns of a Jacobian that are made at once
_LEAST = 1e-300  # a multiplier that is 0 has no logarithm
_FLAT = 1e-6  # of the largest singular value: a direction that may be flat


class Problem(NamedTuple):
    """G(y) = 0, the equilibria of a field or the fixed points of a method's step.

    Attributes:
        look: ``look(y) -> (G, D)``, D the derivative of G by y, shape ``(n, n + 1)``.
        bend: ``bend(y, a, b, c) -> (B, C)``: the second derivative of G by x along a and b, and the
            third along a, b and c, in x that is not scaled.
        begin: the start, x scaled.
        scale: of y, shape ``(n + 1,)``.
        params: which of x are parameters.
        unravel: flat parameters → `Players`.
        is_map: whether G = F(x) − x, with F the step of a method.
        period: of F, in steps.
        dimension: of the continuum that every point lies on.
        shift: the eigenvalue that its directions get in D, which is none there.
    """

    look: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    bend: Callable[..., tuple[np.ndarray, np.ndarray]]
    begin: np.ndarray
    scale: np.ndarray
    params: np.ndarray
    unravel: Callable[[Any], Players]
    is_map: bool
    period: int
    dimension: int = 0
    shift: float = -1.0

    def jacobian(self, slopes: np.ndarray) -> np.ndarray:
        """Return the derivative of G by x, not scaled, of that by y."""
        return slopes[:, :-1] / self.scale[:-1]

    def eigenvalues(self, slopes: np.ndarray) -> np.ndarray:
        """Return those of the field's Jacobian or of F′, but for those along a continuum."""
        values = np.linalg.eigvals(self.jacobian(slopes)).astype(complex)
        values = values[np.argsort(np.abs(values - self.shift))[self.dimension :]]
        return values + 1 if self.is_map else values

    def exponents(self, values: np.ndarray) -> np.ndarray:
        """Return λ of a field's eigenvalues, log of a map's: stable where the real part is < 0."""
        if not self.is_map:
            return values
        return np.log(np.where(np.abs(values) < _LEAST, _LEAST, values))


def made(build: Build, value: Any) -> tuple[Method | None, Field]:
    """Return the method, or None, and the field that are made for a value of the knob."""
    both = build(value)
    if isinstance(both, tuple) and len(both) == 2 and isinstance(both[0], Method):
        return both
    if isinstance(both, tuple) or not callable(both):
        raise ValueError(
            f"build must return a field, or (method, field), got {type(both).__name__}: "
            "build(value) is called with the knob's value alone"
        )
    return None, both


def _step_of(build: Build, value: Any) -> tuple[Method, Field]:
    method, field = made(build, value)
    if method is None:
        raise ValueError("build must return (method, field) for every value, or for none")
    return method, field


def knob_of(build: Build) -> str:
    """Return what build calls its knob."""
    try:
        return next(iter(inspect.signature(build).parameters))
    except (TypeError, ValueError, StopIteration):
        return "knob"


def problem_of(build: Build, start: Players, value: float, batch: Any, width: float) -> Problem:
    """Return the problem near a start; its programs are compiled once for all values of the knob.

    Args:
        build: makes the field, or the method and the field.
        start: parameters, in float64.
        value: of the knob there.
        batch: what the field sees, in float64.
        width: of the knob's bounds.
    """
    flat, unravel = ravel_pytree(start)
    check_not_empty(start, argument="start")
    check_dense(start, copies=6)
    method, field = made(build, jnp.asarray(value, float))
    check_field(field, start, batch)
    _check_traced(build, value)
    if method is None:
        _check_smooth(field, start, batch)
        begin, params, period = np.asarray(flat), np.ones(flat.size, bool), 1

        def residual(x: jax.Array, value: jax.Array, batch: Any) -> jax.Array:
            return ravel_pytree(made(build, value)[1](unravel(x), batch))[0]

    else:
        local = local_map(method, field, start, None, batch, None)
        moves, period = np.flatnonzero(local.moves), local.num_steps
        params = are_params(local.F)[moves]
        begin = np.asarray(local.F.point)[moves]
        matrix_of(local)  # refuses a derivative that is not finite

        def residual(x: jax.Array, value: jax.Array, batch: Any) -> jax.Array:
            method, field = _step_of(build, value)
            # What does not move with the parameters, it has of steps at this very point.
            at = unravel(jax.lax.stop_gradient(x[params]))
            there = state_at(method, field, at, None, batch, period)
            F = update_map(method, field, there, batch=batch, num_steps=period)
            whole = settled(F, local.decay).at[moves].set(x)
            return F.apply(whole)[moves] - x

    size = 1 + np.abs(begin[params]).max()
    scale = np.append(np.full(begin.size, size * np.sqrt(begin.size)), width)
    return Problem(
        _looking(residual, begin, batch, scale),
        _bending(residual, begin, batch, scale),
        begin / scale[:-1],
        scale,
        params,
        unravel,
        method is not None,
        period,
    )


def _check_traced(build: Build, value: float) -> None:
    """Raise a ``ValueError`` unless build takes a value that is not known yet."""

    def traced(value: jax.Array) -> jax.Array:
        made(build, value)
        return value

    try:
        jax.eval_shape(traced, jnp.asarray(value, float))
    except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError) as error:
        raise ValueError(
            "build must take a traced value, since one program serves all values of the knob, and "
            "it asks for a number, as by if, float() or NumPy: jnp.where and jax.numpy do without"
        ) from error


def _check_smooth(field: Field, start: Players, batch: Any) -> None:
    flat, unravel = ravel_pytree(start)

    def matrix(x: jax.Array, batch: Any) -> jax.Array:
        return _slopes(lambda x: ravel_pytree(field(unravel(x), batch))[0], x)

    slopes = np.asarray(compiled(matrix, flat, batch, name="_matrix")(flat, batch))
    scale = float(np.linalg.norm(slopes, 2)) if np.isfinite(slopes).all() else np.inf
    if not is_smooth(field, start, batch, matrix=slopes, scale=scale):
        raise ValueError(
            "start must be a point where the field has one derivative, and it has a kink or a jump "
            "there: no branch goes through it that eigenvalues could be told of"
        )


def _slopes(function: Callable[[jax.Array], jax.Array], at: jax.Array) -> jax.Array:
    """Return the derivative of a function of a vector, some columns at a time."""
    every = jnp.eye(at.size, dtype=at.dtype)

    def column(tangent: jax.Array) -> jax.Array:
        return jax.jvp(function, (at,), (tangent,))[1]

    if at.size <= _TOGETHER:
        return jax.vmap(column, out_axes=1)(every)
    return jax.lax.map(column, every, batch_size=_TOGETHER).T


Residual = Callable[[jax.Array, jax.Array, Any], jax.Array]


def _looking(
    residual: Residual, begin: np.ndarray, batch: Any, scale: np.ndarray
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    def look(z: jax.Array, batch: Any) -> tuple[jax.Array, jax.Array]:
        def of(z: jax.Array) -> jax.Array:
            return residual(z[:-1], z[-1], batch)

        return of(z), _slopes(of, z)

    example = np.append(begin, 0.0)
    program = compiled(look, example, batch, name="_branch")

    def at(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slopes = program(y * scale, batch)
        return np.asarray(value), np.asarray(slopes) * scale

    return at


def _bending(
    residual: Residual, begin: np.ndarray, batch: Any, scale: np.ndarray
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Return second and third derivatives along directions, compiled when first asked for."""

    def bend(
        z: jax.Array, a: jax.Array, b: jax.Array, c: jax.Array, batch: Any
    ) -> tuple[jax.Array, jax.Array]:
        def along(function: Callable[..., jax.Array], way: jax.Array) -> Callable[..., jax.Array]:
            return lambda x: jax.jvp(function, (x,), (way,))[1]

        twice = along(along(lambda x: residual(x, z[-1], batch), a), b)
        return jax.jvp(twice, (z[:-1],), (c,))

    def at(y: np.ndarray, *ways: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not programs:
            example = np.append(begin, 0.0), begin, begin, begin, batch
            programs.append(compiled(bend, *example, name="_bend"))
        second, third = programs[0](y * scale, *ways, batch)
        return np.asarray(second), np.asarray(third)

    programs: list[Any] = []
    return at


def across(problem: Problem, y: np.ndarray) -> Problem:
    """Return the problem without the directions of the continuum that a solution lies on.

    Along them the derivative is 0. There the projector on them times ``shift`` is added to it, so
    that it can be inverted, and all other eigenvalues stay.
    """
    slopes = problem.look(y)[1]
    sizes = np.linalg.svd(slopes[:, :-1], compute_uv=False)
    if sizes[-1] > _FLAT * sizes[0]:
        return problem

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slopes = problem.look(np.append(x / problem.scale[:-1], y[-1]))
        return value, problem.jacobian(slopes)

    dimension = flat_dimension(at, y[:-1] * problem.scale[:-1])
    if not dimension:
        return problem
    shift = -1.0 if problem.is_map else -(np.linalg.norm(problem.jacobian(slopes), 2) or 1.0)

    def look(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slopes = problem.look(y)
        if not np.isfinite(slopes).all():
            return value, slopes
        flat = np.linalg.svd(problem.jacobian(slopes))[2][-dimension:]
        slopes = slopes.copy()
        slopes[:, :-1] += shift * flat.T @ flat * problem.scale[:-1]
        return value, slopes

    return problem._replace(look=look, dimension=dimension, shift=float(shift))
