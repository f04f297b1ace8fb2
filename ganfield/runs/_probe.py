"""What the discriminator of a run has learned, beside what needs no training."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from ganfield._types import PyTree
from ganfield.configuration import load_data, random_keys
from ganfield.data import Images, to_float
from ganfield.evaluation import LinearProbe, linear_probe
from ganfield.runs._load import SavedRun
from ganfield.runs._quick import quick_jit

_OTHER = {"train": "test", "test": "train"}


def probe(
    run: SavedRun,
    *,
    test: Images | None = None,
    labels_per_class: Sequence[int | None] = (10, 30, None),
    num_draws: int = 5,
    seed: int = 0,
) -> dict[str, LinearProbe]:
    """Return how well linear classifiers tell classes by what a run's discriminator sees.

    Each is `ganfield.evaluation.linear_probe`, on the same draws of labels:

    - "discriminator": on its penultimate features at the run's checkpoint;
    - "untrained": the same network with the parameters that the run began with;
    - "pixels": on the images themselves.

    Labels are those of the images that the run was trained on without them. Batch norm, where there
    is any, has the statistics of one fixed batch of ``config.reference_size`` of these.

    Args:
        run: from `ganfield.runs.load`.
        test: what the accuracy is taken on; the other part of the run's data set if None.
        labels_per_class: as in `ganfield.evaluation.linear_probe`.
        num_draws: the same.
        seed: of the draws.

    Returns:
        Name → `ganfield.evaluation.LinearProbe`.

    Raises:
        ValueError: the run is not of images with labels, or its set has no other part; its
            discriminator has no penultimate layer; as `ganfield.evaluation.linear_probe`.
        ImportError: scikit-learn is not installed.

    Example:
        >>> import tempfile, ganfield as gf
        >>> folder = tempfile.mkdtemp()
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> _ = gf.training.train(config, folder, num_steps=2)
        >>> probes = gf.runs.probe(gf.runs.load(folder), labels_per_class=(1, 10), num_draws=2)
        >>> {name: bool(each.accuracy[1] > 0.5) for name, each in probes.items()}
        {'discriminator': True, 'untrained': True, 'pixels': True}
    """
    train = _labelled(run.data, "the run's data")
    other = _labelled(_other_part(run) if test is None else test, "test")
    penultimate, keys = run.discriminator.penultimate, random_keys(run.config)
    reference = train.sample(keys.samples, run.config.reference_size)

    @quick_jit
    def apply(params: PyTree, reference: jax.Array, pixels: jax.Array) -> jax.Array:
        return penultimate(params, to_float(pixels), reference)

    def of(params: PyTree) -> Callable[[Any], np.ndarray]:
        return lambda pixels: np.asarray(apply(params, reference, jax.numpy.asarray(pixels)))

    chosen: dict[str, Callable[[Any], np.ndarray]] = {
        "discriminator": of(run.params.phi),
        "untrained": of(quick_jit(run.game.init)(keys.init).phi),
        "pixels": lambda pixels: pixels,
    }
    return {
        name: linear_probe(
            features,
            train.pixels,
            train.labels,
            test_images=other.pixels,
            test_labels=other.labels,
            key=jax.random.key(seed),
            labels_per_class=labels_per_class,
            num_draws=num_draws,
        )
        for name, features in chosen.items()
    }


def _other_part(run: SavedRun) -> Any:
    config = run.config.data
    if config.split not in _OTHER:
        raise ValueError(
            f"the run's data.split must be train or test, to have another part to test on, got "
            f"{config.split!r}: give test=…"
        )
    return load_data(replace(config, split=_OTHER[config.split]))


def _labelled(data: Any, what: str) -> Images:
    if not isinstance(data, Images) or data.labels is None:
        raise ValueError(f"{what} must be images with labels, got {data!r:.100}")
    return data
