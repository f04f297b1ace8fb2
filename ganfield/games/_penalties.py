"""Gradient penalties: what a discriminator pays for its slope.

Each is a function ``(score, real, fake, key=None) -> scalar``, where ``score(x) -> logits`` is the
discriminator on a batch, shape (batch,) or (batch, 1), and ``real`` and ``fake`` have the shape
``(batch, *example_shape)``. Add it, times a weight, to the discriminator's loss, as
`ganfield.games.gan` does. Derivatives flow through the examples, so the generator's parameters
reach the Jacobian of the game through the fakes.

**Slopes.** ∇D(x) of an example is its part of the gradient of Σ D over the batch: one pullback of
the whole batch, not one for each example. Where batch normalisation makes examples interact, an
example's part also holds what it does to the others' logits.

**Random points.** ``key`` holds a typed key for each example, and each draws its own point.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import Registry
from ganfield._types import ArrayLike
from ganfield.checks import check_not_negative
from ganfield.games._keys import check_keys, normal_like

Score = Callable[[jax.Array], jax.Array]
"""``score(x) -> logits``, shape (batch,) or (batch, 1), of a batch of examples of any shape."""

Penalty = Callable[..., jax.Array]
"""``penalty(score, real, fake, key=None) -> scalar``."""


def r1(score: Score, real: jax.Array, fake: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Return mean ½‖∇D(real)‖² (R1).

    Args:
        score: the discriminator D on a batch.
        real: real examples.
        fake: not used.
        key: not used.

    Returns:
        A scalar.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.

    Example:
        >>> import jax.numpy as jnp
        >>> r1(lambda x: 3 * x.sum(axis=1), jnp.ones((4, 2)), jnp.zeros((4, 2)))
        Array(9., dtype=float32)
    """
    del fake, key
    return jnp.mean(_squared_slopes(score, real)) / 2


def r2(score: Score, real: jax.Array, fake: jax.Array, key: jax.Array | None = None) -> jax.Array:
    """Return mean ½‖∇D(fake)‖² (R2).

    Args:
        score: the discriminator D on a batch.
        real: not used.
        fake: generated examples.
        key: not used.

    Returns:
        A scalar.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.

    Example:
        >>> import jax.numpy as jnp
        >>> r2(lambda x: (x**2).sum(axis=1), jnp.zeros((4, 2)), jnp.ones((4, 2)))
        Array(4., dtype=float32)
    """
    del real, key
    return jnp.mean(_squared_slopes(score, fake)) / 2


