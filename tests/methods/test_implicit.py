"""Competitive, proximal point and follow-the-ridge: closed forms, and solves that fail."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from ganfield.methods._adaptive_competitive import adaptive_competitive
from ganfield.methods._competitive import competitive
from ganfield.methods._follow_the_ridge import follow_the_ridge
from ganfield.methods._proximal_point import proximal_point
from ganfield.methods._solve import RESTART, solve
from tests.cases import GAMES, assert_trees_close, batch_of, params_of
from tests.methods.spectra import update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

BUILDERS = (competitive, adaptive_competitive, proximal_point, follow_the_ridge)
EXACT = {"tolerance": 1e-13}


def flat_step(method, field, params, batch=None):
    state, info = jax.jit(lambda s: method.step(field, s, batch))(method.init(params))
    return np.asarray(ravel_pytree(state.params)[0]), info


def dense(field, params, batch=None):
    value = np.asarray(ravel_pytree(field(params, batch))[0])
    matrix = np.array(gf.jacobian(field)(params, batch))
    return value, matrix, ravel_pytree(params.theta)[0].size


@pytest.mark.slow
@pytest.mark.parametrize("build", [competitive, proximal_point])
@pytest.mark.parametrize(("h", "c"), [(0.3, 1.0), (0.7, 2.0), (5.0, 2.0)])
@pytest.mark.parametrize("point", [(0.0, 0.0), (1.0, -0.5)])
def test_bilinear_spectral_radius(build, h, c, point):
    v = gf.vector_field(gf.games.bilinear(c))
    method = build(optax.sgd(h))
    matrix = update_jacobian(method, v, method.init(gf.Players(*point)))
    moduli = np.abs(np.linalg.eigvals(matrix))
    np.testing.assert_allclose(moduli**2, 1 / (1 + (h * c) ** 2), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("build", [competitive, proximal_point])
def test_matrix_bilinear_spectrum(build):
    h, coupling = 0.4, np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])
    method = build(optax.sgd(h), **EXACT)
    case = GAMES["matrix"]
    state = method.init(params_of(case))
    eigenvalues = np.linalg.eigvals(update_jacobian(method, gf.vector_field(case.game), state))
    turns = 1j * h * np.linalg.svd(coupling, compute_uv=False)
    expected = np.concatenate([1 / (1 - turns), 1 / (1 + turns), [1.0]])
    np.testing.assert_allclose(np.sort_complex(eigenvalues), np.sort_complex(expected), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forsaken", "lattice", "gan_standard"])
def test_competitive_solves_the_dense_equation_of_two_step_sizes(name):
    case, sizes = GAMES[name], (0.1, 0.8)
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    method = competitive(gf.Players(*map(optax.sgd, sizes)), **EXACT)
    end, info = flat_step(method, v, params, batch)
    value, matrix, n = dense(v, params, batch)
    matrix[:n, :n], matrix[n:, n:] = 0, 0
    step_sizes = np.where(np.arange(value.size) < n, *sizes)
    move = np.linalg.solve(np.eye(value.size) - step_sizes[:, None] * matrix, step_sizes * value)
    np.testing.assert_allclose(end, ravel_pytree(params)[0] + move, rtol=1e-9, atol=1e-12)
    assert info.converged


@pytest.mark.slow
def test_competitive_with_any_affine_optimizer():
    # Momentum: U(d) = h(d + βm), and the memory takes in the direction followed, once.
    h, beta, c = 0.4, 0.6, 1.5
    v = gf.vector_field(gf.games.bilinear(c))
    turn = np.array([[0, -c], [c, 0]])
    method = competitive(optax.sgd(h, momentum=beta))
    state = method.init(gf.Players(1.0, 0.5))
    x, trace = np.array([1.0, 0.5]), np.zeros(2)
    for _ in range(5):
        state, _ = method.step(v, state, None)
        move = np.linalg.solve(np.eye(2) - h * turn, h * (turn @ x + beta * trace))
        trace = turn @ (x + move) + beta * trace
        x = x + move
    np.testing.assert_allclose(state.params, x, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forsaken", "lattice", "gan_standard"])
def test_proximal_point_ends_where_its_direction_is(name):
    case, h = GAMES[name], 0.2
    v, params, batch = gf.vector_field(case.game), params_of(case), batch_of(case)
    method = proximal_point(optax.sgd(h), tolerance=1e-11)
    end, info = flat_step(method, v, params, batch)
    flat, unravel = ravel_pytree(params)
    there = ravel_pytree(v(unravel(jnp.asarray(end)), batch))[0]
    np.testing.assert_allclose(end, flat + h * there, rtol=0, atol=1e-9)
    assert info.converged


@pytest.mark.slow
@pytest.mark.parametrize("point", [(0.0, 0.0), (0.4, 0.3)])
def test_proximal_point_on_the_quadratic_game(point):
    # At an equilibrium Δ = 0 solves the equation at once, and still its derivative must be found.
    h = 0.9
    v = gf.vector_field(gf.games.quadratic(1.0, -0.5, 2.0))
    method = proximal_point(optax.sgd(h))
    jacobian = update_jacobian(method, v, method.init(gf.Players(*point)))
    expected = np.linalg.inv(np.eye(2) - h * np.array([[-1.0, -2.0], [2.0, 0.5]]))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-9)


@pytest.mark.slow
def test_without_own_curvature_proximal_point_is_competitive():
    case = GAMES["matrix"]
    v = gf.vector_field(case.game)

    def path(build):
        run = gf.simulate(
            build(optax.sgd(0.7), **EXACT),
            v,
            params_of(case),
            num_steps=30,
            record=lambda state, info: state.params,
            record_every=1,
        )
        return run.records

    assert_trees_close(path(proximal_point), path(competitive), rtol=0, atol=1e-9)


@pytest.mark.slow
def test_where_there_is_no_implicit_step_it_says_so():
    # x₊ = x + h λ x₊ with hλ = 1
    v = gf.vector_field(gf.games.quadratic(-2.0, 1.0, 0.0))
    end, info = flat_step(proximal_point(optax.sgd(0.5)), v, gf.Players(1.0, 1.0))
    assert not info.converged
    assert np.all(np.isfinite(end))


@pytest.mark.long
def test_near_an_equilibrium_rounding_is_no_failure():
    v = gf.vector_field(gf.games.sine())
    for point in gf.games.sine().equilibria:
        for build in BUILDERS:
            end, info = flat_step(build(optax.sgd(0.3)), v, point)
            assert info.converged
            np.testing.assert_allclose(end, point, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b", "c"), [(-6.0, 2.0, 4.0), (6.0, -2.0, 4.0), (1.0, 0.5, 2.0)])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_follow_the_ridge_spectrum(a, b, c, damping):
    h = 0.1
    v = gf.vector_field(gf.games.quadratic(a, b, c))
    method = follow_the_ridge(optax.sgd(h), damping=damping)
    jacobian = update_jacobian(method, v, method.init(gf.Players(0.3, -0.2)))
    shift = c / (b + damping)
    expected = np.eye(2) + h * np.array([[-a, -c], [c - shift * a, -b - shift * c]])
    np.testing.assert_allclose(jacobian, expected, rtol=1e-9, atol=1e-12)
    if damping == 0:
        eigenvalues = 1 + h * np.array([-(a + c**2 / b), -b])  # of the Schur complement, of J_φφ
        np.testing.assert_allclose(
            np.sort_complex(np.linalg.eigvals(jacobian)), np.sort(eigenvalues), atol=1e-6
        )


@pytest.mark.long
def test_follow_the_ridge_finds_what_simultaneous_steps_leave_and_the_reverse():
    def end(build, game):
        return float(
            optax.tree.norm(
                gf.simulate(
                    build(optax.sgd(0.05)),
                    gf.vector_field(game),
                    gf.Players(0.1, 0.1),
                    num_steps=300,
                ).params
            )
        )

    minimax, other = gf.games.unstable_minimax(), gf.games.stable_non_minimax()
    assert end(follow_the_ridge, minimax) < 1e-9
    assert end(gf.simultaneous, minimax) > 1e3
    assert end(follow_the_ridge, other) > 1e3
    assert end(gf.simultaneous, other) < 1e-9


@pytest.mark.slow
def test_follow_the_ridge_answers_the_move_that_theta_makes():
    case = GAMES["forsaken"]
    v, params = gf.vector_field(case.game), gf.Players(0.8, 0.6)
    optimizer = optax.adam(0.05)
    end, info = flat_step(follow_the_ridge(optimizer, **EXACT), v, params)
    plain, _ = flat_step(gf.simultaneous(optimizer), v, params)
    _, matrix, _ = dense(v, params)
    np.testing.assert_allclose(end[0], plain[0], rtol=1e-12)
    shift = -matrix[1, 0] / matrix[1, 1] * (plain[0] - 0.8)
    np.testing.assert_allclose(end[1], plain[1] + shift, rtol=1e-9)
    assert info.converged


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bilinear", "matrix"])
def test_without_a_ridge_the_step_is_simultaneous_and_says_so(name):
    case = GAMES[name]
    v, params = gf.vector_field(case.game), params_of(case)
    method = follow_the_ridge(optax.sgd(0.3))
    end, info = flat_step(method, v, params)
    assert not info.converged
    np.testing.assert_allclose(end, flat_step(gf.simultaneous(optax.sgd(0.3)), v, params)[0])
    state = method.init(params)
    assert np.all(np.isfinite(update_jacobian(method, v, state)))
    # Damping makes it solvable.
    assert flat_step(follow_the_ridge(optax.sgd(0.3), damping=0.1), v, params)[1].converged


def test_too_few_products_are_reported():
    case = GAMES["matrix"]
    end, info = flat_step(
        competitive(optax.sgd(3.0), max_iterations=1), gf.vector_field(case.game), params_of(case)
    )
    assert not info.converged
    assert np.all(np.isfinite(end))


def test_a_singular_competition_stays_finite():
    # Both climb θφ: Δ = h(v + J_oΔ) has no solution at h = 1.
    game = gf.games.general_sum(
        lambda theta, phi, batch: -theta * phi, lambda theta, phi, batch: -theta * phi, init=None
    )
    v = gf.vector_field(game)
    end, info = flat_step(competitive(optax.sgd(1.0)), v, gf.Players(1.0, 2.0))
    assert not info.converged
    assert np.all(np.isfinite(end))


@pytest.mark.slow
@pytest.mark.parametrize("build", [competitive, proximal_point, follow_the_ridge])
def test_the_memory_advances_once_a_step(build):
    v = gf.vector_field(gf.games.quadratic())
    method = build(optax.adam(0.1))
    state = method.init(gf.Players(1.0, 0.5))
    step = jax.jit(lambda state: method.step(v, state, None))
    first_moment = gf.Players(0.0, 0.0)
    for count in (1, 2, 3):
        state, info = step(state)
        adam = state.memory[0]
        assert int(adam.count) == count
        first_moment = jax.tree.map(lambda m, d: 0.9 * m - 0.1 * d, first_moment, info.direction)
        assert_trees_close(gf.Players(*adam.mu), first_moment, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_a_parameter_without_a_gradient_does_no_harm(build):
    # Adam's update has no derivative at a direction that has always been 0.
    game = gf.games.zero_sum(
        lambda theta, phi, batch: theta["used"] * phi - phi**2 / 2, init=lambda key: None
    )
    v = gf.vector_field(game)
    method = build(optax.adam(0.1))
    start = gf.Players({"dead": jnp.ones(3), "used": jnp.asarray(1.0)}, jnp.asarray(0.5))
    run = gf.simulate(method, v, start, num_steps=20)
    np.testing.assert_array_equal(run.params.theta["dead"], 1.0)
    assert np.all(np.isfinite(ravel_pytree(run.params)[0]))
    assert abs(float(run.params.theta["used"]) - 1.0) > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS)
def test_derivatives_of_a_step_are_right(build):
    v, h = gf.vector_field(gf.games.forsaken()), 1e-5
    method = build(optax.sgd(0.3), tolerance=1e-12)
    jacobian = update_jacobian(method, v, method.init(gf.Players(0.8, 0.6)))
    step = jax.jit(lambda s: method.step(v, s, None)[0].params)

    def end(x):
        return np.array(step(method.init(gf.Players(*x))))

    point = np.array([0.8, 0.6])  # φ's own curvature is 1 there
    expected = [(end(point + h * e) - end(point - h * e)) / (2 * h) for e in np.eye(2)]
    jacobian = jacobian[:2, :2]  # What the memory adds is not looked at.
    np.testing.assert_allclose(jacobian, np.transpose(expected), rtol=1e-6, atol=1e-8)


@pytest.mark.long
@pytest.mark.parametrize("build", BUILDERS)
def test_float32_reaches_the_default_tolerance(build):
    with jax.enable_x64(False):
        case = GAMES["gan_standard"]
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params_of(case))
        options = {"damping": 0.5} if build is follow_the_ridge else {}
        _, info = flat_step(
            build(optax.sgd(0.1), **options), gf.vector_field(case.game), params, batch_of(case)
        )
        assert info.converged


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 3 * RESTART])
def test_solve_is_that_of_numpy(size):
    rng = np.random.default_rng(0)
    matrix = np.eye(size) + 0.5 * rng.normal(size=(size, size)) / np.sqrt(size)
    target = rng.normal(size=size)

    @jax.jit
    def solution(matrix, target):
        return solve(lambda x: {"a": matrix @ x["a"]}, target, tolerance=1e-12, max_iterations=400)

    x, converged = solution(matrix, {"a": 1e-30 * target})  # However small, it is no 0.
    assert converged
    expected = np.linalg.solve(matrix, target)
    np.testing.assert_allclose(x["a"], 1e-30 * expected, rtol=1e-9)
    slope = jax.grad(lambda m: jnp.sum(solution(m, {"a": target})[0]["a"]))(matrix)
    by_target = np.linalg.solve(matrix.T, np.ones(size))
    np.testing.assert_allclose(slope, -np.outer(by_target, expected), rtol=1e-8, atol=1e-10)


@pytest.mark.slow
def test_a_singular_matrix_gives_no_nan():
    for matrix in (np.zeros((2, 2)), np.array([[0.0, 1.0], [0.0, 0.0]])):
        x, converged = solve(
            lambda x, m=matrix: m @ x, jnp.ones(2), tolerance=1e-6, max_iterations=10
        )
        assert not converged
        assert np.all(np.isfinite(x))
    x, converged = solve(lambda x: 0 * x, jnp.zeros(2), tolerance=1e-6, max_iterations=10)
    assert converged
    np.testing.assert_array_equal(x, 0)


@pytest.mark.slow
def test_options_may_be_traced():
    v = gf.vector_field(gf.games.unstable_minimax())

    @jax.jit
    @jax.vmap
    def end(damping, tolerance):
        method = follow_the_ridge(optax.sgd(0.1), damping=damping, tolerance=tolerance)
        return method.step(v, method.init(gf.Players(1.0, 0.0)), None)[0].params.phi

    dampings = jnp.array([0.0, 0.5])
    ends = end(dampings, jnp.array([1e-6, 1e-9]))
    np.testing.assert_allclose(ends, 0.4 + 4 / (2 + dampings) * 0.6, rtol=1e-6)


@pytest.mark.parametrize("build", BUILDERS)
def test_bad_arguments_are_refused_at_once(build):
    with pytest.raises(ValueError, match=r"tolerance must be a number ≥ 0, got -1.0"):
        build(optax.sgd(0.1), tolerance=-1.0)
    with pytest.raises(ValueError, match=r"max_iterations must be an integer ≥ 1, got 0"):
        build(optax.sgd(0.1), max_iterations=0)


def test_bad_arguments_of_one():
    with pytest.raises(ValueError, match=r"damping must be a number ≥ 0, got -1.0"):
        follow_the_ridge(optax.sgd(0.1), damping=-1.0)
    with pytest.raises(ValueError, match=r"max_newton_steps must be an integer ≥ 1, got 0"):
        proximal_point(optax.sgd(0.1), max_newton_steps=0)
