"""CIFAR-10: both layouts, folders and archives, and every way in which a file can be wrong."""

import gzip
import hashlib
import io
import os
import pickle
import re
import shutil
import tarfile

import numpy as np
import pytest

import ganfield as gf

COUNT = 12
BATCH_LABELS = {f"data_batch_{k}": f"training batch {k} of 5" for k in range(1, 6)}
BATCH_LABELS["test_batch"] = "testing batch 1 of 1"
NAMES = list(BATCH_LABELS)


def write_set(folder):
    """Write a small set in both layouts below a folder, and return its pixels and labels."""
    rng = np.random.default_rng(0)
    binary, python = folder / "cifar-10-batches-bin", folder / "cifar-10-batches-py"
    binary.mkdir()
    python.mkdir()
    (binary / "batches.meta.txt").write_text("\n".join(gf.data.CIFAR10_CLASSES) + "\n\n")
    meta = {b"label_names": [name.encode() for name in gf.data.CIFAR10_CLASSES]}
    (python / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    parts = {}
    for name in NAMES:
        planes = rng.integers(256, size=(COUNT, 3, 32, 32), dtype=np.uint8)
        labels = rng.integers(10, size=COUNT)
        records = [bytes([y]) + p.tobytes() for p, y in zip(planes, labels, strict=True)]
        (binary / f"{name}.bin").write_bytes(b"".join(records))
        content = {
            b"batch_label": BATCH_LABELS[name].encode(),
            b"labels": labels.tolist(),
            b"data": planes.reshape(COUNT, -1),
            b"filenames": [b"a.png"] * COUNT,
        }
        (python / name).write_bytes(pickle.dumps(content, protocol=2))
        parts[name] = (planes.transpose(0, 2, 3, 1), labels)
    for layout, archive in ((binary, "cifar-10-binary"), (python, "cifar-10-python")):
        with tarfile.open(folder / f"{archive}.tar.gz", "w:gz") as tar:
            tar.add(layout, layout.name)
    return parts


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    return folder, write_set(folder)


@pytest.fixture
def copy(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def load(folder, split="train", **options):
    return gf.data.cifar10(folder, split, records_per_file=COUNT, **options)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    "place",
    [
        "",
        "cifar-10-batches-bin",
        "cifar-10-batches-py",
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
    ],
)
def test_every_form_gives_the_same_images(whole, split, place):
    folder, parts = whole
    images = load(folder / place, split)
    chosen = [parts[name] for name in NAMES if name.startswith("data") == (split == "train")]
    np.testing.assert_array_equal(images.pixels, np.concatenate([p for p, _ in chosen]))
    np.testing.assert_array_equal(images.labels, np.concatenate([y for _, y in chosen]))
    assert images.class_names == gf.data.CIFAR10_CLASSES
    assert (images.name, images.split, images.shape) == ("cifar10", split, (32, 32, 3))


@pytest.mark.parametrize("name", ["cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"])
def test_a_folder_with_the_archive_is_enough(whole, name, tmp_path):
    shutil.copy(whole[0] / name, tmp_path)
    assert len(load(tmp_path)) == 5 * COUNT


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("keys", [str, str.encode])
def test_pickles_of_every_age_are_read(tmp_path, protocol, keys):
    pixels = np.random.default_rng(1).integers(256, size=(COUNT, 3072), dtype=np.uint8)
    content = {keys("data"): np.asfortranarray(pixels), keys("labels"): [*range(10), 0, 1]}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(content, protocol=protocol))
    images = load(tmp_path, "test")
    np.testing.assert_array_equal(images.pixels.transpose(0, 3, 1, 2).reshape(COUNT, -1), pixels)
    assert images.class_names == gf.data.CIFAR10_CLASSES


def test_pickles_of_python_2_are_read(tmp_path):
    # As cPickle wrote them, protocol 2: byte strings (U, T) and numpy.core.multiarray.
    pixels = bytes(range(256)) * 12 * COUNT
    labels = b"".join(b"K" + bytes([k % 10]) for k in range(COUNT))
    data = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K" + bytes([COUNT]) + b"M\x00\x0c\x86cnumpy\ndtype\n"
        b"U\x02u1K\x00K\x01\x87Rq\x06(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(pixels).to_bytes(4, "little")
        + pixels
        + b"tbU\x06labelsq\x07]q\x08("
        + labels
        + b"eu."
    )
    (tmp_path / "test_batch").write_bytes(data)
    images = load(tmp_path, "test")
    assert images.pixels[5].transpose(2, 0, 1).tobytes() == bytes(range(256)) * 12
    np.testing.assert_array_equal(images.labels, np.arange(COUNT) % 10)


