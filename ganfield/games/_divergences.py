"""Objectives of f-GANs: the discriminator estimates an f-divergence, the generator minimises it.

An f-divergence of the data's density p from the generator's density q is D_f = ∫ q f(p/q) with f
convex and f(1) = 0. With its conjugate f* and any function T, E_p T − E_q f*(T) ≤ D_f, with
equality for T = f′(p/q). T = g(D) makes of a logit D, any real number, what f* takes:

    name                    f(u)            g(D)            f*(g(D))      best D
    fgan_kl                 u log u         D               exp(D − 1)    1 + log p/q
    fgan_reverse_kl         −log u          −exp(−D)        D − 1         log p/q
    fgan_pearson            (u − 1)²        D               D²/4 + D      2(p/q − 1)
    fgan_squared_hellinger  (√u − 1)²       1 − exp(−D)     exp(D) − 1    ½ log p/q
    fgan_jensen_shannon     (see there)     log 2 − s(−D)   s(D) − log 2  log p/q

with s the softplus. Here θ minimises and φ maximises the same E_p T − E_q f*(T), of which θ's loss
leaves out the part that does not depend on it: the games are zero-sum, and where the discriminator
is sure of the fakes θ's gradient may vanish. They are not the objectives `kl` and `js` of the
official code of "The Numerics of GANs": those train φ by cross-entropy, whatever θ minimises (`js`
and `fgan_jensen_shannon` differ by constants alone; `kl` leads θ to the divergence that
`fgan_reverse_kl` estimates). exp(x) goes on as its tangent beyond x = 40, so that it stays finite.

Reference:
    Nowozin, Cseke, Tomioka, "f-GAN: Training Generative Neural Samplers using Variational
    Divergence Minimization", 2016, table 2 and algorithm 1.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.nn import softplus

from ganfield._types import Players

_LARGEST = 40.0  # e⁴⁰ is 2·10¹⁷: float32 holds its square, which norms of gradients need.


def fgan_kl(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the f-GAN losses of KL(p ‖ q): θ −mean exp(D(fake) − 1), φ minus it − mean D(real).

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss. −loss_φ is at most KL(p ‖ q), and equal to it
        for D = 1 + log p/q.

    Reference:
        Nowozin, Cseke, Tomioka, "f-GAN", 2016.

    Example:
        >>> import jax.numpy as jnp
        >>> fgan_kl(jnp.ones(4), jnp.ones(4))  # D = 1 says p = q
        Players(theta=Array(-1., dtype=float32), phi=Array(0., dtype=float32))
    """
    return _players(logits_real, _exp(logits_fake - 1))


def fgan_reverse_kl(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the f-GAN losses of KL(q ‖ p): θ 1 − mean D(fake), φ minus it + mean exp(−D(real)).

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss. −loss_φ is at most KL(q ‖ p), and equal to it
        for D = log p/q.

    Reference:
        Nowozin, Cseke, Tomioka, "f-GAN", 2016.

    Example:
        >>> import jax.numpy as jnp
        >>> fgan_reverse_kl(jnp.zeros(4), jnp.zeros(4))
        Players(theta=Array(1., dtype=float32), phi=Array(0., dtype=float32))
    """
    return _players(-_exp(-logits_real), logits_fake - 1)


def fgan_pearson(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the f-GAN losses of Pearson's χ²: θ −mean (D²/4 + D)(fake), φ minus it − mean D(real).

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss. −loss_φ is at most ∫ (p − q)²/q, and equal to
        it for D = 2(p/q − 1).

    Reference:
        Nowozin, Cseke, Tomioka, "f-GAN", 2016. `least_squares` has another χ², ∫ (p − q)²/(p + q).

    Example:
        >>> import jax.numpy as jnp
        >>> fgan_pearson(jnp.ones(4), 2 * jnp.ones(4))
        Players(theta=Array(-3., dtype=float32), phi=Array(2., dtype=float32))
    """
    return _players(logits_real, logits_fake**2 / 4 + logits_fake)


def fgan_squared_hellinger(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the f-GAN losses of squared Hellinger: θ 1 − mean exp D(fake), φ the exponential loss.

    φ's is mean exp(−D(real)) + mean exp D(fake) − 2, that of boosting.

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss. −loss_φ is at most ∫ (√p − √q)², and equal to
        it for D = ½ log p/q.

    Reference:
        Nowozin, Cseke, Tomioka, "f-GAN", 2016.

    Example:
        >>> import jax.numpy as jnp
        >>> fgan_squared_hellinger(jnp.zeros(4), jnp.zeros(4)).phi
        Array(0., dtype=float32)
    """
    return _players(1 - _exp(-logits_real), _exp(logits_fake) - 1)


def fgan_jensen_shannon(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
    """Return the f-GAN losses of Jensen–Shannon: those of `js`, θ's plus log 2, φ's minus 2 log 2.

    f(u) = u log u − (u + 1) log((u + 1)/2).

    Args:
        logits_real: D on real examples, any shape.
        logits_fake: D on fake ones, any shape.

    Returns:
        `Players` of two scalars, each player's loss. −loss_φ is at most KL(p ‖ m) + KL(q ‖ m) with
        m = (p + q)/2, which is 2·JSD(p, q), and equal to it for D = log p/q.

    Reference:
        Nowozin, Cseke, Tomioka, "f-GAN", 2016.

    Example:
        >>> import jax.numpy as jnp
        >>> fgan_jensen_shannon(jnp.zeros(4), jnp.zeros(4)).phi
        Array(0., dtype=float32)
    """
    return _players(math.log(2) - softplus(-logits_real), softplus(logits_fake) - math.log(2))


def _players(real: jax.Array, fake: jax.Array) -> Players:
    """Return the losses, from T of real examples and f*(T) of fake ones."""
    mean = jnp.mean(fake)
    return Players(-mean, mean - jnp.mean(real))


def _exp(x: jax.Array) -> jax.Array:
    """Return exp(x), from `_LARGEST` on its tangent there."""
    return jnp.exp(jnp.minimum(x, _LARGEST)) * (1 + jnp.maximum(x - _LARGEST, 0))
