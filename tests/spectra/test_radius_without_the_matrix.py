"""Spectral radii from products alone, against closed forms and the matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import mlp_gan, params_of, step_batch
from tests.spectra.closed_forms import CLOSED_FORMS

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simultaneous", "alternating", "consensus"])
def test_without_the_matrix_on_a_bilinear_game(name):
    build, transform, radius = CLOSED_FORMS[name]
    matrix = np.random.default_rng(0).normal(size=(20, 20)) / np.sqrt(20)
    v = gf.vector_field(gf.games.bilinear(jnp.asarray(matrix)))
    field = v if transform is None else transform(v)
    at = gf.Players(jnp.zeros(20), jnp.zeros(20))
    method = build(optax.sgd(0.7))
    dense, free = (gf.spectral_radius(method, field, at, dense_limit=n) for n in (400, 0))
    np.testing.assert_allclose(free.value, dense.value, rtol=0, atol=1e-9)
    singular = np.linalg.svd(matrix, compute_uv=False)
    expected = max(radius(0.7 * c, c) for c in singular)
    np.testing.assert_allclose(free.value, expected, rtol=0, atol=1e-9)
    assert dense.eigenvalues.shape == (40,)
    assert free.eigenvalues.shape == (6,)
    assert 0 < free.residual < 1e-9
    assert dense.residual == 0


@pytest.mark.long
def test_without_the_matrix_on_a_gan():
    case = mlp_gan("js")
    method = gf.alternating(optax.sgd(0.1, momentum=0.3))
    at, batch = params_of(case), step_batch(case, gf.simultaneous(optax.sgd(0.1)))
    v = gf.vector_field(case.game)
    dense, free = (
        gf.spectral_radius(method, v, at, batch=batch, dense_limit=n, key=jax.random.key(4))
        for n in (400, 0)
    )
    np.testing.assert_allclose(free.value, dense.value, rtol=1e-9)
    assert free.residual < 1e-9


@pytest.mark.long
@pytest.mark.parametrize("size", [2, 3, 4])
def test_without_the_matrix_on_the_smallest(size):
    v = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.arange(1.0, size + 1))))
    at = gf.Players(jnp.zeros(size), jnp.zeros(size))
    radius = gf.spectral_radius(gf.simultaneous(optax.sgd(0.1)), v, at, dense_limit=0)
    np.testing.assert_allclose(radius.value, np.hypot(1, 0.1 * size), rtol=0, atol=1e-9)


def large_bilinear_game():
    matrix = np.random.default_rng(0).normal(size=(250, 250)) / 16
    at = gf.Players(jnp.zeros(250), jnp.zeros(250))
    return gf.vector_field(gf.games.bilinear(jnp.asarray(matrix))), at


@pytest.mark.long
@pytest.mark.parametrize(
    "method",
    [gf.runge_kutta(optax.sgd(1.0), order=4), gf.lookahead(gf.simultaneous(optax.sgd(0.2)))],
    ids=["fourth order", "lookahead"],
)
def test_without_the_matrix_where_moduli_crowd_at_the_unit_circle(method):
    v, at = large_bilinear_game()
    dense = gf.spectral_radius(method, v, at, dense_limit=1000).value
    free = gf.spectral_radius(method, v, at)
    np.testing.assert_allclose(free.value, dense, rtol=0, atol=1e-9)
    assert free.residual < 1e-12


def rotations(moduli, angles):
    """A matrix with pairs of eigenvalues."""
    matrix = np.zeros((2 * len(moduli), 2 * len(moduli)))
    for i, value in enumerate(moduli * np.exp(1j * angles)):
        block = [[value.real, -value.imag], [value.imag, value.real]]
        matrix[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    return matrix


def step_by(matrix):
    """A field along which a step of length 1 is a product with the matrix, and its zero."""
    half = len(matrix) // 2

    def field(params, batch=None):
        x = jnp.concatenate(params)
        moved = jnp.asarray(matrix) @ x - x
        return gf.Players(moved[:half], moved[half:])

    return field, gf.Players(jnp.zeros(half), jnp.zeros(len(matrix) - half))


UNIT_STEP = gf.simultaneous(optax.sgd(1.0))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_a_pair_among_many_of_nearly_its_modulus_is_not_missed(seed):
    rng = np.random.default_rng(seed)
    moduli = np.concatenate([np.full(59, 0.97), [0.9701], rng.uniform(0, 0.9, 200)])
    field, at = step_by(rotations(moduli, rng.uniform(0.1, 3, moduli.size)))
    radius = gf.spectral_radius(UNIT_STEP, field, at, key=jax.random.key(seed))
    np.testing.assert_allclose(radius.value, 0.9701, rtol=0, atol=1e-9)
    assert radius.residual < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize(
    ("matrix", "radius"),
    [
        (np.zeros((402, 402)), 0.0),
        (0.7 * np.eye(402), 0.7),
        (np.ones((402, 402)) / 402, 1.0),
        (np.kron(np.diag(np.linspace(0, 0.9, 201)), [[1, 1], [0, 1]]), 0.9),  # defective
    ],
    ids=["zero", "identity", "rank one", "defective"],
)
def test_without_the_matrix_where_the_space_is_soon_whole_or_never(matrix, radius):
    value = gf.spectral_radius(UNIT_STEP, *step_by(matrix)).value
    np.testing.assert_allclose(value, radius, rtol=0, atol=1e-9 if radius != 0.9 else 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("matrix", ["crowd", "nilpotent"])
def test_eigenvalues_that_cannot_be_told_apart_are_refused(monkeypatch, matrix):
    monkeypatch.setattr("ganfield.spectra._leading._WHOLE", 39)
    monkeypatch.setattr("ganfield.spectra._spectral_radius._MOST_ROWS", 40)
    angles = np.random.default_rng(0).uniform(0.1, 3, 100)
    crowd, nilpotent = rotations(np.linspace(0.96, 0.97, 100), angles), np.diag(np.ones(39), 1)
    field, at = step_by({"crowd": crowd, "nilpotent": nilpotent}[matrix])
    size = at.theta.size + at.phi.size
    with pytest.raises(ValueError, match=f"dense_limit must be {size} or more here"):
        gf.spectral_radius(UNIT_STEP, field, at, dense_limit=0)
    assert gf.spectral_radius(UNIT_STEP, field, at).value < 0.97 + 1e-9
