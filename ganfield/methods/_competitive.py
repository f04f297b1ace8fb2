"""Competitive gradient descent: each player answers the other's answer."""

from __future__ import annotations

from typing import Any

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_count, check_not_negative
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
from ganfield.methods._solve import linearize_change, solve


@registered(METHODS)
def competitive(
    optimizer: Optimizer | Players,
    *,
    tolerance: ArrayLike = 1e-6,
    max_iterations: int = 100,
) -> Method:
    """Return competitive gradient descent (CGD): Δ = U(v + J_oΔ).

    A step is the equilibrium of the game's local bilinear model. Each player moves along its
    direction as it will be after the other's move of this very step:

        Δ = U(v + J_oΔ),        for sgd(h)  Δ = h(I − hJ_o)⁻¹v,

    where U(d) is the optimizer's update for a direction d and J_o the blocks of J across the
    players. Step sizes h_θ, h_φ of their own give (I − HJ_o)⁻¹Hv with H = diag(h_θ, h_φ). U is
    linearised at v, and the equation solved by GMRES with products J_oΔ; no matrix is formed. GMRES
    needs no symmetry, so that any game and any optimizer may be played, and any transformed field;
    conjugate gradients on one player's Schur complement, I + h²J_θφJ_θφᵀ, need a zero-sum game and
    equal step sizes. The parameters then move by U(v + J_oΔ), and the optimizer's memory advances
    once, with that direction.

    **Use it** where the players' coupling is strong against their step sizes: on the bilinear game
    it contracts for every h. Where it is weak it is close to `simultaneous`.

    **With Adam or RMSProp** the derivative of U is that of the update at hand: of its numerator,
    which b1 = 0.9 cuts to a tenth, and of the second moments. On Adam's first step, h·sign(v), it
    is nothing, and each player answers the other's plain update. The authors' adaptive variant,
    whose second moments are constants in the solve, is `adaptive_competitive`.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``.
        tolerance: of the solve, relative: ‖residual‖ ≤ tolerance·‖U(v)‖. May be traced.
        max_iterations: products J_oΔ at most, in a step; more than 20 in multiples of 20.

    Returns:
        A `Method`. It costs 2V and up to ``max_iterations`` Jacobian–vector products;
        `Info.direction` holds v + J_oΔ. `Info.converged` is False where the residual remained
        above the tolerance; then Δ is the best found, or 0, with which it is a step of
        `simultaneous`. It is also False where all derivatives in a block of J_o are 0 to JAX, as
        behind a ``stop_gradient``, but that player's direction does change over the other's move;
        on such a field, or a decoupled one, a step costs one V more, for that look.

    Raises:
        ValueError: what was given is no optax transformation; ``tolerance`` is negative;
            ``max_iterations`` is no positive integer; ``step`` is given a field that JAX cannot
            differentiate.

    Reference:
        Schäfer, Anandkumar, "Competitive Gradient Descent", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> method = competitive(optax.sgd(1.0))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, info = method.step(v, method.init(gf.Players(1.0, 0.0)), None)
        >>> state.params  # (I − J)⁻¹ (1, 0)
        Players(theta=Array(0.5, dtype=float32...), phi=Array(0.5, dtype=float32...))
        >>> bool(info.converged)
        True
    """
    both = joint_optimizer(optimizer)
    check_not_negative(tolerance, argument="tolerance")
    max_iterations = check_count(max_iterations, argument="max_iterations")

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        cross = linearize_cross(field, state.params, batch, user="competitive")
        update, respond = linearize_change(both, cross.value, state.memory, state.params)

        def matrix(move: Players) -> Players:
            return add_scaled(move, -1, respond(cross.product(move)))

        move, solved = solve(matrix, update, tolerance=tolerance, max_iterations=max_iterations)
        direction = add_scaled(cross.value, 1, cross.product(move))
        params, memory = ascend(both, direction, state.memory, state.params)
        return State(params, memory), Info(direction, solved & cross.holds(move))

    return Method(init, step)
