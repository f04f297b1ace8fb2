"""ACGD against a dense solve, and against competitive steps of one step size."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import assert_eigenvalues, update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

W = np.random.default_rng(0).normal(size=(3, 2))


def random_field(params, batch=None):
    """A general-sum game without symmetry."""
    theta, phi = params
    return gf.Players(
        -jnp.sin(theta) - jnp.cos(theta) * (W @ phi), W.T @ theta * jnp.cos(phi) - 0.3 * phi
    )


@pytest.mark.slow
def test_steps_are_those_of_a_dense_solve():
    sizes, decay, epsilon = (0.1, 0.4), 0.8, 1e-3
    start = gf.Players(jnp.array([0.3, -0.8, 0.5]), jnp.array([1.2, -0.4]))
    method = gf.methods.adaptive_competitive(
        gf.Players(*map(optax.sgd, sizes)), decay=decay, epsilon=epsilon, tolerance=1e-13
    )
    state, step = method.init(start), jax.jit(lambda s: method.step(random_field, s, None))
    dense = jax.jit(gf.jacobian(random_field))
    x, unravel = ravel_pytree(start)
    squares, player = np.zeros(5), np.repeat(sizes, (3, 2))
    for count in range(1, 5):
        state, info = step(state)
        value, J = np.array(ravel_pytree(random_field(unravel(x)))[0]), np.array(dense(unravel(x)))
        J[:3, :3], J[3:, 3:] = 0, 0
        squares = decay * squares + (1 - decay) * value**2
        A = player / (np.sqrt(squares / (1 - decay**count)) + epsilon)
        x = x + np.linalg.solve(np.diag(1 / A) - J, value)
        np.testing.assert_allclose(ravel_pytree(state.params)[0], x, rtol=1e-9)
        assert info.converged
    np.testing.assert_allclose(ravel_pytree(state.memory.squares)[0], squares, rtol=1e-9)


@pytest.mark.slow
def test_the_papers_form_of_a_zero_sum_step():
    # Δ_θ = A_θ^½(I + A_θ^½ D_θφ A_φ D_φθ A_θ^½)⁻¹A_θ^½(v_θ + D_θφ A_φ v_φ), with D_θφ = −D_φθᵀ.
    C, h = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]]), 0.3
    v = gf.vector_field(gf.games.bilinear(jnp.asarray(C)))
    start = gf.Players(jnp.array([1.0, -0.3]), jnp.array([0.2, 0.8, -1.0]))
    method = gf.methods.adaptive_competitive(optax.sgd(h), tolerance=1e-13)
    state, _ = method.step(v, method.init(start), None)
    v_theta, v_phi = map(np.asarray, v(start))
    a, b = (h / (np.abs(value) + 1e-5) for value in (v_theta, v_phi))
    root = np.diag(np.sqrt(a))
    inner = np.eye(2) + root @ C @ np.diag(b) @ C.T @ root
    expected = root @ np.linalg.solve(inner, root @ (v_theta - C @ (b * v_phi)))
    np.testing.assert_allclose(state.params.theta - start.theta, expected, rtol=1e-9)


@pytest.mark.slow
def test_with_one_size_for_all_it_is_competitive():
    # On the diagonal θ = −φ all of v is equal, and the first P is 1/(|v| + ε).
    v = gf.vector_field(gf.games.bilinear())
    start = gf.Players(2.0, -2.0)
    adaptive = gf.methods.adaptive_competitive(optax.sgd(0.7), epsilon=0.5, tolerance=1e-13)
    plain = gf.competitive(optax.sgd(0.7 / 2.5), tolerance=1e-13)
    state, _ = adaptive.step(v, adaptive.init(start), None)
    expected, _ = plain.step(v, plain.init(start), None)
    assert_trees_close(state.params, expected.params, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "c"), [((0.3, 0.3), 1.0), ((0.1, 2.0), 1.7)])
def test_bilinear_spectrum(sizes, c):
    # At rest P is 1/(√(n/(1 − βᵗ)) + ε): 1/(1 ± ic√(A_θA_φ)), and β twice, for the moments.
    decay = 0.9
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.methods.adaptive_competitive(
        gf.Players(*map(optax.sgd, sizes)), decay=decay, epsilon=1e-6, tolerance=1e-14
    )
    state = method.init(gf.Players(0.0, 0.0))
    squares = gf.Players(jnp.asarray(0.5), jnp.asarray(2.0))
    memory = state.memory._replace(squares=squares, num_values=jnp.asarray(500, jnp.int32))
    A = [h / (np.sqrt(decay * n) + 1e-6) for h, n in zip(sizes, squares, strict=True)]
    turn = 1j * c * np.sqrt(A[0] * A[1])
    matrix = update_jacobian(method, v, state._replace(memory=memory))
    assert_eigenvalues(matrix, [1 / (1 - turn), 1 / (1 + turn), decay, decay])


@pytest.mark.slow
def test_every_step_size_converges_where_simultaneous_adam_circles():
    v = gf.vector_field(gf.games.bilinear(3.0))
    start = gf.Players(1.0, 0.5)
    run = gf.simulate(gf.methods.adaptive_competitive(optax.sgd(0.5)), v, start, num_steps=60)
    assert int(run.unsolved_at) == -1
    assert float(optax.tree.norm(run.params)) < 1e-3
    adam = gf.simultaneous(optax.adam(0.5, b1=0.0, b2=0.99))
    assert float(optax.tree.norm(gf.simulate(adam, v, start, num_steps=60).params)) > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decay": 1.0}, r"decay must be a number in \[0, 1\), got 1.0"),
        ({"epsilon": 0.0}, r"epsilon must be a number > 0, got 0.0"),
        ({"epsilon": float("nan")}, "epsilon must be a number > 0, got nan"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gf.methods.adaptive_competitive(optax.sgd(0.1), **options)
