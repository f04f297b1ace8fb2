"""A whole run as one pure function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled, is_tracing
from ganfield._html import html_facts
from ganfield._memory import check_memory, size_of
from ganfield._types import Field, Players, PyTree, Sampler
from ganfield.checks import check_count
from ganfield.methods import Method, State
from ganfield.simulate._simulation import Record, simulation, without_debug_nans


class Run(NamedTuple):
    """What became of a run.

    Attributes:
        state: the method's state at the end; of a run that stopped, at its last record.
        steps: at which steps something was recorded, shape ``(records,)``: 0, then every
            ``record_every``-th, and the last.
        records: what ``record`` returned, each leaf with those records along its first axis.
        stopped_at: the first step that met a NaN or an infinity, in the field, in a parameter or in
            what the method remembers, or −1 if none did. The floats of later records are NaN.
        unsolved_at: the first step whose inner solve did not converge (`Info.converged`), or −1.
            The run goes on, but from there it is not the method that it is named after.
    """

    state: State
    steps: Any
    records: PyTree
    stopped_at: Any
    unsolved_at: Any = -1

    def __repr__(self) -> str:
        return f"Run: {outcome(self)}"

    def _repr_html_(self) -> str:
        facts = {"records": self.records, "params": self.params, "memory": self.state.memory}
        return html_facts("Run", {"outcome": outcome(self), **facts})

    @property
    def params(self) -> Players:
        """The players' parameters at the end."""
        return self.state.params


def outcome(run: Run) -> str:
    """Return how long a run, or each of several, was, and what became of it."""
    given = (run.steps, run.stopped_at, run.unsolved_at)
    if any(isinstance(value, jax.core.Tracer) for value in given):
        return "traced"
    steps = np.asarray(run.steps)
    said = [f"{steps.max()} steps"]
    if jax.tree.leaves(run.records):
        said.append(f"{steps.shape[-1]} records")
    if not np.any(np.asarray(run.stopped_at) >= 0):
        said.append("finite")
    said.append(failures(run))
    return ", ".join(filter(None, said))


def failures(run: Run) -> str:
    """Return when a run, or how many of several, stopped or left its inner solve; "" for never."""
    stopped = _when(run.stopped_at, "stopped at step")
    unsolved = _when(run.unsolved_at, "inner solve failed at step")
    return ", ".join(filter(None, (stopped, unsolved)))


def _when(at: Any, what: str) -> str:
    """Return when it happened, or to how many of several runs and when first; "" for never."""
    happened = np.asarray(at)
    count = np.sum(happened >= 0)
    if not count:
        return ""
    many = "" if happened.size == 1 else f"{count} of {happened.size} "
    return f"{many}{what} {happened[happened >= 0].min()}{' or later' if many else ''}"


def check_steps(num_steps: Any) -> int:
    """Return a number of steps, or raise a ``ValueError`` if it is none that a run can count."""
    return check_count(num_steps, argument="num_steps", maximum=2**31 - 1)


def check_records(num_steps: int, record_every: int, each: float, *, on_host: bool = False) -> None:
    """Raise a ``ValueError`` where the machine has not the memory for the records of a run.

    Args:
        num_steps: of the run.
        record_every: steps from record to record.
        each: bytes that one takes while they are put together.
        on_host: whether they are kept there.
    """
    check_memory(
        -(-num_steps // record_every) + 1,
        lambda records: each * records,
        argument=f"num_steps = {num_steps} with record_every = {record_every} must make records,",
        what=f"records of {each:.3g} bytes",
        instead=": record more rarely, or less",
        on_host=on_host,
    )


def record_steps(num_steps: Any, record_every: int) -> np.ndarray:
    """Return at which steps a run is recorded: every so many from 0, and the last.

    Raises:
        ValueError: ``num_steps`` is no positive integer.

    Example:
        >>> record_steps(7, 3)
        array([0, 3, 6, 7])
    """
    num_steps = check_steps(num_steps)
    return np.append(np.arange(0, num_steps, record_every), num_steps)


def simulate(
    method: Method,
    field: Field,
    params: Players,
    *,
    num_steps: int,
    key: jax.Array | None = None,
    sample: Sampler | None = None,
    record: Record | None = None,
    record_every: int | None = None,
    progress: Callable[[int, PyTree], None] | None = None,
) -> Run:
    """Run a method along a field, in one scan.

    A pure function: jit, vmap and grad go through it. Called without jit it is traced every time,
    and compiled where that gives a program that was not there; ``jax.jit`` a function that calls it
    to trace once. To see a run on the way, to stop it
    with Ctrl-C and keep what it did, or to run many at once, drive it with `ganfield.sweep`.

    Args:
        method: how to move, such as ``gf.simultaneous(optax.sgd(0.1))``.
        field: along what, such as ``gf.vector_field(game)``.
        params: where to start.
        num_steps: how many steps.
        key: a typed key; step t sees ``sample(jax.random.fold_in(key, t))``.
        sample: ``sample(key) -> batch``; without it the field gets ``batch=None``.
        record: ``record(state, info) -> pytree``, what to keep. At step 0 ``info`` is NaN
            (or 0, in a function that is compiled under ``jax_debug_nans``).
        record_every: how many steps from record to record, by default ``num_steps``. The last step
            is recorded, be the way to it shorter or not.
        progress: ``progress(step, record)``, called on the host after every record, also from
            within compiled code; under vmap once for each run, in no certain order.

    Returns:
        A `Run`.

    Raises:
        ValueError: a count is no positive integer; ``sample`` comes without ``key``; the field's
            values do not have the structure of the parameters; or the machine has not the memory
            for the records.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> run = gf.simulate(
        ...     gf.simultaneous(optax.sgd(0.5)), v, gf.Players(1.0, 0.0), num_steps=2,
        ...     record=lambda state, info: state.params.theta, record_every=1,
        ... )
        >>> run.records
        Array([1.  , 1.  , 0.75], dtype=float32)
    """
    num_steps = check_steps(num_steps)
    every = num_steps if record_every is None else record_every
    start, advance, every = simulation(
        method, field, params, key=key, sample=sample, record=record, record_every=every
    )
    count, rest = divmod(num_steps, every)

    def piece(carry: Any, num_steps: int) -> tuple[Any, PyTree]:
        carry, kept = advance(carry, num_steps)
        if progress is not None:
            jax.debug.callback(progress, carry.standing.step, kept)
        return carry, kept

    def one(kept: PyTree) -> PyTree:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], kept)

    carry, first = start()
    if not is_tracing():  # Nothing is taken yet where it is.
        check_records(num_steps, every, 2 * size_of(first))
    parts = []
    if count:

        def whole(carry: Any) -> tuple[Any, PyTree]:
            return jax.lax.scan(lambda carry, _: piece(carry, every), carry, length=count)

        carry, kept = compiled(whole, carry, name="_whole")(carry)
        parts.append(kept)
    if rest:
        carry, kept = compiled(partial(piece, num_steps=rest), carry, name="_rest")(carry)
        parts.append(one(kept))
    with without_debug_nans():
        records = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), one(first), *parts)
    steps = record_steps(num_steps, every)
    end = carry.standing
    return Run(end.state, steps, records, end.stopped_at, end.unsolved_at)
