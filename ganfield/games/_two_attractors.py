"""A zero-sum game whose field attracts to Nash equilibria and to points that are none."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import Players
from ganfield.games._base import GAMES, Game, normal_scalars, zero_sum

# All real zeros of v: those of P_θ − .02θP and P_φ − .02φP, by resultants in rational arithmetic.
_EQUILIBRIA = (
    Players(-13.33918039568395, -9.991698385593121),
    Players(-13.184298234997785, 1.7996943880204506),
    Players(-10.416623295113828, 8.480548853726782),
    Players(-5.622884435344995, -4.74252440598675),
    Players(-2.5015087156827263, -2.3398614944218363),
    Players(0.0, 0.0),
    Players(1.6604182274798214, -13.669210739431287),
    Players(2.311938049963722, 13.509334611272065),
    Players(12.188575649030787, -5.423167761844848),
)


@registered(GAMES)
def two_attractors() -> Game:
    """Return the zero-sum game loss_θ = −P exp(−(θ² + φ²)/100), loss_φ = −loss_θ.

    P = (.15θ² + φ)² + (.25φ² + θ)². v has nine zeros. Two attract and are local Nash equilibria,
    (−10.42, 8.48) with the eigenvalues −1.56 ± 4.23i and (12.19, −5.42) with −2.46 ± 3.29i. Two
    attract and are none, since θ's loss is concave in θ there: (−2.50, −2.34) with −.59 ± 2.28i and
    (−13.34, −9.99) with −1.01 ± 2.06i. The other five, (0, 0) with ±2 among them, are saddles of
    the flow. Far away the loss is flat.

    Returns:
        A `Game` with its Jacobian and its nine equilibria, in the order of θ.

    Reference:
        Mazumdar, Jordan, Sastry, "On Finding Local Nash Equilibria (and Only Local Nash Equilibria)
        in Zero-Sum Games", 2019.

    Example:
        >>> import ganfield as gf
        >>> game = gf.games.two_attractors()
        >>> v = gf.vector_field(game)
        >>> sum(bool((gf.eigenvalues(v)(point).real < 0).all()) for point in game.equilibria)
        4
    """

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        first, second = 0.15 * theta**2 + phi, 0.25 * phi**2 + theta
        return -(first**2 + second**2) * jnp.exp(-(theta**2 + phi**2) / 100)

    def jacobian(params: Players) -> jax.Array:
        # loss = −PE with E = exp(−(θ² + φ²)/100), so E_θ = −.02θE.
        x, y = params
        first, second = 0.15 * x**2 + y, 0.25 * y**2 + x
        p = first**2 + second**2
        p_x, p_y = 0.6 * x * first + 2 * second, 2 * first + y * second
        p_xx, p_xy = 0.18 * x**2 + 0.6 * first + 2, 0.6 * x + y
        p_yy = 2 + second + y**2 / 2
        q_xx = p_xx - 0.04 * x * p_x + (4e-4 * x**2 - 0.02) * p
        q_yy = p_yy - 0.04 * y * p_y + (4e-4 * y**2 - 0.02) * p
        q_xy = p_xy - 0.02 * (x * p_y + y * p_x) + 4e-4 * x * y * p
        return jnp.exp(-(x**2 + y**2) / 100) * jnp.array([[q_xx, q_xy], [-q_xy, -q_yy]])

    return zero_sum(loss, normal_scalars, jacobian=jacobian, equilibria=_EQUILIBRIA)
