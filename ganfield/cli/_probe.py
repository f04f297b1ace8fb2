"""``ganfield probe``: what the discriminator of a run knows of classes that it was never told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import numpy as np

import ganfield as gf
from ganfield.cli._help import options, shown
from ganfield.cli._options import Count, Dark, File, Given, Json, RunFolder
from ganfield.cli._show import number, show, table, tell
from ganfield.cli._words import in_words

_OF_PROBES = {
    r"^labels_per_class\b": "--labels",
    r"^num_draws\b": "--draws",
    r"^seed\b": "--seed",
    r": give test=…$": "",
}


class Probed(NamedTuple):
    """A run, and its probes by name."""

    run: "gf.runs.SavedRun"
    probes: Mapping[str, gf.evaluation.LinearProbe]


@options
class Probe:
    """Measure what the discriminator of a run has learned of classes, by few labels.

    Logistic regression on its penultimate features, beside that on the same network untrained and
    on raw pixels: the share of test images that are right. Nothing in the run's folder changes.

    Try:
      ganfield probe run
      ganfield probe run --labels 1 10 100 --draws 10 --output probe.png
    """

    folder: RunFolder
    """The run's folder; its data must be images with labels and a part for testing."""
    step: Given[int] = None
    """The checkpoint to take the discriminator from. (default: the last)"""
    labels: Annotated[tuple[str, ...], shown("COUNT|all")] = ("10", "30", "all")
    """How many labels of each class to learn from."""
    draws: Count[int] = 5
    """How often labels are drawn; of all labels there is one draw."""
    seed: int = 0
    """Of the draws of the labels, all of them."""
    output: File[Path | None] = None
    """Write a figure to this .png, .pdf or .svg file. (default: no figure)"""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Print the accuracies, and draw them if a figure is asked for."""
        if self.output is not None:
            gf.plot.check_path(self.output, argument="--output")
        gf.checks.check_seed(self.seed, argument="--seed")
        counts = tuple(map(_count, self.labels))
        # Commands run in float64; networks were trained in float32.
        with jax.enable_x64(False), in_words(_OF_PROBES):
            run = gf.runs.load(self.folder, self.step)
            probes = gf.runs.probe(
                run, labels_per_class=counts, num_draws=self.draws, seed=self.seed
            )
        if self.output is not None:
            self._draw(probes, self.output)
        tell(self, Probed(run, probes))
        return 0

    def record(self, probed: Probed) -> dict[str, Any]:
        """Return the accuracies for JSON."""
        rows = {
            name: [
                {"labels": text, "accuracy": mean, "standard_error": error, "accuracies": each}
                for text, mean, error, each in zip(self.labels, *probe[1:], strict=True)
            ]
            for name, probe in probed.probes.items()
        }
        return {
            "run": self.folder,
            "step": probed.run.step,
            "seed": self.seed,
            "probes": rows,
            "output": self.output,
        }

    def say(self, probed: Probed) -> None:
        """Print a row for each kind of features, a column for each number of labels."""
        print(
            f"{self.folder} at step {probed.run.step}: share of test images right, by the labels "
            "of each class"
        )
        rows = table("features", *self.labels)
        for name, probe in probed.probes.items():
            pairs = zip(probe.accuracy, probe.standard_error, strict=True)
            rows.add_row(name, *(_spread(*pair) for pair in pairs))
        show(rows)
        if self.draws > 1:
            print(f"±: standard error of the mean over {self.draws} draws of the labels")
        if self.output is not None:
            print(f"wrote {self.output}")

    def _draw(self, probes: Mapping[str, gf.evaluation.LinearProbe], output: Path) -> None:
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(3.6, 2.7)
            gf.plot.probes(probes, figure.subplots())
            gf.plot.save(figure, output)


def _count(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal():
        raise ValueError(f"--labels must be integers ≥ 1, or all, got {text!r:.40}")
    return int(text)


def _spread(mean: float, error: float) -> str:
    return number(mean) if np.isnan(error) else f"{number(mean)} ± {number(error, 2)}"
