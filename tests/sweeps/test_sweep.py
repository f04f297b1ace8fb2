"""Many runs: equal to single ones, compiled once, stopped and interrupted without loss."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import mlp_gan
from tests.simulate.test_simulate import exploding, theta_of

ROOT = Path(__file__).parents[2]
V = gf.vector_field(gf.games.quadratic())


def build(step_size, gamma):
    method = gf.simultaneous(optax.sgd(step_size))
    start = gf.Players(1.0, -0.5)
    field = gf.consensus(V, gamma=gamma)
    return gf.simulation(method, field, start, record=theta_of, record_every=5)


@pytest.mark.slow
def test_a_grid_is_the_loop_over_its_points():
    sizes, gammas = jnp.array([0.1, 0.2, 0.3]), jnp.array([0.0, 1.0])
    runs = gf.sweep(build, {"step_size": sizes, "gamma": gammas}, num_steps=10).run
    assert runs.params.theta.shape == runs.stopped_at.shape == (3, 2)
    assert runs.records.shape == (3, 3, 2)
    for i, step_size in enumerate(sizes):
        for j, gamma in enumerate(gammas):
            alone = gf.simulate(
                gf.simultaneous(optax.sgd(step_size)),
                gf.consensus(V, gamma=gamma),
                gf.Players(1.0, -0.5),
                num_steps=10,
                record=theta_of,
                record_every=5,
            )
            np.testing.assert_allclose(runs.records[:, i, j], alone.records, rtol=1e-5)


@pytest.mark.slow
def test_leaves_of_one_axis_change_together():
    def zipped(point):
        return build(**point)

    point = {"step_size": jnp.array([0.1, 0.2]), "gamma": jnp.array([0.0, 1.0])}
    thetas = gf.sweep(zipped, {"point": point}, num_steps=5).run.params.theta
    whole = gf.sweep(build, point, num_steps=5).run.params.theta
    np.testing.assert_allclose(thetas, np.diag(whole), rtol=1e-6)


def test_no_axes_are_one_run():
    alone = gf.sweep(build, fixed={"step_size": 0.1, "gamma": 0.5}, num_steps=5).run
    assert alone.params.theta.shape == ()


def compiled_names(caplog):
    """The programs of sweeps that JAX says it compiles."""
    lines = [record.getMessage() for record in caplog.records]
    return [
        name
        for line in lines
        for name in ("_start", "_advance")
        if line.startswith("Finished XLA compilation") and f"jit({name})" in line
    ]


@pytest.mark.long
def test_other_values_compile_nothing(caplog):
    def counted(key, learning_rate):
        case = mlp_gan()
        method = gf.simultaneous(gf.numerics_rmsprop(learning_rate))
        v = gf.vector_field(case.game)
        params = case.game.init(key)
        return gf.simulation(method, v, params, key=key, sample=case.sample, record_every=2)

    def ends(build, seed, learning_rate):
        keys = jax.random.split(jax.random.key(seed), 2)
        fixed = {"learning_rate": learning_rate}
        with jax.log_compiles():
            sweep = gf.sweep(build, {"key": keys}, num_steps=4, fixed=fixed)
        return jax.tree.leaves(sweep.run.params)[0]

    one = ends(counted, 0, 1e-3)
    assert compiled_names(caplog) == ["_start", "_advance"]
    # Nor does another function that does the same.
    others = [ends(build, 1, 1e-2) for build in (counted, lambda **point: counted(**point))]
    assert compiled_names(caplog) == ["_start", "_advance"]
    assert not np.allclose(one, others[0])
    np.testing.assert_array_equal(*others)


@dataclasses.dataclass
class Damped:
    """A build that reads what may change, and has no hash."""

    gamma: float
    start: np.ndarray

    def __call__(self, step_size):
        field = gf.consensus(V, gamma=self.gamma)
        start = gf.Players(*map(jnp.asarray, self.start))
        return gf.simulation(gf.simultaneous(optax.sgd(step_size)), field, start, record_every=5)

    def method(self, step_size):
        return self(step_size)


@pytest.mark.slow
@pytest.mark.parametrize("as_method", [False, True])
def test_what_a_build_reads_may_change(as_method):
    damped = Damped(0.0, np.ones(2, np.float32))
    build = damped.method if as_method else damped
    axes = {"step_size": jnp.array([0.1, 0.2])}
    ends = []
    for gamma, start in ((0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (0.0, 1.0)):
        damped.gamma, damped.start[:] = gamma, start
        ends.append(gf.sweep(build, axes, num_steps=5).run.params.theta)
        alone = gf.simulate(
            gf.simultaneous(optax.sgd(0.1)),
            gf.consensus(V, gamma=gamma),
            gf.Players(start, start),
            num_steps=5,
        )
        np.testing.assert_allclose(ends[-1][0], alone.params.theta, rtol=1e-5)
    np.testing.assert_array_equal(ends[0], ends[3])
    assert len({float(end[0]) for end in ends}) == 3


def test_one_run_that_leaves_the_numbers_does_not_stop_the_others():
    field, _, start = exploding()

    def build(step_size):
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulation(method, field, start, record=theta_of, record_every=20)

    run = gf.sweep(build, {"step_size": jnp.array([1.0, -0.5])}, num_steps=200).run
    np.testing.assert_array_equal(run.stopped_at, [128, -1])
    assert len(run.steps) == 11
    assert np.all(np.isnan(run.records[7:, 0]))
    assert np.all(np.isfinite(run.records[:, 1]))

    # When all have stopped there is nothing to wait for.
    run = gf.sweep(build, {"step_size": jnp.array([1.0, 1.0])}, num_steps=2000).run
    assert len(run.steps) == 8


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_computed():
    def interrupt(step, record):
        if step == 15:
            raise KeyboardInterrupt

    with pytest.raises(gf.SweepInterrupted) as caught:
        gf.sweep(
            build,
            {"step_size": jnp.array([0.1, 0.2])},
            fixed={"gamma": 0.0},
            num_steps=500,
            progress=interrupt,
        )
    assert isinstance(caught.value, KeyboardInterrupt)
    run = caught.value.partial.run
    np.testing.assert_array_equal(run.steps, [0, 5, 10, 15])
    whole = gf.sweep(
        build, {"step_size": jnp.array([0.1, 0.2])}, fixed={"gamma": 0.0}, num_steps=15
    ).run
    np.testing.assert_array_equal(run.records, whole.records)
    np.testing.assert_array_equal(run.params.theta, whole.params.theta)


@pytest.mark.slow
def test_ctrl_c_while_waiting_keeps_state_and_records_of_one_step(monkeypatch):
    axes, fixed = {"step_size": jnp.array([0.1, 0.2])}, {"gamma": 0.0}
    get, calls = jax.device_get, []

    def interrupted_get(tree):
        calls.append(None)
        if len(calls) == 4:  # the start, two records, and then the wait for the third
            raise KeyboardInterrupt
        return get(tree)

    monkeypatch.setattr(jax, "device_get", interrupted_get)
    with pytest.raises(gf.SweepInterrupted) as caught:
        gf.sweep(build, axes, fixed=fixed, num_steps=500)
    run = caught.value.partial.run
    np.testing.assert_array_equal(run.steps, [0, 5, 10])
    np.testing.assert_array_equal(run.params.theta, run.records[-1])


@pytest.mark.parametrize(
    ("axes", "num_steps", "message"),
    [
        ({"step_size": jnp.array([])}, 5, r"axes\['step_size'\] must be an array"),
        ({"step_size": 0.1}, 5, r"axes\['step_size'\] must be an array"),
        ({"step_size": []}, 5, r"axes\['step_size'\] must be an array"),
        ({"gamma": jnp.ones(2)}, 5, "in axes or in fixed, not in both: gamma"),
        ({"step_size": jnp.array([0.1])}, 0, "num_steps must be an integer ≥ 1"),
    ],
)
def test_bad_arguments(axes, num_steps, message):
    with pytest.raises(ValueError, match=message):
        gf.sweep(build, axes, fixed={"gamma": 0.0}, num_steps=num_steps)


@pytest.mark.long
def test_devices_do_not_change_the_runs():
    code = """
import sys, jax, jax.numpy as jnp
jax.config.update("jax_num_cpu_devices", int(sys.argv[1]))
from tests.sweeps.test_sweep import build
import ganfield as gf
run = gf.sweep(build, {"step_size": jnp.array([0.1, 0.2, 0.3])}, fixed={"gamma": 0.5},
               num_steps=20).run
print(jax.device_count(), *run.records.ravel())
"""
    records = {}
    for count in (1, 2, 4):
        text = subprocess.run(
            [sys.executable, "-c", code, str(count)],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ).stdout
        devices, *numbers = text.split()
        assert int(devices) == count
        records[count] = np.array(numbers, float)
    np.testing.assert_allclose(records[2], records[1], rtol=1e-6)
    np.testing.assert_allclose(records[4], records[1], rtol=1e-6)
