"""Checks of features and probabilities, which become float64 here."""

import numpy as np
from numpy.typing import ArrayLike

SMALL_SAMPLE = 2048
"""Below this many examples a Fréchet distance is biased upwards too much to be compared."""


class SmallSampleWarning(UserWarning):
    """A score was taken from so few examples that its bias is not small."""


def check_features(values: ArrayLike, *, argument: str, minimum: int = 2) -> np.ndarray:
    """Return features as float64 of shape ``(n, dimensions)``.

    Raises:
        ValueError: another shape, too few examples, or a number that is not finite.
    """
    features = np.asarray(values, np.float64)
    if features.ndim != 2 or len(features) < minimum or not features.shape[1]:
        raise ValueError(
            f"{argument} must have the shape (n, dimensions) with n ≥ {minimum}, "
            f"got {features.shape}"
        )
    finite = np.isfinite(features).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"{argument} must be finite, got NaN or infinity in {np.sum(~finite)} of "
            f"{len(features)} examples"
        )
    return features


def check_pair(real: ArrayLike, fake: ArrayLike, minimum: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of real and of generated examples as float64, of one dimension.

    Raises:
        ValueError: one of them is not allowed, or they have different dimensions.
    """
    checked = (
        check_features(real, argument="features_real", minimum=minimum),
        check_features(fake, argument="features_fake", minimum=minimum),
    )
    check_same_dimensions(checked[0].shape[1], checked[1].shape[1])
    return checked


def check_same_dimensions(real: int, fake: int) -> None:
    """Raise a ``ValueError`` unless both are the same number of features."""
    if real != fake:
        raise ValueError(
            "features_real and features_fake must have the same dimensions, "
            f"got {real} and {fake} features"
        )


def check_probabilities(values: ArrayLike, *, argument: str) -> np.ndarray:
    """Return probabilities as float64 of shape ``(n, classes)``, each row with the sum 1.

    Raises:
        ValueError: another shape, a negative number, or rows that do not sum to 1.
    """
    rows = check_features(values, argument=argument, minimum=1)
    sums = rows.sum(axis=1)
    # Rows come from float32 or bfloat16 networks; logits and percentages are far further off.
    if rows.min() < 0 or np.abs(sums - 1).max() > 0.02:
        raise ValueError(
            f"{argument} must have rows of numbers ≥ 0 with the sum 1, got a smallest number of "
            f"{rows.min():g} and sums from {sums.min():g} to {sums.max():g}"
        )
    return rows / sums[:, None]
