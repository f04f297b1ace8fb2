"""Runge–Kutta steps against the exact flow and the closed forms of the bilinear game."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.integrate import solve_ivp

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import assert_eigenvalues, both_signs, update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

START = gf.Players(np.array(0.9), np.array(-0.4))  # float64 even where JAX has it not yet
GAMES = {
    "dirac": gf.games.dirac_gan("standard"),
    "two_attractors": gf.games.two_attractors(),
}


def polynomial(order):
    coefficients = {2: (1, 1, 1 / 2), 4: (1, 1, 1 / 2, 1 / 6, 1 / 24)}[order]
    return lambda z: sum(a * z**k for k, a in enumerate(coefficients))


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("s", [0.3, 1.0, 2.8, 2.9])
def test_bilinear_eigenvalues(order, s):
    c = 0.8
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.runge_kutta(optax.sgd(s / c), order=order)
    matrix = update_jacobian(method, v, method.init(START))
    assert_eigenvalues(matrix, both_signs(polynomial(order), [s]))
    squared = 1 + s**4 / 4 if order == 2 else 1 - s**6 / 72 + s**8 / 576
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(matrix)) ** 2, squared, rtol=1e-9)
    assert (squared < 1) == (order == 4 and s < 2 * np.sqrt(2))


@pytest.mark.parametrize("order", [2, 4])
def test_matrix_bilinear_eigenvalues_run_over_the_singular_values(order):
    C, h = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]]), 0.4
    v = gf.vector_field(gf.games.bilinear(jnp.asarray(C)))
    method = gf.runge_kutta(optax.sgd(h), order=order)
    matrix = update_jacobian(method, v, method.init(gf.Players(jnp.ones(2), jnp.ones(3))))
    # The third parameter of φ that no singular value reaches stays where it is.
    s_values = h * np.linalg.svd(C, compute_uv=False)
    assert_eigenvalues(matrix, [*both_signs(polynomial(order), s_values), 1.0])


def flow(field, time):
    def rate(_, x):
        return np.array(field(gf.Players(*x)))

    solved = solve_ivp(rate, (0, time), np.array(START), method="DOP853", rtol=1e-13, atol=1e-14)
    return solved.y[:, -1]


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (0.5, 1.5)], ids=["equal", "unequal"])
@pytest.mark.parametrize("name", GAMES)
def test_halving_the_step_divides_its_error_by_two_to_the_order_plus_one(name, sizes):
    v = gf.vector_field(GAMES[name])
    scaled = jax.jit(lambda p: gf.Players(*(a * d for a, d in zip(sizes, v(p), strict=True))))

    def error(build, h):
        method = build(gf.Players(*(optax.sgd(a * h) for a in sizes)))
        state, _ = method.step(v, method.init(START), None)
        return np.linalg.norm(np.array(state.params) - flow(scaled, h))

    orders = {
        1: gf.simultaneous,
        2: lambda optimizer: gf.runge_kutta(optimizer, order=2),
        4: gf.runge_kutta,
    }
    for order, build in orders.items():
        # Two Richardson steps: the ratio tends to its limit, and the error is above rounding.
        ratio = error(build, 0.1) / error(build, 0.05)
        assert abs(np.log2(ratio) - (order + 1)) < 0.2, (order, ratio)


@pytest.mark.parametrize("order", [2, 4])
def test_stages_move_both_players(order):
    # With the opponent frozen a player's own rate is constant on the bilinear game: Euler's step.
    h = 0.5
    v = gf.vector_field(gf.games.bilinear())

    def frozen(name):
        def rate(_, x):
            return np.atleast_1d(getattr(v(START._replace(**{name: x[0]})), name))

        solved = solve_ivp(rate, (0, h), [getattr(START, name)], method="RK45")
        return solved.y[0, -1]

    euler = gf.simultaneous(optax.sgd(h))
    step_of_euler = euler.step(v, euler.init(START), None)[0].params
    np.testing.assert_allclose([frozen("theta"), frozen("phi")], step_of_euler, rtol=1e-12)
    method = gf.runge_kutta(optax.sgd(h), order=order)
    point = method.step(v, method.init(START), None)[0].params
    assert np.abs(np.array(point) - np.array(step_of_euler)).min() > 0.01


@pytest.mark.parametrize(
    ("order", "reaches", "weights"),
    [(2, (0, 1), (1 / 2, 1 / 2)), (4, (0, 1 / 2, 1 / 2, 1), (1 / 6, 1 / 3, 1 / 3, 1 / 6))],
)
def test_the_memory_of_adam_advances_once_a_step(order, reaches, weights):
    adam = optax.adam(0.1, b1=0.5)
    v = gf.vector_field(GAMES["dirac"])
    method = gf.runge_kutta(adam, order=order)
    state, params, memory = method.init(START), START, adam.init(START)
    for _ in range(4):
        state, info = method.step(v, state, None)
        k, total = v(params), gf.Players(0.0, 0.0)
        for reach, weight in zip(reaches, weights, strict=True):
            if reach:
                updates, _ = adam.update(jax.tree.map(jnp.negative, k), memory, params)
                k = v(jax.tree.map(lambda x, u, c=reach: x + c * u, params, updates))
            total = jax.tree.map(lambda t, d, b=weight: t + b * d, total, k)
        updates, memory = adam.update(jax.tree.map(jnp.negative, total), memory, params)
        params = optax.apply_updates(params, updates)
        assert_trees_close(info.direction, total, rtol=1e-12)
    assert_trees_close(state.params, params, rtol=1e-12)
    assert int(state.memory[0].count) == 4


@pytest.mark.parametrize("order", [1, 3, "4", None])
def test_other_orders_are_refused(order):
    with pytest.raises(ValueError, match="order must be 2 or 4, got"):
        gf.runge_kutta(optax.sgd(0.1), order=order)
