"""Steps as one compiled program that takes any number of them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganfield._tree import finite, strong
from ganfield._types import Field, Players, PyTree
from ganfield.methods import Method, State
from ganfield.simulate import step_batch

Draw = Callable[[PyTree, jax.Array], PyTree]
"""``draw(source, step) -> batch``, what step number ``step`` sees; pure."""


class Carry(NamedTuple):
    """Where a run stands; all that the next step needs, and so all that is saved.

    Attributes:
        state: the method's state.
        step: how many steps were taken.
        stopped_at: the first step that met a NaN or an infinity, or −1.
        unsolved_at: the first step whose inner solve did not converge, or −1.
    """

    state: State
    step: jax.Array
    stopped_at: jax.Array
    unsolved_at: jax.Array


def start(method: Method, params: Players) -> Carry:
    """Return the carry before the first step."""
    never = jnp.full((), -1, jnp.int32)
    return Carry(strong(method.init(params)), jnp.zeros((), jnp.int32), never, never)


def advancing(
    method: Method, field: Field, draw: Draw
) -> Callable[[Carry, jax.Array, PyTree], Carry]:
    """Return ``advance(carry, stop, source) -> Carry``, the steps until step number ``stop``.

    The number of steps is an argument of the program and not part of it. So a run may be cut
    anywhere, and is the same program doing the same steps: this is what makes a resumed run equal
    to the unbroken one bit by bit. It stops by itself at a NaN or an infinity.
    """

    def body(carry: Carry, source: PyTree) -> Carry:
        state, info = method.step(field, carry.state, draw(source, carry.step))
        step = carry.step + 1
        failed = ~finite((state.params, info.direction))
        unsolved = (carry.unsolved_at < 0) & ~jnp.asarray(info.converged)
        return Carry(
            state,
            step,
            jnp.where(failed, step, carry.stopped_at),
            jnp.where(unsolved, step, carry.unsolved_at),
        )

    def advance(carry: Carry, stop: jax.Array, source: PyTree) -> Carry:
        return jax.lax.while_loop(
            lambda now: (now.step < stop) & (now.stopped_at < 0),
            lambda now: body(now, source),
            carry,
        )

    return advance


def drawing(method: Method) -> Draw:
    """Return the draw from a source ``(sample, key)``, with ``sample(key) -> batch``.

    The batches are those of `ganfield.simulation`.
    """

    def draw(source: PyTree, step: jax.Array) -> PyTree:
        sample, key = source
        return step_batch(method, sample, key, step)

    return draw


def picking(source: PyTree, step: jax.Array) -> PyTree:
    """Return a step's batch from a source ``(first, batches)``, those of the steps from ``first``.

    ``batches`` holds them along the first axis of every leaf, as `ganfield.data.HostLoader` does.
    """
    first, batches = source
    return jax.tree.map(lambda leaf: leaf[step - first], batches)


def spreading(draw: Draw, method: Method, mesh: Mesh) -> Draw:
    """Return the draw of the same batches, each spread over the devices of a mesh.

    As `ganfield.sharding.data_parallel` does it, for batches from any source.
    """
    (axis,) = mesh.axis_names
    axes = (axis,) if method.num_batches == 1 else (None, axis)
    placement = NamedSharding(mesh, PartitionSpec(*axes))

    def draw_and_spread(source: PyTree, step: jax.Array) -> PyTree:
        return jax.lax.with_sharding_constraint(draw(source, step), placement)

    return draw_and_spread
