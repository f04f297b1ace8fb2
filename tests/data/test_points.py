"""Own arrays as a distribution: what is drawn, what is refused, and which samplers take it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf

ARRAY = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.arange(40)


@pytest.mark.slow
def test_every_example_is_drawn_with_equal_frequency_beside_its_label():
    data = gf.data.points(ARRAY, LABELS)
    key = jax.random.key(0)
    drawn, labels = data.sample_with_labels(key, 20_000)
    assert (drawn.dtype, labels.dtype) == (jnp.float32, jnp.int32)
    np.testing.assert_array_equal(drawn, ARRAY.astype(np.float32)[labels])
    np.testing.assert_array_equal(drawn, data.sample(key, 20_000))
    counts = np.bincount(labels, minlength=40)
    assert 1e-3 < scipy.stats.chisquare(counts).pvalue < 1 - 1e-3


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int64", "uint8"])
def test_examples_become_the_default_float(dtype):
    array = np.arange(6).reshape(3, 2).astype(jnp.dtype(dtype))
    for given in (array, jnp.asarray(array)):
        drawn = gf.data.points(given).sample(jax.random.key(0), 50)
        assert drawn.dtype == jnp.float32
        np.testing.assert_array_equal(np.unique(drawn, axis=0), [[0, 1], [2, 3], [4, 5]])
    with jax.enable_x64(True):
        assert gf.data.points(ARRAY).sample(jax.random.key(0), 2).dtype == jnp.float64
    long = gf.data.points(np.full((2, 1), 2**40)).sample(jax.random.key(0), 1)
    assert float(long[0, 0]) == 2**40


@pytest.mark.parametrize("place", [0, 5_000_000, 8_999_999])
def test_one_number_among_millions_is_found(place):
    array = np.zeros((9_000_000, 1), np.float32)
    array[place] = np.nan
    with pytest.raises(ValueError, match="array must be finite"):
        gf.data.points(array)


@pytest.mark.slow
def test_the_sampler_is_a_pytree_of_the_arrays():
    data = gf.data.points(ARRAY, LABELS)
    sample = gf.data.batch_sampler(data, batch_size=8, latent_size=2, labels=True, keys=True)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(sample))
    key = jax.random.key(1)
    lowered = jax.jit(lambda sample, key: sample(key)).lower(sample, key)
    batch = lowered.compile()(sample, key)
    np.testing.assert_array_equal(batch.real, np.float32(ARRAY)[batch.label])
    np.testing.assert_array_equal(batch.real, sample(key).real)
    assert repr(data) == "Points(40 of shape (3,), with labels)"
    assert repr(gf.data.points(ARRAY)) == "Points(40 of shape (3,), without labels)"


def test_a_loader_of_the_host_takes_own_arrays():
    loader = gf.data.HostLoader(
        gf.data.points(ARRAY, LABELS), batch_size=5, latent_size=2, seed=0, labels=True
    )
    batch = loader.batch(3)
    assert batch.real.dtype == jnp.float32
    np.testing.assert_array_equal(batch.real, np.float32(ARRAY)[batch.label])
    with pytest.raises(ValueError, match=r"images must be gf\.data\.Images, or gf\.data\.points"):
        gf.data.HostLoader(ARRAY, batch_size=5, latent_size=2, seed=0)
    assert gf.data.fits_on_device(gf.data.points(ARRAY))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(3), "array must hold real numbers, .*got float64 of shape (3,)"),
        (np.zeros((0, 2)), "at least one example, got float64 of shape (0, 2)"),
        (np.zeros((3, 2), complex), "got complex128"),
        (np.array([["a"]]), "array must hold real numbers"),
        ([[1.0], [1.0, 2.0]], "array must be an array"),
        ([[0.0, np.nan]], "array must be finite"),
        ([[0.0, 1e300]], "array must be finite in float32"),
        (np.zeros((3, 4, 4, 1), np.uint8), "holds pixels, .*gf.data.Images"),
    ],
)
def test_arrays_that_are_no_examples_are_refused(array, message):
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        gf.data.points(array)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:3], r"integers of shape \(40,\).*got int64 of shape \(3,\)"),
        (LABELS / 2, "got float64"),
        (LABELS - 1, "from 0 to .*got labels from -1 to 38"),
        (LABELS + 2**31, "from 0 to 2³¹ − 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(ValueError, match=f"labels must be .*{message}"):
        gf.data.points(ARRAY, labels)
    data = gf.data.points(ARRAY)
    with pytest.raises(ValueError, match="labels=True needs a distribution with labels"):
        gf.data.batch_sampler(data, batch_size=2, latent_size=2, labels=True)
    with pytest.raises(ValueError, match="has no labels to sample"):
        data.sample_with_labels(jax.random.key(0), 2)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (ARRAY, r"float64 of shape \(40, 3\)"),
        (jnp.zeros((2, 2)), r"float32 of shape \(2, 2\)"),
        ([[1.0, 2.0]], "list"),
        (None, "NoneType"),
    ],
)
def test_an_array_is_no_distribution_and_the_error_names_what_makes_one(given, kind):
    with pytest.raises(ValueError, match=rf"distribution must have sample.*{kind}: gf.data.points"):
        gf.data.batch_sampler(given, batch_size=2, latent_size=2)


class Own:
    """A distribution that is no pytree."""

    def sample(self, key, size):
        return jax.random.uniform(key, (size, 2))


@pytest.mark.parametrize(
    "make", [Own, lambda: gf.data.Curves((lambda t: jnp.stack([t, t], 1),), 0.1), gf.data.ring]
)
def test_every_sampler_may_be_an_argument_of_a_compiled_function(make):
    sample = gf.data.batch_sampler(make(), batch_size=7, latent_size=3)
    key = jax.random.key(0)
    batch = jax.jit(lambda sample, key: sample(key))(sample, key)
    np.testing.assert_allclose(batch.real, sample(key).real, rtol=1e-5, atol=1e-6)
