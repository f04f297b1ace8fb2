"""Objectives: their formulas, the divergences they estimate, and what either player gains."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jax.test_util import check_grads
from scipy.optimize import minimize_scalar

import ganfield as gf

RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, 7))


def cross_entropy(logits, label):
    probability = np.clip(scipy.special.expit(logits), 1e-300, 1)
    return -np.mean(np.log(probability if label else 1 - probability))


# f, f′, the output activation g and the conjugate f*, as the paper's tables have them.
F_GAN = {
    "fgan_kl": (
        lambda u: u * np.log(u),
        lambda u: np.log(u) + 1,
        lambda d: d,
        lambda t: np.exp(t - 1),
    ),
    "fgan_reverse_kl": (
        lambda u: -np.log(u),
        lambda u: -1 / u,
        lambda d: -np.exp(-d),
        lambda t: -1 - np.log(-t),
    ),
    "fgan_pearson": (
        lambda u: (u - 1) ** 2,
        lambda u: 2 * (u - 1),
        lambda d: d,
        lambda t: t**2 / 4 + t,
    ),
    "fgan_squared_hellinger": (
        lambda u: (np.sqrt(u) - 1) ** 2,
        lambda u: 1 - 1 / np.sqrt(u),
        lambda d: 1 - np.exp(-d),
        lambda t: t / (1 - t),
    ),
    "fgan_jensen_shannon": (
        lambda u: u * np.log(u) - (u + 1) * np.log((u + 1) / 2),
        lambda u: np.log(2 * u / (u + 1)),
        lambda d: np.log(2) - np.log(1 + np.exp(-d)),
        lambda t: -np.log(2 - np.exp(t)),
    ),
}
BEST = {
    "fgan_kl": lambda ratio: 1 + np.log(ratio),
    "fgan_reverse_kl": np.log,
    "fgan_pearson": lambda ratio: 2 * (ratio - 1),
    "fgan_squared_hellinger": lambda ratio: np.log(ratio) / 2,
    "fgan_jensen_shannon": np.log,
}


def expected(name, real, fake):
    if name in F_GAN:
        _, _, activation, conjugate = F_GAN[name]
        value = np.mean(conjugate(activation(fake)))
        return -value, value - np.mean(activation(real))
    entropy = cross_entropy(real, 1) + cross_entropy(fake, 0)
    to_fake, to_real = real - fake.mean(), fake - real.mean()
    return {
        "standard": lambda: (cross_entropy(fake, 1), entropy),
        "js": lambda: (-cross_entropy(fake, 0), entropy),
        "kl": lambda: (-fake.mean(), entropy),
        "tv": lambda: (-np.tanh(fake).mean(), np.tanh(fake).mean() - np.tanh(real).mean()),
        "indicator": lambda: (-fake.mean(), fake.mean() - real.mean()),
        "wasserstein": lambda: (-fake.mean(), fake.mean() - real.mean()),
        "least_squares": lambda: (
            (fake**2).mean() / 2,
            np.mean((real - 1) ** 2 + (fake + 1) ** 2) / 2,
        ),
        "hinge": lambda: (
            -fake.mean(),
            np.mean(np.maximum(1 - real, 0) + np.maximum(1 + fake, 0)),
        ),
        "relativistic": lambda: (cross_entropy(fake - real, 1), cross_entropy(real - fake, 1)),
        "relativistic_average": lambda: (
            cross_entropy(to_real, 1) + cross_entropy(to_fake, 0),
            cross_entropy(to_fake, 1) + cross_entropy(to_real, 0),
        ),
    }[name]()


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", gf.OBJECTIVES)
def test_values_and_derivatives(name):
    assert min(REAL.max(), -FAKE.min()) > 1  # both sides of the hinges
    objective = gf.OBJECTIVES[name]
    np.testing.assert_allclose(objective(REAL, FAKE), expected(name, REAL, FAKE), rtol=1e-12)
    check_grads(lambda *x: tuple(objective(*x)), (REAL, FAKE), order=2, modes=["rev"])


@pytest.mark.parametrize("name", gf.OBJECTIVES)
def test_what_either_player_gains(name):
    # The discriminator tells real from fake; the generator wants its fakes taken for real. (That of
    # least squares wants them at 0, which is up from where these are.)
    real, fake = jnp.linspace(-0.9, 0.9, 5), jnp.linspace(-0.9, -0.1, 5)
    slopes = jax.jacobian(gf.OBJECTIVES[name], argnums=(0, 1))(real, fake)
    assert np.all(slopes.theta[1] < 0)
    assert np.all(slopes.phi[0] < 0)
    assert np.all(slopes.phi[1] > 0)


@pytest.mark.parametrize("size", [200.0, 1e5])
@pytest.mark.parametrize("name", gf.OBJECTIVES)
def test_sure_discriminators_leave_all_finite(name, size):
    far = jnp.array([size, -size])

    def total(x):
        return sum(gf.OBJECTIVES[name](x, x[::-1] / 2))

    gradient, bend = jax.jvp(jax.grad(total), (far,), (jnp.ones(2),))
    assert np.all(np.isfinite([*gradient, *bend, total(far)]))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", F_GAN)
def test_conjugates_are_conjugates(name):
    # What φ's loss takes of a fake logit is sup_u(ut − f(u)) at t = g(D).
    f, _, activation, _ = F_GAN[name]
    objective = gf.OBJECTIVES[name]
    for logit in (-0.7, 0.0, 0.4):
        t = activation(logit)
        best = minimize_scalar(lambda s, t=t: f(np.exp(s)) - np.exp(s) * t, bounds=(-20, 6))
        loss = objective(jnp.zeros(1), jnp.full(1, logit)).theta
        np.testing.assert_allclose(loss, best.fun, rtol=1e-8, atol=1e-8)


def densities(shift, std):
    x = np.linspace(-16, 16, 4001)

    def normal(mean, std):
        return np.exp(-(((x - mean) / std) ** 2) / 2) / std / np.sqrt(2 * np.pi)

    return x, normal(0.0, 1.0), normal(shift, std)


def population_losses(name, p, q, logits, spacing):
    """Expectations of losses that are a mean over real plus a mean over fake ones."""
    zero = jnp.zeros(())
    each = jax.vmap(gf.OBJECTIVES[name])
    of_real = each(logits, jnp.zeros_like(logits))
    of_fake = each(jnp.zeros_like(logits), logits)
    both = gf.OBJECTIVES[name](zero, zero)
    return [
        float(np.sum(p * a + q * b) * spacing - c)
        for a, b, c in zip(of_real, of_fake, both, strict=True)
    ]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", F_GAN)
def test_the_best_discriminator_gives_the_divergence(name):
    x, p, q = densities(0.7, 1.3)
    spacing = x[1] - x[0]
    f, slope, activation, _ = F_GAN[name]
    best = BEST[name](p / q)
    np.testing.assert_allclose(activation(best), slope(p / q), rtol=1e-9, atol=1e-9)
    divergence = np.sum(q * f(p / q)) * spacing
    assert divergence > 0.05
    _, loss = population_losses(name, p, q, jnp.asarray(best), spacing)
    np.testing.assert_allclose(-loss, divergence, rtol=1e-8)
    # No other does better.
    for bump in (np.sin(x), -0.1 * np.cos(2 * x)):
        worse = population_losses(name, p, q, jnp.asarray(best + bump), spacing)[1]
        assert worse > loss + 1e-4
    # Where both densities are one there is nothing to tell apart.
    same = BEST[name](np.ones_like(p))
    np.testing.assert_allclose(
        population_losses(name, p, p, jnp.asarray(same), spacing)[1], 0, atol=1e-12
    )


@pytest.mark.usefixtures("x64")
def test_official_objectives_at_their_best_discriminator():
    x, p, q = densities(0.7, 1.3)
    spacing = x[1] - x[0]
    best, middle = jnp.asarray(np.log(p / q)), (p + q) / 2
    jsd = np.sum(p * np.log(p / middle) + q * np.log(q / middle)) * spacing / 2
    reverse_kl = np.sum(q * np.log(q / p)) * spacing
    np.testing.assert_allclose(
        -population_losses("js", p, q, best, spacing)[1], 2 * jsd - np.log(4), rtol=1e-8
    )
    # kl: θ meets the reverse divergence, though φ is trained by cross-entropy.
    np.testing.assert_allclose(
        population_losses("kl", p, q, best, spacing)[0], reverse_kl, rtol=1e-8
    )


@pytest.mark.usefixtures("x64")
def test_wasserstein_is_the_distance_and_indicator_its_other_name():
    x, p, q = densities(0.7, 1.0)
    spacing = x[1] - x[0]
    loss = population_losses("wasserstein", p, q, jnp.asarray(-x), spacing)[1]
    np.testing.assert_allclose(-loss, 0.7, rtol=1e-9)  # a shift by 0.7
    flatter = population_losses("wasserstein", p, q, jnp.asarray(-np.tanh(x)), spacing)[1]
    assert 0 < -flatter < 0.7
    assert gf.OBJECTIVES["indicator"](REAL, FAKE) == gf.OBJECTIVES["wasserstein"](REAL, FAKE)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["relativistic", "relativistic_average"])
def test_relativistic_objectives_see_differences_alone(name):
    objective = gf.OBJECTIVES[name]
    np.testing.assert_allclose(objective(REAL + 5, FAKE + 5), objective(REAL, FAKE), rtol=1e-12)
    # The players change places with real and fake.
    theta, phi = objective(REAL, FAKE)
    np.testing.assert_allclose(objective(FAKE, REAL), (phi, theta), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_batches_of_relativistic_objectives():
    def of_parts(name, size):
        parts = zip(REAL[:6].reshape(-1, size), FAKE[:6].reshape(-1, size), strict=True)
        return np.mean([gf.OBJECTIVES[name](*part) for part in parts], axis=0)

    # Pairs are examples like any other; means inside the loss make examples interact.
    whole = gf.OBJECTIVES["relativistic"](REAL[:6], FAKE[:6])
    np.testing.assert_allclose(of_parts("relativistic", 2), whole, rtol=1e-12)
    average = gf.OBJECTIVES["relativistic_average"](REAL[:6], FAKE[:6])
    assert np.all(np.abs(of_parts("relativistic_average", 2) - average) > 1e-3)
    np.testing.assert_allclose(
        of_parts("relativistic_average", 1), 2 * np.array(of_parts("relativistic", 1)), rtol=1e-12
    )
    # Pairs need a partner each, averages do not.
    with pytest.raises(ValueError, match=r"same shape, got \(7,\) and \(5,\)"):
        gf.OBJECTIVES["relativistic"](REAL, FAKE[:5])
    with pytest.raises(ValueError, match=r"same shape, got \(7,\) and \(7, 1\)"):
        gf.OBJECTIVES["relativistic"](REAL, FAKE[:, None])
    assert np.isfinite(gf.OBJECTIVES["relativistic_average"](REAL, FAKE[:5]).phi)
