"""Scores of images, with the protocol that they were taken by."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike

from ganfield._html import html_table
from ganfield.evaluation._class_histogram import class_histogram
from ganfield.evaluation._features import Extracted, Features
from ganfield.evaluation._frechet import distance_of_moments, small_sample_note
from ganfield.evaluation._inception_score import inception_score
from ganfield.evaluation._kernel_distance import kernel_distance
from ganfield.evaluation._moments import Moments
from ganfield.evaluation._precision_recall import precision_recall_beside, radii_of_real

_MOST_CLASSES = 20  # that a line has room for


class Protocol(NamedTuple):
    """How scores were taken; numbers of different protocols do not compare.

    Attributes:
        n_real: real images.
        n_fake: generated images.
        split: the real images' name and split, such as "digits test".
        feature: the feature function's name.
        hash: SHA-256 of its weights.
        preprocessing: what happened to images first.
        splits: of the inception score or its like.
    """

    n_real: int
    n_fake: int
    split: str
    feature: str
    hash: str
    preprocessing: str
    splits: int

    def __str__(self) -> str:
        return (
            f"n_real = {self.n_real}, n_fake = {self.n_fake}, {self.split}, "
            f"{self.feature} (sha256 {self.hash[:12]}), {self.splits} splits, {self.preprocessing}"
        )


class Scores(NamedTuple):
    """Scores, each printed with its protocol.

    Attributes:
        values: name → number.
        histogram: share of the generated images in each class.
        expected: the same of the real images.
        protocol: how the scores were taken.
        notes: what a reader must be told, such as that there were few samples.
    """

    values: dict[str, float]
    histogram: np.ndarray
    expected: np.ndarray
    protocol: Protocol
    notes: tuple[str, ...]

    def rows(self) -> dict[str, str]:
        """Return name → text of all scores and of both histograms, for a table."""
        return {
            **{name: _number(value) for name, value in self.values.items()},
            "class_histogram": _shares(self.histogram),
            "class_histogram_real": _shares(self.expected),
        }

    def __str__(self) -> str:
        rows = self.rows()
        width = max(map(len, rows))
        lines = [f"{name:<{width}} {text:>10}  [{self.protocol}]" for name, text in rows.items()]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        notes = (("note", note) for note in self.notes)
        return html_table([], [*self.rows().items(), *notes], title=f"{self.protocol}")


class Reference(NamedTuple):
    """What scores need of the real images, found once."""

    extracted: Extracted
    moments: Moments
    histogram: np.ndarray
    radii: np.ndarray

    @classmethod
    def of(cls, features: Features, images: ArrayLike) -> Reference:
        """Return it for these images."""
        extracted = features(images)
        return cls(
            extracted,
            Moments.of(extracted.features),
            class_histogram(extracted.probabilities).histogram,
            radii_of_real(extracted.features),
        )


def scores(
    features: Features,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    split: str,
    splits: int = 10,
    key: jax.Array | None = None,
) -> Scores:
    """Return all scores of generated images beside real ones.

    For features of kind "classifier": ``classifier_score`` and its ``_std`` over the splits,
    ``frechet_classifier_distance``, ``kernel_classifier_distance``; for "inception":
    ``inception_score``, ``fid``, ``kid``. Then ``precision``, ``recall``, ``class_entropy`` and
    ``class_jsd`` (from the real images' histogram).

    Args:
        features: what looks at the images.
        real: images as floats in [−1, 1] or as uint8, shape ``(n, height, width, channels)``.
        fake: the same.
        split: what the real images are, for the protocol.
        splits: of the inception score or its like.
        key: says which subsets the kernel distance takes; ``jax.random.key(0)`` if None.

    Returns:
        A `Scores`; ``str`` of it prints the scores and the class histograms, each with the
        protocol beside it.

    Raises:
        ValueError: images or a number are not allowed.

    Example:
        >>> import jax, numpy as np, ganfield as gf
        >>> def apply(pixels):
        ...     flat = pixels.reshape(len(pixels), -1) / 255
        ...     return flat, jax.nn.softmax(flat)
        >>> features = gf.evaluation.Features(apply, name="pixels", hash="none", kind="pixel")
        >>> noise = np.random.default_rng(0).uniform(-1, 1, size=(2, 100, 2, 2, 1))
        >>> print(gf.evaluation.scores(features, *noise, split="noise"))
        pixel_score ... [n_real = 100, n_fake = 100, noise, pixels (sha256 none), 10 splits, ...]
        ...
        note: Fréchet distance of n_real = 100 and n_fake = 100 examples of 4 features: ...
    """
    return scores_beside(
        Reference.of(features, real), features, fake, split=split, splits=splits, key=key
    )


def scores_beside(
    reference: Reference,
    features: Features,
    fake: ArrayLike,
    *,
    split: str,
    splits: int,
    key: jax.Array | None,
) -> Scores:
    """Return all scores beside real images that were looked at before."""
    extracted = features(fake)
    moments = Moments.of(extracted.features)
    score = inception_score(extracted.probabilities, splits)
    classes = class_histogram(extracted.probabilities, reference.histogram)
    kernel = kernel_distance(reference.extracted.features, extracted.features, key=key)
    region = precision_recall_beside(
        reference.extracted.features, reference.radii, extracted.features
    )
    values = (
        score.mean,
        score.std,
        distance_of_moments(reference.moments, moments),
        kernel.mean,
        region.precision,
        region.recall,
        classes.entropy,
        classes.jsd,
    )
    return Scores(
        dict(zip(all_names(features.kind), values, strict=True)),
        classes.histogram,
        reference.histogram,
        Protocol(
            reference.moments.num_examples,
            moments.num_examples,
            split,
            features.name,
            features.hash,
            features.preprocessing,
            splits,
        ),
        notes_on(reference, moments.num_examples),
    )


def notes_on(reference: Reference, n_fake: int) -> tuple[str, ...]:
    """Return what a reader must be told of scores of so many generated images."""
    real = reference.moments
    note = small_sample_note(real.num_examples, n_fake, len(real.mean))
    return (note,) if note else ()


def all_names(kind: str) -> tuple[str, ...]:
    """Return what all scores are called with features of a kind, in their order."""
    score, *distances = score_names(kind)
    others = ("precision", "recall", "class_entropy", "class_jsd")
    return (score, f"{score}_std", *distances, *others)


def score_names(kind: str) -> tuple[str, str, str]:
    """Return what the score and the two distances are called with features of a kind.

    Example:
        >>> score_names("classifier")
        ('classifier_score', 'frechet_classifier_distance', 'kernel_classifier_distance')
    """
    if kind == "inception":
        return ("inception_score", "fid", "kid")
    return (f"{kind}_score", f"frechet_{kind}_distance", f"kernel_{kind}_distance")


def _number(value: float) -> str:
    return f"{value:.5g}" if math.isfinite(value) else str(value)


def _shares(histogram: np.ndarray) -> str:
    """Return the percentage of each class; of many classes, those with the largest shares."""
    percent = [f"{100 * share:.1f}" for share in histogram]
    if len(percent) <= _MOST_CLASSES:
        return " ".join(percent) + " %"
    largest = np.argsort(-histogram, kind="stable")[:_MOST_CLASSES]
    shown = ", ".join(f"{index}: {percent[index]}" for index in largest)
    return f"{shown} % (the largest of {len(percent)} classes)"
