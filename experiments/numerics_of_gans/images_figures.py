"""The figures of the experiment on images, from what its runs wrote."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter
from PIL import Image

import ganfield as gf

STYLES = ("-", "--", ":", "-.")
SCORES = ("classifier_score", "frechet_classifier_distance")
METRICS = {"norm_v_theta": "‖v_θ‖", "norm_v_phi": "‖v_φ‖", "diversity": "diversity"}


class Tables:
    """What a run wrote: its metrics, its scores and the grid of samples of its last evaluation."""

    def __init__(self, folder: Path):
        self.metrics = _columns(folder / "metrics.csv")
        self.scores = _columns(folder / "scores.csv")
        grids = sorted((folder / "samples").glob("step_*.png"))
        self.samples = np.asarray(Image.open(grids[-1]).convert("RGB"))
        self.real = np.asarray(Image.open(folder / "samples" / "real.png").convert("RGB"))

    def last_scores(self) -> dict[str, float]:
        """Return the scores of the last evaluation."""
        return {name: float(values[-1]) for name, values in self.scores.items()}

    def last_metrics(self) -> dict[str, float]:
        """Return the last row of metrics."""
        return {name: float(values[-1]) for name, values in self.metrics.items()}

    def curves(self) -> dict[str, dict[str, list[float]]]:
        """Return what the figures are drawn from, to four digits."""
        chosen = {"scores": (self.scores, SCORES), "metrics": (self.metrics, tuple(METRICS))}
        return {
            kind: {
                name: [float(f"{value:.4g}") for value in columns[name]]
                for name in ("step", "seconds", *names)
            }
            for kind, (columns, names) in chosen.items()
        }


Runs = Mapping[tuple[str, int], Tables]
"""(preset, seed) → what that run wrote."""


def scores(runs: Runs, path: Path) -> None:
    """Draw the classifier's score and Fréchet distance against steps and against wall-clock."""
    with gf.plot.style():
        figure, grid = plt.subplots(2, 2, figsize=(7.2, 4.6), sharex="col", sharey="row")
        for preset, color, style in _looks(runs):
            for seed, tables in _seeds(runs, preset).items():
                label = preset if seed == min(_seeds(runs, preset)) else None
                at = (tables.scores["step"], tables.scores["seconds"])
                for row, name in zip(grid, SCORES, strict=True):
                    for ax, x in zip(row, at, strict=True):
                        ax.plot(
                            x,
                            tables.scores[name],
                            color=color,
                            linestyle=style,
                            linewidth=1.2,
                            label=label,
                        )
        grid[0, 0].set_ylabel("classifier score")
        grid[1, 0].set(ylabel="Fréchet classifier distance", xlabel="step", yscale="log")
        grid[1, 1].set_xlabel("seconds of training")
        for which in (grid[1, 0].yaxis.set_major_formatter, grid[1, 0].yaxis.set_minor_formatter):
            which(LogFormatter(minor_thresholds=(2, 0.7)))
        _finish(figure, grid[0, 0], path)


def norms(runs: Runs, path: Path) -> None:
    """Draw ‖v_θ‖, ‖v_φ‖ and the fakes' diversity against steps."""
    with gf.plot.style():
        figure, row = plt.subplots(1, 3, figsize=(7.2, 2.5))
        for preset, color, style in _looks(runs):
            for seed, tables in _seeds(runs, preset).items():
                label = preset if seed == min(_seeds(runs, preset)) else None
                for ax, (name, title) in zip(row, METRICS.items(), strict=True):
                    ax.plot(
                        tables.metrics["step"],
                        tables.metrics[name],
                        color=color,
                        linestyle=style,
                        linewidth=0.8,
                        label=label,
                    )
                    ax.set(xlabel="step", title=title)
        for ax in row[:2]:
            ax.set_yscale("log")
        _finish(figure, row[0], path)


def samples(runs: Runs, path: Path) -> None:
    """Draw the last grid of every run, its upper left part, beside real images."""
    presets = list(dict.fromkeys(preset for preset, _ in runs))
    seeds = sorted({seed for _, seed in runs})
    with gf.plot.style():
        figure, grid = plt.subplots(
            len(seeds),
            len(presets) + 1,
            figsize=(1.75 * (len(presets) + 1), 1.75 * len(seeds) + 0.3),
            squeeze=False,
        )
        for line, seed in zip(grid, seeds, strict=True):
            for ax, preset in zip(line, presets, strict=False):
                _show(ax, runs[preset, seed].samples)
                ax.set_title(preset if seed == seeds[0] else "")
            _show(line[-1], next(iter(runs.values())).real)
            line[-1].set_title("real" if seed == seeds[0] else "")
            line[0].set_ylabel(f"seed {seed}")
        gf.plot.save(figure, path)
        plt.close(figure)


def _show(ax: Axes, pixels: np.ndarray) -> None:
    ax.imshow(_apart(pixels), interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _apart(pixels: np.ndarray, side: int = 8, gap: int = 3) -> np.ndarray:
    """Return a square grid of images with white lines between them."""
    height, width, channels = pixels.shape
    if height % side or width % side:
        return pixels
    tiles = pixels.reshape(side, height // side, side, width // side, channels)
    room = ((0, 0), (0, gap), (0, 0), (0, gap), (0, 0))
    tiles = np.pad(tiles, room, constant_values=255)
    spaced = tiles.reshape(height + side * gap, width + side * gap, channels)
    return spaced[:-gap, :-gap]


def _looks(runs: Runs) -> list[tuple[str, str, str]]:
    presets = list(dict.fromkeys(preset for preset, _ in runs))
    return [
        (preset, gf.plot.COLORS[index % len(gf.plot.COLORS)], STYLES[index % len(STYLES)])
        for index, preset in enumerate(presets)
    ]


def _seeds(runs: Runs, preset: str) -> dict[int, Tables]:
    return {seed: tables for (name, seed), tables in runs.items() if name == preset}


def _finish(figure: plt.Figure, ax: Axes, path: Path) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    gf.plot.save(figure, path)
    plt.close(figure)


def _columns(path: Path) -> dict[str, np.ndarray]:
    """Return the columns of numbers of a .csv file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != "warnings"]
    return {name: np.array([float(row[name]) for row in rows]) for name in names}
