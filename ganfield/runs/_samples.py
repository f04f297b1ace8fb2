"""Pictures of what the generator makes."""

import io
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganfield._files import write_file
from ganfield.data import to_uint8
from ganfield.reporting import check_folder

_LIMIT = 1.6  # of points in the plane; twice that, and so on, for data that reach further
_REACH = 0.99  # of the data
_SIDE = 320  # pixels of their picture
_SMALLEST = 32  # pixels of an image in a grid, at least


def check_shown(shape: tuple[int, ...]) -> None:
    """Raise a ``ValueError`` unless examples of this shape can be shown.

    Example:
        >>> check_shown((64, 64, 4))
        Traceback (most recent call last):
        ...
        ValueError: examples must be images (height, width, channels) of 1 or 3 channels, or points
        (dimensions,), since grids of them are drawn, got the shape (64, 64, 4)
    """
    if not (len(shape) == 1 or (len(shape) == 3 and shape[-1] in (1, 3))):
        raise ValueError(
            "examples must be images (height, width, channels) of 1 or 3 channels, or points "
            f"(dimensions,), since grids of them are drawn, got the shape {shape}"
        )


def limit_of(real: Any) -> float:
    """Return half the side of the square that pictures of points show.

    It is the smallest of 1.6, 3.2, 6.4 … with 99 % of the real ones inside.

    Example:
        >>> limit_of(np.array([[0.0, 1.5]])), limit_of(np.array([[0.0, -4.0]]))
        (1.6, 6.4)
    """
    reach = np.quantile(np.abs(np.asarray(real, float)[:, :2]).max(axis=1), _REACH)
    return float(_LIMIT * 2 ** max(0, math.ceil(math.log2(max(reach, _LIMIT) / _LIMIT))))


def save_samples(path: Path, examples: Any, *, limit: float = _LIMIT) -> None:
    """Write examples as a .png, whole or not at all: a grid of images, or points in the plane.

    Args:
        path: the file.
        examples: images (n, height, width, channels) in [−1, 1], or points (n, dimensions), of
            whose first two dimensions the square [−limit, limit]² is shown; points of a line lie
            in its middle.
        limit: of points.
    """
    array = np.asarray(examples, np.float32)
    pixels = _points(array, limit) if array.ndim == 2 else image_grid(array)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    write_file(path, content.getvalue())


def save_images(folder: str | os.PathLike[str], images: Any) -> list[Path]:
    """Write each image to a .png file of its own, by its number: 0.png, or 000.png of a thousand.

    Args:
        folder: made if need be.
        images: (n, height, width, channels) in [−1, 1], of 1 or 3 channels.

    Returns:
        The files.

    Raises:
        ValueError: these are no images, or the folder cannot be used.
    """
    array = np.asarray(images, np.float32)
    if array.ndim != 4:
        raise ValueError(
            "images must have shape (n, height, width, channels), got "
            f"{array.shape}: points are for a .npz file"
        )
    check_shown(array.shape[1:])
    target = check_folder(folder)
    digits = len(str(len(array) - 1))
    paths = [target / f"{number:0{digits}}.png" for number in range(len(array))]
    for path, pixels in zip(paths, to_uint8(array), strict=True):
        content = io.BytesIO()
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(content, "PNG")
        write_file(path, content.getvalue())
    return paths


def image_grid(images: np.ndarray) -> np.ndarray:
    """Return a grid of images, as square as it can be, row by row.

    Small images are enlarged, each pixel to a square, so that the smallest side has 32.

    Args:
        images: shape (n, height, width, channels) in [−1, 1], of 1 or 3 channels.

    Returns:
        Bytes of shape (rows·height, columns·width) or (rows·height, columns·width, 3), with black
        where the grid has no image.

    Raises:
        ValueError: images of that number of channels cannot be shown.

    Example:
        >>> import numpy as np
        >>> image_grid(np.zeros((6, 32, 32, 3))).shape
        (64, 96, 3)
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "images must have shape (n, height, width, channels) with 1 or 3 channels, "
            f"got {images.shape}"
        )
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    tiles = np.zeros((rows * columns, height, width, channels), np.uint8)
    tiles[:count] = to_uint8(images)
    grid = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    grid = grid.reshape(rows * height, columns * width, channels)
    zoom = max(1, math.ceil(_SMALLEST / min(height, width)))
    grid = grid.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return grid[..., 0] if channels == 1 else grid


def _points(points: np.ndarray, limit: float) -> np.ndarray:
    """Return a picture of points in the plane: black on white, the y axis upwards."""
    if points.shape[1] == 1:
        points = np.concatenate([points, np.zeros_like(points)], axis=1)
    edges = np.linspace(-limit, limit, _SIDE + 1)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))
    shade = np.sqrt(counts / max(counts.max(), 1))
    return (255 * (1 - shade[::-1])).astype(np.uint8)
