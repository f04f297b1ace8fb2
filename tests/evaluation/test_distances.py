"""Distances, scores and shares of features against closed forms, brute force and SciPy."""

import itertools
import math

import jax
import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, jensenshannon
from scipy.special import softmax

from ganfield.evaluation import (
    Moments,
    SmallSampleWarning,
    _precision_recall,
    class_histogram,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)
from ganfield.evaluation._precision_recall import precision_recall_beside, radii_of_real

X = np.random.default_rng(5).normal(size=(50, 3))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def exact_gaussian(mean, covariance, n=3000):
    """Points whose sample mean and covariance are exactly these."""
    noise = np.random.default_rng(len(mean)).normal(size=(n, len(mean)))
    noise -= noise.mean(axis=0)
    whitened = noise @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(noise.T))).T)
    return whitened @ np.linalg.cholesky(covariance).T + mean


def random_covariance(seed, dimensions):
    root = np.random.default_rng(seed).normal(size=(dimensions, dimensions))
    return root @ root.T + 0.1 * np.eye(dimensions)


# --- Moments


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 3], [150, 299], list(range(10, 300, 10))])
def test_moments_do_not_depend_on_the_batches(rng, cuts):
    features = 1e3 + rng.normal(size=(300, 4))
    moments = Moments.of_batches(np.split(features, cuts))
    assert moments.num_examples == 300
    np.testing.assert_allclose(moments.mean, features.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(features.T), rtol=1e-11, atol=1e-12)


def test_moments_are_float64_for_float32_features(rng):
    # Sums of squares in float32 would lose every digit of a variance of 1 beside a mean of 1e4.
    features = (1e4 + rng.normal(size=(2048, 2))).astype(np.float32)
    moments = Moments.of_batches(np.split(features, 16))
    np.testing.assert_allclose(moments.covariance, np.cov(features.T.astype(float)), atol=1e-10)


def test_moments_of_one_example_have_no_covariance():
    with pytest.raises(ValueError, match="at least 2 examples, got 1"):
        _ = Moments.of(np.ones((1, 3))).covariance
    with pytest.raises(ValueError, match="at least one batch"):
        Moments.of_batches([])
    with pytest.raises(ValueError, match="same dimensions, got 3 and 2"):
        Moments.of(np.ones((1, 3))).merge(Moments.of(np.ones((1, 2))))


# --- Fréchet distance


def test_frechet_distance_of_commuting_gaussians():
    # With diagonal covariances it is |μ₁ − μ₂|² + Σ (σ₁ − σ₂)².
    std_1, std_2 = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.1])
    shift = np.array([1.0, -2.0, 0.5])
    x = exact_gaussian(np.zeros(3), np.diag(std_1**2))
    y = exact_gaussian(shift, np.diag(std_2**2))
    expected = shift @ shift + np.sum((std_1 - std_2) ** 2)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_in_the_plane():
    # tr (AB)^½ of 2×2 matrices is √(tr AB + 2√det AB).
    a, b = random_covariance(1, 2), random_covariance(2, 2)
    root = math.sqrt(np.trace(a @ b) + 2 * math.sqrt(np.linalg.det(a @ b)))
    distance = frechet_distance(exact_gaussian(np.zeros(2), a), exact_gaussian(np.zeros(2), b))
    assert distance == pytest.approx(np.trace(a) + np.trace(b) - 2 * root, rel=1e-11)


@pytest.mark.parametrize("dimensions", [1, 5, 30])
def test_frechet_distance_agrees_with_the_general_square_root(dimensions):
    x = exact_gaussian(np.zeros(dimensions), random_covariance(3, dimensions))
    y = exact_gaussian(np.ones(dimensions), random_covariance(4, dimensions))
    root = np.trace(sqrtm(np.atleast_2d(np.cov(x.T)) @ np.atleast_2d(np.cov(y.T)))).real
    expected = dimensions + np.trace(np.atleast_2d(np.cov(x.T) + np.cov(y.T))) - 2 * root
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(x, y) == pytest.approx(frechet_distance(y, x), rel=1e-12)
    assert frechet_distance(Moments.of(x), Moments.of_batches([y[:7], y[7:]])) == pytest.approx(
        frechet_distance(x, y), rel=1e-12
    )


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_frechet_distance_to_itself_is_zero(rng, scale):
    x = scale * (rng.normal(size=(2100, 40)) @ rng.normal(size=(40, 40)) + 5)
    assert 0 <= frechet_distance(x, x) < 1e-10 * np.trace(np.cov(x.T))


