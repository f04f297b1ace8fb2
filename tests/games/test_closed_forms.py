"""Registered games against their analytic Jacobians and eigenvalues."""

import jax
import numpy as np
import pytest

import ganfield as gf
from tests.cases import GAMES


def sorted_spectrum(values):
    return np.sort_complex(np.round(np.asarray(values), 9))


def test_every_registered_game_has_its_closed_forms():
    for build in gf.games.closed_forms().values():
        assert build().jacobian is not None
        assert build().equilibria


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("objective", gf.OBJECTIVES)
def test_dirac_jacobians(objective):
    game = gf.games.dirac_gan(objective)
    point = gf.Players(0.7, -1.3)
    jacobian = jax.jit(gf.jacobian(gf.vector_field(game)))(point)
    np.testing.assert_allclose(jacobian, game.jacobian(point), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", [n for n, c in GAMES.items() if c.game.jacobian is not None])
def test_analytic_jacobian_at_random_points(name):
    game = GAMES[name].game
    jacobian = jax.jit(gf.jacobian(gf.vector_field(game)))
    for seed in range(3):
        params = game.init(jax.random.key(seed))
        np.testing.assert_allclose(jacobian(params), game.jacobian(params), rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", [n for n, c in GAMES.items() if c.game.equilibria])
def test_equilibria_are_zeros_of_the_field(name):
    game = GAMES[name].game
    for point in game.equilibria:
        for leaf in gf.vector_field(game)(point):
            np.testing.assert_allclose(leaf, 0.0, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("c", "gamma"), [(1.0, 0.5), (2.0, 0.3), (0.5, 3.0)])
def test_bilinear_spectra_everywhere(c, gamma):
    v = gf.vector_field(gf.games.bilinear(c))
    point = gf.Players(1.7, -0.6)
    np.testing.assert_allclose(
        sorted_spectrum(gf.eigenvalues(v)(point)), [-1j * c, 1j * c], atol=1e-9
    )
    spectrum = sorted_spectrum(gf.eigenvalues(gf.consensus(v, gamma=gamma))(point))
    expected = [-gamma * c**2 - 1j * c, -gamma * c**2 + 1j * c]
    np.testing.assert_allclose(spectrum, expected, atol=1e-9)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_bilinear_matrix_has_the_singular_values():
    matrix = np.array([[1.0, 2.0], [0.5, -1.0]])
    v = gf.vector_field(gf.games.bilinear(matrix))
    params = gf.Players(np.ones(2), np.ones(2))
    sizes = np.linalg.svd(matrix, compute_uv=False)
    expected = np.sort(np.concatenate([sizes, -sizes]))
    np.testing.assert_allclose(np.sort(gf.eigenvalues(v)(params).imag), expected, atol=1e-12)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("a", "b", "c"), [(1.0, 3.0, 2.0), (0.5, 0.5, 0.1), (-1.0, 2.0, 0.3)])
def test_quadratic_spectrum(a, b, c):
    v = gf.vector_field(gf.games.quadratic(a, b, c))
    root = np.sqrt(complex((a - b) ** 2 / 4 - c**2))
    expected = sorted_spectrum([-(a + b) / 2 + root, -(a + b) / 2 - root])
    spectrum = sorted_spectrum(gf.eigenvalues(v)(gf.Players(0.3, 0.9)))
    np.testing.assert_allclose(spectrum, expected, atol=1e-8)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_dirac_consensus_spectrum():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    for gamma in (0.5, 1.0, 4.0):
        roots = sorted_spectrum(gf.eigenvalues(gf.consensus(v, gamma=gamma))(gf.Players(0.0, 0.0)))
        np.testing.assert_allclose(roots, [-gamma / 4 - 0.5j, -gamma / 4 + 0.5j], atol=1e-9)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("objective", gf.OBJECTIVES)
def test_dirac_field_away_from_the_equilibrium(objective):
    # By hand, with s the logistic function and D(fake) = θφ, D(real) = 0.
    theta, phi = 0.7, -1.3
    t = theta * phi
    logistic = 1 / (1 + np.exp(-t))
    slopes = {  # d loss_θ / dt, d loss_φ / dt
        "standard": (logistic - 1, logistic),
        "js": (-logistic, logistic),
        "kl": (-1.0, logistic),
        "tv": (-(1 - np.tanh(t) ** 2), 1 - np.tanh(t) ** 2),
        "indicator": (-1.0, 1.0),
        "least_squares": (t, t + 1),
        "hinge": (-1.0, 1.0),  # t > −1, inside the margin
        "wasserstein": (-1.0, 1.0),
        "fgan_kl": (-np.exp(t - 1), np.exp(t - 1)),
        "fgan_reverse_kl": (-1.0, 1.0),
        "fgan_pearson": (-t / 2 - 1, t / 2 + 1),
        "fgan_squared_hellinger": (-np.exp(t), np.exp(t)),
        "fgan_jensen_shannon": (-logistic, logistic),
        "relativistic": (logistic - 1, logistic),
        "relativistic_average": (2 * logistic - 2, 2 * logistic),
    }
    by_theta, by_phi = slopes[objective]
    direction = gf.vector_field(gf.games.dirac_gan(objective))(gf.Players(theta, phi))
    np.testing.assert_allclose(direction, [-by_theta * phi, -by_phi * theta], rtol=1e-12)


@pytest.mark.slow
def test_unregularised_dirac_step_grows_as_the_closed_form_says():
    # js is the zero-sum game: one Euler step multiplies ‖x‖² by 1 + h²f′².
    h, theta, phi = 0.3, 0.7, -1.3
    v = gf.vector_field(gf.games.dirac_gan("js"))(gf.Players(theta, phi))
    slope = 1 / (1 + np.exp(-theta * phi))
    after = (theta + h * v.theta) ** 2 + (phi + h * v.phi) ** 2
    np.testing.assert_allclose(after, (theta**2 + phi**2) * (1 + (h * slope) ** 2), rtol=1e-6)
