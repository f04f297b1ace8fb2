"""Look-ahead, smoothed, scaled and clipped fields against closed forms and dense Jacobians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from ganfield.field._clipped import clipped
from ganfield.field._cross import linearize_cross
from ganfield.field._linearized_competitive import linearized_competitive
from ganfield.field._scaled import scaled
from ganfield.field._smoothed import smoothed
from tests.cases import GAMES, assert_trees_close, batch_of, params_of

pytestmark = pytest.mark.usefixtures("x64")

SOME_GAMES = ("matrix", "forsaken", "lattice", "gan_standard")


def blocks(field, params, batch):
    """v, J and where θ ends, flat."""
    value = ravel_pytree(field(params, batch))[0]
    n = ravel_pytree(params.theta)[0].size
    return np.asarray(value), np.array(gf.jacobian(field)(params, batch)), n


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME_GAMES)
def test_it_is_the_dense_formula(name):
    case = GAMES[name]
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    value, matrix, n = blocks(v, params, batch)
    matrix[:n, :n], matrix[n:, n:] = 0, 0
    direction = jax.jit(linearized_competitive(v, step_size=0.3))(params, batch)
    np.testing.assert_allclose(ravel_pytree(direction)[0], value + 0.3 * matrix @ value, rtol=1e-10)


@pytest.mark.slow
def test_it_is_the_opponents_next_move_to_first_order():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    theta, phi = jnp.asarray(0.7), jnp.asarray(-1.2)
    value = v(gf.Players(theta, phi))

    def gap(h):
        moved = gf.Players(
            v(gf.Players(theta, phi + h * value.phi)).theta,
            v(gf.Players(theta + h * value.theta, phi)).phi,
        )
        direction = linearized_competitive(v, step_size=h)(gf.Players(theta, phi))
        return np.linalg.norm(np.subtract(direction, moved))

    np.testing.assert_allclose(gap(1e-2) / gap(5e-3), 4, rtol=0.02)


@pytest.mark.long
def test_cross_products_are_linear_and_evaluate_nothing_again():
    case = GAMES["gan_standard"]
    evaluations = []

    def v(params, batch=None):
        evaluations.append(None)
        return gf.vector_field(case.game)(params, batch)

    params, batch = params_of(case), batch_of(case)
    value, product, _ = linearize_cross(v, params, batch, user="linearized_competitive")
    assert_trees_close(value, v(params, batch), rtol=1e-10)
    count = len(evaluations)
    first, second = product(params), product(value)
    both = product(jax.tree.map(lambda a, b: 2 * a - b, params, value))
    expected = jax.tree.map(lambda a, b: 2 * a - b, first, second)
    assert_trees_close(both, expected, rtol=1e-9, atol=1e-12)
    assert len(evaluations) == count


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME_GAMES)
def test_smoothed_changes_phi_by_the_gradient_of_half_the_squared_norm_of_v_theta(name):
    case = GAMES[name]
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    value, matrix, n = blocks(v, params, batch)
    direction = jax.jit(smoothed(v, gamma=0.7))(params, batch)
    expected = np.concatenate([value[:n], value[n:] - 0.7 * matrix[:n, n:].T @ value[:n]])
    np.testing.assert_allclose(ravel_pytree(direction)[0], expected, rtol=1e-10)

    def half_square(phi):
        return 0.5 * sum(
            jnp.sum(leaf**2) for leaf in jax.tree.leaves(v(gf.Players(params.theta, phi), batch)[0])
        )

    slope = ravel_pytree(jax.grad(half_square)(params.phi))[0]
    np.testing.assert_allclose(ravel_pytree(direction.phi)[0], value[n:] - 0.7 * slope, rtol=1e-10)


def test_smoothed_on_the_bilinear_game():
    # J = [[0, −c], [c, −γc²]]
    c, gamma = 1.5, 0.4
    w = smoothed(gf.vector_field(gf.games.bilinear(c)), gamma=gamma)
    jacobian = gf.jacobian(w)(gf.Players(1.0, -2.0))
    np.testing.assert_allclose(jacobian, [[0, -c], [c, -gamma * c**2]], rtol=1e-12)


@pytest.mark.slow
def test_scaled_is_a_step_size_for_each_player():
    case = GAMES["gan_standard"]
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    value, steps = v(params, batch), scaled(v, theta=0.5, phi=4.0)(params, batch)
    assert_trees_close(steps.theta, jax.tree.map(lambda leaf: 0.5 * leaf, value.theta), rtol=1e-12)
    assert_trees_close(steps.phi, jax.tree.map(lambda leaf: 4.0 * leaf, value.phi), rtol=1e-12)
    assert_trees_close(scaled(v)(params, batch), value, rtol=0)


@pytest.mark.slow
def test_clipped_has_a_norm_of_its_own_for_each_player():
    case = GAMES["gan_standard"]
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    value = v(params, batch)
    norms = [np.linalg.norm(ravel_pytree(part)[0]) for part in value]
    limit = float(np.mean(norms))  # one player is longer, the other is not
    shorter = clipped(v, max_norm=limit)(params, batch)
    for part, whole, norm in zip(shorter, value, norms, strict=True):
        expected = ravel_pytree(whole)[0] * min(1, limit / norm)
        np.testing.assert_allclose(ravel_pytree(part)[0], expected, rtol=1e-12)
    one = clipped(v, max_norm=gf.Players(norms[0] / 2, np.inf))(params, batch)
    np.testing.assert_allclose(np.linalg.norm(ravel_pytree(one.theta)[0]), norms[0] / 2)
    assert_trees_close(one.phi, value.phi, rtol=0)


@pytest.mark.slow
def test_clipped_keeps_the_jacobian_of_an_equilibrium():
    v = gf.vector_field(gf.games.quadratic(1.0, 0.5, 2.0))
    origin = gf.Players(0.0, 0.0)
    np.testing.assert_allclose(
        gf.jacobian(clipped(v, max_norm=1.0))(origin), gf.jacobian(v)(origin), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("transform", "arguments"),
    [
        (linearized_competitive, "step_size"),
        (smoothed, "gamma"),
        (scaled, "theta"),
        (scaled, "phi"),
        (clipped, "max_norm"),
    ],
)
def test_bad_arguments_are_refused_at_once(transform, arguments):
    v = gf.vector_field(gf.games.bilinear())
    for value in (-1.0, float("nan"), "1"):
        with pytest.raises(ValueError, match=f"{arguments} must be a number ≥ 0, got"):
            transform(v, **{arguments: value})


@pytest.mark.slow
def test_float32_stays_float32():
    with jax.enable_x64(False):
        v = gf.vector_field(gf.games.bilinear())
        point = gf.Players(1.0, 2.0)
        for w in (
            linearized_competitive(v, step_size=np.float64(0.3)),
            smoothed(v, gamma=np.float64(0.3)),
            scaled(v, phi=np.float64(0.3)),
            clipped(v, max_norm=np.float64(0.3)),
        ):
            assert {leaf.dtype for leaf in w(point)} == {np.dtype("float32")}
