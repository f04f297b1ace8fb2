"""Animations as files."""

import base64
import io
import json
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
        path: ends in .gif; in .html, a page with a slider that asks no other file and no network;
            or in .mp4 where ffmpeg is installed. Its folder is made if need be.
        fps: frames a second. A GIF counts in hundredths of a second.
        dpi: pixels an inch.

    Raises:
        ValueError: the file's name ends otherwise, ffmpeg is not there, the folder cannot be
            written to, or ``fps`` or ``dpi`` is not a positive number.

    Example:
        >>> save_animation(None, "runs.webm")
        Traceback (most recent call last):
        ...
        ValueError: path must end in .gif, .html or .mp4, got 'runs.webm'
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _WRITERS:
        raise ValueError(f"path must end in .gif, .html or .mp4, got {str(path)!r}")
    fps, dpi = check_positive(fps, argument="fps"), check_positive(dpi, argument="dpi")
    if suffix == ".mp4" and not writers.is_available("ffmpeg"):
        raise ValueError(
            f"path must end in .gif or .html, got {str(path)!r}: .mp4 needs ffmpeg, which is not "
            "there"
        )
    check_folder(target.parent, argument="the folder of path")
    # Matplotlib's stubs want whole frames a second; its writers do not.
    writer: Any = _WRITERS[suffix]
    with replacing(target) as partial:
        animation.save(partial, writer=writer(fps=fps), dpi=dpi)


class _Frames(AbstractMovieWriter):
    """Keeps the frames as PNG."""

    def setup(self, fig: Any, outfile: Any, dpi: float | None = None) -> None:
        super().setup(fig, outfile, dpi)
        self._frames: list[bytes] = []

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        buffer = io.BytesIO()
        self.fig.savefig(buffer, **{**savefig_kwargs, "format": "png", "dpi": self.dpi})
        self._frames.append(buffer.getvalue())


class _GifWriter(_Frames):
    """Matplotlib's own lets Pillow choose colours by area, which turns small heads grey."""

    def finish(self) -> None:
        images = [
            Image.open(io.BytesIO(frame)).convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE)
            for frame in self._frames
        ]
        # None were grabbed if drawing failed, and then that is the error to show.
        for first in images[:1]:
            first.save(
                self.outfile,
                save_all=True,
                append_images=images[1:],
                duration=max(10, round(1000 / self.fps)),
                loop=0,
            )


class _HtmlWriter(_Frames):
    """Matplotlib's own page asks the network for its icons."""

    def finish(self) -> None:
        frames = [base64.b64encode(frame).decode("ascii") for frame in self._frames]
        with Path(self.outfile).open("w", encoding="utf-8") as file:
            file.write(_PAGE % {"wait": round(1000 / self.fps), "frames": json.dumps(frames)})


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>animation</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
figure { margin: 0 auto; max-width: 100%%; width: fit-content; font: 14px sans-serif }
img { display: block; max-width: 100%% }
div { display: flex; gap: 8px; align-items: center; padding: 8px }
input { flex: 1 }
</style></head><body><figure><img id="frame" alt="a frame of the animation">
<div><button id="play">pause</button><input id="at" type="range" min="0" value="0"
aria-label="frame"></div></figure>
<script>
const frames = %(frames)s, wait = %(wait)d;
const [image, play, at] = ["frame", "play", "at"].map((id) => document.getElementById(id));
let timer = null;
const show = () => { image.src = "data:image/png;base64," + frames[at.value]; };
const next = () => { at.value = (Number(at.value) + 1) %% frames.length; show(); };
const run = (on) => {
  clearInterval(timer);
  timer = on ? setInterval(next, wait) : null;
  play.textContent = on ? "pause" : "play";
};
play.onclick = () => run(timer === null);
at.oninput = () => { run(false); show(); };
at.max = frames.length - 1;
show();
run(true);
</script></body></html>
"""
_WRITERS = {".gif": _GifWriter, ".html": _HtmlWriter, ".mp4": FFMpegWriter}
