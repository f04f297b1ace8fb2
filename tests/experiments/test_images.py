import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import ganfield as gf


@pytest.mark.long
def test_runs_resume_and_figures(load, drawn, tmp_path, monkeypatch):
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
    images.main(config)
    results = json.loads((tmp_path / "result.json").read_text())["results"]
    assert [(row["seed"], row["steps"], row["outcome"]) for row in results] == [
        (0, 4, "finished"),
        (1, 4, "finished"),
    ]
    assert results[0]["metrics"] != results[1]["metrics"]
    assert all(row["compile_seconds"] > 0 for row in results)
    curves = [row["curves"] for row in results]
    for axes, name in zip(
        (drawn("scores")[:2], drawn("scores")[2:]),
        ("classifier_score", "frechet_classifier_distance"),
        strict=True,
    ):
        for ax, at in zip(axes, ("step", "seconds"), strict=True):
            for line, curve in zip(ax.lines, curves, strict=True):
                np.testing.assert_allclose(line.get_xdata(), curve["scores"][at], rtol=1e-3)
                np.testing.assert_allclose(line.get_ydata(), curve["scores"][name], rtol=1e-3)
    for ax, name in zip(drawn("norms"), ("norm_v_theta", "norm_v_phi", "diversity"), strict=True):
        for line, curve in zip(ax.lines, curves, strict=True):
            np.testing.assert_allclose(line.get_ydata(), curve["metrics"][name], rtol=1e-3)
    # A row for each seed: the run's samples, and real images.
    assert [len(ax.images) for ax in drawn("samples")] == 4 * [1]
    assert (tmp_path / "samples.png").exists()
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
    assert json.loads((tmp_path / "result.json").read_text())["results"] == results
    images.main(config)
    assert json.loads((tmp_path / "result.json").read_text())["results"] == results
    # Further, with the paces that more steps give.
    images.main(replace(config, seeds=(0,), num_steps=9))
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
    run = images.chosen(images.Config(presets=(name,), num_scores=10))[name]
    assert (run.num_steps, run.evaluate_every, run.record_every) == (150_000, 15_000, 1500)
    run = images.chosen(images.Config(presets=(name,), score_every=50))[name]
    paces = (run.evaluate_every, run.checkpoint_every, run.record_every)
    assert (run.num_steps, paces) == (150_000, (50, 50, 5))


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
            for name in ("name", "transform", "gamma"):
                del tree["method"][name]
        easy, *hard = trees
        assert hard[0] == hard[1] == hard[2]
        assert {key for key in easy if easy[key] != hard[0][key]} == {"generator", "discriminator"}
