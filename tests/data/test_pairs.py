"""Pairs stay together, and sources are what they are said to be."""

import jax
import numpy as np
import pytest
from scipy import ndimage

import ganfield as gf

DIGITS = gf.data.digits(size=16)


def test_pairs_stay_together():
    left = gf.data.points(np.arange(30.0)[:, None])
    right = gf.data.points(np.arange(30.0)[:, None] ** 2)
    sample = gf.data.pair_sampler(gf.data.pairs(left, right), batch_size=200, keys=True)
    batch = sample(jax.random.key(0))
    np.testing.assert_array_equal(batch.real, np.asarray(batch.latent) ** 2)
    assert len(set(np.asarray(batch.real)[:, 0])) > 25
    assert batch.key.shape == (200,)
    assert sample(jax.random.key(1)).real.shape == (200, 1)


def test_a_quarter_of_the_resolution_by_scipy():
    pairs = gf.data.quarter(DIGITS)
    image = pairs.images.pixels[5, ..., 0].astype(float)
    means = ndimage.uniform_filter(image, 4, origin=-2, mode="nearest")[::4, ::4]
    source = pairs.sources.pixels[5, ..., 0]
    np.testing.assert_allclose(source[::4, ::4], means, atol=0.5)
    np.testing.assert_array_equal(source, source[::4, ::4].repeat(4, 0).repeat(4, 1))


def test_edges_by_scipy():
    pairs = gf.data.edges(DIGITS)
    image = pairs.images.pixels[7, ..., 0].astype(float)
    rows, columns = (ndimage.convolve1d(image, [1, 0, -1], axis, mode="nearest") for axis in (0, 1))
    length = np.hypot(rows, columns)
    expected = np.where(length >= length.max() / 2, 255, 0)
    np.testing.assert_array_equal(pairs.sources.pixels[7, ..., 0], expected)
    assert 0 < expected.mean() < 255


def test_an_image_without_edges_has_none():
    flat = gf.data.Images(np.full((1, 8, 8, 3), 7, np.uint8))
    assert gf.data.edges(flat).sources.pixels.max() == 0


def test_pairs_of_unequal_shapes_are_refused():
    pairs, small = gf.data.pairs, gf.data.digits()
    with pytest.raises(ValueError, match=r"the same sides, got \(8, 8\) and \(16, 16\)"):
        pairs(small, DIGITS)
    with pytest.raises(ValueError, match="must be as many, got 1442 and 355"):
        pairs(DIGITS, gf.data.digits("test", size=16))
    with pytest.raises(ValueError, match=r"sources must be gf.data.Images or Points, got array"):
        pairs(np.ones(3), DIGITS)
    mirrored = gf.data.Images(DIGITS.pixels, flip=True)
    with pytest.raises(ValueError, match="images must not be mirrored"):
        pairs(DIGITS, mirrored)
    odd = gf.data.Images(np.zeros((1, 6, 8, 1), np.uint8))
    with pytest.raises(ValueError, match=r"sides that 4 divides, got \(6, 8, 1\)"):
        gf.data.quarter(odd)
    with pytest.raises(ValueError, match=r"images must be gf.data.Images, got Points"):
        gf.data.edges(gf.data.points(np.ones((3, 2))))
    with pytest.raises(ValueError, match=r"such as gf.data.pairs makes, got Images"):
        gf.data.pair_sampler(DIGITS, batch_size=3)
