"""The figures of the comparison."""

from pathlib import Path
from typing import Any

import comparison_ring
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

import ganfield as gf


def comparison(
    toy_rows: dict[str, dict[str, Any]], ring_rows: dict[str, comparison_ring.Row], path: Path
) -> None:
    """Draw the rates on the toy games, predicted against measured ones, and the ring's modes."""
    with gf.plot.style(axes__titlesize=8, font__size=7.5):
        figure = plt.figure(figsize=(10.4, 5.6))
        grid = figure.add_gridspec(2, 2, width_ratios=(2.1, 1))
        _rates(toy_rows, figure.add_subplot(grid[:, 0]))
        _agreement(toy_rows, figure.add_subplot(grid[0, 1]))
        _modes(ring_rows, figure.add_subplot(grid[1, 1]))
        figure.savefig(path)
        plt.close(figure)


def stability(maps: dict[str, gf.StabilityDiagram], path: Path) -> None:
    """Draw the two stability diagrams."""
    titles = {
        "consensus": "Dirac-GAN: simultaneous steps on v − γ∇L",
        "momentum": "Dirac-GAN: alternating steps with momentum",
    }
    with gf.plot.style():
        figure, panels = plt.subplots(1, len(maps), figsize=(8.6, 3.6))
        for ax, (name, found) in zip(panels, maps.items(), strict=True):
            image = gf.plot.stability_diagram(found, ax)
            ax.set_title(titles[name])
            ax.legend(loc="upper right")
        figure.colorbar(image, ax=panels, label="spectral radius of the update map")
        figure.savefig(path)
        plt.close(figure)


def _rates(toy_rows: dict[str, dict[str, Any]], ax: Axes) -> None:
    names = list(toy_rows)
    games = list(next(iter(toy_rows.values()))["games"])
    rows = [[toy_rows[name]["games"][game] for game in games] for name in names]
    measured = np.array([[row.measured for row in line] for line in rows])
    image = ax.imshow(
        np.ma.masked_invalid(measured),
        cmap="PuOr_r",
        norm=TwoSlopeNorm(1.0, 0.5, 1.1),
        aspect="auto",
    )
    for (i, j), value in np.ndenumerate(measured):
        text = "–" if not np.isfinite(value) else f"{value:.2f}" if value < 9.99 else "≫ 1"
        strong = value < 0.7 or value > 1.07
        ax.text(
            j,
            i,
            text,
            ha="center",
            va="center",
            fontsize=6,
            color="white" if strong else "black",
            fontweight="bold" if rows[i][j].reached == 1 else "normal",
        )
    ax.set_xticks(
        range(len(games)), [game.replace("_", " ") for game in games], rotation=40, ha="right"
    )
    ax.set_yticks(range(len(names)), names)
    ax.set_title("factor per gradient evaluation (bold: all starts reached an equilibrium)")
    ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.01)


def _agreement(toy_rows: dict[str, dict[str, Any]], ax: Axes) -> None:
    pairs = np.array(
        [
            (row.predicted, row.measured)
            for each in toy_rows.values()
            for row in each["games"].values()
            if row.reached == 1 and np.isfinite(row.measured)
        ]
    )
    ax.plot([0, 1], [0, 1], color="0.5", linewidth=0.8)
    ax.plot(*pairs.T, ".", markersize=4, alpha=0.6)
    ax.set(xlabel="predicted by the update map", ylabel="measured", title="factor, where reached")


def _modes(ring_rows: dict[str, comparison_ring.Row], ax: Axes) -> None:
    if not ring_rows:
        ax.axis("off")
        return
    names = list(ring_rows)
    for place, name in enumerate(names):
        modes = ring_rows[name].modes
        ax.barh(place, np.mean(modes), color="C0", alpha=0.5)
        ax.plot(modes, [place] * len(modes), "|", color="C1", markersize=7)
    ax.set_yticks(range(len(names)), names, fontsize=6)
    ax.invert_yaxis()
    ax.set(xlim=(0, 8.2), xlabel="modes covered on the ring")
