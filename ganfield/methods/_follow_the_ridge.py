"""Follow-the-ridge: φ makes up for θ's move, so that it stays at its best answer."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players, PyTree
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
from ganfield.methods._solve import solve


@registered(METHODS)
def follow_the_ridge(
    optimizer: Optimizer | Players,
    *,
    damping: ArrayLike = 0.0,
    tolerance: ArrayLike = 1e-6,
    max_iterations: int = 100,
) -> Method:
    """Return follow-the-ridge (FR): simultaneous moves, and −J_φφ⁻¹J_φθΔθ for φ.

    In small steps it is drawn to strict local minimax points alone.

    On the ridge, where v_φ(θ, φ) = 0 and φ is a best answer to θ, a move dθ shifts the best answer
    by dφ = −J_φφ⁻¹J_φθ dθ. Each step adds that to simultaneous moves:

        Δθ = U_θ(v_θ),        Δφ = U_φ(v_φ) − J_φφ⁻¹J_φθ Δθ,

    with J_φφ = ∂v_φ/∂φ, negative definite at a local maximum of φ's payoff. For sgd(h) the update
    map has at an equilibrium the eigenvalues 1 + hλ, with λ those of J_φφ and of the Schur
    complement J_θθ − J_θφJ_φφ⁻¹J_φθ, all real in a zero-sum game: nothing circles. The solve is by
    GMRES with products J_φφ c; it needs no sign or symmetry, which J_φφ has not away from the ridge
    or in a transformed field.

    **Use it** to look for minimax points that the field itself leaves, or for points it is drawn
    to that are none. Where φ's loss is linear in φ (the bilinear game) there is no ridge: J_φφ is
    singular, nothing converges, and each step is one of `simultaneous`. A network's J_φφ is as good
    as singular too: give ``damping``.

    **With any optimizer** Δθ is the move that θ really makes, so the correction fits momentum and
    Adam as well. It is added after the optimizers and enters no memory: φ may move even where its
    optimizer does not, and leave the box of `ganfield.keep_within`.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)``.
        damping: δ ≥ 0, in (δI − J_φφ)⁻¹ for −J_φφ⁻¹: at most 1/δ where −J_φφ is positive. Fixed
            points stay where they are. May be traced, and is then not checked.
        tolerance: of the solve, relative: ‖residual‖ ≤ tolerance·‖J_φθ Δθ‖. May be traced.
        max_iterations: products J_φφ c at most, in a step; more than 20 in multiples of 20.

    Returns:
        A `Method`. It costs 2V and up to ``max_iterations`` + 1 Jacobian–vector products;
        `Info.direction` holds v, without the correction. `Info.converged` is False where the
        residual remained above the tolerance, and where all of J_φθ or J_φφ is 0 to JAX, as behind
        a ``stop_gradient``, but v_φ does change over θ's move or the correction (a look that costs
        one V more where it is needed). Then there is no correction.

    Raises:
        ValueError: what was given is no optax transformation; ``damping`` or ``tolerance`` is
            negative; ``max_iterations`` is no positive integer; ``step`` is given a field that JAX
            cannot differentiate.

    Reference:
        Wang, Zhang, Ba, "On Solving Minimax Optimization Locally: A Follow-the-Ridge Approach",
        2020.

    Example:
        >>> import optax, ganfield as gf
        >>> method = follow_the_ridge(optax.sgd(0.25))
        >>> v = gf.vector_field(gf.games.unstable_minimax())
        >>> state, info = method.step(v, method.init(gf.Players(1.0, 2.0)), None)
        >>> state.params  # on the ridge φ = 2θ, and it stays there
        Players(theta=Array(0.5, dtype=float32...), phi=Array(1., dtype=float32...))
    """
    both = joint_optimizer(optimizer)
    check_not_negative(damping, argument="damping")
    check_not_negative(tolerance, argument="tolerance")
    max_iterations = check_count(max_iterations, argument="max_iterations")

    def init(params: Players) -> State:
        params = begin(params)
        return State(params, both.init(params))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        theta, phi = state.params
        direction = field(state.params, batch)
        update, _ = change(both, direction, state.memory, state.params)

        def of_phi(theta: PyTree, phi: PyTree) -> PyTree:
            return field(Players(theta, phi), batch).phi

        own = linearize(lambda p: of_phi(theta, p), phi, user="follow_the_ridge")
        across = linearize(lambda t: of_phi(t, phi), theta, user="follow_the_ridge")

        def matrix(move: PyTree) -> PyTree:
            return add_scaled(optax.tree.scale(-1, own.product(move)), damping, move)

        correction, solved = solve(
            matrix,
            across.product(update.theta),
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        converged = solved & across.holds(update.theta) & own.holds(correction)
        params, memory = ascend(both, direction, state.memory, state.params)
        phi = add_scaled(params.phi, jnp.where(converged, 1, 0), correction)
        return State(params._replace(phi=phi), memory), Info(direction, converged)

    return Method(init, step)
