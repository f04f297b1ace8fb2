"""Adaptive competitive gradient descent: step sizes from second moments, also in the answer."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_above_zero, check_count, check_not_negative, check_number
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


class AdaptiveCompetitiveMemory(NamedTuple):
    """What `adaptive_competitive` remembers.

    Attributes:
        optimizer: the memory of the optimizer.
        squares: the running mean of v², from 0.
        num_values: how many values of v are in it.
    """

    optimizer: PyTree
    squares: Players
    num_values: jax.Array


@registered(METHODS)
def adaptive_competitive(
    optimizer: Optimizer | Players,
    *,
    decay: ArrayLike = 0.99,
    epsilon: ArrayLike = 1e-5,
    tolerance: ArrayLike = 1e-6,
    max_iterations: int = 100,
) -> Method:
    """Return adaptive competitive descent (ACGD): Δ = U(P(v + J_oΔ)), P from second moments.

    Competitive steps with a step size for every parameter, constant in the solve. With n ← βn + (1
    − β)v² of each parameter, and P = 1/(√(n/(1 − βᵗ)) + ε) at step t,

        Δ = U(P(v + J_oΔ)),        for sgd(h)  Δ = (A⁻¹ − J_o)⁻¹v with A = hP,

    where U(d) is the optimizer's update for a direction d and J_o the blocks of J across the
    players. Each player answers the other's scaled move, not its plain one: in ``competitive`` with
    RMSProp the second moments would move with the answer. P depends on v(x) alone and is held in
    the solve. That is by GMRES in the unknown P^{-½}Δ, in which the matrix of a zero-sum game is
    I + h times an antisymmetric one. The optimizer's memory advances once, with P(v + J_oΔ).

    **Use it** where `competitive` would be used and gradients differ in size between layers or
    players, as in GANs; it is the form in which its authors train them. Step sizes are those of
    Adam, some 1e-4. Near an equilibrium n falls with v², P grows up to 1/ε, and steps do not get
    smaller as fast as v does; the answer J_oΔ, which grows with P too, is what keeps them from
    circling.

    **Optimizer**: plain `optax.sgd`, with a schedule if wanted, or momentum. P has normalised the
    direction already; Adam would do so again.

    Args:
        optimizer: an optax transformation over both players' parameters, or ``Players(one,
            another)`` for step sizes of their own.
        decay: β in [0, 1). May be traced, and is then not checked.
        epsilon: ε > 0. May be traced, and is then not checked.
        tolerance: of the solve, relative: ‖residual‖ ≤ tolerance·‖P^{-½}U(Pv)‖. May be traced.
        max_iterations: products J_oΔ at most, in a step; more than 20 in multiples of 20.

    Returns:
        A `Method`. It costs what `competitive` does. `Info.direction` holds v + J_oΔ, and
        `Info.converged` is that of `competitive`.

    Raises:
        ValueError: what was given is no optax transformation; a number is out of its bounds;
            ``step`` is given a field that JAX cannot differentiate.

    Reference:
        Schäfer, Zheng, Anandkumar, "Implicit competitive regularization in GANs", 2020
        (ACGD).

    Example:
        >>> import optax, ganfield as gf
        >>> method = adaptive_competitive(optax.sgd(1.0))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> state, info = method.step(v, method.init(gf.Players(4.0, 4.0)), None)
        >>> [round(float(x), 3) for x in state.params]  # A = ¼: x + (4I − J)⁻¹ (−4, 4)
        [2.824, 4.706]
    """
    both = joint_optimizer(optimizer)
    check_number(
        decay,
        argument="decay",
        wanted="a number in [0, 1)",
        allows=lambda known: 0 <= known < 1,
    )
    check_above_zero(epsilon, argument="epsilon")
    check_not_negative(tolerance, argument="tolerance")
    max_iterations = check_count(max_iterations, argument="max_iterations")

    def init(params: Players) -> State:
        params = begin(params)
        unknown = optax.tree.zeros_like(params)
        none = jnp.zeros((), jnp.int32)
        return State(params, AdaptiveCompetitiveMemory(both.init(params), unknown, none))

    def step(field: Field, state: State, batch: Any) -> tuple[State, Info]:
        params, memory = state
        cross = linearize_cross(field, params, batch, user="adaptive_competitive")
        num_values = memory.num_values + 1
        squares = jax.tree.map(
            lambda n, v: jnp.asarray(decay, n.dtype) * n + jnp.asarray(1 - decay, n.dtype) * v**2,
            memory.squares,
            cross.value,
        )
        known = 1 - jnp.asarray(decay, float) ** num_values
        scale = jax.tree.map(lambda n: _inverse_root(n / known.astype(n.dtype), epsilon), squares)
        root = jax.tree.map(jnp.sqrt, scale)
        update, respond = linearize_change(
            both, optax.tree.mul(scale, cross.value), memory.optimizer, params
        )

        def matrix(unknown: Players) -> Players:
            answer = respond(optax.tree.mul(scale, cross.product(optax.tree.mul(root, unknown))))
            return add_scaled(unknown, -1, optax.tree.div(answer, root))

        unknown, solved = solve(
            matrix,
            optax.tree.div(update, root),
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        move = optax.tree.mul(root, unknown)
        direction = add_scaled(cross.value, 1, cross.product(move))
        params, kept = ascend(both, optax.tree.mul(scale, direction), memory.optimizer, params)
        memory = AdaptiveCompetitiveMemory(kept, squares, num_values)
        return State(params, memory), Info(direction, solved & cross.holds(move))

    return Method(init, step)


def _inverse_root(square: jax.Array, epsilon: ArrayLike) -> jax.Array:
    """Return 1/(√square + ε); at 0 the derivative is taken to be 0, where the root has none."""
    positive = square > 0
    size = jnp.where(positive, jnp.sqrt(jnp.where(positive, square, 1)), 0)
    return 1 / (size + jnp.asarray(epsilon, size.dtype))
