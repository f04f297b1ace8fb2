"""The comparison of methods: a small run, and its numbers against closed forms."""

import importlib
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from matplotlib import image

import ganfield as gf

FOLDER = Path(__file__).parents[2] / "experiments" / "method_comparison"
METHODS = ("simultaneous", "extragradient", "lookahead")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def test_a_small_run(load, tmp_path):
    script = load("comparison")
    config = script.Config(
        methods=METHODS,
        num_step_sizes=4,
        num_starts=3,
        toy_budget=400,
        ring_budget=0,
        resolution=6,
        output=tmp_path,
    )
    assert script.main(config) == 0
    found = json.loads((tmp_path / "result.json").read_text("utf-8"))
    for name in ("comparison", "stability"):
        assert image.imread(tmp_path / f"{name}.png").std() > 0.05
    assert set(found["toys"]) == set(METHODS)
    for method in METHODS:
        assert set(found["toys"][method]["games"]) == set(gf.GAMES)
    # The bilinear game has c = 1, so that s is the step size; factors are per evaluation.
    row = found["toys"]["extragradient"]["games"]["bilinear"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx((1 - s**2 + s**4) ** (1 / 4), abs=1e-9)
    assert row["measured"] == pytest.approx(row["predicted"], rel=1e-3)
    row = found["toys"]["lookahead"]["games"]["bilinear"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx(
        abs(0.5 + 0.5 * (1 + 1j * s) ** 5) ** (1 / 5), abs=1e-9
    )
    row = found["toys"]["simultaneous"]["games"]["quadratic"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx(abs(1 + s * (-1 + 1j)), abs=1e-9)


def test_the_zoo_is_the_registered_games(load):
    zoo = load("comparison_toys").zoo()
    assert zoo.names == tuple(gf.GAMES)
    point = gf.Players(0.3, -0.7)
    for number, build in enumerate(gf.GAMES.values()):
        one = zoo.field(number)(point)
        np.testing.assert_allclose(one, gf.vector_field(build())(point), rtol=1e-6)
        for place, known in zip(zoo.equilibria[number], build().equilibria, strict=False):
            np.testing.assert_allclose(place, known, rtol=1e-6)


def test_every_method_is_compared_and_what_it_costs_is_counted(load):
    known = load("comparison_dynamics").dynamics(3)
    assert len(known) == 18
    assert known["proximal point"].cost_with(3) == 3 + 3 * 3
    v, step_size = gf.vector_field(gf.games.quadratic()), 0.1
    for what in known.values():
        method, field = what.build(v, gf.numerics_rmsprop, step_size)
        gf.check_field(field, gf.Players(1.0, 1.0))
        assert isinstance(method, gf.Method)


def test_the_ring_takes_the_budget(load, monkeypatch):
    script = load("comparison_ring")
    what = load("comparison_dynamics").dynamics(1)["extragradient"]
    steps = []
    sweep = gf.sweep
    monkeypatch.setattr(
        script.gf, "sweep", lambda *a, **k: steps.append(k["num_steps"]) or sweep(*a, **k)
    )
    row = script.compare(what, np.array([1e-3]), 2, budget=7, iterations=1, batch_size=16)
    assert steps == [3]
    assert len(row.modes) == len(row.high_quality) == 2
    assert (row.stopped, row.unsolved) == (0, 0)
    assert jax.tree.all(jax.tree.map(np.isfinite, row))