def zero_centred(
    score: Score, real: jax.Array, fake: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """Return mean ½‖∇D(x)‖² (0-GP) at points x = (1 − u)·real + u·fake, u uniform in [0, 1).

    Args:
        score: the discriminator D on a batch.
        real: real examples.
        fake: generated examples, as many; each is paired with the real one at its place.
        key: typed keys, shape (batch,); each pair draws its own u.

    Returns:
        A scalar.

    Raises:
        ValueError: real and fake differ in shape; there is no typed key for each example.

    Reference:
        Thanh-Tung, Tran, Venkatesh, "Improving Generalization and Stability of Generative
        Adversarial Networks", 2019. They write λ‖∇D‖²; the ½ here is that of `r1`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> keys = jax.random.split(jax.random.key(0), 4)
        >>> slope = jnp.array([3.0, 4.0])
        >>> zero_centred(lambda x: x @ slope, jnp.zeros((4, 2)), jnp.ones((4, 2)), keys)
        Array(12.5, dtype=float32)
    """
    points = _between(real, fake, key, purpose="the penalty zero_centred")
    return jnp.mean(_squared_slopes(score, points)) / 2


def wgan_gp(
    score: Score, real: jax.Array, fake: jax.Array, key: jax.Array | None = None
) -> jax.Array:
    """Return mean (‖∇D(x)‖ − 1)² (WGAN-GP) at x = (1 − u)·real + u·fake, u uniform in [0, 1).

    It is not smooth where ∇D(x) = 0: there the derivative taken is 0, which is finite but no
    derivative, and eigenvalues found at such a point mean nothing.

    Args:
        score: the discriminator D on a batch.
        real: real examples.
        fake: generated examples, as many; each is paired with the real one at its place.
        key: typed keys, shape (batch,); each pair draws its own u.

    Returns:
        A scalar.

    Raises:
        ValueError: real and fake differ in shape; there is no typed key for each example.

    Reference:
        Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs",
        2017.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> keys = jax.random.split(jax.random.key(0), 4)
        >>> wgan_gp(lambda x: 3 * x[:, 0], jnp.ones((4, 2)), jnp.zeros((4, 2)), keys)
        Array(4., dtype=float32)
    """
    return _from_one(score, _between(real, fake, key, purpose="the penalty wgan_gp"))


def dragan(
    score: Score,
    real: jax.Array,
    fake: jax.Array,
    key: jax.Array | None = None,
    *,
    std: ArrayLike = 0.5,
) -> jax.Array:
    """Return mean (‖∇D(x)‖ − 1)² (DRAGAN) at x = real + std·ε, ε normal, round the data.

    As `wgan_gp` it is not smooth where ∇D(x) = 0.

    Args:
        score: the discriminator D on a batch.
        real: real examples.
        fake: not used.
        key: typed keys, shape (batch,); each example draws its own ε.
        std: how far round the data, in the data's units: ½ is for examples in [−1, 1]. The
            authors' code takes it from the spread of the batch, which would make examples interact.

    Returns:
        A scalar.

    Raises:
        ValueError: there is no typed key for each example; ``std`` is negative.

    Reference:
        Kodali, Abernethy, Hays, Kira, "On Convergence and Stability of GANs", 2017.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> keys = jax.random.split(jax.random.key(0), 4)
        >>> dragan(lambda x: 3 * x[:, 0], jnp.ones((4, 2)), jnp.zeros((4, 2)), keys)
        Array(4., dtype=float32)
    """
    del fake
    check_not_negative(std, argument="std")
    real = jnp.asarray(real)
    keys = check_keys(key, num_examples=len(real), purpose="the penalty dragan")
    return _from_one(score, real + jnp.asarray(std, real.dtype) * normal_like(keys, real))


def _squared_slopes(score: Score, examples: jax.Array) -> jax.Array:
    """Return ‖∇D(x)‖² for every example, shape (batch,)."""

    def total(x: jax.Array) -> jax.Array:
        logits = score(x)
        if np.shape(logits) not in ((len(x),), (len(x), 1)):
            raise ValueError(
                "score must give one logit for each example, shape (batch,) or (batch, 1), got "
                f"{np.shape(logits)} for a batch of {len(x)}"
            )
        return jnp.sum(logits)

    slopes = jax.grad(total)(examples)
    return jnp.sum(slopes**2, axis=tuple(range(1, slopes.ndim)))


def _from_one(score: Score, examples: jax.Array) -> jax.Array:
    """Return mean (‖∇D(x)‖ − 1)²."""
    squares = _squared_slopes(score, examples)
    # √ has no derivative at 0; a constant in its place keeps NaN out of both branches.
    positive = squares > 0
    norms = jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)
    return jnp.mean((norms - 1) ** 2)


def _between(real: jax.Array, fake: jax.Array, key: jax.Array | None, *, purpose: str) -> jax.Array:
    if np.shape(real) != np.shape(fake):
        raise ValueError(
            "real and fake must have the same shape, so that they make pairs, "
            f"got {np.shape(real)} and {np.shape(fake)}"
        )
    keys = check_keys(key, num_examples=len(real), purpose=purpose)
    dtype = jnp.result_type(real)
    share = jax.vmap(lambda one: jax.random.uniform(one, (), dtype))(keys)
    share = share.reshape(-1, *(1,) * (np.ndim(real) - 1))
    return (1 - share) * real + share * fake


PENALTIES: Registry[Penalty] = Registry(
    "penalty",
    {
        "r1": r1,
        "r2": r2,
        "zero_centred": zero_centred,
        "wgan_gp": wgan_gp,
        "dragan": dragan,
    },
)
"""Name → gradient penalty."""
