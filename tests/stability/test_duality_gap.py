"""Duality gaps against closed forms, and against the steps written out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

AT = gf.Players(0.7, -1.3)


def test_the_bilinear_game():
    """Losses ±θφ: each player goes straight on, by h times the other, k times."""
    gap = gf.duality_gap(gf.games.bilinear(), AT, num_steps=7, optimizer=optax.sgd(0.1))
    assert gap.gain_theta == pytest.approx(0.7 * AT.phi**2, rel=1e-5)
    assert gap.gain_phi == pytest.approx(0.7 * AT.theta**2, rel=1e-5)
    assert gap.gap == pytest.approx(0.7 * (AT.theta**2 + AT.phi**2), rel=1e-5)


def test_the_quadratic_game():
    """θ goes to −cφ/a by (1 − ha) a step, φ to cθ/b by (1 − hb); in the end that is the gap."""
    a, b, c, h, k = 2.0, 0.5, 1.5, 0.1, 6
    game = gf.games.quadratic(a, b, c)
    rates = gf.Players(optax.sgd(h), optax.sgd(2 * h))
    gap = gf.duality_gap(game, AT, num_steps=k, optimizer=rates)
    off_theta, off_phi = AT.theta + c * AT.phi / a, AT.phi - c * AT.theta / b
    assert gap.gain_theta == pytest.approx(
        a / 2 * off_theta**2 * (1 - (1 - h * a) ** (2 * k)), rel=1e-4
    )
    assert gap.gain_phi == pytest.approx(
        b / 2 * off_phi**2 * (1 - (1 - 2 * h * b) ** (2 * k)), rel=1e-4
    )
    whole = gf.duality_gap(game, AT, num_steps=400, optimizer=rates)
    assert whole.gap == pytest.approx(a / 2 * off_theta**2 + b / 2 * off_phi**2, rel=1e-4)


def test_the_dirac_gan():
    """φ minimises log(1 + e^0) + log(1 + e^θφ), θ minimises log(1 + e^−θφ), the standard losses."""
    h, k = 0.3, 5
    theta, phi = AT

    def softplus(t):
        return np.log1p(np.exp(t))

    own_theta, own_phi = theta, phi
    for _ in range(k):
        own_theta += h * phi / (1 + np.exp(own_theta * phi))
        own_phi -= h * theta / (1 + np.exp(-theta * own_phi))
    game = gf.games.dirac_gan()
    gap = gf.duality_gap(game, AT, num_steps=k, optimizer=optax.sgd(h))
    gains = (
        softplus(-theta * phi) - softplus(-own_theta * phi),
        softplus(theta * phi) - softplus(theta * own_phi),
    )
    assert gap == pytest.approx(gains, rel=1e-4)
    at_rest = gf.duality_gap(game, gf.Players(0.0, 0.0), num_steps=k, optimizer=optax.sgd(h))
    assert at_rest == (0.0, 0.0)


def test_gains_are_taken_on_a_batch_that_no_step_saw():
    def losses(params, batch):
        return gf.Players(params.theta * batch, params.phi**2 / 2 + 0 * batch)

    game = gf.games.joint(losses, init=lambda key: AT)
    key = jax.random.key(3)
    gap = gf.duality_gap(
        game, AT, num_steps=4, optimizer=optax.sgd(0.5), sample=jax.random.normal, key=key
    )
    seen = [float(jax.random.normal(jax.random.fold_in(key, i))) for i in range(5)]
    assert gap.gain_theta == pytest.approx(seen[4] * 0.5 * sum(seen[:4]), rel=1e-4)
    assert gap.gain_phi == pytest.approx(AT.phi**2 / 2 * (1 - 0.5**8), rel=1e-4)


def test_it_goes_through_jit():
    def gap(params):
        return gf.duality_gap(
            gf.games.bilinear(), params, num_steps=3, optimizer=optax.sgd(0.1)
        ).gap

    params = gf.Players(jnp.arange(3.0), jnp.ones(3))
    told = jax.jit(jax.vmap(gap))(params)
    np.testing.assert_allclose(told, 0.3 * (np.arange(3.0) ** 2 + 1), rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "options", "words"),
    [
        (gf.vector_field(gf.games.bilinear()), {}, "game must be a Game, .* got NamedField"),
        (gf.games.bilinear(), {"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        (gf.games.bilinear(), {"sample": jax.random.normal}, "key must be given with sample"),
        (gf.games.bilinear(), {"optimizer": 0.1}, "optimizer must be an optax transformation"),
    ],
)
def test_bad_input(given, options, words):
    with pytest.raises(ValueError, match=words):
        gf.duality_gap(given, AT, **{"num_steps": 3, "optimizer": optax.sgd(0.1)} | options)
