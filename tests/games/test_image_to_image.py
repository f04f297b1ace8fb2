"""Translation: losses by NumPy, and the conditional median where L1 is all that counts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.games.linear import affine, linear

# Two sources, as one-hot vectors, and what belongs to each: skewed, so that means are elsewhere.
SOURCES = np.repeat(np.eye(2), 5, axis=0)
TARGETS = np.array([0.0, 0.1, 0.3, 2.0, 7.0, -4.0, -1.0, -0.8, -0.7, -0.6])[:, None]
BATCH = gf.Batch(TARGETS, SOURCES)


def game_of(**settings):
    return gf.games.image_to_image(linear(2, 1), affine(3, 1), **settings)


@pytest.mark.usefixtures("x64")
def test_losses_by_numpy():
    game = game_of(l1_weight=5.0)
    params = gf.Players(jnp.array([[0.5, -0.5]]), jnp.array([[0.3, 0.2, -0.1, 0.05]]))
    fake = SOURCES @ np.array([[0.5], [-0.5]])
    r, f = (np.hstack([x, SOURCES]) @ [0.3, 0.2, -0.1] + 0.05 for x in (TARGETS, fake))
    losses = game.losses(params, BATCH)
    apart = np.abs(TARGETS - fake).mean()
    np.testing.assert_allclose(losses.theta, np.logaddexp(0, -f).mean() + 5 * apart, rtol=1e-12)
    expected = np.logaddexp(0, f).mean() + np.logaddexp(0, -r).mean()
    np.testing.assert_allclose(losses.phi, expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("l1_weight", [1e3, 0.0])
def test_a_large_weight_leads_to_the_conditional_median(l1_weight):
    v = gf.vector_field(game_of(l1_weight=l1_weight, penalty="r1", penalty_weight=1.0))
    steps = optax.exponential_decay(0.1, 400, 1e-4)
    run = gf.simulate(
        gf.simultaneous(optax.adam(steps, b1=0.0)), v, game_of().init(jax.random.key(0)),
        num_steps=400, sample=lambda key: jax.tree.map(jnp.asarray, BATCH), key=jax.random.key(1),
    )  # fmt: skip
    made = np.asarray(run.params.theta)[0]
    medians = np.median(TARGETS.reshape(2, 5), axis=1)
    distance = np.abs(made - medians).max()
    if l1_weight:
        np.testing.assert_allclose(distance, 0, atol=2e-3)
    else:
        assert distance > 0.3


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(1,\), \(3,\) with the source appended, but"):
        gf.games.image_to_image(linear(2, 1), linear(2, 1))
    smaller = linear(2, 1)._replace(
        apply=lambda w, x: x[:, :2, :2] * w[0, 0], input_shape=(4, 4, 1)
    )
    with pytest.raises(ValueError, match=r"sides of the sources, .* got \(2, 2, 1\) of \(4, 4, 1"):
        gf.games.image_to_image(smaller, smaller)
    with pytest.raises(ValueError, match="l1_weight must be a number ≥ 0"):
        game_of(l1_weight=-1.0)
    game = game_of()
    with pytest.raises(ValueError, match=r"batch.latent must have the shape \(batch, 2\)"):
        game.losses(game.init(jax.random.key(0)), BATCH._replace(latent=jnp.ones((10, 3))))
