"""Alternating steps: the second player sees where the first has moved."""

from __future__ import annotations

from typing import Any

import jax
import optax

from ganfield._registry import registered
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.methods._base import (
    METHODS,
    Info,
    Method,
    Optimizer,
    State,
    ascend,
    begin,
    check_batches,
    per_player,
)


@registered(METHODS)
def alternating(
    optimizer: Optimizer | Players,
    phi_optimizer: Optimizer | None = None,
    *,
    theta_steps: int = 1,
    phi_steps: int = 1,
    order: tuple[str, str] = ("phi", "theta"),
    fresh_batches: bool = True,
) -> Method:
    """Return alternating steps (AltGD): φ moves first, then θ from where φ went.

    One step is ``phi_steps`` moves of φ along the φ part of the field and then ``theta_steps`` of θ
    along the θ part, each seeing all moves before it; ``order`` turns the two about.

    Args:
        optimizer: an optax transformation, used by θ and, unless it gets its own, by φ (each keeps
            its own memory); or ``Players(one, another)``.
        phi_optimizer: φ's own optax transformation.
        theta_steps: moves of θ in a step, at least 0; with 0, θ stays where it is.
        phi_steps: moves of φ in a step, at least 0.
        order: who moves first, ("phi", "theta") or ("theta", "phi").
        fresh_batches: whether each move sees a batch of its own, as in the official code. Then
            ``step`` takes ``theta_steps + phi_steps`` batches stacked along a new first axis, in
            the order of the moves (`ganfield.simulate` draws and stacks them); otherwise every move
            of a step sees the same batch.

    Returns:
        A `Method`. It costs V with one move each. Its `Info.direction` holds the value that each
        player followed last.

    Raises:
        ValueError: an argument is none of what is allowed; ``step`` is given one batch where it
            needs several.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", 2014, Algorithm 1.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.alternating(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, info = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params  # φ moves first, by 0.5·θ; then θ by −0.5·φ
        Players(theta=Array(0.75, dtype=float32...), phi=Array(0.5, dtype=float32...))
    """
    if phi_optimizer is not None:
        if isinstance(optimizer, Players):
            raise ValueError("phi_optimizer must be left out when optimizer is Players of two")
        optimizer = Players(optimizer, phi_optimizer)
    optimizers = per_player(optimizer)
    num_moves = {
        "theta": check_count(theta_steps, argument="theta_steps", minimum=0),
        "phi": check_count(phi_steps, argument="phi_steps", minimum=0),
    }
    total = sum(num_moves.values())
    if total == 0:
        raise ValueError("theta_steps and phi_steps must not both be 0: nobody would move")
    if sorted(order) != ["phi", "theta"]:
        raise ValueError(f'order must be ("phi", "theta") or ("theta", "phi"), got {order!r}')
    num_batches = total if fresh_batches else 1

    def init(params: Players) -> State:
        params = begin(params)
        memory = Players(
            optimizers.theta.init(params.theta),
            optimizers.phi.init(params.phi),
        )
        return State(params, memory)

    def move(name: str, field: Field, state: State, batch: Any) -> tuple[State, PyTree]:
        direction = getattr(field(state.params, batch), name)
        params, memory = ascend(
            getattr(optimizers, name),
            direction,
            getattr(state.memory, name),
            getattr(state.params, name),
        )
        state = State(
            state.params._replace(**{name: params}), state.memory._replace(**{name: memory})
        )
        return state, direction

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        check_batches(batch, num_batches)
        followed: dict[str, PyTree] = {}
        done = 0
        for name in order:
            count, own = num_moves[name], getattr(state.params, name)
            followed[name] = optax.tree.zeros_like(own)
            for index in range(done, done + count):
                own_batch = batch
                if num_batches > 1:
                    own_batch = jax.tree.map(lambda b, i=index: b[i], batch)
                state, followed[name] = move(name, field, state, own_batch)
            done += count
        return state, Info(Players(**followed))

    return Method(init, step, num_batches)
