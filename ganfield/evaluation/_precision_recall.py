"""Precision and recall of samples by nearest neighbours among features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganfield.checks import check_count
from ganfield.evaluation._checks import check_features, check_pair

_CHUNK = 1024
NEIGHBOURS = 3


class PrecisionRecall(NamedTuple):
    """What `precision_recall` found.

    Attributes:
        precision: share of the generated examples that lie where real ones are.
        recall: share of the real examples that lie where generated ones are.
    """

    precision: float
    recall: float


def precision_recall(
    features_real: ArrayLike, features_fake: ArrayLike, *, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Return how much of either set lies within the other's neighbourhoods.

    A set's region is the union of balls round its examples, each reaching to the k-th nearest other
    example of that set. Precision is low where samples look wrong, recall where kinds of real
    examples are missing, as after mode collapse.

    Args:
        features_real: shape ``(n, dimensions)``.
        features_fake: the same. Equal numbers of both make the two shares comparable.
        neighbours: k; larger ones make both shares larger.

    Returns:
        `PrecisionRecall`.

    Raises:
        ValueError: the shapes do not fit, features are not finite, or there are no k neighbours.

    Reference:
        Kynkäänniemi, Karras, Laine, Lehtinen, Aila, "Improved Precision and Recall Metric for
        Assessing Generative Models", 2019.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> real = np.random.default_rng(0).normal(size=(500, 2))
        >>> collapsed = real[:1] + np.random.default_rng(1).normal(size=(500, 2)) / 100
        >>> scores = gf.evaluation.precision_recall(real, collapsed)
        >>> scores.precision, scores.recall < 0.05
        (1.0, True)
    """
    neighbours = check_count(neighbours, argument="neighbours")
    real, fake = check_pair(features_real, features_fake, minimum=neighbours + 1)
    return precision_recall_beside(real, radii_of_real(real, neighbours), fake, neighbours)


def radii_of_real(features_real: np.ndarray, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Return the squared radii of the real examples' balls, which no generated ones change.

    Raises:
        ValueError: features are not finite, or there are no k neighbours.
    """
    real = check_features(features_real, argument="features_real", minimum=neighbours + 1)
    return _squared_radii(real - real.mean(axis=0), neighbours)


def precision_recall_beside(
    features_real: np.ndarray,
    radii_real: np.ndarray,
    features_fake: np.ndarray,
    neighbours: int = NEIGHBOURS,
) -> PrecisionRecall:
    """Return what `precision_recall` does, with the radii that `radii_of_real` found before."""
    real, fake = check_pair(features_real, features_fake, minimum=neighbours + 1)
    centre = real.mean(axis=0)  # Products of smaller numbers round less.
    real, fake = real - centre, fake - centre
    return PrecisionRecall(
        precision=_share_within(fake, real, radii_real),
        recall=_share_within(real, fake, _squared_radii(fake, neighbours)),
    )


def _squared_radii(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the squared distance from each centre to the k-th nearest other one."""
    own = _squared_distances(centres, centres)
    # Each centre is its own nearest example, at index 0.
    return np.concatenate([np.partition(d, neighbours, axis=1)[:, neighbours] for d in own])


def _share_within(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> float:
    """Return the share of the points in the ball of any centre."""
    # The balls are closed: a point may lie on the edge, up to rounding.
    rounding = 1e-13 * (np.max(np.sum(centres**2, axis=1)) + np.max(np.sum(points**2, axis=1)))
    inside = [(d <= radii + rounding).any(axis=1) for d in _squared_distances(points, centres)]
    return float(np.concatenate(inside).mean())


def _squared_distances(points: np.ndarray, centres: np.ndarray) -> Iterator[np.ndarray]:
    """Yield squared distances for some rows of points at a time, so that memory stays small."""
    lengths = np.sum(centres**2, axis=1)
    for start in range(0, len(points), _CHUNK):
        rows = points[start : start + _CHUNK]
        squared = np.sum(rows**2, axis=1)[:, None] + lengths - 2 * rows @ centres.T
        yield np.maximum(squared, 0.0)
