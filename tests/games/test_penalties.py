"""Gradient penalties against closed forms, finite differences, and what they must not do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf

PENALTIES = gf.games.PENALTIES
RNG = np.random.default_rng(0)
REAL, FAKE = RNG.normal(size=(2, 6, 3))
A = RNG.normal(size=(3, 3))
B = RNG.normal(size=3)


def quadratic_score(x):
    return x @ jnp.asarray(A) @ x / 2 + jnp.asarray(B) @ x


def slope(x):
    """∇ of the quadratic score by hand, for every row."""
    return x @ (A + A.T) / 2 + B


def expected(name, real, fake, mix=0.5):
    between = real + (fake - real) * np.reshape(mix, (-1, 1))
    at = {"r1": real, "r2": fake}.get(name, between)
    norm = np.linalg.norm(slope(at), axis=1)
    return np.mean((norm - 1) ** 2) if name == "wgan_gp" else np.mean(norm**2) / 2


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PENALTIES)
def test_values_by_hand(name):
    found = PENALTIES[name](quadratic_score, REAL, FAKE)
    np.testing.assert_allclose(found, expected(name, REAL, FAKE), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ["zero_centred", "wgan_gp"])
@pytest.mark.parametrize("mix", [0.0, 0.2, 1.0, np.linspace(0, 1, 6)])
def test_mix_says_where_between(name, mix):
    found = PENALTIES[name](quadratic_score, REAL, FAKE, mix=mix)
    np.testing.assert_allclose(found, expected(name, REAL, FAKE, mix), rtol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PENALTIES)
def test_derivatives_flow_through_examples_and_parameters(name):
    def penalty(real, fake, scale):
        return PENALTIES[name](lambda x: jnp.sin(scale * quadratic_score(x)), real, fake)

    args = (jnp.asarray(REAL), jnp.asarray(FAKE), jnp.asarray(0.8))
    found = jax.grad(penalty, argnums=(0, 1, 2))(*args)
    step = 1e-6
    for index, gradient in enumerate(found):
        direction = np.random.default_rng(index).normal(size=gradient.shape)
        ends = [
            penalty(*(a + s * direction if i == index else a for i, a in enumerate(args)))
            for s in (-step, step)
        ]
        by_differences = (ends[1] - ends[0]) / (2 * step)
        np.testing.assert_allclose(np.sum(gradient * direction), by_differences, rtol=1e-6)
    used = [bool(np.any(gradient != 0)) for gradient in found]
    assert used == [name != "r2", name != "r1", True]


@pytest.mark.parametrize("name", PENALTIES)
def test_examples_of_any_shape_and_logits_of_one_element(name):
    real, fake = RNG.normal(size=(2, 5, 4, 4, 2))
    weights = RNG.normal(size=32)

    def score(x):
        return jnp.tanh(jnp.ravel(x) @ weights)[None]

    def flat_score(x):
        return jnp.tanh(x @ weights)

    mix = {} if name in ("r1", "r2") else {"mix": np.linspace(0, 1, 5)}
    found = jax.jit(lambda real, fake: PENALTIES[name](score, real, fake, **mix))(real, fake)
    flat = PENALTIES[name](flat_score, real.reshape(5, -1), fake.reshape(5, -1), **mix)
    assert found.shape == ()
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, flat, rtol=1e-5)


def test_wgan_gp_has_no_nan_where_the_slope_is_zero():
    def penalty(phi, fake):
        return PENALTIES["wgan_gp"](lambda x: x @ phi, jnp.ones((4, 2)), fake)

    args = (jnp.zeros(2), jnp.zeros((4, 2)))
    np.testing.assert_allclose(penalty(*args), 1.0)
    for derivative in (jax.grad, jax.hessian):
        for leaf in jax.tree.leaves(jax.jit(derivative(penalty, argnums=(0, 1)))(*args)):
            np.testing.assert_array_equal(leaf, 0)
    # One zero among others leaves those alone.
    slopes = jnp.array([0.0, 3.0])

    def mixed(scale):
        return PENALTIES["wgan_gp"](
            lambda x: scale * x[0] ** 2 / 2, slopes[:, None], slopes[:, None]
        )

    np.testing.assert_allclose(mixed(1.0), (1 + 4) / 2)
    np.testing.assert_allclose(jax.grad(mixed)(1.0), (0 + 2 * 2 * 3) / 2)


def test_penalties_hold_no_randomness():
    for penalty in PENALTIES.values():
        first, second = (penalty(quadratic_score, REAL, FAKE) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("name", ["zero_centred", "wgan_gp"])
def test_what_makes_no_pairs_is_refused(name):
    with pytest.raises(ValueError, match=r"same shape, .* got \(6, 3\) and \(4, 3\)"):
        PENALTIES[name](quadratic_score, REAL, FAKE[:4])
    with pytest.raises(
        ValueError, match=r"mix must be a number or have shape \(6,\), got .*\(3,\)"
    ):
        PENALTIES[name](quadratic_score, REAL, FAKE, mix=np.ones(3))
