"""Games of two networks, objectives, and what is wrong with them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import ganfield as gf
from tests.cases import assert_trees_close, batch_of, mlp_gan, params_of


@pytest.mark.long
def test_shared_work_gives_the_gradients_of_separate_losses():
    case = mlp_gan()
    params, batch = params_of(case), batch_of(case)

    def loss(player):
        def of(theta, phi, batch):
            return getattr(case.game.losses(gf.Players(theta, phi), batch), player)

        return of

    separate = gf.games.general_sum(loss("theta"), loss("phi"), case.game.init)
    assert_trees_close(
        gf.vector_field(case.game)(params, batch),
        gf.vector_field(separate)(params, batch),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.long
def test_own_objective_and_linen_discriminator():
    discriminator = gf.networks.from_linen(linen.Dense(1), input_shape=(2,))
    generator = gf.networks.from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs), input_shape=(3,))
    game = gf.games.gan(
        generator, discriminator, lambda real, fake: gf.Players(fake.mean(), -fake.mean())
    )
    params = game.init(jax.random.key(0))
    batch = gf.Batch(real=jnp.ones((4, 2)), latent=jnp.ones((4, 3)))
    value = gf.vector_field(game)(params, batch)
    gf.testing.check_game(game, params, batch)
    assert jax.tree.structure(value) == jax.tree.structure(params)


@pytest.mark.slow
def test_networks_that_do_not_fit_are_refused():
    mlp = gf.networks.mlp
    with pytest.raises(ValueError, match=r"shape \(3,\), but discriminator takes .* \(2,\)"):
        gf.games.gan(mlp(16, 3), mlp(2, 1))
    with pytest.raises(ValueError, match=r"one logit for an example, .* got shape \(2,\)"):
        gf.games.gan(mlp(16, 2), mlp(2, 2))
    with pytest.raises(ValueError, match="unknown objective 'standart': did you mean 'standard'"):
        gf.games.gan(mlp(16, 2), mlp(2, 1), "standart")
    with pytest.raises(ValueError, match="coupling must be a number or a matrix"):
        gf.games.bilinear(np.ones(3))


def same(fakes):
    return fakes


def stopped_game(stop_theta, stop_phi):
    case = mlp_gan()
    generator = gf.networks.mlp(3, 2, hidden_sizes=(4,), activation=jnp.tanh)
    discriminator = gf.networks.mlp(2, 1, hidden_sizes=(4,), activation=jnp.tanh)

    def losses(params, batch):
        fake = generator.apply(params.theta, batch.latent)
        logits_theta = discriminator.apply(params.phi, stop_theta(fake))
        logits_phi = discriminator.apply(params.phi, stop_phi(fake))
        logits_real = discriminator.apply(params.phi, batch.real)
        standard = gf.OBJECTIVES["standard"]
        return gf.Players(
            standard(logits_real, logits_theta).theta, standard(logits_real, logits_phi).phi
        )

    return gf.games.joint(losses, case.game.init), case


@pytest.mark.long
def test_check_game_finds_detached_fakes():
    stop = jax.lax.stop_gradient
    honest, case = stopped_game(same, same)
    params, batch = params_of(case), batch_of(case)
    gf.testing.check_game(honest, params, batch)

    detached, _ = stopped_game(same, stop)
    # The mistake is invisible in v …
    assert_trees_close(
        gf.vector_field(detached)(params, batch),
        gf.vector_field(honest)(params, batch),
        rtol=1e-5,
        atol=1e-7,
    )
    # … and is found in J.
    with pytest.raises(ValueError, match=r"block ∂v_phi/∂theta .* stop_gradient"):
        gf.testing.check_game(detached, params, batch)
    with pytest.raises(ValueError, match="field of theta is not minus the gradient"):
        gf.testing.check_game(stopped_game(stop, same)[0], params, batch)


@pytest.mark.parametrize(
    ("loss_theta", "message"),
    [
        (lambda theta, phi, batch: theta * jnp.ones(2), "loss of theta must be a scalar"),
        (lambda theta, phi, batch: jnp.log(-(theta**2)), "NaN or infinite"),
        (
            lambda theta, phi, batch: jnp.round(theta * 1e9) / 1e9 * phi,
            "field of theta is not minus the gradient",
        ),
    ],
)
def test_check_game_names_other_mistakes(loss_theta, message):
    game = gf.games.general_sum(
        loss_theta, lambda theta, phi, batch: theta * phi, init=lambda key: gf.Players(1.0, 1.0)
    )
    with pytest.raises(ValueError, match=message):
        gf.testing.check_game(game, gf.Players(1.0, 1.0))
