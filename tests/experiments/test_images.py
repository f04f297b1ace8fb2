import csv
import importlib
import json
import sys
from pathlib import Path

import pytest

import ganfield as gf

FOLDER = Path(gf.__file__).parents[1] / "experiments" / "numerics_of_gans"


@pytest.fixture
def load(monkeypatch):
    """Import by plain name; the benchmarks have an images.py too."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delitem(sys.modules, "images", raising=False)
    return importlib.import_module


def test_runs_resume_and_figures(load, tmp_path):
    """Two tiny runs, then further: what was trained is not trained again."""
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
    assert [(row["seed"], row["steps"], row["status"]) for row in found["results"]] == [
        (0, 4, "finished"),
        (1, 4, "finished"),
    ]
    assert found["results"][0]["metrics"] != found["results"][1]["metrics"]
    for name in ("scores.png", "norms.png", "samples.png"):
        assert (tmp_path / name).stat().st_size > 5000
    assert images.main(config) == 0
    again = json.loads((tmp_path / "result.json").read_text())
    assert [row["status"] for row in again["results"]] == ["done", "done"]
    with (tmp_path / "digits_mlp" / "seed_0" / "scores.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "2", "4"]


def tiny_classifier(images, folder):
    data = images.gf.training.preset("digits/mlp").data
    config = images.Config(smoke=True)
    images.classifier_of(config, data, folder)
    return folder / "classifier.npz"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"presets": ("digits/mpl",)}, "did you mean 'digits/mlp'"),
        ({"presets": ("digits/mlp", "ring/consensus")}, "of one data set"),
        ({"num_scores": 0}, "num_scores must be an integer ≥ 1"),
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
