"""Reading files that others made: whole or not at all, and with words for what is wrong."""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

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


def read_file(path: StrPath, *, expected: str, checksum: Checksum = None) -> bytes:
    """Return the bytes of a file.

    Args:
        path: the file.
        expected: what it should be, in words.
        checksum: MD5 or SHA-256 in hexadecimal; or a mapping that has the file's name.

    Raises:
        ValueError: the file cannot be read, or has another checksum.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise wrong(path, found=reason, expected=expected) from error
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
    if path.is_dir():
        files = {name: path / name for name in names if (path / name).is_file()}
        for file in files.values():
            if file.stat().st_size > limit:
                raise wrong(file, found=f"{file.stat().st_size} bytes", expected=expected)
        return {
            name: read_file(file, expected=expected, checksum=checksum)
            for name, file in files.items()
        }
    archive = f"an archive ({', '.join(_ARCHIVES)}) or a folder of {expected}"
    data = read_file(path, expected=archive, checksum=checksum)
    zipped = data.startswith(_GZIP)
    stream: BinaryIO = io.BytesIO(data)
    if zipped:
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            found_members = dict(_members(tar, path, names, expected, limit))
        # To the end, past that of the archive: only there gzip has its own checksum.
        while stream.read(_PIECE):
            pass
    except (tarfile.TarError, OSError, EOFError, zlib.error, OverflowError) as error:
        doubt = f" that breaks off or is corrupt ({error})" if zipped else ""
        raise wrong(path, found=f"{describe(data)}{doubt}", expected=archive) from error
    return found_members


def _members(
    tar: tarfile.TarFile, path: Path, names: Collection[str], expected: str, limit: int
) -> Iterator[tuple[str, bytes]]:
    for member in tar:
        name = member.name.rsplit("/", 1)[-1]
        if name not in names or not member.isfile():
            continue
        if member.size > limit:
            where = f"{path}: {member.name}"
            raise wrong(where, found=f"{member.size} bytes", expected=expected)
        content = tar.extractfile(member)
        yield name, b"" if content is None else content.read()


def contents(folder: Path) -> str:
    """Return in words what is at a path; of a folder the first few names."""
    if not folder.is_dir():
        return "a file" if folder.exists() else "nothing"
    names = sorted(entry.name for entry in folder.iterdir())
    if not names:
        return "an empty folder"
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"a folder of {', '.join(names[:6])}{more}"
