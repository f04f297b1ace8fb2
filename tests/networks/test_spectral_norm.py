"""The spectral norm against NumPy's singular values, and its derivatives against differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield.networks import spectral_norm

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("shape", [(5, 5, 3, 4), (3, 8), (8, 1), (1, 4), (3, 3, 1, 16)])
def test_spectral_norm_is_the_largest_singular_value(shape):
    kernel = np.random.default_rng(0).normal(size=shape)
    expected = np.linalg.svd(kernel.reshape(-1, shape[-1]), compute_uv=False)[0]
    np.testing.assert_allclose(spectral_norm(jnp.asarray(kernel)), expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(6, 3), (2, 5)])
def test_derivatives_of_first_and_second_order_are_those_of_differences(shape):
    rng = np.random.default_rng(1)
    w, a, b = (jnp.asarray(rng.normal(size=shape)) for _ in range(3))
    gradient = jax.jit(jax.grad(spectral_norm))
    u, _, vt = np.linalg.svd(w, full_matrices=False)
    np.testing.assert_allclose(gradient(w), np.outer(u[:, 0], vt[0]), atol=1e-12)
    h = 1e-5
    along = (gradient(w + h * a) - gradient(w - h * a)) / (2 * h)
    hessian_vector = jax.jit(lambda w: jax.jvp(gradient, (w,), (a,))[1])
    np.testing.assert_allclose(hessian_vector(w), along, atol=1e-8)
    # Consensus differentiates once more where it is itself analysed.
    third = jax.jit(lambda w: jax.jvp(lambda w: jnp.vdot(b, hessian_vector(w)), (w,), (b,))[1])
    difference = jnp.vdot(b, hessian_vector(w + h * b) - hessian_vector(w - h * b)) / (2 * h)
    np.testing.assert_allclose(third(w), difference, atol=1e-7)


@pytest.fixture(scope="module")
def normalised():
    with jax.enable_x64(True):
        options = {"num_layers": 1, "width": 2, "spectral_norm": True}
        network = gf.networks.dcgan_discriminator((4, 4, 1), batch_norm=False, **options)
        return network, network.init(jax.random.key(0))


@pytest.mark.long
def test_every_kernel_is_divided_by_its_norm(normalised):
    network, params = normalised
    plain = gf.networks.dcgan_discriminator((4, 4, 1), batch_norm=False, num_layers=1, width=2)
    divided = jax.tree.map(
        lambda p: (
            p / np.linalg.svd(p.reshape(-1, p.shape[-1]), compute_uv=False)[0] if p.ndim > 1 else p
        ),
        params,
    )
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 4, 1)))
    np.testing.assert_allclose(
        network.apply(params, x), plain.apply(divided, x), rtol=1e-12, atol=1e-14
    )


@pytest.mark.slow
def test_v_has_no_component_along_a_normalised_kernel_and_its_jacobian_is_exact(normalised):
    network, params = normalised
    x = jnp.asarray(np.random.default_rng(0).normal(size=(3, 4, 4, 1)))

    @jax.jit
    @functools.partial(jax.grad, argnums=0)
    def gradient(params):
        return jnp.sum(jax.nn.softplus(network.apply(params, x)))

    slopes = gradient(params)
    kernel, along = params["layers"][0]["kernel"], slopes["layers"][0]["kernel"]
    assert np.linalg.norm(along) > 1e-3
    assert abs(np.vdot(kernel, along)) < 1e-14
    direction = jax.tree.map(jnp.cos, params)
    moved = [
        gradient(jax.tree.map(lambda p, d, h=h: p + h * d, params, direction))
        for h in (1e-5, -1e-5)
    ]
    exact = jax.jit(lambda p: jax.jvp(gradient, (p,), (direction,))[1])(params)
    for a, plus, minus in zip(*map(jax.tree.leaves, (exact, *moved)), strict=True):
        np.testing.assert_allclose(a, (plus - minus) / 2e-5, rtol=1e-5, atol=1e-7)
