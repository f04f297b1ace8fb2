"""Files that are whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".partial"


def write_file(path: Path, content: bytes) -> None:
    """Write a file under another name and rename it: a reader sees the old one or the new one."""
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        with naming(path):
            partial.write_bytes(content)
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def remove_partial(folder: Path) -> None:
    """Remove what a kill left of files that were being written."""
    for path in folder.glob(f".*{PARTIAL}"):
        path.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong: a full disk is noticed by a write, which knows no name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
