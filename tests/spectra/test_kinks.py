"""Where a field has a kink, its eigenvalues mean nothing, and every door says so."""

import os
import signal
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield.spectra import check_smooth, listening

ORIGIN, BESIDE = gf.Players(0.0, 0.0), gf.Players(1e-3, 0.5)


def kinked(params, batch=None):
    return gf.Players(-jnp.abs(params.theta) - params.phi, params.theta - params.phi)


def jumping(params, batch=None):
    return gf.Players(params.theta + jnp.sign(params.theta), params.phi)


@pytest.mark.parametrize("field", [kinked, jumping])
@pytest.mark.parametrize("door", [lambda v, x: gf.eigenvalues(v)(x), gf.planes.eigenvectors])
def test_a_kink_is_refused_and_what_is_beside_it_is_not(field, door):
    with pytest.raises(ValueError, match="a kink or a jump"):
        door(field, ORIGIN)
    door(field, BESIDE)


def test_in_compiled_and_batched_code_nothing_is_looked_at():
    spectrum = gf.eigenvalues(kinked)
    assert jax.jit(spectrum)(ORIGIN).shape == (2,)
    assert jax.vmap(spectrum)(gf.Players(jnp.zeros(3), jnp.zeros(3))).shape == (3, 2)


def test_a_field_in_float32_of_its_own_is_not_judged():
    def rounded(params, batch=None):
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), kinked(params))

    assert gf.eigenvalues(rounded)(ORIGIN).shape == (2,)


@pytest.mark.long
def test_networks_of_relus_have_no_kink_at_generic_points():
    networks = (gf.networks.mlp(3, 2, hidden_sizes=(8,)), gf.networks.mlp(2, 1, hidden_sizes=(8,)))
    game = gf.games.gan(*networks)
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=8, latent_size=3)
    field = gf.vector_field(game)
    matrix = jax.jit(gf.jacobian(field))
    for seed in range(200):
        keys = iter(jax.random.split(jax.random.key(seed), 20))
        params = jax.tree.map(
            lambda leaf, keys=keys: leaf + jax.random.normal(next(keys), leaf.shape) / 10,
            game.init(next(keys)),
        )
        batch = sample(next(keys))
        check_smooth(field, params, batch, matrix(params, batch))


@pytest.mark.slow
def test_ctrl_c_is_heard_while_lapack_works():
    ended = threading.Event()

    def long(matrix):
        time.sleep(5)
        ended.set()

    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        listening(long, np.zeros((1000, 1000)))
    assert not ended.is_set()


def test_what_is_listened_to_keeps_its_precision_and_its_errors(x64):
    assert listening(jnp.linalg.eigvalsh, jnp.eye(600)).dtype == jnp.float64
    with pytest.raises(np.linalg.LinAlgError):
        listening(np.linalg.eigvals, np.full((600, 600), np.nan))
