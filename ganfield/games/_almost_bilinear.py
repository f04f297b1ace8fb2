"""The almost bilinear game: a small perturbation gives the circling a limit cycle."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_number
from ganfield.games._base import GAMES, Game, normal_scalars, zero_sum


@registered(GAMES)
def almost_bilinear(epsilon: ArrayLike = 0.1) -> Game:
    """Return the zero-sum game loss_θ = θφ + ε(φ²/2 − φ⁴/4), loss_φ = −loss_θ.

    v = (−φ, θ + ε(φ − φ³)), with the one equilibrium (0, 0). There v′ = [[0, −1], [1, ε]] has the
    eigenvalues ε/2 ± √(ε²/4 − 1): for ε > 0 it repels, and the flow has an attracting limit cycle
    on which nothing is an equilibrium. Averaged over a turn the radius obeys
    r′ = ε(r/2 − 3r³/8), so that the cycle tends to the circle of radius √(4/3) as ε → 0.

    Args:
        epsilon: ε.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Raises:
        ValueError: ε is not one number.

    Reference:
        Hsieh, Mertikopoulos, Cevher, "The limits of min-max optimization algorithms: convergence
        to spurious non-critical sets", 2021.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.almost_bilinear(epsilon=0.2))
        >>> gf.eigenvalues(v)(gf.Players(0.0, 0.0))
        Array([0.1...+0.99...j, 0.1...-0.99...j], dtype=complex64)
    """
    check_number(epsilon, argument="epsilon")

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return theta * phi + epsilon * (phi**2 / 2 - phi**4 / 4)

    def jacobian(params: Players) -> jax.Array:
        return jnp.array([[0.0, -1.0], [1.0, epsilon * (1 - 3 * params.phi**2)]])

    origin = Players(0.0, 0.0)
    return zero_sum(loss, normal_scalars, jacobian=jacobian, equilibria=(origin,))
