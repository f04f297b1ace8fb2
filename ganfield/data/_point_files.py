"""Points in a file of NumPy's."""

import io
from pathlib import Path

import numpy as np

from ganfield.data._files import Checksum, StrPath, describe, read_file, wrong
from ganfield.data._points import Points, points

_EXPECTED = "an .npy file of numbers of shape (n, dimensions)"
_MAGIC = b"\x93NUMPY"


def load_points(path: StrPath, *, checksum: Checksum = None) -> Points:
    """Return the points of an ``.npy`` file.

    Args:
        path: the file, an array of numbers of shape ``(n, dimensions)``.
        checksum: MD5 or SHA-256 of the file.

    Returns:
        `Points`, each drawn as often as any other.

    Raises:
        ValueError: the file is missing, truncated, damaged or something else, or its array has
            another shape, is not of numbers, or not finite; the message names the file.

    Example:
        >>> import pathlib, tempfile, numpy as np, ganfield as gf
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "moons.npy"
        >>> np.save(path, np.zeros((50, 2)))
        >>> gf.data.load_points(path)
        Points(50 of shape (2,), without labels)
    """
    path = Path(path)
    data = read_file(path, expected=_EXPECTED, checksum=checksum)
    if not data.startswith(_MAGIC):
        raise wrong(path, found=describe(data), expected=_EXPECTED)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # a damaged header may raise anything
        said = f"{error}" or type(error).__name__
        if "allow_pickle" in said:
            said = "an array of Python objects, a pickle, which is not read"
        raise wrong(path, found=said, expected=_EXPECTED) from error
    if array.ndim != 2:
        raise wrong(path, found=f"{array.dtype} of shape {array.shape}", expected=_EXPECTED)
    try:
        return points(array)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
