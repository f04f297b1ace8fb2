"""Axes have names and any values, and results are chosen by them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.sweeps.cases import AXES, BILINEAR, METHODS, build, distance
from tests.sweeps.test_sweep import compiled_names


@pytest.fixture(scope="module")
def grid():
    return gf.sweep(build, AXES, num_steps=5)


def test_a_grid_of_names_numbers_and_seeds(grid):
    assert grid.run.records["distance"].shape == (4, 4, 2, 6)
    assert grid.num_programs == 2  # a method each; step sizes and seeds share one
    part = grid.sel(method="simultaneous")
    assert list(part.axes) == ["step_size", "seed"]
    h, seed = np.meshgrid(AXES["step_size"], AXES["seed"], indexing="ij")
    for steps, kept in zip(part.run.steps, part.values("distance"), strict=True):
        np.testing.assert_allclose(kept, distance(h, seed, steps), rtol=1e-5)
    # Alternating steps stay within a bounded distance; so these are others.
    assert np.all(
        grid.sel(method="alternating").values("distance")[-1] < part.values("distance")[-1]
    )


def test_sel_takes_single_values_and_lists(grid):
    whole = grid.values("distance")
    one = grid.sel(step_size=0.3, method="alternating", seed=4)
    assert (one.axes, one.run.stopped_at.shape) == ({}, ())
    np.testing.assert_array_equal(one.values("distance"), whole[:, 2, 1, 4])
    some = grid.sel(seed=[4, 0], step_size=np.float32(0.2))
    assert some.axes["seed"].tolist() == [4, 0]
    np.testing.assert_array_equal(some.values("distance"), whole[:, 1][:, :, [4, 0]])
    assert some.run.params.theta.shape == (2, 2)
    assert some.values("params").shape == (4, 2, 2, 2)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"method": "alternatng"}, "unknown value of method 'alternatng': did you mean 'alternati"),
        ({"step_siez": 0.1}, "unknown axis 'step_siez': did you mean 'step_size'"),
        ({"step_size": 0.15}, "step_size must be one of 0.1, 0.2, 0.3, 0.4, got 0.15"),
        ({"seed": "a"}, "seed must be one of 0, 1, 2, 3, 4, 5, got 'a'"),
    ],
)
def test_what_is_not_there_is_refused(grid, labels, message):
    with pytest.raises(ValueError, match=message):
        grid.sel(**labels)


def test_unknown_records_are_refused(grid):
    with pytest.raises(ValueError, match="unknown record 'distanse': did you mean 'distance'"):
        grid.values("distanse")
    with pytest.raises(ValueError, match="name must be one of distance, params, got None"):
        grid.values()


def test_records_are_rows(grid):
    rows = grid.to_records()
    assert len(rows) == 48
    row = rows[1 * 12 + 1 * 6 + 3]
    assert (row["step_size"], row["method"], row["seed"], row["step"]) == (0.2, "alternating", 3, 5)
    assert row["distance"] == float(grid.values("distance")[-1, 1, 1, 3])
    assert row["params"].shape == (2,)
    assert (row["stopped_at"], row["unsolved_at"], row["done"]) == (-1, -1, True)
    every = grid.sel(seed=3).to_records(every=True)
    assert [each["step"] for each in every[:5]] == [0, 2, 4, 5, 0]


@pytest.mark.slow
def test_xarray_has_the_names(grid):
    runs = grid.to_xarray()
    assert runs["params"].dims == ("step", "step_size", "method", "seed", "params_0")
    # (xarray's sel has a method= of its own.)
    kept = runs["distance"].sel({"method": "alternating"}).sel(step=5, step_size=0.3, seed=4)
    assert float(kept) == grid.values("distance")[-1, 2, 1, 4]
    means = runs["distance"].mean("seed").sel({"method": "simultaneous", "step": 5})
    expected = np.mean([distance(AXES["step_size"], seed, 5) for seed in range(6)], axis=0)
    np.testing.assert_allclose(means, expected, rtol=1e-5)
    assert runs.to_dataframe().shape[0] == 4 * 48 * 2


@pytest.mark.slow
def test_what_cannot_be_traced_is_run_value_by_value(caplog):
    """Widths, optimizers, transforms and objects: a program each, compiled once each."""
    traced = []

    def build(width, optimizer, transform, gamma):
        traced.append(isinstance(gamma, jax.core.Tracer))
        start = gf.Players(jnp.ones(width), jnp.ones(width))
        v = gf.vector_field(gf.games.bilinear(np.eye(width, dtype=np.float32)))
        method = gf.simultaneous(optimizer)
        return gf.simulation(method, transform(v, gamma), start, record_every=4)

    axes = {
        "width": [2, 3],
        "optimizer": [optax.sgd(0.1), optax.adam(0.1)],
        "gamma": [0.5, 1.0, 2.0],
        "transform": {
            "none": lambda v, gamma: v,
            "consensus": lambda v, g: gf.consensus(v, gamma=g),
        },
    }
    with jax.log_compiles():
        runs = gf.sweep(build, axes, num_steps=4, piece_size=2)
    names = compiled_names(caplog)
    assert (names.count("_advance"), runs.num_programs) == (8, 8)
    assert runs.axes["optimizer"].tolist() == ["sgd(0.1)", "adam(0.1)"]
    assert runs.run.params.shape == (2, 2, 3, 2)  # of objects, for widths differ
    part = runs.sel(width=3, optimizer="sgd(0.1)", transform="consensus")
    assert part.run.params.theta.shape == (3, 3)
    alone = gf.simulate(
        gf.simultaneous(optax.sgd(0.1)),
        gf.consensus(gf.vector_field(gf.games.bilinear(np.eye(3, dtype=np.float32))), gamma=2.0),
        gf.Players(jnp.ones(3), jnp.ones(3)),
        num_steps=4,
    )
    np.testing.assert_allclose(part.sel(gamma=2.0).run.params.theta, alone.params.theta, rtol=1e-6)
    assert traced.count(True) > 0


@pytest.mark.slow
def test_seeds_are_those_of_jax():
    """Also those that an int32 does not hold."""

    def build(seed):
        start = gf.Players(*jax.random.normal(jax.random.key(seed), (2,)))
        return gf.simulation(gf.simultaneous(optax.sgd(0.0)), BILINEAR, start)

    seeds = [0, 7, 2**32 - 1]
    runs = gf.sweep(build, {"seed": seeds}, num_steps=1)
    for seed in seeds:
        theta, phi = jax.random.normal(jax.random.key(seed), (2,))
        assert runs.sel(seed=seed).run.params == (theta, phi)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"method": []}, r"axes\['method'\] must be an array .* at least one value"),
        ({"method": {}}, r"axes\['method'\] must be an array"),
        ({"method": "simultaneous"}, r"axes\['method'\] must be an array .*, got 'simultaneous'"),
        ({"method": ["simultaneous"] * 2}, r"axes\['method'\] has simultaneous twice"),
        ({"method": [lambda o: o, lambda o: o]}, "<lambda> twice: .* as label → value"),
        ({"seed": jnp.zeros(0)}, r"axes\['seed'\] must be an array"),
        ({"method": ["simultaneous", "other"]}, r"unknown method 'other'.*\(at method = 'other'\)"),
    ],
)
def test_axes_that_are_refused(axes, message):
    def build(step_size, method, seed):
        make = gf.checks.lookup(METHODS, method, argument="method")
        return gf.simulation(make(optax.sgd(step_size)), BILINEAR, gf.Players(1.0 + seed, 0.0))

    whole = {"step_size": [0.1], "method": ["simultaneous"], "seed": [0]} | axes
    with pytest.raises(ValueError, match=message):
        gf.sweep(build, whole, num_steps=1)


def test_a_fault_of_build_is_its_own():
    def build(step_size, width):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        gf.sweep(build, {"step_size": [0.1], "width": [2, 3]}, num_steps=1)


def test_one_pace_for_all():
    def build(every):
        method = gf.simultaneous(optax.sgd(0.1))
        return gf.simulation(method, BILINEAR, gf.Players(1.0, 0.0), record_every=every)

    with pytest.raises(ValueError, match=r"record_every must be the same .*, got \[1, 2\]"):
        gf.sweep(build, {"every": [1, 2]}, num_steps=4)


def test_results_that_do_not_fit_are_refused_before_anything_runs():
    def build(seed):
        return gf.simulation(
            gf.simultaneous(optax.sgd(0.1)),
            BILINEAR,
            gf.Players(1.0 + seed, 0.0),
            record=lambda state, info: jnp.zeros((2**10, 2**10)) + state.params.theta,
        )

    with pytest.raises(ValueError, match=r"num_steps = 1000 .* GiB, more than the .* free"):
        gf.sweep(build, {"seed": range(256)}, num_steps=1000)
