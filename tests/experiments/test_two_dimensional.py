"""The studies curl, panels and dirac: their numbers against closed forms, and small runs."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.collections import PathCollection

import ganfield as gf


def numbers(folder, name):
    assert (folder / f"{name}.png").exists()
    result = json.loads((folder / f"{name}.json").read_text("utf-8"))
    assert {"config", "versions", "command"} <= set(result)
    return result


@pytest.mark.long
def test_curl(load, drawn, tmp_path):
    curl = load("curl")
    config = curl.Config(output=tmp_path, num_steps=60, animations=False)
    curl.main(config)
    rows = numbers(tmp_path, "curl")["growth_per_step"]
    assert set(rows) == {"flow", "simultaneous", "momentum", "consensus"}
    # Momentum's second mode has not died out after so few steps.
    for name, slack in {"flow": 1e-9, "simultaneous": 1e-6, "momentum": 1e-4}.items():
        assert rows[name]["measured"] == pytest.approx(rows[name]["expected"], abs=slack), name
    assert rows["simultaneous"]["expected"] == pytest.approx(np.sqrt(1 + 0.1**2))
    assert rows["consensus"]["measured"] == pytest.approx(np.hypot(1 - 0.06, 0.1), abs=1e-6)
    assert not list(tmp_path.glob("*.gif"))
    for ax, row in zip(drawn("curl"), rows.values(), strict=True):
        assert ax.collections  # streamlines
        (path,), _ = ax.get_legend_handles_labels()
        start, *_, before, end = np.hypot(*path.get_data())
        assert start == pytest.approx(0.6)
        assert end / before == pytest.approx(row["measured"], abs=1e-2)


def test_the_flow_keeps_its_distance(load):
    starts = gf.Players(jnp.array([1.0, 0.0]), jnp.array([0.0, -2.0]))
    path = load("curl").flow(starts, np.linspace(0, 20, 50))
    np.testing.assert_allclose(np.hypot(*path), np.tile([1.0, 2.0], (50, 1)), rtol=1e-8)


@pytest.mark.long
def test_panels(load, drawn, tmp_path):
    panels = load("panels")
    panels.main(panels.Config(output=tmp_path, resolution=40))
    result = numbers(tmp_path, "panels")
    for row in result["numbers"].values():
        assert row["measured"] == pytest.approx(row["expected"], abs=6e-3)
    kinds = result["equilibria"]
    assert kinds["v"] == {"saddle": 4, "stable": 4, "unstable": 1} | dict.fromkeys(
        ("spurious", "spurious and stable"), 0
    )
    assert kinds["consensus"] == kinds["v"]
    assert kinds["relaxation"]["spurious and stable"] == 5
    assert kinds["large"]["spurious and stable"] == 5
    assert len(result["attractors_of_basins"]["consensus"]) == 4
    assert len(result["attractors_of_basins"]["large"]) == 9
    *fields, small, large = drawn("panels")
    for ax, name in zip(fields, ("v", "relaxation", "consensus", "large"), strict=True):
        marks = [len(x.get_offsets()) for x in ax.collections if isinstance(x, PathCollection)]
        expected = sum(kinds[name].get(kind, 0) for kind in ("saddle", "stable", "unstable"))
        assert sum(marks) == expected
    for ax, count in ((small, 4), (large, 9)):
        assert ax.get_title().endswith(f"{count} attractors")
        assert ax.images[0].get_array().shape[:2] == (40, 40)


@pytest.mark.long
def test_dirac(load, drawn, tmp_path, monkeypatch):
    dirac = load("dirac")
    monkeypatch.setattr(dirac, "DRAWN", ("none", "clip", "wgan_gp"))
    monkeypatch.setattr(dirac, "SLOPES", {k: dirac.SLOPES[k] for k in ("standard", "hinge")})
    dirac.main(dirac.Config(output=tmp_path, num_steps=20))
    result = numbers(tmp_path, "dirac")
    assert result["worst"]["error"] < 1e-6
    assert result["worst"]["error_float32"] < 1e-4
    for row in result["cells"].values():
        assert set(row) == set(dirac.TITLES)
        assert (row["wgan_gp"]["smooth"], row["wgan_gp"]["measured"]) == (False, None)
    panels = np.reshape(drawn("dirac"), (2, 3))
    for (none, clip, wgan_gp), objective in zip(panels, dirac.SLOPES, strict=True):
        ends = result["distance_at_the_end"][objective]
        for ax, name in ((none, "none"), (clip, "clip"), (wgan_gp, "wgan_gp")):
            paths = {line.get_label().partition(",")[0]: line for line in ax.lines}
            for method, end in ends[name].items():
                last = paths[method].get_xydata()[-1]
                assert np.hypot(*last) == pytest.approx(end, rel=1e-5)
        assert "exact: ±" in none.get_title()
        assert "not smooth" in wgan_gp.get_title()


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
    folder = Path(script.__file__).parent
    assert {path.stem for path in folder.glob("*.py") if "_" not in path.stem} == {
        "all",
        *script.STUDIES,
    }
    with pytest.raises(ValueError, match="unknown study 'panel': did you mean 'panels'"):
        script.main(script.Config(studies=("panel",)))
