"""Images in one file: saved, loaded, mapped, damaged."""

import hashlib
import io
import os
import pickle
import re
import zipfile

import numpy as np
import pytest

import ganfield as gf
from ganfield import _memory


def example(count=7):
    pixels = np.random.default_rng(0).integers(256, size=(count, 5, 4, 3), dtype=np.uint8)
    return gf.data.Images(pixels, np.arange(count, dtype=np.int32), tuple("abcdefg"), name="some")


def npz(**content):
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def test_what_is_saved_is_loaded(tmp_path):
    images = example()
    path = tmp_path / "some.npz"
    gf.data.save_npz(path, images)
    gf.data.save_npz(path, images.to_device())
    loaded = gf.data.load_npz(path, split="test")
    np.testing.assert_array_equal(loaded.pixels, images.pixels)
    np.testing.assert_array_equal(loaded.labels, images.labels)
    assert (loaded.class_names, loaded.name, loaded.split) == (images.class_names, "some", "test")
    bare = gf.data.Images(images.pixels)
    gf.data.save_npz(path, bare)
    loaded = gf.data.load_npz(path, name="bare")
    assert (loaded.labels, loaded.class_names, loaded.name) == (None, (), "bare")
    assert [entry.name for entry in tmp_path.iterdir()] == ["some.npz"]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "some.npz"
    gf.data.save_npz(path, example())
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        gf.data.save_npz(path, example(3))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["some.npz"]


def test_the_first_array_that_can_be_images_is_taken(tmp_path):
    path = tmp_path / "other.npz"
    pixels = example().pixels
    path.write_bytes(npz(weights=np.zeros((2, 2)), x_train=pixels, x_test=pixels[:2]))
    loaded = gf.data.load_npz(path)
    np.testing.assert_array_equal(loaded.pixels, pixels)
    assert loaded.labels is None
    path.write_bytes(npz(a=pixels[:2], pixels=pixels, labels=np.arange(7, dtype=np.int64)))
    loaded = gf.data.load_npz(path)
    assert len(loaded) == 7
    assert loaded.labels.dtype == np.int32


PIXELS = example().pixels
OBJECTS = np.array([{}, 1], dtype=object)


def test_objects_beside_the_pixels_are_left_out(tmp_path):
    path = tmp_path / "some.npz"
    structured = np.zeros(3, [("a", object)])
    for beside in (OBJECTS, structured):
        path.write_bytes(npz(about=beside, pixels=PIXELS, labels=np.arange(7)))
        loaded = gf.data.load_npz(path)
        np.testing.assert_array_equal(loaded.pixels, PIXELS)
        np.testing.assert_array_equal(loaded.labels, np.arange(7))
        path.write_bytes(npz(about=beside, x_train=PIXELS))
        assert len(gf.data.load_npz(path)) == 7


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "expected an .npz file .*, found an empty file"),
        (b"<!doctype html><p>Not found", "found an HTML page"),
        (b"\x93NUMPY\1\0", "found a NumPy array"),
        (npz(pixels=PIXELS)[:-30], "expected an .npz file"),
        (npz(pixels=PIXELS)[:200], "expected an .npz file"),
        (npz(pixels=PIXELS).replace(PIXELS.tobytes()[:9], b"123456789"), "CRC"),
        (npz(), "found arrays none"),
        (npz(a=np.zeros(3), b=np.zeros(3)), "found arrays a, b"),
        (npz(pixels=PIXELS.astype(float)), "pixels must be unsigned bytes .*got float64"),
        (npz(pixels=PIXELS[0]), r"pixels must be unsigned bytes .*got uint8 of shape \(5, 4, 3\)"),
        (npz(pixels=PIXELS, labels=np.zeros(6, int)), r"labels must be int32 of shape \(7,\)"),
        (npz(pixels=PIXELS, labels=np.zeros(7)), "labels that are integers, found labels of float"),
        (npz(pixels=PIXELS, labels=np.arange(7), class_names=["a", "b"]), "labels from 0 to 6"),
        (npz(pixels=PIXELS, class_names=np.arange(7)), "class_names that are strings, found int64"),
        (npz(pixels=OBJECTS), "found pixels of Python objects, a pickle"),
        (npz(pixels=PIXELS, labels=OBJECTS), "found labels of Python objects, a pickle"),
        (npz(pixels=PIXELS, class_names=OBJECTS), "found class_names of Python objects, a pickle"),
        (npz(a=OBJECTS, b=np.zeros(3)), "found arrays a, b"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, data, words):
    path = tmp_path / "some.npz"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}: .*{words}"):
        gf.data.load_npz(path)


def test_a_split_is_the_name_of_a_part(tmp_path):
    gf.data.save_npz(tmp_path / "some.npz", example())
    np.save(tmp_path / "some.npy", PIXELS)
    for load, file in ((gf.data.load_npz, "some.npz"), (gf.data.memory_mapped, "some.npy")):
        assert load(tmp_path / file, split="all").split == "all"
        with pytest.raises(ValueError, match=r"unknown split 'banana': .*Known: all, test, train"):
            load(tmp_path / file, split="banana")


