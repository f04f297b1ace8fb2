import csv
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ganfield as gf

FOLDER = Path(gf.__file__).parents[1] / "experiments" / "numerics_of_gans"


@pytest.fixture
def load(monkeypatch):
    """Import by plain name; the benchmarks have an images.py too."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "images", raising=False)
    return importlib.import_module


def test_runs_resume_and_figures(load, tmp_path, monkeypatch):
    """Two tiny runs, again, and one of them further: what was trained is not trained again."""
    images = load("images")
    config = images.Config(
        presets=("digits/mlp",),
        seeds=(0, 1),
        num_steps=4,
        num_scores=2,
        num_samples=40,
        output=tmp_path,
        classifier=tiny_classifier(images, tmp_path),
    )
    assert images.main(config) == 0
    found = json.loads((tmp_path / "result.json").read_text())
    assert [(row["seed"], row["steps"], row["outcome"]) for row in found["results"]] == [
        (0, 4, "finished"),
        (1, 4, "finished"),
    ]
    assert found["results"][0]["metrics"] != found["results"][1]["metrics"]
    assert all(row["compile_seconds"] > 0 for row in found["results"])
    for name in ("scores.png", "norms.png", "samples.png"):
        assert (tmp_path / name).stat().st_size > 5000
    # What was measured stays when there is nothing to do, and when a kill comes between.
    train = images.train

    def killed(run, *args):
        if run.seed == 1:
            raise KeyboardInterrupt
        return train(run, *args)

    with monkeypatch.context() as patched:
        patched.setattr(images, "train", killed)
        with pytest.raises(KeyboardInterrupt):
            images.main(config)
    assert json.loads((tmp_path / "result.json").read_text())["results"] == found["results"]
    assert images.main(config) == 0
    assert json.loads((tmp_path / "result.json").read_text())["results"] == found["results"]
    # Further, with the paces that more steps give.
    assert images.main(replace(config, seeds=(0,), num_steps=9)) == 0
    (row,) = json.loads((tmp_path / "result.json").read_text())["results"]
    assert (row["steps"], row["outcome"]) == (9, "finished")
    assert row["compile_seconds"] > 0
    with (tmp_path / "digits_mlp" / "seed_0" / "scores.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "2", "4", "8", "9"]
    with pytest.raises(ValueError, match=r"was scored otherwise.*n_fake: 40 → 50"):
        images.main(replace(config, num_samples=50))


def test_a_row_without_a_measurement_says_none(load):
    """As after a result.json was lost."""
    images = load("images")
    params = gf.Players(np.zeros(3), np.zeros(4))
    done = gf.training.Result("done", 4, params, 2.0, 0.0, -1, -1, "nothing to do")

    class Tables:
        def last_scores(self):
            return {}

        last_metrics = curves = last_scores

    row = images.row_of(("digits/mlp", 0), done, Tables(), None)
    assert (row["outcome"], row["compile_seconds"], row["steps_per_second"]) == ("done", None, 2.0)
    assert row["parameters"] == 7
    before = {"outcome": "out of time", "compile_seconds": 7.0, "steps": 4}
    row = images.row_of(("digits/mlp", 0), done, Tables(), before)
    assert (row["outcome"], row["compile_seconds"]) == ("out of time", 7.0)
    # A row of another step tells nothing of this one.
    assert (
        images.row_of(("digits/mlp", 0), done, Tables(), before | {"steps": 3})["outcome"] == "done"
    )


def test_scores_come_at_a_pace_or_at_a_number(load):
    images = load("images")
    name = "cifar10/conopt_2"
    found = images.chosen(images.Config(presets=(name,), num_scores=10))[name]
    assert (found.num_steps, found.evaluate_every, found.record_every) == (150_000, 15_000, 1500)
    found = images.chosen(images.Config(presets=(name,), score_every=50))[name]
    paces = (found.evaluate_every, found.checkpoint_every, found.record_every)
    assert (found.num_steps, paces) == (150_000, (50, 50, 5))


def tiny_classifier(images, folder):
    data = images.gf.configuration.preset("digits/mlp").data
    config = images.Config(smoke=True)
    images.classifier_of(config, data, folder)
    return folder / "classifier_smoke.npz"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"presets": ("digits/mpl",)}, "did you mean 'digits/mlp'"),
        ({"presets": ("digits/mlp", "ring/consensus")}, "of one data set"),
        ({"num_scores": 0}, "num_scores must be an integer ≥ 1"),
        ({"score_every": 0}, "score_every must be an integer ≥ 1"),
        ({"num_steps": -1}, "num_steps must be an integer ≥ 0, got -1"),
        ({"learning_rate": -1.0}, "learning_rate must be a finite number ≥ 0"),
    ],
)
def test_bad_arguments_are_refused(load, arguments, message):
    images = load("images")
    with pytest.raises(ValueError, match=message):
        images.chosen(images.Config(**arguments))


def test_what_is_compared_differs_in_nothing_but_method_and_network(load):
    images = load("images")
    for names in (images.DIGITS, images.CIFAR10):
        trees = [images.chosen(images.Config(presets=names))[name].to_dict() for name in names]
        for tree in trees:
            for name in ("name", "field", "gamma"):
                del tree["method"][name]
        easy, *hard = trees
        assert hard[0] == hard[1] == hard[2]
        assert {key for key in easy if easy[key] != hard[0][key]} == {"generator", "discriminator"}
