"""One image file, as bytes of one shape. The only file that needs Pillow."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganfield._files import check_regular, open_regular, reason_of
from ganfield.data._files import describe, wrong

# Those that docs/data.md names. For others Pillow starts programs, as Ghostscript for PostScript.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_MOST_BYTES = 1 << 30
_MOST_PIXELS = 89_478_485  # where Pillow begins to speak of decompression bombs
_EXPECTED = f"an image ({', '.join(_FORMATS)})"


def read_image(path: Path, *, crop: int | None, size: int, channels: int) -> np.ndarray:
    """Return the middle square of an image, resized, shape ``(size, size, channels)``.

    Args:
        path: the file.
        crop: side of the square; the image's shorter side if that is less, or if None.
        size: side of the result.
        channels: 3 for RGB or 1 for grey.

    Raises:
        ValueError: the file is damaged, no image or no regular file, has no scale of pixels, or is
            larger than 1 GiB or 89 million pixels.
    """
    try:
        if (size_on_disk := check_regular(path)) > _MOST_BYTES:
            raise OSError(f"{size_on_disk} bytes, more than {_MOST_BYTES}")
        with open_regular(path) as file, Image.open(file, formats=_FORMATS) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise ValueError(f"{opened.width} × {opened.height} pixels, which are too many")
            opened.load()
            image = _eight_bits(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError as error:
        raise wrong(path, found=_look(path), expected=_EXPECTED) from error
    except Exception as error:  # a damaged image may raise anything
        found = f"{_look(path)} ({reason_of(error)})"
        raise wrong(path, found=found, expected=_EXPECTED) from error
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
        size = check_regular(path)
        with open_regular(path) as file:
            start = file.read(512)
    except OSError:
        return "a file that cannot be read"
    said = describe(start)
    # What a file of another kind is said to have are its bytes.
    return said.replace(f"{len(start)} bytes that", f"{size} bytes that", 1)
