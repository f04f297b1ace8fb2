"""Mode coverage against SciPy's distances and divergence, and against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist, jensenshannon

import ganfield as gf

coverage = gf.evaluation.mode_coverage


def reference(samples, modes, radius, min_share=0.01):
    """What `mode_coverage` should find, by NumPy and SciPy, for samples that are finite."""
    distances = cdist(samples, modes)
    nearest, close = distances.argmin(axis=1), distances.min(axis=1) <= radius
    n, num_modes = distances.shape
    histogram = np.bincount(nearest[close], minlength=num_modes) / n
    shares = np.bincount(nearest, minlength=num_modes) / n
    return gf.evaluation.ModeCoverage(
        modes_covered=(histogram >= min_share).sum(),
        modes_hit=(histogram > 0).sum(),
        high_quality=close.mean(),
        jsd=jensenshannon(shares, np.full(num_modes, 1 / num_modes)) ** 2,
        histogram=histogram,
    )


def noisy(seed, n=300, dimensions=2, num_modes=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dimensions)), rng.normal(size=(num_modes, dimensions))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dimensions", [1, 2, 7])
@pytest.mark.parametrize("radius", [0.1, 0.7, 2.0])
@pytest.mark.parametrize("min_share", [0.01, 0.2])
def test_agrees_with_scipy(dimensions, radius, min_share):
    samples, modes = noisy(dimensions, dimensions=dimensions)
    scores = coverage(samples, modes, radius=radius, min_share=min_share)
    expected = reference(samples, modes, radius, min_share)
    for name, value in expected._asdict().items():
        np.testing.assert_allclose(getattr(scores, name), value, rtol=1e-12, err_msg=name)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("counts", [[1, 1, 1, 1], [4, 0, 0, 0], [7, 2, 0, 1], [3, 3, 0, 0]])
def test_jsd_of_known_counts(counts):
    modes = np.eye(4)
    scores = coverage(np.repeat(modes, counts, axis=0), modes, radius=0.1)
    p = np.array(counts) / sum(counts)
    np.testing.assert_allclose(scores.jsd, jensenshannon(p, np.full(4, 0.25)) ** 2, atol=1e-15)
    np.testing.assert_allclose(scores.histogram, p, rtol=1e-15)
    assert scores.high_quality == 1
    assert scores.modes_hit == np.count_nonzero(counts)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_jsd_of_one_mode_of_many_nears_log_2():
    jsds = []
    for m in (2, 8, 1000):
        modes = np.arange(m, dtype=float)[:, None]
        scores = coverage(np.zeros((3, 1)), modes, radius=0.1)
        # p is (1, 0, …), q is 1/m everywhere; the sums of the definition, by hand.
        mixed = (1 + 1 / m) / 2
        exact = (-np.log(mixed) + np.log(1 / m / mixed) / m + (m - 1) / m * np.log(2)) / 2
        np.testing.assert_allclose(scores.jsd, exact, rtol=1e-12)
        jsds.append(float(scores.jsd))
    assert sorted(jsds) == jsds
    assert np.log(2) - 0.01 < jsds[-1] < np.log(2)


@pytest.mark.long
def test_perfect_sampler():
    n, p = 40_000, 1 - np.exp(-9 / 2)
    mixture = gf.data.ring()
    samples = mixture.sample(jax.random.key(0), n)
    scores = coverage(samples, mixture.modes, radius=3 * mixture.std)
    assert abs(scores.high_quality - p) < 4 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(scores.histogram, p / 8, atol=4 * np.sqrt(p * (1 - p) / n / 8))
    assert (scores.modes_covered, scores.modes_hit) == (8, 8)
    # Each mode has exactly an eighth of the samples, near or not.
    np.testing.assert_allclose(scores.jsd, 0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [1, 2])
def test_radius_bounds_the_distance(dimensions):
    modes = np.zeros((1, dimensions))
    samples = np.zeros((4, dimensions))
    samples[:, 0] = [0.0, 0.5, -0.5, 0.5625]
    np.testing.assert_allclose(coverage(samples, modes, radius=0.5).high_quality, 0.75)
    np.testing.assert_allclose(coverage(samples, modes, radius=0.49).high_quality, 0.25)
    np.testing.assert_allclose(coverage(samples, modes, radius=0.0).high_quality, 0.25)


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 300, 700, 2500])
def test_a_mode_is_covered_from_the_smallest_share_on(n):
    modes = np.array([[0.0], [10.0], [20.0], [30.0]])
    enough = n // 100
    counts = [n - 2 * enough + 1, enough, enough - 1, 0]
    scores = coverage(np.repeat(modes, counts, axis=0), modes, radius=1.0)
    assert scores.modes_covered == 2
    assert scores.modes_hit == np.count_nonzero(counts)


@pytest.mark.slow
def test_far_samples_lower_quality_but_count_in_the_jsd():
    modes = np.array([[0.0, 0.0], [10.0, 0.0]])
    samples = np.array([[0.0, 0.0], [4.0, 0.0], [3.0, 1.0], [10.0, 0.0]])
    scores = coverage(samples, modes, radius=1.0)
    np.testing.assert_allclose(scores.histogram, [0.25, 0.25])
    assert scores.high_quality == 0.5
    jsd = jensenshannon([0.75, 0.25], [0.5, 0.5]) ** 2
    np.testing.assert_allclose(scores.jsd, jsd, rtol=1e-5)


@pytest.mark.slow
def test_what_is_not_finite_is_near_no_mode():
    modes = gf.data.ring(4).modes
    lost = np.array([[np.nan, 0.0], [np.inf, 0.0], [-np.inf, np.inf], [np.nan, np.nan]])
    scores = coverage(np.concatenate([modes, lost]), modes, radius=0.1)
    np.testing.assert_allclose(scores.histogram, 1 / 8)
    assert scores.high_quality == 0.5
    assert scores.modes_hit == 4
    nothing = coverage(lost, modes, radius=0.1)
    assert (nothing.modes_hit, nothing.modes_covered, nothing.high_quality) == (0, 0, 0)
    np.testing.assert_array_equal(nothing.histogram, 0)


@pytest.mark.long
def test_jit_and_vmap_change_nothing():
    _, modes = noisy(0)
    samples = jnp.stack([noisy(seed)[0] for seed in range(3)])
    radii = jnp.array([0.3, 0.6, 0.9])

    def score(samples, radius):
        return coverage(samples, modes, radius=radius)

    batched, jitted = jax.vmap(score)(samples, radii), jax.jit(score)
    for index in range(3):
        eager = score(samples[index], radii[index])
        other = jitted(samples[index], radii[index])
        for name in eager._fields:
            expected = getattr(eager, name)
            for value in (getattr(batched, name)[index], getattr(other, name)):
                np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_have_the_dtype_of_the_samples(dtype):
    samples, modes = noisy(0)
    score = coverage(jnp.asarray(samples, dtype), modes, radius=0.5)
    assert {score.high_quality.dtype, score.jsd.dtype, score.histogram.dtype} == {np.dtype(dtype)}
    assert jnp.issubdtype(score.modes_hit.dtype, jnp.integer)
    assert jnp.issubdtype(score.modes_covered.dtype, jnp.integer)


@pytest.mark.parametrize(
    ("samples", "modes"),
    [((4,), (3, 2)), ((4, 2), (2,)), ((4, 2), (3, 3)), ((2, 4, 2), (3, 2)), ((), (3, 2))],
)
def test_shapes_that_do_not_fit_are_refused(samples, modes):
    with pytest.raises(ValueError, match="samples and modes must have shapes"):
        coverage(np.zeros(samples), np.zeros(modes), radius=1.0)


@pytest.mark.slow
def test_integer_samples_are_scored_as_floats():
    modes = np.array([[0.5, 0.5], [5.0, 5.0]])
    scores = gf.evaluation.mode_coverage(jnp.array([[0, 0], [5, 5]]), modes, radius=0.3)
    np.testing.assert_allclose(scores.histogram, [0, 0.5])
    assert float(scores.high_quality) == 0.5


def test_samples_that_are_not_finite_are_near_no_mode():
    modes = np.array([[1.0, 0.0], [-1.0, 0.0]])
    samples = jnp.array([[1.0, 0.0], [-1.0, 0.0], [jnp.nan, 0.0], [jnp.inf, 0.0]])
    scores = gf.evaluation.mode_coverage(samples, modes, radius=jnp.inf)
    assert float(scores.high_quality) == 0.5
    assert float(scores.jsd) == 0.0
    assert np.isnan(gf.evaluation.mode_coverage(samples[2:], modes, radius=0.1).jsd)


def test_a_negative_radius_is_refused():
    with pytest.raises(ValueError, match="radius must be a number ≥ 0"):
        gf.evaluation.mode_coverage(jnp.zeros((1, 2)), np.zeros((1, 2)), radius=-1.0)
