"""Cycles and invariant circles of a method's update map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.dynamics._limit_cycle_family import family, family_dimension
from ganfield.dynamics._limit_cycle_product import log_eigenvalues
from ganfield.dynamics._limit_cycle_result import LimitCycle, result
from ganfield.dynamics._limit_cycle_rotation import birkhoff, turning
from ganfield.methods import Method, State, for_each_move
from ganfield.spectra import (
    at_their_limit,
    back_to_zero,
    steering,
    update_map,
)
from ganfield.spectra import (
    period as period_of,
)

_CHUNK = 4096  # steps of one program
_MOST_CHUNKS = 64
_MOST_NUMBERS = 2**24  # that are kept of a run
_MOST_PERIOD = 256  # of a cycle that is looked for
_SETTLED = 1e-5  # of its extent: how near a point comes to where it was a period ago
_RESTS = 1e-13  # of its size: by how much less a state moves that is at rest
_FAR = 1e8
_CLOSED = 1e-10
_SUSPECT = 1e-3  # a log-multiplier near which a family is looked for
_EVEN = 1e-8  # a Lyapunov exponent that is as good as 0
_STILL = 1e-7  # turns a step: what does not turn
_AGREE = 1e-9  # turns a step: what two halves of a run may differ by


class Walk(NamedTuple):
    """A method's steps as a map of the numbers of its state that steer it, on the host.

    Attributes:
        start: where, shape ``(n,)``.
        step: ``step(x) -> (F(x), F′(x))``.
        run: ``run(x) -> points``, those after each of many F.
        stretch: ``stretch(x, count) -> logs``, of each of at least so many F the logarithms of what
            it stretches directions by that are carried along.
        params: ``params(x) -> flat parameters``, of many points at once.
        steps: ``steps(x) -> points``, the parameters at x and after each single step of F but the
            last.
        num_steps: that F takes.
    """

    start: np.ndarray
    step: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    run: Callable[[np.ndarray], np.ndarray]
    stretch: Callable[[np.ndarray, int], np.ndarray]
    params: Callable[[np.ndarray], np.ndarray]
    steps: Callable[[np.ndarray], np.ndarray]
    num_steps: int


def of_map(
    method: Method, field: Field, start: Players, batch: Any, period: int | None, num_points: int
) -> LimitCycle:
    """Return a cycle or an invariant circle of a method; see `ganfield.limit_cycle`."""
    walk = _walk(method, field, start, batch)
    unravel = ravel_pytree(start)[1]
    if period is None:
        return _settled(walk, unravel, num_points)
    if period % walk.num_steps:
        raise ValueError(
            f"period must be a multiple of the {walk.num_steps} steps after which the method does "
            f"the same again, got {period}"
        )
    cycle = _cycle(walk, unravel, walk.start, period // walk.num_steps)
    if cycle is None:
        raise ValueError(
            f"period must be that of a cycle near start, got {period}, from which Newton's method "
            "leads to none"
        )
    return cycle


def _walk(method: Method, field: Field, start: Players, batch: Any) -> Walk:
    """Return a method's steps from a start, past those that are its first."""
    batches = for_each_move(method, batch)

    def one(state: State) -> State:
        return method.step(field, state, batches)[0]

    def first(state: State) -> State:
        return jax.lax.fori_loop(0, method.cycle, lambda _, each: one(each), state)

    state = strong(method.init(start))
    state = at_their_limit(compiled(first, state, name="_first")(state), averages=True)
    num_steps = period_of(method, field, state, batch)
    F = update_map(method, field, state, batch=batch, num_steps=num_steps)
    steers = np.flatnonzero(steering(method, field, state, batch))
    whole, chunk = F.point, max(64, min(_CHUNK, _MOST_NUMBERS // max(steers.size, 1) // 4))

    def filled(x: jax.Array) -> jax.Array:
        return whole.at[steers].set(x)

    def apply(x: jax.Array) -> jax.Array:
        return F.apply(filled(x))[steers]

    def step(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        value, push = jax.linearize(apply, x)
        return value, jax.vmap(push, out_axes=1)(jnp.eye(x.size, dtype=x.dtype))

    def run(x: jax.Array) -> jax.Array:
        def move(x: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            after = apply(x)
            return after, after

        return jax.lax.scan(move, x, None, length=chunk)[1]

    def stretch(x: jax.Array, basis: jax.Array) -> tuple[Any, jax.Array]:
        def move(carry: Any, _: None) -> tuple[Any, jax.Array]:
            x, basis = carry
            after, slope = step(x)
            basis, triangle = jnp.linalg.qr(slope @ basis)
            return (after, basis), jnp.log(jnp.abs(jnp.diag(triangle)))

        return jax.lax.scan(move, (x, basis), None, length=chunk)

    def params(x: jax.Array) -> jax.Array:
        return ravel_pytree(F.unravel(filled(x)).params)[0]

    def steps(x: jax.Array) -> jax.Array:
        def move(state: State, _: None) -> tuple[State, jax.Array]:
            return one(state), ravel_pytree(state.params)[0]

        return jax.lax.scan(move, strong(F.unravel(filled(x))), None, length=num_steps)[1]

    like, basis = whole[steers], jnp.eye(steers.size, dtype=whole.dtype)

    def stretches(x: np.ndarray, count: int) -> np.ndarray:
        carry = (jnp.asarray(x), basis)
        logs: list[np.ndarray] = []
        program = compiled(stretch, *carry, name="_stretch")
        while len(logs) * chunk < count:
            carry, more = program(*carry)
            logs.append(np.asarray(more))
        return np.concatenate(logs)

    def on_host(function: Callable[..., Any], name: str) -> Callable[[np.ndarray], Any]:
        program = compiled(function, like, name=name)
        return lambda x: jax.tree.map(np.asarray, program(jnp.asarray(x)))

    return Walk(
        np.asarray(like),
        on_host(step, "_step"),
        on_host(run, "_run"),
        stretches,
        lambda points: np.asarray(jax.vmap(params)(jnp.asarray(points))),
        on_host(steps, "_steps"),
        num_steps,
    )


def _settled(walk: Walk, unravel: Any, num_points: int) -> LimitCycle:
    """Return what a run settles on."""
    place, chunks = walk.start, 1
    size = 1 + float(np.abs(place).max())
    while chunks <= _MOST_CHUNKS:
        parts = []
        for _ in range(chunks):
            part = walk.run(place)
            place = part[-1]
            if not np.abs(place).max() <= _FAR * size:
                raise ValueError(_nowhere("leaves"))
            parts.append(part)
            if np.abs(part[-1] - part[-2]).max() <= _RESTS * size:
                cycle = _cycle(walk, unravel, place, 1)
                if cycle is None:
                    rest = np.array2string(walk.params(place[None])[0], precision=4, threshold=6)
                    raise ValueError(_nowhere(f"comes to rest at {rest}"))
                return cycle
        points = np.concatenate(parts)
        count = _return_time(points)
        closed = _cycle(walk, unravel, place, count) if count else None
        if closed is not None:
            return closed
        circle = _circle(walk, unravel, points, num_points)
        if circle is not None:
            return circle
        chunks = 2 * chunks if chunks * points.size < _MOST_NUMBERS else _MOST_CHUNKS + 1
    raise ValueError(_nowhere("has settled on none after all of its steps"))


def _nowhere(what: str) -> str:
    return (
        "start must be a place from which the method comes to a cycle, and from there it "
        f"{what}. Of a cycle that does not attract give a start near it and its period="
    )


def _return_time(points: np.ndarray) -> int:
    """Return after how many steps a run comes back to where it was; 0 if after more than most."""
    for count in range(1, min(_MOST_PERIOD, len(points) // 4) + 1):
        now, before = points[-count:], points[-2 * count : -count]
        extent = np.abs(now - now.mean(axis=0)).max()
        if count > 1 and np.abs(now - before).max() <= _SETTLED * extent:
            return count
    return 0


def _cycle(walk: Walk, unravel: Any, start: np.ndarray, count: int) -> LimitCycle | None:
    """Return the cycle of so many F that Newton's method leads to, at once or in fewer of them."""
    begin = [start]
    for _ in range(count - 1):
        begin.append(walk.step(begin[-1])[0])
    bases = np.array(begin)
    if not np.isfinite(bases).all():
        return None
    size = 1e-2 * (1 + float(np.abs(start).max()))
    scale = float(np.abs(bases - start).max()) or size
    at = _closing(walk, bases, scale)
    zero = back_to_zero(at, np.zeros(bases.size))
    if zero is None or not np.abs(zero.value).max() <= _CLOSED:
        return None
    nodes = bases + scale * zero.place.reshape(bases.shape)
    for fewer in (each for each in range(1, count) if count % each == 0):
        if np.abs(nodes[fewer] - nodes[0]).max() <= 1e-6 * scale:
            return _cycle(walk, unravel, nodes[0], fewer)
    points = np.concatenate([walk.steps(node) for node in nodes])
    if np.abs(points - points[0]).max() <= 1e-6 * size:
        return None
    logs = log_eigenvalues([walk.step(node)[1] for node in nodes])
    if np.abs(logs).min(initial=np.inf) <= _SUSPECT:
        dimension = family_dimension(at, zero.place)
        if dimension:
            raise family(dimension, len(points), "cycle")
    residual = scale * float(np.abs(zero.value).max())
    return result(points, unravel, len(points), "cycle", logs, residual)


def _closing(walk: Walk, bases: np.ndarray, scale: float) -> Any:
    """Return ``at(u) -> (gaps, their derivative)``, of moves of the points of a cycle."""
    count, size = bases.shape

    def at(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nodes = bases + scale * u.reshape(count, size)
        gaps, matrix = np.zeros(u.size), np.zeros((u.size, u.size))
        for index, node in enumerate(nodes):
            end, slope = walk.step(node)
            after, rows = (index + 1) % count, slice(index * size, (index + 1) * size)
            gaps[rows] = (end - nodes[after]) / scale
            matrix[rows, rows] += slope
            matrix[rows, after * size : (after + 1) * size] -= np.eye(size)
        return gaps, matrix

    return at


def _circle(walk: Walk, unravel: Any, points: np.ndarray, num_points: int) -> LimitCycle | None:
    """Return the invariant circle that a run is on; None where it is on none yet."""
    places = walk.params(points)
    one, other = (turning(half) for half in np.array_split(places, 2))
    if one is None or other is None or not other.rotation > _STILL:
        return None
    apart = abs(one.rotation - other.rotation)
    if not apart <= _AGREE or abs(one.radius - other.radius) > 1e-7 * one.radius:
        return None
    rotation = other.rotation / walk.num_steps
    wanted = int(60 / other.rotation)
    stretches = walk.stretch(points[-1], min(max(wanted, 1), _MOST_CHUNKS * len(points)))
    # Directions take a while until they are those that are stretched most.
    exponents = np.sort(birkhoff(stretches[len(stretches) // 4 :]))[::-1]
    along = int(np.argmin(np.abs(exponents)))
    across = np.delete(exponents, along)
    if (np.abs(across) <= _EVEN).any():
        raise family(0, 1 / rotation, "circle")
    return result(
        places[-num_points:],
        unravel,
        1 / rotation,
        "circle",
        across / other.rotation,
        apart,
        rotation,
    )