class Payload:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def global_of(module, name):
    return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"."


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (pickle.dumps(Payload(eval, "open('ran', 'w')")), "builtins.eval"),
        (pickle.dumps(Payload(exec, "x = 1")), "builtins.exec"),
        (pickle.dumps({b"data": Payload(shutil.rmtree, "x")}), "shutil.rmtree"),
        (pickle.dumps(np.float64(1.0)), "scalar"),
        (global_of("numpy", "load"), "numpy.load"),
        (global_of("numpy.core.multiarray", "fromfile"), "numpy.core.multiarray.fromfile"),
        (global_of("numpy", "ndarray.tofile"), "numpy.ndarray.tofile"),
        (pickle.dumps(np.array([eval, 1], dtype=object)), "object|O8|builtins.eval"),
        (pickle.dumps(np.zeros(3), protocol=2), "f8"),
        (pickle.dumps(np.zeros(3, np.uint8), protocol=5), "numpy._core.numeric._frombuffer"),
        (pickle.dumps([1, 2]), "a pickle of list"),
        (b"\x80\x02}r\xff\xff\xff\x7f.", "place 2147483647 of the memo"),
        (b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", "hex"),
        (b"\x80\x02c_codecs\nencode\n}X\x01\x00\x00\x00aK\x01sb.", "a state for _Function"),
        (b"\x80\x04P1\n.", "the instruction PERSID"),
        (b"\x80\x02" + b"N" * 100_000 + b".", "more than 1384 instructions"),
        (b"\x80\x02" + b"K\x00" + b"\x85" * 1_000 + b".", "tuples nested deeper"),
        (b"\x80\x02}" + b"]" * 1_000 + b"a" * 999 + b".", "a list of other things"),
        (b"\x80\x02}q\x00U\x04datah\x00s.", "the same dict in two places"),
        (b"\x80\x02}U\x06labels]q\x00h\x00as.", "the same list in two places"),
        (b"\x80\x02}]K\x01s.", "a key of list"),
        (b"\x80\x02}K\x01\x85K\x01s.", "a key of tuple"),
        (b"\x80\x02}U\x04data}s.", "a dict of dict"),
        (b"\x80\x02}U\x04data\x8b\x09\x00\x00\x00" + b"\1" * 9 + b"s.", "beyond 64 bits"),
    ],
)
def test_a_pickle_runs_nothing(tmp_path, monkeypatch, data, refused):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_batch").write_bytes(data)
    with pytest.raises(ValueError, match=f"test_batch: expected a pickle of a dict.*({refused})"):
        load(tmp_path, "test")
    assert [path.name for path in tmp_path.iterdir()] == ["test_batch"]


BINARY = "cifar-10-batches-bin/data_batch_3.bin"
PYTHON = "cifar-10-batches-py/data_batch_3"
HTML = b"\n<!DOCTYPE html>\n<html><body>Sign in to continue</body></html>"


def label_of_ten(data):
    changed = bytearray(data)
    changed[3073 * 4] = 10
    return bytes(changed)


