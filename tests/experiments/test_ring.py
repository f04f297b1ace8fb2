"""The ring experiment as its users start it: from the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "experiments" / "numerics_of_gans" / "ring.py"


def run(*arguments, folder):
    process = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "120"},
    )
    return process.returncode, process.stdout


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    code, said = run("--smoke", folder=folder)
    assert code == 0, said
    return folder / "results" / "ring", said


@pytest.mark.long
def test_smoke_writes_everything_that_it_promises(smoke):
    folder, said = smoke
    names = {path.name for path in folder.iterdir()}
    assert names == {"result.json", "samples.png", "spectrum.png", "curves.png"}
    for name in ("simultaneous", "alternating", "consensus", "modes", "wall-clock"):
        assert name in said
    for name in names - {"result.json"}:
        assert min(image.imread(folder / name).shape[:2]) > 300


@pytest.mark.long
def test_result_says_where_it_comes_from(smoke):
    result = json.loads((smoke[0] / "result.json").read_text())
    assert result["config"]["num_steps"] == 200
    assert result["versions"]["jax"]
    assert result["command"].endswith("ring.py --smoke")
    assert set(result["results"]) == {"simultaneous", "alternating", "consensus"}
    (row,) = result["results"]["consensus"]
    assert row["seed"] == 0
    assert 0 <= row["modes_covered"] <= 8
    assert 0 <= row["high_quality"] <= 1
    assert row["stopped_at"] is None
    assert len(row["histogram"]) == 8
    clock = result["wall_clock"]["consensus"]
    assert clock["seconds"] > 0
    assert clock["compile_seconds"] > 0
    assert len(result["curves"]["consensus"]["steps"]) == 21
    assert result["spectra"]["before"]["v"]["max_step_size"] > 0
    # All methods start from the same parameters.
    norms = [result["curves"][name]["norm_v"][0] for name in result["results"]]
    np.testing.assert_allclose(norms, [norms[0]] * 3, rtol=1e-5)


@pytest.fixture
def ring(load):
    return load("ring")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": ("concensus",)}, "unknown method 'concensus': did you mean 'consensus'"),
        ({"objective": "standart"}, "unknown objective 'standart': did you mean 'standard'"),
        ({"gamma": -1.0}, "gamma must be a number ≥ 0, got -1.0"),
        ({"learning_rate": -1.0}, "learning_rate must be a number ≥ 0, got -1.0"),
        ({"groups": 3}, "groups must divide the points of each mode"),
        ({"methods": ("simultaneous",), "gamma": -1.0}, "gamma must be a number ≥ 0"),
        ({"seeds": (-1,)}, "each of seeds must be an integer from 0"),
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        ({"batch_size": 0}, "batch_size must be an integer ≥ 1, got 0"),
        ({"jacobian_batches": -1}, "jacobian_batches must be an integer ≥ 0, got -1"),
        ({"seeds": ()}, "seeds must not be empty"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_compiled(ring, arguments, message):
    with pytest.raises(ValueError, match=message):
        ring.checked(ring.Config(**arguments))


@pytest.mark.slow
def test_an_error_is_one_line(tmp_path):
    code, said = run("--output", "/dev/null/ring", folder=tmp_path)
    assert code == 2
    assert said.startswith("error: output must be a folder that can be written to")
    assert "Traceback" not in said


def small(ring, folder, **changes):
    settings = {
        "methods": ("simultaneous",),
        "seeds": (0, 1),
        "num_steps": 100,
        "hidden_sizes": (4,),
        "batch_size": 16,
        "num_records": 10,
        "jacobian_batches": 0,
        "output": folder,
    }
    return ring.Config(**(settings | changes))


@pytest.mark.long
def test_divergence_is_reported_with_its_step(ring, tmp_path, capsys):
    ring.main(small(ring, tmp_path, learning_rate=1e30))
    assert "NaN at" in capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    for row in result["results"]["simultaneous"]:
        assert 0 < row["stopped_at"] <= 100
        assert row["step"] < row["stopped_at"]


@pytest.mark.long
def test_ctrl_c_saves_and_draws_what_was_computed(ring, drawn, tmp_path, capsys, monkeypatch):
    calls = []

    def interrupt(record):
        calls.append(record)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(ring, "describe", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ring.main(small(ring, tmp_path))
    assert "modes" in capsys.readouterr().out
    curve = json.loads((tmp_path / "result.json").read_text())["curves"]["simultaneous"]
    assert curve["steps"] == [0, 10, 20, 30]
    assert np.shape(curve["norm_v"]) == (4, 2)
    assert {path.name for path in tmp_path.iterdir()} == {
        "result.json", "curves.png", "samples.png"
    }  # fmt: skip
    theta, phi, norm, modes = drawn("curves")
    shown = {theta: "loss_theta", phi: "loss_phi", norm: "norm_v", modes: "modes_covered"}
    for ax, name in shown.items():
        for seed, line in enumerate(ax.lines[:2]):
            np.testing.assert_allclose(line.get_xdata(), curve["steps"])
            np.testing.assert_allclose(line.get_ydata(), np.array(curve[name])[:, seed])
    # Steps 0, 10, 20, 40 and 100 for each of two seeds, of which 40 and 100 were not reached.
    titles = [ax.get_title() for ax in drawn("samples")]
    assert titles[:6] == ["step 0", "step 10", "step 20", "step 40", "step 100", "target"]
    assert [len(ax.images) for ax in drawn("samples")] == 2 * [1, 1, 1, 0, 0, 1]


@pytest.mark.slow
def test_spectra_are_drawn_where_they_are_known(load, drawn, tmp_path):
    figures = load("ring_figures")
    v, w = np.array([-1 + 1j, -1 - 1j, 0.1 + 0j]), np.array([-2.0, -0.5, 0.0])
    moments = {"before": {"v": v, "w": w, "approximation": w}, "after simultaneous": {"v": v}}
    allowed = {
        moment: {name: figures.step_sizes(values) for name, values in each.items()}
        for moment, each in moments.items()
    }
    # |1 + hλ| ≤ 1 up to h = 2|Re λ|/|λ|²; 0.1 is unstable, and 0 is flat.
    assert allowed["before"]["v"] == {"flat": 0, "unstable": 1, "max_step_size": pytest.approx(1)}
    assert allowed["before"]["w"] == {"flat": 1, "unstable": 0, "max_step_size": pytest.approx(1)}
    figures.spectra(moments, allowed, 10.0, tmp_path / "spectrum.png")
    above, below = np.reshape(drawn("spectrum"), (2, 4))
    for ax, values in zip(above, (v, w, w, 1 + v), strict=True):
        offsets = ax.collections[0].get_offsets()
        np.testing.assert_allclose(offsets @ [1, 1j], values, atol=1e-6)
    assert [len(ax.collections) for ax in above] == [1, 1, 1, 2]
    assert [len(ax.collections) for ax in below] == [1, 0, 0, 1]
