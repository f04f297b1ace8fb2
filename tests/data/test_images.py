"""Draws from a set of images: which, how often, on which scale, and at what cost."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats

import ganfield as gf


def numbered(count, **options):
    """Return images of 2 × 2 that can be told apart, also when mirrored, with their numbers."""
    pixels = np.zeros((count, 2, 2, 1), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count) % 256
    pixels[:, 1, 0, 0] = np.arange(count) // 256
    pixels[:, 0, 1, 0] = 255
    return gf.data.Images(pixels, np.arange(count, dtype=np.int32), **options)


def numbers(images):
    """Return the numbers of drawn images, and whether each is mirrored."""
    pixels = np.asarray(gf.data.to_uint8(images)).astype(int)[..., 0]
    mirrored = pixels[:, 0, 0] == 255
    plain = np.where(mirrored[:, None, None], pixels[:, :, ::-1], pixels)
    return plain[:, 0, 0] + 256 * plain[:, 1, 0], mirrored


@pytest.mark.slow
def test_every_image_is_drawn_with_equal_frequency():
    images = numbered(250)
    drawn, _ = numbers(images.sample(jax.random.key(0), 50_000))
    counts = np.bincount(drawn, minlength=250)
    assert len(counts) == 250
    assert 1e-3 < scipy.stats.chisquare(counts).pvalue < 1 - 1e-3


@pytest.mark.slow
def test_draws_are_independent_of_each_other():
    images = numbered(250)
    first, second = numbers(images.sample(jax.random.key(1), 50_000))[0].reshape(2, -1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(25_000)
    # With replacement: 100 of 250 come without a repetition once in 10¹⁰ times.
    few, _ = numbers(images.sample(jax.random.key(2), 100))
    assert len(np.unique(few)) < 100


@pytest.mark.slow
def test_labels_are_those_of_the_images_and_images_those_of_sample():
    images = numbered(250)
    key = jax.random.key(3)
    drawn, labels = images.sample_with_labels(key, 400)
    np.testing.assert_array_equal(numbers(drawn)[0], labels)
    np.testing.assert_array_equal(drawn, images.sample(key, 400))
    assert labels.dtype == jnp.int32


@pytest.mark.slow
def test_flip_mirrors_half_of_the_images_and_nothing_else():
    images = numbered(250)
    flipped = dataclasses.replace(images, flip=True)
    key = jax.random.key(4)
    drawn, mirrored = numbers(flipped.sample(key, 4000))
    np.testing.assert_array_equal(drawn, numbers(images.sample(key, 4000))[0])
    assert scipy.stats.binomtest(int(mirrored.sum()), 4000).pvalue > 1e-3
    assert abs(np.corrcoef(drawn, mirrored)[0, 1]) < 5 / np.sqrt(4000)


@pytest.mark.slow
def test_sample_is_pure_under_jit_vmap_and_scan():
    images = numbered(30, flip=True).to_device()
    keys = jax.random.split(jax.random.key(5), 3)
    one_by_one = np.stack([images.sample(key, 4) for key in keys])
    assert one_by_one.dtype == np.float32
    mapped = jax.jit(jax.vmap(lambda key: images.sample(key, 4)))(keys)
    np.testing.assert_allclose(mapped, one_by_one, rtol=0, atol=1e-6)
    scanned = jax.jit(
        lambda images: jax.lax.scan(lambda c, key: (c, images.sample(key, 4)), 0, keys)[1]
    )(images)
    np.testing.assert_allclose(scanned, one_by_one, rtol=0, atol=1e-6)


def large():
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(2000, 8, 8, 3), dtype=np.uint8)
    return gf.data.Images(pixels, np.zeros(2000, np.int32)).to_device()


@pytest.mark.slow
def test_pixels_that_are_an_argument_are_no_constant_of_the_program():
    images = large()
    sample = gf.data.batch_sampler(images, batch_size=4, latent_size=2, labels=True)
    key = jax.random.key(0)
    inside = jax.jit(lambda key: sample(key)).lower(key).as_text()
    outside = jax.jit(lambda sample, key: sample(key)).lower(sample, key)
    # As a constant every byte is two digits of the text. If this fails, JAX has learned better.
    assert len(inside) > 2 * images.pixels.nbytes
    assert len(outside.as_text()) < images.pixels.nbytes / 8
    batch = outside.compile()(sample, key)
    for part, expected in zip(batch[:3], sample(key)[:3], strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-6)


@pytest.mark.slow
def test_a_sweep_takes_the_sampler_as_a_fixed_value():
    images = large()
    sample = gf.data.batch_sampler(images, batch_size=4, latent_size=2)
    game = gf.games.zero_sum(
        lambda theta, phi, batch: theta * phi * jnp.mean(batch.real),
        init=lambda key: gf.Players(*jax.random.normal(key, (2,))),
    )
    v, params, key = gf.vector_field(game), gf.Players(1.0, 1.0), jax.random.key(1)
    method = gf.simultaneous(optax.sgd(0.1))

    def build(sample):
        return gf.simulation(method, v, params, key=key, sample=sample, record_every=2)

    swept = gf.sweep(build, fixed={"sample": sample}, num_steps=4).run.params
    run = gf.simulate(method, v, params, num_steps=4, key=key, sample=sample).params
    np.testing.assert_allclose(swept, run, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("x64", [False, True])
def test_bytes_survive_both_scales(x64):
    pixels = np.arange(256, dtype=np.uint8)
    with jax.enable_x64(x64):
        dtype = jnp.float64 if x64 else jnp.float32
        for values in (pixels, jnp.asarray(pixels)):
            floats = gf.data.to_float(values)
            assert isinstance(floats, jax.Array) == isinstance(values, jax.Array)
            assert floats.dtype == dtype
            np.testing.assert_allclose(floats, np.arange(256) / 127.5 - 1, rtol=0, atol=2e-7)
            np.testing.assert_array_equal(gf.data.to_uint8(floats), pixels)
            assert gf.data.to_uint8(floats).dtype == np.uint8
        there_and_back = jax.jit(lambda x: gf.data.to_uint8(gf.data.to_float(x)))
        np.testing.assert_array_equal(there_and_back(pixels), pixels)


def test_to_uint8_clips_and_rounds_half_up():
    levels = (np.arange(0, 255) + 0.5) / 127.5 - 1
    halves = np.concatenate([levels - 1e-9, levels + 1e-9])
    expected = np.concatenate([np.arange(255), np.arange(1, 256)])
    np.testing.assert_array_equal(gf.data.to_uint8(halves), expected)
    wild = np.array([-np.inf, -1.2, 0.0, 1.2, np.inf, np.nan])
    for values in (wild, wild.astype(np.float32), jnp.asarray(wild)):
        np.testing.assert_array_equal(gf.data.to_uint8(values), [0, 0, 128, 255, 255, 0])


def test_to_uint8_takes_half_precision():
    images = jnp.linspace(-1, 1, 98).astype(jnp.bfloat16)
    expected = gf.data.to_uint8(np.asarray(images, np.float64))
    np.testing.assert_array_equal(gf.data.to_uint8(images), expected)


def test_images_are_a_pytree_of_their_arrays():
    images = numbered(5, class_names=tuple("abcde"), name="five", split="test", flip=True)
    leaves, structure = jax.tree.flatten(images)
    assert leaves[0] is images.pixels
    assert leaves[1] is images.labels
    again = jax.tree.unflatten(structure, leaves)
    assert (again.class_names, again.name, again.split, again.flip) == (
        tuple("abcde"),
        "five",
        "test",
        True,
    )
    assert len(jax.tree.leaves(gf.data.Images(images.pixels))) == 1
    assert repr(again) == "Images(five, test: 5 of 2×2×1, with labels)"


def test_to_device_keeps_all_but_the_place():
    images = numbered(5, name="five")
    placed = images.to_device(jax.devices()[0])
    assert isinstance(placed.pixels, jax.Array)
    assert isinstance(placed.labels, jax.Array)
    assert placed.pixels.dtype == np.uint8
    np.testing.assert_array_equal(placed.pixels, images.pixels)
    assert placed.name == "five"
    assert gf.data.Images(images.pixels).to_device().labels is None


@pytest.mark.parametrize(
    ("pixels", "found"),
    [
        (np.zeros((3, 2, 2, 1)), "float64 of shape (3, 2, 2, 1)"),
        (np.zeros((3, 2, 2), np.uint8), "uint8 of shape (3, 2, 2)"),
        (np.zeros((0, 2, 2, 1), np.uint8), "uint8 of shape (0, 2, 2, 1)"),
        (np.zeros((3, 2, 2, 0), np.uint8), "uint8 of shape (3, 2, 2, 0)"),
        (jnp.full((3, 2, 2, 1), 0.5), "float32 of shape (3, 2, 2, 1)"),
        (jnp.zeros((3, 2, 2), np.uint8), "uint8 of shape (3, 2, 2)"),
        (jax.ShapeDtypeStruct((3, 2, 2, 1), np.int8), "int8 of shape (3, 2, 2, 1)"),
        ([[[[1]]]], "list"),
        (None, "NoneType"),
    ],
)
def test_pixels_that_are_none_are_refused(pixels, found):
    with pytest.raises(ValueError, match=f"pixels must be unsigned.*got {re.escape(found)}"):
        gf.data.Images(pixels)


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (np.zeros(2, np.int32), (), r"int32 of shape \(3,\).*got int32 of shape \(2,\)"),
        (np.zeros(3), (), r"got float64 of shape \(3,\)"),
        (np.array([0, 1, 2], np.int32), ("a", "b"), "from 0 to 1, got labels from 0 to 2"),
        (np.array([0, -1, 2], np.int32), (), "≥ 0, got labels from -1 to 2"),
        ([0, 1, 2], (), r"int32 of shape \(3,\).*got list"),
        (jnp.zeros(2, np.int32), (), r"got int32 of shape \(2,\)"),
        (jnp.zeros(3), (), r"got float32 of shape \(3,\)"),
        (jnp.arange(3), ("a", "b"), "from 0 to 1, got labels from 0 to 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, names, message):
    for pixels in (np.zeros((3, 2, 2, 1), np.uint8), jnp.zeros((3, 2, 2, 1), np.uint8)):
        with pytest.raises(ValueError, match=f"labels must be .*{message}"):
            gf.data.Images(pixels, labels, names)


def test_traced_images_are_checked_as_far_as_they_are_known():
    images = numbered(3).to_device()

    @jax.jit
    def first(images):
        rebuilt = gf.data.Images(images.pixels, images.labels, tuple("abc"))
        with pytest.raises(ValueError, match=r"got int32 of shape \(3, 2, 2, 1\)"):
            gf.data.Images(images.pixels.astype(jnp.int32))
        with pytest.raises(ValueError, match=r"got int32 of shape \(2,\)"):
            dataclasses.replace(images, labels=images.labels[:2])
        return dataclasses.replace(rebuilt, flip=True).sample(jax.random.key(0), 2)

    assert first(images).shape == (2, 2, 2, 1)


@pytest.mark.slow
def test_transformations_may_put_anything_in_the_place_of_the_arrays():
    images = numbered(3, name="three", flip=True)
    structure = jax.tree.structure(images)
    placeholders = [object(), object()]
    assert jax.tree.leaves(jax.tree.unflatten(structure, placeholders)) == placeholders
    shapes = jax.eval_shape(lambda images: images, images)
    assert isinstance(shapes.pixels, jax.ShapeDtypeStruct)
    assert jax.eval_shape(lambda i: i.sample(jax.random.key(0), 5), shapes).shape == (5, 2, 2, 1)
    stacked = jax.tree.map(lambda *parts: jnp.stack(parts), images, images)
    assert stacked.pixels.shape == (2, 3, 2, 2, 1)
    keys = jax.random.split(jax.random.key(0))
    drawn = jax.vmap(lambda images, key: images.sample(key, 4))(stacked, keys)
    expected = [images.sample(key, 4) for key in keys]
    np.testing.assert_allclose(drawn, expected, rtol=1e-6)
    named = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(images)]
    assert named == [".pixels", ".labels"]
    assert (stacked.name, stacked.flip) == ("three", True)


@pytest.mark.parametrize("size", [0, 1.5, True])
def test_sizes_are_counts(size):
    with pytest.raises(ValueError, match=f"size must be an integer ≥ 1, got {size}"):
        numbered(3).sample(jax.random.key(0), size)


def test_what_has_no_labels_says_so():
    images = gf.data.Images(numbered(3).pixels, name="bare")
    with pytest.raises(ValueError, match=r"Images\(bare.*has no labels to sample"):
        images.sample_with_labels(jax.random.key(0), 2)
    for distribution in (images, gf.data.ring()):
        with pytest.raises(ValueError, match="labels=True needs a distribution with labels, got"):
            gf.data.batch_sampler(distribution, batch_size=2, latent_size=2, labels=True)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("keys", [False, True])
def test_batches_hold_what_was_asked_for(labels, keys):
    options = {"batch_size": 64, "latent_size": 3}
    sample = gf.data.batch_sampler(numbered(250), **options, labels=labels, keys=keys)
    batch = sample(jax.random.key(7))
    assert (batch.real.shape, batch.latent.shape) == ((64, 2, 2, 1), (64, 3))
    assert (batch.label is not None, batch.key is not None) == (labels, keys)
    if labels:
        np.testing.assert_array_equal(batch.label, numbers(batch.real)[0])
    if keys:
        assert jnp.issubdtype(batch.key.dtype, jax.dtypes.prng_key)
        assert batch.key.shape == (64,)
        distinct = np.unique(np.asarray(jax.random.key_data(batch.key)), axis=0)
        assert len(distinct) == 64
        noise = jax.vmap(lambda key: jax.random.normal(key, (3,)))(batch.key)
        columns = np.hstack([noise, batch.latent]).T
        assert np.abs(np.corrcoef(columns) - np.eye(6)).max() < 5 / np.sqrt(64)


def test_keys_and_labels_of_batches_differ_from_step_to_step():
    sample = gf.data.batch_sampler(
        numbered(250), batch_size=8, latent_size=3, labels=True, keys=True
    )
    first, second = (sample(key) for key in jax.random.split(jax.random.key(0)))
    assert np.any(np.asarray(first.label) != second.label)
    data = [np.asarray(jax.random.key_data(batch.key)) for batch in (first, second)]
    assert len(np.unique(np.concatenate(data), axis=0)) == 16


def test_fits_on_device_compares_with_a_share_of_what_is_free():
    class Device:
        platform = "gpu"

        def memory_stats(self):
            return {"bytes_limit": 1000, "bytes_in_use": 200}

    images = gf.data.Images(np.zeros((100, 2, 2, 1), np.uint8))
    assert gf.data.fits_on_device(images, device=Device(), share=0.5)
    assert not gf.data.fits_on_device(images, device=Device(), share=0.49)
    # A terabyte that takes no memory: on a CPU the machine's own is what counts.
    huge = gf.data.Images(np.broadcast_to(np.uint8(0), (1 << 28, 64, 64, 1)))
    assert gf.data.fits_on_device(images)
    assert not gf.data.fits_on_device(huge)


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_share_is_a_share(share):
    with pytest.raises(ValueError, match=re.escape(f"share must be in (0, 1], got {share!r}")):
        gf.data.fits_on_device(numbered(3), share=share)
