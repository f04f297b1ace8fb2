"""What features know of classes: a linear classifier learned on them from few labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from ganfield._extras import need
from ganfield._html import html_of, html_spread
from ganfield.checks import check_count, check_positive
from ganfield.evaluation._checks import check_features

_MOST_ITERATIONS = 2000


class LinearProbe(NamedTuple):
    """What `linear_probe` found, in the order of the numbers of labels.

    Attributes:
        labels_per_class: how many labels of each class were learned from; None for all.
        accuracy: the share of the test images that are right, a mean over draws of the labels.
        standard_error: of that mean, s/√n of n draws; NaN where there is one draw, as of all
            labels.
        accuracies: those of the draws, an array for each number of labels.
    """

    labels_per_class: tuple[int | None, ...]
    accuracy: np.ndarray
    standard_error: np.ndarray
    accuracies: tuple[np.ndarray, ...]

    def __repr__(self) -> str:
        said = ", ".join(
            f"{'all' if count is None else count}: {html_spread(mean, error)}"
            for count, mean, error in zip(*self[:3], strict=True)
        )
        return f"LinearProbe: accuracy by labels a class, {said}"

    def _repr_html_(self) -> str:
        return html_of(self)


def linear_probe(
    features: Callable[[Any], ArrayLike],
    images: ArrayLike,
    labels: ArrayLike,
    *,
    test_images: ArrayLike,
    test_labels: ArrayLike,
    key: jax.Array,
    labels_per_class: Sequence[int | None] = (10, 30, None),
    num_draws: int = 5,
    C: float = 1.0,
    batch_size: int = 250,
) -> LinearProbe:
    """Return how well a linear classifier tells classes by features, by the labels it learns from.

    Logistic regression, scikit-learn's, on features that are brought to mean 0 and standard
    deviation 1 over what is learned from; it minimises ‖W‖²/2 + C·Σ −log p(label). For each number
    of labels it is learned ``num_draws`` times, from so many images of each class that the key
    draws; those of a smaller number are among those of a larger one. Equal keys, labels and numbers
    draw the same images, whatever the features: so two features compare pair by pair.

    Args:
        features: ``features(images) -> array``, examples along the first axis of both; further axes
            are flattened, and so ``lambda images: images`` is raw pixels. One example's features
            must not depend on the others.
        images: what labels are learned of, as ``features`` takes it.
        labels: their classes, integers of shape ``(n,)``.
        test_images: what the accuracy is taken on.
        test_labels: their classes.
        key: a typed key, for the draws.
        labels_per_class: numbers of labels of each class; None for all that there are.
        num_draws: how often labels are drawn. All labels are one draw.
        C: the inverse of the penalty's weight.
        batch_size: images that ``features`` gets at a time; the last ones are filled up with zeros.

    Returns:
        A `LinearProbe`.

    Raises:
        ValueError: there are no labels, or not one for each image, or none of two classes; a test
            label is of no class that is learned; a class has fewer images than labels are asked
            for; features are not finite; a number is not allowed.
        ImportError: scikit-learn is not installed; ``pip install 'ganfield[images]'`` brings it.

    Reference:
        Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional
        Generative Adversarial Networks", 2016, section 5, for features of discriminators; Alain,
        Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", 2017.

    Example:
        >>> import jax, ganfield as gf
        >>> train, test = gf.data.digits(), gf.data.digits("test")
        >>> pixels = gf.evaluation.linear_probe(
        ...     lambda images: images, train.pixels, train.labels, test_images=test.pixels,
        ...     test_labels=test.labels, key=jax.random.key(0), labels_per_class=(1, 10),
        ...     num_draws=2)
        >>> bool(pixels.accuracy[0] < pixels.accuracy[1] < 1)
        True
    """
    need("sklearn", who="linear_probe")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    num_draws = check_count(num_draws, argument="num_draws")
    batch_size = check_count(batch_size, argument="batch_size")
    C = check_positive(C, argument="C")
    classes = _classes(labels, images, argument="labels")
    expected = _classes(test_labels, test_images, argument="test_labels")
    known, sizes = np.unique(classes, return_counts=True)
    if len(known) < 2:
        raise ValueError(f"labels must be of two classes at least, got {known.tolist()}")
    if strange := np.setdiff1d(expected, known).tolist():
        raise ValueError(
            f"test_labels must be of the classes of labels, {known.tolist()}, got {strange}"
        )
    counts = tuple(labels_per_class)
    for count in counts:
        if count is not None:
            check_count(count, argument="labels_per_class", maximum=int(np.min(sizes)))
    x = _extract(features, images, batch_size)
    x_test = _extract(features, test_images, batch_size)
    orders = [
        np.asarray(jax.random.permutation(jax.random.fold_in(key, draw), len(classes)))
        for draw in range(num_draws)
    ]

    def accuracy(chosen: np.ndarray) -> float:
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=C, max_iter=_MOST_ITERATIONS)
        ).fit(x[chosen], classes[chosen])
        return float(np.mean(model.predict(x_test) == expected))

    accuracies = []
    for count in counts:
        if count is None:
            draws = [np.arange(len(classes))]
        else:
            draws = [
                np.concatenate([order[classes[order] == each][:count] for each in known])
                for order in orders
            ]
        accuracies.append(np.array([accuracy(chosen) for chosen in draws]))
    return LinearProbe(
        counts,
        np.array([each.mean() for each in accuracies]),
        np.array([_error_of_mean(each) for each in accuracies]),
        tuple(accuracies),
    )


def _classes(labels: ArrayLike, images: ArrayLike, *, argument: str) -> np.ndarray:
    classes = np.asarray(labels)
    if classes.shape != (len(np.asarray(images)),) or classes.dtype.kind not in "iu":
        said = "None" if labels is None else f"{classes.dtype} of shape {classes.shape}"
        raise ValueError(
            f"{argument} must be integers of shape ({len(np.asarray(images))},), one for each "
            f"image, got {said}"
        )
    return classes


def _extract(
    features: Callable[[Any], ArrayLike], images: ArrayLike, batch_size: int
) -> np.ndarray:
    """Return the features of all images, found in batches of one size."""
    values = np.asarray(images)
    parts = []
    for start in range(0, len(values), batch_size):
        batch = values[start : start + batch_size]
        rest = np.zeros((batch_size - len(batch), *batch.shape[1:]), batch.dtype)
        made = np.asarray(features(np.concatenate([batch, rest])), np.float64)
        if made.shape[:1] != (batch_size,):
            raise ValueError(
                "features must map images to as many rows, examples along the first axis; of "
                f"{batch_size} it makes an array of shape {made.shape}"
            )
        parts.append(made.reshape(batch_size, -1)[: len(batch)])
    return check_features(np.concatenate(parts), argument="what features make of images")


def _error_of_mean(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