def repickled(**changes):
    def change(data):
        return pickle.dumps(pickle.loads(data) | {k.encode(): v for k, v in changes.items()})

    return change


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (BINARY, lambda data: data[:-3073], "36876 bytes, 12 records.*33803 bytes, 11 records"),
        (BINARY, lambda data: data[:-1], "11 records and 3072 bytes of another"),
        (BINARY, lambda data: data + b"x", "12 records and 1 bytes of another"),
        (BINARY, lambda data: b"", "found an empty file"),
        (BINARY, lambda data: HTML, "36876 bytes.*found an HTML page"),
        (BINARY, lambda data: data * 100, "a CIFAR-10 file.*3687600 bytes"),
        (BINARY, label_of_ten, "12 labels from 0 to 9, found label .*10.* in record 4"),
        (PYTHON, lambda data: data[:-9], "a pickle of a dict"),
        (PYTHON, lambda data: data[:2000], "a pickle of a dict"),
        (PYTHON, lambda data: b"", "found an empty file"),
        (PYTHON, lambda data: HTML, "found an HTML page"),
        (PYTHON, repickled(labels=[3] * 11 + [10]), "found label 10 in record 11"),
        (PYTHON, repickled(labels=[3] * 11 + [-1]), "found label -1 in record 11"),
        (PYTHON, repickled(labels=[3] * 11 + ["3"]), "found label '3' in record 11"),
        (PYTHON, repickled(labels=[3] * 11), "12 labels from 0 to 9, found 11 labels"),
        (PYTHON, repickled(labels=None), "found 0 labels"),
        (PYTHON, repickled(data=None), r"'data' of shape \(12, 3072\), found none"),
        (PYTHON, repickled(data=np.zeros((11, 3072), np.uint8)), r"found shape \(11, 3072\)"),
        (PYTHON, repickled(batch_label="training batch 2 of 5"), "'training batch 3 of 5', found "),
        (PYTHON, repickled(batch_label=3), "the batch_label 'training batch 3 of 5', found 3"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(copy, name, change, words):
    path = copy / name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(path))}: expected.*{words}"):
        load(path.parent)
    assert len(load(path.parent, "test")) == COUNT  # the other split is not touched


def test_a_batch_under_the_name_of_another_is_refused(copy):
    folder = copy / "cifar-10-batches-py"
    shutil.copy(folder / "test_batch", folder / "data_batch_1")
    found = "data_batch_1: expected the batch_label 'training batch 1 of 5', found b'testing batch"
    with pytest.raises(ValueError, match=found):
        load(folder)
    shutil.copy(folder / "data_batch_2", folder / "test_batch")
    with pytest.raises(ValueError, match=r"'testing batch 1 of 1', found b'training batch 2 of 5'"):
        load(folder, "test")


@pytest.mark.parametrize(
    ("place", "data", "words"),
    [
        ("cifar-10-batches-bin/batches.meta.txt", b"cat dog", "10 names of classes, found 2 names"),
        ("cifar-10-batches-bin/batches.meta.txt", HTML, "found 6 names"),
        ("cifar-10-batches-py/batches.meta", pickle.dumps({}), "found 0 names"),
        (
            "cifar-10-batches-py/batches.meta",
            pickle.dumps({"label_names": list(range(10))}),
            "found 10 names",
        ),
        (
            "cifar-10-batches-py/batches.meta",
            pickle.dumps({"label_names": [[str(k)] for k in range(10)]}),
            "a list of other things than labels or names",
        ),
    ],
)
def test_wrong_names_of_classes_are_refused(copy, place, data, words):
    (copy / place).write_bytes(data)
    with pytest.raises(ValueError, match=words):
        load((copy / place).parent)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: HTML, "an HTML page"),
        (lambda data: data[: len(data) // 2], "gzip-compressed data that breaks off"),
        (lambda data: data[:100], "gzip-compressed data that breaks off"),
        (lambda data: data[:30000] + b"\0\1\2" + data[30003:], "gzip.* breaks off or is corrupt"),
        (lambda data: b"", "an empty file"),
        (lambda data: b"PK\x03\x04" + data, "a zip archive"),
    ],
)
def test_what_is_wrong_with_an_archive_is_said(copy, change, words):
    path = copy / "cifar-10-binary.tar.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(
        ValueError, match=f"{re.escape(str(path))}: expected an archive.*, found {words}"
    ):
        load(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, kind in (("test_batch.bin", tarfile.SYMTYPE), ("readme", tarfile.REGTYPE)):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO())
    with pytest.raises(ValueError, match=r"test_batch.bin or test_batch .*found an archive with"):
        load(path, "test")


def test_an_archive_is_unpacked_to_a_bound(tmp_path):
    # Fifty megabytes of nothing before the files, in fifty kilobytes.
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        member = tarfile.TarInfo("other.bin")
        member.size = 50 << 20
        file.write(member.tobuf())
        for _ in range(50):
            file.write(bytes(1 << 20))
    with pytest.raises(ValueError, match=r"bomb.tar.gz: expected .*more than \d+ bytes unpacked"):
        load(path, "test")
    sparse = tmp_path / "sparse.tar.gz"
    sparse.touch()
    os.truncate(sparse, 1 << 40)
    with pytest.raises(ValueError, match=r"sparse.tar.gz: expected .*1099511627776 bytes, more"):
        load(sparse, "test")


