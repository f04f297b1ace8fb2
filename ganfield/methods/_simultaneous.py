"""Simultaneous steps: both players move at once."""

from __future__ import annotations

from typing import Any

from ganfield._registry import registered
from ganfield._types import Field, Players
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


@registered(METHODS)
def simultaneous(optimizer: Optimizer | Players) -> Method:
    """Return simultaneous steps (SimGD, GDA) x ← x + U(v), with U(v) = h·v for sgd(h).

    U(v) is what any optax optimizer makes of the field's value, at the point where both players
    stand. On v it is simultaneous gradient ascent, each player on its payoff; on a consensus field
    it is the paper's consensus optimization.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. One transformation that mixes parameters (a clip by global norm) mixes both
            players'; two keep them apart. Its hyper-parameters may be traced.

    Returns:
        A `Method`. It costs V, one evaluation of the field.

    Raises:
        ValueError: what was given is no optax transformation.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, Algorithms 1 and 2.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.simultaneous(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, info = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params
        Players(theta=Array(1., dtype=float32...), phi=Array(0.5, dtype=float32...))
    """
    both = joint_optimizer(optimizer)

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        direction = field(state.params, batch)
        params, memory = ascend(both, direction, state.memory, state.params)
        return State(params, memory), Info(direction)

    return Method(init, step)
