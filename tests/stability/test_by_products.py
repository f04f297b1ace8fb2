"""The noise floor of many numbers: closed forms and a second derivation, with no matrix made."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import fsolve

import ganfield as gf
from ganfield.stability._by_products import _leading

J = np.array([[-1.0, 2.0], [-2.0, -1.0]])
DEVIATIONS = np.array([1.0, 0.5])


@pytest.fixture
def no_matrix(monkeypatch):
    """Treat few numbers as many."""
    monkeypatch.setattr("ganfield.stability._noise_floor.LARGEST", 0)


def floor_of(method, count, matrix=J, **options):
    """The floor of pairs of numbers that do not see each other."""

    def field(params, noise):
        theta, phi = (
            row[0] * params.theta + row[1] * params.phi + own
            for row, own in zip(matrix, noise, strict=True)
        )
        return gf.Players(theta, phi)

    def sample(key):
        return DEVIATIONS[:, None] * jax.random.normal(key, (2, count))

    at = gf.Players(jnp.zeros(count), jnp.zeros(count))
    return gf.noise_floor(method, field, at, sample=sample, **options)


@pytest.mark.parametrize("size", [1, 2, 50, 61, 200])
def test_the_leading_eigenvalue_of_one_krylov_space(size):
    matrix = np.random.default_rng(size).normal(size=(size, size)) / size**0.5
    matrix[0, 0] += 3
    value, vector, residual = _leading(lambda u: matrix @ u, size)
    assert abs(value) == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max(), rel=1e-9)
    off = np.linalg.norm(matrix @ vector - value * vector)
    assert (np.linalg.norm(vector), off) == (pytest.approx(1), pytest.approx(residual, abs=1e-12))


def test_a_krylov_space_that_the_map_does_not_lead_out_of_is_enough():
    asked = []

    def product(u):
        asked.append(u)
        return np.where(np.arange(1000) < 500, 0.9, 0.5) * u

    value, _, residual = _leading(product, 1000)
    assert (value, residual, len(asked)) == (pytest.approx(0.9), 0, 2)


def check_plain(floor, count):
    h = 0.1
    expected = solve_discrete_lyapunov(np.eye(2) + h * J, h**2 * np.diag(DEVIATIONS**2))
    assert floor.mean_square == pytest.approx(
        count * np.trace(expected), abs=4 * floor.mean_square_error
    )
    np.testing.assert_allclose(floor.players, count * np.diag(expected), rtol=0.08)
    assert 0 < floor.mean_square_error < 0.3 / np.sqrt(count) * floor.mean_square
    assert floor.rate == pytest.approx(abs(1 + h * complex(-1, 2)), rel=1e-12)
    assert floor.rate_error < 1e-9
    assert floor.bend < 1e-12
    assert floor.covariance is None


@pytest.mark.slow
def test_plain_steps_of_more_than_a_thousand_numbers():
    check_plain(floor_of(gf.simultaneous(optax.sgd(0.1)), 501), 501)


@pytest.mark.slow
@pytest.mark.usefixtures("no_matrix")
def test_memory_that_moves_and_memory_that_follows():
    h, beta, a = 0.1, 0.6, 2.0
    method = gf.averaged(gf.simultaneous(optax.sgd(h, momentum=beta)), decay=0.7)
    floor = floor_of(method, 40, -a * np.eye(2))
    variance = h * (1 + beta) / (a * (1 - beta) * (2 * (1 + beta) - h * a))
    expected = 40 * variance * DEVIATIONS**2
    assert floor.mean_square == pytest.approx(expected.sum(), abs=4 * floor.mean_square_error)
    np.testing.assert_allclose(floor.players, expected, rtol=0.15)
    assert floor.rate == pytest.approx(np.sqrt(beta), rel=1e-6)  # complex roots
    assert floor.decay == pytest.approx(0.7, rel=1e-6)


@pytest.mark.long
@pytest.mark.usefixtures("no_matrix")
def test_second_moments_beside_a_second_derivation():
    h, count = 0.2, 60

    def at(logarithms):
        root = np.exp(logarithms / 2)
        M = np.eye(2) + h * J / root[:, None]
        return M, solve_discrete_lyapunov(M, np.diag((h * DEVIATIONS / root) ** 2))

    def equation(logarithms):
        gathered = np.diag(DEVIATIONS**2) + J @ at(logarithms)[1] @ J.T
        return np.log(np.diag(gathered)) - logarithms

    solution = fsolve(equation, np.log([2.0, 1.0]), xtol=1e-10)
    M, expected = at(solution)
    method = gf.simultaneous(optax.rmsprop(h, decay=0.9999, eps=1e-12))
    floor = floor_of(method, count)
    assert floor.mean_square == pytest.approx(
        count * np.trace(expected), abs=4 * floor.mean_square_error
    )
    assert floor.mean_square_error < 0.05 * floor.mean_square
    memory = map(np.asarray, jax.tree.leaves(floor.state.memory))
    squares = [leaf.mean() for leaf in memory if leaf.size == count]
    np.testing.assert_allclose(squares, np.exp(solution), rtol=0.04)
    rate = np.abs(np.linalg.eigvals(M)).max()
    assert abs(floor.rate - rate) < floor.rate_error + 1e-4
    assert floor.rate_error < 0.1 * (1 - rate)
    assert floor.decay == pytest.approx(0.9999)
    assert floor.residual < 1e-3


@pytest.mark.long
@pytest.mark.usefixtures("no_matrix")
def test_runs_spread_as_far():
    method = gf.extragradient(optax.adam(0.02, b1=0.5, b2=0.99))
    floor = floor_of(method, 30, num_runs=16)
    assert floor.agrees, floor
    assert np.isnan(floor.measured.rate)
    assert not floor._replace(mean_square=2 * floor.mean_square).agrees


@pytest.mark.slow
@pytest.mark.usefixtures("no_matrix")
def test_noise_in_the_jacobian_widens_the_spread():
    # x ← x − h(1 + σξ)x + hη: Var = h²/(1 − (1 − h)² − h²σ²).
    def field(params, noise):
        return jax.tree.map(lambda x, own: -(1 + 2 * own[0]) * x + own[1], params, noise)

    def sample(key):
        return gf.Players(*jax.random.rademacher(key, (2, 2, 30), float))

    at = gf.Players(jnp.zeros(30), jnp.zeros(30))
    floor = gf.noise_floor(gf.simultaneous(optax.sgd(0.2)), field, at, sample=sample)
    expected = 60 * 0.04 / (1 - 0.64 - 0.04 * 4)
    assert floor.mean_square == pytest.approx(expected, abs=4 * floor.mean_square_error)
    assert floor.mean_square_error < 0.2 * expected


REFUSED = {
    "steep": (np.diag([-25.0, -1.0]), "must end within 4096 products"),
    "continuum": (np.diag([-1.0, 0.0]), "Along a continuum of equilibria it never does"),
    "slow": (np.diag([-1.0, -1e-3]), r"it is multiplied by 0\.999"),
}


@pytest.mark.slow
@pytest.mark.usefixtures("no_matrix")
@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_end_is_refused(name):
    matrix, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        floor_of(gf.simultaneous(optax.sgd(0.1)), 8, matrix)


@pytest.mark.slow
@pytest.mark.usefixtures("no_matrix")
def test_a_point_that_is_no_equilibrium_and_a_step_along_a_sign():
    method, at = gf.simultaneous(optax.sgd(0.1)), gf.Players(jnp.zeros(8), jnp.zeros(8))

    def field(params, noise):
        return jax.tree.map(lambda x: 1 + noise - x, params)

    def sample(key):
        return 0.1 * jax.random.normal(key, (8,))

    with pytest.raises(ValueError, match=r"equilibrium of the mean .*standard errors"):
        gf.noise_floor(method, field, at, sample=sample)

    method = gf.simultaneous(optax.sign_sgd(0.01))
    with pytest.raises(ValueError, match="step along a sign"):
        floor_of(method, 8)
