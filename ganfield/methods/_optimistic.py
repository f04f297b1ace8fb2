"""Optimistic steps: the next value of the field is guessed from the last two."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._types import Field, Players, PyTree
from ganfield.methods._base import (
    METHODS,
    Info,
    Method,
    Optimizer,
    State,
    ascend,
    begin,
    joint_optimizer,
)


class OptimisticMemory(NamedTuple):
    """What `optimistic` remembers.

    Attributes:
        optimizer: the memory of the optimizer.
        previous: v at the step before.
        first: whether no step was taken yet, so that ``previous`` is not known.
    """

    optimizer: PyTree
    previous: Players
    first: jax.Array


@registered(METHODS)
def optimistic(optimizer: Optimizer | Players) -> Method:
    """Return optimistic steps (OGDA), x ← x + h·(2v_t − v_{t−1}), by any optax optimizer.

    2v_t − v_{t−1} is where v would be after one more change like the last. One evaluation a step
    damps rotation: on the bilinear game it converges where hc < 1/√3. The first step has no past
    and follows v itself, v₋₁ = v₀; with v₋₁ = 0 it would be twice as long.

    With plain gradient steps it is ``simultaneous(optax.optimistic_gradient_descent(h))``. With
    Adam it is not optax's optimistic Adam: here 2v_t − v_{t−1} is what Adam sees, and its moments
    average the guesses; there Adam sees v_t, and the guess 2r_t − r_{t−1} is made of its normalised
    steps r_t. Daskalakis et al. do the latter, which is
    ``simultaneous(optax.optimistic_adam_v2(h, nesterov=False))``; by default optax adds Nesterov's
    momentum.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. Its hyper-parameters may be traced.

    Returns:
        A `Method`. It costs V. Its `Info.direction` is 2v_t − v_{t−1}.

    Raises:
        ValueError: what was given is no optax transformation.

    Reference:
        Daskalakis, Ilyas, Syrgkanis, Zeng, "Training GANs with Optimism", 2018; the name
        OGDA: Mokhtari, Ozdaglar, Pattathil, "A Unified Analysis of Extra-gradient and Optimistic
        Gradient Methods for Saddle Point Problems: Proximal Point Approach", 2020.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.optimistic(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, _ = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params  # v is (0, 1)
        Players(theta=Array(1., dtype=float32...), phi=Array(0.5, dtype=float32...))
        >>> method.step(v, state, None)[0].params  # v is (−0.5, 1)
        Players(theta=Array(0.5, dtype=float32...), phi=Array(1., dtype=float32...))
    """
    both = joint_optimizer(optimizer)

    def init(params: Players) -> State:
        params = begin(params)
        unknown = optax.tree.zeros_like(params)
        return State(params, OptimisticMemory(both.init(params), unknown, jnp.ones((), bool)))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        memory = state.memory
        value = field(state.params, batch)
        direction = jax.tree.map(
            lambda now, past: 2 * now - jnp.where(memory.first, now, past), value, memory.previous
        )
        params, kept = ascend(both, direction, memory.optimizer, state.params)
        memory = OptimisticMemory(kept, value, jnp.zeros((), bool))
        return State(params, memory), Info(direction)

    return Method(init, step)
