"""A sine, the simplest field in which consensus makes a spurious attractor."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import Players
from ganfield.games._base import GAMES, Game, general_sum, normal_scalars


@registered(GAMES)
def sine() -> Game:
    """Return the game loss_θ = cos θ, loss_φ = φ²/2; φ is a bystander, for a plane to draw in.

    v = (sin θ, −φ), with the equilibria (kπ, 0), where v′ has the eigenvalues (−1)ᵏ and −1: stable
    for odd k, saddles for even k. Consensus turns θ's part into w(θ) = sin θ − (γ/2) sin 2θ. With
    γ = 2, w′(0) = −1 and w′(π) = −3: the unstable equilibrium 0 has become a spurious attractor,
    and arccos ½ = π/3, where w = 0 and v is not, divides its basin from that of π.

    Returns:
        A `Game` with its Jacobian and its equilibria for k = −1, 0, 1.

    Reference:
        Huszár, "GANs are Broken in More than One Way", 2017, warns of a γ so large that unstable
        equilibria attract; this is the smallest field with it.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.sine())
        >>> gf.eigenvalues(gf.consensus(v, gamma=2.0))(gf.Players(0.0, 0.0)).real
        Array([-1., -3.], dtype=float32)
    """

    def loss_theta(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del phi, batch
        return jnp.cos(theta)

    def loss_phi(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del theta, batch
        return phi**2 / 2

    def jacobian(params: Players) -> jax.Array:
        return jnp.array([[jnp.cos(params.theta), 0.0], [0.0, -1.0]])

    equilibria = tuple(Players(k * math.pi, 0.0) for k in (-1, 0, 1))
    return general_sum(
        loss_theta, loss_phi, normal_scalars, jacobian=jacobian, equilibria=equilibria
    )
