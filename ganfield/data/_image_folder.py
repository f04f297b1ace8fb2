"""A folder of images: cropped, resized, decoded once."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ganfield._files import check_regular, open_regular, reason_of
from ganfield._memory import check_room
from ganfield.checks import check_count
from ganfield.data._checks import check_size, check_split
from ganfield.data._files import StrPath, contents, is_folder, wrong
from ganfield.data._images import Images
from ganfield.data._npz import save_arrays

_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"}
)
_EXPECTED = "a folder of images"
_CHUNK = 256
# The first array of a cache, its state: so that also of half a cache the first bytes tell whose it
# is. A zip archive has a header of thirty bytes before a name.
_MARK = "ganfield_image_folder_cache"
_HEADER = 30


def image_folder(
    folder: StrPath,
    *,
    crop: int | None = 160,
    size: int = 64,
    channels: int = 3,
    num_threads: int | None = None,
    cache: StrPath | None = None,
    name: str | None = None,
    split: str = "train",
    num_test: int = 0,
) -> Images:
    """Return the images in a folder and its folders, of one size. The defaults are CelebA's.

    From the middle of each image a square is cut, and resized with Pillow's bilinear filter, which
    averages over all pixels that it leaves out (antialiasing; 160 → 64 takes a triangle of
    2 · 2.5 pixels). The images may differ in size and in mode: other modes become RGB (or grey),
    transparency is dropped, and cameras' notes on orientation are followed. The order is that of
    the sorted names, so it is the same on every machine.

    Args:
        folder: with images (by suffix: jpg, png, webp, bmp, gif, ppm, tif), each a regular file of
            one of these formats; other files, and names that start with a dot, are left out, and
            links are followed. Where every image is in a folder of its own class, the folders'
            names are the classes.
        crop: side of the square, in pixels; where an image is smaller, or if None, the largest
            square that it has.
        size: side of the result.
        channels: 3 for RGB or 1 for grey.
        num_threads: that decode; as many as there are cores if None.
        cache: an ``.npz`` file for the result. It is used again as long as the arguments and the
            names, sizes and times of the files are the same, and is replaced if not; any other file
            of that name is refused. It holds all images, for either split. Its folder must exist.
        name: what to call the set; the name of the folder if None.
        split: ``"train"``, or ``"test"`` for the last ``num_test`` images.
        num_test: how many images, the last in order, are for testing and not for training; of each
            class, where there are classes. CelebA's are 10,000 in the official code of "The
            Numerics of GANs", which leaves 192,599.

    Returns:
        `Images`, with labels if there are classes.

    Raises:
        ValueError: an argument is wrong, there are no images, one of them is damaged or is none, a
            folder cannot be read, or the cache cannot be written or is another file; the message
            names it.
        ImportError: Pillow is not installed; ``pip install 'ganfield[images]'`` brings it.

    Reference:
        Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild", 2015 (CelebA).

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> from PIL import Image
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for colour in ("red", "blue"):
        ...     Image.new("RGB", (178, 218), colour).save(folder / f"{colour}.png")
        >>> images = gf.data.image_folder(folder)
        >>> images.shape, images.pixels[:, 0, 0].tolist()
        ((64, 64, 3), [[0, 0, 255], [255, 0, 0]])
    """
    crop = None if crop is None else check_count(crop, argument="crop")
    size = check_count(size, argument="size")
    channels = check_size(channels, (1, 3), argument="channels")
    check_split(split)
    workers = os.cpu_count() or 1 if num_threads is None else num_threads
    workers = check_count(workers, argument="num_threads")
    folder = Path(folder)
    paths = _list_images(folder)
    labels, class_names = _classes(folder, paths)
    chosen = _part(folder, labels, len(paths), split, num_test)
    decode = partial(_decode, crop=crop, size=size, channels=channels, num_threads=workers)
    if cache is None:
        pixels = decode([path for path, wanted in zip(paths, chosen, strict=True) if wanted])
    else:
        state = _state(folder, paths, (crop, size, channels))
        cached = _cached(Path(cache), state, (len(paths), size, size, channels))
        if cached is None:
            _check_cache(Path(cache))
            cached = decode(paths)
            save_arrays(cache, {_MARK: np.asarray(state), "pixels": cached})
        pixels = cached if chosen.all() else cached[chosen]
    labels = None if labels is None else labels[chosen]
    name = folder.name if name is None else name
    return Images(pixels, labels, class_names, name=name, split=split)


def _list_images(folder: Path) -> list[Path]:
    if not is_folder(folder):
        raise wrong(folder, found=contents(folder), expected=_EXPECTED)
    paths = list(_images_in(folder, frozenset()))
    if not paths:
        raise wrong(folder, found=contents(folder), expected=_EXPECTED)
    return sorted(paths, key=lambda path: path.relative_to(folder).parts)


def _images_in(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Yield the images in a folder and in those below it, links to folders among them.

    Args:
        folder: where to look.
        above: the folders that it is in, without links: one that links to them has no end.
    """
    real = folder.resolve()
    if real in above:
        return
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise wrong(folder, found=reason_of(error), expected=_EXPECTED) from error
    for entry in entries:
        looks_like_one = entry.suffix.lower() in _SUFFIXES
        try:
            is_dir = stat.S_ISDIR(entry.stat().st_mode)
            if looks_like_one and not is_dir:
                check_regular(entry)
        except OSError as error:
            # Of what may be neither image nor folder, a link to nothing is nobody's loss.
            lost = isinstance(error, FileNotFoundError)
            if lost and entry.suffix and not looks_like_one:
                continue
            found = "a link to nothing" if lost else reason_of(error)
            raise wrong(entry, found=found, expected="an image or a folder") from error
        if is_dir:
            yield from _images_in(entry, above | {real})
        elif looks_like_one:
            yield entry


