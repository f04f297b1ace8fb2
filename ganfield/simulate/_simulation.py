"""What a run is made of: a start, and a way to advance from record to record."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganfield._compiled import is_tracing
from ganfield._types import Field, Players, PyTree, Sampler
from ganfield.checks import check_count
from ganfield.field import check_field
from ganfield.methods import Info, Method, State, check_is_method
from ganfield.simulate._standing import Standing, stand, take_step

Record = Callable[[State, Info], PyTree]
"""``record(state, info) -> pytree``, what to keep of a run."""


class Carry(NamedTuple):
    """What a loop hands from step to step.

    Attributes:
        standing: where the run stands. One that has stopped keeps the state that it had at the last
            record before the stop.
        info: the method's `Info` of the last step; before the first step its numbers are NaN.
    """

    standing: Standing
    info: Info


class Simulation(NamedTuple):
    """A run that has not happened yet: two pure functions, for loops of any kind.

    Attributes:
        start: ``start() -> (Carry, record)``.
        advance: ``advance(carry) -> (Carry, record)``, ``record_every`` steps in one scan; another
            number of steps as ``advance(carry, num_steps)``. A number that is traced serves all
            numbers with one program, through which `jax.grad` can't go.
        record_every: how many steps ``advance`` takes unless it is told.
    """

    start: Callable[[], tuple[Carry, PyTree]]
    advance: Callable[..., tuple[Carry, PyTree]]
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
        >>> int(carry.standing.step), float(carry.standing.state.params.theta)
        (2, 0.75)
    """
    record_every = check_count(record_every, argument="record_every")
    if sample is not None and key is None:
        raise ValueError("key must be given with sample, for example jax.random.key(0)")
    batch = None if sample is None else jax.eval_shape(lambda key: sample(key), key)
    check_is_method(method)
    check_field(field, params, batch)

    def keep(state: State, info: Info) -> PyTree:
        return None if record is None else jax.tree.map(jnp.asarray, record(state, info))

    def batch_of(step: jax.Array) -> PyTree:
        if sample is None or key is None:
            return None
        return step_batch(method, sample, key, step)

    def one_step(standing: Standing) -> tuple[Standing, Info]:
        return take_step(method, field, standing, batch_of(standing.step))

    def start() -> tuple[Carry, PyTree]:
        standing = stand(method, params)
        shapes = jax.eval_shape(one_step, standing)[1]
        with without_debug_nans():
            info = _unknown(shapes)._replace(converged=jnp.ones((), bool))
            return Carry(standing, info), keep(standing.state, info)

    def body(_: Any, carry: Carry) -> Carry:
        return Carry(*one_step(carry.standing))

    def advance(
        carry: Carry, num_steps: jax.typing.ArrayLike = record_every
    ) -> tuple[Carry, PyTree]:
        after, info = jax.lax.fori_loop(0, num_steps, body, carry)  # A scan, unless it is traced.
        stopped = after.stopped_at >= 0
        state, info = optax.tree.where(
            stopped, (carry.standing.state, carry.info), (after.state, info)
        )
        kept = _unknown(keep(state, info), where=stopped)
        return Carry(after._replace(state=state), info), kept

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


def without_debug_nans() -> AbstractContextManager[Any]:
    """Return where NaN may be made that marks what is unknown, and is no fault of the user's.

    ``jax_debug_nans`` looks at the results of what is called from Python, operations or compiled
    functions. In a function that the user compiles it can't be held off: there 0 stands for what is
    unknown, see `_unknown`.
    """
    return nullcontext() if is_tracing() else jax.debug_nans(False)


def _unknown(tree: PyTree, where: Any = True) -> PyTree:
    """Return the tree with NaN for its inexact numbers, where asked; a shape will do for a leaf.

    At the start of a run that is compiled under ``jax_debug_nans`` it is 0, for NaN would end it.
    """
    config: Any = jax.config  # whose flags are no attributes to a type checker
    unknown = 0.0 if where is True and config.jax_debug_nans else jnp.nan

    def mark(leaf: Any) -> jax.Array:
        value = jnp.zeros(leaf.shape, leaf.dtype) if where is True else leaf
        inexact = jnp.issubdtype(value.dtype, jnp.inexact)
        return jnp.where(where, unknown, value).astype(value.dtype) if inexact else value

    return jax.tree.map(mark, tree)
