"""Densities of S and A against NumPy's eigenvalues, and error bars that cover."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf
from ganfield import _compiled, _memory
from ganfield.spectra._both_products import signs
from tests.cases import batch_of, mlp_gan, params_of
from tests.rough_fields import START, backwards_only, callback
from tests.spectra.linear import (
    game_like,
    jacobian_of,
    linear,
    multiplied,
    somewhere,
    together,
    zeros,
)

PARTS = ("symmetric", "antisymmetric")


def eigenvalues_of(matrix, part):
    """Real ones of S, imaginary parts of A's."""
    if part == "symmetric":
        return np.linalg.eigvalsh((matrix + matrix.T) / 2)
    return np.linalg.eigvalsh((matrix - matrix.T) / 2j)


def smoothed(values, points, width):
    return scipy.stats.norm.pdf(points[:, None], values, width).mean(axis=1)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("part", PARTS)
def test_games_of_two_numbers_have_their_eigenvalues(part):
    params = somewhere(0)
    values = eigenvalues_of(jacobian_of(together, params), part)
    density = gf.spectral_density(together, params, part=part, num_probes=len(values), width=0.05)
    # All unit vectors were probes, so that nothing is random.
    assert not density.standard_error.any()
    np.testing.assert_allclose(density.weights.sum(axis=1), 1)
    for power in range(5):
        moment = np.mean(np.sum(density.weights * density.nodes**power, axis=1))
        assert moment == pytest.approx(np.mean(values**power), rel=1e-9, abs=1e-9)
    truth = smoothed(values, density.points, density.width)
    np.testing.assert_allclose(density.density, truth, atol=1e-7 * truth.max())


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_a_transform_of_a_network_has_its_density():
    case = mlp_gan()
    field = gf.consensus(gf.vector_field(case.game), gamma=0.7)
    params, batch = params_of(case), batch_of(case)
    matrix = jacobian_of(field, params, batch)
    for part in PARTS:
        density = gf.spectral_density(field, params, batch, part=part, num_probes=len(matrix))
        values = eigenvalues_of(matrix, part)
        truth = smoothed(values, density.points, density.width)
        np.testing.assert_allclose(density.density, truth, atol=1e-6 * truth.max())
        assert (density.size, density.part) == (len(matrix), part)
        assert not density.standard_error.any()
        assert density.quadrature_error == 0
        np.testing.assert_allclose(
            [density.nodes.min(), density.nodes.max()], values[[0, -1]], atol=1e-9
        )


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_quadrature_is_exact_for_polynomials():
    """Of degree 2m − 1, for each probe: zᵀSᵏz/n, which NumPy multiplies out."""
    rng, key = np.random.default_rng(1), jax.random.key(5)
    for seed in range(4):
        matrix = rng.normal(size=(20, 20)) / 5
        for part, sign in (("symmetric", 1), ("antisymmetric", -1)):
            density = gf.spectral_density(
                linear, zeros(8, 12), matrix, part=part, num_probes=2, num_steps=4,
                key=jax.random.fold_in(key, seed),
            )  # fmt: skip
            half = (matrix + sign * matrix.T) / (2 if sign == 1 else 2j)
            for number in range(2):
                probe_key = jax.random.fold_in(jax.random.fold_in(key, seed), number)
                probe = signs(probe_key, multiplied(None, zeros(8, 12), matrix, user=""))
                image = probe.astype(complex)
                for power in range(8):
                    moment = np.sum(density.weights[number] * density.nodes[number] ** power)
                    assert moment == pytest.approx((probe @ image).real / 20, rel=1e-9, abs=1e-11)
                    image = half @ image


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_error_bars_cover(monkeypatch):
    """Over 300 matrices, with as many steps as the width needs."""
    monkeypatch.setattr("ganfield.spectra._density.both_products", multiplied)
    rng, covered, deviations = np.random.default_rng(2), [], []
    for seed in range(300):
        matrix, part = game_like(rng, 25, 35), PARTS[seed % 2]
        density = gf.spectral_density(
            linear, zeros(25, 35), matrix, part=part, num_steps=24, num_points=40,
            key=jax.random.key(seed),
        )  # fmt: skip
        truth = smoothed(eigenvalues_of(matrix, part), density.points, density.width)
        off, told = density.density - truth, truth > 1e-3 * truth.max()
        bar = scipy.stats.t.ppf(0.975, 15) * density.standard_error + density.quadrature_error
        covered.append(np.mean(np.abs(off)[told] <= bar[told]))
        deviations.append((off / density.standard_error)[told])
        assert density.quadrature_error < 1e-3 * truth.max()
    # Of 95 %, but for the skewness of squares.
    assert np.mean(covered) > 0.91
    # Nor are the bars wider than they must be, or off to one side.
    deviations = np.concatenate(deviations)
    assert 0.8 < np.sqrt(np.mean(deviations**2)) < 1.4
    assert abs(np.mean(deviations)) < 0.3


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_what_steps_do_not_resolve_is_said(monkeypatch):
    """With all unit vectors as probes only quadrature is off."""
    monkeypatch.setattr("ganfield.spectra._density.both_products", multiplied)
    rng, shares = np.random.default_rng(6), []
    for seed in range(12):
        matrix, part = game_like(rng, 25, 35), PARTS[seed % 2]
        values = eigenvalues_of(matrix, part)
        for width in (0.3, 0.6, 1.0, 1.5):
            density = gf.spectral_density(
                linear, zeros(25, 35), matrix, part=part, num_probes=60, num_steps=10,
                width=width * np.ptp(values) / 10, num_points=60,
            )  # fmt: skip
            truth = smoothed(values, density.points, density.width)
            assert np.abs(density.density - truth).max() <= density.quadrature_error
            highest = (density.width * (2 * np.pi) ** 0.5) ** -1
            shares.append(density.quadrature_error / highest)
    shares = np.reshape(shares, (12, 4)).max(axis=0)
    assert shares[0] == 1
    assert shares[-1] < 1e-3


