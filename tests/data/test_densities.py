"""Distributions of the plane beside their densities, and beside what their papers' code draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

import ganfield as gf

KEY = jax.random.key(0)
BUILDERS = {
    name: getattr(gf.data, name)
    for name in ("ring", "grid", "two_moons", "spiral", "swiss_roll", "nested_rings",
                 "checkerboard", "pinwheel")
}  # fmt: skip
NEW = ("swiss_roll", "nested_rings", "checkerboard", "pinwheel")
PARTS = {"nested_rings": 4, "checkerboard": 8, "pinwheel": 5}
BARE = {"nested_rings": {"std": 0.0}, "pinwheel": {"radial_std": 0.2, "tangential_std": 0.0}}
# Wider than by default, so that a grid of some hundred cells sees the densities.
WIDE = {"ring": {"std": 0.2}, "grid": {"std": 0.4}, "spiral": {"std": 0.1}}


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_samples_are_spread_as_the_density_says(name):
    data = BUILDERS[name](**WIDE.get(name, {}))
    points = np.asarray(data.sample(KEY, 40_000), float)
    low, high = points.min(axis=0) - 0.3, points.max(axis=0) + 0.3
    if name == "checkerboard":
        low, high = np.full(2, -4.0), np.full(2, 4.0)
    edges = [np.linspace(a, b, 161) for a, b in zip(low, high, strict=True)]
    middles = [(each[1:] + each[:-1]) / 2 for each in edges]
    at = np.stack(np.meshgrid(*middles, indexing="ij"), axis=-1).reshape(-1, 2)
    cell = np.prod((high - low) / 160)
    mass = np.exp(np.asarray(jax.jit(data.log_density)(at), float)).reshape(160, 160) * cell
    assert mass.sum() == pytest.approx(1, abs=2e-3)
    expected = len(points) * mass.reshape(16, 10, 16, 10).sum(axis=(1, 3))
    counts = np.histogram2d(*points.T, bins=[each[::10] for each in edges])[0]
    large = expected >= 5
    # What lies in small cells together is one more.
    both = [np.append(each[large], each[~large].sum()) for each in (counts, expected)]
    both = [each[:-1] if min(both[1][-1], both[0][-1]) < 5 else each for each in both]
    # Parts have shares that do not vary, so χ² is below its law; far below none of them is.
    statistic = np.sum((both[0] - both[1]) ** 2 / both[1])
    assert statistic < scipy.stats.chi2(len(both[0]) - 1).ppf(0.999)
    assert counts[expected < 1e-3].sum() <= 3


@pytest.mark.slow
def test_rings_have_their_closed_form():
    data = gf.data.nested_rings(3, radius=1.5, std=0.2)
    away = np.linspace(0, 2, 9)
    radii = np.array([0.5, 1.0, 1.5])
    each = np.exp(-((away[:, None] - radii) ** 2) / 0.08)
    each *= scipy.special.i0e(away[:, None] * radii / 0.04) / (0.08 * np.pi)
    points = np.stack([0.6 * away, -0.8 * away], axis=1)
    np.testing.assert_allclose(data.log_density(points), np.log(each.mean(axis=1)), atol=1e-4)


@pytest.mark.slow
def test_a_checkerboard_is_filled_as_in_its_code():
    """Which squares: x, and y in [0, 1) or [−2, −1), one higher where ⌊x⌋ is odd; all by two."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 500)
    y = rng.uniform(0, 1, 500) - 2 * rng.integers(0, 2, 500) + np.floor(x) % 2
    data = gf.data.checkerboard()
    inside = 2 * np.stack([x, y], axis=1)
    np.testing.assert_allclose(data.log_density(inside), -np.log(32), rtol=1e-6)
    assert np.all(np.isneginf(data.log_density(inside + np.array([2, 0]))))
    assert np.all(np.isneginf(data.log_density([[4.1, 0.1], [-9, -9]])))
    coverage = gf.evaluation.mode_coverage(
        data.sample(KEY, 800), data.modes, radius=data.side / 2**0.5
    )
    assert (int(coverage.modes_covered), float(coverage.high_quality)) == (8, 1)


