"""The Dirac-GAN, the smallest GAN: one point to imitate, a linear discriminator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_not_negative, lookup
from ganfield.games._base import GAMES, Game, joint, normal_scalars
from ganfield.games._objectives import OBJECTIVES, Objective
from ganfield.games._penalties import PENALTIES

_NUM_NODES = 32  # of the quadrature
_KINKED = ("wgan_gp", "dragan")
# These see φ(n − θ − n′), n the noise of real and n′ that of fake, or with one of the two its mean.
# All are symmetric, so noise in real alone, of this many σ, has the same expectation.
_OF_DIFFERENCES = {"relativistic": math.sqrt(2), "relativistic_average": 1.0}


@registered(GAMES)
def dirac_gan(
    objective: str = "standard",
    penalty: str | None = None,
    penalty_weight: ArrayLike = 1.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the GAN whose data is the point 0, generator the point θ, discriminator D(x) = φx.

    At the equilibrium (0, 0) v′ has the eigenvalues ±i/2 for the objectives "standard", "js",
    "fgan_jensen_shannon" and "relativistic", ±i/√2 for "kl", ±i/e for "fgan_kl", and ±i for the
    others: without a regulariser it circles. Only for "least_squares" both are 0, and all points
    (0, φ) are equilibria. The flow of "js", which is zero-sum, conserves θ² + φ².

    **Gradient penalties** add ``penalty_weight`` γ times the penalty to φ's loss. D has the slope φ
    everywhere, so "r1", "r2" and "zero_centred" are all γφ²/2, and the eigenvalues, with ±if′ those
    without a penalty, −γ/2 ± √(γ²/4 − f′²): real from the critical γ = 2f′ on. "wgan_gp" and
    "dragan" are γ(|φ| − 1)², which is not smooth at φ = 0.

    **Instance noise** N(0, σ²) is added to real and to fake, and the losses are the expectations
    over it, by Gauss–Hermite quadrature with 32 nodes instead of samples. Its error grows with
    |φ|σ: for the cross-entropies it is about 1e−7 at 2 and 1e−4 at 4; for "tv" 1e−7 at 1 and 4e−4
    at 2; across the kinks of "hinge" it is larger. For "standard" and "js"
    the eigenvalues are f″σ² ± √(f″²σ⁴ − f′²) with f′ = ½ and f″ = −¼: real from σ = √2 on.

    Args:
        objective: a name in `ganfield.OBJECTIVES`.
        penalty: a name in `ganfield.games.PENALTIES`, or None.
        penalty_weight: γ ≥ 0 of the penalty. May be traced, and is then not checked.
        instance_noise: σ ≥ 0. May be traced, and is then not checked.

    Returns:
        A `Game` with its equilibrium (0, 0), and with its Jacobian where it has neither a penalty
        nor noise. With "wgan_gp" and "dragan" no equilibrium is given.

    Raises:
        ValueError: the objective or the penalty is not registered; the weight or the noise is
            negative.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.
        Its ψ is our φ.

    Example:
        >>> import ganfield as gf
        >>> origin = gf.Players(0.0, 0.0)
        >>> v = gf.vector_field(gf.games.dirac_gan("standard"))
        >>> gf.eigenvalues(v)(origin).round(3)
        Array([0.+0.5j, 0.-0.5j], dtype=complex64)
        >>> v = gf.vector_field(gf.games.dirac_gan("standard", penalty="r1", penalty_weight=0.6))
        >>> gf.eigenvalues(v)(origin).round(3)
        Array([-0.3+0.4j, -0.3-0.4j], dtype=complex64)
    """
    objective_losses = lookup(OBJECTIVES, objective, argument="objective")
    slope_penalty = None if penalty is None else lookup(PENALTIES, penalty, argument="penalty")
    check_not_negative(penalty_weight, argument="penalty_weight")
    check_not_negative(instance_noise, argument="instance_noise")
    noiseless = isinstance(instance_noise, float | int) and instance_noise == 0

    def losses(params: Players, batch: None) -> Players:
        del batch
        theta, phi = params

        def at(noise: ArrayLike) -> Players:
            real, fake = noise, theta + noise
            if objective in _OF_DIFFERENCES:
                real, fake = _OF_DIFFERENCES[objective] * noise, theta
            return objective_losses(jnp.asarray(phi * real), jnp.asarray(phi * fake))

        values = at(0.0) if noiseless else _normal_mean(at, instance_noise)
        if slope_penalty is None:
            return values
        fake = jnp.reshape(jnp.asarray(theta, jnp.result_type(theta, 0.0)), (1,))
        # D has one slope, so where a penalty looks, which is what the key decides, is no matter.
        keys = jax.random.key(0)[None]
        slope = slope_penalty(lambda x: phi * x, jnp.zeros_like(fake), fake, keys)
        return values._replace(phi=values.phi + penalty_weight * slope)

    plain = noiseless and penalty is None
    return joint(
        losses,
        normal_scalars,
        jacobian=partial(_jacobian, objective_losses) if plain else None,
        equilibria=() if penalty in _KINKED else (Players(0.0, 0.0),),
    )


def _normal_mean(values: Callable[[jax.Array], Players], std: ArrayLike) -> Players:
    """Return the expectation of ``values(noise)`` over noise ~ N(0, std²)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NUM_NODES)
    shares = jnp.asarray(weights / weights.sum())
    at_nodes = jax.vmap(values)(jnp.asarray(std) * jnp.asarray(nodes))
    return jax.tree.map(lambda leaf: shares @ leaf, at_nodes)


def _jacobian(objective: Objective, params: Players) -> jax.Array:
    """Return v′ of the plain game: with t = θφ and losses a(t), b(t), v = (−a′φ, −b′θ)."""
    theta, phi = params
    t = theta * phi

    def slope(name: str, t: jax.Array) -> jax.Array:
        return jax.grad(lambda x: getattr(objective(jnp.zeros_like(t), x), name))(t)

    (a1, a2), (b1, b2) = (
        jax.value_and_grad(partial(slope, name))(jnp.asarray(t, float)) for name in ("theta", "phi")
    )
    return -jnp.array([[a2 * phi**2, a1 + a2 * t], [b1 + b2 * t, b2 * theta**2]])