@pytest.mark.slow
def test_precision_is_that_of_the_parameters():
    matrix = game_like(np.random.default_rng(3), 20, 20)
    options = {"part": "symmetric", "num_steps": 16, "num_probes": 4, "width": 0.1}
    single = gf.spectral_density(linear, zeros(20, 20), matrix.astype(np.float32), **options)
    with jax.enable_x64(True):
        double = gf.spectral_density(linear, zeros(20, 20), matrix, **options)
    for density in (single, double):
        assert all(np.asarray(x).dtype == np.float64 for x in density[1:4])
    np.testing.assert_allclose(single.nodes, double.nodes, atol=2e-5)
    assert np.abs(single.nodes - double.nodes).max() > 1e-9


@pytest.mark.slow
def test_zeros_by_hundreds_are_counted():
    """Of S = diag(−1, …, −1, 0, …), where Lanczos' method ends after two steps."""

    def flat(params, batch=None):
        return jax.tree.map(lambda leaf: jnp.where(jnp.arange(200) < 10, -leaf, 0 * leaf), params)

    params = gf.Players(jnp.zeros(200), jnp.zeros(200))
    density = gf.spectral_density(flat, params, part="symmetric", num_probes=3)
    assert density.nodes.shape == (3, 2)
    np.testing.assert_allclose(density.nodes, [[-1, 0]] * 3, atol=1e-6)
    np.testing.assert_allclose(density.weights, [[0.05, 0.95]] * 3, atol=1e-6)
    np.testing.assert_allclose(density.standard_error, 0, atol=1e-5)


@pytest.mark.slow
def test_closed_forms():
    sigma = jnp.array([1.0, 2.0, 3.0])
    v = gf.vector_field(gf.games.bilinear(jnp.diag(sigma)))
    zero = gf.Players(jnp.zeros(3), jnp.zeros(3))
    turning = gf.spectral_density(v, zero, part="antisymmetric", width=0.01)
    peaks = turning.nodes[turning.weights > 0.01]
    assert sorted(set(np.abs(peaks).round(5))) == [1, 2, 3]
    still = gf.spectral_density(v, zero, part="symmetric")
    assert not still.nodes.any()
    assert still.width > 0
    assert np.isfinite(still.density).all()


