"""A field along a segment against NumPy's formulas and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf
from ganfield import _compiled
from tests.cases import batch_of, mlp_gan, params_of
from tests.spectra.linear import game_like, linear, somewhere, together, zeros
from tests.spectra.test_densities import cut

V = gf.vector_field(gf.games.dirac_gan())
FAR, ORIGIN = gf.Players(1.0, 0.5), gf.Players(0.0, 0.0)


def cosine(one, other):
    """Along the last axis."""
    lengths = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return np.sum(one * other, axis=-1) / lengths


def filled(params, numbers):
    return jax.flatten_util.ravel_pytree(params)[1](jnp.asarray(numbers))


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_linear_fields_against_numpy():
    rng, shape = np.random.default_rng(0), zeros(4, 5)
    for _ in range(10):
        matrix = game_like(rng, 4, 5) * 10.0 ** rng.uniform(-3, 3)
        start, end = rng.normal(size=(2, 9))
        bounds = (rng.uniform(-1, 0), rng.uniform(1, 2))
        path = gf.path_diagnostics(
            linear, filled(shape, start), filled(shape, end), matrix, bounds=bounds, num_points=7
        )
        np.testing.assert_allclose(path.alpha, np.linspace(*bounds, 7), rtol=1e-14)
        value = (start + path.alpha[:, None] * (end - start)) @ matrix.T
        slope = value @ matrix
        np.testing.assert_allclose(path.cosine, cosine(value, end - start), atol=1e-12)
        np.testing.assert_allclose(path.norm, np.linalg.norm(value, axis=1), rtol=1e-12)
        np.testing.assert_allclose(path.gradient_cosine, cosine(value, slope), atol=1e-12)
        np.testing.assert_allclose(path.gradient_norm, np.linalg.norm(slope, axis=1), rtol=1e-12)
        np.testing.assert_allclose(path.distance, np.linalg.norm(end - start), rtol=1e-14)
        np.testing.assert_allclose(np.cos(path.angle), path.cosine, atol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_games_of_two_numbers_against_differences():
    h, value_at = 1e-6, jax.jit(lambda x: jnp.concatenate(together(gf.Players(*x.reshape(2, -1)))))
    for seed in range(2):
        start, end = somewhere(2 * seed), somewhere(2 * seed + 1)
        path = gf.path_diagnostics(together, start, end, num_points=5)
        first, last = (np.concatenate(point) for point in (start, end))
        points = first + path.alpha[:, None] * (last - first)
        value = np.stack([value_at(point) for point in points])
        np.testing.assert_allclose(path.norm, np.linalg.norm(value, axis=1), rtol=1e-12)
        np.testing.assert_allclose(path.cosine, cosine(value, last - first), atol=1e-12)

        def half_square(point):
            return np.sum(np.asarray(value_at(point)) ** 2) / 2

        steps = h * np.eye(first.size)
        slope = np.array(
            [[half_square(x + step) - half_square(x - step) for step in steps] for x in points]
        ) / (2 * h)
        np.testing.assert_allclose(path.gradient_norm, np.linalg.norm(slope, axis=1), rtol=1e-5)
        np.testing.assert_allclose(path.gradient_cosine, cosine(value, slope), atol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_a_network_against_jax():
    case = mlp_gan()
    batch, v = batch_of(case), gf.vector_field(case.game)
    start, end = (params_of(case, seed) for seed in (0, 1))
    path = gf.path_diagnostics(v, start, end, batch, num_points=3)
    of_l = jax.jit(
        jax.grad(lambda p: sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(v(p, batch))) / 2)
    )
    for number, alpha in enumerate(path.alpha):
        point = jax.tree.map(lambda a, b, alpha=alpha: a + alpha * (b - a), start, end)
        value, slope = (
            np.asarray(jax.flatten_util.ravel_pytree(of(point))[0])
            for of in (jax.jit(lambda p: v(p, batch)), of_l)
        )
        np.testing.assert_allclose(path.norm[number], np.linalg.norm(value), rtol=1e-12)
        np.testing.assert_allclose(path.gradient_cosine[number], cosine(value, slope), atol=1e-10)


@pytest.mark.slow
def test_signs_of_berard():
    """Attraction changes the sign at the end, rotation stands across."""
    start = gf.Players(jnp.array([1.0]), jnp.array([0.0]))
    end = gf.Players(jnp.zeros(1), jnp.zeros(1))

    def path(rotation, attraction):
        matrix = np.array([[-attraction, -rotation], [rotation, -attraction]], np.float32)
        return gf.path_diagnostics(
            linear, start, end, jnp.asarray(matrix), bounds=(0.5, 1.5), num_points=3
        )

    np.testing.assert_allclose(path(0.0, 1.0).cosine, [1, np.nan, -1], atol=1e-6)
    np.testing.assert_allclose(path(1.0, 0.0).cosine, [0, np.nan, 0], atol=1e-6)
    root = 0.5**0.5
    np.testing.assert_allclose(path(1.0, 1.0).cosine, [root, np.nan, -root], atol=1e-6)
    # L is kept by a rotation, and falls where S is negative.
    np.testing.assert_allclose(path(1.0, 0.0).gradient_cosine, [0, np.nan, 0], atol=1e-6)
    np.testing.assert_allclose(path(0.0, 1.0).gradient_cosine, [-1, np.nan, -1], atol=1e-6)


def test_large_numbers_and_those_that_are_none():
    start, end = (filled(zeros(2, 2), np.full(4, x, np.float32)) for x in (0.0, 1.0))
    matrix = np.eye(4, dtype=np.float32)
    path = gf.path_diagnostics(linear, start, end, matrix * 1e25, bounds=(1, 2), num_points=2)
    np.testing.assert_allclose(path.norm, [2e25, 4e25], rtol=1e-6)
    np.testing.assert_allclose(path.cosine, 1, rtol=1e-6)
    assert path.norm.dtype == np.float64

    def logarithm(params, batch=None):
        return jax.tree.map(jnp.log, params)

    left = gf.path_diagnostics(
        logarithm, gf.Players(-1.1, 1.0), gf.Players(1.0, 2.0), bounds=(0.1, 0.9), num_points=3
    )
    assert np.isnan(left.norm).tolist() == [True, True, False]


@pytest.mark.slow
def test_nothing_compiles_again():
    other = gf.Players(0.3, 0.2)
    first = gf.path_diagnostics(V, FAR, ORIGIN, num_points=3)
    programs = len(_compiled._programs)
    second = gf.path_diagnostics(V, other, ORIGIN, num_points=3, bounds=(0, 2))
    assert len(_compiled._programs) == programs
    assert first.distance != second.distance
    assert repr(first).startswith("PathDiagnostics: 3 points from α = -0.1 to 1.1, distance 1.118")
    assert "PathDiagnostics" in first._repr_html_()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"end": FAR}, "end must be another point than start"),
        ({"end": gf.Players(jnp.zeros(2), 0.0)}, r"end\.theta must have the shape of start"),
        ({"start": gf.Players(np.nan, 0.0)}, "start must be finite"),
        ({"end": gf.Players(np.inf, 0.0)}, "end must be finite"),
        ({"start": (1.0, 2.0)}, "params must be gf.Players"),
        ({"bounds": (1, 0)}, "bounds must be"),
        ({"num_points": 1}, "num_points must be an integer ≥ 2, got 1"),
        ({"num_points": 10**13}, "num_points must be at most"),
        ({"field": gf.games.sine()}, "got a Game"),
        (
            {"field": cut},
            "between start and end, at α = 0.38, params must be a point where .* is cut",
        ),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        gf.path_diagnostics(**{"field": V, "start": FAR, "end": ORIGIN} | options)
