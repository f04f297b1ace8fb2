"""MNIST and Fashion-MNIST: idx files, compressed or not, whole or not."""

import gzip
import hashlib
import os
import re

import numpy as np
import pytest

import ganfield as gf
from ganfield.data import _idx

COUNT = 20


def idx(array):
    array = np.asarray(array, np.uint8)
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def arrays(split):
    rng = np.random.default_rng(split == "test")
    return rng.integers(256, size=(COUNT, 28, 28)), np.arange(COUNT) % 10


@pytest.fixture
def folder(tmp_path):
    for split, prefix in (("train", "train"), ("test", "t10k")):
        pixels, labels = arrays(split)
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels))
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("rename", [None, "gzip", "dots"])
@pytest.mark.parametrize("loader", [gf.data.mnist, gf.data.fashion_mnist])
def test_every_form_gives_the_same_images(folder, loader, split, rename):
    for path in list(folder.iterdir()):
        if rename == "gzip":
            (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        elif rename == "dots":
            path.rename(folder / path.name.replace("-idx", ".idx"))
    images = loader(folder, split, num_images=COUNT)
    pixels, labels = arrays(split)
    np.testing.assert_array_equal(images.pixels[..., 0], pixels)
    np.testing.assert_array_equal(images.labels, labels)
    assert (images.shape, images.split, images.name) == ((28, 28, 1), split, loader.__name__)
    names = (
        gf.data.FASHION_MNIST_CLASSES if loader is gf.data.fashion_mnist else tuple("0123456789")
    )
    assert images.class_names == names


def load(folder, split="train", **options):
    return gf.data.mnist(folder, split, num_images=COUNT, **options)


HTML = b"<html>404</html>"


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("images-idx3", lambda data: data[:-1], "15680, .*20 × 28 × 28, found 15679 bytes after"),
        ("images-idx3", lambda data: data + b"x", "15680, .* found 15681 bytes"),
        ("images-idx3", lambda data: data[:9], "bytes in 3 dimensions, found 9 bytes that start"),
        ("images-idx3", lambda data: b"", "found an empty file"),
        ("images-idx3", lambda data: HTML, "found an HTML page"),
        ("images-idx3", lambda data: idx(np.zeros(5)), "3 dimensions, .* start with 00 00 08 01"),
        ("images-idx3", lambda data: idx(np.zeros((0, 28, 28))), "0 × 28 × 28"),
        ("images-idx3", lambda data: b"\0\0\x0d\3" + data[4:], "start with 00 00 0d 03"),
        ("images-idx3", lambda data: data[:4] + b"\xff" * 12 + data[16:], "4294967295 × 4294967"),
        ("images-idx3", lambda data: gzip.compress(data)[:-9], "a whole gzip file, found .*ended"),
        ("images-idx3", lambda data: gzip.compress(data)[:-5] + b"abcde", "a whole gzip.*crc"),
        ("images-idx3", lambda data: idx(np.zeros((19, 28, 28))), "20 × 28 × 28, found 19 × 28"),
        ("images-idx3", lambda data: idx(np.zeros((20, 7, 9))), "20 × 28 × 28, found 20 × 7 × 9"),
        ("labels-idx1", lambda data: idx(np.zeros(19)), "20 labels, one for each .*found 19"),
        ("labels-idx1", lambda data: data[:-1] + b"\x0a", "0 to 9, found label 10 in place 19"),
        ("labels-idx1", lambda data: HTML, "found an HTML page"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(folder, kind, change, words):
    path = folder / f"train-{kind}-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}: expected .*{words}"):
        load(folder)
    assert len(load(folder, "test")) == COUNT


@pytest.mark.parametrize("loader", [gf.data.mnist, gf.data.fashion_mnist])
@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_published_files_hold_the_published_numbers(folder, loader, split, count):
    with pytest.raises(ValueError, match=f"images-idx3-ubyte: expected {count} × .*found 20 × 28"):
        loader(folder, split)
    with pytest.raises(ValueError, match="num_images must be an integer ≥ 1, got 0"):
        loader(folder, num_images=0)


def test_more_than_the_limit_is_not_decompressed():
    from ganfield.data._files import decompress

    data = gzip.compress(bytes(1 << 22))
    assert len(decompress("a.gz", data, limit=1000)) == 1001
    assert len(decompress("a.gz", data, limit=1 << 22)) == 1 << 22


def test_what_is_not_there_is_named(folder, tmp_path):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    expected = r"expected t10k-labels-idx1-ubyte or with .gz, found a folder of t10k-images"
    with pytest.raises(ValueError, match=expected):
        load(folder, "test")
    with pytest.raises(ValueError, match=r"nowhere: expected train-images.* found nothing"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="unknown split 'valid': Known: test, train"):
        load(folder, "valid")


def test_checksums_are_compared_where_they_are_given(folder):
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    assert len(load(folder, checksum=digests)) == COUNT
    path = folder / "train-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\1")
    with pytest.raises(ValueError, match="labels-idx1-ubyte: expected sha256 checksum"):
        load(folder, checksum=digests)


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_random_damage_is_refused_or_harmless(folder, damage, kind, suffix):
    plain = folder / f"train-{kind}-ubyte"
    data = plain.read_bytes()
    plain.unlink()
    path = folder / f"train-{kind}-ubyte{suffix}"
    data = gzip.compress(data) if suffix else data
    refused = []
    for seed in range(120):
        path.write_bytes(damage(data, seed))
        try:
            images = load(folder)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert images.pixels.shape == (COUNT, 28, 28, 1)
            assert 0 <= images.labels.min() <= images.labels.max() <= 9
    assert len(refused) >= 60
    # Where the number of images changes, the labels are those that do not fit.
    assert [message for message in refused if str(folder) not in message] == []


def test_no_more_is_unpacked_than_images_take(folder, monkeypatch):
    monkeypatch.setattr(_idx, "_LIMIT", 10**5)
    path = folder / "train-images-idx3-ubyte"
    path.rename(path.with_suffix(".gz"))
    path.with_suffix(".gz").write_bytes(gzip.compress(whole := idx(arrays("train")[0])))
    assert len(load(folder)) == COUNT
    path.with_suffix(".gz").write_bytes(gzip.compress(whole + bytes(10**7)))
    with pytest.raises(ValueError, match=r"ubyte.gz: expected 15680.*, found 99985 bytes after"):
        load(folder)
    os.truncate(path.with_suffix(".gz"), 1 << 40)
    with pytest.raises(ValueError, match=r"ubyte.gz: expected .*, found 1099511627776 bytes, more"):
        load(folder)
