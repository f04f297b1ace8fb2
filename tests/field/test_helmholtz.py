"""Symmetric and antisymmetric parts against NumPy, and the estimate against the dense share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from tests.cases import batch_of, mlp_gan, params_of


def share(matrix):
    turning = (matrix - np.swapaxes(matrix, -1, -2)) / 2
    return np.linalg.norm(turning, axis=(-1, -2)) ** 2 / np.linalg.norm(matrix, axis=(-1, -2)) ** 2


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 5), (4, 3, 3), (2, 3, 4, 4)])
def test_parts_against_numpy(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    for parts in (gf.field.helmholtz(matrix), jax.jit(gf.field.helmholtz)(matrix)):
        symmetric, antisymmetric, rotation = map(np.asarray, parts)
        np.testing.assert_allclose(symmetric + antisymmetric, matrix, atol=1e-15)
        np.testing.assert_array_equal(symmetric, np.swapaxes(symmetric, -1, -2))
        np.testing.assert_array_equal(antisymmetric, -np.swapaxes(antisymmetric, -1, -2))
        np.testing.assert_allclose(rotation, share(matrix), rtol=1e-12)
        assert rotation.shape == shape[:-2]
        assert rotation.dtype == np.float64
    if len(shape) == 3:
        mapped = jax.vmap(gf.field.helmholtz)(matrix)
        np.testing.assert_allclose(mapped.rotation, share(matrix), rtol=1e-12)


@pytest.mark.parametrize("size", [1e-30, 1.0, 1e30])
def test_the_share_has_no_unit(size):
    matrix = size * np.array([[1.0, 2.0], [0.0, 1.0]], np.float32)
    shares = gf.field.helmholtz(matrix)
    np.testing.assert_allclose(shares.rotation, 1 / 3, rtol=1e-6)
    assert shares.rotation.dtype == jnp.float32


def test_special_matrices():
    assert gf.field.helmholtz([[0, 1], [-1, 0]]).rotation == 1  # integers too
    assert gf.field.helmholtz(np.diag([1.0, -2.0])).rotation == 0
    assert np.isnan(gf.field.helmholtz(np.zeros((2, 2))).rotation)
    for shape in ((2,), (2, 3), ()):
        with pytest.raises(ValueError, match=r"jacobian must be square, shape \(…, n, n\), got"):
            gf.field.helmholtz(np.ones(shape))


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_estimate_against_the_dense_share():
    case = mlp_gan()
    v = gf.vector_field(case.game)
    params, batch = params_of(case), batch_of(case)
    exact = float(gf.field.helmholtz(gf.jacobian(v)(params, batch)).rotation)
    estimate = jax.jit(gf.field.estimate_rotation(v, num_probes=64))
    estimates = jax.vmap(estimate, (None, 0, None))(
        params, jax.random.split(jax.random.key(0), 50), batch
    )
    errors, claimed = np.asarray(estimates.rotation) - exact, np.asarray(estimates.standard_error)
    # The claimed error is the measured one, and two of them hold 95 % of the estimates.
    np.testing.assert_allclose(errors.std(), claimed.mean(), rtol=0.35)
    assert np.mean(np.abs(errors) <= 2 * claimed) > 0.85
    assert abs(errors.mean()) < 4 * claimed.mean() / np.sqrt(50)
    # It falls as the root of the probes, and many of them find the share.
    precise = jax.jit(gf.field.estimate_rotation(v, num_probes=4096))
    many = precise(params, jax.random.key(1), batch)
    np.testing.assert_allclose(many.standard_error, claimed.mean() / 8, rtol=0.2)
    assert abs(many.rotation - exact) < 4 * many.standard_error
    # Another batch is another Jacobian.
    other = precise(params, jax.random.key(1), batch_of(case, seed=9))
    assert other.rotation != many.rotation


@pytest.mark.slow
def test_estimates_without_spread():
    v = gf.vector_field(gf.games.bilinear(jnp.eye(3)))
    zero = gf.Players(jnp.zeros(3), jnp.zeros(3))
    assert gf.field.estimate_rotation(v)(zero, jax.random.key(0)) == (1.0, 0.0)
    one = gf.field.estimate_rotation(v, num_probes=1)(zero, jax.random.key(0))
    assert one.rotation == 1
    assert np.isnan(one.standard_error)
    alone = gf.field.estimate_rotation(lambda p, batch=None: gf.Players(-(p.theta**2), ()))
    assert alone(gf.Players(1.0, ()), jax.random.key(0)) == (0.0, 0.0)
    with pytest.raises(ValueError, match="num_probes must be an integer ≥ 1, got 0"):
        gf.field.estimate_rotation(v, num_probes=0)
