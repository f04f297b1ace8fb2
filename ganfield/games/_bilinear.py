"""The bilinear game, the smallest one in which gradient steps circle."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_array
from ganfield.games._base import GAMES, Game, zero_sum


@registered(GAMES)
def bilinear(coupling: ArrayLike = 1.0) -> Game:
    """Return the zero-sum game loss_θ = θᵀCφ, loss_φ = −θᵀCφ.

    v = (−Cφ, Cᵀθ) and v′ = [[0, −C], [Cᵀ, 0]], with eigenvalues ±ic for the singular values c of
    C: the flow circles round (0, 0), and simultaneous steps of size h spiral out by √(1+h²c²).

    Args:
        coupling: C, a number (both players are then scalars) or a matrix, shape (n, m).

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Raises:
        ValueError: the coupling is neither a number nor a matrix.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 3.

    Example:
        >>> import ganfield as gf
        >>> game = gf.games.bilinear(coupling=2.0)
        >>> gf.eigenvalues(gf.vector_field(game))(gf.Players(1.0, 1.0)).round(3)
        Array([ 0.+2.j, -0.-2.j], dtype=complex64)
    """
    check_array(coupling, argument="coupling")
    matrix = jnp.asarray(coupling, jnp.result_type(float, coupling))
    if matrix.ndim not in (0, 2):
        raise ValueError(f"coupling must be a number or a matrix, got shape {matrix.shape}")
    theta_shape, phi_shape = matrix.shape[:1], matrix.shape[1:]

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return jnp.vdot(theta, matrix @ phi) if matrix.ndim else theta * matrix * phi

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(
            jax.random.normal(key_theta, theta_shape, matrix.dtype),
            jax.random.normal(key_phi, phi_shape, matrix.dtype),
        )

    def jacobian(params: Players) -> jax.Array:
        del params
        square = jnp.atleast_2d(matrix)
        n, m = square.shape
        return jnp.block([[jnp.zeros((n, n)), -square], [square.T, jnp.zeros((m, m))]])

    origin = Players(jnp.zeros(theta_shape, matrix.dtype), jnp.zeros(phi_shape, matrix.dtype))
    return zero_sum(loss, init, jacobian=jacobian, equilibria=(origin,))
