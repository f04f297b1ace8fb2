"""The digits that come with scikit-learn: values, split and sizes."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import ganfield as gf


@pytest.fixture(scope="module")
def loaded():
    return load_digits()


def test_values_are_those_of_scikit_learn(loaded):
    images = gf.data.digits("all")
    assert (len(images), images.shape) == (1797, (8, 8, 1))
    np.testing.assert_array_equal(np.rint(images.pixels[..., 0] / 255 * 16), loaded.images)
    np.testing.assert_array_equal(np.unique(images.pixels)[[0, -1]], [0, 255])
    np.testing.assert_array_equal(images.labels, loaded.target)
    assert images.class_names == tuple("0123456789")


def test_split_is_fixed_disjoint_whole_and_balanced(loaded):
    train, test = (gf.data.digits(split) for split in ("train", "test"))
    assert (len(train), len(test)) == (1442, 355)
    assert (train.split, test.split) == ("train", "test")
    both = [(*p.ravel(), y) for s in (train, test) for p, y in zip(s.pixels, s.labels, strict=True)]
    whole = gf.data.digits("all")
    assert sorted(both) == sorted(
        (*p.ravel(), y) for p, y in zip(whole.pixels, whole.labels, strict=True)
    )
    np.testing.assert_array_equal(np.bincount(test.labels), np.bincount(loaded.target) // 5)
    # The first test image of a digit is its fifth.
    for digit in range(10):
        fifth = loaded.images[loaded.target == digit][4]
        first = test.pixels[test.labels == digit][0, ..., 0]
        np.testing.assert_array_equal(np.rint(first / 255 * 16), fifth)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_sizes_are_bilinear(size, loaded):
    images = gf.data.digits("all", size=size)
    assert images.shape == (size, size, 1)
    for place in (0, 700, 1796):
        values = Image.fromarray(np.asarray(loaded.images[place], np.float32) * (255 / 16))
        expected = np.asarray(values.resize((size, size), Image.Resampling.BILINEAR), float)
        difference = np.abs(images.pixels[place, ..., 0] - expected)
        assert difference.max() <= 0.5 + 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "dev"}, "unknown split 'dev': Known: all, test, train"),
        ({"size": 28}, "size must be 8, 16 or 32, got 28"),
        ({"size": True}, "size must be 8, 16 or 32, got True"),
        ({"size": 8.0}, "size must be 8, 16 or 32, got 8.0"),
    ],
)
def test_what_there_is_not_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gf.data.digits(**options)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"pip install 'ganfield\[images\]'"):
        gf.data.digits()
