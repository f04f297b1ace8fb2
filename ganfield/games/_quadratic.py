"""The quadratic game: the bilinear one with curvature for each player."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_number
from ganfield.games._base import GAMES, Game, normal_scalars, zero_sum


@registered(GAMES)
def quadratic(
    theta_curvature: ArrayLike = 1.0,
    phi_curvature: ArrayLike = 1.0,
    coupling: ArrayLike = 1.0,
) -> Game:
    """Return the zero-sum game loss_θ = ½aθ² + cθφ − ½bφ², loss_φ = −loss_θ.

    v = (−aθ − cφ, cθ − bφ) and v′ = [[−a, −c], [c, −b]] everywhere, with eigenvalues
    −(a+b)/2 ± √((a−b)²/4 − c²). A negative curvature makes (0, 0) a saddle of that player.

    Args:
        theta_curvature: a.
        phi_curvature: b.
        coupling: c.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Raises:
        ValueError: a, b or c is not one number.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 3: with one parameter for
        each player, every zero-sum game is this one to second order at an equilibrium.

    Example:
        >>> import ganfield as gf
        >>> game = gf.games.quadratic(theta_curvature=1.0, phi_curvature=1.0, coupling=2.0)
        >>> gf.eigenvalues(gf.vector_field(game))(gf.Players(0.0, 0.0)).round(3)
        Array([-1.+2.j, -1.-2.j], dtype=complex64)
    """
    check_number(theta_curvature, argument="theta_curvature")
    check_number(phi_curvature, argument="phi_curvature")
    check_number(coupling, argument="coupling")
    a, b, c = map(jnp.asarray, (theta_curvature, phi_curvature, coupling))

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return a * theta**2 / 2 + c * theta * phi - b * phi**2 / 2

    def jacobian(params: Players) -> jax.Array:
        del params
        return jnp.array([[-a, -c], [c, -b]], dtype=float)

    origin = Players(jnp.zeros(()), jnp.zeros(()))
    return zero_sum(loss, normal_scalars, jacobian=jacobian, equilibria=(origin,))
