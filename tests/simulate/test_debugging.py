"""JAX's debugging flags see no fault where there is none, and still see the user's."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

pytestmark = pytest.mark.slow

QUADRATIC = gf.vector_field(gf.games.quadratic(1.0, 0.5, 2.0))
START = gf.Players(1.0, 0.7)
STEPS = gf.simultaneous(optax.sgd(0.1))


def looked_at(state, info):
    return state.params.theta, optax.tree.norm(info.direction)


def run(method=STEPS, field=QUADRATIC, start=START):
    return gf.simulate(method, field, start, num_steps=4, record=looked_at, record_every=2)


def leaves_equal(actual, expected):
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, equal_nan=True)


@pytest.mark.long
@pytest.mark.parametrize("name", ["simultaneous", "lead", "adaptive_competitive", "proximal_point"])
def test_debug_nans_lets_methods_run(name):
    method = gf.METHODS[name](optax.adam(0.1))
    expected = run(method)
    with jax.debug_nans(True), jax.debug_infs(True):
        actual = run(method)
        state = method.init(START)
        for _ in range(2):
            state, _ = method.step(QUADRATIC, state, None)
    leaves_equal(actual, expected)
    # What is unknown is NaN all the same.
    assert np.isnan(actual.records[1][0])
    assert np.all(np.isfinite(actual.records[1][1:]))
    np.testing.assert_allclose(state.params, method_after(method, 2), rtol=1e-5)


def method_after(method, count):
    return gf.simulate(method, QUADRATIC, START, num_steps=count).params


def test_debug_nans_lets_compiled_runs_and_sweeps_run():
    def build(step_size):
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulation(method, QUADRATIC, START, record=looked_at, record_every=2)

    axes = {"step_size": jnp.array([0.1, 0.2])}
    expected = gf.sweep(build, axes, num_steps=4).run
    with jax.debug_nans(True):
        leaves_equal(gf.sweep(build, axes, num_steps=4).run, expected)
        compiled = jax.jit(lambda start: run(start=start))(START)
        paths = gf.trajectories(STEPS, QUADRATIC, gf.Players(jnp.ones(3), jnp.ones(3)), num_steps=4)
    np.testing.assert_allclose(compiled.records[1][1:], run().records[1][1:], rtol=1e-6)
    assert paths.theta.shape == (5, 3)


def test_debug_nans_still_finds_the_users():
    game = gf.games.zero_sum(lambda theta, phi, batch: jnp.log(theta) * phi, lambda key: START)
    field = gf.vector_field(game)
    assert int(run(field=field, start=gf.Players(0.0, 0.0)).stopped_at) == 1
    with jax.debug_nans(True), pytest.raises(FloatingPointError, match="nan"):
        run(field=field, start=gf.Players(0.0, 0.0))


@pytest.mark.long
@pytest.mark.parametrize("name", ["alternating", "competitive", "follow_the_ridge"])
def test_methods_run_without_jit(name):
    method = gf.METHODS[name](optax.sgd(0.1))
    expected = run(method)
    with jax.disable_jit():
        leaves_equal(run(method), expected)


@pytest.mark.long
def test_simulations_sweeps_and_networks_run_without_jit():
    generator, discriminator = gf.networks.mlp(4, 2), gf.networks.mlp(2, 1)
    game = gf.games.gan(generator, discriminator, penalty="wgan_gp", instance_noise=0.1)
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=8, latent_size=4, keys=True)
    params = game.init(jax.random.key(0))
    w = gf.consensus(gf.vector_field(game), gamma=1.0)

    def build():
        method = gf.alternating(optax.adam(0.01))
        return gf.simulation(method, w, params, key=jax.random.key(1), sample=sample)

    expected = gf.sweep(build, num_steps=2).run.params
    with jax.disable_jit():
        actual = gf.sweep(build, num_steps=2).run.params
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


WITHOUT_JIT = """
import jax, optax, ganfield as gf
v = gf.vector_field(gf.games.bilinear())
def build(step_size):
    return gf.simulation(gf.simultaneous(optax.sgd(step_size)), v, gf.Players(1.0, 0.0))
print(*gf.sweep(build, {"step_size": jax.numpy.array([0.5, 1.0])}, num_steps=2).run.params.theta)
"""


@pytest.mark.long
def test_sweeps_run_in_a_process_without_jit():
    environment = {**os.environ, "JAX_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_JIT],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [float(word) for word in done.stdout.split()] == [0.75, 0.0]
