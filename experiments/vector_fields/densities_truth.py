"""A pair of densities on a line, its optimal discriminator, and expectations by quadrature."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy import integrate
from scipy.stats import norm

import ganfield as gf

# Where p + q is less, a discriminator sees nothing.
UNSEEN = 1e-3
OBJECTIVES = {"js": "minimax", "standard": "non-saturating"}


class Case(NamedTuple):
    """Two densities: the data's, two Gaussians of equal weight, and the generator's N(m, 1).

    Attributes:
        means: of the two Gaussians, shape (2,); equal for a single one.
        std: their standard deviation.
        m: the generator's mean.
    """

    means: Any
    std: Any
    m: Any


def log_normal(x: jax.Array, mean: Any, std: Any) -> jax.Array:
    """Return log N(x; mean, std²)."""
    return -0.5 * ((x - mean) / std) ** 2 - jnp.log(std) - 0.5 * np.log(2 * np.pi)


def log_p(case: Case, x: jax.Array) -> jax.Array:
    """Return the data's log density."""
    first, second = (log_normal(x, case.means[index], case.std) for index in (0, 1))
    return jnp.logaddexp(first, second) - np.log(2)


def log_q(case: Case, x: jax.Array) -> jax.Array:
    """Return the generator's log density."""
    return log_normal(x, case.m, 1.0)


GENERATOR = gf.networks.Network(lambda key: jnp.zeros(()), lambda m, latent: m + latent, (1,))
"""N(m, 1), one parameter."""


def optimal_discriminator(case: Case) -> gf.networks.Network:
    """Return the discriminator log p − log q_φ, the best against the generator at θ = φ.

    Its parameter φ is where it takes the generator to be, so that the generator's gradient is that
    at a fixed discriminator.
    """
    return gf.networks.Network(
        lambda key: jnp.zeros(()),
        lambda phi, x: optimal_logit(case._replace(m=phi))(x),
        (1,),
    )


def optimal_logit(case: Case) -> Callable[[jax.Array], jax.Array]:
    """Return x ↦ log p(x)/q(x)."""
    return lambda x: log_p(case, x) - log_q(case, x)


def around(case: Case, count: int) -> jax.Array:
    """Return points from 5 below the lowest mean to 5 above the highest."""
    means = jnp.stack([*jnp.asarray(case.means), jnp.asarray(case.m)])
    return jnp.linspace(means.min() - 5, means.max() + 5, count)


def nodes(case: Case, spacing: float = 0.05, reach: float = 12.0) -> tuple[gf.Batch, jax.Array]:
    """Return batches of one point each, shape (n, 1, 1), and their weights: a quadrature.

    The trapezoidal rule for a standard Gaussian, which converges exponentially; it stands for both
    the latent variables and the noise of either mode of the data. Since GAN losses are a mean over
    reals plus a mean over fakes, pairing the two costs nothing.
    """
    z = np.arange(-reach, reach + spacing / 2, spacing)
    weights = np.exp(-(z**2) / 2)
    real = (jnp.asarray(case.means)[:, None] + case.std * z).ravel()
    latent, both = np.tile(z, 2), np.tile(weights / weights.sum() / 2, 2)
    return gf.Batch(real[:, None, None], jnp.asarray(latent)[:, None, None]), jnp.asarray(both)


def expectation(
    function: Callable[..., gf.Players], case: Case
) -> Callable[[gf.Players], gf.Players]:
    """Return params ↦ the expectation of ``function(params, batch)`` over data and latents."""

    def mean(params: gf.Players) -> gf.Players:
        batches, weights = nodes(case)
        values = jax.vmap(function, in_axes=(None, 0))(params, batches)
        return jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, 1), values)

    return mean


def jsd(case: Case) -> float:
    """Return the Jensen–Shannon divergence of p and q in nats, by SciPy's adaptive quadrature."""
    first, second, m = (float(mean) for mean in (*case.means, case.m))
    std = float(case.std)

    def integrand(x: float) -> float:
        modes = [norm.pdf(x, mean, std) for mean in (first, second)]
        p, q = sum(modes) / 2, norm.pdf(x, m, 1.0)
        return sum(0.5 * d * np.log(2 * d / (p + q)) for d in (p, q) if d > 0)

    cuts = sorted({first, second, m})
    low, high = cuts[0] - 12 * max(std, 1.0), cuts[-1] + 12 * max(std, 1.0)
    value, _ = integrate.quad(
        integrand, low, high, points=cuts, limit=500, epsabs=1e-11, epsrel=1e-11
    )
    return float(value)


def judge(case: Case, network: gf.networks.Network, phi: Any) -> dict[str, jax.Array]:
    """Return the game's value and the generator's gradients at one discriminator, by quadrature.

    Returns:
        "value", E log D(real) + E log(1 − D(fake)), which θ minimises and φ maximises in the
        minimax game; "loss", the part of it that contains θ; and the absolute value of each
        objective's ∂loss_θ/∂m.
    """
    params = gf.Players(case.m, phi)
    games = {name: gf.games.gan(GENERATOR, network, name) for name in OBJECTIVES}
    losses = expectation(games["js"].losses, case)(params)
    slopes = {
        name: jnp.abs(expectation(gf.vector_field(game), case)(params).theta)
        for name, game in games.items()
    }
    return {"value": -losses.phi, "loss": losses.theta, **slopes}


def judge_optimal(case: Case) -> dict[str, jax.Array]:
    """Return the same at D*."""
    return judge(case, optimal_discriminator(case), case.m)


def logit_errors(case: Case, logit: Callable[[jax.Array], jax.Array]) -> dict[str, jax.Array]:
    """Return how far a logit, a function of points (n,), is from that of D*.

    Returns:
        The root mean square with the weight (p + q)/2; the largest where p + q ≥ UNSEEN, and the
        largest elsewhere within 5 of the means; the largest error of D itself, a probability,
        where p + q ≥ UNSEEN.
    """
    batch, weights = nodes(case)
    drawn = jnp.stack([batch.real.ravel(), batch.latent.ravel() + case.m])
    best = optimal_logit(case)
    square = jnp.sum(weights * jnp.mean((jax.vmap(logit)(drawn) - best(drawn)) ** 2, axis=0))
    x = around(case, 1001)
    dense = jnp.exp(log_p(case, x)) + jnp.exp(log_q(case, x)) >= UNSEEN
    error = jnp.abs(logit(x) - best(x))
    probability = jnp.abs(jax.nn.sigmoid(logit(x)) - jax.nn.sigmoid(best(x)))
    return {
        "logit_rms": jnp.sqrt(square),
        "logit_max_seen": jnp.max(error, where=dense, initial=0),
        "logit_max_unseen": jnp.max(error, where=~dense, initial=0),
        "probability_max_seen": jnp.max(probability, where=dense, initial=0),
    }
