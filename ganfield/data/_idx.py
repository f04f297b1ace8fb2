"""MNIST and Fashion-MNIST: idx files."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganfield.checks import check_count
from ganfield.data._checks import check_split
from ganfield.data._files import Checksum, StrPath, contents, decompress, describe, read_file, wrong
from ganfield.data._images import Images

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
_PREFIX = {"train": "train", "test": "t10k"}
_COUNTS = {"train": 60_000, "test": 10_000}
_SIDE = 28
_BYTES = 0x08  # the only type of the idx format that these sets use
_LIMIT = 2 * 60_000 * _SIDE * _SIDE  # bytes of a file, unless more images are asked for


def mnist(
    folder: StrPath,
    split: str = "train",
    *,
    num_images: int | None = None,
    checksum: Checksum = None,
) -> Images:
    """Return MNIST from its idx files: 60,000 images for training, 10,000 for testing.

    Args:
        folder: with ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, or ``t10k-…`` for
            testing; ``.gz`` or not, and with a dot in the place of the second hyphen or not.
        split: ``"train"`` or ``"test"``.
        num_images: how many there are; None for the published number. Only a set cut down by hand
            has another.
        checksum: file name → MD5 or SHA-256 of both files. Structure is checked in any case.

    Returns:
        `Images` with labels, 28 × 28, one channel.

    Raises:
        ValueError: an argument is wrong, or a file is missing, truncated, damaged or something
            else; the message names it, what was found and what was expected.

    Reference:
        LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition",
        1998.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> images = bytes.fromhex("00000803 00000002 0000001c 0000001c") + bytes(2 * 28 * 28)
        >>> _ = (folder / "t10k-images-idx3-ubyte").write_bytes(images)
        >>> labels = bytes.fromhex("00000801 00000002 0709")
        >>> _ = (folder / "t10k-labels-idx1-ubyte").write_bytes(labels)
        >>> gf.data.mnist(folder, "test", num_images=2).labels
        array([7, 9], dtype=int32)
        >>> gf.data.mnist(folder, "test")
        Traceback (most recent call last):
        ...
        ValueError: ...t10k-images-idx3-ubyte: expected 10000 × 28 × 28, found 2 × 28 × 28
    """
    names = tuple(str(digit) for digit in range(10))
    return _load(folder, split, num_images, checksum, names, "mnist")


def fashion_mnist(
    folder: StrPath,
    split: str = "train",
    *,
    num_images: int | None = None,
    checksum: Checksum = None,
) -> Images:
    """Return Fashion-MNIST from its idx files, which are called as MNIST's, and are as many.

    Args:
        folder: see `mnist`.
        split: ``"train"`` or ``"test"``.
        num_images: see `mnist`.
        checksum: see `mnist`.

    Returns:
        `Images` with labels and the names of the classes, 28 × 28, one channel.

    Raises:
        ValueError: as for `mnist`.

    Reference:
        Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017.

    Example:
        >>> import ganfield as gf
        >>> gf.data.fashion_mnist("/dev/null")
        Traceback (most recent call last):
        ...
        ValueError: /dev/null: expected train-images-idx3-ubyte or with .gz, found a file
    """
    return _load(folder, split, num_images, checksum, FASHION_MNIST_CLASSES, "fashion_mnist")


def _load(
    folder: StrPath,
    split: str,
    num_images: int | None,
    checksum: Checksum,
    class_names: tuple[str, ...],
    name: str,
) -> Images:
    check_split(split)
    count = _COUNTS[split] if num_images is None else num_images
    shape = (check_count(count, argument="num_images"), _SIDE, _SIDE)
    image_path = _find(Path(folder), _PREFIX[split], "images", 3)
    label_path = _find(Path(folder), _PREFIX[split], "labels", 1)
    limit = max(_LIMIT, 2 * math.prod(shape))
    pixels = _read(image_path, 3, limit, checksum)
    if pixels.shape != shape:
        raise wrong(image_path, found=_by(pixels.shape), expected=_by(shape))
    labels = _read(label_path, 1, limit, checksum)
    if len(labels) != len(pixels):
        raise wrong(
            label_path, found=f"{len(labels)}", expected=f"{len(pixels)} labels, one for each image"
        )
    if labels.max() >= len(class_names):
        place = int(np.argmax(labels >= len(class_names)))
        raise wrong(
            label_path,
            found=f"label {labels[place]} in place {place}",
            expected=f"labels from 0 to {len(class_names) - 1}",
        )
    return Images(pixels[..., None], labels.astype(np.int32), class_names, name=name, split=split)


def _find(folder: Path, prefix: str, kind: str, dimensions: int) -> Path:
    for separator in "-.":
        for suffix in ("", ".gz"):
            path = folder / f"{prefix}-{kind}{separator}idx{dimensions}-ubyte{suffix}"
            if os.path.lexists(path):
                return path
    raise wrong(
        folder,
        found=contents(folder),
        expected=f"{prefix}-{kind}-idx{dimensions}-ubyte or with .gz",
    )


def _read(path: Path, dimensions: int, limit: int, checksum: Checksum) -> np.ndarray:
    expected = f"an idx file of bytes in {dimensions} dimensions"
    data = read_file(path, expected=expected, limit=limit, checksum=checksum)
    data = decompress(path, data, limit=limit)
    start = 4 + 4 * dimensions
    if len(data) < start or data[:4] != bytes([0, 0, _BYTES, dimensions]):
        raise wrong(path, found=describe(data), expected=expected)
    shape = [int(size) for size in np.frombuffer(data, ">u4", dimensions, offset=4)]
    size = math.prod(shape)
    if size == 0 or len(data) != start + size:
        raise wrong(
            path,
            found=f"{len(data) - start} bytes after the header",
            expected=f"{size}, as its header says: {_by(shape)}",
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _by(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
