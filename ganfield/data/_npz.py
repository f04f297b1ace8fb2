"""Images in one file of NumPy's: to load, to save, and to map."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganfield._files import check_regular, reason_of, replacing
from ganfield._memory import check_room
from ganfield.checks import check_count
from ganfield.data._checks import check_split
from ganfield.data._files import Checksum, StrPath, describe, read_file, wrong
from ganfield.data._images import Images

_PIXELS = "unsigned bytes of shape (n, height, width, channels)"
_EXPECTED = f"an .npz file with {_PIXELS}"


def arrays_in(data: bytes) -> dict[str, np.ndarray]:
    """Return name → array of what is in an ``.npz`` file, without what is no array.

    Of an array of Python objects, which only a pickle can hold, nothing is read: in its place there
    is an empty one of that dtype.

    Raises:
        ValueError: the bytes are something else, or damaged; the message says what they are.

    Example:
        >>> arrays_in(b"<html>Not found</html>")
        Traceback (most recent call last):
        ...
        ValueError: an HTML page, b"<html>Not found</html>..."
    """
    if not data.startswith(b"PK"):
        raise ValueError(describe(data))
    try:
        # What an archive says of its sizes bounds what is unpacked.
        unpacked = zipfile.ZipFile(io.BytesIO(data)).infolist()
        check_room(sum(member.file_size for member in unpacked))
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            # What is no array comes as bytes.
            members = {name: _member(file, name) for name in file.files}
    except Exception as error:  # a damaged archive may raise anything
        raise ValueError(reason_of(error)) from error
    return {name: value for name, value in members.items() if isinstance(value, np.ndarray)}


def _member(file: Any, name: str) -> Any:
    try:
        return file[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            return np.empty(0, object)
        raise ValueError(f"{name}: {error}") from error


def load_npz(
    path: StrPath, *, name: str | None = None, split: str = "train", checksum: Checksum = None
) -> Images:
    """Return the images of an ``.npz`` file.

    Args:
        path: the file. Its array ``pixels`` is read, or without one the first of unsigned bytes
            with four dimensions (n, height, width, channels); and ``labels`` (integers) and
            ``class_names`` (strings), if it has them. Other arrays may be of any kind.
        name: what to call the set; the name of the file if None.
        split: which part of a set the file is, "train", "test" or "all": a name, for the whole file
            is read in any case.
        checksum: MD5 or SHA-256 of the file.

    Returns:
        `Images`.

    Raises:
        ValueError: the file is missing, truncated, damaged or something else, or its arrays do not
            fit together; the message names it, what was found and what was expected.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "digits.npz"
        >>> gf.data.save_npz(path, gf.data.digits())
        >>> gf.data.load_npz(path)
        Images(digits, train: 1442 of 8×8×1, with labels)
    """
    path = Path(path)
    check_split(split, ("train", "test", "all"))
    data = read_file(path, expected=_EXPECTED, checksum=checksum)
    try:
        arrays = arrays_in(data)
    except ValueError as error:
        raise wrong(path, found=str(error), expected=_EXPECTED) from error
    for needed in ("pixels", "labels", "class_names"):
        if needed in arrays and arrays[needed].dtype.hasobject:
            what = f"{needed} of Python objects, a pickle, which is not read"
            raise wrong(path, found=what, expected="numbers or strings")
    pixels = arrays.get("pixels", next(filter(_are_pixels, arrays.values()), None))
    if pixels is None:
        raise wrong(path, found=f"arrays {', '.join(arrays) or 'none'}", expected=_EXPECTED)
    class_names = arrays.get("class_names")
    if class_names is not None and class_names.dtype.kind != "U":
        raise wrong(path, found=f"{class_names.dtype}", expected="class_names that are strings")
    labels = _labels(path, arrays.get("labels"))
    try:
        return Images(
            pixels,
            labels,
            () if class_names is None else tuple(map(str, class_names.ravel())),
            name=path.stem if name is None else name,
            split=split,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _labels(path: Path, given: Any) -> np.ndarray | None:
    """Return labels as int32, to which NumPy would cut others without a word."""
    if given is None:
        return None
    labels = np.asarray(given)
    if not np.issubdtype(labels.dtype, np.integer):
        raise wrong(path, found=f"labels of {labels.dtype}", expected="labels that are integers")
    limits = np.iinfo(np.int32)
    if labels.size and not (limits.min <= labels.min() and labels.max() <= limits.max):
        what = f"labels from {labels.min()} to {labels.max()}"
        raise wrong(path, found=what, expected="labels of 32 bits")
    return labels.astype(np.int32)


def _are_pixels(array: np.ndarray) -> bool:
    return array.dtype == np.uint8 and array.ndim == 4


def save_npz(path: StrPath, images: Images) -> None:
    """Write images as an ``.npz`` file, atomically: a reader sees the old file or the new one.

    Args:
        path: the file.
        images: the set; its arrays are saved as ``pixels``, ``labels`` and ``class_names``.

    Example:
        >>> import pathlib, tempfile, numpy as np, ganfield as gf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "digits.npz"
        >>> gf.data.save_npz(path, gf.data.digits())
        >>> with np.load(path) as file:
        ...     file.files
        ['pixels', 'labels', 'class_names']
    """
    arrays: dict[str, Any] = {"pixels": np.asarray(images.pixels)}
    if images.labels is not None:
        arrays["labels"] = np.asarray(images.labels)
    if images.class_names:
        arrays["class_names"] = np.asarray(images.class_names)
    save_arrays(path, arrays)


def save_arrays(path: StrPath, arrays: dict[str, Any]) -> None:
    """Write an ``.npz`` file beside its place, then move it there."""
    with replacing(Path(path)) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)


def memory_mapped(
    path: StrPath,
    *,
    image_shape: Sequence[int] | None = None,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    name: str | None = None,
    split: str = "train",
) -> Images:
    """Return images that stay on disk, for `ganfield.data.HostLoader`: sets larger than the memory.

    Args:
        path: an ``.npy`` file of unsigned bytes, shape (n, height, width, channels); or any other
            file that holds nothing but the pixels in this order.
        image_shape: (height, width, channels), for a file that is no ``.npy``.
        labels: classes of the images, integers, if there are any.
        class_names: what they are called.
        name: what to call the set; the name of the file if None.
        split: which part of a set the file is, "train", "test" or "all": a name, for the whole file
            is read in any case.

    Returns:
        `Images` whose pixels are read when they are drawn.

    Raises:
        ValueError: the file is missing or truncated, or does not hold what it should.

    Example:
        >>> import pathlib, tempfile, numpy as np, ganfield as gf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "digits.npy"
        >>> np.save(path, gf.data.digits().pixels)
        >>> gf.data.memory_mapped(path)
        Images(digits, train: 1442 of 8×8×1, without labels)
    """
    path = Path(path)
    check_split(split, ("train", "test", "all"))
    shape = None if image_shape is None else _image_shape(image_shape)
    try:
        check_regular(path)
        pixels: np.ndarray = (
            np.lib.format.open_memmap(path, mode="r")
            if shape is None
            else np.memmap(path, np.uint8, mode="r")
        )
    except Exception as error:  # a damaged header may raise anything
        file = "an .npy file" if shape is None else "a file"
        raise wrong(path, found=reason_of(error), expected=f"{file} of {_PIXELS}") from error
    if shape is not None:
        size = math.prod(shape)
        if pixels.size % size:
            raise wrong(path, found=f"{pixels.size} bytes", expected=f"images of {size} bytes")
        pixels = pixels.reshape(-1, *shape)
    known = _labels(path, labels)
    try:
        return Images(
            pixels,
            known,
            tuple(class_names),
            name=path.stem if name is None else name,
            split=split,
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _image_shape(given: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(check_count(size, argument="image_shape") for size in given)
    if len(shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels), got {given!r}")
    return shape
