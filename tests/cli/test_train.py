"""``ganfield train``: what it says, what it refuses, and its exit codes."""

import csv
import json

import jax
import numpy as np
import pytest

import ganfield as gf

TINY = (
    "--set", "batch_size=4", "latent_size=2", "samples=4", "data.size=8", "record_every=5",
    "--set", "generator.width=2", "generator.num_layers=1",
    "--set", "discriminator.width=2", "discriminator.num_layers=1",
)  # fmt: skip


@pytest.mark.long
def test_a_run_and_its_end(run, run_json, tmp_path):
    options = ("train", "run", "--preset", "digits/mlp", *TINY)
    record = run_json(*options, "--num-steps", 5)
    assert record["output"] == "run"
    assert (record["outcome"], record["step"], record["stopped_at"]) == ("finished", 5, -1)
    assert record["compile_seconds"] > 0
    # The run's own configuration is taken where no preset is named.
    code, out, err = run("train", "run", "--num-steps", 7)
    assert code == 0
    assert out.startswith("run: step 7, ")
    assert err.splitlines()[0] == "resumed from step 5"
    code, out, err = run(*options, "--num-steps", 7)
    assert (code, err) == (0, "nothing to do: the run is at step 7, and num_steps is 7\n")
    options = ("train", "run", "--num-steps", 9, "--set", "record_every=4")
    code, out, err = run(*options, "seed=3")
    assert (code, out) == (2, "")
    assert "the run in run has another configuration: seed: 0 → 3." in err
    assert "--allow-changes" in err
    # The pace of rows is no part of what a step does; that it changed is told.
    code, out, err = run(*options)
    assert code == 0
    assert "configuration changed: record_every: 5 → 4\nresumed from step 7\n" in err
    # Row 7 was there because the run ended there.
    assert [row["step"] for row in rows(tmp_path / "run" / "metrics.csv")] == ["0", "5", "8", "9"]


@pytest.mark.slow
def test_a_rule_ends_a_run_with_success(run, run_json):
    options = ("train", "run", "--preset", "digits/mlp", *TINY, "--num-steps", 20, "--set")
    record = run_json(*options, "stop=norm_v above 0 for 5 steps")
    assert (record["outcome"], record["step"]) == ("told to stop", 5)
    assert record["stopped_by"].startswith("norm_v above 0 for 5 steps (")
    code, out, err = run("train", "run")
    assert (code, out[:13]) == (0, "run: step 5, ")
    assert err.startswith("nothing to do: the run is told to stop at step 5: norm_v above 0")
    code, out, err = run("train", "run2", *options[2:], "stop=nrom_v below 1")
    assert (code, out) == (2, "")
    assert "unknown metric in stop 'nrom_v': did you mean 'norm_v'?" in err


