"""Runge–Kutta steps: follow the flow of the field, and not the polygon of Euler."""

from __future__ import annotations

from typing import Any

import jax
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
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

# Order → how far each stage goes along the value of the stage before, and the stages' weights.
_STAGES = {
    2: ((0.0, 1.0), (1 / 2, 1 / 2)),
    4: ((0.0, 1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


@registered(METHODS)
def runge_kutta(optimizer: Optimizer | Players, *, order: int = 4) -> Method:
    """Return Runge–Kutta steps (ODE-GAN) along the flow dx/dt = v(x), of order 2 (Heun) or 4.

    k_i = v(x + c_i h·k_{i−1}), x ← x + h·Σ b_i k_i, where each stage moves **both** players: with
    the opponent frozen every k_i of the bilinear game would be k_1, and the step Euler's. The
    error of a step falls as h³ or h⁵. It removes what discretisation adds to the flow and damps no
    rotation of its own: on the bilinear game, whose flow circles, order 2 spirals out a little and
    order 4 in a little while hc < 2√2. Use it where the flow itself converges; where it circles,
    first make it a field that does not, such as `consensus`. The paper penalises the generator's
    gradient norm in the discriminator's loss.

    With U(d), the update that an optimizer makes of a direction d from its current memory, the
    stages are k_i = v(x + c_i U(k_{i−1})), with memories that are dropped, and the step is
    x + U(Σ b_i k_i), which advances the memory once. With plain gradient steps, of unequal size
    too, that is the textbook's rule. With Adam or momentum it is a smoothed direction and nothing
    more: they solve no differential equation of v, and the order has no meaning.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. Its hyper-parameters may be traced.
        order: 2 or 4.

    Returns:
        A `Method`. It costs 2V or 4V, all on one batch. Its `Info.direction` is Σ b_i k_i.

    Raises:
        ValueError: the order is neither; what was given is no optax transformation.

    Reference:
        Qin, Wu, Springenberg, Brock, Donahue, Lillicrap, Kohli, "Training Generative Adversarial
        Networks by Solving Ordinary Differential Equations", 2020.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.runge_kutta(optax.sgd(1.0))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, _ = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params  # the flow reaches (cos 1, sin 1) = (0.540, 0.841)
        Players(theta=Array(0.541666..., dtype=float32...), phi=Array(0.83333..., dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    if order not in _STAGES:
        raise ValueError(f"order must be 2 or 4, got {order!r}")
    reaches, weights = _STAGES[order]

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        params = state.params
        value = field(params, batch)
        direction = jax.tree.map(lambda k: weights[0] * k, value)
        for reach, weight in zip(reaches[1:], weights[1:], strict=True):
            whole, _ = ascend(both, value, state.memory, params)
            move = optax.tree.sub(whole, params)
            value = field(add_scaled(params, reach, move), batch)
            direction = add_scaled(direction, weight, value)
        params, memory = ascend(both, direction, state.memory, params)
        return State(params, memory), Info(direction)

    return Method(init, step)
