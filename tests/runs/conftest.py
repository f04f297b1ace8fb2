"""Tiny runs, trained once: two that differ in the seed, one of another method, one of points."""

import numpy as np
import pytest

import ganfield as gf
from tests.training.tiny import CONFIG

FOLDERS = {
    "first": {},
    "second": {"seed": 1},
    "other": {"method.name": "simultaneous", "method.transform": "consensus", "method.gamma": 1.0},
}


def brightness(generate):
    return {"brightness": generate(4).mean()}


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return name → folder, and name → `Result`. Tests leave the folders as they are."""
    root = tmp_path_factory.mktemp("runs")
    results = {
        name: gf.training.train(
            CONFIG.replace({"method.optimizer": "rmsprop"} | changes),
            root / name,
            num_steps=40,
            evaluate=[brightness],
        )
        for name, changes in FOLDERS.items()
    }
    return {name: root / name for name in FOLDERS}, results


@pytest.fixture(scope="session")
def points(tmp_path_factory):
    """Return the folder of a run on an own array, which keeps an average, and the data."""
    folder = tmp_path_factory.mktemp("points") / "run"
    data = gf.data.points(np.random.default_rng(0).normal(size=(50, 2)) * 3)
    config = CONFIG.replace(
        {"data.name": "ring", "method.wrapper": "averaged", "method.wrapper_options.decay": 0.5}
    )
    gf.training.train(config, folder, data=data, num_steps=40)
    return folder, data
