"""The proximal point method: each step follows the field where the step ends."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganfield._tree import add_scaled, strong
from ganfield._types import Field, Players
from ganfield.errors import check_count, check_not_negative
from ganfield.methods._base import Info, Method, Optimizer, State, ascend, joint_optimizer
from ganfield.methods._solve import change, linearize_change, solve, where


def proximal_point(
    optimizer: Optimizer | Players,
    *,
    tolerance: jax.typing.ArrayLike = 1e-6,
    max_newton_steps: int = 10,
    max_iterations: int = 100,
) -> Method:
    """Return the implicit method Δ = U(v(x + Δ)): for sgd(h), x₊ = x + h·v(x₊).

    U(d) is the optimizer's update for a direction d. The equation is solved from Δ = 0 by Newton's
    method, each of its linear systems (I − U′J)δ = U(v(x + Δ)) − Δ by GMRES with products Jδ; no
    matrix is formed. A Newton step is taken where it brings the two sides nearer, and the next one
    is halved where it does not. The parameters then move by U(v(x + Δ)), and the optimizer's memory
    advances once, with that direction. For sgd(h) the update map at an equilibrium is (I − hJ)⁻¹:
    eigenvalues of J with Re λ < 0 are stable for every h, as are those with Re λ > 2/h.

    **Use it** as the method that others approximate (`extragradient` and the optimistic one are
    its cheap forms), with h not far above 1/‖J‖ where J has eigenvalues with Re λ > 0: at λ = 1/h
    there is no solution. Where the players have no curvature of their own it is `competitive`.

    **With Adam or RMSProp** U is nearly a sign while the memory is young, which no Newton step
    follows; expect solves that do not converge. Momentum is no obstacle: there U is affine.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``.
        tolerance: ‖U(v(x + Δ)) − Δ‖ ≤ tolerance·‖U(v(x + Δ))‖, and for the linear systems likewise;
            also a few roundings of x will do, which near an equilibrium are larger. May be traced.
        max_newton_steps: Newton steps at most, in a step; one is enough where v and U are affine.
        max_iterations: products Jδ at most, in a Newton step; more than 20 in multiples of 20.

    Returns:
        A `Method`. Each Newton step costs 2V and up to ``max_iterations`` Jacobian–vector products;
        the step itself 2V. `Info.direction` holds v(x + Δ), and `Info.converged` is False where
        the tolerance was not reached. Then Δ is the best found, which may be 0, as in
        `simultaneous`.

    Raises:
        ValueError: what was given is no optax transformation; ``tolerance`` is negative;
            ``max_newton_steps`` or ``max_iterations`` is no positive integer.

    Reference:
        Rockafellar, "Monotone Operators and the Proximal Point Algorithm", 1976; Mokhtari,
        Ozdaglar, Pattathil, "A Unified Analysis of Extra-gradient and Optimistic Gradient Methods
        for Saddle Point Problems: Proximal Point Approach", 2020.

    Example:
        >>> import optax, ganfield as gf
        >>> method = proximal_point(optax.sgd(1.0))
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, coupling=1.0))
        >>> state, info = method.step(v, method.init(gf.Players(5.0, 0.0)), None)
        >>> gf.Players(*(value.round(3) for value in state.params))  # (I − J)⁻¹ (5, 0)
        Players(theta=Array(2., dtype=float32...), phi=Array(1., dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    check_not_negative(tolerance, argument="tolerance")
    max_newton_steps = check_count(max_newton_steps, argument="max_newton_steps")
    max_iterations = check_count(max_iterations, argument="max_iterations")

    def init(params: Players) -> State:
        params = strong(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        start, memory = state.params, state.optimizer

        def ahead(move: Players) -> Players:
            return field(add_scaled(start, 1, move), batch)

        def judge(move: Players, update: Players) -> tuple[jax.Array, jax.Array]:
            """Return how far Δ is from U(v(x + Δ)), and whether that is near enough."""
            move, update, at = jax.lax.stop_gradient((move, update, start))
            gap, size = optax.tree.norm(optax.tree.sub(update, move)), optax.tree.norm(update)
            rounding = jnp.finfo(gap.dtype).eps
            relative = jnp.maximum(tolerance, 8 * rounding)
            return gap, gap <= relative * size + 4 * rounding * optax.tree.norm(at)

        def newton(carry: tuple) -> tuple:
            move, gap, _, share = carry
            value, push = jax.linearize(ahead, move)
            update, respond = linearize_change(both, value, memory, start)
            change_of_move, _ = solve(
                lambda d: add_scaled(d, -1, respond(push(d))),
                optax.tree.sub(update, move),
                tolerance=tolerance,
                max_iterations=max_iterations,
            )
            trial = add_scaled(move, share, change_of_move)
            trial_gap, near = judge(trial, change(both, ahead(trial), memory, start))
            nearer = trial_gap < gap
            return (
                where(nearer, trial, move),
                jnp.where(nearer, trial_gap, gap),
                nearer & near,
                jnp.where(nearer, 1, share / 2),
            )

        def body(carry: tuple, _: None) -> tuple[tuple, None]:
            return jax.lax.cond(carry[2], lambda kept: kept, newton, carry), None

        still = optax.tree.zeros_like(start)
        gap, near = judge(still, change(both, ahead(still), memory, start))
        # A scan and no while loop, so that gradients flow through a step.
        (move, _, converged, _), _ = jax.lax.scan(
            body, (still, gap, near, jnp.ones_like(gap)), None, length=max_newton_steps
        )
        direction = ahead(move)
        params, memory = ascend(both, direction, memory, start)
        return State(params, memory), Info(direction, converged)

    return Method(init, step)