@pytest.mark.slow
def test_keys_decide_and_nothing_compiles_again():
    matrix = game_like(np.random.default_rng(4), 6, 30).astype(np.float32)

    def density(seed, **options):
        options = {"num_probes": 2, "num_steps": 5, "part": "symmetric"} | options
        key = jax.random.key(seed)
        return gf.spectral_density(linear, zeros(6, 30), matrix, key=key, **options)

    first, programs = density(0), len(_compiled._programs)
    np.testing.assert_array_equal(density(0).nodes, first.nodes)
    assert np.abs(density(1, part="antisymmetric").nodes - first.nodes).max() > 0
    assert np.abs(density(1).nodes - first.nodes).max() > 0
    assert len(_compiled._programs) == programs
    assert np.isnan(density(0, num_probes=1).standard_error).all()
    assert repr(first).startswith("SpectralDensity: 36 real eigenvalues of the symmetric part, ")
    assert "2 probes of 5 steps" in repr(first)
    assert "SpectralDensity" in first._repr_html_()


V = gf.vector_field(gf.games.dirac_gan())
POINT = gf.Players(1.0, 0.5)


@pytest.mark.parametrize("part", ["jacobian", "J", None, ["symmetric"], "Symmetric"])
def test_the_jacobian_has_no_density(part):
    with pytest.raises(ValueError, match=r"unknown part .*The density of a Jacobian itself is not"):
        gf.spectral_density(V, POINT, part=part)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"part": "symetric"}, "did you mean 'symmetric'"),
        ({"num_probes": 0}, "num_probes must be an integer ≥ 1, got 0"),
        ({"num_steps": 1}, "num_steps must be an integer ≥ 2, got 1"),
        ({"num_points": 1}, "num_points must be an integer ≥ 2, got 1"),
        ({"width": 0.0}, "width must be a finite number > 0, got 0.0"),
        ({"key": 0}, r"key must be a typed key, such as jax.random.key\(0\), got 0"),
        (
            {"params": gf.Players((), ()), "field": lambda p, b: p},
            "params must hold at least one number",
        ),
        ({"params": (1.0, 2.0)}, "params must be gf.Players"),
        ({"field": gf.games.sine()}, "got a Game: give gf.vector_field"),
        ({"num_points": 10**13}, "num_points must be at most"),
    ],
)
def test_bad_input(options, message):
    options = {"field": V, "params": POINT, "part": "symmetric"} | options
    with pytest.raises(ValueError, match=message):
        gf.spectral_density(**options)


def kinked(params, batch=None):
    return gf.Players(-jnp.abs(params.theta) - params.phi, params.theta - params.phi)


def cut(params, batch=None):
    return gf.Players(-params.phi, jax.lax.stop_gradient(params.theta))


@pytest.mark.parametrize(
    ("field", "params", "message"),
    [
        (kinked, gf.Players(0.0, 0.0), "a kink or a jump"),
        (cut, POINT, "a derivative that is cut"),
        (lambda p, batch=None: jax.tree.map(jnp.log, p), gf.Players(0.0, 1.0), "is not"),
        (lambda p, batch=None: jax.tree.map(jnp.log, p), gf.Players(-1.0, 1.0), "is not"),
        (backwards_only, START, "spectral_density needs Jacobian–vector products of the field"),
        (callback, START, "JAX cannot take them of this one"),
    ],
)
def test_fields_that_have_none(field, params, message):
    with pytest.raises(ValueError, match=message):
        gf.spectral_density(field, params, part="symmetric")


def test_memory_is_asked_for_first(monkeypatch):
    monkeypatch.setattr(_memory, "free_memory", lambda: 2.0**25)
    wide = gf.Players(np.zeros(200_000, np.float32), np.zeros(200_000, np.float32))
    with pytest.raises(ValueError, match=r"num_steps must be at most 20 here, got 64: the vectors"):
        gf.spectral_density(lambda p, batch=None: p, wide, part="symmetric")
