"""What a run is made of: a start, and a way to advance by a fixed number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._tree import finite, strong
from ganfield._types import Field, Players, PyTree, Sampler
from ganfield.checks import check_count
from ganfield.field import check_field
from ganfield.methods import Info, Method, State

Record = Callable[[State, Info], PyTree]
"""``record(state, info) -> pytree``, what to keep of a run."""


class Carry(NamedTuple):
    """Where a run stands.

    Attributes:
        state: the method's state.
        info: the method's `Info` of the last step; before the first step its numbers are NaN.
        step: how many steps were taken.
        stopped_at: the first step that met a NaN or an infinity, in the field or in a parameter, or
            −1. A run that has stopped keeps the state that it had at the last record before the
            stop.
        unsolved_at: the first step whose inner solve did not converge, or −1; the run goes on.
    """

    state: State
    info: Info
    step: jax.Array
    stopped_at: jax.Array
    unsolved_at: jax.Array


class Simulation(NamedTuple):
    """A run that has not happened yet: two pure functions, for loops of any kind.

    Attributes:
        start: ``start() -> (Carry, record)``.
        advance: ``advance(carry) -> (Carry, record)``, ``record_every`` steps in one scan.
        record_every: how many steps ``advance`` takes.
    """

    start: Callable[[], tuple[Carry, PyTree]]
    advance: Callable[[Carry], tuple[Carry, PyTree]]
    record_every: int


def simulation(
    method: Method,
    field: Field,
    params: Players,
    *,
    key: jax.Array | None = None,
    sample: Sampler | None = None,
    record: Record | None = None,
    record_every: int = 1,
) -> Simulation:
    """Return a run as a pair of functions; `ganfield.simulate` and `ganfield.sweep` drive it.

    Step number t (from 0) sees the batch ``sample(jax.random.fold_in(key, t))``, or where the
    method uses several, one for each of ``jax.random.split`` of that key. So the batches depend on
    nothing but the key and the step.

    Args:
        method: how to move.
        field: along what, ``field(params, batch) -> Players``.
        params: where to start.
        key: a typed key, for the batches.
        sample: ``sample(key) -> batch``; without it the field gets ``batch=None``.
        record: ``record(state, info) -> pytree``, called every ``record_every`` steps.
        record_every: see there.

    Returns:
        A `Simulation`.

    Raises:
        ValueError: a count is no positive integer; ``sample`` comes without ``key``; the field's
            values do not have the structure of the parameters.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> start, advance, _ = gf.simulation(
        ...     gf.simultaneous(optax.sgd(0.5)), v, gf.Players(1.0, 0.0), record_every=2
        ... )
        >>> carry, _ = advance(start()[0])
        >>> int(carry.step), float(carry.state.params.theta)
        (2, 0.75)
    """
    record_every = check_count(record_every, argument="record_every")
    if sample is not None and key is None:
        raise ValueError("key must be given with sample, for example jax.random.key(0)")
    seen = None if sample is None else jax.eval_shape(sample, key)
    check_field(field, params, seen)

    def keep(state: State, info: Info) -> PyTree:
        return None if record is None else jax.tree.map(jnp.asarray, record(state, info))

    def batch_of(step: jax.Array) -> PyTree:
        if sample is None or key is None:
            return None
        return step_batch(method, sample, key, step)

    def one_step(state: State, step: jax.Array) -> tuple[State, Info]:
        return method.step(field, state, batch_of(step))

    def start() -> tuple[Carry, PyTree]:
        state, step = strong(method.init(params)), jnp.zeros((), jnp.int32)
        info = _unknown(jax.eval_shape(one_step, state, step)[1])
        info = info._replace(converged=jnp.ones((), bool))
        never = jnp.full((), -1, jnp.int32)
        carry = Carry(state, info, step, never, never)
        return carry, keep(state, info)

    def body(carry: Carry, _: None) -> tuple[Carry, None]:
        state, info = one_step(carry.state, carry.step)
        info = info._replace(converged=jnp.asarray(info.converged))
        failed = (carry.stopped_at < 0) & ~finite((state.params, info.direction))
        stopped_at = jnp.where(failed, carry.step + 1, carry.stopped_at)
        unsolved = (carry.unsolved_at < 0) & (stopped_at < 0) & ~info.converged
        unsolved_at = jnp.where(unsolved, carry.step + 1, carry.unsolved_at)
        return Carry(state, info, carry.step + 1, stopped_at, unsolved_at), None

    def advance(carry: Carry) -> tuple[Carry, PyTree]:
        after, _ = jax.lax.scan(body, carry, None, length=record_every)
        stopped = after.stopped_at >= 0
        kept = jax.tree.map(lambda old, new: jnp.where(stopped, old, new), carry, after)
        after = kept._replace(
            step=after.step, stopped_at=after.stopped_at, unsolved_at=after.unsolved_at
        )
        return after, _unknown(keep(after.state, after.info), where=stopped)

    return Simulation(start, advance, record_every)


def step_batch(method: Method, sample: Sampler, key: jax.Array, step: jax.Array | int) -> PyTree:
    """Return what step number ``step`` of a run sees.

    Args:
        method: how many batches it uses.
        sample: ``sample(key) -> batch``.
        key: the run's.
        step: from 0.

    Returns:
        ``sample(jax.random.fold_in(key, step))``, or where the method uses several batches those of
        ``jax.random.split`` of that key, stacked.

    Example:
        >>> import jax, optax, ganfield as gf
        >>> sample = gf.data.batch_sampler(gf.data.ring(), batch_size=4, latent_size=3)
        >>> method = gf.simultaneous(optax.sgd(0.1))
        >>> step_batch(method, sample, jax.random.key(0), 7).real.shape
        (4, 2)
    """
    step_key = jax.random.fold_in(key, step)
    if method.num_batches == 1:
        return sample(step_key)
    return jax.vmap(sample)(jax.random.split(step_key, method.num_batches))


def _unknown(tree: PyTree, where: Any = True) -> PyTree:
    """Return the tree with NaN for its inexact numbers, where asked; a shape will do for a leaf."""

    def mark(leaf: Any) -> jax.Array:
        value = jnp.zeros(leaf.shape, leaf.dtype) if where is True else leaf
        inexact = jnp.issubdtype(value.dtype, jnp.inexact)
        return jnp.where(where, jnp.nan, value).astype(value.dtype) if inexact else value

    return jax.tree.map(mark, tree)
