"""One image file, as bytes of one shape. The only file that needs Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ganfield.data._files import describe, wrong


def read_image(path: Path, *, crop: int | None, size: int, channels: int) -> np.ndarray:
    """Return the middle square of an image, resized, shape ``(size, size, channels)``.

    Args:
        path: the file.
        crop: side of the square; the image's shorter side if that is less, or if None.
        size: side of the result.
        channels: 3 for RGB or 1 for grey.

    Raises:
        ValueError: the file is damaged, or no image, or its pixels have no scale.
    """
    try:
        with Image.open(path) as opened:
            opened.load()
            image = _eight_bits(ImageOps.exif_transpose(opened))
    except Exception as error:  # a damaged image may raise anything
        raise wrong(path, found=f"{_look(path)} ({error})", expected="an image") from error
    image = image.convert("RGB" if channels == 3 else "L")
    side = min(image.size if crop is None else (crop, *image.size))
    left, upper = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, upper, left + side, upper + side))
    resized = square.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(size, size, channels)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image of 8 bits a channel; Pillow's own conversion would clip deeper ones."""
    if image.mode in ("P", "PA"):
        return image.convert("RGBA")
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 0xFFFF:
        raise ValueError(f"pixels of mode {image.mode}, whose scale is not known")
    return Image.fromarray(np.floor(values / 257 + 0.5).astype(np.uint8))


def _look(path: Path) -> str:
    try:
        return describe(path.read_bytes())
    except OSError:
        return "a file that cannot be read"
