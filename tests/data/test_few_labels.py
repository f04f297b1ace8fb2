"""Batches that hold labelled and unlabelled examples."""

import jax
import numpy as np
import pytest

import ganfield as gf

NUMBERS = np.arange(40.0)[:, None]  # an example says which it is
DATA = gf.data.points(NUMBERS, labels=np.arange(40) % 4)
FEW = gf.data.few_labels(DATA, 2, share=0.3, seed=1)


def test_as_many_of_each_class_are_kept_as_was_said():
    kept = np.asarray(FEW.labelled.values)[:, 0].astype(int)
    assert sorted(kept % 4) == [0, 0, 1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal(FEW.labelled.labels, kept % 4)
    other = gf.data.few_labels(DATA, 2, share=0.3, seed=2)
    assert set(np.asarray(other.labelled.values)[:, 0]) != set(kept)


@pytest.mark.parametrize(("size", "expected"), [(20, 6), (1, 1), (3, 1)])
def test_a_batch_has_its_share_spread_evenly(size, expected):
    real, label = FEW.sample_with_labels(jax.random.key(0), size)
    real, known = np.asarray(real)[:, 0].astype(int), np.asarray(label) >= 0
    assert known.sum() == expected
    np.testing.assert_array_equal(label[known], real[known] % 4)
    assert set(real[known]) <= set(np.asarray(FEW.labelled.values)[:, 0])
    assert np.all(label[~known] == -1)
    if size == 20:  # a half, a quarter: each has its share, as near as can be
        assert [half.sum() for half in np.split(known, 2)] == [3, 3]
        assert max(part.sum() for part in np.split(known, 4)) == 2


def test_the_others_are_drawn_from_all():
    real, label = FEW.sample_with_labels(jax.random.key(3), 4000)
    counts = np.bincount(np.asarray(real)[label < 0, 0].astype(int), minlength=40)
    assert counts.min() > 40  # 70 each
    counts = np.bincount(np.asarray(real)[label >= 0, 0].astype(int))
    assert counts[counts > 0].min() > 110  # 150 each
    sure = gf.data.few_labels(DATA, 10, share=1.0)
    assert np.all(sure.sample_with_labels(jax.random.key(0), 50)[1] >= 0)


@pytest.mark.slow
def test_a_sampler_takes_images_as_an_argument():
    data = gf.data.few_labels(gf.data.digits(), 3)
    sample = gf.data.batch_sampler(data, batch_size=8, latent_size=2, labels=True)
    assert sorted(leaf.shape for leaf in jax.tree.leaves(sample)) == [
        (30,), (30, 8, 8, 1), (1442,), (1442, 8, 8, 1),
    ]  # fmt: skip
    batch = jax.jit(lambda sample, key: sample(key))(sample, jax.random.key(0))
    assert batch.real.shape == (8, 8, 8, 1)
    assert (np.asarray(batch.label) >= 0).sum() == 2


def test_what_cannot_be_is_refused():
    few = gf.data.few_labels
    with pytest.raises(ValueError, match="per_class must be at most 10, the examples of class 0"):
        few(DATA, 11)
    with pytest.raises(ValueError, match=r"share must be in \(0, 1\], got 0"):
        few(DATA, 1, share=0)
    with pytest.raises(ValueError, match=r"Points with labels, got Points.*without labels"):
        few(gf.data.points(NUMBERS), 1)
    with pytest.raises(ValueError, match="per_class must be an integer ≥ 1"):
        few(DATA, 0)
