import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf

SCRIPT = Path(__file__).with_name("sharded_run.py")


def launch(num_processes, devices):
    """Start that many processes, and return what the first one printed."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), *map(str, (index, num_processes, port, devices))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for index in range(num_processes)
    ]
    try:
        said = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert all(process.returncode == 0 for process in processes), said
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


@pytest.fixture(scope="module")
def alone():
    (result,) = launch(1, 1)
    return result


def check_same(result, alone):
    for name in ("simultaneous", "alternating"):
        for key in ("norms", "params"):
            np.testing.assert_allclose(result[name][key], alone[name][key], rtol=1e-9, atol=1e-12)
    for name in ("field", "batch norm"):
        assert np.linalg.norm(alone[name]) > 1e-3
        np.testing.assert_allclose(result[name], alone[name], rtol=1e-9, atol=1e-12)


@pytest.mark.long
def test_four_devices_make_the_run_of_one(alone):
    (result,) = launch(1, 4)
    assert (alone["devices"], result["devices"]) == (1, 4)
    check_same(result, alone)


@pytest.mark.long
def test_two_processes_make_the_run_of_one(alone):
    first, second = launch(2, 2)
    assert (first["devices"], first["processes"]) == (4, 2)
    check_same(first, alone)
    assert first == second


@pytest.mark.long
def test_the_mean_of_what_devices_find_alone_is_another_field(ring_game):
    """What the two tests above would miss if the difference were small."""
    w = gf.consensus(gf.vector_field(ring_game), gamma=5.0)
    params = ring_game.init(jax.random.key(0))
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=16, latent_size=3)
    batch = sample(jax.random.key(1))
    whole = w(params, batch)
    quarters = jax.tree.map(lambda leaf: leaf.reshape(4, 4, *leaf.shape[1:]), batch)
    means = jax.tree.map(lambda x: x.mean(0), jax.vmap(lambda b: w(params, b))(quarters))
    gaps = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), whole, means)
    assert max(jax.tree.leaves(gaps)) > 1e-2


@pytest.fixture
def ring_game():
    return gf.games.gan(
        gf.networks.mlp(3, 2, hidden_sizes=(8,), activation=jnp.tanh),
        gf.networks.mlp(2, 1, hidden_sizes=(8,), activation=jnp.tanh),
    )


class FourDevices:
    """A mesh of four, as far as a size is checked."""

    devices = np.zeros(4)


def test_a_batch_that_devices_do_not_divide_is_refused():
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=10, latent_size=3)
    with pytest.raises(ValueError, match=r"the 4 devices of mesh must divide .* batch of 10"):
        gf.sharding.data_parallel(sample, FourDevices())
    with pytest.raises(ValueError, match=r"batch of 10"):
        gf.sharding.spread({"x": np.zeros((10, 2))}, FourDevices())
    with pytest.raises(ValueError, match=r"batch of 2"):
        gf.sharding.spread({"x": np.zeros((8, 2))}, FourDevices(), axis=1)
    with pytest.raises(ValueError, match=r"batch of None"):
        gf.sharding.spread({"x": np.zeros((8, 2)), "y": np.zeros(4)}, FourDevices())


def test_a_mesh_needs_a_device():
    with pytest.raises(ValueError, match="at least one device"):
        gf.sharding.data_mesh([])


def test_keys_and_stacked_batches_are_spread():
    mesh = gf.sharding.data_mesh()
    keys = jax.random.split(jax.random.key(0), 8)
    out = gf.sharding.spread(gf.Batch(np.zeros((8, 2)), np.ones((8, 3)), key=keys), mesh)
    assert (jax.random.key_data(out.key) == jax.random.key_data(keys)).all()
    stacked = gf.sharding.spread(np.zeros((3, 8, 2)), mesh, axis=1)
    assert stacked.sharding.spec == jax.sharding.PartitionSpec(None, "data")
