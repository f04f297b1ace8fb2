"""The studies curl, panels and dirac: their numbers against closed forms, and small runs."""

import importlib
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import image

import ganfield as gf

FOLDER = Path(__file__).parents[2] / "experiments" / "vector_fields"


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def numbers(folder, name):
    picture = image.imread(folder / f"{name}.png")
    assert picture.std() > 0.05  # not blank
    found = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert {"config", "versions", "command"} <= set(found)
    return found


def test_curl(load, tmp_path):
    curl = load("curl")
    config = curl.Config(output=tmp_path, num_steps=60, animations=False)
    assert curl.main(config) == 0
    rows = numbers(tmp_path, "curl")["growth_per_step"]
    assert set(rows) == {"flow", "simultaneous", "momentum", "consensus"}
    # Momentum's second mode has not died out after so few steps.
    for name, slack in {"flow": 1e-9, "simultaneous": 1e-6, "momentum": 1e-4}.items():
        assert rows[name]["measured"] == pytest.approx(rows[name]["expected"], abs=slack), name
    assert rows["simultaneous"]["expected"] == pytest.approx(np.sqrt(1 + 0.1**2))
    assert rows["consensus"]["measured"] == pytest.approx(np.hypot(1 - 0.06, 0.1), abs=1e-6)
    assert not list(tmp_path.glob("*.gif"))


def test_the_flow_keeps_its_distance(load):
    starts = gf.Players(jnp.array([1.0, 0.0]), jnp.array([0.0, -2.0]))
    path = load("curl").flow(starts, np.linspace(0, 20, 50))
    np.testing.assert_allclose(np.hypot(*path), np.tile([1.0, 2.0], (50, 1)), rtol=1e-8)


def test_panels(load, tmp_path):
    panels = load("panels")
    assert panels.main(panels.Config(output=tmp_path, resolution=40)) == 0
    found = numbers(tmp_path, "panels")
    for row in found["numbers"].values():
        assert row["measured"] == pytest.approx(row["expected"], abs=6e-3)
    kinds = found["equilibria"]
    assert kinds["v"] == {"saddle": 4, "stable": 4, "unstable": 1} | dict.fromkeys(
        ("spurious", "spurious and stable"), 0
    )
    assert kinds["consensus"] == kinds["v"]
    assert kinds["relaxation"]["spurious and stable"] == 5
    assert kinds["large"]["spurious and stable"] == 5
    assert len(found["attractors_of_basins"]["consensus"]) == 4
    assert len(found["attractors_of_basins"]["large"]) == 9


def test_dirac(load, tmp_path, monkeypatch):
    dirac = load("dirac")
    monkeypatch.setattr(dirac, "DRAWN", ("none", "clip", "wgan_gp"))
    monkeypatch.setattr(dirac, "SLOPES", {k: dirac.SLOPES[k] for k in ("standard", "hinge")})
    assert dirac.main(dirac.Config(output=tmp_path, num_steps=20)) == 0
    found = numbers(tmp_path, "dirac")
    assert found["worst"]["error"] < 1e-6
    assert found["worst"]["error_float32"] < 1e-4
    for row in found["cells"].values():
        assert set(row) == set(dirac.TITLES)
        assert (row["wgan_gp"]["smooth"], row["wgan_gp"]["measured"]) == (False, None)


def test_dirac_slopes_are_those_of_the_objectives(load):
    # The closed forms of the study rest on these numbers by hand: differences of the losses.
    dirac = load("dirac")
    assert set(dirac.SLOPES) <= set(gf.OBJECTIVES)
    step = 1e-4
    with jax.enable_x64(True):
        for name, (a, b, c) in dirac.SLOPES.items():
            losses = {
                (x, y): gf.OBJECTIVES[name](jnp.asarray(float(x)), jnp.asarray(float(y)))
                for x, y in ((0, 0), (0, step), (0, -step), (step, 0), (-step, 0))
            }
            up, down, here = losses[0, step], losses[0, -step], losses[0, 0]
            assert (up.theta - down.theta) / (2 * step) == pytest.approx(a, abs=1e-6)
            assert (up.phi - down.phi) / (2 * step) == pytest.approx(b, abs=1e-6)
            real = losses[step, 0].phi + losses[-step, 0].phi - 2 * here.phi
            bend = (up.phi + down.phi - 2 * here.phi + real) / step**2
            assert bend == pytest.approx(c, abs=1e-3)


def test_all_names_every_study(load):
    script = load("all")
    assert {path.stem for path in FOLDER.glob("*.py") if "_" not in path.stem} == {
        "all",
        *script.STUDIES,
    }
    with pytest.raises(ValueError, match="unknown study 'panel': did you mean 'panels'"):
        script.main(script.Config(studies=("panel",)))
