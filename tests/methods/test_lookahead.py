"""Lookahead against its closed form and a plain loop."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

START = gf.Players(np.array(0.9), np.array(-0.4))  # float64 even where JAX has it not yet


@pytest.mark.parametrize(("k", "share"), [(1, 0.3), (2, 0.5), (5, 0.5), (7, 0.8)])
@pytest.mark.parametrize("s", [0.1, 0.6])
def test_bilinear_eigenvalues_of_k_steps(k, share, s):
    c = 1.4
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.lookahead(gf.simultaneous(optax.sgd(s / c)), num_steps=k, share=share)
    matrix = update_jacobian(method, v, method.init(START), num_steps=k)
    # θ, φ, then x̄: of a period on points where x = x̄, both are moved by the same map.
    on_joint = matrix[:2, :2] + matrix[:2, 2:]
    np.testing.assert_allclose(on_joint, matrix[2:, :2] + matrix[2:, 2:], atol=1e-12)
    expected = 1 - share + share * (1 + 1j * s) ** k
    eigenvalues = np.linalg.eigvals(on_joint)
    np.testing.assert_allclose(np.sort(eigenvalues.real), [expected.real] * 2, atol=1e-9)
    np.testing.assert_allclose(np.abs(eigenvalues.imag), [abs(expected.imag)] * 2, atol=1e-9)


def test_the_matrix_game_runs_over_the_singular_values():
    C, h = np.array([[1.0, 2.0], [0.5, -1.0]]), 0.1
    v = gf.vector_field(gf.games.bilinear(jnp.asarray(C)))
    method = gf.lookahead(gf.simultaneous(optax.sgd(h)))
    state = method.init(gf.Players(jnp.ones(2), jnp.ones(2)))
    matrix = update_jacobian(method, v, state, num_steps=5)
    radius = np.abs(np.linalg.eigvals(matrix[:4, :4] + matrix[:4, 4:])).max()
    singular = np.linalg.svd(C, compute_uv=False)
    expected = np.abs(0.5 + 0.5 * (1 + 1j * h * singular) ** 5).max()
    np.testing.assert_allclose(radius, expected, rtol=1e-9)


@pytest.mark.slow
def test_it_returns_every_k_steps_and_keeps_the_memory():
    adam = optax.adam(0.1)
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    inner = gf.alternating(adam)
    method = gf.lookahead(inner, num_steps=3, share=0.25)
    state, plain, slow = method.init(START), inner.init(START), START
    for t in range(1, 9):
        state, info = method.step(v, state, None)
        plain, expected_info = inner.step(v, plain, None)
        if t % 3 == 0:
            slow = jax.tree.map(lambda s, x: 0.75 * s + 0.25 * x, slow, plain.params)
            plain = plain._replace(params=slow)
        assert_trees_close(state.params, plain.params, rtol=1e-12)
        assert_trees_close(state.memory.slow, slow, rtol=1e-12)
        assert_trees_close(info, expected_info, rtol=1e-12)
    assert_trees_close(state.memory.inner, plain.memory, rtol=1e-12)


@pytest.mark.slow
def test_a_whole_share_is_the_method_itself_and_none_goes_back():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    inner = gf.simultaneous(optax.adam(0.1))

    def end(method):
        return gf.simulate(method, v, START, num_steps=6).params

    assert_trees_close(end(gf.lookahead(inner, num_steps=2, share=1.0)), end(inner), rtol=1e-12)
    assert_trees_close(end(gf.lookahead(inner, num_steps=2, share=0)), START, rtol=0)


@pytest.mark.slow
def test_fresh_batches_reach_the_method_inside():
    v = gf.vector_field(
        gf.games.zero_sum(lambda theta, phi, batch: batch * theta * phi, init=lambda key: None)
    )
    inner = gf.alternating(optax.sgd(0.1), phi_steps=2)
    method = gf.lookahead(inner, num_steps=4)
    assert method.num_batches == 3

    def end(method):
        settings = {"num_steps": 3, "key": jax.random.key(2), "sample": jax.random.normal}
        return gf.simulate(method, v, START, **settings).params

    assert_trees_close(end(method), end(inner), rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        ({"share": 1.5}, r"share must be a number in \[0, 1\], got 1.5"),
        ({"share": float("nan")}, r"share must be a number in \[0, 1\], got nan"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.lookahead(gf.simultaneous(optax.sgd(0.1)), **arguments)


@pytest.mark.slow
def test_its_map_is_that_of_a_whole_cycle():
    s, origin = 0.5, gf.Players(0.0, 0.0)
    inner = gf.simultaneous(optax.sgd(s))
    method = gf.lookahead(inner, num_steps=5, share=0.5)
    assert (method.cycle, gf.averaged(method).cycle, inner.cycle) == (5, 5, 1)
    assert gf.lookahead(method, num_steps=2).cycle == 10
    v = gf.vector_field(gf.games.bilinear())
    expected = abs(0.5 + 0.5 * (1 + 1j * s) ** 5)
    radius = gf.spectral_radius(method, v, origin)
    np.testing.assert_allclose([radius.value, radius.rate], [expected, expected**0.2], rtol=1e-9)

    def build(step_size):
        return gf.lookahead(gf.simultaneous(optax.sgd(step_size))), v

    # Of 1 − α + α(1 + is)⁵, without being told that five steps are a cycle.
    edge = gf.largest_stable(build, origin, bounds=(0.01, 2.0))
    assert abs(abs(0.5 + 0.5 * (1 + 1j * edge) ** 5) - 1) < 1e-9
