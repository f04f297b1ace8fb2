"""A run comes back as it was: parameters, memory, tables; and its folder stays as it is."""

import dataclasses
import json
import shutil

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.runs._checkpoints import Checkpoints
from ganfield.simulate import step_batch
from tests.training.tiny import assert_same_bits, rows

pytestmark = pytest.mark.slow


def look(folder):
    """Return what a folder holds, with the times of the last changes."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def copy(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained[0]["first"], folder)
    return folder


def test_the_last_checkpoint_is_the_result(trained):
    folder, result = trained[0]["first"], trained[1]["first"]
    before = look(folder)
    run = gf.runs.load(folder)
    assert (run.step, run.steps, run.unsolved_at) == (40, (20, 40), -1)
    assert_same_bits(run.params, result.params)
    assert run.seconds == pytest.approx(result.seconds)
    assert repr(run) == f"SavedRun: {folder} at step 40 (checkpoints: 20, 40)"
    run.generate(2), run.sample(jax.random.key(0))
    assert look(folder) == before


@pytest.mark.long
def test_steps_from_an_earlier_checkpoint_lead_to_the_next(trained):
    run = gf.runs.load(trained[0]["first"], step=20)
    after = gf.runs.load(trained[0]["first"])
    keys, sample = gf.configuration.random_keys(run.config), run.sample
    state = run.state
    step = jax.jit(lambda state, batch: run.method.step(run.field, state, batch)[0])
    for number in range(20, 40):
        state = step(state, step_batch(run.method, sample, keys.batches, number))
    for here, there in zip(jax.tree.leaves(state), jax.tree.leaves(after.state), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
    memory = [x for x in jax.tree.leaves(run.state.memory) if x.ndim]
    assert memory
    assert all(np.any(x) for x in memory)  # the second moments of the run


def test_tables_are_those_of_the_files(trained):
    folder = trained[0]["first"]
    run = gf.runs.load(folder)
    of_file = rows(folder)
    assert run.metrics["step"].tolist() == [0, 10, 20, 30, 40]
    assert run.metrics["loss_phi"].tolist() == [float(row["loss_phi"]) for row in of_file]
    assert run.metrics["warnings"].tolist() == [row["warnings"] for row in of_file]
    assert list(run.scores) == ["step", "seconds", "brightness"]
    assert run.provenance["versions"]["jax"] == jax.__version__
    shown = run._repr_html_()
    assert "at step 40" in shown
    assert "<td>40</td>" in shown
    assert f"<td>{run.metrics['loss_phi'][-1]:.6g}</td>" in shown
    assert f"<td>brightness</td><td>{run.scores['brightness'][-1]:.6g}</td>" in shown


def test_examples_are_those_of_the_run(trained):
    run = gf.runs.load(trained[0]["first"])
    np.testing.assert_allclose(run.generate(4).mean(), run.scores["brightness"][-1], rtol=1e-5)
    np.testing.assert_array_equal(run.generate(3), run.generate(4)[:3])
    with pytest.raises(ValueError, match="count must be an integer ≥ 1"):
        run.generate(0)


@pytest.mark.usefixtures("x64")
def test_a_run_keeps_its_precision(trained):
    params = gf.runs.load(trained[0]["first"]).params
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float32")}


def damage(folder, step):
    for path in (folder / "checkpoints" / str(step)).rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:20])


def test_a_damaged_checkpoint_is_told_of_and_left_alone(copy):
    damage(copy, 40)
    before, said = look(copy), []
    assert gf.runs.load(copy, listen=said.append).step == 20
    assert len(said) == 1
    assert "checkpoint of step 40 is damaged" in said[0]
    with pytest.raises(OSError, match="checkpoint of step 40 is damaged"):
        gf.runs.load(copy, step=40)
    assert look(copy) == before
    damage(copy, 20)
    with pytest.raises(OSError, match=r"every checkpoint in .* is damaged"):
        gf.runs.load(copy)


def test_a_run_that_removes_what_is_being_read_is_read_again(copy, tmp_path, monkeypatch):
    folder, said, load = copy / "checkpoints", [], Checkpoints.load

    def gone(self, step, like):
        if step == 20:  # The run went on, wrote the next, and removed what it keeps no longer.
            (tmp_path / "40").rename(folder / "40")
            (folder / "20").rename(tmp_path / "20")
            raise OSError("the checkpoint of step 20 is damaged")
        return load(self, step, like)

    monkeypatch.setattr(Checkpoints, "load", gone)
    (folder / "40").rename(tmp_path / "40")
    run = gf.runs.load(copy, listen=said.append)
    assert (run.step, run.steps, said) == (40, (40,), [])
    (folder / "40").rename(tmp_path / "40")
    (tmp_path / "20").rename(folder / "20")
    with pytest.raises(ValueError, match=r"no checkpoint of step 20 in .*: those of the steps 40"):
        gf.runs.load(copy, step=20)


def test_examples_of_the_average_are_those_of_averaged_weights(points):
    folder, data = points
    run = gf.runs.load(folder, data=data)
    assert gf.methods.average_of(run.state) is run.average
    made = run.generate(3, average=True)
    assert not np.allclose(made, run.generate(3))
    as_params = dataclasses.replace(run, state=run.state._replace(params=run.average))
    np.testing.assert_array_equal(made, as_params.generate(3))


def test_a_run_without_an_average_says_so(trained):
    run = gf.runs.load(trained[0]["first"])
    assert run.average is None
    with pytest.raises(ValueError, match=r"no average: train with method\.wrapper=averaged"):
        run.generate(1, average=True)


def test_what_cannot_be_loaded_is_named(copy, tmp_path):
    with pytest.raises(ValueError, match=r"no run in .*nowhere"):
        gf.runs.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"step 30 in .*: those of the steps 20, 40 are there"):
        gf.runs.load(copy, step=30)
    about = json.loads((copy / "run.json").read_text("utf-8"))
    about["versions"]["ganfield"] = "99.1"
    (copy / "run.json").write_text(json.dumps(about), "utf-8")
    with pytest.raises(ValueError, match=r"made by ganfield 99\.1"):
        gf.runs.load(copy)
    for text in ("[1", "[1]", '"x"', '{"versions": 3}'):
        (copy / "run.json").write_text(text, "utf-8")
        with pytest.raises(ValueError, match=r"run\.json cannot be read"):
            gf.runs.load(copy)
    (copy / "run.json").unlink()
    assert gf.runs.load(copy).step == 40
    (copy / "metrics.csv").write_bytes(b"step\n\xff\n")
    with pytest.raises(ValueError, match=r"metrics\.csv cannot be read"):
        gf.runs.load(copy)
    (copy / "metrics.csv").unlink()
    shutil.rmtree(copy / "checkpoints")
    with pytest.raises(ValueError, match="no checkpoint yet"):
        gf.runs.load(copy)


def test_data_must_be_those_of_the_run(copy):
    config = json.loads((copy / "config.json").read_text("utf-8"))
    about = json.loads((copy / "run.json").read_text("utf-8"))
    about["data"]["count"] += 1
    (copy / "run.json").write_text(json.dumps(about), "utf-8")
    run = gf.runs.load(copy)
    with pytest.raises(ValueError, match="data are not those of the run"):
        _ = run.sample
    assert config["data"]["name"] == "digits"
