"""The "forsaken" game: a cycle takes the place of its one equilibrium."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import Players
from ganfield.games._base import GAMES, Game, normal_scalars, zero_sum

# v = 0 gives φ = .45 − q′(θ) and θ = q′(φ): a polynomial of degree 25 in θ with one real root.
_EQUILIBRIUM = Players(0.07802666873846008, 0.41193385136581984)


@registered(GAMES)
def forsaken() -> Game:
    """Return the zero-sum game loss_θ = θ(φ − .45) + q(θ) − q(φ), q(z) = z²/4 − z⁴/2 + z⁶/6.

    v = (.45 − φ − q′(θ), θ − q′(φ)) with q′(z) = z/2 − 2z³ + z⁵. The one real equilibrium is
    (.0780, .4119), where v′ = [[−q″(θ), −1], [1, −q″(φ)]] has the eigenvalues −.0447 ± .9080i. It
    attracts, but only from inside an unstable limit cycle, at distances of .12 to .30. From outside
    the flow ends on a second, attracting limit cycle, at distances of .92 to 1.92. The equilibrium
    is no local Nash equilibrium: φ's payoff is convex in φ there, with −q″(φ) = .374.

    Returns:
        A `Game` with its Jacobian and its equilibrium.

    Reference:
        Hsieh, Mertikopoulos, Cevher, "The limits of min-max optimization algorithms: convergence
        to spurious non-critical sets", 2021.

    Example:
        >>> import ganfield as gf
        >>> game = gf.games.forsaken()
        >>> gf.eigenvalues(gf.vector_field(game))(game.equilibria[0])
        Array([-0.0447...+0.908...j, -0.0447...-0.908...j], dtype=complex64)
    """

    def well(z: jax.Array) -> jax.Array:
        return z**2 / 4 - z**4 / 2 + z**6 / 6

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return theta * (phi - 0.45) + well(theta) - well(phi)

    def jacobian(params: Players) -> jax.Array:
        theta, phi = (1 / 2 - 6 * z**2 + 5 * z**4 for z in params)
        return jnp.array([[-theta, -1.0], [1.0, -phi]])

    return zero_sum(loss, normal_scalars, jacobian=jacobian, equilibria=(_EQUILIBRIUM,))
