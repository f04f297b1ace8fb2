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
RANDOM = ("zero_centred", "wgan_gp", "dragan")


def keys(count=6, seed=0):
    return jax.random.split(jax.random.key(seed), count)


def quadratic_score(x):
    return jnp.einsum("ni,ij,nj->n", x, jnp.asarray(A), x) / 2 + x @ jnp.asarray(B)


def slope(x):
    """∇ of the quadratic score by hand, for every row."""
    return x @ (A + A.T) / 2 + B


def points(name, real, fake, key):
    """Where a penalty looks."""
    if name in ("zero_centred", "wgan_gp"):
        share = np.array([jax.random.uniform(one) for one in key])[:, None]
        return real + share * (fake - real)
    if name == "dragan":
        return real + np.array([jax.random.normal(one, (3,)) for one in key]) / 2
    return {"r1": real, "r2": fake}[name]


def expected(name, real, fake, key):
    norm = np.linalg.norm(slope(points(name, real, fake, key)), axis=1)
    return np.mean((norm - 1) ** 2) if name in ("wgan_gp", "dragan") else np.mean(norm**2) / 2


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PENALTIES)
def test_values_by_hand(name):
    penalty = PENALTIES[name](quadratic_score, REAL, FAKE, keys())
    np.testing.assert_allclose(penalty, expected(name, REAL, FAKE, keys()), rtol=1e-12)


@pytest.mark.slow
def test_random_points_have_their_distribution():
    real, fake = jnp.zeros((4096, 1)), jnp.ones((4096, 1))

    def score(x):
        return x**2 / 2

    def penalty(name, **settings):
        return float(PENALTIES[name](score, real, fake, keys(4096), **settings))

    # u uniform: E u²/2 = 1/6 and E(u − 1)² = 1/3.
    assert penalty("zero_centred") == pytest.approx(1 / 6, abs=0.01)
    assert penalty("wgan_gp") == pytest.approx(1 / 3, abs=0.02)
    # x = σε: E(|x| − 1)² = σ² − 2σ√(2/π) + 1.
    for std in (0.5, 2.0):
        mean = std**2 - 2 * std * np.sqrt(2 / np.pi) + 1
        assert penalty("dragan", std=std) == pytest.approx(mean, abs=0.15 * std)
    assert penalty("dragan", std=0.0) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", RANDOM)
def test_each_example_draws_from_its_own_key(name):
    whole = PENALTIES[name](quadratic_score, REAL, FAKE, keys())
    parts = [
        PENALTIES[name](quadratic_score, REAL[part], FAKE[part], keys()[part])
        for part in (slice(0, 3), slice(3, 6))
    ]
    np.testing.assert_allclose(np.mean(parts), whole, rtol=1e-6)
    other = PENALTIES[name](quadratic_score, REAL, FAKE, keys(seed=1))
    assert abs(float(other - whole)) > 1e-3


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PENALTIES)
def test_derivatives_flow_through_examples_and_parameters(name):
    @jax.jit
    def penalty(real, fake, scale):
        return PENALTIES[name](lambda x: jnp.sin(scale * quadratic_score(x)), real, fake, keys())

    args = (jnp.asarray(REAL), jnp.asarray(FAKE), jnp.asarray(0.8))
    gradients = jax.jit(jax.grad(penalty, argnums=(0, 1, 2)))(*args)
    step = 1e-6
    for index, gradient in enumerate(gradients):
        direction = np.random.default_rng(index).normal(size=gradient.shape)
        ends = [
            penalty(*(a + s * direction if i == index else a for i, a in enumerate(args)))
            for s in (-step, step)
        ]
        by_differences = (ends[1] - ends[0]) / (2 * step)
        np.testing.assert_allclose(np.sum(gradient * direction), by_differences, rtol=1e-6)
    used = [bool(np.any(gradient != 0)) for gradient in gradients]
    assert used == [name != "r2", name not in ("r1", "dragan"), True]


