"""Learning a mean: a Wasserstein GAN that shifts a Gaussian, without sampling."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_array
from ganfield.games._base import GAMES, Game, zero_sum


@registered(GAMES)
def gaussian_mean(mean: ArrayLike = 1.0) -> Game:
    """Return the zero-sum game loss_θ = ⟨φ, μ − θ⟩, loss_φ = −loss_θ.

    It is the expected Wasserstein GAN of data x ~ N(μ, I), generator θ + z with z ~ N(0, I) and
    discriminator D(x) = ⟨φ, x⟩: φ maximises E D(real) − E D(fake) = ⟨φ, μ − θ⟩, θ minimises it.
    v = (φ, μ − θ) and v′ = [[0, I], [−I, 0]] everywhere, with eigenvalues ±i: the bilinear game
    round (μ, 0).

    Args:
        mean: μ, a number (both players are then scalars) or a vector, shape (n,).

    Returns:
        A `Game` with its Jacobian and its equilibrium (μ, 0).

    Raises:
        ValueError: the mean is neither a number nor a vector.

    Reference:
        Daskalakis, Ilyas, Syrgkanis, Zeng, "Training GANs with Optimism", 2018.

    Example:
        >>> import ganfield as gf
        >>> gf.vector_field(gf.games.gaussian_mean(mean=3.0))(gf.Players(1.0, 0.5))
        Players(theta=Array(0.5, dtype=float32...), phi=Array(2., dtype=float32...))
    """
    check_array(mean, argument="mean")
    target = jnp.asarray(mean, jnp.result_type(float, mean))
    if target.ndim > 1:
        raise ValueError(f"mean must be a number or a vector, got shape {target.shape}")

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return jnp.vdot(phi, target - theta)

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(
            jax.random.normal(key_theta, target.shape, target.dtype),
            jax.random.normal(key_phi, target.shape, target.dtype),
        )

    def jacobian(params: Players) -> jax.Array:
        del params
        zero, eye = jnp.zeros((target.size, target.size)), jnp.eye(target.size)
        return jnp.block([[zero, eye], [-eye, zero]])

    equilibrium = Players(target, jnp.zeros_like(target))
    return zero_sum(loss, init, jacobian=jacobian, equilibria=(equilibrium,))
