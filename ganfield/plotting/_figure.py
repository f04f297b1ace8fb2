"""Figures made and saved without pyplot, for programs that have no window."""

import os
from pathlib import Path

from matplotlib.figure import Figure

from ganfield._files import replacing
from ganfield.checks import check_positive
from ganfield.reporting import check_folder

_SUFFIXES = (".pdf", ".png", ".svg")


def figure(width: float = 4.5, height: float = 4.5) -> Figure:
    """Return an empty figure that no window shows and that is gone with its last reference.

    Args:
        width: in inches.
        height: in inches.

    Returns:
        The figure; ``figure.subplots()`` makes axes.

    Raises:
        ValueError: a length is not a positive number.

    Example:
        >>> import ganfield as gf
        >>> points = gf.plot.spectrum([1j, -1j], gf.plot.figure(3, 2).subplots())
        >>> points.figure.get_size_inches()
        array([3., 2.])
    """
    for name, value in (("width", width), ("height", height)):
        check_positive(value, argument=name)
    return Figure(figsize=(width, height))


def check_path(path: str | os.PathLike[str], *, argument: str = "path") -> Path:
    """Return where a figure can be saved, or raise before anything was drawn.

    Args:
        path: ends in .pdf, .png or .svg. Its folder is made if need be.
        argument: what the caller calls it.

    Returns:
        The path.

    Raises:
        ValueError: its name ends otherwise, it is a folder, or its folder cannot be written to.

    Example:
        >>> check_path("field.jpeg")
        Traceback (most recent call last):
        ...
        ValueError: path must end in .pdf, .png or .svg, got 'field.jpeg'
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"{argument} must end in .pdf, .png or .svg, got {str(path)!r}")
    if target.is_dir():
        raise ValueError(f"{argument} must be a file, got the folder {str(path)!r}")
    check_folder(target.parent, argument=f"the folder of {argument}")
    return target


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file, which is whole or not there.

    Save inside the `style` that the figure was drawn in: resolution and ground are settings too.

    Args:
        figure: the figure.
        path: ends in .pdf, .png or .svg. Its folder is made if need be.

    Returns:
        The path.

    Raises:
        ValueError: as `check_path`.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> drawn = gf.plot.figure(3, 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     gf.plot.save(drawn, pathlib.Path(folder) / "new" / "empty.png").name
        'empty.png'
    """
    target = check_path(path)
    with replacing(target) as partial:
        figure.savefig(partial, format=target.suffix[1:].lower())
    return target
