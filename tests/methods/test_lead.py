"""LEAD against the closed form of the bilinear game and a dense Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import assert_eigenvalues, both_signs, update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

START = gf.Players(np.array(0.9), np.array(-0.4))  # float64 even where JAX has it not yet


@pytest.mark.parametrize("preconditioned", [False, True])
@pytest.mark.parametrize(
    ("h", "beta", "alpha"), [(0.1, 0.55, 0.6), (0.3, -0.2, 0.5), (0.4, 0.0, 0.4), (1.0, 0.5, 2.0)]
)
def test_bilinear_eigenvalues(h, beta, alpha, preconditioned):
    # x' = x + zx + (β + αz/h)(x − x₋) with z = ihc; α is hα where the optimizer scales it too.
    c = 1.2
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.lead(optax.sgd(h), momentum=beta, alignment=alpha, preconditioned=preconditioned)
    acting = alpha if preconditioned else alpha / h

    def roots(z):
        return np.roots([1, -(1 + z + beta + acting * z), beta + acting * z])

    matrix = update_jacobian(method, v, method.init(START))
    assert_eigenvalues(matrix, both_signs(roots, [h * c]))
    if not preconditioned and beta**2 + (alpha * c) ** 2 > 1:
        assert np.abs(np.linalg.eigvals(matrix)).max() > 1


@pytest.mark.slow
def test_without_momentum_it_is_optimistic_on_bilinear_games():
    h = 0.15
    C = jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])
    v = gf.vector_field(gf.games.bilinear(C))
    start = gf.Players(jnp.array([1.0, -0.3]), jnp.array([0.2, 0.8, -1.0]))

    def end(method):
        return gf.simulate(method, v, start, num_steps=20).params

    expected = end(gf.optimistic(optax.sgd(h)))
    assert_trees_close(end(gf.lead(optax.sgd(h), momentum=0.0, alignment=h)), expected, rtol=1e-11)
    inside = gf.lead(optax.sgd(h), momentum=0.0, alignment=1.0, preconditioned=True)
    assert_trees_close(end(inside), expected, rtol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("preconditioned", [False, True])
def test_only_the_blocks_across_the_players_act(preconditioned):
    W = np.array([[0.5, -1.0], [2.0, 0.3], [-0.7, 1.1]])
    v = gf.vector_field(
        gf.games.general_sum(
            lambda theta, phi, batch: jnp.sum(jnp.sin(theta @ W * phi)) + batch * theta @ theta,
            lambda theta, phi, batch: jnp.sum(jnp.cos(theta) @ W * phi**2) + phi[0] * theta[0],
            init=lambda key: None,
        )
    )
    start, batch = gf.Players(np.array([0.3, -0.8, 0.5]), np.array([1.2, -0.4])), 0.7
    dense = jax.jit(gf.jacobian(v))
    one_step = jax.jit(lambda state: method.step(v, state, batch))
    adam = optax.adam(0.02, b1=0.55)
    beta, alpha = 0.3, 0.7
    method = gf.lead(adam, momentum=beta, alignment=alpha, preconditioned=preconditioned)
    x, unravel = ravel_pytree(start)
    size = ravel_pytree(start.theta)[0].size
    state, memory, move = method.init(start), adam.init(start), np.zeros(x.size)
    for _ in range(3):
        state, info = one_step(state)
        J = np.array(dense(unravel(x), batch))
        J[:size, :size] = 0
        J[size:, size:] = 0
        direction = ravel_pytree(v(unravel(x), batch))[0] + preconditioned * alpha * J @ move
        updates, memory = adam.update(unravel(-direction), memory, unravel(x))
        extra = beta * move + (not preconditioned) * alpha * J @ move
        move = ravel_pytree(updates)[0] + extra
        x = x + move
        np.testing.assert_allclose(ravel_pytree(info.direction)[0], direction, atol=1e-12)
    np.testing.assert_allclose(ravel_pytree(state.params)[0], x, rtol=1e-9, atol=1e-12)
    assert int(state.memory.optimizer[0].count) == 3


@pytest.mark.slow
def test_the_first_step_has_no_past():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    method, plain = gf.lead(optax.sgd(0.2)), gf.simultaneous(optax.sgd(0.2))
    state, _ = method.step(v, method.init(START), None)
    expected, _ = plain.step(v, plain.init(START), None)
    assert_trees_close(state.params, expected.params, rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.0}, r"momentum must be a number in \(−1, 1\), got 1.0"),
        ({"momentum": float("nan")}, r"momentum must be a number in \(−1, 1\), got nan"),
        ({"alignment": -0.1}, "alignment must be a number ≥ 0, got -0.1"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.lead(optax.sgd(0.1), **arguments)


@pytest.mark.slow
def test_hyper_parameters_may_be_traced():
    v = gf.vector_field(gf.games.quadratic())

    def end(momentum, alignment):
        method = gf.lead(optax.sgd(0.1), momentum=momentum, alignment=alignment)
        return gf.simulate(method, v, START, num_steps=5).params.theta

    ends = jax.jit(jax.vmap(end))(jnp.array([0.1, 0.5]), jnp.array([0.6, 0.2]))
    np.testing.assert_allclose(ends, [end(0.1, 0.6), end(0.5, 0.2)], rtol=1e-12)
