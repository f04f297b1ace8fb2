"""Matching pennies, the matrix game without a pure equilibrium, in logits."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import Players
from ganfield.games._base import GAMES, Game, normal_scalars, zero_sum


@registered(GAMES)
def matching_pennies() -> Game:
    """Return the zero-sum game of two players who show heads with probability σ(θ) and σ(φ).

    θ wins 1 if both show the same and loses 1 otherwise; its expected payoff is
    (2σ(θ) − 1)(2σ(φ) − 1) = tanh(θ/2) tanh(φ/2), and loss_θ minus that. With T = tanh(θ/2) and
    U = tanh(φ/2), v = ((1 − T²)U, −T(1 − U²))/2. The equilibrium is (0, 0), both probabilities ½,
    and v′ has the eigenvalues ±i/4 there.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Reference:
        Osborne, Rubinstein, "A Course in Game Theory", 1994, example 17.1; here mixed strategies
        are given by their logits.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.matching_pennies())
        >>> gf.eigenvalues(v)(gf.Players(0.0, 0.0)).imag.round(3)
        Array([ 0.25, -0.25], dtype=float32)
    """

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return -jnp.tanh(theta / 2) * jnp.tanh(phi / 2)

    def jacobian(params: Players) -> jax.Array:
        t, u = (jnp.tanh(x / 2) for x in params)
        t1, u1 = (1 - t**2) / 2, (1 - u**2) / 2
        return jnp.array([[-t * t1 * u, t1 * u1], [-t1 * u1, t * u * u1]])

    origin = Players(0.0, 0.0)
    return zero_sum(loss, normal_scalars, jacobian=jacobian, equilibria=(origin,))
