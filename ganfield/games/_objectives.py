"""GAN objectives: what the discriminator's logits mean to either player.

Each is a function ``(logits_real, logits_fake) -> Players(loss_theta, loss_phi)`` of arrays of any
shape, and each player minimises its own. They are the five of the official code of "The Numerics of
GANs" (Mescheder, Nowozin, Geiger 2017). With ``s`` the softplus, the cross-entropy of a logit t
against the label 1 is s(−t), and against 0 it is s(t).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.nn import softplus

from ganfield._types import Players

Objective = Callable[[jax.Array, jax.Array], Players]


def _cross_entropy(logits_real: jax.Array, logits_fake: jax.Array) -> jax.Array:
    return jnp.mean(softplus(-logits_real)) + jnp.mean(softplus(logits_fake))


def standard(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the non-saturating losses: θ mean s(−D(fake)), φ the cross-entropy.

    Not zero-sum: the generator's gradient does not vanish when the discriminator wins.

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

    At the optimal discriminator the generator minimises twice the Jensen–Shannon divergence, up to
    a constant; its gradient vanishes where the discriminator is sure.

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

    Example:
        >>> import jax.numpy as jnp
        >>> kl(jnp.zeros(4), jnp.ones(4)).theta
        Array(-1., dtype=float32)
    """
    return Players(-jnp.mean(logits_fake), _cross_entropy(logits_real, logits_fake))


def tv(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean tanh D(fake), φ mean tanh D(fake) − mean tanh D(real): total variation.

    Example:
        >>> import jax.numpy as jnp
        >>> tv(jnp.zeros(4), jnp.zeros(4)).phi
        Array(0., dtype=float32)
    """
    fake = jnp.mean(jnp.tanh(logits_fake))
    return Players(-fake, fake - jnp.mean(jnp.tanh(logits_real)))


def indicator(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return θ −mean D(fake), φ mean D(fake) − mean D(real): the losses of a Wasserstein GAN.

    Nothing bounds the discriminator's slope here; a penalty or a clip must.

    Example:
        >>> import jax.numpy as jnp
        >>> indicator(2 * jnp.ones(4), jnp.ones(4)).phi
        Array(-1., dtype=float32)
    """
    fake = jnp.mean(logits_fake)
    return Players(-fake, fake - jnp.mean(logits_real))


OBJECTIVES: dict[str, Objective] = {
    "standard": standard,
    "js": js,
    "kl": kl,
    "tv": tv,
    "indicator": indicator,
}
