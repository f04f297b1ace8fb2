"""Mean and covariance of features, gathered batch by batch in float64."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganfield.evaluation._checks import check_features, check_same_dimensions


class Moments(NamedTuple):
    """How many examples there were, their mean, and how they scatter round it.

    Attributes:
        num_examples: how many.
        mean: their mean, shape ``(dimensions,)``.
        scatter: Σ (x − mean)(x − mean)ᵀ, shape ``(dimensions, dimensions)``.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> features = np.random.default_rng(0).normal(size=(100, 3))
        >>> streamed = gf.evaluation.Moments.of_batches(np.split(features, [1, 30]))
        >>> np.allclose(streamed.covariance, np.cov(features.T), rtol=1e-13)
        True
    """

    num_examples: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, features: ArrayLike) -> Moments:
        """Return the moments of features of shape ``(n, dimensions)``, n ≥ 1.

        Raises:
            ValueError: another shape, or a number that is not finite.
        """
        values = check_features(features, argument="features", minimum=1)
        mean = values.mean(axis=0)
        centred = values - mean
        return cls(len(values), mean, centred.T @ centred)

    @classmethod
    def of_batches(cls, batches: Iterable[ArrayLike]) -> Moments:
        """Return the moments of all batches together; how they were cut makes no difference.

        Raises:
            ValueError: there is no batch, or one is not allowed.
        """
        total: Moments | None = None
        for batch in batches:
            moments = cls.of(batch)
            total = moments if total is None else total.merge(moments)
        if total is None:
            raise ValueError("batches must hold at least one batch, got none")
        return total

    def merge(self, other: Moments) -> Moments:
        """Return the moments of these examples and those of ``other`` together.

        Raises:
            ValueError: they have different dimensions.

        Reference:
            Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
            variances", 1979. Sums of squares would lose digits where means are large.
        """
        check_same_dimensions(len(self.mean), len(other.mean))
        count = self.num_examples + other.num_examples
        shift = other.mean - self.mean
        return Moments(
            count,
            self.mean + shift * (other.num_examples / count),
            self.scatter
            + other.scatter
            + np.outer(shift, shift) * (self.num_examples * other.num_examples / count),
        )

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance, scatter/(n − 1), as the published FID code has it.

        Raises:
            ValueError: there are fewer than two examples.
        """
        if self.num_examples < 2:
            raise ValueError(f"a covariance needs at least 2 examples, got {self.num_examples}")
        return self.scatter / (self.num_examples - 1)
