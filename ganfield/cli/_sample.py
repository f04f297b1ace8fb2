"""``ganfield sample``: what the generator of a run makes, as files."""

import io
from pathlib import Path
from typing import Any

import jax
import numpy as np

import ganfield as gf
from ganfield._files import write_file
from ganfield.cli._help import options
from ganfield.cli._options import Count, File, Flag, Given, Json, RunFolder
from ganfield.cli._show import tell


@options
class Sample:
    """Write examples of a run's generator to a file or, images, to a folder of .png files.

    The first ones are those of the run's own grids, and a larger --num only adds some. Nothing in
    the run's folder changes.

    Try:
      ganfield sample run --num 1000 --output samples.npz
      ganfield sample run --num 64 --output samples --step 2000
    """

    folder: RunFolder
    """The run's folder."""
    output: File[Path]
    """A .npz file, whose array `examples` has the shape (num, …) with images in [−1, 1]; or a new
    or empty folder, for images as .png files."""
    num: Count[int] = 64
    """How many examples to write."""
    step: Given[int] = None
    """The checkpoint to take them from. (default: the last)"""
    average: Flag = False
    """Take the average of the generator's parameters, of runs that were trained with
    method.wrapper=averaged."""
    json: Json = False

    def run(self) -> int:
        """Write the examples, and say where."""
        gf.checks.check_count(self.num, argument="--num")
        parent = self.output.parent if self.output.suffix == ".npz" else self.output
        if parent.is_dir() and parent is self.output and any(self.output.iterdir()):
            raise ValueError(f"--output must be a new or empty folder, and {self.output} is not")
        if self.output.suffix not in (".npz", ""):
            raise ValueError(f"--output must end in .npz or be a folder, got {str(self.output)!r}")
        # Commands run in float64; networks were trained in float32.
        with jax.enable_x64(False):
            run = gf.runs.load(self.folder, self.step)
            examples = run.generate(self.num, average=self.average)
        if self.output.suffix == ".npz":
            content = io.BytesIO()
            np.savez_compressed(content, examples=examples, step=run.step)
            gf.reporting.check_folder(parent, argument="the folder of --output")
            write_file(self.output, content.getvalue())
        else:
            gf.runs.save_images(self.output, examples)
        tell(self, run)
        return 0

    def record(self, run: "gf.runs.SavedRun") -> dict[str, Any]:
        """Return what was written for JSON."""
        return {
            "run": self.folder,
            "step": run.step,
            "num": self.num,
            "average": self.average,
            "output": self.output,
        }

    def say(self, run: "gf.runs.SavedRun") -> None:
        """Print what was written."""
        whose = "the average of " if self.average else ""
        print(
            f"{self.num} examples of {whose}{self.folder} at step {run.step}\nwrote {self.output}"
        )
