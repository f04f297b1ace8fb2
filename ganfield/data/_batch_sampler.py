"""From a distribution to batches of a GAN game."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import jax
import numpy as np

from ganfield._types import Batch
from ganfield.checks import check_count
from ganfield.data._checks import check_examples_fit
from ganfield.data._few_labels import FewLabels
from ganfield.data._images import Images
from ganfield.data._pairs import Pairs
from ganfield.data._points import Points

_MANY = 1000


class Distribution(Protocol):
    """What a batch needs of the real examples.

    `Images`, `Points`, `Mixture` and `Curves` have it.
    """

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` examples along the first axis."""


def batch_sampler(
    distribution: Distribution,
    *,
    batch_size: int,
    latent_size: int,
    labels: bool = False,
    keys: bool = False,
) -> Callable[[jax.Array], Batch]:
    """Return ``sample(key) -> Batch``: real examples and Gaussian latent variables.

    The sampler is also a pytree, with the arrays of its distribution as leaves; a distribution that
    is no pytree of arrays belongs to its structure. For images, make it an argument of the jitted
    function that calls it (see `Images`):
    ``jax.jit(lambda sample, key: sample(key))(sample, key)``. Images and own arrays go to the
    default device here.

    Args:
        distribution: where the real examples come from, by ``sample(key, size)``; of an array
            `points` makes one.
        batch_size: how many examples of each.
        latent_size: features of one latent variable.
        labels: whether a batch has the real examples' labels, by ``sample_with_labels(key, size)``.
        keys: whether a batch has a key for each example, for games that draw random numbers.

    Returns:
        ``sample(key) -> Batch``, pure.

    Raises:
        ValueError: a size is no positive integer, there is no memory for such a batch, there is no
            ``sample(key, size)``, or the distribution has no labels.

    Example:
        >>> import jax, ganfield as gf
        >>> sample = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)
        >>> sample(jax.random.key(0)).latent.shape
        (512, 16)
        >>> sample = gf.data.batch_sampler(
        ...     gf.data.digits(), batch_size=64, latent_size=16, labels=True, keys=True
        ... )
        >>> batch = jax.jit(lambda sample, key: sample(key))(sample, jax.random.key(0))
        >>> batch.real.shape, batch.label.shape, batch.key.shape
        ((64, 8, 8, 1), (64,), (64,))
    """
    batch_size = check_count(batch_size, argument="batch_size")
    latent_size = check_count(latent_size, argument="latent_size")
    check_distribution(distribution)
    check_examples_fit(batch_size, (latent_size,), argument="batch_size")
    if batch_size > _MANY:  # Of two examples the shape is known; a batch of few always fits.
        examples = jax.eval_shape(lambda key: distribution.sample(key, 2), jax.random.key(0))
        check_examples_fit(batch_size, (examples.size // 2,), argument="batch_size")
    if labels and getattr(distribution, "labels", None) is None:
        raise ValueError(f"labels=True needs a distribution with labels, got {distribution!r}")
    # Else every eager call, or every call of a jitted function with it, would copy them there.
    source: Any = distribution
    if isinstance(distribution, Images | Points | FewLabels | Pairs):
        source = distribution.to_device()

    def draw(distribution: Any, key: jax.Array) -> Batch:
        # Without keys two, as ever: the same batches as without images.
        key_real, key_latent, *key_examples = jax.random.split(key, 3 if keys else 2)
        latent = jax.random.normal(key_latent, (batch_size, latent_size))
        if labels:
            real, label = distribution.sample_with_labels(key_real, batch_size)
        else:
            real, label = distribution.sample(key_real, batch_size), None
        examples = jax.random.split(key_examples[0], batch_size) if keys else None
        return Batch(real, latent, label, examples)

    if not all(map(_can_be_traced, jax.tree.leaves(source))):
        return jax.tree_util.Partial(partial(draw, source))
    return jax.tree_util.Partial(draw, source)


def check_distribution(given: Any, *, argument: str = "distribution") -> None:
    """Raise a ``ValueError`` unless examples can be drawn from what was given.

    Example:
        >>> import numpy as np
        >>> check_distribution(np.zeros((100, 2)))
        Traceback (most recent call last):
        ...
        ValueError: distribution must have sample(key, size), got float64 of shape (100, 2):
        gf.data.points(array, labels=None) makes one of an array
    """
    if callable(getattr(given, "sample", None)):
        return
    kind = type(given).__name__
    if hasattr(given, "dtype") and hasattr(given, "shape"):
        kind = f"{given.dtype} of shape {given.shape}"
    raise ValueError(
        f"{argument} must have sample(key, size), got {kind}: "
        "gf.data.points(array, labels=None) makes one of an array"
    )


def _can_be_traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float | complex)