@pytest.mark.long
def test_numbers_are_single_whatever_other_commands_compute_in(run_json, tmp_path):
    run_json("train", "run", "--preset", "digits/mlp", "--num-steps", 0, *TINY)
    about = json.loads((tmp_path / "run" / "checkpoints" / "0" / "about" / "metadata").read_text())
    kinds = {leaf.partition("[")[0] for leaf in about["leaves"].values()}
    assert kinds == {"float32", "int32"}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """The file of a classifier of digits that knows nothing, and what it holds."""
    network = gf.networks.classifier((8, 8, 1), 10, width=2, num_features=3)
    params = jax.jit(network.init)(jax.random.key(0))
    metadata = {
        "dataset": "digits", "image_shape": [8, 8, 1], "num_classes": 10, "width": 2,
        "num_features": 3, "test_accuracy": 0.1, "hash": gf.evaluation.hash_of(params),
    }  # fmt: skip
    saved = gf.evaluation.Classifier(params, metadata)
    path = tmp_path_factory.mktemp("classifier") / "digits.npz"
    gf.evaluation.save_classifier(path, saved)
    return path, saved


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.long
def test_scores_with_a_classifier(run, run_json, tmp_path, classifier):
    path, saved = classifier
    scored = ("--classifier", path, "--num-samples", 20)
    begin = ("train", "run", "--preset", "digits/mlp", *TINY, "--set", "evaluate_every=2")
    code, out, err = run(*begin, "--num-steps", 4, *scored)
    assert code == 0
    protocol = (
        "n_real = 1442, n_fake = 20, digits train, classifier of digits, 10.00 % right in test"
    )
    for text in (out, " ".join(err.split())):
        assert protocol in text
        assert f"sha256 {saved.hash[:12]}" in text
    _, verdict, head, *lines = out.splitlines()
    assert verdict.startswith("undecided: ")
    assert head.startswith(f"scores at step 4: {protocol}")
    table = tmp_path / "run" / "scores.csv"
    last = rows(table)[-1]
    assert [row["step"] for row in rows(table)] == ["0", "2", "4"]
    shown = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    for name in set(last) - {"step", "seconds"}:
        assert float(shown[name]) == pytest.approx(float(last[name]), rel=1e-4), name
    assert len(shown["class_histogram"].split()) == 11
    assert json.loads((tmp_path / "run" / "protocol.json").read_text())[0]["hash"] == saved.hash

    go_on = ("train", "run", "--num-steps")
    code, out, _ = run(*go_on, 5)  # Without scores: the run and its verdict,
    assert (code, len(out.splitlines())) == (0, 2)
    said = run_json(*go_on, 7, *scored)["scores"]  # and with scores again.
    assert [row["step"] for row in rows(table)] == ["0", "2", "4", "6", "7"]
    for name, value in said["values"].items():
        assert float(rows(table)[-1][name]) == pytest.approx(value, rel=1e-8), name
    assert sum(said["histogram"]) == pytest.approx(1)
    # A finished run has its scores still, on the same latent variables.
    again = run_json(*go_on, 7, *scored)
    assert (again["outcome"], again["scores"]) == ("done", said)

    code, out, err = run(*go_on, 9, "--classifier", path, "--num-samples", 30)
    assert (code, out) == (2, "")
    assert "the run in run was scored otherwise" in err
    assert "n_fake: 20 → 30. " in err
    assert [row["step"] for row in rows(table)] == ["0", "2", "4", "6", "7"]
    other = run_json(*go_on, 7, "--classifier", path, "--num-samples", 30, "--allow-changes")
    assert other["scores"]["protocol"]["n_fake"] == 30


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("--classifier missing.npz", "wrote, and missing.npz is not there"),
        ("--classifier .", "wrote, and . is no file"),
        ("--classifier notes.txt", "--classifier: path must be a classifier that ganfield wrote"),
        ("--classifier KNOWN", "shape (16, 16, 1), got one of digits, for (8, 8, 1)"),
        ("--classifier KNOWN --preset ring/consensus", "for images, and ring has none"),
        (
            "--classifier KNOWN --set data.size=8 --num-samples 9",
            "--num-samples must be an integer",
        ),
        ("--num-samples 20", "--num-samples is for the scores that --classifier asks for"),
    ],
)
def test_what_cannot_be_scored_leaves_no_folder(args, said, run, tmp_path, classifier):
    (tmp_path / "notes.txt").write_text("0.1 0.2\n")
    args = args.replace("KNOWN", str(classifier[0])).split()
    code, out, err = run("train", "run", *args)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_run_that_meets_a_nan_has_a_code(run, monkeypatch):
    result = gf.training.Result("stopped", 7, None, 1.0, 1.0, 7, -1, "stopped by a NaN at step 7")
    monkeypatch.setattr(gf.training, "train", lambda *args, **options: result)
    code, out, err = run("train", "run")
    assert (code, out, err) == (1, "", "error: stopped by a NaN at step 7.\n")


def test_options_reach_the_run(run, monkeypatch, tmp_path):
    given = {}

    def train(config, output, **options):
        given.update(options, config=config, output=output)
        return gf.training.Result("finished", 7, None, 1.0, 1.0, -1, -1, "finished")

    monkeypatch.setattr(gf.training, "train", train)
    code, _, _ = run(
        "train", "run", "--preset", "cifar10/conopt_conv4", "--data", "images",
        "--num-steps", 12, "--set", "method.gamma=0.1", "--resume", "never", "--allow-changes",
        "--tensorboard",
    )  # fmt: skip
    assert code == 0
    expected = gf.configuration.preset("cifar10/conopt_conv4").replace(
        {"method.gamma": 0.1, "num_steps": 12, "data.folder": str(tmp_path / "images")}
    )
    assert given["config"] == expected
    assert (given["resume"], given["allow_changes"], given["tensorboard"]) == ("never", True, True)
    assert np.asarray(given["config"].method.gamma).dtype == np.float64


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("--preset digits/consnesus", "unknown preset 'digits/consnesus': did you mean"),
        ("--set method.gama=3", "unknown setting 'method.gama': did you mean 'method.gamma'?"),
        ("--set method.gamma", "--set must be NAME=VALUE"),
        ("--set seed=1 seed=2", "--set must give seed once"),
        ("--set seed=x", "seed must be an integer, got 'x'"),
        ("--num-steps -1", "--num-steps must be an integer ≥ 0"),
        ("--resume autp", "unknown resume 'autp': did you mean 'auto'?"),
        ("--devices 0", "--devices must be an integer ≥ 1"),
        ("--devices 4096", "--devices must be at most"),
        ("--resume always", "there is no run in run to resume"),
        ("--preset cifar10/altgd_0", "--data must say where cifar10 is"),
        ("--data images", "data.folder is for sets that are read from files, and digits is not"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_no_folder(args, said, run, tmp_path):
    code, out, err = run("train", "run", *args.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []
