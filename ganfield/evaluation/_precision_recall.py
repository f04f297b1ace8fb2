"""Precision and recall of samples by nearest neighbours among features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganfield._memory import check_memory
from ganfield.checks import check_count
from ganfield.evaluation._checks import check_features, check_pair

_CHUNK = 512
_NUMBERS = 1 << 20  # of differences, held at a time
_UNIT = float(np.finfo(np.float64).eps)
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
    examples are missing, as after mode collapse. Distances are exact to the rounding of float64,
    however small a cluster is beside the distances between clusters.

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
    return _squared_radii(real, neighbours)


def precision_recall_beside(
    features_real: np.ndarray,
    radii_real: np.ndarray,
    features_fake: np.ndarray,
    neighbours: int = NEIGHBOURS,
) -> PrecisionRecall:
    """Return what `precision_recall` does, with the radii that `radii_of_real` found before."""
    real, fake = check_pair(features_real, features_fake, minimum=neighbours + 1)
    return PrecisionRecall(
        precision=_share_within(fake, real, radii_real),
        recall=_share_within(real, fake, _squared_radii(fake, neighbours)),
    )


def _squared_radii(centres: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the squared distance from each centre to the k-th nearest other one."""
    # Copies of one example are each other's nearest: as many as there may be, they cost nothing.
    _, which, counts = np.unique(centres, axis=0, return_inverse=True, return_counts=True)
    radii = np.zeros(len(centres))
    (others,) = np.nonzero(counts[which.reshape(-1)] <= neighbours)
    points = centres[others]
    for rows, bounds in _bounds(points, centres):
        # Each centre is its own nearest example, at index 0.
        reach = np.partition(bounds.above, neighbours, axis=1)[:, neighbours]
        near, far = np.nonzero(bounds.below <= reach[:, None])
        squared = np.full(bounds.below.shape, np.inf)
        squared[near, far] = _squared_distances(points[rows], centres, near, far)
        radii[others[rows]] = np.partition(squared, neighbours, axis=1)[:, neighbours]
    return radii


def _share_within(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> float:
    """Return the share of the points in the ball of any centre."""
    # The balls are closed: a point may lie on the edge, up to the rounding of sums of squares.
    radii = radii * (1 + 2 * (centres.shape[1] + 2) * _UNIT)
    count = 0
    for rows, bounds in _bounds(points, centres):
        inside = np.any(bounds.above <= radii, axis=1)
        doubtful = (bounds.below <= radii) & ~inside[:, None]
        # One ball is enough: the likeliest first, which spares most of the others.
        (left,) = np.nonzero(doubtful.any(axis=1))
        likeliest = np.argmin(bounds.below[left] - radii, axis=1)
        squared = _squared_distances(points[rows], centres, left, likeliest)
        inside[left] = squared <= radii[likeliest]
        near, far = np.nonzero(doubtful & ~inside[:, None])
        squared = _squared_distances(points[rows], centres, near, far)
        inside[near[squared <= radii[far]]] = True
        count += int(inside.sum())
    return count / len(points)


class _Bounds(NamedTuple):
    """Between what squared distances lie, shape ``(rows, centres)``."""

    below: np.ndarray
    above: np.ndarray


def _bounds(points: np.ndarray, centres: np.ndarray) -> Iterator[tuple[slice, _Bounds]]:
    """Yield bounds of squared distances for some rows of points at a time, so memory stays small.

    They are found as ‖a‖² + ‖b‖² − 2aᵀb, which a product of matrices makes fast, and which is off
    by what ‖a‖² and ‖b‖² are rounded by.
    """
    check_memory(
        len(centres),
        lambda count: 48 * min(_CHUNK, len(points)) * count,
        argument="features must be of examples,",
        what="distances from them",
        on_host=True,
    )
    middle = centres.mean(axis=0)  # Products of smaller numbers round less.
    points, centres = points - middle, centres - middle
    lengths = np.sum(centres**2, axis=1)
    # Sums of n products are off by at most n units of the sums of magnitudes, in any order; and
    # |2aᵀb| ≤ ‖a‖² + ‖b‖². The rest is for the middle's subtraction.
    share = 2 * (centres.shape[1] + 8) * _UNIT
    for start in range(0, len(points), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(points)))
        sums = np.sum(points[rows] ** 2, axis=1)[:, None] + lengths
        squared = sums - 2 * points[rows] @ centres.T
        sums *= share
        yield rows, _Bounds(squared - sums, squared + sums)


def _squared_distances(
    points: np.ndarray, centres: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Return the squared distances of some pairs, from differences, which lose nothing."""
    step = max(1, _NUMBERS // points.shape[1])
    squared = np.empty(len(rows))
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        squared[some] = np.sum((points[rows[some]] - centres[columns[some]]) ** 2, axis=1)
    return squared
