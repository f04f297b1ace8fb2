"""The Fréchet distance of Gaussians fitted to features; FID when they are Inception's."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike

from ganfield.evaluation._checks import (
    SMALL_SAMPLE,
    SmallSampleWarning,
    check_features,
    check_same_dimensions,
)
from ganfield.evaluation._moments import Moments


def frechet_distance(
    features_real: ArrayLike | Moments, features_fake: ArrayLike | Moments
) -> float:
    """Return ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½), in float64.

    The squared 2-Wasserstein distance of the Gaussians with the features' means and covariances.
    The trace of the root is the sum of the singular values of Σ₂^½ Σ₁^½, whose squares are the
    eigenvalues of Σ₁^½ Σ₂ Σ₁^½: never complex, never NaN, and exact to rounding where a covariance
    is singular. The general matrix square root of Σ₁Σ₂ is none of these.

    The estimate is biased upwards, by about a constant over n, so distances compare only at the
    same n.

    Args:
        features_real: shape ``(n, dimensions)``, or `Moments`.
        features_fake: the same.

    Returns:
        The distance, ≥ 0. It has the features' squared unit.

    Raises:
        ValueError: the shapes do not fit, there are fewer than two examples, or features are not
            finite.

    Warns:
        SmallSampleWarning: fewer than 2048 examples, or no more than there are dimensions (the
            covariance is singular).

    Reference:
        Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs Trained by a Two Time-Scale Update
        Rule Converge to a Local Nash Equilibrium", 2017.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> x = np.random.default_rng(0).normal(size=(5000, 2))
        >>> round(gf.evaluation.frechet_distance(x, x + [3, 4]), 6)
        25.0
        >>> gf.evaluation.frechet_distance(x, x) < 1e-12
        True
    """
    real = _moments(features_real, argument="features_real")
    fake = _moments(features_fake, argument="features_fake")
    check_same_dimensions(len(real.mean), len(fake.mean))
    note = small_sample_note(real.num_examples, fake.num_examples, len(real.mean))
    if note:
        warnings.warn(note, SmallSampleWarning, stacklevel=2)
    return distance_of_moments(real, fake)


def distance_of_moments(real: Moments, fake: Moments) -> float:
    """Return the distance without a warning."""
    shift = real.mean - fake.mean
    traces = np.trace(real.covariance) + np.trace(fake.covariance)
    roots = np.linalg.svd(_root(fake.covariance) @ _root(real.covariance), compute_uv=False)
    # Rounding may leave −1e−16 of a zero.
    return max(float(shift @ shift + traces - 2 * roots.sum()), 0.0)


def small_sample_note(n_real: int, n_fake: int, dimensions: int) -> str | None:
    """Return what a reader of the distance must be told of the sample sizes, or None."""
    n = min(n_real, n_fake)
    what = (
        f"Fréchet distance of n_real = {n_real} and n_fake = {n_fake} examples of {dimensions} "
        "features"
    )
    if n <= dimensions:
        return f"{what}: a covariance is singular, and the distance biased upwards"
    if n < SMALL_SAMPLE:
        return (
            f"{what}: with fewer than {SMALL_SAMPLE} it is biased upwards, and compares only at "
            "the same n"
        )
    return None


def _moments(features: ArrayLike | Moments, *, argument: str) -> Moments:
    if not isinstance(features, Moments):
        return Moments.of(check_features(features, argument=argument))
    if features.num_examples < 2:
        raise ValueError(f"{argument} must have at least 2 examples, got {features.num_examples}")
    return features


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    # What rounding makes of a zero eigenvalue would have a root 1e8 times as large.
    floor = len(values) * np.finfo(float).eps * max(values[-1], 0.0)
    values = np.where(values > floor, values, 0.0)
    return (vectors * np.sqrt(values)) @ vectors.T