def test_frechet_distance_of_singular_covariances(rng):
    # Rank 9 in 200 dimensions: the general square root is complex here, and far off.
    x = rng.normal(size=(10, 200))
    with pytest.warns(SmallSampleWarning, match=r"n_fake = 10 examples of 200 .* singular"):
        itself = frechet_distance(x, x)
    assert itself < 1e-10 * np.trace(np.cov(x.T))
    with pytest.warns(SmallSampleWarning, match="singular"):
        moved = frechet_distance(x, x + 1)
    assert moved == pytest.approx(200, rel=1e-10)
    # Orthogonal supports: no transport is shared, and both traces remain.
    flat, upright = np.zeros((2, 3000, 40))
    flat[:, :20] = x = rng.normal(size=(3000, 20))
    flat[:, :20] -= x.mean(axis=0)
    upright[:, 20:] = flat[:, :20]
    assert frechet_distance(flat, upright) == pytest.approx(2 * np.trace(np.cov(flat.T)), rel=1e-12)
    constant = np.ones((3000, 4))
    assert frechet_distance(constant, constant) == 0


def test_frechet_distance_of_a_singular_and_a_full_covariance(rng):
    # tr (Σ₁^½Σ₂Σ₁^½)^½ with Σ₁ = AᵀA is the trace of the root of AΣ₂Aᵀ, which is 9 × 9 in rank.
    x, y = rng.normal(size=(10, 200)), rng.normal(size=(4000, 200)) * np.linspace(0.1, 3, 200)
    y -= y.mean(axis=0) - x.mean(axis=0)
    a = (x - x.mean(axis=0)) / 3
    shared = np.sqrt(np.abs(np.linalg.eigvalsh(a @ np.cov(y.T) @ a.T)[1:])).sum()
    expected = np.trace(a @ a.T) + np.trace(np.cov(y.T)) - 2 * shared
    with pytest.warns(SmallSampleWarning, match="singular"):
        assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-11)


def test_frechet_distance_warns_below_2048(rng):
    x = rng.normal(size=(2048, 3))
    frechet_distance(x, x)
    for few in ((x[1:], x), (x, x[1:])):
        with pytest.warns(SmallSampleWarning, match="fewer than 2048"):
            frechet_distance(*few)


def test_frechet_distance_is_invariant(rng):
    x, y = rng.normal(size=(2, 2500, 6))
    y = 2 * y + 1
    turned, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    expected = frechet_distance(x, y)
    assert frechet_distance(x @ turned + 3, y @ turned + 3) == pytest.approx(expected, rel=1e-11)
    assert frechet_distance(10 * x, 10 * y) == pytest.approx(100 * expected, rel=1e-11)


# --- Inception score


