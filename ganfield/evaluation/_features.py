"""A feature function, with what must be said of it beside every score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from ganfield.checks import check_count
from ganfield.data import to_uint8

LARGEST = 10.0
"""Images with numbers beyond ± this are no images in [−1, 1] whose generator overshoots a little.

What lies between is clipped: a generator without tanh leaves [−1, 1] now and then. Pixels as floats
0 … 255, percentages and scikit-learn's 0 … 16 lie beyond.
"""


class Extracted(NamedTuple):
    """What a feature function sees in images.

    Attributes:
        features: float64, shape ``(n, dimensions)``.
        probabilities: of the classes, float64, shape ``(n, classes)``.
    """

    features: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class Features:
    """A function from images to features and class probabilities, and its name and hash.

    Attributes:
        apply: ``apply(pixels) -> (features, probabilities)``, for pixels that are uint8, shape
            ``(n, height, width, channels)``. Jit it yourself. One example's features must not
            depend on the others.
        name: which network it is, trained on what.
        hash: SHA-256 of its weights, as `hash_of` finds it.
        kind: what scores are called after: "classifier" makes a classifier score and a Fréchet
            classifier distance. Only "inception" makes an inception score, FID and KID.
        preprocessing: what happens to an image first, in words.
        batch_size: images at a time. All batches have this size, the last one filled up with zeros,
            so features do not depend on how images come.

    Example:
        >>> import jax, numpy as np, ganfield as gf
        >>> def apply(pixels):
        ...     flat = pixels.reshape(len(pixels), -1) / 255
        ...     return flat, jax.nn.softmax(flat)
        >>> features = gf.evaluation.Features(apply, name="pixels", hash="none", kind="pixel")
        >>> features(np.zeros((5, 2, 2, 1))).features.shape
        (5, 4)
    """

    apply: Callable[[jax.Array], tuple[jax.Array, jax.Array]] = field(repr=False)
    name: str
    hash: str
    kind: str = "classifier"
    preprocessing: str = "clipped to [−1, 1], rounded half up to 8 bits"
    batch_size: int = 250

    def __post_init__(self) -> None:
        check_count(self.batch_size, argument="batch_size")

    def __call__(self, images: ArrayLike) -> Extracted:
        """Return features and probabilities of images.

        Args:
            images: floats in [−1, 1], which are clipped and rounded to 8 bits as real ones are, or
                pixels of uint8; shape ``(n, height, width, channels)``.

        Raises:
            ValueError: there are no images, they have another shape, they are not finite, or they
                are on another scale: a number lies outside of [−10, 10]. Clip images yourself if
                your generator overshoots that far.
        """
        parts = list(self.batches(images))
        return Extracted(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def batches(self, images: ArrayLike) -> Iterator[Extracted]:
        """Yield what is seen in one batch of images after the other."""
        pixels = _pixels(images)
        for start in range(0, len(pixels), self.batch_size):
            batch = pixels[start : start + self.batch_size]
            count = len(batch)
            rest = np.zeros((self.batch_size - count, *batch.shape[1:]), np.uint8)
            # A GPU's own choice for float32 has 10 bits of mantissa.
            with jax.default_matmul_precision("highest"):
                parts = self.apply(jnp.asarray(np.concatenate([batch, rest])))
            yield Extracted(*(np.asarray(part, np.float64)[:count] for part in parts))


def _pixels(images: ArrayLike) -> np.ndarray:
    """Return images as uint8 of shape ``(n, height, width, channels)``, n ≥ 1.

    Raises:
        ValueError: they have another shape or type, are not finite, or far outside of [−1, 1].
    """
    values = np.asarray(images)
    floats = jnp.issubdtype(
        values.dtype, jnp.floating
    )  # bfloat16 too, which NumPy's does not know.
    if values.ndim != 4 or not len(values) or not (floats or values.dtype == np.uint8):
        raise ValueError(
            "images must be floats in [−1, 1] or uint8, of shape (n, height, width, channels) "
            f"with n ≥ 1, got {values.dtype} of shape {values.shape}"
        )
    if values.dtype == np.uint8:
        return values
    # Both are NaN if one number is.
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("images must be finite, got NaN or infinity")
    if max(-low, high) > LARGEST:
        raise ValueError(
            f"images must be floats in [−1, 1] or uint8, got numbers from {low:g} to {high:g}: "
            "gf.data.to_float brings pixels 0 … 255 to that scale"
        )
    return np.asarray(to_uint8(values))
