"""Relativistic objectives: how much more real than a fake one is a real example?

Other objectives are a mean over real examples plus a mean over fake ones. These compare the two,
which matters to whoever splits a batch (`groups` of `ganfield.consensus`, accumulated gradients).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import softplus

from ganfield._types import Players


def relativistic(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return relativistic losses (RSGAN): θ mean s(D(real) − D(fake)), φ mean s(D(fake) − D(real)).

    s is the softplus. Each real example is paired with the fake one at its place, so a batch is one
    of pairs, the losses are means over pairs, and a part of a batch (a group of consensus) is a
    smaller batch of the same kind. A constant added to D changes nothing, so that with a bias
    in its last layer v′ has the eigenvalue 0.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, the same shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Raises:
        ValueError: the shapes differ.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
        GAN", 2019 (RSGAN).

    Example:
        >>> import jax.numpy as jnp
        >>> relativistic(3 * jnp.ones(4), 3 * jnp.ones(4))  # log 2 whenever D is constant
        Players(theta=Array(0.6931472, dtype=float32), phi=Array(0.6931472, dtype=float32))
    """
    if np.shape(logits_real) != np.shape(logits_fake):
        raise ValueError(
            "the relativistic objective compares pairs: logits_real and logits_fake must have the "
            f"same shape, got {np.shape(logits_real)} and {np.shape(logits_fake)}"
        )
    margin = logits_real - logits_fake
    return Players(jnp.mean(softplus(margin)), jnp.mean(softplus(-margin)))


def relativistic_average(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the losses in which each example meets the mean of the other kind (RaSGAN).

    With r = D(real) − mean D(fake), f = D(fake) − mean D(real) and s the softplus, φ's loss is
    mean s(−r) + mean s(f) and θ's mean s(r) + mean s(−f).

    The means stand inside s, so the examples of a batch interact: the losses of a batch are not the
    mean of the losses of its parts. Groups of consensus compare each with its own means, and their
    mean field is not v of the whole batch; in groups of one pair these are twice the losses of
    `relativistic`. A constant added to D changes nothing here either.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator: a key element missing from standard
        GAN", 2019 (RaSGAN); its code takes half of each.

    Example:
        >>> import jax.numpy as jnp
        >>> relativistic_average(jnp.zeros(4), jnp.ones(3))
        Players(theta=Array(0.62652..., dtype=float32), phi=Array(2.6265..., dtype=float32))
    """
    real = logits_real - jnp.mean(logits_fake)
    fake = logits_fake - jnp.mean(logits_real)
    return Players(
        jnp.mean(softplus(real)) + jnp.mean(softplus(-fake)),
        jnp.mean(softplus(-real)) + jnp.mean(softplus(fake)),
    )
