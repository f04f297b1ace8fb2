"""Probes of a run's discriminator, and what is refused."""

from dataclasses import replace

import jax
import numpy as np
import pytest

import ganfield as gf

OPTIONS = {"labels_per_class": (2, 5), "num_draws": 2, "seed": 3}


def by_hand(phi, pixels):
    """Return the hidden layer of a perceptron."""
    layer = phi["layers"][0]
    flat = pixels.reshape(len(pixels), -1) / 127.5 - 1
    return np.maximum(flat @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"]), 0)


@pytest.mark.slow
def test_a_probe_is_of_the_discriminator_its_start_and_pixels(trained):
    run = gf.runs.load(trained[0]["first"])
    start = jax.jit(run.game.init)(gf.configuration.random_keys(run.config).init)
    test = gf.data.digits("test", size=8)
    expected = {
        "discriminator": lambda pixels: by_hand(run.params.phi, pixels),
        "untrained": lambda pixels: by_hand(start.phi, pixels),
        "pixels": lambda pixels: pixels,
    }
    probes = gf.runs.probe(run, **OPTIONS)
    assert list(probes) == list(expected)
    for name, features in expected.items():
        other = gf.evaluation.linear_probe(
            features, run.data.pixels, run.data.labels, test_images=test.pixels,
            test_labels=test.labels, key=jax.random.key(3), labels_per_class=(2, 5), num_draws=2,
        )  # fmt: skip
        np.testing.assert_allclose(probes[name].accuracies, other.accuracies, atol=0.006)
    assert probes["pixels"].accuracy[1] > 0.6
    # Few labels, but more of them, and of the features that it was given.
    only = replace(test, pixels=test.pixels[:50], labels=test.labels[:50])
    few = gf.runs.probe(run, test=only, **OPTIONS)
    assert all((50 * np.array(each.accuracies) % 1 < 1e-9).all() for each in few.values())


@pytest.mark.slow
def test_runs_that_cannot_be_probed(trained, points):
    run = gf.runs.load(trained[0]["first"])
    own, data = points
    with pytest.raises(ValueError, match="the run's data must be images with labels, got"):
        gf.runs.probe(gf.runs.load(own, data=data))
    with pytest.raises(ValueError, match="test must be images with labels, got Images"):
        gf.runs.probe(run, test=gf.data.Images(np.zeros((2, 8, 8, 1), np.uint8)))
    everything = replace(run, config=run.config.replace({"data.split": "all"}))
    everything.__dict__["data"] = run.data
    with pytest.raises(ValueError, match=r"data.split must be train or test.*got 'all': give test"):
        gf.runs.probe(everything)
