"""Batches drawn on the host: functions of seed and step, whoever draws them and when."""

import dataclasses
import itertools
import re
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf


def numbered(count, **options):
    pixels = np.zeros((count, 2, 2, 1), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count)
    pixels[:, 0, 1, 0] = 255
    return gf.data.Images(pixels, np.arange(count, dtype=np.int32), **options)


def loader_of(images=None, **changes):
    options = {"batch_size": 4, "latent_size": 3, "seed": 5, "labels": True, "keys": True}
    return gf.data.HostLoader(numbered(200) if images is None else images, **options | changes)


def plain(batch):
    return [np.asarray(part) for part in (*batch[:3], jax.random.key_data(batch.key))]


def assert_same(one, other):
    for part, expected in zip(plain(one), plain(other), strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.slow
def test_a_batch_has_every_part():
    batch = loader_of().batch(3)
    assert isinstance(batch, gf.Batch)
    assert all(isinstance(part, jax.Array) for part in batch)
    assert (batch.real.shape, batch.latent.shape) == ((4, 2, 2, 1), (4, 3))
    assert (batch.real.dtype, batch.latent.dtype) == (jnp.float32, jnp.float32)
    assert (batch.label.dtype, batch.label.shape, batch.key.shape) == (jnp.int32, (4,), (4,))
    assert jnp.issubdtype(batch.key.dtype, jax.dtypes.prng_key)
    np.testing.assert_array_equal(gf.data.to_uint8(batch.real)[:, 0, 0, 0], batch.label)
    bare = loader_of(labels=False, keys=False).batch(3)
    assert (bare.label, bare.key) == (None, None)
    np.testing.assert_array_equal(bare.real, batch.real)


@pytest.mark.parametrize(("num_threads", "prefetch"), [(1, 1), (1, 3), (3, 2), (3, 8)])
def test_a_stream_is_the_batches_in_order_whatever_the_threads(num_threads, prefetch):
    loader = loader_of()
    stream = loader.stream(7, chunk=2, num_threads=num_threads, prefetch=prefetch)
    for start, chunk in zip(range(7, 17, 2), stream, strict=False):
        assert chunk.real.shape == (2, 4, 2, 2, 1)
        for place in range(2):
            assert_same(
                jax.tree.map(lambda leaf, k=place: leaf[k], chunk), loader.batch(start + place)
            )
    stream.close()


@pytest.mark.slow
def test_a_stream_resumes_at_any_step_with_any_chunk():
    whole = list(itertools.islice(loader_of().stream(0, chunk=1), 9))
    for start, chunk in ((4, 1), (3, 3), (5, 4)):
        resumed = next(loader_of().stream(start, chunk))
        for place in range(chunk):
            at = jax.tree.map(lambda leaf, k=place: leaf[k], resumed)
            assert_same(at, jax.tree.map(lambda leaf: leaf[0], whole[start + place]))


def test_seeds_and_steps_all_differ():
    loaders = [loader_of(seed=seed) for seed in (0, 1, 2**63)]
    batches = [plain(loader.batch(step)) for loader in loaders for step in (0, 1, 10**9)]
    for one, other in itertools.combinations(batches, 2):
        for part in (1, 3):
            assert not np.any(one[part] == other[part])


def test_every_image_is_drawn_with_equal_frequency():
    images = numbered(200, flip=True)
    chunk = next(loader_of(images, batch_size=500).stream(0, chunk=80))
    counts = np.bincount(np.asarray(chunk.label).ravel(), minlength=200)
    assert len(counts) == 200
    assert 1e-3 < scipy.stats.chisquare(counts).pvalue < 1 - 1e-3
    assert scipy.stats.kstest(np.asarray(chunk.latent).ravel(), "norm").pvalue > 1e-3
    mirrored = np.asarray(chunk.real)[..., 0, 0, 0] == 1
    assert scipy.stats.binomtest(int(mirrored.sum()), mirrored.size).pvalue > 1e-3
    first, second = np.asarray(chunk.label)[:, :-1].ravel(), np.asarray(chunk.label)[:, 1:].ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(len(first))


def test_flip_changes_nothing_but_the_direction():
    images = numbered(200)
    one = loader_of(images).batch(2)
    other = loader_of(dataclasses.replace(images, flip=True)).batch(2)
    np.testing.assert_array_equal(one.label, other.label)
    np.testing.assert_array_equal(one.latent, other.latent)
    same = np.all(np.asarray(one.real) == other.real, axis=(1, 2, 3))
    mirrored = np.all(np.asarray(one.real) == np.asarray(other.real)[:, :, ::-1], axis=(1, 2, 3))
    assert np.all(same ^ mirrored)
    assert 0 < mirrored.sum() < 4


def test_several_batches_of_a_step_are_stacked():
    several = loader_of(num_batches=2)
    batch = several.batch(1)
    assert batch.real.shape == (2, 4, 2, 2, 1)
    assert (batch.label.shape, batch.key.shape) == ((2, 4), (2, 4))
    wide = plain(loader_of(batch_size=8).batch(1))
    for part, expected in zip(plain(batch), wide, strict=True):
        np.testing.assert_array_equal(part.reshape(expected.shape), expected)
    assert next(several.stream(0, chunk=3)).latent.shape == (3, 2, 4, 3)


def test_a_mapped_set_is_loaded_as_one_in_memory(tmp_path):
    images = numbered(200)
    np.save(tmp_path / "some.npy", images.pixels)
    mapped = gf.data.memory_mapped(tmp_path / "some.npy", labels=images.labels)
    assert_same(loader_of(mapped).batch(4), loader_of(images).batch(4))


def test_float64_reaches_the_threads():
    with jax.enable_x64(True):
        loader = loader_of()
    for batch in (loader.batch(0), next(loader.stream())):
        assert (batch.real.dtype, batch.latent.dtype) == (jnp.float64, jnp.float64)
    latent = np.asarray(batch.latent)
    assert np.any(latent.astype(np.float32) != latent)


class Broken(np.ndarray):
    """Pixels on a disk that fails at the third access."""

    failures = itertools.count()

    def __getitem__(self, index):
        if isinstance(index, np.ndarray) and next(self.failures) >= 2:
            raise OSError(5, "Input/output error") from RuntimeError("cable")
        return np.asarray(self)[index]


def test_what_goes_wrong_in_a_thread_is_raised_in_its_place():
    Broken.failures = itertools.count()
    stream = loader_of(gf.data.Images(numbered(200).pixels.view(Broken)), labels=False).stream(10)
    assert next(stream).real.shape == next(stream).real.shape
    with pytest.raises(OSError, match="Input/output error") as caught:
        next(stream)
    assert caught.value.__notes__ == ["while loading steps 12 to 12"]
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(StopIteration):
        next(stream)
    assert loading_threads() == []


def loading_threads():
    return [t for t in threading.enumerate() if t.name.startswith("ganfield-loader")]


@pytest.mark.parametrize("end", ["close", "drop"])
def test_threads_end_with_the_stream(end):
    stream = loader_of().stream(0, chunk=3, num_threads=3, prefetch=6)
    next(stream)
    assert loading_threads()
    if end == "close":
        stream.close()
    else:
        del stream
    assert loading_threads() == []


def test_the_queue_is_bounded_and_filled_ahead(monkeypatch):
    loader = loader_of()
    drawn = []
    draw = loader._draw
    monkeypatch.setattr(loader, "_draw", lambda step: drawn.append(step) or draw(step))
    stream = loader.stream(0, chunk=2, prefetch=3)
    next(stream)
    deadline = time.monotonic() + 10
    while len(drawn) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    # What was asked for, and three chunks ahead, with nobody waiting for them.
    assert sorted(drawn) == list(range(8))
    stream.close()


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("batch_size", 0, 1),
        ("latent_size", 1.5, 1),
        ("num_batches", 0, 1),
        ("seed", -1, 0),
    ],
)
def test_bad_arguments_are_refused(option, value, allowed):
    with pytest.raises(ValueError, match=f"{option} must be an integer ≥ {allowed}, got {value}"):
        loader_of(**{option: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_step": -1}, "start_step must be an integer ≥ 0, got -1"),
        ({"chunk": 0}, "chunk must be an integer ≥ 1, got 0"),
        ({"num_threads": 0}, "num_threads must be an integer ≥ 1, got 0"),
        ({"prefetch": 0}, "prefetch must be an integer ≥ 1, got 0"),
    ],
)
def test_streams_that_cannot_be_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        loader_of().stream(**options)


@pytest.mark.parametrize("seed", [2**32, 2**63, 2**64 - 2])
def test_large_seeds_are_told_apart_to_the_last_bit(seed):
    batches = [loader_of(seed=seed + more).batch(3).latent for more in (0, 1, 0)]
    np.testing.assert_array_equal(batches[0], batches[2])
    assert np.any(np.asarray(batches[0]) != batches[1])


def test_seeds_and_steps_are_the_key_of_philox():
    generator = np.random.Generator(np.random.Philox(key=[5, 3]))
    index = generator.integers(200, size=4)
    np.testing.assert_array_equal(loader_of(keys=False).batch(3).label, index)
    with pytest.raises(ValueError, match="step must be below 2⁶⁴, got"):
        loader_of().batch(2**64)


def test_seeds_and_steps_stay_within_their_words():
    with pytest.raises(ValueError, match=re.escape("seed must be below 2⁶⁴, got")):
        loader_of(seed=2**64)
    with pytest.raises(ValueError, match="step must be an integer ≥ 0, got -1"):
        loader_of().batch(-1)
    with pytest.raises(ValueError, match="labels=True needs images with labels, got Images"):
        loader_of(gf.data.Images(numbered(5).pixels))
