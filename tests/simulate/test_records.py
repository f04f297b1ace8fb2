"""Records at any pace: the last step is recorded, whatever divides the number of steps."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.simulate import record_steps
from tests.simulate.test_simulate import theta_of
from tests.sweeps.test_sweep import compiled_names

QUADRATIC = gf.vector_field(gf.games.quadratic())
START = gf.Players(1.0, -0.5)


def run(step_size, num_steps, record_every, **options):
    method = gf.simultaneous(optax.sgd(step_size))
    asked = {"num_steps": num_steps, "record_every": record_every, "record": theta_of}
    return gf.simulate(method, QUADRATIC, START, **asked, **options)


def build(step_size):
    method = gf.simultaneous(optax.sgd(step_size))
    return gf.simulation(method, QUADRATIC, START, record=theta_of, record_every=3)


@pytest.fixture(scope="module")
def every_step():
    return np.asarray(run(0.1, 7, 1).records)


@pytest.mark.parametrize(
    ("num_steps", "record_every", "steps"),
    [(6, 3, [0, 3, 6]), (7, 3, [0, 3, 6, 7]), (2, 3, [0, 2]), (211, 100, [0, 100, 200, 211])],
)
def test_steps_that_are_recorded(num_steps, record_every, steps):
    assert record_steps(num_steps, record_every).tolist() == steps


@pytest.mark.parametrize(("num_steps", "record_every"), [(7, 3), (5, 4), (2, 3)])
def test_the_last_piece_may_be_shorter(every_step, num_steps, record_every):
    steps = []
    whole = run(0.1, num_steps, record_every, progress=lambda step, record: steps.append(int(step)))
    jax.effects_barrier()
    assert steps == whole.steps[1:].tolist()
    assert whole.steps[-1] == num_steps
    np.testing.assert_allclose(whole.records, every_step[whole.steps], rtol=1e-6)
    np.testing.assert_array_equal(whole.params.theta, whole.records[-1])


@pytest.mark.slow
def test_gradients_go_through_a_shorter_piece():
    slopes = [
        jax.grad(lambda size, every=every: run(size, 7, every).params.theta)(0.1)
        for every in (7, 3)
    ]
    np.testing.assert_allclose(*slopes, rtol=1e-5)


def test_a_sweep_records_at_any_pace_with_one_program(every_step, caplog):
    steps = []
    with jax.log_compiles(True):
        swept = gf.sweep(
            build,
            {"step_size": jnp.array([0.1, 0.2])},
            num_steps=7,
            progress=lambda step, record: steps.append(step),
        )
    assert sorted(compiled_names(caplog)) == ["_advance", "_start"]
    assert steps == [3, 6, 7]
    assert swept.run.steps.tolist() == [0, 3, 6, 7]
    np.testing.assert_allclose(swept.run.records[:, 0], every_step[[0, 3, 6, 7]], rtol=1e-6)
    np.testing.assert_array_equal(swept.run.params.theta, swept.run.records[-1])


def test_what_stops_in_the_last_piece_falls_back_to_the_record_before():
    doubling = gf.simulate(
        gf.simultaneous(optax.sgd(1.0)),
        lambda params, batch: params,
        gf.Players(1.0, 1.0),
        num_steps=130,
        record_every=60,
        record=theta_of,
    )
    assert doubling.steps.tolist() == [0, 60, 120, 130]
    assert int(doubling.stopped_at) == 128
    np.testing.assert_array_equal(doubling.records[:3], 2.0 ** np.array([0, 60, 120]))
    assert np.isnan(doubling.records[3])
    assert float(doubling.params.theta) == 2.0**120


@pytest.mark.slow
def test_paths_end_at_the_last_step():
    method, starts = gf.simultaneous(optax.sgd(0.1)), gf.Players(jnp.ones(2), jnp.zeros(2))
    every = gf.trajectories(method, QUADRATIC, starts, num_steps=5)
    some = gf.trajectories(method, QUADRATIC, starts, num_steps=5, record_every=2)
    np.testing.assert_allclose(some.theta, every.theta[jnp.array([0, 2, 4, 5])], rtol=1e-6)
