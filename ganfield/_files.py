"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
