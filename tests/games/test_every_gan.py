"""What holds of every registered GAN: derivatives, consensus and penalties on it, what it shows."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import batch_of_gans, small_gans

GANS = tuple(gf.games.gans())
BATCH = batch_of_gans(jax.random.key(1))


def test_all_are_there():
    assert set(GANS) == set(small_gans())
    assert set(GANS) | set(gf.games.closed_forms()) == set(gf.GAMES)
    assert not set(GANS) & set(gf.games.closed_forms())


@pytest.mark.parametrize("name", GANS)
def test_all_take_what_a_gan_takes(name):
    options = inspect.signature(gf.GAMES[name]).parameters
    shared = inspect.signature(gf.games.gan).parameters
    assert all(options[option] == shared[option] for option in shared)


PENALTIES = {"semi_supervised_gan": "r1", "bigan": "r1", "image_to_image": "r1"}


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in GANS if name != "gan"])
def test_derivatives(name):
    penalty = PENALTIES.get(name, "zero_centred")
    game = small_gans(penalty=penalty, penalty_weight=2.0, instance_noise=0.1)[name]
    gf.testing.check_game(game, game.init(jax.random.key(0)), BATCH)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PENALTIES)
def test_consensus_with_r1(name):
    """w = v − γJᵀv, J column by column from differences of v."""
    game = small_gans(penalty="r1", penalty_weight=2.0)[name]
    flat, unravel = ravel_pytree(game.init(jax.random.key(0)))
    flat, batch = np.asarray(flat, float), batch_of_gans(jax.random.key(1))
    field = gf.vector_field(game)
    v, w = (
        jax.jit(lambda x, f=f: ravel_pytree(f(unravel(x), batch))[0])
        for f in (field, gf.consensus(field, gamma=0.5))
    )
    h = 1e-6
    J = np.stack([(v(flat + h * e) - v(flat - h * e)) / (2 * h) for e in np.eye(flat.size)], axis=1)
    np.testing.assert_allclose(w(flat), v(flat) - 0.5 * J.T @ v(flat), rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", GANS)
def test_what_is_shown_is_what_is_judged(name):
    """With WGAN's losses, φ's is the mean logit of fakes less that of real examples."""
    plain = {"auxiliary_classifier_gan": "class_weight", "info_gan": "information_weight"}
    plain |= {"semi_supervised_gan": "class_weight"}
    game = small_gans(objective="wasserstein")[name]
    params = game.init(jax.random.key(0))
    shown = game.outputs(params, BATCH)
    np.testing.assert_array_equal(shown.real, BATCH.real)
    assert shown.fake.shape == BATCH.real.shape
    if name not in plain:
        expected = jnp.mean(shown.logits_fake) - jnp.mean(shown.logits_real)
        np.testing.assert_allclose(game.losses(params, BATCH).phi, expected, rtol=1e-4, atol=1e-6)
