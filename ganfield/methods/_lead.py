"""LEAD: momentum, and a force across the players that opposes rotation."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_not_negative, check_number
from ganfield.field._cross import linearize_cross
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


class LeadMemory(NamedTuple):
    """What `lead` remembers.

    Attributes:
        optimizer: the memory of the optimizer.
        previous: x₋, where the players stood before the last step; at first the start.
    """

    optimizer: PyTree
    previous: Players


@registered(METHODS)
def lead(
    optimizer: Optimizer | Players,
    *,
    momentum: ArrayLike = 0.55,
    alignment: ArrayLike = 0.6,
    preconditioned: bool = False,
) -> Method:
    """Return LEAD: x ← x + h·v(x) + βΔ + αJ_oΔ, where Δ is the last step, at first 0.

    J_o holds the blocks of v′ across the players: θ is told how v_θ changed because φ moved, and φ
    how v_φ changed because θ moved. With β = 0 and α = h it is `optimistic` on the bilinear game,
    where v_t − v_{t−1} is J_oΔ; a larger α damps rotation more at the same h, as long as αc < 1.
    Since β + iαc is the product of the eigenvalues of a step there, it needs β² + α²c² < 1: large
    couplings ask for a small α.

    Only v passes through the optimizer, as its update U(v); βΔ and αJ_oΔ are added before it, as
    they are. So α is not scaled by the step size or its schedule, an optimizer with momentum adds a
    second one, and `keep_within` has the last word. The defaults are those of the authors' code for
    GANs with Adam, where they mean something else: β is Adam's own first beta, and αJ_oΔ is part of
    what Adam sees. That form is ``lead(optax.adam(h, b1=0.55, b2=0.9), momentum=0.0,
    preconditioned=True)``, and with plain steps of size h its α acts as hα.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``. Its hyper-parameters may be traced.
        momentum: β, in (−1, 1). May be traced, and is then not checked.
        alignment: α ≥ 0. May be traced, and is then not checked.
        preconditioned: whether αJ_oΔ too passes through the optimizer, x ← x + U(v + αJ_oΔ) + βΔ.

    Returns:
        A `Method`. It costs V + one Jacobian–vector product, half of it for each player's block.
        Its `Info.direction` is what passed through the optimizer. `Info.converged` is False where
        all derivatives in a block of J_o are 0 to JAX, as behind a ``stop_gradient``, but that
        player's direction does change over the other's last step, repeated; on such a field, or a
        decoupled one, a step costs one V more, for that look.

    Raises:
        ValueError: β or α is not within its bounds; what was given is no optax transformation;
            ``step`` is given a field that JAX cannot differentiate.

    Reference:
        Hemmat, Mitra, Lajoie, Mitliagkas, "LEAD: Least-Action Dynamics for Min-Max Optimization",
        2020.

    Example:
        >>> import optax, ganfield as gf
        >>> method = gf.lead(optax.sgd(0.5), momentum=0.0, alignment=0.5)
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, _ = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params  # Δ is (0, 0.5)
        Players(theta=Array(1., dtype=float32...), phi=Array(0.5, dtype=float32...))
        >>> method.step(v, state, None)[0].params  # J_oΔ is (−0.5, 0)
        Players(theta=Array(0.5, dtype=float32...), phi=Array(1., dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    check_number(
        momentum,
        argument="momentum",
        wanted="a number in (−1, 1)",
        allows=lambda known: -1 < known < 1,
    )
    check_not_negative(alignment, argument="alignment")

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, LeadMemory(both.init(params), params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        here, memory = state
        cross = linearize_cross(field, here, batch, user="lead")
        move = optax.tree.sub(here, memory.previous)
        across = cross.product(move)
        direction, weight = cross.value, jnp.asarray(alignment)
        if preconditioned:
            direction = add_scaled(direction, weight, across)
        carried = add_scaled(here, jnp.asarray(momentum), move)
        if not preconditioned:
            carried = add_scaled(carried, weight, across)
        # The optimizer moves last, so that what it says of the parameters (a clip) holds.
        params, kept = ascend(both, direction, memory.optimizer, carried)
        return State(params, LeadMemory(kept, here)), Info(direction, cross.holds(move))

    return Method(init, step)