@pytest.mark.parametrize("name", ["test_batch", "cifar-10-python.tar.gz"])
def test_what_is_no_regular_file_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: expected .*found a FIFO, not a regular file"):
        load(tmp_path, "test")


@pytest.mark.parametrize("layout", ["cifar-10-batches-bin", "cifar-10-batches-py"])
def test_a_missing_file_is_named(copy, layout):
    path = next((copy / layout).glob("data_batch_4*"))
    path.unlink()
    with pytest.raises(ValueError, match=f"{layout}: expected data_batch_1.*found no {path.name}"):
        load(copy / layout)


@pytest.mark.parametrize(
    ("place", "words"),
    [("nowhere", "found no such file"), ("there", "found a folder of a.txt, b.txt")],
)
def test_a_wrong_folder_is_named(tmp_path, place, words):
    (tmp_path / "there").mkdir()
    for name in "ab":
        (tmp_path / "there" / f"{name}.txt").touch()
    with pytest.raises(ValueError, match=f"{place}: expected .*{words}"):
        load(tmp_path / place)


@pytest.mark.parametrize("method", ["md5", "sha256"])
def test_checksums_are_compared_where_they_are_given(whole, method):
    name = "cifar-10-binary.tar.gz"
    path = whole[0] / name
    digest = hashlib.new(method, path.read_bytes()).hexdigest()
    for right in (digest, digest.upper(), {name: digest, "other": "x"}):
        assert len(load(path, checksum=right)) == 5 * COUNT
    wrong = digest[:-1] + "0123456789abcdef"[int(digest[-1], 16) - 1]
    with pytest.raises(ValueError, match=f"{name}: expected {method} checksum {wrong}, found"):
        load(path, checksum=wrong)


def test_checksums_that_are_none_are_refused(whole):
    path = whole[0] / "cifar-10-binary.tar.gz"
    with pytest.raises(ValueError, match="expected md5 checksum c32a1d4ab5d03f1284b67883e8d87530"):
        load(path, checksum=gf.data.CIFAR10_MD5)
    with pytest.raises(ValueError, match=r"must be an MD5 or a SHA-256 .*, got 'abc'"):
        load(path, checksum="abc")
    folder = whole[0] / "cifar-10-batches-bin"
    with pytest.raises(ValueError, match=r"a digest for every file read, got none for .*.bin"):
        load(folder, checksum=gf.data.CIFAR10_MD5)
    digests = {p.name: hashlib.md5(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    assert len(load(folder, checksum=digests)) == 5 * COUNT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "valid"}, "unknown split 'valid': Known: test, train"),
        ({"split": "tets"}, "unknown split 'tets': did you mean 'test'"),
        ({"records_per_file": 0}, "records_per_file must be an integer ≥ 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(whole, options, message):
    with pytest.raises(ValueError, match=message):
        gf.data.cifar10(whole[0], **options)


def test_published_files_hold_ten_thousand_records(whole):
    with pytest.raises(ValueError, match="expected 30730000 bytes, 10000 records of 3073"):
        gf.data.cifar10(whole[0])


@pytest.mark.parametrize(
    "name",
    [
        "cifar-10-batches-bin/test_batch.bin",
        "cifar-10-batches-py/test_batch",
        "cifar-10-batches-py/batches.meta",
        "cifar-10-binary.tar.gz",
        "cifar-10-python.tar.gz",
    ],
)
def test_random_damage_is_refused_or_harmless(copy, damage, name):
    path = copy / name
    data = path.read_bytes()
    place = path if path.suffix == ".gz" else path.parent
    refused = []
    for seed in range(80):
        path.write_bytes(damage(data, seed))
        try:
            images = load(place, "test")
        except ValueError as error:
            refused.append(str(error))
        else:
            assert images.pixels.shape == (COUNT, 32, 32, 3)
            assert 0 <= images.labels.min() <= images.labels.max() <= 9
    assert len(refused) >= 20
    assert [message for message in refused if str(path) not in message] == []
