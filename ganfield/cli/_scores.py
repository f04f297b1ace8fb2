"""The scores that ``ganfield train --classifier`` takes, and how they were taken."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ganfield as gf

NUM_SAMPLES = 6400
MOST_REAL = 10_000


class Scorer:
    """Scores a run while it trains.

    Args:
        path: the classifier.
        config: the run's configuration.
        num_samples: how many images the generator is asked for; 6400 if None.

    Attributes:
        data: the images that the run has.
        names: what the scores are called.
        scores: the last ones, or None.

    Raises:
        ValueError: there is no such classifier, or it is not for these images.
    """

    def __init__(self, path: Path, config: Any, *, num_samples: int | None = None):
        classifier = _load(path)
        self.data = gf.configuration.load_data(config.data)
        images = getattr(self.data, "images", self.data)
        _check_images(images, classifier, config.data.name)
        count = NUM_SAMPLES if num_samples is None else num_samples
        self._evaluator = gf.evaluation.evaluator(
            classifier.features,
            images,
            gf.checks.check_count(count, argument="--num-samples", minimum=10),
            num_real=min(len(images), MOST_REAL),
        )
        self.protocol = self._evaluator.protocol
        self.names = self._evaluator.names
        self.scores: gf.evaluation.Scores | None = None

    def __call__(self, generate: Callable[[int], np.ndarray]) -> dict[str, float]:
        """Return the scores of a generator."""
        self.scores = self._evaluator.scores(generate)
        return self.scores.values

    def score(self, config: Any, params: gf.Players) -> None:
        """Score a run that had nothing to do, on the latent variables that it is scored on."""
        # Orbax, which training needs, stays out of the other commands.
        from ganfield.runs._generate import Maker

        make = Maker(gf.configuration.build(config, self.data))
        self.scores = self._evaluator.scores(lambda count: make(params.theta, count))

    def in_words(self, step: int) -> str:
        """Return the last scores in lines, the protocol first."""
        if self.scores is None:
            return ""
        rows = self.scores.rows()
        width = max(map(len, rows))
        lines = [f"scores at step {step}: {self.protocol}"]
        lines += [f"  {name:<{width}}  {text}" for name, text in rows.items()]
        return "\n".join(lines + [f"note: {note}" for note in self.scores.notes])

    def record(self) -> dict[str, Any] | None:
        """Return the last scores for JSON."""
        if self.scores is None:
            return None
        return {**self.scores._asdict(), "protocol": self.protocol._asdict()}


def _load(path: Path) -> gf.evaluation.Classifier:
    if not path.is_file():
        raise ValueError(
            f"--classifier must be a file that `ganfield train-classifier` wrote, and {path} is "
            f"{'no file' if path.exists() else 'not there'}"
        )
    try:
        return gf.evaluation.load_classifier(path)
    except ValueError as error:
        raise ValueError(f"--classifier: {error}") from error


def _check_images(data: Any, classifier: gf.evaluation.Classifier, name: str) -> None:
    if not isinstance(data, gf.data.Images):
        raise ValueError(f"--classifier is for images, and {name} has none")
    shape, learned = data.shape, tuple(classifier.metadata["image_shape"])
    if shape != learned:
        hint = f": train-classifier --size {shape[0]} makes one" if name == "digits" else ""
        raise ValueError(
            f"--classifier must be for images of the run's shape {shape}, got one of "
            f"{classifier.metadata['dataset']}, for {learned}{hint}"
        )
