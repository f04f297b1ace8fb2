"""The proximal point method: each step follows the field where the step ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_count, check_not_negative
from ganfield.field._differentiable import linearize
from ganfield.methods._base import (
    METHODS,
    Info,
    Method,
    Optimizer,
    State,
    ascend,
    begin,
    change,
    joint_optimizer,
)
from ganfield.methods._solve import coarsest_rounding, linearize_change, solve


@registered(METHODS)
def proximal_point(
    optimizer: Optimizer | Players,
    *,
    tolerance: ArrayLike = 1e-6,
    max_newton_steps: int = 10,
    max_iterations: int = 100,
) -> Method:
    """Return the proximal point method (PP) Δ = U(v(x + Δ)), implicit: x₊ = x + h·v(x₊) for sgd(h).

    U(d) is the optimizer's update for a direction d. The equation is solved from Δ = 0 by Newton's
    method, each of its linear systems (I − U′J)δ = U(v(x + Δ)) − Δ by GMRES with products Jδ; no
    matrix is formed. A Newton step is taken where it brings the two sides nearer, and the next one
    is halved where it does not. The parameters then move by U(v(x + Δ)), and the optimizer's memory
    advances once, with that direction. For sgd(h) the update map at an equilibrium is (I − hJ)⁻¹:
    eigenvalues of J with Re λ < 0 are stable for every h, as are those with Re λ > 2/h.

    **Use it** as the method that others approximate (`extragradient` and the optimistic one are
    its cheap forms), with h not far above 1/‖J‖ where J has eigenvalues with Re λ > 0: at λ = 1/h
    there is no solution. With ReLU networks v jumps, and large steps may have none either. On
    bilinear games it is `competitive`.

    **With Adam or RMSProp** U is nearly a sign while the memory is young, which no Newton step
    follows; expect solves that do not converge. Momentum is no obstacle: there U is affine.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``.
        tolerance: ‖U(v(x + Δ)) − Δ‖ ≤ tolerance·‖U(v(x + Δ))‖, and for the linear systems likewise;
            a difference within the rounding of x, ε‖x‖, will do too. May be traced.
        max_newton_steps: Newton steps at most, in a step; one is enough where v and U are affine.
        max_iterations: products Jδ at most, in a Newton step; more than 20 in multiples of 20.

    Returns:
        A `Method`. It costs 2V, and each Newton step 2V and up to ``max_iterations``
        Jacobian–vector products. `Info.direction` holds v(x + Δ), and `Info.converged` is False
        where the tolerance was not reached. Then Δ is the best found, which may be 0, as in
        `simultaneous`. That is judged by values of v, so derivatives that are 0 to JAX alone (a
        ``stop_gradient``) may cost the solution, but not the truth about it.

    Raises:
        ValueError: what was given is no optax transformation; ``tolerance`` is negative;
            ``max_newton_steps`` or ``max_iterations`` is no positive integer; ``step`` is given a
            field that JAX cannot differentiate.

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
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        start, memory = state.params, state.memory

        def solve_linear(matrix: Callable, target: Players) -> tuple[Players, jax.Array]:
            return solve(matrix, target, tolerance=tolerance, max_iterations=max_iterations)

        def ahead(move: Players) -> Players:
            return field(add_scaled(start, 1, move), batch)

        def gap_at(move: Players) -> Players:
            return optax.tree.sub(change(both, ahead(move), memory, start)[0], move)

        def judge(move: Players, gap: Players) -> tuple[jax.Array, jax.Array]:
            """Return how far Δ is from U(v(x + Δ)), and whether that is near enough."""
            distance, size = optax.tree.norm(gap), optax.tree.norm(optax.tree.add(gap, move))
            rounding = coarsest_rounding(start)
            relative = jnp.maximum(tolerance, 8 * rounding) * size
            return distance, distance <= relative + rounding * optax.tree.norm(start)

        def newton(carry: tuple) -> tuple:
            count, move, distance, _, share = carry
            value, push, _ = linearize(ahead, move, user="proximal_point")
            update, respond = linearize_change(both, value, memory, start)
            shift, _ = solve_linear(
                lambda d: add_scaled(d, -1, respond(push(d))), optax.tree.sub(update, move)
            )
            trial = add_scaled(move, share, shift)
            trial_distance, near = judge(trial, gap_at(trial))
            nearer = trial_distance < distance
            return (
                count + 1,
                optax.tree.where(nearer, trial, move),
                jnp.where(nearer, trial_distance, distance),
                nearer & near,
                jnp.where(nearer, 1, share / 2),
            )

        def find(gap_at: Callable, still: Players) -> Players:
            distance, near = judge(still, gap_at(still))
            _, move, *_ = jax.lax.while_loop(
                lambda carry: (carry[0] < max_newton_steps) & ~carry[3],
                newton,
                (0, still, distance, near, jnp.ones_like(distance)),
            )
            return move

        # The derivative of the root, and not of the way there: at an equilibrium Δ = 0 is a root
        # before any Newton step.
        move = jax.lax.custom_root(
            gap_at,
            optax.tree.zeros_like(start),
            find,
            lambda matrix, target: solve_linear(matrix, target)[0],
        )
        direction = ahead(move)
        _, converged = judge(move, gap_at(move))
        params, memory = ascend(both, direction, memory, start)
        return State(params, memory), Info(direction, converged)

    return Method(init, step)
