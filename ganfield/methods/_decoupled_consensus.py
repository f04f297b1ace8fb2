"""Consensus whose γ no optimizer rescales."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_not_negative
from ganfield.field._differentiable import backward, is_cut, unchanged
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
def decoupled_consensus(optimizer: Optimizer | Players, *, strength: ArrayLike = 0.1) -> Method:
    """Return consensus optimization with the regulariser outside: x ← x + U(v) − s·Jᵀv.

    U(d) is the optimizer's update for a direction d, and s the strength. For sgd(h) it is
    simultaneous steps on ``gf.consensus(v, gamma=s/h)``. For Adam or RMSProp the two differ, and
    the choice is between

    - ``gf.simultaneous(optimizer)`` on ``gf.consensus(v, gamma=γ)``, as in the official code: the
      optimizer divides w as a whole, so that with a preconditioner P the update map is
      I + hP(J − γJᵀJ) at an equilibrium, and P changes how steps are scaled, not the balance of the
      two terms in each coordinate. Theory for w holds for the field Pw.
    - this method: I + hPJ − sJᵀJ. Where v is small P is large, and the plain term −sJᵀv stays
      what it is, so its share falls as training goes on; but s keeps its meaning, s < 2/‖J‖²
      for it alone to be stable, whatever the optimizer. It is to consensus what decoupled weight
      decay is to an L2 penalty.

    **Use it** where γ is to mean the same under every optimizer.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. It sees v alone.
        strength: s ≥ 0. May be traced, and is then not checked.

    Returns:
        A `Method`. It costs V + one vector–Jacobian product. `Info.direction` holds v.
        `Info.converged` is False where all of J is 0 to JAX, as behind a ``stop_gradient``, but v
        does change over the step (for one V more).

    Raises:
        ValueError: the strength is negative; what was given is no optax transformation; ``step`` is
            given a field that JAX cannot differentiate.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017; decoupling: Loshchilov, Hutter,
        "Decoupled Weight Decay Regularization", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.methods.decoupled_consensus(optax.sgd(0.5), strength=0.25)
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> method.step(v, method.init(gf.Players(1.0, 0.0)), None)[0].params
        Players(theta=Array(0.75, dtype=float32...), phi=Array(0.5, dtype=float32...))
    """
    check_not_negative(strength, argument="strength")
    both = joint_optimizer(optimizer)

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        def here(params: Players) -> Players:
            return field(params, batch)

        value, pullback = backward(here, state.params, user="decoupled_consensus")
        gradient = pullback(value)
        moved = add_scaled(state.params, -jnp.asarray(strength), gradient)
        # The optimizer moves last, so that what it clips stays clipped.
        params, memory = ascend(both, value, state.memory, moved)
        converged = jnp.ones((), bool)
        if is_cut(jax.make_jaxpr(pullback)(value).jaxpr):
            move = optax.tree.sub(params, state.params)
            converged = unchanged(here, state.params, value, move)
        return State(params, memory), Info(value, converged)

    return Method(init, step)
