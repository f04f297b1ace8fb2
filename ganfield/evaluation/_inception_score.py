"""The inception score: how sure and how various a classifier finds samples."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ganfield.checks import check_count
from ganfield.evaluation._checks import check_features, check_probabilities


class InceptionScore(NamedTuple):
    """What `inception_score` found.

    Attributes:
        mean: over the splits.
        std: over the splits, dividing by their number, as published scores do. It says little of
            the error: samples of one generator, not generators, differ.
    """

    mean: float
    std: float


def inception_score(
    probabilities: ArrayLike, splits: int = 10, *, logits: bool = False
) -> InceptionScore:
    """Return exp(mean of KL(p(y|x) ‖ p(y))) for each split of the samples: their mean and spread.

    Between 1 (all samples alike to the classifier, or all undecided) and the number of classes. As
    in the published code a split holds consecutive samples, the k-th those from ⌊k·n/splits⌋ on,
    and p(y) is the mean over one split. So samples must come in random order: sorted by class every
    split holds one class, and the score is 1. Fewer samples in a split lower it.

    It is the *inception* score only with Inception's probabilities; with another classifier's it is
    a classifier score and compares with nothing else.

    Args:
        probabilities: shape ``(n, classes)``.
        splits: how many, at most n. The number is part of the score's protocol.
        logits: whether the first argument is logits; then their softmax is taken, in float64.

    Returns:
        An `InceptionScore`.

    Raises:
        ValueError: rows are no probabilities, or there are fewer samples than splits.

    Reference:
        Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, "Improved Techniques for Training
        GANs", 2016. Barratt, Sharma, "A Note on the Inception Score", 2018.

    Example:
        >>> import numpy as np, ganfield as gf
        >>> gf.evaluation.inception_score(np.tile(np.eye(4), (25, 1)), splits=1)
        InceptionScore(mean=4.0, std=0.0)
    """
    if logits:
        scores = check_features(probabilities, argument="logits", minimum=1)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        rows = scores / scores.sum(axis=1, keepdims=True)
    else:
        rows = check_probabilities(probabilities, argument="probabilities")
    splits = check_count(splits, argument="splits")
    if splits > len(rows):
        raise ValueError(f"splits must be at most the number of samples, {len(rows)}, got {splits}")
    edges = np.arange(splits + 1) * len(rows) // splits
    scores = np.array([_score(rows[a:b]) for a, b in pairwise(edges)])
    return InceptionScore(float(scores.mean()), float(scores.std()))


def _score(rows: np.ndarray) -> float:
    marginal = rows.mean(axis=0)
    # 0·log 0 is 0; where the marginal is 0, so is every row.
    positive = rows > 0
    ratio = np.divide(rows, marginal, out=np.ones_like(rows), where=positive)
    return float(np.exp((rows * np.log(ratio)).sum(axis=1).mean()))