@pytest.mark.parametrize("name", PENALTIES)
def test_examples_of_any_shape_and_logits_of_one_element(name):
    real, fake = RNG.normal(size=(2, 5, 4, 4, 2)).astype(np.float32)
    weights = RNG.normal(size=32).astype(np.float32)

    def score(x):
        return jnp.tanh(x.reshape(len(x), -1) @ weights)[:, None]

    def flat_score(x):
        return jnp.tanh(x @ weights)

    key = keys(5)
    penalty = jax.jit(lambda real, fake: PENALTIES[name](score, real, fake, key))(real, fake)
    assert penalty.shape == ()
    assert penalty.dtype == jnp.float32
    if name != "dragan":  # whose noise is drawn in the shape of an example
        flat = PENALTIES[name](flat_score, real.reshape(5, -1), fake.reshape(5, -1), key)
        np.testing.assert_allclose(penalty, flat, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_slopes_under_batch_normalisation_hold_what_an_example_does_to_others():
    def score(x):
        normed = (x - x.mean(axis=0)) / jnp.sqrt(x.var(axis=0) + 1e-3)
        return jnp.tanh(normed @ jnp.asarray(B))

    matrix = np.asarray(jax.jacobian(score)(jnp.asarray(REAL)))  # ∂D_j/∂x_i
    together = np.mean(np.sum(matrix.sum(axis=0) ** 2, axis=1)) / 2
    alone = np.mean(np.sum(np.einsum("iik->ik", matrix) ** 2, axis=1)) / 2
    penalty = PENALTIES["r1"](score, REAL, FAKE)
    np.testing.assert_allclose(penalty, together, rtol=1e-12)
    assert abs(penalty - alone) > 1e-3
    # Without it the two are one.
    matrix = np.asarray(jax.jacobian(quadratic_score)(jnp.asarray(REAL)))
    np.testing.assert_allclose(matrix.sum(axis=0), np.einsum("iik->ik", matrix), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["wgan_gp", "dragan"])
def test_there_is_no_nan_where_the_slope_is_zero(name):
    def penalty(phi, fake):
        return PENALTIES[name](lambda x: x @ phi, jnp.ones((4, 2)), fake, keys(4))

    args = (jnp.zeros(2), jnp.zeros((4, 2)))
    np.testing.assert_allclose(penalty(*args), 1.0)
    for derivative in (jax.grad, jax.hessian):
        for leaf in jax.tree.leaves(jax.jit(derivative(penalty, argnums=(0, 1)))(*args)):
            np.testing.assert_array_equal(leaf, 0)
    # One zero among others leaves those alone. Real and fake are one, so that is where it looks.
    slopes = jnp.array([[0.0], [3.0]])

    def mixed(scale):
        penalty = PENALTIES["wgan_gp"]
        return penalty(lambda x: scale * x[:, 0] ** 2 / 2, slopes, slopes, keys(2))

    np.testing.assert_allclose(mixed(1.0), (1 + 4) / 2, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(mixed)(1.0), (0 + 2 * 2 * 3) / 2, rtol=1e-6)


@pytest.mark.parametrize("name", ["zero_centred", "wgan_gp"])
def test_what_makes_no_pairs_is_refused(name):
    with pytest.raises(ValueError, match=r"same shape, .* got \(6, 3\) and \(4, 3\)"):
        PENALTIES[name](quadratic_score, REAL, FAKE[:4], keys())


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "None"),
        (jax.random.key(0), r"key<fry> of shape \(\)"),
        (jax.random.split(jax.random.key(0), 5), r"key<fry> of shape \(5,\)"),
        (jnp.zeros((6, 2), jnp.uint32), r"uint32 of shape \(6, 2\)"),
    ],
)
def test_random_points_need_a_key_for_each_example(name, given, said):
    message = f"the penalty {name} draws random numbers.* hold 6 typed keys.* got {said}"
    with pytest.raises(ValueError, match=message):
        PENALTIES[name](quadratic_score, REAL, FAKE, given)


def test_negative_std_is_refused():
    with pytest.raises(ValueError, match="std must be a number ≥ 0"):
        PENALTIES["dragan"](quadratic_score, REAL, FAKE, keys(), std=-1.0)
