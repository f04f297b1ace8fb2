"""The GAN of the minibatch experiment, and what is known of it by sums over its population.

Bias and variance of the estimates from one batch by Hoeffding's decomposition, and the direction
that they follow on average.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

import ganfield as gf

EQUILIBRIUM = gf.Players(1.0, 0.0)


def game_of(objective: str) -> gf.Game:
    """Return the GAN with generator θz and discriminator φx²."""
    scale = gf.networks.Network(lambda key: jnp.ones(()), lambda theta, z: theta * z, (1,))
    judge = gf.networks.Network(lambda key: jnp.zeros(()), lambda phi, x: phi * x**2, (1,))
    return gf.games.gan(scale, judge, objective)


def population_of(size: int) -> gf.Batch:
    """Return pairs whose real and latent parts are the same standardised normal quantiles.

    Since the two parts agree, (θ, φ) = (1, 0) is an equilibrium exactly. They are paired at random.
    """
    quantiles = jax.scipy.special.ndtri((jnp.arange(size) + 0.5) / size)
    quantiles = quantiles / jnp.sqrt(jnp.mean(quantiles**2))
    latent = jax.random.permutation(jax.random.key(0), quantiles)
    return gf.Batch(quantiles[:, None], latent[:, None])


def flat(tree: Any) -> jax.Array:
    """Return θ and φ as one vector."""
    return ravel_pytree(tree)[0]


class Kernel(NamedTuple):
    """An estimate that is the mean of aᵢ over examples plus the mean of Kᵢⱼ over pairs of them.

    The plug-in averages over all pairs of a batch, i = j among them; m groups leave out the pairs
    within a group.

    Attributes:
        single: a, shape (N, d).
        pair: K, symmetric and bilinear in the two examples, shape (N, N, d).
    """

    single: jax.Array
    pair: jax.Array


def kernels(
    field: gf.Field, params: gf.Players, population: gf.Batch, gamma: float
) -> dict[str, Kernel]:
    """Return the kernels of ½‖E v‖² and of the consensus direction, over the population.

    They are Kᵢⱼ = ½⟨vᵢ, vⱼ⟩, and aᵢ = vᵢ with Kᵢⱼ = −γ·½(Jᵢᵀvⱼ + Jⱼᵀvᵢ).
    """
    examples = jax.tree.map(lambda leaf: leaf[:, None], population)
    values = jax.vmap(lambda one: flat(field(params, one)))(examples)
    jacobians = jax.vmap(lambda one: gf.jacobian(field)(params, one))(examples)
    products = jnp.einsum("ikd,jk->ijd", jacobians, values)
    return {
        "value": Kernel(jnp.zeros((len(values), 1)), 0.5 * (values @ values.T)[..., None]),
        "direction": Kernel(values, -gamma * 0.5 * (products + products.swapaxes(0, 1))),
    }


class Moments(NamedTuple):
    """What an estimate is, and how it varies: exact for batches drawn with replacement."""

    truth: jax.Array
    diagonal: jax.Array  # mean of Rᵢᵢ: the plug-in's bias is this over B
    linear: jax.Array  # E‖ℓ‖²
    residual: jax.Array  # E‖R‖²
    cross: jax.Array  # E⟨ℓᵢ, Rᵢᵢ⟩
    spread: jax.Array  # E‖Rᵢᵢ − mean‖²


def moments(kernel: Kernel) -> Moments:
    """Return the moments of Hoeffding's parts of a kernel.

    ℓᵢ = aᵢ − ā + 2(Kᵢ. − K..) and Rᵢⱼ = Kᵢⱼ − Kᵢ. − K.ⱼ + K.., a dot being the population's mean.
    """
    row, total = kernel.pair.mean(axis=1), kernel.pair.mean(axis=(0, 1))
    linear = kernel.single - kernel.single.mean(axis=0) + 2 * (row - total)
    residual = kernel.pair - row[:, None] - row[None, :] + total
    diagonal = jnp.einsum("iid->id", residual)
    return Moments(
        truth=kernel.single.mean(axis=0) + total,
        diagonal=diagonal.mean(axis=0),
        linear=jnp.mean(jnp.sum(linear**2, axis=-1)),
        residual=jnp.mean(jnp.sum(residual**2, axis=-1)),
        cross=jnp.mean(jnp.sum(linear * diagonal, axis=-1)),
        spread=jnp.sum(diagonal.var(axis=0)),
    )


def exact_bias(of: Moments, batch_size: int, groups: int) -> jax.Array:
    """Return the expected error of an estimate from one batch."""
    return of.diagonal / batch_size if groups == 1 else jnp.zeros_like(of.diagonal)


def exact_variance(of: Moments, batch_size: int, groups: int) -> jax.Array:
    """Return the total variance of an estimate from one batch.

    With m ≥ 2 groups it is E‖ℓ‖²/B + 2m/(m−1)·E‖R‖²/B²: groups act on the second term alone, and
    by a factor of two at most. For ½‖E v‖² that is vᵀΣv/B + m/(2(m−1))·tr Σ²/B², Σ = Cov v.
    """
    if groups > 1:
        pairs = 2 * groups / (groups - 1) * of.residual / batch_size**2
        return of.linear / batch_size + pairs
    single = of.linear + 2 * of.cross / batch_size + of.spread / batch_size**2
    return single / batch_size + 2 * (batch_size - 1) / batch_size**3 * of.residual


def trace_covariance(field: gf.Field, params: gf.Players, population: gf.Batch) -> jax.Array:
    """Return tr Cov(v) of one example; over 2B it is the plug-in's bias."""
    examples = jax.tree.map(lambda leaf: leaf[:, None], population)
    values = jax.vmap(lambda one: flat(field(params, one)))(examples)
    return jnp.sum(values.var(axis=0))


def expected_consensus(
    field: gf.Field, population: gf.Batch, gamma: float, weight: jax.typing.ArrayLike = 0.0
) -> gf.Field:
    """Return v − γ∇(½‖E v‖² + weight·tr Cov v): with weight 1/2B, what the plug-in follows."""
    consensus = gf.consensus(field, gamma=gamma)

    def expected(params: gf.Players, batch: Any = None) -> gf.Players:
        bias = jax.grad(lambda p: trace_covariance(field, p, population))(params)
        return jax.tree.map(
            lambda w, b: w - gamma * weight * b, consensus(params, population), bias
        )

    return expected


def displaced_points(
    field: gf.Field, population: gf.Batch, gamma: float, weights: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Follow the zero of the expected direction as the bias grows from nothing.

    Args:
        field: v.
        population: all pairs.
        gamma: γ.
        weights: 1/2B, rising from 0 in steps small enough for Newton's method.

    Returns:
        The points (θ, φ), shape (len(weights), 2), and how far from zero the direction is there.
    """

    def direction(x: jax.Array, weight: jax.Array) -> jax.Array:
        return flat(expected_consensus(field, population, gamma, weight)(gf.Players(*x)))

    def newton(_: int, place: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        x, weight = place
        slope = jax.jacfwd(direction)(x, weight)
        return x - jnp.linalg.solve(slope, direction(x, weight)), weight

    def follow(x: jax.Array, weight: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        x, _ = jax.lax.fori_loop(0, 6, newton, (x, weight))
        return x, (x, jnp.linalg.norm(direction(x, weight)))

    return jax.lax.scan(follow, jnp.asarray(flat(EQUILIBRIUM), weights.dtype), weights)[1]
