"""The check of games refuses no right one, whatever kinks it has, and names every planted fault."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield.testing import _game

SAMPLE = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)
SMALL = gf.data.batch_sampler(gf.data.ring(), batch_size=32, latent_size=16)


def as_it_is(fake):
    return fake


def pairs(x):
    """The larger of every two neighbours, as max-pooling takes it."""
    return jnp.repeat(jnp.maximum(x[..., ::2], x[..., 1::2]), 2, axis=-1)


def ring(cut=as_it_is, activation=jax.nn.relu):
    """The paper's game, with a fault in the discriminator's loss if one is given."""
    sizes = {"hidden_sizes": (16,) * 4, "activation": activation}
    generator, discriminator = gf.networks.mlp(16, 2, **sizes), gf.networks.mlp(2, 1, **sizes)

    def losses(params, batch):
        fake = generator.apply(params.theta, batch.latent)
        of_real, of_fake, of_cut = (
            discriminator.apply(params.phi, x) for x in (batch.real, fake, cut(fake))
        )
        theta = jnp.mean(jax.nn.softplus(-of_fake))
        return gf.Players(theta, jnp.mean(jax.nn.softplus(-of_real) + jax.nn.softplus(of_cut)))

    def init(key):
        of_generator, of_discriminator = jax.random.split(key)
        return gf.Players(generator.init(of_generator), discriminator.init(of_discriminator))

    return gf.games.joint(losses, init)


def refused(game, seeds, sample=SAMPLE):
    """Return seed → what the check said, compiled once for all of them."""
    said = {}
    with jax.enable_x64(True):
        probe = jax.jit(partial(_game._probe, game))
        init, draw = jax.jit(game.init), jax.jit(lambda key: sample(key))
        for seed in seeds:
            params, batch = _game.double(
                (init(jax.random.key(seed)), draw(jax.random.key(seed + 1)))
            )
            for key in jax.random.split(jax.random.key(seed + 2), 2):
                try:
                    _game._check_along(probe, params, batch, key, 1e-3)
                except ValueError as error:
                    said[seed] = str(error)
    return said


@pytest.mark.long
def test_no_seed_of_the_ring_is_refused():
    # Of one in nineteen a kink lies between the points of the differences.
    assert refused(ring(), range(60)) == {}


@pytest.mark.long
@pytest.mark.parametrize("activation", [jax.nn.relu, jax.nn.leaky_relu, pairs])
def test_no_network_with_kinks_is_refused(activation):
    assert refused(ring(activation=activation), range(60), SMALL) == {}


def shaken(fake):
    """Noise that no key gives."""
    shape = jax.ShapeDtypeStruct(fake.shape, fake.dtype)
    draw = np.random.default_rng().normal
    drawn = jax.pure_callback(lambda x: draw(size=x.shape), shape, jax.lax.stop_gradient(fake))
    return fake + 1e-3 * drawn


@pytest.mark.long
@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (jax.lax.stop_gradient, r"the block ∂v_phi/∂theta of the game's Jacobian is wrong"),
        (lambda fake: fake.astype(jnp.bfloat16).astype(fake.dtype), r"∂v_phi/∂theta"),
    ],
    ids=["cut", "rounded"],
)
def test_a_fault_is_named_for_every_seed(cut, message):
    said = refused(ring(cut), range(10))
    assert set(said) == set(range(10))
    assert all(re.search(message, text) for text in said.values())


@pytest.mark.long
def test_hidden_randomness_is_named():
    game = gf.games.zero_sum(
        lambda theta, phi, batch: jnp.sum(theta * shaken(phi)),
        init=lambda key: gf.Players(*jax.random.normal(key, (2, 3))),
    )
    for seed in range(10):
        with pytest.raises(ValueError, match=r"is not minus the gradient|Jacobian is wrong"):
            gf.testing.check_game(game, game.init(jax.random.key(seed)))


@pytest.mark.slow
@pytest.mark.parametrize("empty", [{}, (), jnp.zeros((0, 2))])
@pytest.mark.parametrize("player", ["theta", "phi"])
def test_a_player_without_parameters_is_no_fault(empty, player):
    def losses(look):
        def of(params, batch):
            (full,) = (part for part in params if sum(map(jnp.size, jax.tree.leaves(part))))
            value = jnp.sum(look(full) ** 3)
            return gf.Players(value, 2 * value)

        return of

    params = gf.Players(jnp.ones(2), jnp.ones(2))._replace(**{player: empty})
    for look, is_right in ((jnp.sin, True), (lambda x: jnp.round(x * 1e9) / 1e9, False)):
        game = gf.games.joint(losses(look), init=lambda key: params)
        if is_right:
            gf.testing.check_game(game, params)
            continue
        other = "phi" if player == "theta" else "theta"
        with pytest.raises(ValueError, match=f"the field of {other} is not minus the gradient"):
            gf.testing.check_game(game, params)
