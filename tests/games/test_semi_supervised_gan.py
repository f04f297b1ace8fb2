"""The semi-supervised game: K + 1 classes by a second derivation; its best D, the posterior."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats

import ganfield as gf
from tests.games.linear import affine

K = 3


def game_of(num_classes=K, size=2, **settings):
    return gf.games.semi_supervised_gan(
        affine(2, size), affine(size, num_classes), num_classes, **settings
    )


def batch_of(label=(2, -1, 0, -1, 1, 1)):
    real, latent = np.random.default_rng(0).normal(size=(2, len(label), 2))
    return gf.Batch(jnp.asarray(real), jnp.asarray(latent), jnp.asarray(label))


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("generator_loss", ["feature_matching", "adversarial"])
def test_losses_are_those_of_a_softmax_of_one_more_class(generator_loss):
    game, batch = game_of(generator_loss=generator_loss, class_weight=0.7), batch_of()
    theta, phi = np.random.default_rng(1).normal(size=(2, 3, 3))
    theta = theta[:2]
    fake = np.asarray(batch.latent) @ theta[:, :2].T + theta[:, 2]
    logits = [np.asarray(x) @ phi[:, :2].T + phi[:, 2] for x in (batch.real, fake)]
    of_real, of_fake = (scipy.special.softmax(np.c_[x, np.zeros(6)], axis=1) for x in logits)
    known = np.array([0, 2, 4, 5])
    classes = scipy.special.softmax(logits[0], axis=1)[known, np.array([2, 0, 1, 1])]
    expected = -np.log(1 - of_real[:, K]).mean() - np.log(of_fake[:, K]).mean()
    losses = game.losses(gf.Players(jnp.asarray(theta), jnp.asarray(phi)), batch)
    np.testing.assert_allclose(losses.phi, expected - 0.7 * np.log(classes).mean(), rtol=1e-10)
    gap = logits[0].mean(axis=0) - logits[1].mean(axis=0)
    adversarial = -np.log(1 - of_fake[:, K]).mean()
    expected = gap @ gap if generator_loss == "feature_matching" else adversarial
    np.testing.assert_allclose(losses.theta, expected, rtol=1e-10)


@pytest.mark.slow
def test_features_may_be_of_an_inner_layer():
    game, batch = game_of(features=lambda phi, x: x**2), batch_of()
    theta = jnp.zeros((2, 3))
    theta = game.losses(gf.Players(theta, jnp.ones((K, 3))), batch).theta
    np.testing.assert_allclose(theta, np.sum(np.mean(batch.real**2, axis=0) ** 2), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_the_best_discriminator_of_two_gaussians_is_the_posterior():
    mean, place, count = 1.2, 0.5, 4000
    quantiles = scipy.stats.norm.ppf((np.arange(count) + 0.5) / count)
    real = np.concatenate([quantiles - mean, quantiles + mean])
    label = jnp.repeat(jnp.arange(2), count)
    batch = gf.Batch(jnp.asarray(real[:, None]), jnp.asarray(np.tile(quantiles, 2)[:, None]), label)
    game = gf.games.semi_supervised_gan(affine(1, 1), affine(1, 2), 2)
    theta = jnp.array([[1.0, place]])

    @jax.jit
    def loss(flat):
        params = gf.Players(theta, flat.reshape(2, 2))
        return game.losses(params, batch).phi, -gf.vector_field(game)(params, batch).phi.ravel()

    best = scipy.optimize.minimize(
        lambda flat: [np.asarray(each) for each in loss(flat)], np.zeros(4), jac=True, tol=1e-10
    ).x.reshape(2, 2)
    # l_k = log ½N(x; ±m, 1) − log N(x; place, 1)
    centres = np.array([-mean, mean])
    expected = np.c_[centres - place, np.log(0.5) + (place**2 - centres**2) / 2]
    np.testing.assert_allclose(best, expected, atol=3e-3)
    x = np.linspace(-3, 3, 13)
    densities = np.array(
        [0.5 * scipy.stats.norm.pdf(x, centre) for centre in centres]
        + [scipy.stats.norm.pdf(x, place)]
    )
    logits = np.c_[np.outer(x, best[:, 0]) + best[:, 1], np.zeros(13)]
    told = scipy.special.softmax(logits, axis=1).T
    np.testing.assert_allclose(told, densities / densities.sum(axis=0), atol=1e-3)


@pytest.mark.slow
def test_sure_logits_stay_finite_in_float32():
    game = game_of(2, generator_loss="adversarial")
    real = jnp.array([[1e4, -1e4], [-1e4, -1e4], [1e4, 1e4]], jnp.float32)
    batch = gf.Batch(real, jnp.ones((3, 2)), jnp.array([0, 1, -1]))
    phi = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])  # D(x) = x
    losses = game.losses(gf.Players(jnp.array([[1e4, 0, 0], [0, 0, -1e4]]), phi), batch)
    # Real: 0, 1e4 − log 2, 0. Fake: 1e4. Classes: 0, log 2.
    expected = (1e4 - np.log(2)) / 3 + 1e4 + np.log(2) / 2
    np.testing.assert_allclose(losses.phi, expected, rtol=1e-6)
    np.testing.assert_allclose(losses.theta, 0, atol=1e-30)
    v = gf.vector_field(game)(gf.Players(jnp.full((2, 3), 1e4), phi), batch)
    assert all(np.isfinite(leaf).all() for leaf in v)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (None, "got None"),
        ([-1] * 6, "got no label at all"),
        ([0, 1, 2, 3, -1, -1], "got values from -1 to 3"),
        ([0, 1, 2, -2, -1, -1], "got values from -2 to 2"),
        ([0.0] * 6, "got float32 of shape"),
    ],
)
def test_labels_outside_of_the_classes_or_none_are_refused(label, said):
    game = game_of()
    label = None if label is None else jnp.asarray(label)
    with pytest.raises(ValueError, match=rf"from 0 to 2, or −1 for an example .*{said}"):
        game.losses(game.init(jax.random.key(0)), batch_of()._replace(label=label))


def test_traced_labels_that_are_no_classes_give_nan():
    game = game_of()
    params = game.init(jax.random.key(0))
    entropy = jax.jit(lambda label: game.losses(params, batch_of()._replace(label=label)).phi)
    right = jnp.array([0, -1, 2, -1, -1, -1])
    assert np.isfinite(entropy(right))
    for wrong in (3, -2):
        assert np.isnan(entropy(right.at[1].set(wrong)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="unknown generator_loss 'matching'"):
        game_of(generator_loss="matching")
    with pytest.raises(ValueError, match=r"one logit for each class for an example, shape \(4,\)"):
        gf.games.semi_supervised_gan(affine(2, 2), affine(2, 3), 4)
    with pytest.raises(ValueError, match="class_weight must be a number ≥ 0"):
        game_of(class_weight=-1.0)
