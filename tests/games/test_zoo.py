"""The closed-form games one by one: fields by hand, all equilibria, spectra, and limit cycles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import fsolve
from scipy.special import comb, expit

import ganfield as gf

pytestmark = pytest.mark.usefixtures("x64")
POLYNOMIAL = np.polynomial.polynomial


def spectrum(game, point):
    return np.linalg.eigvals(np.asarray(gf.jacobian(gf.vector_field(game))(point)))


def assert_same_spectrum(measured, expected, atol=1e-9):
    np.testing.assert_allclose(
        np.sort_complex(np.round(measured, 9)), np.sort_complex(np.round(expected, 9)), atol=atol
    )


def flow(field, start, time, **options):
    """The flow of a field of two scalars by SciPy, with v from the library."""
    value = jax.jit(lambda x: jnp.stack(field(gf.Players(x[0], x[1]))))
    return solve_ivp(
        lambda _, x: np.asarray(value(x)), (0, time), start, rtol=1e-9, atol=1e-11, **options
    )


def well_slope(z):
    return z / 2 - 2 * z**3 + z**5


def sech_squared(z):
    return 1 / np.cosh(z) ** 2


def attractors_field(x, y):
    """By the product rule, loss = −(a² + b²)e."""
    a, b, e = 0.15 * x**2 + y, 0.25 * y**2 + x, np.exp(-0.01 * (x**2 + y**2))
    p = a**2 + b**2
    return (
        e * (2 * a * 0.3 * x + 2 * b - 0.02 * x * p),
        -e * (2 * a + 2 * b * 0.5 * y - 0.02 * y * p),
    )


CLOSED_FORMS = {
    "covariance": lambda v, w: (2 * w * v, 1 - v**2),
    "gaussian_mean": lambda x, y: (y, 1 - x),
    "almost_bilinear": lambda x, y: (-y, x + 0.1 * (y - y**3)),
    "forsaken": lambda x, y: (0.45 - y - well_slope(x), x - well_slope(y)),
    "two_attractors": attractors_field,
    "unstable_minimax": lambda x, y: (6 * x - 4 * y, 4 * x - 2 * y),
    "stable_non_minimax": lambda x, y: (-6 * x - 4 * y, 4 * x + 2 * y),
    "matching_pennies": lambda x, y: (
        sech_squared(x / 2) * np.tanh(y / 2) / 2,
        -np.tanh(x / 2) * sech_squared(y / 2) / 2,
    ),
    "sine": lambda x, y: (np.sin(x), -y),
    "lattice": lambda x, y: (np.sin(x) - 0.5 * np.sin(y), 0.5 * np.sin(x) + np.sin(y)),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_fields_by_hand(name):
    v = gf.vector_field(gf.GAMES[name]())
    for x, y in np.random.default_rng(0).normal(scale=2, size=(5, 2)):
        np.testing.assert_allclose(
            v(gf.Players(x, y)), CLOSED_FORMS[name](x, y), rtol=1e-11, atol=1e-12
        )


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_equilibria_are_exact_in_double_precision(name):
    # v may be what rounding the point makes of it, J times the spacing of floats, and no more.
    game = gf.GAMES[name]()
    for point in game.equilibria:
        x, y = map(float, point)
        scale = 4e-16 * max(1, abs(x), abs(y))
        bound = 4 * scale * np.abs(np.asarray(game.jacobian(point))).sum()
        assert np.abs(CLOSED_FORMS[name](x, y)).max() <= bound


def empty(coefficients, corners, width):
    """Which squares hold no zero: by the Taylor expansion round the centre, which is finite."""
    degree = len(coefficients) - 1
    centre, half = corners + width / 2, width / 2
    row, column = np.indices((degree + 1, degree + 1))
    lift = np.where(column >= row, column - row, 0)
    factor = np.where(column >= row, comb(column, row), 0.0)
    shift = factor * centre[:, :, None, None] ** lift  # (squares, 2, degree + 1, degree + 1)
    taylor = shift[:, 0] @ coefficients @ shift[:, 1].transpose(0, 2, 1)
    reach = half ** np.add.outer(np.arange(degree + 1), np.arange(degree + 1))
    other = (np.abs(taylor) * reach).sum((1, 2)) - np.abs(taylor[:, 0, 0])
    return np.abs(taylor[:, 0, 0]) > other * (1 + 1e-9) + 1e-12


def all_zeros(first, second, limit, depth):
    """Every common zero of two polynomials in a square, by excluding squares that hold none."""
    corners, width = np.array([[-limit, -limit]], float), 2.0 * limit
    for _ in range(depth):
        width /= 2
        quarters = width * np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        corners = (corners[:, None] + quarters).reshape(-1, 2)
        keep = ~(empty(first, corners, width) | empty(second, corners, width))
        corners = corners[keep]
    zeros = np.array(
        [
            fsolve(
                lambda z: [POLYNOMIAL.polyval2d(*z, first), POLYNOMIAL.polyval2d(*z, second)],
                corner + width / 2,
                xtol=1e-13,
            )
            for corner in corners
        ]
    )
    # The squares that are left are those round the zeros that they lead to.
    assert np.abs(zeros - corners - width / 2).max() < 5 * width
    return np.unique(np.round(zeros, 9), axis=0)


def polynomial(terms, degree=5):
    coefficients = np.zeros((degree + 1, degree + 1))
    for (i, j), value in terms.items():
        coefficients[i, j] = value
    return coefficients


def multiply(a, b):
    full = np.zeros(np.add(a.shape, b.shape) - 1)
    for (i, j), value in np.ndenumerate(a):
        full[i : i + b.shape[0], j : j + b.shape[1]] += value * b
    return full


def test_forsaken_has_one_equilibrium():
    # |θ| = |q′(φ)| and |φ − .45| = |q′(θ)| leave no room for zeros outside [−3, 3]²: q′ outgrows z.
    z = np.linspace(3, 100, 1000)
    assert np.all(well_slope(z) > z + 0.45)
    first = polynomial({(0, 0): 0.45, (0, 1): -1, (1, 0): -0.5, (3, 0): 2, (5, 0): -1})
    second = polynomial({(1, 0): 1, (0, 1): -0.5, (0, 3): 2, (0, 5): -1})
    zeros = all_zeros(first, second, limit=3, depth=12)
    np.testing.assert_allclose(zeros, gf.games.forsaken().equilibria, atol=1e-8)


def test_two_attractors_lists_every_zero():
    a, b = polynomial({(2, 0): 0.15, (0, 1): 1}, 2), polynomial({(0, 2): 0.25, (1, 0): 1}, 2)
    p = multiply(a, a) + multiply(b, b)
    bend = [
        POLYNOMIAL.polyder(p, axis=0),
        POLYNOMIAL.polyder(p, axis=1),
        multiply(polynomial({(1, 0): 0.02}, 1), p),
        multiply(polynomial({(0, 1): 0.02}, 1), p),
    ]
    p_x, p_y, xp, yp = (np.pad(c, [(0, 6 - n) for n in c.shape]) for c in bend)
    zeros = all_zeros(p_x - xp, p_y - yp, limit=20, depth=14)
    np.testing.assert_allclose(zeros, gf.games.two_attractors().equilibria, atol=1e-8)


@pytest.mark.slow
def test_two_attractors_are_two_nash_equilibria_and_two_that_are_none():
    game = gf.games.two_attractors()
    attracting = {}
    for point in game.equilibria:
        values = spectrum(game, point)
        if values.real.max() < 0:
            (theta_bend, _), (_, phi_bend) = -np.asarray(game.jacobian(point))
            attracting[round(point.theta, 2)] = (values, theta_bend > 0 and phi_bend > 0)
        else:  # A saddle: real, of either sign.
            assert np.abs(values.imag).max() == 0
            assert values.real.min() < 0
    assert {x: nash for x, (_, nash) in attracting.items()} == {
        -13.34: False,
        -10.42: True,
        -2.5: False,
        12.19: True,
    }
    docstring = {-13.34: -1.01 + 2.06j, -10.42: -1.56 + 4.23j, -2.5: -0.59 + 2.28j}
    for x, value in (docstring | {12.19: -2.46 + 3.29j}).items():
        assert np.abs(attracting[x][0] - value).min() < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "sigma", [np.array([[2.0, 0.5], [0.5, 1.0]]), np.diag([1.0, 2.0, 4.0]) + 0.3]
)
def test_covariance_matrix(sigma):
    game = gf.games.covariance(sigma)
    v, rng = gf.vector_field(game), np.random.default_rng(0)
    for _ in range(3):
        theta, phi = rng.normal(size=(2, *sigma.shape))
        direction = v(gf.Players(theta, phi))
        np.testing.assert_allclose(direction.theta, (phi + phi.T) @ theta, rtol=1e-12)
        np.testing.assert_allclose(direction.phi, sigma - theta @ theta.T, rtol=1e-12)
        jacobian = gf.jacobian(v)(gf.Players(theta, phi))
        np.testing.assert_allclose(
            game.jacobian(gf.Players(theta, phi)), jacobian, rtol=1e-12, atol=1e-12
        )
    values = np.linalg.eigvalsh(sigma)
    size = np.sqrt([2 * (values[i] + values[j]) for i in range(len(sigma)) for j in range(i + 1)])
    expected = np.concatenate([-size, np.zeros(len(sigma) * (len(sigma) - 1)), size])
    for point in game.equilibria:
        # Not sorted as complex numbers: real parts are rounding errors.
        eigenvalues = spectrum(game, point)
        np.testing.assert_allclose(eigenvalues.real, 0, atol=1e-7)
        np.testing.assert_allclose(np.sort(eigenvalues.imag), np.sort(expected), atol=1e-7)
    # Turned factors, and antisymmetric W, are equilibria too.
    turn, _ = np.linalg.qr(rng.normal(size=sigma.shape))
    skew = rng.normal(size=sigma.shape)
    other = gf.Players(game.equilibria[0].theta @ turn, skew - skew.T)
    for leaf in v(other):
        np.testing.assert_allclose(leaf, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("sigma", "message"),
    [
        (-1.0, "positive"),
        (np.ones(3), r"square matrix, got shape \(3,\)"),
        (np.ones((2, 3)), r"square matrix, got shape \(2, 3\)"),
        (np.array([[1.0, 2.0], [2.0, 1.0]]), "positive"),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (np.nan, "positive"),
    ],
)
def test_covariance_refuses_what_is_none(sigma, message):
    with pytest.raises(ValueError, match=f"sigma must be a .*{message}"):
        gf.games.covariance(sigma)


@pytest.mark.slow
def test_gaussian_mean_of_a_vector():
    mean = np.array([1.0, -2.0, 0.5])
    game = gf.games.gaussian_mean(mean)
    theta, phi = np.random.default_rng(0).normal(size=(2, 3))
    direction = gf.vector_field(game)(gf.Players(theta, phi))
    np.testing.assert_allclose(direction.theta, phi)
    np.testing.assert_allclose(direction.phi, mean - theta)
    (point,) = game.equilibria
    np.testing.assert_allclose(np.sort(spectrum(game, point).imag), [-1] * 3 + [1] * 3)
    np.testing.assert_array_equal(game.jacobian(point), gf.jacobian(gf.vector_field(game))(point))
    with pytest.raises(ValueError, match=r"mean must be a number or a vector, got shape \(1, 2\)"):
        gf.games.gaussian_mean(np.ones((1, 2)))


def test_gaussian_mean_is_the_expected_wasserstein_gan():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=100_000)
    mean, theta, phi = 3.0, 1.0, 0.5
    by_samples = np.mean(phi * (mean + noise)) - np.mean(phi * (theta + noise))
    loss = gf.games.gaussian_mean(mean).losses(gf.Players(theta, phi))
    np.testing.assert_allclose(loss, [by_samples, -by_samples], rtol=1e-9)


def test_matching_pennies_is_the_matrix_game():
    theta, phi = 0.7, -1.9
    p, q = expit(theta), expit(phi)
    payoff = np.array([p, 1 - p]) @ np.array([[1, -1], [-1, 1]]) @ np.array([q, 1 - q])
    losses = gf.games.matching_pennies().losses(gf.Players(theta, phi))
    np.testing.assert_allclose(losses, [-payoff, payoff], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("covariance", [2j, -2j]),
        ("gaussian_mean", [1j, -1j]),
        ("almost_bilinear", [0.05 + 1j * np.sqrt(1 - 0.0025), 0.05 - 1j * np.sqrt(1 - 0.0025)]),
        ("matching_pennies", [0.25j, -0.25j]),
    ],
)
def test_spectrum_at_the_equilibria(name, expected):
    game = gf.GAMES[name]()
    for point in game.equilibria:
        assert_same_spectrum(spectrum(game, point), expected)


@pytest.mark.slow
def test_sine_and_the_spurious_attractor_of_consensus():
    game = gf.games.sine()
    v = gf.vector_field(game)
    for k, point in zip((-1, 0, 1), game.equilibria, strict=True):
        np.testing.assert_allclose(point, [k * np.pi, 0])
        assert_same_spectrum(spectrum(game, point), [(-1) ** k, -1])
    w = gf.consensus(v, gamma=2.0)
    slopes = [gf.jacobian(w)(point)[0, 0] for point in game.equilibria]
    np.testing.assert_allclose(slopes, [-3, -1, -3], rtol=1e-12)
    border = np.arccos(0.5)
    np.testing.assert_allclose(w(gf.Players(border, 0.0)).theta, 0, atol=1e-15)
    for start, end in ((border - 1e-3, 0), (border + 1e-3, np.pi)):
        np.testing.assert_allclose(flow(w, [start, 0.3], 40).y[:, -1], [end, 0], atol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("c", [0.5, 1.5])
def test_lattice_spectra_and_what_consensus_does_to_them(c):
    game = gf.games.lattice(c)
    v = gf.vector_field(game)
    assert len(game.equilibria) == 9
    for point in game.equilibria:
        k, m = (round(x / np.pi) for x in point)
        kind = (k % 2, m % 2)
        expected = {(1, 1): [-1 + 1j * c, -1 - 1j * c], (0, 0): [1 + 1j * c, 1 - 1j * c]}
        saddle = [np.sqrt(1 + c**2), -np.sqrt(1 + c**2)]
        assert_same_spectrum(spectrum(game, point), expected.get(kind, saddle))
        edge = {(1, 1): None, (0, 0): 1 / (1 + c**2)}.get(kind, 1 / np.sqrt(1 + c**2))
        for factor in (0.99, 1.01):
            gamma = factor * (edge or 1.0)
            jacobian = np.asarray(gf.jacobian(gf.consensus(v, gamma=gamma))(point))
            attracts = np.linalg.eigvals(jacobian).real.max() < 0
            assert attracts == (edge is None or factor > 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sign", "minimax"), [("unstable_minimax", 1, True), ("stable_non_minimax", -1, False)]
)
def test_minimax_points_and_attractors_differ(name, sign, minimax):
    game = gf.GAMES[name]()
    (origin,) = game.equilibria
    # The double eigenvalue has one eigenvector: compare the characteristic polynomial.
    np.testing.assert_allclose(np.poly(np.asarray(game.jacobian(origin))), [1, -4 * sign, 4])
    x, y = np.random.default_rng(0).normal(size=2)
    loss = {1: -3 * x**2 - y**2 + 4 * x * y, -1: 3 * x**2 + y**2 + 4 * x * y}[sign]
    np.testing.assert_allclose(game.losses(gf.Players(x, y)).theta, loss, rtol=1e-12)
    hessian = np.asarray(jax.hessian(lambda z: game.losses(gf.Players(*z)).theta)(jnp.zeros(2)))
    (xx, xy), (_, yy) = hessian
    assert (yy < 0 and xx - xy**2 / yy > 0) == minimax


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [0.1, 0.02])
def test_almost_bilinear_has_a_limit_cycle(epsilon):
    v = gf.vector_field(gf.games.almost_bilinear(epsilon))
    for start in (0.3, 2.0):
        times = np.linspace(14 / epsilon, 14 / epsilon + 2 * np.pi, 50)
        path = flow(v, [start, 0.0], times[-1], t_eval=times, method="DOP853").y
        # Exact as ε → 0; the cycle is off round by ε.
        np.testing.assert_allclose(np.hypot(*path), np.sqrt(4 / 3), rtol=0.7 * epsilon + 2e-3)


@pytest.mark.parametrize(
    ("start", "low", "high"), [(0.1, 0, 0.01), (0.35, 0.92, 1.92), (3.0, 0.92, 1.92)]
)
def test_forsaken_flow_ends_at_the_equilibrium_or_on_the_outer_cycle(start, low, high):
    game = gf.games.forsaken()
    centre = np.array(game.equilibria[0])
    times = np.linspace(150, 170, 400)
    path = (
        flow(
            gf.vector_field(game), centre + np.array([start, 0]), 170, t_eval=times, method="LSODA"
        ).y
        - centre[:, None]
    )
    distance = np.hypot(*path)
    assert low <= distance.min() + 0.005
    assert distance.max() <= high + 0.005
    assert distance.max() >= high - 0.01


def test_forsaken_inner_cycle_is_unstable():
    game = gf.games.forsaken()
    v = gf.vector_field(game)

    def backwards(params):
        return jax.tree.map(jnp.negative, v(params))

    centre = np.array(game.equilibria[0])
    times = np.linspace(250, 265, 300)
    path = flow(backwards, centre + np.array([0.05, 0]), 265, t_eval=times, method="LSODA").y
    distance = np.hypot(*(path - centre[:, None]))
    np.testing.assert_allclose([distance.min(), distance.max()], [0.121, 0.299], atol=2e-3)
    assert np.asarray(game.jacobian(game.equilibria[0]))[1, 1] > 0  # φ's payoff is convex


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("covariance", "sigma"),
        ("gaussian_mean", "mean"),
        ("almost_bilinear", "epsilon"),
        ("lattice", "coupling"),
    ],
)
def test_hyper_parameters_may_be_traced(name, argument):
    point = gf.Players(0.7, -1.3)

    def built(value):
        game = gf.GAMES[name](**{argument: value})
        return gf.vector_field(game)(point), game.jacobian(point), game.equilibria

    values = jnp.array([0.5, 2.0])
    together = jax.jit(jax.vmap(built))(values)
    for index, value in enumerate(values):
        alone = built(float(value))
        jax.tree.map(
            lambda a, b, i=index: np.testing.assert_allclose(a[i], b, rtol=1e-12), together, alone
        )
