"""The kernel distance of features; KID when they are Inception's."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from ganfield._memory import check_memory
from ganfield.checks import check_count
from ganfield.evaluation._checks import check_pair


class KernelDistance(NamedTuple):
    """What `kernel_distance` found.

    Attributes:
        mean: over the subsets. It has no bias, so it may be negative.
        std: over the subsets.
    """

    mean: float
    std: float


def kernel_distance(
    features_real: ArrayLike,
    features_fake: ArrayLike,
    *,
    num_subsets: int = 100,
    subset_size: int | None = None,
    key: jax.Array | None = None,
) -> KernelDistance:
    """Return the unbiased squared maximum mean discrepancy with the kernel (xᵀy/dimensions + 1)³.

    The mean over pairs of different real examples, plus that over pairs of different generated
    ones, minus twice that over mixed pairs; it is taken on random subsets without repetition, and
    averaged. Unlike the Fréchet distance it has no bias, whatever the number of samples.

    Args:
        features_real: shape ``(n, dimensions)``.
        features_fake: the same.
        num_subsets: how many. One is enough for subsets of all examples.
        subset_size: of each subset, ≥ 2; the smallest of 1000 and the numbers of examples if None.
        key: says which subsets; ``jax.random.key(0)`` if None, so that a score is repeatable.

    Returns:
        A `KernelDistance`.

    Raises:
        ValueError: the shapes do not fit, features are not finite, or there are fewer examples than
            a subset needs.

    Reference:
        Bińkowski, Sutherland, Arbel, Gretton, "Demystifying MMD GANs", 2018.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(2, 500, 4))
        >>> near, far = gf.evaluation.kernel_distance(x, y), gf.evaluation.kernel_distance(x, y + 1)
        >>> bool(abs(near.mean) < 0.02 < 1 < far.mean)
        True
    """
    real, fake = check_pair(features_real, features_fake)
    most = min(len(real), len(fake))
    if subset_size is None:
        subset_size = min(1000, most)
    subset_size = check_count(subset_size, argument="subset_size", minimum=2)
    if subset_size > most:
        raise ValueError(
            "subset_size must be at most the numbers of examples, "
            f"{len(real)} real and {len(fake)} generated, got {subset_size}"
        )
    num_subsets = check_count(num_subsets, argument="num_subsets")
    check_memory(
        subset_size,
        lambda size: 32 * size**2,
        argument="subset_size must be",
        what="the kernels of its pairs",
        on_host=True,
    )
    seed = jax.random.key_data(jax.random.key(0) if key is None else key)
    rng = np.random.default_rng(np.asarray(seed))
    values = np.array(
        [
            _discrepancy(
                real[rng.choice(len(real), subset_size, replace=False)],
                fake[rng.choice(len(fake), subset_size, replace=False)],
            )
            for _ in range(num_subsets)
        ]
    )
    return KernelDistance(float(values.mean()), float(values.std()))


def _discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    n, dimensions = x.shape

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        values: np.ndarray = (a @ b.T / dimensions + 1) ** 3
        return values

    among_x, among_y = kernel(x, x), kernel(y, y)
    same = among_x.sum() - np.trace(among_x) + among_y.sum() - np.trace(among_y)
    return float(same / (n * (n - 1)) - 2 * kernel(x, y).mean())
