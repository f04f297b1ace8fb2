"""Which classes a classifier sees among samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganfield.evaluation._checks import check_probabilities


class ClassHistogram(NamedTuple):
    """What `class_histogram` found.

    Attributes:
        histogram: share of the samples in each class, by the most probable one, ``(classes,)``.
        entropy: of the histogram, in nats; log(classes) when it is even.
        jsd: Jensen–Shannon divergence, in nats, of the histogram from the expected one: 0 to log 2.
        confidence: mean probability of the most probable class.
    """

    histogram: np.ndarray
    entropy: float
    jsd: float
    confidence: float


def class_histogram(probabilities: ArrayLike, expected: ArrayLike | None = None) -> ClassHistogram:
    """Return how samples spread over the classes; mode collapse shows in it.

    Args:
        probabilities: a classifier's, shape ``(n, classes)``.
        expected: a histogram to compare with, such as that of the real examples; even if None.

    Returns:
        A `ClassHistogram`.

    Raises:
        ValueError: rows are no probabilities, or ``expected`` is no histogram of these classes.

    Example:
        >>> import math, numpy as np, ganfield as gf
        >>> classes = gf.evaluation.class_histogram(np.eye(4)[[0, 0, 1, 1]])
        >>> classes.histogram, round(classes.entropy / math.log(2), 6)
        (array([0.5, 0.5, 0. , 0. ]), 1.0)
    """
    rows = check_probabilities(probabilities, argument="probabilities")
    classes = rows.shape[1]
    if expected is None:
        target = np.full(classes, 1 / classes)
    else:
        target = check_probabilities(np.atleast_2d(np.asarray(expected)), argument="expected")[0]
        if len(target) != classes:
            raise ValueError(
                f"expected must have one share for each of the {classes} classes, got {len(target)}"
            )
    histogram = np.bincount(rows.argmax(axis=1), minlength=classes) / len(rows)
    middle = (histogram + target) / 2
    entropy = _entropy(histogram)
    return ClassHistogram(
        histogram=histogram,
        entropy=entropy,
        jsd=max(_entropy(middle) - (entropy + _entropy(target)) / 2, 0.0),
        confidence=float(rows.max(axis=1).mean()),
    )


def _entropy(histogram: np.ndarray) -> float:
    shares = histogram[histogram > 0]
    return float(abs(np.sum(shares * np.log(shares))))
