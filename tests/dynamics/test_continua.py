"""Zeros that are no points, against closed forms, and degenerate ones that are points."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.spectra import flat_dimension

pytestmark = pytest.mark.usefixtures("x64")

Players = gf.Players


def ring(params, batch=None):
    """v = −(r − 1)r̂ of a plane; all of the unit circle is 0."""
    radius = jnp.linalg.norm(params.theta)
    return Players(-(radius - 1) * params.theta / radius, -2.0 * params.phi)


ON_RING = Players(np.array([0.6, 0.8]), 0.0)


def product(params, batch=None):
    """An over-parametrised network of one layer too many, θ₁θ₂ = 1."""
    theta = params.theta
    return Players(-(theta[0] * theta[1] - 1) * theta[::-1], -params.phi)


# Name → field, point, dimension, eigenvalues across.
CONTINUA = {
    "ring": (ring, ON_RING, 1, [-1, -2]),
    "product": (product, Players(jnp.array([2.0, 0.5]), 0.0), 1, [-4.25, -1]),
    "line": (lambda p, b=None: Players(-p.theta + 2 * p.phi, p.theta - 2 * p.phi),
             Players(2.0, 1.0), 1, [-3]),
    "axes": (lambda p, b=None: Players(-p.theta * p.phi**2, -(p.theta**2) * p.phi),
             Players(1.5, 0.0), 1, [-2.25]),
    "cubic": (lambda p, b=None: Players(-p.theta**3, -p.phi), Players(0.0, 0.0), 0, [0, -1]),
    "fifth": (lambda p, b=None: Players(-p.theta**5, p.theta - p.phi),
              Players(0.0, 0.0), 0, [0, -1]),
    "fold": (lambda p, b=None: Players(p.theta**2, -p.phi), Players(0.0, 0.0), 0, [0, -1]),
    "centre": (lambda p, b=None: Players(p.phi, -p.theta), Players(0.0, 0.0), 0, [1j, -1j]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTINUA)
def test_continua_and_degenerate_points(name):
    field, point, dimension, across = CONTINUA[name]
    there = gf.classify(field, point)
    assert there.dimension == dimension
    kept = there.eigenvalues[np.argsort(np.abs(there.eigenvalues))[dimension:]]
    np.testing.assert_allclose(np.sort_complex(kept), np.sort_complex(across), atol=1e-9)
    if dimension:
        assert there.kind == "stable"
        assert there.reason.startswith("a continuum of dimension 1; stable across it")
        np.testing.assert_allclose(there.max_step_size, -2 / np.min(across), rtol=1e-9)
    else:
        assert there.kind == ("centre" if name == "centre" else "undecided")


@pytest.mark.slow
def test_the_rate_on_a_continuum_is_that_across_it():
    h = 0.3
    method = gf.simultaneous(optax.sgd(h))
    radius = gf.spectral_radius(method, ring, ON_RING)
    assert radius.dimension == 1
    np.testing.assert_allclose(radius.value, 1, rtol=1e-12)
    assert "a continuum of dimension 1" in repr(radius)
    np.testing.assert_allclose(radius.rate, 1 - h, rtol=1e-12)
    rate = gf.convergence_rate(method, ring, ON_RING)
    assert (rate.agree, rate.dimension) == (True, 1)
    np.testing.assert_allclose(rate.measured, 1 - h, rtol=1e-4)
    largest = gf.largest_stable(
        lambda h: (gf.simultaneous(optax.sgd(h)), ring), ON_RING, bounds=(0.0, 3.0)
    )
    np.testing.assert_allclose(largest, 1.0, atol=1e-9)


@pytest.mark.slow
def test_a_search_counts_a_continuum_once():
    def two_rings(params, batch=None):
        radius = jnp.linalg.norm(params.theta)
        factor = -(radius - 1) * (radius - 2) * (radius - 3) / radius
        return Players(factor * params.theta, -params.phi)

    template = Players(jnp.zeros(2), 0.0)
    zeros = gf.find_equilibria(two_rings, bounds=(-4, 4), template=template, num_starts=256)
    radii = [np.linalg.norm(point.theta) for point in zeros.points]
    np.testing.assert_allclose(np.sort(radii), [1, 2, 3], atol=1e-9)
    np.testing.assert_array_equal(zeros.dimensions, [1, 1, 1])
    assert zeros.hits.sum() <= zeros.num_converged
    assert zeros.hits.min() > 5
    for radius, members in zip(radii, zeros.members, strict=True):
        np.testing.assert_allclose(np.hypot(*members.T[:2]), radius, atol=1e-9)
    assert "3 equilibria (3 of them continua, of dimension 1, 1, 1)" in repr(zeros)
    isolated = gf.find_equilibria(gf.vector_field(gf.games.lattice()), bounds=(-4, 4))
    np.testing.assert_array_equal(isolated.dimensions, np.zeros(9))
    assert [members.shape for members in isolated.members] == [(1, 2)] * 9


@pytest.mark.slow
def test_a_rotation_of_a_generators_code():
    # G(z) = Az of a Gaussian z: E[xxᵀ] is to be Σ, and AQ is as good as A for every rotation Q.
    sigma = np.diag([2.0, 1.0, 0.5])

    def field(params, batch=None):
        A, phi = params
        pull = -(A @ A.T - sigma) + (phi + phi.T) / 2
        return Players(pull @ A, -(A @ A.T - sigma) - phi)

    root = np.linalg.cholesky(sigma) @ np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    there = gf.classify(field, Players(jnp.asarray(root), jnp.zeros((3, 3))))
    assert (there.kind, there.dimension) == ("stable", 3)


@pytest.mark.long
def test_hundreds_of_continua_and_of_points():
    # x = Q·(u, w): u is flat or falls as a power of itself, w falls; coordinates are bent.
    rng = np.random.default_rng(0)
    for seed in range(300):
        size = int(rng.integers(2, 6))
        flat, power = int(rng.integers(0, size)), int(rng.choice([2, 3, 5]))
        turn, rates = np.linalg.qr(rng.normal(size=(size, size)))[0], rng.uniform(0.1, 3, size)
        bend = 0.2 * rng.normal(size=size)
        degenerate = bool(flat) and seed % 2 == 0

        def at(x, *, parts=(flat, power, turn, rates, bend, degenerate)):
            flat, power, turn, rates, bend, degenerate = parts
            y = turn.T @ x
            falls = -rates * y
            slopes = np.diag(-rates)
            # The continuum is no plane: w falls to a parabola over the first coordinate.
            if flat:
                falls[flat:] += rates[flat:] * bend[flat:] * y[0] ** 2
                slopes[flat:, 0] = 2 * rates[flat:] * bend[flat:] * y[0]
            falls[:flat], slopes[:flat] = 0, 0
            if degenerate:
                falls[0], slopes[0, 0] = -(y[0] ** power), -power * y[0] ** (power - 1)
            return turn @ falls, turn @ slopes @ turn.T

        assert flat_dimension(at, np.zeros(size)) == flat - degenerate, (seed, flat, power)


def test_a_jacobian_of_zeros_is_no_continuum():
    assert flat_dimension(lambda x: (-(x**3), np.diag(-3 * x**2)), np.zeros(2)) == 0
    assert flat_dimension(lambda x: (0 * x, np.zeros((2, 2))), np.zeros(2)) == 2
