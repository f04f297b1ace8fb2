"""The stop rule and the probes of experiments/label_games, small."""

import json

import numpy as np
import pytest

import ganfield as gf

SMALL = {"data.size": 8, "samples": 4, "batch_size": 8, "latent_size": 4, "reference_size": 16}


@pytest.fixture
def tiny(load, monkeypatch):
    """Return both scripts, with runs that take no time."""
    stopping, probe = load("stopping"), load("probe")
    monkeypatch.setattr(stopping, "METHODS", ("alternating",))
    monkeypatch.setattr(stopping, "QUICK", stopping.QUICK | SMALL)
    monkeypatch.setattr(stopping, "TOLERANCE", 0.45)
    monkeypatch.setattr(stopping, "chosen", lambda config: config)
    return stopping, probe


@pytest.mark.long
def test_a_small_run(tiny, drawn, tmp_path):
    stopping, probe = tiny
    small = {"quick": True, "output": tmp_path, "num_steps": 60}

    def look(pixels):
        flat = pixels.reshape(len(pixels), -1)[:, 20:44] / 255
        return flat, flat

    features = gf.evaluation.Features(look, name="pixels", hash="none")
    config = stopping.Config(window=20, score_every=20, num_samples=40, **small)
    before = stopping.run_folder(config, "alternating", 0)
    before.mkdir(parents=True)
    (before / "config.json").write_text("{}")  # A run that is there is made anew.
    rows = stopping.measure(config, features)
    written = json.loads((tmp_path / "stopping.json").read_text())["results"]
    assert [row["method"] for row in written] == ["alternating"]
    for row in rows:
        run = gf.runs.load(stopping.run_folder(config, row["method"], 0))
        assert (run.step, row["last"]["step"], row["outcome"]) == (60, 60, "finished")
        assert run.scores["step"].tolist() == [0, 20, 40, 60]
        assert row["best"]["score"] == min(run.scores[stopping.SCORE])
        # Where the rule stopped it is where it stops the record of the run that was taken on.
        rule = gf.configuration.stop_rule(stopping.settings(config, row["method"], 0).stop)
        at, accuracy = run.metrics["step"], run.metrics["accuracy_fake"]
        means = stopping.moving_mean(at, accuracy, 20)
        holds = at[np.abs(means - 0.5) <= 0.45].tolist()
        assert row["stop"]["step"] == next(step for step in holds if step < 60)
        assert row["stop"]["why"].startswith(str(rule))
        assert row["stop"]["score"] > 0
    assert [ax.get_title() for ax in drawn("stopping")] == ["alternating", ""]
    # The probes are of those runs.
    probes = probe.measure(probe.Config(num_draws=2, **small))
    names = ["pixels", "untrained, seed 0", "alternating, seed 0"]
    assert list(probes) == names
    run = gf.runs.load(stopping.run_folder(config, "alternating", 0))
    alone = gf.runs.probe(run, num_draws=2)
    np.testing.assert_array_equal(probes[names[2]].accuracy, alone["discriminator"].accuracy)
    saved = json.loads((tmp_path / "probe.json").read_text())
    assert saved["steps"] == dict.fromkeys(names[2:], 60)
    assert len(drawn("probe")[0].containers) == 3


def test_what_is_averaged(load):
    at, values = np.array([0, 10, 30, 40]), np.array([1.0, 2.0, 4.0, 6.0])
    means = load("stopping").moving_mean(at, values, 20)
    np.testing.assert_array_equal(means, [np.nan, np.nan, 3.0, 5.0])


def test_bad_numbers_are_refused(load, tmp_path):
    stopping = load("stopping")
    with pytest.raises(ValueError, match="window must be an integer ≥ 1, got 0"):
        stopping.main(stopping.Config(window=0, output=tmp_path / "new"))
    assert not (tmp_path / "new").exists()
