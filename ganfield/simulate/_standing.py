"""Where a run stands, and what is thought of each of its steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ganfield._tree import finite, strong
from ganfield._types import Field, Players, PyTree
from ganfield.methods import Info, Method, State


class Standing(NamedTuple):
    """Where a run stands; all that the next step needs.

    Attributes:
        state: the method's state.
        step: how many steps were taken.
        stopped_at: the first step that met a NaN or an infinity, in the field, in a parameter or in
            what the method remembers, or −1.
        unsolved_at: the first step whose inner solve did not converge, or −1.
    """

    state: State
    step: jax.Array
    stopped_at: jax.Array
    unsolved_at: jax.Array


def stand(method: Method, params: Players) -> Standing:
    """Return where a run stands before its first step."""
    never = jnp.full((), -1, jnp.int32)
    return Standing(strong(method.init(params)), jnp.zeros((), jnp.int32), never, never)


def take_step(
    method: Method, field: Field, standing: Standing, batch: PyTree
) -> tuple[Standing, Info]:
    """Take a step and judge it: the only place that says what makes a run stop.

    Nothing that happens after the stop counts as unsolved.
    """
    state, info = method.step(field, standing.state, batch)
    info = info._replace(converged=jnp.asarray(info.converged))
    step = standing.step + 1
    # A square in the memory may overflow alone, and its player stand still for ever.
    overflown = finite(standing.state.memory) & ~finite(state.memory)
    failed = (standing.stopped_at < 0) & (~finite((state.params, info.direction)) | overflown)
    stopped_at = jnp.where(failed, step, standing.stopped_at)
    unsolved = (standing.unsolved_at < 0) & (stopped_at < 0) & ~info.converged
    unsolved_at = jnp.where(unsolved, step, standing.unsolved_at)
    return Standing(state, step, stopped_at, unsolved_at), info