@pytest.mark.slow
def test_a_pinwheel_is_turned_as_in_its_code():
    data = gf.data.pinwheel(radial_std=0.2, tangential_std=0.0)
    points = np.asarray(data.sample(KEY, 1000), float).reshape(5, 200, 2) / 2
    for k, arm in enumerate(points):
        # Without a spread across, x is the distance from the origin.
        along = np.linalg.norm(arm, axis=1)
        angles = 2 * np.pi * k / 5 + 0.25 * np.exp(along)
        expected = np.stack([along * np.cos(angles), -along * np.sin(angles)], axis=1)
        np.testing.assert_allclose(arm, expected, atol=1e-5)
        assert scipy.stats.kstest((along - 1) / 0.2, "norm").pvalue > 1e-3


@pytest.mark.slow
def test_a_swiss_roll_is_that_of_its_code():
    points = np.asarray(gf.data.swiss_roll(std=0.0).sample(KEY, 1000), float) * 5
    angles = np.linalg.norm(points, axis=1)
    expected = angles[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(points, expected, atol=1e-4)
    uniform = scipy.stats.uniform(1.5 * np.pi, 3 * np.pi)
    assert scipy.stats.kstest(angles, uniform.cdf).pvalue > 1e-3


def part_of(name, points):
    """Return the ring, square or arm of each point, of data without noise."""
    data = BUILDERS[name]()
    if name == "checkerboard":
        return np.argmin(((points[:, None] - data.modes) ** 2).sum(axis=-1), axis=1)
    away = np.linalg.norm(points, axis=1)
    if name == "nested_rings":
        return np.round(away / 0.75).astype(int) - 1
    turn = np.arctan2(-points[:, 1], points[:, 0]) - 0.25 * np.exp(away / 2)
    return np.round(turn / (2 * np.pi / 5)).astype(int) % 5


@pytest.mark.slow
@pytest.mark.parametrize("size", [3, 17])
@pytest.mark.parametrize("name", PARTS)
def test_a_small_batch_shows_every_part(name, size):
    data = BUILDERS[name](**BARE.get(name, {}))
    draw = jax.jit(jax.vmap(lambda key: data.sample(key, size)))
    shown = np.zeros(PARTS[name])
    for points in np.asarray(draw(jax.random.split(KEY, 40)), float):
        counts = np.bincount(part_of(name, points), minlength=PARTS[name])
        assert set(counts) <= {size // PARTS[name], -(-size // PARTS[name])}
        shown += counts > 0
    assert np.all(shown > 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NEW)
def test_samples_and_densities_are_pure(name):
    data = BUILDERS[name]()
    keys = jax.random.split(KEY, 2)
    # The data are an argument: their numbers may be traced.
    sample = jax.jit(lambda data, key: data.sample(key, 9))
    each = np.stack([sample(data, key) for key in keys])
    together = jax.jit(jax.vmap(lambda data, key: data.sample(key, 9), in_axes=(None, 0)))
    np.testing.assert_allclose(together(data, keys), each, rtol=1e-5, atol=1e-5)
    assert np.all(each[0] != each[1])
    densities = jax.jit(jax.vmap(lambda data, at: data.log_density(at), in_axes=(None, 0)))
    one = jax.jit(lambda data, at: data.log_density(at))(data, each[1])
    np.testing.assert_allclose(densities(data, each)[1], one, rtol=1e-4, atol=1e-4)
    with jax.enable_x64(True):
        shapes = jax.eval_shape(lambda at: (data.sample(KEY, 9), data.log_density(at)), each[0])
        assert [shape.dtype for shape in shapes] == [jnp.float64, jnp.float64]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gf.data.checkerboard(0), "num_per_side must be an integer ≥ 1, got 0"),
        (lambda: gf.data.checkerboard(width=0), "width must be a number > 0, got 0"),
        (lambda: gf.data.pinwheel(2.5), "num_arms must be an integer ≥ 1, got 2.5"),
        (lambda: gf.data.pinwheel(rate=-1), "rate must be a number ≥ 0, got -1"),
        (lambda: gf.data.pinwheel(scale=0.0), "scale must be a number > 0, got 0.0"),
        (lambda: gf.data.nested_rings(radius=-1), "radius must be a number > 0, got -1"),
        (lambda: gf.data.swiss_roll(std=-1), "std must be a number ≥ 0, got -1"),
        (lambda: gf.data.checkerboard().sample(KEY, 0), "size must be an integer ≥ 1, got 0"),
        (lambda: gf.data.ring().log_density([0.0, 0.0]), r"points must have shape \(n, 2\)"),
        (lambda: gf.data.ring(std=0).log_density([[0, 0]]), "std must be a number > 0 for a dens"),
        (
            lambda: gf.data.pinwheel(radial_std=0).log_density([[0, 0]]),
            "radial_std must be a number > 0 for a density, got 0",
        ),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
