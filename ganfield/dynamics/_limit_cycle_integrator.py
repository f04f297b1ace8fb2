"""A flow integrated to rounding, with what it makes of small distances, in compiled programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._types import Field

Velocity = Callable[[jax.Array], jax.Array]

STEPS = 128  # of one call of `Flow.march`
_EXACT, _ROUGH = 1e-13, 1e-10  # relative tolerances, of what is closed and of what is searched
_MOST_TRIES = 100_000
_ORDER = 8


class Flow(NamedTuple):
    """The flow of a field, of flat parameters in float64, on the host.

    Attributes:
        velocity: ``velocity(x) -> v(x)``.
        end: ``end(x, time)``, where the flow leads in a time; NaN where it does not get there.
        monodromy: ``monodromy(x, time) -> (end, its derivative in x)``.
        march: ``march(x, step) -> (times, places, velocities, step)``, of many steps as long as may
            be, the first as long as is said, or not known (0).
    """

    velocity: Callable[[np.ndarray], np.ndarray]
    end: Callable[[np.ndarray, float], np.ndarray]
    monodromy: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]
    march: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray, float]]


def flows_of(field: Field, like: jax.Array, unravel: Any, batch: Any) -> tuple[Flow, Flow]:
    """Return the flow of a field, and the same backwards in time, of the same programs.

    Args:
        field: v.
        like: flat parameters, in float64.
        unravel: of those.
        batch: what the field sees.
    """
    size = like.size

    @jax.jit  # so that it is traced once for all programs
    def velocity(x: jax.Array, sign: jax.Array, batch: Any) -> jax.Array:
        return sign * ravel_pytree(field(unravel(x), batch))[0]

    def end(x: jax.Array, time: jax.Array, *given: Any) -> jax.Array:
        return _integrated(lambda y: velocity(y, *given), x, time)

    def monodromy(x: jax.Array, time: jax.Array, *given: Any) -> tuple[jax.Array, jax.Array]:
        def both(y: jax.Array) -> jax.Array:
            value, push = jax.linearize(lambda at: velocity(at, *given), y[:size])
            change = jax.vmap(push, in_axes=1, out_axes=1)(y[size:].reshape(size, size))
            return jnp.concatenate([value, change.ravel()])

        begin = jnp.concatenate([x, jnp.eye(size, dtype=x.dtype).ravel()])
        after = _integrated(both, begin, time)
        return after[:size], after[size:].reshape(size, size)

    def march(x: jax.Array, step: jax.Array, *given: Any) -> Any:
        return _marched(lambda y: velocity(y, *given), x, step)

    number = jnp.ones((), like.dtype)
    programs = [compiled(velocity, like, number, batch, name="_velocity")]
    for function in (end, monodromy, march):
        name = f"_{function.__name__}"
        programs.append(compiled(function, like, number, number, batch, name=name))

    def on_host(program: Callable[..., Any], sign: int) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            arrays = (np.asarray(each, like.dtype) for each in (*given, sign))
            return jax.tree.map(np.asarray, program(*arrays, batch))

        return call

    forwards, backwards = (Flow(*(on_host(each, sign) for each in programs)) for sign in (1, -1))
    return forwards, backwards


def _attempt(
    velocity: Velocity, x: jax.Array, slope: jax.Array, step: jax.Array, exact: float
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return where a step leads, the velocity there, and its error in units of what is allowed.

    The method is that of Dormand and Prince, of order 8, with Hairer's estimate of the error from
    two of lower orders; the numbers are SciPy's.
    """
    from scipy.integrate import DOP853

    rows, weights = jnp.asarray(DOP853.A, x.dtype), jnp.asarray(DOP853.B, x.dtype)
    count = len(weights)

    def stage(index: jax.Array, slopes: jax.Array) -> jax.Array:
        return slopes.at[index].set(velocity(x + step * (rows[index] @ slopes[:count])))

    slopes = jnp.zeros((count + 1, x.size), x.dtype).at[0].set(slope)
    slopes = jax.lax.fori_loop(1, count, stage, slopes)
    after = x + step * (weights @ slopes[:count])
    slopes = slopes.at[count].set(velocity(after))
    allowed = exact * (1 + jnp.maximum(jnp.abs(x), jnp.abs(after)))
    fifth, third = (
        jnp.sum(((jnp.asarray(each, x.dtype) @ slopes) / allowed) ** 2)
        for each in (DOP853.E5, DOP853.E3)
    )
    both = fifth + 0.01 * third
    error = jnp.abs(step) * fifth / jnp.sqrt(jnp.where(both > 0, both, 1) * x.size)
    return after, slopes[count], error


def _next(step: jax.Array, error: jax.Array) -> jax.Array:
    """Return how long the step after one with such an error is to be."""
    factor = 0.9 * jnp.maximum(error, 1e-30) ** (-1 / _ORDER)
    return step * jnp.where(jnp.isfinite(error), jnp.clip(factor, 0.2, 10.0), 0.2)


def _first(x: jax.Array, slope: jax.Array) -> jax.Array:
    return 1e-3 * (1 + jnp.abs(x).max()) / (jnp.abs(slope).max() + 1e-30)


def _integrated(velocity: Velocity, x: jax.Array, time: jax.Array) -> jax.Array:
    """Return the end of a motion; NaN where it takes too many steps."""
    slope = velocity(x)

    def goes_on(carry: Any) -> jax.Array:
        _, _, _, left, tries = carry
        return (left > 0) & (tries < _MOST_TRIES)

    def body(carry: Any) -> Any:
        x, slope, step, left, tries = carry
        tried = jnp.minimum(step, left)
        after, ahead, error = _attempt(velocity, x, slope, tried, _EXACT)
        is_right = error <= 1
        return (
            jnp.where(is_right, after, x),
            jnp.where(is_right, ahead, slope),
            _next(tried, error),
            jnp.where(is_right, left - tried, left),
            tries + 1,
        )

    begin = (x, slope, _first(x, slope), time, jnp.zeros((), jnp.int32))
    end, _, _, left, _ = jax.lax.while_loop(goes_on, body, begin)
    return jnp.where(left > 0, jnp.nan, end)


def _marched(velocity: Velocity, x: jax.Array, step: jax.Array) -> Any:
    """Return times, places and velocities after steps, and how long the next would be."""

    def one(carry: Any, _: None) -> tuple[Any, Any]:
        x, slope, step, since = carry
        tries = jnp.zeros((), jnp.int32)

        def fails(tried: Any) -> jax.Array:
            return ~(tried[3] <= 1) & (tried[5] < 60)

        def again(tried: Any) -> Any:
            long = tried[4]
            after, ahead, error = _attempt(velocity, x, slope, long, _ROUGH)
            return after, ahead, long, error, _next(long, error), tried[5] + 1

        none = (x, slope, step, jnp.full((), jnp.inf, x.dtype), step, tries)
        after, ahead, long, error, step, tries = jax.lax.while_loop(fails, again, none)
        after = jnp.where(error <= 1, after, jnp.nan)
        return (after, ahead, step, since + long), (since + long, after, ahead)

    slope = velocity(x)
    first = jnp.where(step > 0, step, _first(x, slope))
    begin = (x, slope, first, jnp.zeros((), x.dtype))
    (_, _, after, _), along = jax.lax.scan(one, begin, None, length=STEPS)
    return *along, after
