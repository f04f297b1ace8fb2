"""Lookahead: every few steps go back part of the way."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_count, check_number
from ganfield.methods._base import WRAPPERS, Info, Method, State, check_is_method, check_is_state


class LookaheadMemory(NamedTuple):
    """What `lookahead` remembers.

    Attributes:
        inner: the memory of the method inside.
        slow: x̄, where the players stood after the last return; at first the start.
        since: how many steps were taken since.
    """

    inner: PyTree
    slow: Players
    since: jax.Array


@registered(WRAPPERS)
def lookahead(method: Method, *, num_steps: int = 5, share: ArrayLike = 0.5) -> Method:
    """Return lookahead: every k steps another method goes back to x̄ ← x̄ + α(x − x̄).

    Both players go back at once, so that it is a step between joint points; looking ahead for each
    player alone would be another method. From x̄ the method inside goes on with its memory kept.
    Where it circles, the mean of two points of the circle lies inside: on the bilinear game k
    simultaneous steps, which spiral out, become 1 − α + α(1 + ihc)^k, which may spiral in. A
    lookahead of a lookahead is not the paper's nested one: a return of the outer leaves the inner
    x̄ where it is.

    Args:
        method: any `Method`.
        num_steps: k ≥ 1.
        share: α in [0, 1]; 1 is the method itself. May be traced, and is then not checked.

    Returns:
        A `Method`. It costs what the other does, needs as many batches, and hands on its `Info`.
        ``state.params`` is x, also between returns; the paper evaluates x̄,
        ``state.memory.slow``.

    Raises:
        ValueError: k is no positive integer; α is not within its bounds; what was given is no
            `Method`, or one whose state is no `State`.

    Reference:
        Chavdarova, Pagliardini, Stich, Fleuret, Jaggi, "Taming GANs with Lookahead-Minmax", 2021.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.lookahead(gf.simultaneous(optax.sgd(0.5)), num_steps=5)
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> run = gf.simulate(method, v, gf.Players(1.0, 0.0), num_steps=40)
        >>> bool(optax.tree.norm(run.params) < 0.1)
        True
    """
    check_is_method(method)
    num_steps = check_count(num_steps, argument="num_steps")
    check_number(
        share,
        argument="share",
        wanted="a number in [0, 1]",
        allows=lambda known: 0 <= known <= 1,
    )

    def init(params: Players) -> State:
        inner = check_is_state(method.init(params))
        memory = LookaheadMemory(inner.memory, inner.params, jnp.zeros((), jnp.int32))
        return State(inner.params, memory)

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        memory = state.memory
        inner, info = method.step(field, State(state.params, memory.inner), batch)
        since = (memory.since + 1) % num_steps
        due = since == 0

        def back(slow: jax.Array, x: jax.Array) -> jax.Array:
            return jnp.where(due, slow + jnp.asarray(share, x.dtype) * (x - slow), slow)

        slow = jax.tree.map(back, memory.slow, inner.params)
        params = jax.tree.map(lambda s, x: jnp.where(due, s, x), slow, inner.params)
        return State(params, LookaheadMemory(inner.memory, slow, since)), info

    return Method(init, step, method.num_batches, math.lcm(num_steps, method.cycle))
