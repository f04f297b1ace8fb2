"""The comparison of methods: fair terms, costs as counted, and numbers against closed forms."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

FOLDER = Path(__file__).parents[2] / "experiments" / "method_comparison"
METHODS = ("simultaneous", "extragradient", "lookahead")
# What a step costs in V, by hand.
COSTS = {
    "simultaneous": 1,
    "alternating": 1,
    "past extragradient": 1,
    "extragradient": 2,
    "Runge–Kutta 4": 4,
    "lookahead": 1,
    "average": 1,
    "consensus": 2,
    "consensus, decoupled": 2,
    "JARE": 3,
    "symplectic": 3,
    "linearized competitive": 2,
    "unrolled": 6,  # θ's gradient, 5 of φ and the way back through them; φ's own
}


@pytest.fixture
def known(load):
    return load("comparison_dynamics").dynamics(3)


@pytest.mark.long
def test_a_small_run(load, drawn, tmp_path):
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
    script.main(config)
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    toys = result["toys"]
    assert set(toys) == set(METHODS)
    for method in METHODS:
        assert set(toys[method]["games"]) == set(gf.games.closed_forms())
        assert toys[method]["cost"] == COSTS[method]
    assert sum(result["seconds_of_parts"].values()) == pytest.approx(result["seconds"])
    # The bilinear game has c = 1, so that s is the step size; factors are per evaluation.
    row = toys["extragradient"]["games"]["bilinear"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx((1 - s**2 + s**4) ** (1 / 4), abs=1e-9)
    assert row["measured"] == pytest.approx(row["predicted"], rel=2e-3)
    row = toys["lookahead"]["games"]["bilinear"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx(
        abs(0.5 + 0.5 * (1 + 1j * s) ** 5) ** (1 / 5), abs=1e-9
    )
    row = toys["simultaneous"]["games"]["quadratic"]
    s = row["step_size"]
    assert row["predicted"] == pytest.approx(abs(1 + s * (-1 + 1j)), abs=1e-9)
    report = (tmp_path / "report.md").read_text("utf-8")
    assert "| extragradient | 2 |" in report
    rates, costs, *_ = drawn("comparison")
    assert [label.get_text() for label in rates.get_yticklabels()] == list(METHODS)
    measured = [[row["measured"] for row in toys[name]["games"].values()] for name in METHODS]
    shown = rates.images[0].get_array().filled(np.nan)
    np.testing.assert_array_equal(shown, np.array(measured, float))
    assert [bar.get_width() for bar in costs.patches] == [COSTS[name] for name in METHODS]
    for ax in drawn("stability")[:2]:
        assert np.isfinite(ax.collections[0].get_array()).sum() == 6**2


@pytest.mark.slow
def test_the_zoo_is_the_registered_games(load):
    zoo = load("comparison_toys").zoo()
    assert zoo.names == tuple(gf.games.closed_forms())
    point = gf.Players(0.3, -0.7)

    @jax.jit
    def played(number):
        game = zoo.game(number)
        return gf.vector_field(game)(point), game.losses(point)

    for number, build in enumerate(gf.games.closed_forms().values()):
        same = build()
        expected = gf.vector_field(same)(point), same.losses(point)
        np.testing.assert_allclose(played(number), expected, rtol=1e-5, atol=1e-6)
        for place, equilibrium in zip(zoo.equilibria[number], same.equilibria, strict=False):
            np.testing.assert_allclose(place, equilibrium, rtol=1e-6)


def test_every_registered_name_is_compared(known, monkeypatch):
    used = set()
    for registry in (gf.METHODS, gf.WRAPPERS, gf.TRANSFORMS):
        for name, build in registry.items():
            monkeypatch.setitem(
                registry,
                name,
                lambda *a, name=name, build=build, **k: used.add(name) or build(*a, **k),
            )
    unrolled = gf.games.unrolled
    monkeypatch.setattr(gf.games, "unrolled", lambda *a, **k: used.add("game") or unrolled(*a, **k))
    for what in known.values():
        what(gf.games.quadratic(), optax.sgd, 0.1)
    assert used == {*gf.METHODS, *gf.WRAPPERS, *gf.TRANSFORMS, "game"}


@pytest.mark.slow
def test_everybody_gets_the_same_optimizer_and_batches(known):
    for name, what in known.items():
        asked = []
        method, field = what(
            gf.games.quadratic(),
            lambda size, asked=asked: asked.append(size) or optax.sgd(size),
            0.1,
        )
        # Its second moments are its own, and it gets plain steps.
        assert set(asked) == (set() if name == "competitive, adaptive" else {0.1}), name
        assert method.num_batches == 1, name
        gf.field.check_field(field, gf.Players(1.0, 1.0))


@pytest.mark.slow
def test_gamma_is_the_same_for_all(load, known):
    # On the bilinear game all of these are v − γJᵀv, with |λ| = γ.
    gamma, h, start = load("comparison_dynamics").GAMMA, 0.25, gf.Players(1.0, 2.0)
    v = np.array([-2.0, 1.0])
    expected = np.array(start) + h * (v - gamma * np.array([1.0, 2.0]))
    for name in ("consensus", "consensus, decoupled", "JARE", "symplectic"):
        method, field = known[name](gf.games.bilinear(), optax.sgd, h)
        np.testing.assert_allclose(
            method.step(field, method.init(start), None)[0].params, expected, rtol=1e-6
        )
    method, field = known["smoothed"](gf.games.bilinear(), optax.sgd, h)
    after = method.step(field, method.init(start), None)[0].params
    np.testing.assert_allclose(after, [1 - 2 * h, expected[1]], rtol=1e-6)


@pytest.mark.long
def test_starts_keys_grids_and_budgets_are_the_same_for_all(load, monkeypatch):
    script = load("comparison")
    config = script.Config(methods=METHODS, num_step_sizes=3, num_starts=2, ring_seeds=2)
    toys, rings = [], []

    row = script.comparison_toys.Row(*8 * [0.0])
    monkeypatch.setattr(
        script.comparison_toys,
        "compare",
        lambda what, *terms: toys.append(terms) or ({"bilinear": row}, 0.0),
    )
    ring_row = script.comparison_ring.Row(*11 * [0.0])
    monkeypatch.setattr(
        script.comparison_ring, "compare", lambda what, *terms: rings.append(terms) or ring_row
    )
    script.compare_toys(config)
    script.compare_rings(config)
    assert len(toys) == len(rings) == len(METHODS)
    for games, sizes, starts, budget, *_ in toys:
        assert games is toys[0][0]
        np.testing.assert_array_equal(sizes, toys[0][1])
        np.testing.assert_array_equal(starts, toys[0][2])
        assert budget == config.toy_budget
    seeds = jax.random.key_data(rings[0][1])
    for sizes, keys, budget, _, batch_size in rings:
        np.testing.assert_array_equal(sizes, config.ring_step_sizes)
        np.testing.assert_array_equal(jax.random.key_data(keys), seeds)
        assert (budget, batch_size) == (config.ring_budget, config.ring_batch)
    assert sorted(one[4] for one in toys) == sorted(one[3] for one in rings) == [1, 1, 2]


@pytest.mark.long
def test_costs_are_counted(load, known):
    script = load("comparison_cost")
    assert {name: script.cost(known[name], optax.sgd, 1) for name in COSTS} == COSTS


@pytest.mark.long
def test_inner_solves_are_counted_with_their_residuals(load):
    script, dynamics = load("comparison_cost"), load("comparison_dynamics").dynamics

    def counted(name, iterations):
        return script.cost(dynamics(iterations)[name], gf.numerics_rmsprop, 8)

    # One evaluation; the products; the residual's; that of the direction.
    for name in ("competitive", "competitive, adaptive"):
        assert counted(name, 4) == 1 + 4 + 1 + 1
    # The distance at the start; in each Newton step an evaluation, the products, the residual's and
    # the new distance; the direction and the last distance.
    assert counted("proximal point", 2) == 1 + 3 * (1 + 2 + 1 + 1) + 2
    # Products with φ's own block are half ones.
    assert counted("follow the ridge", 4) - counted("follow the ridge", 2) == 1


def test_a_loop_is_counted_as_often_as_it_runs(load):
    script = load("comparison_cost")
    counter = script.Counter()
    v = gf.vector_field(script.counted(script.stand_in(2), counter))

    @jax.jit
    def walk(params, count):
        return jax.lax.fori_loop(0, count, lambda _, p: v(p), params)

    params = gf.Players(jnp.ones(2), jnp.ones(2))
    for count in (1, 5):
        counter.count = 0
        jax.block_until_ready(walk(params, count))
        assert counter.count == 2 * count


@pytest.mark.long
def test_counting_changes_no_value(load):
    script = load("comparison_cost")
    game = script.stand_in(3)
    params = game.init(jax.random.key(2))
    v = gf.vector_field(game)
    w = gf.vector_field(script.counted(game, script.Counter()))
    for one, other in zip(
        jax.tree.leaves((v(params), gf.vjp(v)(params, params), gf.jvp(v)(params, params))),
        jax.tree.leaves((w(params), gf.vjp(w)(params, params), gf.jvp(w)(params, params))),
        strict=True,
    ):
        np.testing.assert_allclose(other, one, rtol=1e-5)


@pytest.mark.long
def test_the_ring_takes_the_budget(load, monkeypatch):
    script = load("comparison_ring")
    what = load("comparison_dynamics").dynamics(1)["lookahead"]
    steps = []
    sweep = gf.sweep
    monkeypatch.setattr(
        script.gf, "sweep", lambda *a, **k: steps.append(k["num_steps"]) or sweep(*a, **k)
    )
    keys = jax.random.split(jax.random.key(0), 2)
    row = script.compare(what, np.array([1e-3]), keys, budget=13, cost=1, batch_size=16)
    assert steps == [row.num_steps] == [10]  # whole cycles of 5
    assert len(row.modes) == len(row.high_quality) == 2
    assert (row.stopped, row.unsolved) == (0, 0)
    assert row.at_edge
    assert jax.tree.all(jax.tree.map(np.isfinite, row))


@pytest.mark.long
def test_runs_that_stop_or_miss_a_tolerance_are_told(load):
    script = load("comparison_toys")
    dynamics = load("comparison_dynamics").dynamics(1)
    games = script.zoo(("bilinear", "quadratic", "unstable_minimax"))
    starts = np.array([[0.3, 0.4], [0.5, -0.2]])
    with jax.enable_x64(True):
        # φ's own curvature is 0 on the bilinear game: there is no ridge to follow.
        rows, _ = script.compare(dynamics["follow the ridge"], games, [0.1], starts, 50, 2.5)
        assert rows["bilinear"].unsolved == 1
        assert rows["quadratic"].unsolved == 0
        rows, _ = script.compare(dynamics["simultaneous"], games, [3.0], starts, 2000, 1)
        assert rows["unstable_minimax"].stopped == 1
        assert rows["quadratic"].at_edge


def test_the_readme_is_the_report_of_the_result(load):
    script = load("comparison_report")
    result = json.loads((FOLDER / "figures" / "result.json").read_text("utf-8"))
    readme = (FOLDER / "README.md").read_text("utf-8")
    begin, end = (f"<!-- {script.MARKS}: {place} -->\n" for place in ("begin", "end"))
    assert readme.split(begin)[1].split(end)[0] == script.report(result)
    assert (
        set(result["toys"]) == set(load("comparison_dynamics").dynamics(1)) == set(result["ring"])
    )
    for part in (result["toys"], result["ring"]):
        assert {name: part[name]["cost"] for name in COSTS} == COSTS


def test_publishing_a_part_is_refused(load):
    script = load("comparison")
    with pytest.raises(ValueError, match="methods must be empty with publish"):
        script.main(script.Config(methods=METHODS, publish=True))
