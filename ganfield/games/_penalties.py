"""Gradient penalties: what a discriminator pays for its slope.

Each is a function ``(score, real, fake) -> scalar``, where ``score(x) -> logit`` is the
discriminator of one example and ``real`` and ``fake`` have the shape ``(batch, *example_shape)``.
Add it, times a weight, to the discriminator's loss. Derivatives flow through the examples, so the
generator's parameters reach the Jacobian of the game through the fakes.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

Score = Callable[[jax.Array], jax.Array]
"""``score(x) -> logit``, shape () or (1,), of one example of any shape."""

Penalty = Callable[..., jax.Array]
"""``penalty(score, real, fake) -> scalar``."""


def r1(score: Score, real: jax.Array, fake: jax.Array) -> jax.Array:
    """Return mean ½‖∇D(real)‖².

    Args:
        score: the discriminator D of one example.
        real: real examples.
        fake: not used.

    Returns:
        A scalar.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.

    Example:
        >>> import jax.numpy as jnp
        >>> r1(lambda x: 3 * jnp.sum(x), jnp.ones((4, 2)), jnp.zeros((4, 2)))
        Array(9., dtype=float32)
    """
    del fake
    return jnp.mean(_squared_slopes(score, real)) / 2


def r2(score: Score, real: jax.Array, fake: jax.Array) -> jax.Array:
    """Return mean ½‖∇D(fake)‖².

    Args:
        score: the discriminator D of one example.
        real: not used.
        fake: generated examples.

    Returns:
        A scalar.

    Reference:
        Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.

    Example:
        >>> import jax.numpy as jnp
        >>> r2(lambda x: jnp.sum(x**2), jnp.zeros((4, 2)), jnp.ones((4, 2)))
        Array(4., dtype=float32)
    """
    del real
    return jnp.mean(_squared_slopes(score, fake)) / 2


def zero_centred(
    score: Score, real: jax.Array, fake: jax.Array, *, mix: jax.typing.ArrayLike = 0.5
) -> jax.Array:
    """Return mean ½‖∇D(x)‖² at points x = (1 − mix)·real + mix·fake between real and fake.

    Args:
        score: the discriminator D of one example.
        real: real examples.
        fake: generated examples, as many; each is paired with the real one at its place.
        mix: how far from real to fake, a number or an array, shape (batch,). The midpoints by
            default; hand over uniform random numbers for random points.

    Returns:
        A scalar.

    Raises:
        ValueError: real and fake differ in shape; ``mix`` is neither a number nor of shape
            (batch,).

    Reference:
        Thanh-Tung, Tran, Venkatesh, "Improving Generalization and Stability of Generative
        Adversarial Networks", 2019. They write λ‖∇D‖²; the ½ here is that of `r1`.

    Example:
        >>> import jax.numpy as jnp
        >>> zero_centred(lambda x: jnp.sum(x**2), jnp.zeros((4, 2)), jnp.ones((4, 2)))
        Array(1., dtype=float32)
    """
    return jnp.mean(_squared_slopes(score, _between(real, fake, mix))) / 2


def wgan_gp(
    score: Score, real: jax.Array, fake: jax.Array, *, mix: jax.typing.ArrayLike = 0.5
) -> jax.Array:
    """Return mean (‖∇D(x)‖ − 1)² at points x = (1 − mix)·real + mix·fake between real and fake.

    It is not smooth where ∇D(x) = 0: there the derivative taken is 0, which is finite but no
    derivative, and eigenvalues found at such a point mean nothing.

    Args:
        score: the discriminator D of one example.
        real: real examples.
        fake: generated examples, as many; each is paired with the real one at its place.
        mix: how far from real to fake, a number or an array, shape (batch,). The midpoints by
            default; hand over uniform random numbers for the random points of the paper.

    Returns:
        A scalar.

    Raises:
        ValueError: real and fake differ in shape; ``mix`` is neither a number nor of shape
            (batch,).

    Reference:
        Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville, "Improved Training of Wasserstein GANs",
        2017.

    Example:
        >>> import jax.numpy as jnp
        >>> wgan_gp(lambda x: 3 * x[0], jnp.ones((4, 2)), jnp.zeros((4, 2)))
        Array(4., dtype=float32)
    """
    squares = _squared_slopes(score, _between(real, fake, mix))
    # √ has no derivative at 0; a constant in its place keeps NaN out of both branches.
    positive = squares > 0
    norms = jnp.where(positive, jnp.sqrt(jnp.where(positive, squares, 1)), 0)
    return jnp.mean((norms - 1) ** 2)


def _squared_slopes(score: Score, examples: jax.Array) -> jax.Array:
    """Return ‖∇D(x)‖² for every example, shape (batch,)."""
    slopes = jax.vmap(jax.grad(lambda x: jnp.reshape(score(x), ())))(examples)
    return jnp.sum(slopes**2, axis=tuple(range(1, slopes.ndim)))


def _between(real: jax.Array, fake: jax.Array, mix: jax.typing.ArrayLike) -> jax.Array:
    if np.shape(real) != np.shape(fake):
        raise ValueError(
            "real and fake must have the same shape, so that they make pairs, "
            f"got {np.shape(real)} and {np.shape(fake)}"
        )
    if np.shape(mix) not in ((), np.shape(real)[:1]):
        raise ValueError(
            f"mix must be a number or have shape {np.shape(real)[:1]}, got shape {np.shape(mix)}"
        )
    share = jnp.asarray(mix, jnp.result_type(real))
    if share.ndim:
        share = share.reshape(-1, *(1,) * (np.ndim(real) - 1))
    return (1 - share) * real + share * fake


PENALTIES: dict[str, Penalty] = {
    "r1": r1,
    "r2": r2,
    "zero_centred": zero_centred,
    "wgan_gp": wgan_gp,
}
"""Name → gradient penalty."""
