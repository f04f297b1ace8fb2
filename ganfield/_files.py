"""Files that are whole or not there, and reading them: regular files alone, of a bounded size."""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
_MOST_JSON = 1 << 24  # bytes; the files of ours have some thousands
_DEEPEST = 16  # levels; those of ours have four


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a file to write beside another, which it then replaces.

    A reader sees the old file or the new one. If anything goes wrong the old one stays. The suffix
    is the same, for those who tell formats by it.

    Args:
        path: the file to replace; it need not exist.

    Yields:
        Where to write.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        with naming(path):
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with replacing(path) as partial, naming(path):
        partial.write_bytes(content)


def remove_partial(folder: Path) -> None:
    """Remove what a kill left of files that were being written."""
    for path in folder.glob(".*.partial*"):
        path.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong: a full disk is noticed by a write, which knows no name."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def check_regular(path: Path) -> int:
    """Return the size of a regular file.

    A FIFO would be waited for, and a device may have no end.

    Raises:
        OSError: it is none, or there is nothing.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))
    return status.st_size


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading, as `check_regular` has it."""
    check_regular(path)
    return path.open("rb")


def read_bytes(path: Path, *, limit: int) -> bytes:
    """Return what is in a regular file, unless it has more bytes than allowed.

    Raises:
        OSError: it is no regular file, is too large, or cannot be read.
    """
    size = check_regular(path)
    data = b""
    if size <= limit:
        with path.open("rb") as file:
            data = file.read(limit + 1)  # It may grow meanwhile.
    if (size := max(size, len(data))) > limit:
        raise OSError(errno.EFBIG, f"{size} bytes, more than {limit}", str(path))
    return data


def reason_of(error: Exception) -> str:
    """Return in a few words why a file cannot be read, without its name.

    Example:
        >>> reason_of(FileNotFoundError(2, "No such file or directory", "run.json"))
        'no such file or directory'
    """
    said = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    line = " ".join(said.split())
    return line[:1].lower() + line[1:300]


def parse_json(text: str) -> Any:
    """Return what a JSON text of ours holds, which names nothing twice and is not deep.

    Raises:
        ValueError: it is no JSON, has a name twice, a NaN or an infinity, or is nested deeply.

    Example:
        >>> parse_json('{"seed": 3, "seed": 4}')
        Traceback (most recent call last):
        ...
        ValueError: 'seed' is there twice
    """
    try:
        value = json.loads(text, object_pairs_hook=_named_once, parse_constant=_no_number)
    except RecursionError:
        value = _too_deep()
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return _too_deep() if level else value


def read_json(path: Path, kind: type = dict) -> Any:
    """Return what a JSON file of ours holds.

    Args:
        path: the file.
        kind: ``dict`` or ``list``, which it must hold.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it cannot be read, or holds something else; the message names it.
    """
    try:
        value = parse_json(read_bytes(path, limit=_MOST_JSON).decode("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {reason_of(error)}") from error
    if not isinstance(value, kind):
        wanted = "an object" if kind is dict else "a list"
        raise ValueError(f"{path} cannot be read: it must hold {wanted}, got {value!r:.40}")
    return value


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in named if names.count(name) > 1)
        raise ValueError(f"{twice!r:.40} is there twice")
    return named


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}, which is no number in JSON")


def _too_deep() -> NoReturn:
    raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
