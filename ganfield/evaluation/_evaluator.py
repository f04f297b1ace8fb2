"""Scores of a generator while it trains."""

from __future__ import annotations

import contextlib
import math
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import jax
import numpy as np
from numpy.typing import ArrayLike

from ganfield._memory import check_memory
from ganfield.checks import check_count
from ganfield.evaluation._features import Features
from ganfield.evaluation._scores import (
    Protocol,
    Reference,
    Scores,
    all_names,
    notes_on,
    scores_beside,
)


class ImageSet(typing.Protocol):
    """What an evaluator needs of real images; those of ``gf.data`` have it."""

    @property
    def pixels(self) -> ArrayLike:
        """Images of uint8, shape ``(n, height, width, channels)``."""

    @property
    def name(self) -> str:
        """The data set."""

    @property
    def split(self) -> str:
        """Which part of it."""


@dataclass(frozen=True)
class Evaluator:
    """Scores generators beside one set of real images; made by `evaluator`.

    Attributes:
        features: what looks at images.
        real: the real images, uint8.
        split: what they are, for the protocol.
        num_samples: how many images a generator is asked for.
        splits: of the inception score or its like.
        key: says which subsets the kernel distance takes.
    """

    features: Features
    real: np.ndarray = field(repr=False)
    split: str
    num_samples: int
    splits: int
    key: jax.Array | None = None

    @cached_property
    def reference(self) -> Reference:
        """What is seen in the real images: found at the first score, then kept."""
        return Reference.of(self.features, self.real)

    @property
    def protocol(self) -> Protocol:
        """How the scores are taken."""
        features = self.features
        return Protocol(
            len(self.real),
            self.num_samples,
            self.split,
            features.name,
            features.hash,
            features.preprocessing,
            self.splits,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """What the scores are called."""
        return all_names(self.features.kind)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores must be told, such as that there are few samples."""
        return notes_on(self.reference, self.num_samples)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise a ``ValueError`` unless generated images of this shape can be scored.

        Training asks before it begins.
        """
        if tuple(shape) != self.real.shape[1:]:
            raise ValueError(
                f"images must have the shape of the real ones that they are scored beside, "
                f"{self.real.shape[1:]}, got {tuple(shape)}"
            )
        batch = jax.ShapeDtypeStruct((self.features.batch_size, *shape), np.uint8)
        # A function that is not JAX's own says what it thinks of the shape when it is called.
        with contextlib.suppress(TypeError):
            jax.eval_shape(self.features.apply, batch)

    def __call__(self, generate: Callable[[int], ArrayLike]) -> dict[str, float]:
        """Return the scores of a generator: name → number.

        Args:
            generate: ``generate(size) -> images``, floats in [−1, 1] or uint8. It chooses the
                latent variables: fix them, and evaluation statistics, for curves that compare.

        Raises:
            ValueError: there are too few images, or they are not finite.
        """
        return self.scores(generate).values

    def scores(self, generate: Callable[[int], ArrayLike]) -> Scores:
        """Return the scores with their protocol.

        Raises:
            ValueError: there are too few images, or they are not finite.
        """
        fake = np.asarray(generate(self.num_samples))
        if fake.shape != (self.num_samples, *self.real.shape[1:]):
            raise ValueError(
                "generate must return images of shape "
                f"{(self.num_samples, *self.real.shape[1:])}, got {fake.shape}"
            )
        return scores_beside(
            self.reference,
            self.features,
            fake,
            split=self.split,
            splits=self.splits,
            key=self.key,
        )


def evaluator(
    features: Features,
    images: ImageSet,
    num_samples: int = 6400,
    *,
    num_real: int | None = None,
    splits: int = 10,
    key: jax.Array | None = None,
) -> Evaluator:
    """Return ``evaluate(generate) -> {name: number}``, for use while a generator trains.

    The real images are looked at once. See `scores` for the names of the scores.

    Args:
        features: what looks at images.
        images: the real ones.
        num_samples: how many images to ask a generator for. "The Numerics of GANs" took 6400.
        num_real: how many of the real images to take, evenly spaced; all if None.
        splits: of the inception score or its like.
        key: says which subsets the kernel distance takes; ``jax.random.key(0)`` if None.

    Returns:
        An `Evaluator`. ``.scores(generate)`` gives the scores with their protocol.

    Raises:
        ValueError: a number is not allowed.

    Example:
        >>> import jax, numpy as np, ganfield as gf
        >>> def apply(pixels):
        ...     flat = pixels.reshape(len(pixels), -1) / 255
        ...     return flat, jax.nn.softmax(flat)
        >>> features = gf.evaluation.Features(apply, name="pixels", hash="none", kind="pixel")
        >>> evaluate = gf.evaluation.evaluator(features, gf.data.digits("test"), num_samples=100)
        >>> scores = evaluate(lambda size: np.zeros((size, 8, 8, 1)))
        >>> scores["pixel_score"], scores["recall"]
        (1.0, 0.0)
    """
    num_samples = check_count(num_samples, argument="num_samples", minimum=max(4, splits))
    real = np.asarray(images.pixels)
    # As floats when they are generated, as bytes when they are looked at.
    each = 5 * math.prod(real.shape[1:])
    check_memory(
        num_samples,
        lambda samples: each * samples,
        argument="num_samples must be",
        what="as many images",
        on_host=True,
    )
    if num_real is not None:
        num_real = check_count(num_real, argument="num_real", minimum=4)
        if num_real > len(real):
            raise ValueError(
                f"num_real must be at most the number of real images, {len(real)}, got {num_real}"
            )
        real = real[np.arange(num_real) * len(real) // num_real]
    return Evaluator(features, real, f"{images.name} {images.split}", num_samples, splits, key)
