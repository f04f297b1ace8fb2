"""BiGAN against linear Gaussian maps: all there is to know of it is known there."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.games.linear import linear, quadratic

SIGMA = 1.5


def signs(count):
    """All rows of ±1: uncorrelated, of variance 1, so that D of squares sees Gaussians in them."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=count)))


def game_of(size, *, noise_size=0, objective="wasserstein", **settings):
    return gf.games.bigan(
        linear(size + noise_size, size),
        linear(size + noise_size, size),
        quadratic(2 * size),
        objective,
        noise_size=noise_size,
        **settings,
    )


def at(generator, encoder, phi):
    # NumPy's: JAX would round them to float32 where float64 is not enabled yet.
    theta = {"generator": np.asarray(generator), "encoder": np.asarray(encoder)}
    return gf.Players(theta, np.asarray(phi))


def batch_of(factor):
    points = signs(len(factor))
    return gf.Batch(points @ np.asarray(factor).T, points)


def jacobian_by_hand(p, *, a=SIGMA, b=1 / SIGMA, variance=SIGMA**2):
    """v′ of x ↦ bx, z ↦ az and D = px² + rxz + tz² on the line r = −2pa, t = pa².

    In the order of the parameters: b, a, p, r, t.
    """
    t = p * a**2
    return np.array(
        [
            [-2 * t * variance, 0, 0, -variance, -2 * b * variance],
            [0, 2 * p, 2 * a, 1, 0],
            [0, -2 * a, 0, 0, 0],
            [variance, -1, 0, 0, 0],
            [2 * b * variance, 0, 0, 0, 0],
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("p", [0.0, 0.3])
def test_a_line_of_discriminators_and_the_spectrum_across_it(p):
    game, batch = game_of(1), batch_of([[SIGMA]])
    point = at([[SIGMA]], [[1 / SIGMA]], [p, -2 * p * SIGMA, p * SIGMA**2])
    told = gf.classify(gf.vector_field(game), point, game=game, batch=batch)
    assert (told.dimension, told.kind) == (1, "saddle" if p else "centre")
    expected = np.linalg.eigvals(jacobian_by_hand(p))
    for each in expected:  # a double zero is known to √ε
        assert np.abs(told.eigenvalues - each).min() < 1e-6
    assert np.sort(np.abs(told.eigenvalues))[1] > 0.1
    if not p:  # nothing but rotation, by the singular values of the coupling
        coupling = jacobian_by_hand(0)[:2, 2:]
        speeds = np.linalg.svd(coupling, compute_uv=False)
        np.testing.assert_allclose(np.sort(told.eigenvalues.imag)[-2:], speeds[::-1], rtol=1e-9)
        w = gf.consensus(gf.vector_field(game), gamma=0.1)
        mended = gf.classify(w, point, original=gf.vector_field(game), batch=batch)
        assert (mended.kind, mended.dimension, mended.spurious) == ("stable", 1, False)
        np.testing.assert_allclose(
            np.sort(mended.eigenvalues.real)[:4], -0.1 * np.repeat(speeds, 2) ** 2, rtol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["wasserstein", "standard"])
def test_in_the_plane_the_inverse_is_known_up_to_a_rotation(objective):
    factor = np.array([[1.0, 0.0], [0.4, 0.7]])
    turn = np.array([[np.cos(0.6), -np.sin(0.6)], [np.sin(0.6), np.cos(0.6)]])
    generator = factor @ turn
    game = game_of(2, objective=objective)
    # D = (x − Gz)ᵀP(x − Gz), by the coefficients of its products.
    residual = np.hstack([np.eye(2), -generator])
    matrix = residual.T @ np.array([[0.2, 0.1], [0.1, -0.3]]) @ residual
    phi = (matrix * (2 - np.eye(4)))[np.triu_indices(4)]
    point = at(generator, np.linalg.inv(generator), phi)
    told = gf.classify(gf.vector_field(game), point, batch=batch_of(factor))
    assert told.residual < 1e-12
    assert told.dimension == 1 + 3  # a rotation, and P
    wrong = at(generator, np.linalg.inv(generator) @ turn, np.zeros(10))
    assert gf.classify(gf.vector_field(game), wrong, batch=batch_of(factor)).kind == "none"


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_noisy_maps_have_the_posterior_as_encoder():
    points = signs(4)  # x, z, the noise of G, the noise of E
    batch = gf.Batch(jnp.asarray(SIGMA * points[:, :1]), jnp.asarray(points[:, 1:]))
    game = game_of(1, noise_size=1)
    v = gf.vector_field(game)
    start = at([[0.9, 1.0]], [[0.5, 0.8]], np.zeros(3))
    run = gf.simulate(
        gf.simultaneous(optax.sgd(0.05)), gf.consensus(v, gamma=0.3), start, num_steps=2000,
        sample=lambda key: batch, key=jax.random.key(0),
    )  # fmt: skip
    ((slope, spread),) = np.asarray(run.params.theta["generator"])
    ((mean, std),) = np.asarray(run.params.theta["encoder"])
    marginal = slope**2 + spread**2
    np.testing.assert_allclose(marginal, SIGMA**2, rtol=1e-8)
    np.testing.assert_allclose(mean, slope / marginal, rtol=1e-8)
    np.testing.assert_allclose(std**2, 1 - slope**2 / marginal, rtol=1e-8)
    np.testing.assert_allclose(run.params.phi, 0, atol=1e-8)
    # No D but 0 is left; which part of x is code, and which noise, is free: a circle.
    assert gf.classify(v, run.params, batch=batch).dimension == 1


def softplus(t):
    return np.logaddexp(0, t).mean()


@pytest.mark.usefixtures("x64")
def test_losses_by_numpy():
    game, rng = game_of(2, noise_size=1, objective="standard"), np.random.default_rng(0)
    real, latent = rng.normal(size=(5, 2)), rng.normal(size=(5, 4))
    G, E, phi = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=10)
    matrix = np.zeros((4, 4))
    matrix[np.triu_indices(4)] = phi
    pairs = (
        np.hstack([real, np.hstack([real, latent[:, 3:]]) @ E.T]),
        np.hstack([latent[:, :3] @ G.T, latent[:, :2]]),
    )
    r, f = (np.einsum("bi,ij,bj->b", pair, matrix, pair) for pair in pairs)
    losses = game.losses(at(G, E, phi), gf.Batch(jnp.asarray(real), jnp.asarray(latent)))
    np.testing.assert_allclose(losses.theta, softplus(-f) + softplus(r), rtol=1e-12)
    np.testing.assert_allclose(losses.phi, softplus(f) + softplus(-r), rtol=1e-12)
    shown = game.outputs(at(G, E, phi), gf.Batch(jnp.asarray(real), jnp.asarray(latent)))
    np.testing.assert_allclose(shown.fake, pairs[1][:, :2], rtol=1e-12)
    np.testing.assert_allclose(shown.logits_real, r, rtol=1e-12)
    np.testing.assert_allclose(shown.logits_fake, f, rtol=1e-12)


@pytest.mark.usefixtures("x64")
def test_r1_is_the_slope_in_the_pair():
    phi = np.array([0.3, -0.2, 0.5])
    batch = batch_of([[SIGMA]])
    plain, paid = game_of(1), game_of(1, penalty="r1", penalty_weight=2.0)
    params = at([[1.0]], [[0.5]], phi)
    pairs = np.hstack([batch.real, 0.5 * batch.real])
    slopes = pairs @ np.array([[2 * phi[0], phi[1]], [phi[1], 2 * phi[2]]])
    more = paid.losses(params, batch).phi - plain.losses(params, batch).phi
    np.testing.assert_allclose(more, (slopes**2).sum(axis=1).mean(), rtol=1e-12)


def test_what_does_not_fit_is_refused():
    ok = (linear(2, 3), linear(3, 2), quadratic(5))
    with pytest.raises(ValueError, match=r"encoder must take examples, with noise, shape \(4,\)"):
        gf.games.bigan(linear(3, 3), *ok[1:], noise_size=1)
    with pytest.raises(ValueError, match=r"generator must take .*shape \(2,\), got \(4,\)"):
        gf.games.bigan(linear(4, 3), *ok[1:])
    with pytest.raises(ValueError, match=r"discriminator must take .*shape \(5,\), got \(4,\)"):
        gf.games.bigan(*ok[:2], quadratic(4))
    with pytest.raises(ValueError, match=r"discriminator must give shape \(1,\), got \(2,\)"):
        gf.games.bigan(*ok[:2], linear(5, 2))
    with pytest.raises(ValueError, match="change places for θ, got fgan_kl"):
        gf.games.bigan(*ok, "fgan_kl")
    game = gf.games.bigan(*ok)
    with pytest.raises(ValueError, match=r"batch.real must have the shape \(batch, 3\)"):
        game.losses(game.init(jax.random.key(0)), gf.Batch(jnp.ones((4, 2)), jnp.ones((4, 2))))
