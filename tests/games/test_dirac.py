"""The Dirac-GAN with penalties and instance noise against closed forms and a second derivation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

import ganfield as gf

ORIGIN = gf.Players(0.0, 0.0)


@pytest.fixture(params=[False, True], ids=["float32", "float64"])
def tolerance(request):
    with jax.enable_x64(request.param):
        yield 1e-6 if request.param else 1e-4


def matrix(point=ORIGIN, **settings):
    game = gf.games.dirac_gan(**settings)
    return np.asarray(gf.jacobian(gf.vector_field(game))(point), float)


def assert_roots(jacobian, trace, determinant, tolerance):
    """Compare characteristic polynomials, and eigenvalues where they do not collide."""
    np.testing.assert_allclose(np.trace(jacobian), trace, atol=tolerance)
    np.testing.assert_allclose(np.linalg.det(jacobian), determinant, atol=tolerance)
    discriminant = trace**2 / 4 - determinant
    if abs(discriminant) > 1e-2:
        root = np.sqrt(complex(discriminant))
        expected = np.sort_complex([trace / 2 - root, trace / 2 + root])
        eigenvalues = np.sort_complex(np.linalg.eigvals(jacobian))
        # Pairs may swap where their real parts differ by a rounding error.
        distance = np.abs(eigenvalues[:, None] - expected)
        np.testing.assert_allclose(distance.min(axis=0), 0, atol=tolerance)


# At D(real) = D(fake) = 0, by hand: the slopes of θ's and φ's losses in D(fake), and the sum of the
# second derivatives of φ's in D(real) and in D(fake), which is what noise in both makes of it.
SLOPES = {
    "standard": (-0.5, 0.5, 0.5),
    "js": (-0.5, 0.5, 0.5),
    "kl": (-1.0, 0.5, 0.5),
    "tv": (-1.0, 1.0, 0.0),
    "indicator": (-1.0, 1.0, 0.0),
    "wasserstein": (-1.0, 1.0, 0.0),
    "least_squares": (0.0, 1.0, 2.0),
    "hinge": (-1.0, 1.0, 0.0),
    "fgan_kl": (-1 / np.e, 1 / np.e, 1 / np.e),
    "fgan_reverse_kl": (-1.0, 1.0, 1.0),
    "fgan_pearson": (-1.0, 1.0, 0.5),
    "fgan_squared_hellinger": (-1.0, 1.0, 2.0),
    "fgan_jensen_shannon": (-0.5, 0.5, 0.5),
    "relativistic": (-0.5, 0.5, 0.5),
    "relativistic_average": (-1.0, 1.0, 0.5),
}
WEIGHTS, SIGMA = (0.3, 1.0, 2.0), 0.8
SMOOTH, KINKED = ("r1", "r2", "zero_centred"), ("wgan_gp", "dragan")


@pytest.mark.slow
@pytest.mark.parametrize("objective", gf.OBJECTIVES)
def test_spectrum_of_each_objective_with_each_regulariser(objective, tolerance):
    # J = [[0, −a], [−b, −damping]]: damping 0, γ of a penalty, cσ² of noise.
    a, b, c = SLOPES[objective]

    @jax.jit
    def matrices(weights, sigma):
        def jacobian(**settings):
            return gf.jacobian(gf.vector_field(gf.games.dirac_gan(objective, **settings)))(ORIGIN)

        penalised = {
            name: jax.vmap(lambda w, name=name: jacobian(penalty=name, penalty_weight=w))(weights)
            for name in SMOOTH
        }
        both = jacobian(penalty="r1", penalty_weight=weights[0], instance_noise=sigma)
        beside = [
            gf.vector_field(gf.games.dirac_gan(objective, penalty, weights[1]))(gf.Players(0.0, x))
            for penalty in KINKED
            for x in (1e-8, -1e-8)
        ]
        return jacobian(), penalised, jacobian(instance_noise=sigma), both, beside

    plain, penalised, noisy, both, beside = matrices(jnp.array(WEIGHTS), jnp.asarray(SIGMA))
    assert_roots(np.asarray(plain, float), 0.0, -a * b, tolerance)
    for jacobians in penalised.values():
        for weight, matrix in zip(WEIGHTS, np.asarray(jacobians, float), strict=True):
            assert_roots(matrix, -weight, -a * b, tolerance)
    damping = c * SIGMA**2
    np.testing.assert_allclose(noisy, [[0, -a], [-b, -damping]], atol=tolerance)
    np.testing.assert_allclose(both, [[0, -a], [-b, -damping - WEIGHTS[0]]], atol=tolerance)
    # γ(|φ| − 1)² makes the field jump by 4γ: no Jacobian.
    pulls = 2 * WEIGHTS[1] * np.array([1, -1, 1, -1])
    np.testing.assert_allclose([v.phi for v in beside], pulls, atol=tolerance)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("penalty", KINKED)
def test_penalties_towards_slope_one_have_no_spectrum_at_the_origin(penalty):
    game = gf.games.dirac_gan("relativistic_average", penalty, 0.5)
    assert game.equilibria == ()
    assert game.jacobian is None
    v = jax.jit(gf.vector_field(game))
    plain = gf.vector_field(gf.games.dirac_gan("relativistic_average"))
    for phi in (1e-3, -1e-3, 1.7, -0.4):
        point = gf.Players(0.0, phi)
        pull = -2 * 0.5 * (abs(phi) - 1) * np.sign(phi)
        np.testing.assert_allclose(v(point), np.add(plain(point), (0, pull)), atol=1e-12)
    assert np.all(np.isfinite(v(ORIGIN)))
    assert np.all(np.isfinite(gf.jacobian(v)(ORIGIN)))
    verdict = gf.classify(gf.vector_field(game), ORIGIN, game=game)
    assert (verdict.smooth, verdict.kind) == (False, "undecided")


@pytest.mark.slow
def test_least_squares_is_degenerate_at_the_origin(tolerance):
    # t = θφ: v = (−tφ, −(t + 1)θ), so v′(0) = [[0, 0], [−1, 0]], and v = 0 wherever θ = 0.
    np.testing.assert_allclose(matrix(objective="least_squares"), [[0, 0], [-1, 0]], atol=tolerance)
    v = gf.vector_field(gf.games.dirac_gan("least_squares"))
    for phi in (-2.0, 0.0, 1.5):
        np.testing.assert_allclose(v(gf.Players(0.0, phi)), 0, atol=tolerance)
        at_line = matrix(gf.Players(0.0, phi), objective="least_squares")
        np.testing.assert_allclose(at_line, [[-(phi**2), 0], [-1, 0]], atol=tolerance)


def test_hinge_discriminator_rests_beyond_its_margin():
    v = gf.vector_field(gf.games.dirac_gan("hinge"))
    np.testing.assert_allclose(v(gf.Players(2.0, -1.0)), [-1, 0], atol=1e-6)
    np.testing.assert_allclose(v(gf.Players(2.0, -0.4)), [-0.4, -2], atol=1e-6)


@pytest.mark.parametrize("penalty", ["r1", "r2", "zero_centred"])
def test_penalised_field_away_from_the_equilibrium(penalty, tolerance):
    point, gamma = gf.Players(0.7, -1.3), 0.6
    plain = gf.vector_field(gf.games.dirac_gan("kl"))(point)
    direction = gf.vector_field(gf.games.dirac_gan("kl", penalty, gamma))(point)
    np.testing.assert_allclose(direction, [plain.theta, plain.phi + gamma * 1.3], atol=tolerance)


@pytest.mark.parametrize("sigma", [0.5, 1.0, np.sqrt(2), 2.0])
@pytest.mark.parametrize("objective", ["standard", "js"])
def test_instance_noise_spectrum(objective, sigma, tolerance):
    # f″σ² ± √(f″²σ⁴ − f′²) with f′ = ½, f″ = −¼; critical at σ = √2.
    jacobian = matrix(objective=objective, instance_noise=sigma)
    assert_roots(jacobian, -(sigma**2) / 2, 0.25, tolerance)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("objective", ["standard", "kl", "tv", "least_squares"])
def test_instance_noise_is_the_expectation(objective):
    theta, phi, sigma = 0.7, -1.3, 0.8
    losses = jax.jit(gf.OBJECTIVES[objective])

    def expected(player):
        def integrand(noise):
            density = np.exp(-(noise**2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
            real, fake = np.array([phi * noise]), np.array([phi * (theta + noise)])
            return float(losses(real, fake)[player]) * density

        return quad(integrand, -8, 8, epsabs=1e-11, epsrel=1e-11)[0]

    game = gf.games.dirac_gan(objective, instance_noise=sigma)
    measured = game.losses(gf.Players(theta, phi))
    # tanh has poles at ±iπ/2, twice as near as those of the logistic function.
    error = 1e-6 if objective == "tv" else 1e-10
    np.testing.assert_allclose(measured, [expected(0), expected(1)], rtol=error)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("objective", ["relativistic", "relativistic_average"])
def test_relativistic_noise_is_independent_in_real_and_fake(objective):
    theta, phi, sigma = 0.7, -1.3, 0.8
    nodes = np.linspace(-8 * sigma, 8 * sigma, 401)
    weights = np.exp(-((nodes / sigma) ** 2) / 2)
    weights /= weights.sum()
    real, fake = phi * nodes, phi * (theta + nodes)

    def softplus(x):
        return np.logaddexp(0, x)

    if objective == "relativistic":  # the expectation over both noises
        margin = real[:, None] - fake
        expected = [weights @ softplus(sign * margin) @ weights for sign in (1, -1)]
    else:  # each against the mean of the other kind, φθ and 0
        to_fake, to_real = real - phi * theta, fake
        expected = [
            weights @ (softplus(sign * to_fake) + softplus(-sign * to_real)) for sign in (1, -1)
        ]
    game = gf.games.dirac_gan(objective, instance_noise=sigma)
    np.testing.assert_allclose(game.losses(gf.Players(theta, phi)), expected, rtol=1e-9)


@pytest.mark.usefixtures("x64")
def test_no_noise_is_the_limit_of_little_noise():
    point = gf.Players(0.7, -1.3)
    plain = gf.vector_field(gf.games.dirac_gan("js"))(point)
    by_quadrature = gf.vector_field(gf.games.dirac_gan("js", instance_noise=jnp.zeros(())))(point)
    np.testing.assert_allclose(by_quadrature, plain, rtol=1e-13)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 4.0])
def test_consensus_spectrum(gamma, tolerance):
    w = gf.consensus(gf.vector_field(gf.games.dirac_gan("js")), gamma=gamma)
    jacobian = np.asarray(gf.jacobian(w)(ORIGIN), float)
    assert_roots(jacobian, -gamma / 2, gamma**2 / 16 + 0.25, tolerance)


@pytest.mark.usefixtures("x64")
def test_unregularised_flow_conserves_the_distance():
    value = jax.jit(gf.vector_field(gf.games.dirac_gan("js")))
    path = solve_ivp(
        lambda _, x: np.asarray(value(gf.Players(*x))),
        (0, 30),
        [0.7, -1.3],
        rtol=1e-10,
        atol=1e-12,
        method="DOP853",
    ).y
    np.testing.assert_allclose((path**2).sum(axis=0), 0.7**2 + 1.3**2, rtol=1e-7)
    assert path[0].min() < -1 < 1 < path[0].max()  # It did go round.


@pytest.mark.slow
def test_weight_and_noise_may_be_traced():
    point = gf.Players(0.7, -1.3)

    def field(weight, noise):
        game = gf.games.dirac_gan("standard", "r1", weight, noise)
        return jnp.stack(gf.vector_field(game)(point))

    weights, noises = jnp.array([0.0, 0.5, 2.0]), jnp.array([0.0, 0.3, 1.0])
    together = jax.jit(jax.vmap(field))(weights, noises)
    for value, weight, noise in zip(together, weights, noises, strict=True):
        np.testing.assert_allclose(value, field(float(weight), float(noise)), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"penalty": "r2"}, {"instance_noise": 0.5}])
def test_jacobian_and_equilibrium_are_given_where_they_are_known(settings):
    game = gf.games.dirac_gan(**settings)
    assert (game.jacobian is None) == bool(settings)
    assert game.equilibria == (ORIGIN,)
    gf.testing.check_game(game, gf.Players(0.7, -1.3))


def test_bad_settings_are_refused():
    dirac_gan = gf.games.dirac_gan
    with pytest.raises(ValueError, match="unknown penalty 'r3': did you mean"):
        dirac_gan(penalty="r3")
    with pytest.raises(ValueError, match=r"penalty_weight must be a number ≥ 0, got -1\.0"):
        dirac_gan(penalty="r1", penalty_weight=-1.0)
    with pytest.raises(ValueError, match=r"instance_noise must be a number ≥ 0, got -0\.1"):
        dirac_gan(instance_noise=-0.1)
