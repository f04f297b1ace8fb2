"""CIFAR-10, in both layouts in which it is published."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ganfield.checks import check_count
from ganfield.data._checks import check_split
from ganfield.data._files import Checksum, StrPath, contents, describe, read_members, wrong
from ganfield.data._images import Images
from ganfield.data._unpickle import unpickle

CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
CIFAR10_MD5 = {
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
}
_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
_RECORD = 1 + _PIXELS
_PLACES = ("cifar-10-batches-bin", "cifar-10-batches-py", *CIFAR10_MD5)


class _Layout(NamedTuple):
    splits: dict[str, tuple[str, ...]]
    meta: str


_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_BINARY = _Layout(
    {"train": tuple(f"{name}.bin" for name in _TRAIN), "test": ("test_batch.bin",)},
    "batches.meta.txt",
)
_BATCH_LABELS = {
    "test_batch": "testing batch 1 of 1",
    **{name: f"training batch {number} of 5" for number, name in enumerate(_TRAIN, start=1)},
}
_PYTHON = _Layout({"train": _TRAIN, "test": ("test_batch",)}, "batches.meta")


def cifar10(
    folder: StrPath,
    split: str = "train",
    *,
    records_per_file: int = 10_000,
    checksum: Checksum = None,
) -> Images:
    """Return CIFAR-10 from files on disk: 50,000 images for training, 10,000 for testing.

    Both published layouts are read: the binary one (records of one label byte and 3072 bytes of
    pixels: the red plane, the green one, the blue one) and the Python one (pickles, of which
    nothing but dicts, lists, strings, integers and arrays of bytes is admitted). A file of the
    Python layout says which batch it is, and one under another's name is refused; in the binary
    layout only a checksum can tell.

    Args:
        folder: a folder with the files ``data_batch_1.bin`` … or ``data_batch_1`` …; one with a
            folder ``cifar-10-batches-bin`` or ``cifar-10-batches-py``, or with the published
            archive; or the archive itself.
        split: ``"train"`` or ``"test"``.
        records_per_file: what a whole file holds; only a set cut down by hand has another number.
        checksum: file name → MD5 or SHA-256 of every file read, for example
            ``gf.data.CIFAR10_MD5`` for the published archives. Structure is checked in any case.

    Returns:
        `Images` with labels and the names of the classes, in the order of the files.

    Raises:
        ValueError: an argument is wrong, or a file is missing, truncated, damaged or something
            else; the message names it, what was found and what was expected.

    Reference:
        A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "test_batch.bin").write_bytes(bytes(2 * 3073))  # two black airplanes
        >>> gf.data.cifar10(folder, "test", records_per_file=2)
        Images(cifar10, test: 2 of 32×32×3, with labels)
        >>> gf.data.cifar10(folder, "test")
        Traceback (most recent call last):
        ...
        ValueError: ...test_batch.bin: expected 30730000 bytes, 10000 records of 3073, found 6146
        bytes, 2 records
    """
    check_split(split)
    count = check_count(records_per_file, argument="records_per_file")
    place = _find(Path(folder))
    layouts = (_BINARY, _PYTHON)
    wanted = [name for layout in layouts for name in (*layout.splits[split], layout.meta)]
    limit = 2 * count * _RECORD + (1 << 20)
    words = f"a CIFAR-10 file of {count} records"
    files = read_members(place, wanted, expected=words, limit=limit, checksum=checksum)
    for layout in layouts:
        names = layout.splits[split]
        if not any(name in files for name in names):
            continue
        missing = [name for name in names if name not in files]
        if missing:
            raise wrong(place, found=f"no {', '.join(missing)}", expected=", ".join(names))
        read = _binary_records if layout is _BINARY else _pickled_records
        parts = [read(files[name], place / name, count) for name in names]
        classes = _class_names(files.get(layout.meta), place / layout.meta, layout)
        planes = np.concatenate([pixels for pixels, _ in parts]).reshape(-1, 3, _SIDE, _SIDE)
        pixels = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        labels = np.concatenate([labels for _, labels in parts])
        return Images(pixels, labels, classes, name="cifar10", split=split)
    found = contents(place) if place.is_dir() else "an archive without it"
    expected = " or ".join(layout.splits[split][0] for layout in layouts)
    raise wrong(place, found=found, expected=f"{expected} (CIFAR-10, {split})")


def _find(folder: Path) -> Path:
    """Return the folder that has the files, or the archive."""
    for name in _PLACES:
        if os.path.lexists(folder / name):
            return folder / name
    return folder


def _binary_records(data: bytes, path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    if len(data) != count * _RECORD:
        whole, rest = divmod(len(data), _RECORD)
        left = f" and {rest} bytes of another" if rest else ""
        raise wrong(
            path,
            # A record starts with a byte below 10, as nothing that has a name does.
            found=f"{len(data)} bytes, {whole} records{left}"
            if data[:1] < b"\x0a" and data
            else describe(data),
            expected=f"{count * _RECORD} bytes, {count} records of {_RECORD}",
        )
    records = np.frombuffer(data, np.uint8).reshape(count, _RECORD)
    return records[:, 1:], _labels(records[:, 0], path, count)


def _pickled_records(data: bytes, path: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    loaded = unpickle(data, path, records=count)
    label, expected = loaded.get(b"batch_label"), _BATCH_LABELS[path.name]
    if label is not None and label not in (expected, expected.encode()):
        raise wrong(path, found=f"{label!r:.60}", expected=f"the batch_label {expected!r}")
    pixels = loaded.get(b"data")
    if not isinstance(pixels, np.ndarray) or pixels.shape != (count, _PIXELS):
        found = f"shape {pixels.shape}" if isinstance(pixels, np.ndarray) else "none"
        raise wrong(path, found=found, expected=f"'data' of shape ({count}, {_PIXELS})")
    return pixels, _labels(loaded.get(b"labels"), path, count)


def _labels(values: Any, path: Path, count: int) -> np.ndarray:
    expected = f"{count} labels from 0 to {len(CIFAR10_CLASSES) - 1}"
    listed = values if isinstance(values, (list, np.ndarray)) else []
    if len(listed) != count:
        raise wrong(path, found=f"{len(listed)} labels", expected=expected)
    for place, label in enumerate(listed):
        if not (isinstance(label, (int, np.uint8)) and 0 <= label < len(CIFAR10_CLASSES)):
            raise wrong(path, found=f"label {label!r:.40} in record {place}", expected=expected)
    return np.asarray(listed, np.int32)


def _class_names(data: bytes | None, path: Path, layout: _Layout) -> tuple[str, ...]:
    """Return the names that came with the files; without such a file, those that are published."""
    if data is None:
        return CIFAR10_CLASSES
    listed: Sequence[Any]
    if layout is _BINARY:
        listed = data.split()
    else:
        value = unpickle(data, path, records=len(CIFAR10_CLASSES)).get(b"label_names")
        listed = value if isinstance(value, list) else []
    names = tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in listed
    )
    if not all(isinstance(n, str) for n in names) or len(set(names)) != len(CIFAR10_CLASSES):
        raise wrong(
            path, found=f"{len(names)} names", expected=f"{len(CIFAR10_CLASSES)} names of classes"
        )
    return names
