"""A lattice of equilibria: stable spirals, unstable spirals and saddles in one field."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_number
from ganfield.games._base import GAMES, Game, general_sum, normal_scalars


@registered(GAMES)
def lattice(coupling: ArrayLike = 0.5) -> Game:
    """Return the game loss_θ = cos θ + cθ sin φ, loss_φ = cos φ − cφ sin θ.

    v = (sin θ − c sin φ, c sin θ + sin φ) has the equilibria (kπ, mπ). Where k and m are odd they
    are stable spirals, with the eigenvalues −1 ± ic; where both are even unstable ones, 1 ± ic; the
    others are saddles, ±√(1+c²). Consensus keeps the stable ones, and once γ is too large adds
    spurious attractors: the unstable spirals for γ > 1/(1+c²), the saddles for γ > 1/√(1+c²).

    Args:
        coupling: c.

    Returns:
        A `Game` with its Jacobian and its nine equilibria for k and m from −1 to 1.

    Raises:
        ValueError: c is not one number.

    Reference:
        Huszár, "GANs are Broken in More than One Way", 2017; made for its three panels: a game with
        several equilibria and saddle points, in closed form.

    Example:
        >>> import math, ganfield as gf
        >>> v = gf.vector_field(gf.games.lattice(coupling=0.5))
        >>> gf.eigenvalues(v)(gf.Players(math.pi, math.pi)).round(3)
        Array([-1.+0.5j, -1.-0.5j], dtype=complex64)
    """
    check_number(coupling, argument="coupling")

    def loss_theta(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return jnp.cos(theta) + coupling * theta * jnp.sin(phi)

    def loss_phi(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return jnp.cos(phi) - coupling * phi * jnp.sin(theta)

    def jacobian(params: Players) -> jax.Array:
        theta, phi = (jnp.cos(x) for x in params)
        return jnp.array([[theta, -phi * coupling], [theta * coupling, phi]])

    sites = itertools.product((-1, 0, 1), repeat=2)
    equilibria = tuple(Players(k * math.pi, m * math.pi) for k, m in sites)
    return general_sum(
        loss_theta, loss_phi, normal_scalars, jacobian=jacobian, equilibria=equilibria
    )