def loop_score(rows, splits):
    """The published code, with Python's loops."""
    scores = []
    for i in range(splits):
        part = rows[(i * len(rows)) // splits : ((i + 1) * len(rows)) // splits]
        marginal = part.mean(axis=0)
        terms = [
            sum(p * (math.log(p) - math.log(q)) for p, q in zip(row, marginal, strict=True) if p)
            for row in part
        ]
        scores.append(math.exp(sum(terms) / len(terms)))
    return np.mean(scores), np.std(scores)


@pytest.mark.parametrize("splits", [1, 3, 10])
@pytest.mark.parametrize("n", [57, 100])
def test_inception_score_agrees_with_the_published_code(rng, splits, n):
    logits = 4 * rng.normal(size=(n, 7))
    rows = softmax(logits, axis=1)
    rows[::5] = np.eye(7)[3]
    expected = loop_score(rows, splits)
    np.testing.assert_allclose(inception_score(rows, splits), expected, rtol=1e-12)
    logits = 400 * logits  # Where exp overflows, and rows are nearly 0 and 1.
    np.testing.assert_allclose(
        inception_score(logits, splits, logits=True),
        inception_score(softmax(logits, axis=1), splits),
        rtol=1e-12,
    )


def test_inception_score_of_known_probabilities():
    certain = np.tile(np.eye(8), (10, 1))
    assert inception_score(certain, 10) == pytest.approx((8, 0))
    assert inception_score(np.full((80, 8), 1 / 8), 10) == pytest.approx((1, 0))
    # Two classes, sure with probability a: exp of log 2 minus the entropy of (a, 1 − a).
    a = 0.9
    rows = np.array([[a, 1 - a], [1 - a, a]] * 20)
    expected = 2 * a**a * (1 - a) ** (1 - a)
    assert inception_score(rows, 4).mean == pytest.approx(expected, rel=1e-12)


def test_splits_hold_consecutive_samples(rng):
    by_class = np.repeat(np.eye(10), 20, axis=0)
    assert inception_score(by_class, 10) == pytest.approx((1, 0))
    assert inception_score(by_class, 1) == pytest.approx((10, 0))
    assert inception_score(by_class[rng.permutation(200)], 10).mean > 5


# --- Kernel distance


def brute_force_kernel(x, y):
    d = x.shape[1]
    k = [[(sum(a * b) / d + 1) ** 3 for b in np.r_[x, y]] for a in np.r_[x, y]]
    n = len(x)
    pairs = list(itertools.permutations(range(n), 2))
    among = sum(k[i][j] + k[n + i][n + j] for i, j in pairs) / len(pairs)
    return among - 2 * sum(k[i][n + j] for i in range(n) for j in range(n)) / n**2


def test_kernel_distance_agrees_with_brute_force(rng):
    x, y = rng.normal(size=(2, 12, 3)) + np.array([[[0.0]], [[0.5]]])
    distance = kernel_distance(x, y, num_subsets=2)
    assert distance.mean == pytest.approx(brute_force_kernel(x, y), rel=1e-12)
    assert distance.std == pytest.approx(0, abs=1e-12)


def test_kernel_distance_of_known_distributions():
    # In one dimension, x ~ N(0, 1) and y = m: E k(x, x') = E(xx' + 1)³ = 1 + 3, k(y, y) = (m² + 1)³
    # and E k(x, y) = 1 + 3m².
    m = 1.5
    x, y = np.random.default_rng(1).normal(size=(40_000, 1)), np.full((40_000, 1), m)
    exact = 4 + (m**2 + 1) ** 3 - 2 * (1 + 3 * m**2)
    distance = kernel_distance(x, y, num_subsets=40, subset_size=300)
    assert distance.mean == pytest.approx(exact, abs=4 * distance.std / math.sqrt(40))


def test_kernel_distance_has_no_bias():
    # Of one distribution the expectation is 0 for every size, while the plug-in value is not.
    x, y = np.random.default_rng(2).normal(size=(2, 20_000, 3))
    distance = kernel_distance(x, y, num_subsets=4000, subset_size=5)
    assert abs(distance.mean) < 4 * distance.std / math.sqrt(4000)


def test_kernel_distance_is_repeatable(rng):
    x, y = rng.normal(size=(2, 50, 2))
    values = [
        kernel_distance(x, y, num_subsets=3, subset_size=20, key=key).mean
        for key in (None, jax.random.key(0), jax.random.key(1))
    ]
    assert values[0] == values[1] != values[2]


# --- Precision and recall


def brute_force_share(points, centres, k):
    own = cdist(centres, centres)
    radii = [sorted(np.delete(row, i))[k - 1] for i, row in enumerate(own)]
    near = cdist(points, centres)
    return np.mean([any(d <= r for d, r in zip(row, radii, strict=True)) for row in near])


@pytest.mark.parametrize("neighbours", [1, 3])
@pytest.mark.parametrize("dimensions", [1, 2, 6])
def test_precision_recall_agrees_with_brute_force(rng, neighbours, dimensions):
    real = rng.normal(size=(60, dimensions))
    fake = 0.5 * rng.normal(size=(40, dimensions)) + 0.3
    scores = precision_recall(real, fake, neighbours=neighbours)
    assert scores.precision == brute_force_share(fake, real, neighbours)
    assert scores.recall == brute_force_share(real, fake, neighbours)
    assert 0 < scores.recall < 1
    radii = radii_of_real(real, neighbours)
    assert scores == precision_recall_beside(real, radii, fake, neighbours)
    assert scores != precision_recall_beside(real, 0.1 * radii, fake, neighbours)


def tiny_clusters(rng, size, dimensions, width, clusters):
    centres = rng.normal(size=(clusters, dimensions))
    return centres[rng.integers(clusters, size=size)] + width * rng.normal(size=(size, dimensions))


@pytest.mark.parametrize("width", [1e-5, 1e-8, 1e-11, 1e-14])
@pytest.mark.parametrize("dimensions", [1, 3, 40])
@pytest.mark.parametrize("neighbours", [1, 3])
def test_precision_recall_of_tiny_clusters_agrees_with_brute_force(
    rng, width, dimensions, neighbours
):
    # Beside distances of 1 the squares of these are below what float64 holds.
    both = tiny_clusters(rng, 120, dimensions, width, 4)
    real, fake = both[:70], both[70:]
    scores = precision_recall(real, fake, neighbours=neighbours)
    assert scores.precision == brute_force_share(fake, real, neighbours)
    assert scores.recall == brute_force_share(real, fake, neighbours)
    assert scores != (1, 1)


def test_precision_recall_of_hostile_sets_agrees_with_brute_force(rng):
    spread = rng.normal(size=(60, 4))
    tiny = spread[0] + 1e-9 * rng.normal(size=(50, 4))
    sets = {
        "spread": spread,
        "a tiny cluster among others": np.r_[spread, tiny[:25]],
        "nothing but a tiny cluster": tiny[25:],
        "far from the origin": 1e6 + rng.normal(size=(60, 4)),
        "a tiny cluster far from the origin": 1e6 + 1e-7 * rng.normal(size=(60, 4)),
        "of all sizes": 10.0 ** rng.uniform(-12, 3, size=(60, 1)) * rng.normal(size=(60, 4)),
        "copies": np.repeat(spread[:3], 20, axis=0),
        "copies and a tiny cluster": np.r_[np.repeat(tiny[:2], 10, axis=0), tiny],
        "integers, where distances are equal": rng.integers(4, size=(60, 4)),
    }
    for (name, real), (other, fake) in itertools.product(sets.items(), repeat=2):
        scores = precision_recall(real, fake)
        expected = brute_force_share(fake, real, 3), brute_force_share(real, fake, 3)
        assert scores == expected, (name, other)


def test_what_is_in_doubt_stays_a_small_part(rng, monkeypatch):
    counts = []
    exact = _precision_recall._squared_distances

    def counting(points, centres, rows, columns):
        counts.append(len(rows))
        return exact(points, centres, rows, columns)

    monkeypatch.setattr(_precision_recall, "_squared_distances", counting)
    real, fake = rng.normal(size=(2, 1200, 20))
    precision_recall(real, fake)
    # Itself and three neighbours of each, once in either set.
    assert sum(counts) <= 4.01 * 2400
    counts.clear()
    # A generator that has collapsed to one image costs nothing of the square of their number.
    copies = np.repeat(fake[:1], 1200, axis=0)
    precision_recall(real, copies)
    precision_recall(copies, copies)
    assert sum(counts) <= 4.01 * 1200 + 2 * 1200


@pytest.mark.slow
def test_precision_recall_of_extremes(rng):
    x = 1e3 + rng.normal(size=(1500, 3))  # More than one chunk.
    assert precision_recall(x, x) == (1, 1)
    assert precision_recall(x, x + 100) == (0, 0)
    half = np.r_[x[:750], x[750:] + 100]
    scores = precision_recall(x, half)
    assert scores.precision == pytest.approx(0.5, abs=0.01)
    assert scores.recall > 0.9
    # Copies of one image: every ball has the radius 0, and holds its own copies.
    copies = np.repeat(x[:1], 50, axis=0)
    assert precision_recall(copies, copies) == (1, 1)
    assert precision_recall(x, copies) == (1, 1 / 1500)


# --- Class histogram


def test_class_histogram():
    rows = np.repeat(np.eye(4), [5, 3, 2, 0], axis=0)
    p = np.array([0.5, 0.3, 0.2, 0])
    scores = class_histogram(0.9 * rows + 0.025)
    np.testing.assert_allclose(scores.histogram, p)
    assert scores.entropy == pytest.approx(-sum(p[:3] * np.log(p[:3])), rel=1e-12)
    assert scores.jsd == pytest.approx(jensenshannon(p, np.full(4, 0.25)) ** 2, rel=1e-12)
    assert scores.confidence == pytest.approx(0.925)
    expected = np.array([0, 0.2, 0.3, 0.5])
    scores = class_histogram(rows, expected)
    assert scores.jsd == pytest.approx(jensenshannon(p, expected) ** 2, rel=1e-12)
    assert class_histogram(rows, p).jsd == 0
    assert class_histogram(np.eye(4)[[1]]).entropy == 0


# --- Bad input


@pytest.mark.parametrize("score", [frechet_distance, kernel_distance, precision_recall])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((50, 2, 2)), r"features_fake|features must have the shape \(n, dimensions\)"),
        (np.full((50, 3), np.nan), "must be finite, got NaN or infinity in 50 of 50"),
        (np.zeros((50, 2)), "same dimensions, got 3 and 2"),
        (np.zeros((1, 3)), "n ≥|at least 2"),
    ],
)
def test_features_that_do_not_fit_are_refused(score, bad, message):
    with pytest.raises(ValueError, match=message):
        score(X, bad)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inception_score([[0.5, 0.4]]), "with the sum 1, got .* sums from 0.9 to 0.9"),
        (lambda: inception_score([[1.5, -0.5]]), "numbers ≥ 0"),
        (lambda: inception_score([[0.5, 0.5]], 2), "at most the number of samples, 1, got 2"),
        (lambda: inception_score([[0.5, 0.5]], 0), "splits must be an integer ≥ 1"),
        (lambda: kernel_distance(X, X, subset_size=51), "50 real and 50 generated, got 51"),
        (lambda: kernel_distance(X, X, num_subsets=0), "num_subsets must be"),
        (lambda: precision_recall(X[:3], X), "features_real must have .* n ≥ 4"),
        (lambda: class_histogram(np.eye(3), [0.5, 0.5]), "the 3 classes, got 2"),
        (lambda: class_histogram(np.eye(3), [0.5, 0.5, 0.5]), "expected must have rows"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