def _classes(folder: Path, paths: list[Path]) -> tuple[np.ndarray | None, tuple[str, ...]]:
    parts = [path.relative_to(folder).parts for path in paths]
    if any(len(part) == 1 for part in parts):
        return None, ()
    class_names = tuple(sorted({part[0] for part in parts}))
    numbers = {name: number for number, name in enumerate(class_names)}
    return np.array([numbers[part[0]] for part in parts], np.int32), class_names


def _part(
    folder: Path, labels: np.ndarray | None, count: int, split: str, num_test: int
) -> np.ndarray:
    """Return which of the images belong to a split, as booleans."""
    num_test = check_count(num_test, argument="num_test", minimum=0)
    if split == "test" and not num_test:
        raise ValueError(
            f"split='test' needs num_test: how many of the images in {folder}, the last in order, "
            "are for testing"
        )
    groups = [np.arange(count)]
    if labels is not None:
        groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    is_test = np.zeros(count, bool)
    for places in groups:
        if num_test >= len(places):
            of = "images in" if labels is None else "images in a class of"
            raise ValueError(
                f"num_test must be below the number of {of} {folder}, {len(places)}, got {num_test}"
            )
        is_test[places[len(places) - num_test :]] = True
    return is_test if split == "test" else ~is_test


def _state(folder: Path, paths: list[Path], settings: tuple[object, ...]) -> str:
    """Return a digest of all that the result depends on."""
    digest = hashlib.sha256(repr(settings).encode())
    for path in paths:
        status = path.stat()
        line = f"{path.relative_to(folder)}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _cached(cache: Path, state: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the images of a cache; None where it is missing, damaged, or of other images."""
    try:
        # NumPy leaves a damaged file open that it has opened itself.
        with open_regular(cache) as stream:
            # What is not of the size of these images is not unpacked.
            sizes = {each.filename: each.file_size for each in zipfile.ZipFile(stream).infolist()}
            if sizes["pixels.npy"] - int(np.prod(shape)) > 1000 or sizes[f"{_MARK}.npy"] > 1000:
                return None
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as file:
                pixels = np.asarray(file["pixels"]) if str(file[_MARK]) == state else None
    except Exception:  # a damaged file may raise anything
        return None
    of_these = pixels is not None and pixels.shape == shape and pixels.dtype == np.uint8
    return pixels if of_these else None


def _check_cache(cache: Path) -> None:
    """Raise a ``ValueError`` if the cache cannot be written; decoding may take an hour.

    Or if another file is there, which would be lost.
    """
    if cache.is_dir():
        raise ValueError(f"cache must be a file, and {cache} is a folder")
    if not cache.parent.is_dir():
        raise ValueError(f"cache must be in a folder that exists, and {cache.parent} does not")
    if not os.access(cache.parent, os.W_OK):
        raise ValueError(f"cache must be in a folder that can be written to, got {cache}")
    if os.path.lexists(cache) and not _is_ours(cache):
        raise ValueError(
            f"cache must be a new file or a cache of image_folder, and {cache} is another file: "
            "give another name, or remove it"
        )


def _is_ours(cache: Path) -> bool:
    """Return whether a file is a cache that was written here, whole or not."""
    try:
        with open_regular(cache) as file:
            start = file.read(200)
    except OSError:
        return False
    return start.startswith(b"PK") and start[_HEADER:].startswith(f"{_MARK}.npy".encode())


def _decode(
    paths: list[Path], *, crop: int | None, size: int, channels: int, num_threads: int
) -> np.ndarray:
    try:
        from PIL import Image

        from ganfield.data._read_image import read_image
    except ImportError as error:
        raise ImportError("image_folder needs Pillow: pip install 'ganfield[images]'") from error
    try:
        check_room(len(paths) * size * size * channels)
    except OSError as error:
        raise ValueError(
            f"{len(paths)} images of {size} × {size} pixels take {reason_of(error)}"
        ) from error
    pixels = np.empty((len(paths), size, size, channels), np.uint8)

    def fill(start: int) -> None:
        for place in range(start, min(start + _CHUNK, len(paths))):
            pixels[place] = read_image(paths[place], crop=crop, size=size, channels=channels)

    with ThreadPoolExecutor(num_threads) as pool, warnings.catch_warnings():
        # Images that are too large are refused by name.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        done = [pool.submit(fill, start) for start in range(0, len(paths), _CHUNK)]
        try:
            # In order, so that of several damaged images the first is named.
            for future in done:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return pixels
