"""Linear probes: what they must find, scikit-learn itself, and what they refuse."""

import sys

import jax
import numpy as np
import pytest
import scipy.stats
from sklearn.linear_model import LogisticRegression

import ganfield as gf

KEY = jax.random.key(0)
LABELS = np.repeat(np.arange(4), 40)
TEST_LABELS = np.tile(np.arange(4), 50)
NOISE = np.random.default_rng(0)
CENTRES = 3 * NOISE.normal(size=(4, 6))


def points(labels, spread):
    return CENTRES[labels] + spread * NOISE.normal(size=(len(labels), 6))


def probe(x, x_test, **options):
    given = {"images": x, "labels": LABELS, "test_images": x_test, "test_labels": TEST_LABELS}
    given |= {"key": KEY, "features": lambda images: images}
    return gf.evaluation.linear_probe(**given | options)


def test_features_that_are_apart_are_told_apart():
    result = probe(points(LABELS, 0.01), points(TEST_LABELS, 0.01), num_draws=2)
    np.testing.assert_array_equal(result.accuracy, 1.0)
    assert [len(each) for each in result.accuracies] == [2, 2, 1]


def test_features_that_know_nothing_give_chance():
    x, x_test = NOISE.normal(size=(160, 6)), NOISE.normal(size=(200, 6))
    result = probe(x, x_test, num_draws=3)
    # Five standard deviations of 200 guesses among four classes.
    assert np.abs(np.concatenate(result.accuracies) - 0.25).max() < 5 * np.sqrt(0.1875 / 200)


def test_it_is_scikit_learns_regression_on_standardized_features():
    x, x_test = points(LABELS, 4.0), points(TEST_LABELS, 4.0)
    result = probe(x, x_test, num_draws=4, labels_per_class=(3, 10, None), C=0.5)
    for count, accuracies in zip(result.labels_per_class, result.accuracies, strict=True):
        for draw, accuracy in enumerate(accuracies):
            taken, chosen = dict.fromkeys(range(4), 0), []
            for i in np.asarray(jax.random.permutation(jax.random.fold_in(KEY, draw), 160)):
                if count is None or taken[LABELS[i]] < count:
                    taken[LABELS[i]] += 1
                    chosen.append(i)
            mean, spread = x[chosen].mean(0), x[chosen].std(0)
            model = LogisticRegression(C=0.5, max_iter=5000)
            model.fit((x[chosen] - mean) / spread, LABELS[chosen])
            assert accuracy == model.score((x_test - mean) / spread, TEST_LABELS)
    assert 0.3 < result.accuracy[0] < result.accuracy[2] < 1
    for accuracies, error in zip(result.accuracies[:2], result.standard_error, strict=False):
        assert error == pytest.approx(scipy.stats.sem(accuracies))
    assert np.isnan(result.standard_error[2])
    assert repr(result).startswith("LinearProbe: accuracy by labels a class, 3: 0.")


def test_images_come_in_batches_of_one_size_and_draws_are_equal_for_all_features():
    x, x_test = points(LABELS, 4.0), points(TEST_LABELS, 4.0)
    sizes = []

    def features(images):
        sizes.append(len(images))
        return images.reshape(-1, 2, 3) * 7 + 1

    options = {"labels_per_class": (5,), "num_draws": 2, "batch_size": 64}
    result = probe(x, x_test, features=features, **options)
    assert sizes == [64] * 7
    # Standardized, they are the same features.
    np.testing.assert_array_equal(result.accuracies, probe(x, x_test, **options).accuracies)
    other = probe(x, x_test, **options | {"key": jax.random.key(1)})
    assert (np.array(result.accuracies) != np.array(other.accuracies)).any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": None}, r"labels must be integers of shape \(160,\), .*got None"),
        ({"labels": LABELS[:5]}, r"labels must be integers of shape \(160,\).*int64 of shape \(5,"),
        ({"test_labels": TEST_LABELS + 0.5}, "test_labels must be integers"),
        ({"test_labels": TEST_LABELS + 1}, r"of the classes of labels, \[0, 1, 2, 3\], got \[4\]"),
        ({"labels": LABELS * 0}, r"labels must be of two classes at least, got \[0\]"),
        ({"labels_per_class": (41,)}, "labels_per_class must be an integer from 1 to 40, got 41"),
        ({"labels_per_class": (0,)}, "labels_per_class must be an integer ≥ 1, got 0"),
        ({"num_draws": 0}, "num_draws must be an integer ≥ 1, got 0"),
        ({"C": -1.0}, "C must be a finite number > 0, got -1"),
        ({"batch_size": 0}, "batch_size must be an integer ≥ 1"),
        ({"features": lambda x: x[:3]}, "features must map images to as many rows"),
        ({"features": lambda x: x * np.nan}, "must be finite, got NaN or infinity in 160 of 160"),
    ],
)
def test_what_is_refused(options, said):
    x = np.ones((160, 6))
    with pytest.raises(ValueError, match=said):
        probe(x, np.ones((200, 6)), **options)


def test_without_scikit_learn_an_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r"linear_probe needs .*pip install 'ganfield\[images\]'"):
        probe(np.ones((160, 6)), np.ones((200, 6)))
