"""``ganfield train``: what it says, what it refuses, and its exit codes."""

import json

import numpy as np
import pytest

import ganfield as gf

TINY = (
    "--set", "batch_size=4", "latent_size=2", "samples=4", "data.size=8", "record_every=5",
    "--set", "generator.width=2", "generator.num_layers=1",
    "--set", "discriminator.width=2", "discriminator.num_layers=1",
)  # fmt: skip


def test_a_run_and_its_end(run, run_json, tmp_path):
    options = ("train", "--preset", "digits/mlp", "--output", "run", *TINY)
    found = run_json(*options, "--num-steps", 5)
    assert found["output"] == "run"
    assert (found["status"], found["step"], found["stopped_at"]) == ("finished", 5, -1)
    assert found["compile_seconds"] > 0
    # The run's own configuration is taken where no preset is named.
    code, out, err = run("train", "--output", "run", "--num-steps", 7)
    assert code == 0
    assert out.startswith("run: step 7, ")
    assert err.splitlines()[0] == "resumed from step 5"
    code, out, err = run(*options, "--num-steps", 7)
    assert (code, err) == (0, "nothing to do: the run is at step 7, and num_steps is 7\n")
    code, out, err = run("train", "--output", "run", "--num-steps", 9, "--set", "seed=3")
    assert (code, out) == (2, "")
    assert "the run in run has another configuration: seed: 0 → 3." in err
    assert "--allow-changes" in err


def test_numbers_are_single_whatever_other_commands_compute_in(run_json, tmp_path):
    run_json("train", "--preset", "digits/mlp", "--output", "run", "--num-steps", 0, *TINY)
    about = json.loads((tmp_path / "run" / "checkpoints" / "0" / "about" / "metadata").read_text())
    kinds = {leaf.partition("[")[0] for leaf in about["leaves"].values()}
    assert kinds == {"float32", "int32"}


def test_a_run_that_meets_a_nan_has_a_code(run, monkeypatch):
    result = gf.training.Result("stopped", 7, None, 1.0, 1.0, 7, -1, "stopped by a NaN at step 7")
    monkeypatch.setattr(gf.training, "train", lambda *args, **options: result)
    code, out, err = run("train", "--output", "run")
    assert (code, out, err) == (1, "", "error: stopped by a NaN at step 7.\n")


def test_options_reach_the_run(run, monkeypatch, tmp_path):
    seen = {}

    def train(config, output, **options):
        seen.update(options, config=config, output=output)
        return gf.training.Result("finished", 7, None, 1.0, 1.0, -1, -1, "finished")

    monkeypatch.setattr(gf.training, "train", train)
    code, _, _ = run(
        "train", "--preset", "cifar10/conopt_conv4", "--data", "images", "--output", "run",
        "--num-steps", 12, "--set", "method.gamma=0.1", "--resume", "never", "--allow-changes",
        "--tensorboard",
    )  # fmt: skip
    assert code == 0
    expected = gf.training.preset("cifar10/conopt_conv4").replace(
        {"method.gamma": 0.1, "num_steps": 12, "data.folder": str(tmp_path / "images")}
    )
    assert seen["config"] == expected
    assert (seen["resume"], seen["allow_changes"], seen["tensorboard"]) == ("never", True, True)
    assert np.asarray(seen["config"].method.gamma).dtype == np.float64


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
        ("--preset cifar10/altgd_0", "data.folder must say where cifar10 is"),
        ("--data images", "data.folder is for sets that are read from files, and digits is not"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_no_folder(args, said, run, tmp_path):
    code, out, err = run("train", "--output", "run", *args.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []
