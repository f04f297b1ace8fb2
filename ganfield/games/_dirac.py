"""The Dirac-GAN, the smallest GAN: one point to imitate, a linear discriminator."""

from functools import partial

import jax
import jax.numpy as jnp

from ganfield._types import Players
from ganfield.errors import lookup
from ganfield.games._base import Game, joint
from ganfield.games._objectives import OBJECTIVES


def dirac_gan(objective: str = "standard") -> Game:
    """Return the GAN whose data is the point 0, generator the point θ, discriminator D(x) = φx.

    At the equilibrium (0, 0) v′ has the eigenvalues ±i/2 for the objectives "standard" and "js",
    ±i/√2 for "kl", ±i for "tv" and "indicator": without a regulariser it circles.

    Args:
        objective: a name in `ganfield.OBJECTIVES`.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Raises:
        ValueError: the objective is not registered.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018,
        section 2. Its ψ is our φ.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.dirac_gan("standard"))
        >>> gf.eigenvalues(v)(gf.Players(0.0, 0.0)).round(3)
        Array([0.+0.5j, 0.-0.5j], dtype=complex64)
    """
    objective_losses = lookup(OBJECTIVES, objective, argument="objective")

    def losses(params: Players, batch: None) -> Players:
        del batch
        logits_fake = params.phi * params.theta
        return objective_losses(jnp.zeros_like(logits_fake), logits_fake)

    def init(key: jax.Array) -> Players:
        return Players(*jax.random.normal(key, (2,)))

    def jacobian(params: Players) -> jax.Array:
        # With t = θφ and losses a(t), b(t): v = (−a′φ, −b′θ).
        theta, phi = params
        t = theta * phi

        def slope(name: str, t: jax.Array) -> jax.Array:
            zero = jnp.zeros_like(t)
            return jax.grad(lambda x: getattr(objective_losses(zero, x), name))(t)

        (a1, a2), (b1, b2) = (
            jax.value_and_grad(partial(slope, name))(jnp.asarray(t, float))
            for name in ("theta", "phi")
        )
        return -jnp.array([[a2 * phi**2, a1 + a2 * t], [b1 + b2 * t, b2 * theta**2]])

    origin = Players(jnp.zeros(()), jnp.zeros(()))
    return joint(losses, init, jacobian=jacobian, equilibria=(origin,))
