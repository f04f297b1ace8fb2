"""GAN objectives: what the discriminator's logits mean to either player.

Each is a function ``(logits_real, logits_fake) -> Players(loss_theta, loss_phi)`` of arrays of any
shape, and each player minimises its own. The first five are those of the official code of "The
Numerics of GANs" (Mescheder, Nowozin, Geiger 2017); those of f-GANs and the relativistic ones have
files of their own. With ``s`` the softplus, the cross-entropy of a logit t against the label 1 is
s(−t), and against 0 it is s(t).
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

from ganfield._registry import Registry
from ganfield._types import Players
from ganfield.games._divergences import (
    fgan_jensen_shannon,
    fgan_kl,
    fgan_pearson,
    fgan_reverse_kl,
    fgan_squared_hellinger,
)
from ganfield.games._relativistic import relativistic, relativistic_average

Objective = Callable[[jax.Array, jax.Array], Players]


def _cross_entropy(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    return jnp.mean(softplus(-logits_real)) + jnp.mean(softplus(logits_fake))


def standard(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the non-saturating losses: θ mean s(−D(fake)), φ the cross-entropy.

    Not zero-sum: the generator's gradient does not vanish when the discriminator wins.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", 2014, section 3.

    Example:
        >>> import jax.numpy as jnp
        >>> standard(jnp.zeros(4), jnp.zeros(4))  # log 2 and 2 log 2
        Players(theta=Array(0.6931472, dtype=float32), phi=Array(1.3862944, dtype=float32))
    """
    return Players(jnp.mean(softplus(-logits_fake)), _cross_entropy(logits_real, logits_fake))


def js(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the minimax losses: θ −mean s(D(fake)), φ the cross-entropy.

    At the optimal discriminator −loss_φ is 2·JSD(p_data, p_g) − log 4, and θ's gradient is that of
    this divergence; it vanishes where the discriminator is sure.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Example:
        >>> import jax.numpy as jnp
        >>> js(jnp.zeros(4), jnp.zeros(4)).theta
        Array(-0.6931472, dtype=float32)
    """
    return Players(-jnp.mean(softplus(logits_fake)), _cross_entropy(logits_real, logits_fake))


def kl(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean D(fake), φ the cross-entropy.

    The optimal discriminator is D = log p_data/p_g, at which the generator minimises the
    Kullback–Leibler divergence KL(p_g ‖ p_data).

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Example:
        >>> import jax.numpy as jnp
        >>> kl(jnp.zeros(4), jnp.ones(4)).theta
        Array(-1., dtype=float32)
    """
    return Players(-jnp.mean(logits_fake), _cross_entropy(logits_real, logits_fake))


def tv(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean tanh D(fake), φ mean tanh D(fake) − mean tanh D(real): total variation.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Example:
        >>> import jax.numpy as jnp
        >>> tv(jnp.zeros(4), jnp.zeros(4)).phi
        Array(0., dtype=float32)
    """
    fake = jnp.mean(jnp.tanh(logits_fake))
    return Players(-fake, fake - jnp.mean(jnp.tanh(logits_real)))


def indicator(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean D(fake), φ mean D(fake) − mean D(real): `wasserstein` in the official code.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Example:
        >>> import jax.numpy as jnp
        >>> indicator(2 * jnp.ones(4), jnp.ones(4)).phi
        Array(-1., dtype=float32)
    """
    return wasserstein(logits_real, logits_fake)


def wasserstein(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean D(fake), φ mean D(fake) − mean D(real): a Wasserstein GAN (WGAN).

    Over all D with slopes of at most 1, −loss_φ is at most the Wasserstein distance W₁ of the data
    and the fakes, and reaches it. Nothing here bounds the slope; a penalty or a clip must.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017.

    Example:
        >>> import jax.numpy as jnp
        >>> wasserstein(2 * jnp.ones(4), jnp.ones(4))
        Players(theta=Array(-1., dtype=float32), phi=Array(-1., dtype=float32))
    """
    fake = jnp.mean(logits_fake)
    return Players(-fake, fake - jnp.mean(logits_real))


def least_squares(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return LSGAN: θ ½ mean D(fake)², φ ½ mean (D(real) − 1)² + ½ mean (D(fake) + 1)².

    The targets are b = 1 for real, a = −1 for fake, and c = 0 for the fakes as the generator wants
    them: b − a = 2 and b − c = 1, the paper's case of the Pearson χ²-divergence. The generator's
    gradient vanishes where D(fake) = 0, so that near an equilibrium with D = 0 it is of second
    order, and the linearised game of the Dirac-GAN does not turn but is degenerate.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Reference:
        Mao, Li, Xie, Lau, Wang, Smolley, "Least Squares Generative Adversarial Networks", 2017,
        section 3.3.

    Example:
        >>> import jax.numpy as jnp
        >>> least_squares(jnp.zeros(4), jnp.ones(4))
        Players(theta=Array(0.5, dtype=float32), phi=Array(2.5, dtype=float32))
    """
    phi = jnp.mean((logits_real - 1) ** 2) + jnp.mean((logits_fake + 1) ** 2)
    return Players(jnp.mean(logits_fake**2) / 2, phi / 2)


def hinge(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean D(fake), φ mean relu(1 − D(real)) + mean relu(1 + D(fake)).

    Logits beyond the margins ±1 cost the discriminator nothing. Not smooth where D(real) = 1 or
    D(fake) = −1.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Reference:
        Lim, Ye, "Geometric GAN", 2017; Tran, Ranganath, Blei, "Hierarchical Implicit Models and
        Likelihood-Free Variational Inference", 2017.

    Example:
        >>> import jax.numpy as jnp
        >>> hinge(2 * jnp.ones(4), jnp.ones(4))
        Players(theta=Array(-1., dtype=float32), phi=Array(2., dtype=float32))
    """
    phi = jnp.mean(relu(1 - logits_real)) + jnp.mean(relu(1 + logits_fake))
    return Players(-jnp.mean(logits_fake), phi)


OBJECTIVES: Registry[Objective] = Registry(
    "objective",
    {
        "standard": standard,
        "js": js,
        "kl": kl,
        "tv": tv,
        "indicator": indicator,
        "least_squares": least_squares,
        "hinge": hinge,
        "wasserstein": wasserstein,
        "fgan_kl": fgan_kl,
        "fgan_reverse_kl": fgan_reverse_kl,
        "fgan_pearson": fgan_pearson,
        "fgan_squared_hellinger": fgan_squared_hellinger,
        "fgan_jensen_shannon": fgan_jensen_shannon,
        "relativistic": relativistic,
        "relativistic_average": relativistic_average,
    },
)
