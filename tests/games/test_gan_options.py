"""Objectives, penalties and noise in a game of two networks: derivatives and random numbers."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from tests.cases import assert_trees_close


class Plain(NamedTuple):
    """A network without Flax."""

    init: object
    apply: object
    input_shape: tuple


def linear(size_in, size_out):
    def init(key):
        return jax.random.normal(key, (size_in, size_out))

    return Plain(init, lambda params, x: x @ params, (size_in,))


def curved(size_in, size_out):
    """A smooth network with a slope that depends on where it looks."""

    def init(key):
        return {"in": linear(size_in, 3).init(key), "out": linear(3, size_out).init(key)}

    def apply(params, x):
        return jnp.tanh(x @ params["in"]) @ params["out"]

    return Plain(init, apply, (size_in,))


def batch_of(size=8, *, seed=1):
    keys = jax.random.split(jax.random.key(seed), 3)
    return gf.Batch(
        jax.random.normal(keys[0], (size, 2)),
        jax.random.normal(keys[1], (size, 3)),
        key=jax.random.split(keys[2], size),
    )


def game_of(**settings):
    return gf.games.gan(linear(3, 2), curved(2, 1), **settings)


PARAMS = game_of().init(jax.random.key(0))


@pytest.mark.slow
@pytest.mark.parametrize("objective", gf.OBJECTIVES)
def test_derivatives_of_each_objective(objective):
    gf.testing.check_game(game_of(objective=objective), PARAMS, batch_of())


@pytest.mark.long
@pytest.mark.parametrize("penalty", gf.PENALTIES)
def test_derivatives_of_penalised_games(penalty):
    # v and J against finite differences: the fakes are not detached from the penalty.
    game = game_of(penalty=penalty, penalty_weight=3.0, instance_noise=0.2)
    gf.testing.check_game(game, PARAMS, batch_of())


@pytest.mark.slow
@pytest.mark.parametrize("penalty", ["r2", "zero_centred"])
def test_detached_fakes_are_found(penalty):
    def detached(score, real, fake, key):
        return gf.PENALTIES[penalty](score, real, jax.lax.stop_gradient(fake), key)

    with pytest.raises(ValueError, match=r"block ∂v_phi/∂theta .* stop_gradient"):
        gf.testing.check_game(game_of(penalty=detached, penalty_weight=3.0), PARAMS, batch_of())


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_r1_by_hand():
    # D(x) = w·x has the slope w everywhere.
    batch, params = batch_of(), gf.Players(jnp.ones((3, 2)), jnp.array([[3.0], [4.0]]))
    plain = gf.games.gan(linear(3, 2), linear(2, 1), "wasserstein")
    game = gf.games.gan(linear(3, 2), linear(2, 1), "wasserstein", penalty="r1", penalty_weight=0.3)
    before, after = plain.losses(params, batch), game.losses(params, batch)
    np.testing.assert_allclose(after, np.add(before, (0, 0.3 * 25 / 2)), rtol=1e-12)
    v, w = (gf.vector_field(g)(params, batch) for g in (plain, game))
    np.testing.assert_allclose(w.theta, v.theta, rtol=1e-12)
    np.testing.assert_allclose(w.phi, v.phi - 0.3 * params.phi, rtol=1e-12)
    # The weight is 10 where none is given, and may be traced.
    default = gf.games.gan(linear(3, 2), linear(2, 1), "wasserstein", penalty="r1")
    np.testing.assert_allclose(default.losses(params, batch).phi, before.phi + 125, rtol=1e-12)

    def traced(weight):
        return gf.games.gan(
            linear(3, 2), linear(2, 1), "wasserstein", penalty="r1", penalty_weight=weight
        ).losses(params, batch)

    np.testing.assert_allclose(jax.jit(traced)(0.3), after, rtol=1e-12)


@pytest.mark.slow
def test_instance_noise_has_its_size_and_is_independent():
    moments = (
        lambda real, fake: gf.Players(real.mean(), fake.mean()),
        lambda real, fake: gf.Players(real.var(), fake.var()),
        lambda real, fake: gf.Players(jnp.mean(real * fake), jnp.mean(real[1:] * real[:-1])),
    )
    size = 4096
    batch = gf.Batch(
        jnp.zeros((size, 1)), jnp.zeros((size, 1)), key=jax.random.split(jax.random.key(0), size)
    )
    one = jnp.ones((1, 1))
    for moment, expected in zip(moments, (0, 0.25, 0), strict=True):
        game = gf.games.gan(linear(1, 1), linear(1, 1), moment, instance_noise=0.5)
        both = game.losses(gf.Players(one, one), batch)
        np.testing.assert_allclose(both, [expected] * 2, atol=0.03)


@pytest.mark.long
def test_a_batch_carries_its_randomness():
    game, batch = game_of(penalty="wgan_gp", instance_noise=0.3), batch_of(16)
    losses = jax.jit(game.losses)
    whole = losses(PARAMS, batch)
    halves = [jax.tree.map(lambda leaf, s=s: leaf[s::2], batch) for s in (0, 1)]
    parts = [losses(PARAMS, half) for half in halves]
    np.testing.assert_allclose(np.mean(parts, axis=0), whole, rtol=1e-5)
    np.testing.assert_array_equal(losses(PARAMS, batch), whole)
    other = batch._replace(key=batch_of(16, seed=2).key)
    assert np.all(np.abs(np.subtract(losses(PARAMS, other), whole)) > 1e-4)
    # Groups of a consensus field take the keys with the examples.
    v = gf.vector_field(game)
    grouped, expected = jax.jit(
        lambda batch: (gf.consensus(v, gamma=0.0, groups=2)(PARAMS, batch), v(PARAMS, batch))
    )(batch)
    assert_trees_close(grouped, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.long
def test_noise_may_be_traced():
    def field(noise):
        return gf.vector_field(game_of(instance_noise=noise))(PARAMS, batch_of())

    together = jax.jit(jax.vmap(field))(jnp.array([0.0, 0.4]))
    for index, noise in enumerate((0.0, 0.4)):
        one = jax.tree.map(lambda leaf, i=index: leaf[i], together)
        assert_trees_close(one, field(noise), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_what_needs_keys_says_so():
    batch = batch_of()._replace(key=None)
    for settings, purpose in (
        ({"instance_noise": 0.1}, "instance noise"),
        ({"penalty": "wgan_gp"}, "the penalty wgan_gp"),
    ):
        with pytest.raises(ValueError, match=rf"{purpose} draws random .* keys=True.* got None"):
            jax.eval_shape(game_of(**settings).losses, PARAMS, batch)
    assert np.isfinite(game_of(penalty="r1").losses(PARAMS, batch).phi)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="unknown penalty 'wgan': did you mean 'wgan_gp'"):
        game_of(penalty="wgan")
    with pytest.raises(ValueError, match=r"penalty_weight must be a number ≥ 0, got -1"):
        game_of(penalty="r1", penalty_weight=-1.0)
    with pytest.raises(ValueError, match=r"instance_noise must be a number ≥ 0, got -0.1"):
        game_of(instance_noise=-0.1)
