"""Reading files that others made: whole or not at all, and with words for what is wrong."""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from ganfield._files import check_regular, naming, read_bytes, reason_of
from ganfield._memory import check_room

StrPath: TypeAlias = str | PathLike[str]
Checksum: TypeAlias = str | Mapping[str, str] | None
"""A digest in hexadecimal, or file name → digest, or None for no check."""

_LENGTHS = {32: "md5", 64: "sha256"}
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
_ARCHIVES = (".tar.gz", ".tgz", ".tar")
# What is saved under a wrong name most often.
_SIGNATURES = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it points to"),
    (_GZIP, "gzip-compressed data"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2-compressed data"),
    (b"\xfd7zXZ", "xz-compressed data"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
)


def wrong(path: StrPath, *, found: str, expected: str) -> ValueError:
    """Return the error of a file that is not what it should be."""
    return ValueError(f"{path}: expected {expected}, found {found}")


def describe(data: bytes) -> str:
    """Return in words what the data look like.

    Example:
        >>> describe(b"<!DOCTYPE html><html><title>Sign in</title>")
        'an HTML page, b"<!DOCTYPE html><html><title>Sign..."'
    """
    if not data:
        return "an empty file"
    text = data[:512].lstrip().lower()
    start = data[:32].decode("ascii", "backslashreplace")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        kind = "an HTML page" if b"html" in text else "an XML document"
        return f'{kind}, b"{start}..."'
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            return words
    return f"{len(data)} bytes that start with {data[:8].hex(' ')}"


def read_whole(path: Path) -> bytes:
    """Return the bytes of a regular file that the memory has room for.

    Raises:
        OSError: it is no regular file, is too large, or cannot be read.
    """
    with naming(path):
        return read_bytes(path, limit=check_room(check_regular(path)))


def read_file(
    path: StrPath, *, expected: str, limit: int | None = None, checksum: Checksum = None
) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: the file.
        expected: what it should be, in words.
        limit: bytes that it is not allowed to exceed; None for those that the memory has left.
        checksum: MD5 or SHA-256 in hexadecimal; or a mapping that has the file's name.

    Raises:
        ValueError: the file cannot be read, is too large, or has another checksum.
    """
    path = Path(path)
    try:
        data = read_whole(path) if limit is None else read_bytes(path, limit=limit)
    except OSError as error:
        raise wrong(path, found=reason_of(error), expected=expected) from error
    wanted = checksum.get(Path(path).name) if isinstance(checksum, Mapping) else checksum
    if checksum is not None:
        _check_digest(path, data, wanted)
    return data


def _check_digest(path: StrPath, data: bytes, wanted: str | None) -> None:
    if wanted is None:
        raise ValueError(f"checksum must have a digest for every file read, got none for {path}")
    method = _LENGTHS.get(len(wanted)) if isinstance(wanted, str) else None
    if method is None:
        raise ValueError(
            f"checksum must be an MD5 or a SHA-256 in hexadecimal, 32 or 64 digits, got {wanted!r}"
        )
    digest = hashlib.new(method, data, usedforsecurity=False).hexdigest()
    if digest != wanted.lower():
        raise wrong(
            path, found=f"{digest} ({describe(data)})", expected=f"{method} checksum {wanted}"
        )


def decompress(path: StrPath, data: bytes, *, limit: int) -> bytes:
    """Return the data, without gzip if they are compressed, at most ``limit`` + 1 bytes of them.

    Raises:
        ValueError: the compressed data are truncated or corrupt.
    """
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            # By pieces: what is asked for at once is reserved at once.
            pieces, left = [], limit + 1
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                pieces.append(piece)
                left -= len(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise wrong(path, found=f"{error}".lower(), expected="a whole gzip file") from error
    return b"".join(pieces)


def read_members(
    path: StrPath, names: Collection[str], *, expected: str, limit: int, checksum: Checksum = None
) -> dict[str, bytes]:
    """Return name → bytes of those files that a folder, or a tar archive, has.

    Args:
        path: a folder with the files, or an archive that has them in any of its folders.
        names: the files to look for.
        expected: what a file should be, in words.
        limit: bytes that no file is allowed to exceed.
        checksum: see `read_file`; of the archive if there is one.

    Raises:
        ValueError: something cannot be read, or is too large, or has another checksum.
    """
    path = Path(path)
    if is_folder(path):
        # What is no regular file is named when it is read.
        return {
            name: read_file(path / name, expected=expected, limit=limit, checksum=checksum)
            for name in names
            if os.path.lexists(path / name)
        }
    archive = f"an archive ({', '.join(_ARCHIVES)}) or a folder of {expected}"
    # Unpacked there may be as much again of other files, and the tables of the archive.
    most = (2 * len(names) + 2) * limit
    data = read_file(path, expected=archive, limit=most, checksum=checksum)
    zipped = data.startswith(_GZIP)
    stream: BinaryIO = io.BytesIO(data)
    if zipped:
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    bounded = _Bounded(stream, most)
    try:
        with tarfile.open(fileobj=cast(BinaryIO, bounded), mode="r|") as tar:
            contents_of = dict(_members(tar, names, limit))
        # To the end, past that of the archive: only there gzip has its own checksum.
        while bounded.read(_PIECE):
            pass
    except _LargeError as error:
        name, size = error.args
        raise wrong(f"{path}: {name}", found=f"{size} bytes", expected=expected) from error
    except Exception as error:  # a damaged archive may raise anything
        doubt = f" that breaks off or is corrupt ({reason_of(error)})" if zipped else ""
        raise wrong(path, found=f"{describe(data)}{doubt}", expected=archive) from error
    return contents_of


class _Bounded:
    """A stream that ends with an error where more comes out of it than is allowed."""

    def __init__(self, stream: BinaryIO, limit: int):
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int) -> bytes:
        """Return the next bytes; what is asked for at once is reserved at once, so a piece."""
        data = self._stream.read(min(size, _PIECE))
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"more than {self._limit} bytes unpacked")
        return data


class _LargeError(Exception):
    """A file in an archive, by name and size, exceeds what is allowed."""


def _members(
    tar: tarfile.TarFile, names: Collection[str], limit: int
) -> Iterator[tuple[str, bytes]]:
    for member in tar:
        name = member.name.rsplit("/", 1)[-1]
        if name not in names or not member.isfile():
            continue
        if member.size > limit:
            raise _LargeError(member.name, member.size)
        content = tar.extractfile(member)
        yield name, b"" if content is None else content.read()


def is_folder(path: Path) -> bool:
    """Return whether there is a folder, as far as one may know."""
    try:
        return path.is_dir()
    except OSError:
        return False


def contents(folder: Path) -> str:
    """Return in words what is at a path; of a folder the first few names."""
    try:
        if not folder.is_dir():
            return "a file" if folder.exists() else "nothing"
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        return reason_of(error)
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"a folder of {', '.join(names[:6])}{more}"
