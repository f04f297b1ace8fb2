"""Animations as files."""

import io
import os
from pathlib import Path
from typing import Any

from matplotlib.animation import AbstractMovieWriter, Animation, FFMpegWriter, writers
from PIL import Image

from ganfield._files import replacing
from ganfield.checks import check_positive
from ganfield.reporting import check_folder


def save_animation(
    animation: Animation, path: str | os.PathLike[str], *, fps: float = 20, dpi: float = 100
) -> None:
    """Write an animation to a file, which is whole or not there.

    Args:
        animation: what `animate` returned, or any other of Matplotlib's.
        path: ends in .gif, or in .mp4 where ffmpeg is installed. Its folder is made if need be.
        fps: frames a second. A GIF counts in hundredths of a second.
        dpi: pixels an inch.

    Raises:
        ValueError: the file's name ends otherwise, ffmpeg is not there, the folder cannot be
            written to, or ``fps`` or ``dpi`` is not a positive number.

    Example:
        >>> save_animation(None, "runs.webm")
        Traceback (most recent call last):
        ...
        ValueError: path must end in .gif or .mp4, got 'runs.webm'
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in (".gif", ".mp4"):
        raise ValueError(f"path must end in .gif or .mp4, got {str(path)!r}")
    fps, dpi = check_positive(fps, argument="fps"), check_positive(dpi, argument="dpi")
    if suffix == ".mp4" and not writers.is_available("ffmpeg"):
        raise ValueError(
            f"path must end in .gif, got {str(path)!r}: .mp4 needs ffmpeg, which is not there"
        )
    check_folder(target.parent, argument="the folder of path")
    # Matplotlib's stubs want whole frames a second; its writers do not.
    writer: Any = _GifWriter if suffix == ".gif" else FFMpegWriter
    with replacing(target) as partial:
        animation.save(partial, writer=writer(fps=fps), dpi=dpi)


class _GifWriter(AbstractMovieWriter):
    """Matplotlib's own lets Pillow choose colours by area, which turns small heads grey."""

    def setup(self, fig: Any, outfile: Any, dpi: float | None = None) -> None:
        super().setup(fig, outfile, dpi)
        self._images: list[Image.Image] = []

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        buffer = io.BytesIO()
        self.fig.savefig(buffer, **{**savefig_kwargs, "format": "png", "dpi": self.dpi})
        image = Image.open(buffer).convert("RGB")
        self._images.append(image.quantize(method=Image.Quantize.MAXCOVERAGE))

    def finish(self) -> None:
        # None were grabbed if drawing failed, and then that is the error to show.
        for first in self._images[:1]:
            first.save(
                self.outfile,
                save_all=True,
                append_images=self._images[1:],
                duration=max(10, round(1000 / self.fps)),
                loop=0,
            )
