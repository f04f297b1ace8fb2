"""Symplectic gradient adjustment: the dense formula, the sign of λ, and the paper's convention."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from ganfield.field._symplectic import symplectic
from tests.cases import GAMES, assert_trees_close, batch_of, params_of

pytestmark = pytest.mark.usefixtures("x64")


def linear_field(matrix):
    """x ↦ Jx, θ the first half."""
    n = matrix.shape[0] // 2

    def field(params, batch=None):
        value = matrix @ jnp.concatenate(params)
        return gf.Players(value[:n], value[n:])

    return field


def descents(value, matrix, strength, epsilon):
    """Algorithm 1 in the paper's words: ξ = −v, and all of it turned back at the end."""
    xi, hessian = -value, -matrix
    turning = (hessian - hessian.T) / 2
    gradient = hessian.T @ xi
    aligned = (xi @ gradient) * ((turning.T @ xi) @ gradient) / xi.size
    return -(xi + strength * np.sign(aligned + epsilon) * turning.T @ xi)


# On the bilinear game ⟨v, Jᵀv⟩ = 0 but for rounding, so that only ε > 0 has a sign.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "epsilon"),
    [("matrix", 0.1)]
    + [(name, eps) for name in ("forsaken", "lattice", "gan_standard") for eps in (0.0, 0.1)],
)
def test_it_is_algorithm_1(name, epsilon):
    case = GAMES[name]
    v, batch = gf.vector_field(case.game), batch_of(case)
    w = jax.jit(symplectic(v, strength=0.7, epsilon=epsilon))
    for seed in range(3):
        params = params_of(case, seed)
        value = np.asarray(ravel_pytree(v(params, batch))[0])
        matrix = np.asarray(gf.jacobian(v)(params, batch))
        expected = descents(value, matrix, 0.7, epsilon)
        np.testing.assert_allclose(ravel_pytree(w(params, batch))[0], expected, rtol=1e-9)


@pytest.mark.long
def test_on_a_bilinear_game_it_is_consensus():
    case = GAMES["matrix"]
    v, params = gf.vector_field(case.game), params_of(case)
    expected = gf.consensus(v, gamma=0.4)
    for align in (True, False):
        w = symplectic(v, strength=0.4, align=align)
        assert_trees_close(w(params), expected(params), rtol=1e-12)
        np.testing.assert_allclose(
            gf.jacobian(w)(params), gf.jacobian(expected)(params), atol=1e-12
        )


@pytest.mark.slow
@pytest.mark.parametrize("sign", [-1, 1])
def test_it_pulls_harder_to_stable_zeros_and_pushes_harder_from_unstable_ones(sign):
    rng = np.random.default_rng(0)
    strength = 0.3
    for _ in range(50):
        root, turning = rng.normal(size=(2, 4, 4))
        matrix = jnp.asarray(sign * (root @ root.T) + 2 * (turning - turning.T))
        point = gf.Players(*jnp.asarray(rng.normal(size=(2, 2))))
        v = linear_field(matrix)
        w = symplectic(v, strength=strength, epsilon=0.0)
        value, adjusted = (np.concatenate(field(point)) for field in (v, w))
        gradient = np.asarray(matrix.T @ value)
        along = gradient @ value  # dL/dt along v: its sign is that of the zero
        extra = strength * abs(gradient @ ((matrix.T - matrix) @ value) / 2)
        assert along * sign > 0
        np.testing.assert_allclose(gradient @ adjusted, along + sign * extra, rtol=1e-9)


@pytest.mark.slow
def test_without_alignment_it_also_holds_an_unstable_zero():
    # S = ½ I repels: λ > 0 makes it attract all the same, aligned λ does not.
    v = linear_field(jnp.array([[0.5, -2.0], [2.0, 0.5]]))
    point = gf.Players(jnp.ones(1), jnp.ones(1))
    blind = gf.jacobian(symplectic(v, align=False))(point)
    aligned = gf.jacobian(symplectic(v))(point)
    # J + λAJ with A² = −4: −7/2 ± i, and 9/2 ± 3i.
    np.testing.assert_allclose(
        np.sort_complex(np.linalg.eigvals(blind)), [-3.5 - 3j, -3.5 + 3j], atol=1e-12
    )
    np.testing.assert_allclose(
        np.sort_complex(np.linalg.eigvals(aligned)), [4.5 - 1j, 4.5 + 1j], atol=1e-12
    )


def test_next_to_a_zero_epsilon_decides():
    v = linear_field(jnp.array([[0.5, -2.0], [2.0, 0.5]]))
    near = gf.Players(jnp.full(1, 1e-3), jnp.zeros(1))
    assert_trees_close(
        symplectic(v)(near), symplectic(v, align=False)(near), rtol=1e-12, atol=1e-18
    )
    expected = symplectic(v, align=False)(near).theta
    assert abs(float(symplectic(v, epsilon=0.0)(near).theta[0] - expected[0])) > 1e-3


@pytest.mark.parametrize("argument", ["strength", "epsilon"])
def test_bad_arguments_are_refused_at_once(argument):
    with pytest.raises(ValueError, match=f"{argument} must be a number ≥ 0, got -1.0"):
        symplectic(gf.vector_field(gf.games.bilinear()), **{argument: -1.0})


def test_float32_stays_float32():
    with jax.enable_x64(False):
        w = symplectic(gf.vector_field(gf.games.bilinear()), strength=np.float64(0.5))
        assert {leaf.dtype for leaf in w(gf.Players(1.0, 2.0))} == {np.dtype("float32")}