def test_an_archive_of_other_things_is_refused(tmp_path):
    path = tmp_path / "some.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "pixels")
        archive.writestr("evil.npy", pickle.dumps(print))
    with pytest.raises(ValueError, match=r"some.npz: expected an .npz file .* found arrays none"):
        gf.data.load_npz(path)
    with pytest.raises(ValueError, match=r"none.npz: expected .*, found no such file"):
        gf.data.load_npz(tmp_path / "none.npz")


def test_checksums_are_compared_where_they_are_given(tmp_path):
    path = tmp_path / "some.npz"
    gf.data.save_npz(path, example())
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    assert len(gf.data.load_npz(path, checksum=digest)) == 7
    gf.data.save_npz(path, example(6))
    with pytest.raises(ValueError, match=f"some.npz: expected md5 checksum {digest}, found"):
        gf.data.load_npz(path, checksum=digest)


@pytest.mark.parametrize("kind", ["npz", "compressed", "npy"])
def test_random_damage_is_refused_or_harmless(tmp_path, damage, kind):
    path = tmp_path / "some.file"
    file = io.BytesIO()
    images = example()
    if kind == "npy":
        np.save(file, images.pixels)
    else:
        save = np.savez if kind == "npz" else np.savez_compressed
        save(file, pixels=images.pixels, labels=images.labels)
    load = gf.data.memory_mapped if kind == "npy" else gf.data.load_npz
    refused = []
    for seed in range(120):
        path.write_bytes(damage(file.getvalue(), seed))
        try:
            loaded = load(path)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert loaded.pixels.dtype == np.uint8
            assert loaded.pixels.ndim == 4
    assert len(refused) >= 40
    assert [message for message in refused if str(path) not in message] == []


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.arange(7) + 2**32, "labels from 4294967296 to 4294967302"),
        (np.arange(7) - 2**32, "labels from -4294967296"),
        (np.arange(7) / 2, "labels of float64"),
    ],
)
def test_labels_are_not_cut_to_what_fits(tmp_path, labels, words):
    (tmp_path / "some.npz").write_bytes(npz(pixels=PIXELS, labels=labels))
    with pytest.raises(ValueError, match=f"some.npz: expected labels .*, found {words}"):
        gf.data.load_npz(tmp_path / "some.npz")
    np.save(tmp_path / "some.npy", PIXELS)
    with pytest.raises(ValueError, match=f"some.npy: expected labels .*, found {words}"):
        gf.data.memory_mapped(tmp_path / "some.npy", labels=labels)


def test_mapped_images_stay_on_disk(tmp_path):
    images = example()
    np.save(tmp_path / "some.npy", images.pixels)
    (tmp_path / "some.bin").write_bytes(images.pixels.tobytes())
    labels = list(range(7))
    for name, shape in (("some.npy", None), ("some.bin", (5, 4, 3))):
        mapped = gf.data.memory_mapped(tmp_path / name, image_shape=shape, labels=labels)
        assert isinstance(mapped.pixels, np.memmap)
        np.testing.assert_array_equal(mapped.pixels, images.pixels)
        np.testing.assert_array_equal(mapped.labels, labels)
        assert mapped.name == "some"


@pytest.mark.parametrize(
    ("data", "shape", "words"),
    [
        (b"", None, "an .npy file of unsigned bytes"),
        (b"", (5, 4, 3), "a file of unsigned bytes"),
        (b"<html>", None, "an .npy file of unsigned bytes"),
        (npz(pixels=PIXELS), None, "an .npy file of unsigned bytes"),
        (PIXELS.tobytes()[:-1], (5, 4, 3), "images of 60 bytes, found 419 bytes"),
        (PIXELS.tobytes(), (5, 4), r"image_shape must be \(height, width, channels\), got \(5, 4"),
        (PIXELS.tobytes(), (5, 4, 0), "image_shape must be an integer ≥ 1, got 0"),
    ],
)
def test_what_cannot_be_mapped_is_refused(tmp_path, data, shape, words):
    path = tmp_path / "some.file"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        gf.data.memory_mapped(path, image_shape=shape)


def test_a_mapped_array_of_another_kind_is_refused(tmp_path):
    np.save(tmp_path / "some.npy", PIXELS.astype(np.int16))
    with pytest.raises(ValueError, match=r"some.npy: pixels must be unsigned bytes .*got int16"):
        gf.data.memory_mapped(tmp_path / "some.npy")
    with pytest.raises(ValueError, match=r"none.npy: expected an .npy file .*found no such file"):
        gf.data.memory_mapped(tmp_path / "none.npy")


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "some.npz")
    for load in (gf.data.load_npz, gf.data.memory_mapped):
        with pytest.raises(ValueError, match=r"some.npz: expected .*, found a FIFO, not a regular"):
            load(tmp_path / "some.npz")


def test_no_more_is_taken_than_the_memory_has(tmp_path, monkeypatch):
    path = tmp_path / "some.npz"
    np.savez_compressed(path, pixels=np.zeros((50, 20, 20, 3), np.uint8))
    monkeypatch.setattr(_memory, "free_memory", lambda: 50_000.0)
    with pytest.raises(ValueError, match=r"some.npz: expected .*, found .* GiB, more than the 0.0"):
        gf.data.load_npz(path)
    os.truncate(path, 10**5)
    with pytest.raises(ValueError, match=r"some.npz: expected .*, found .* GiB, more than the 0.0"):
        gf.data.load_npz(path)
