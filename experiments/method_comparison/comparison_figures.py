"""The figures of the comparison, drawn from its result as read from JSON."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm

import ganfield as gf


def comparison(result: dict[str, Any], path: Path) -> None:
    """Draw rates, costs and the ring, a line for each method, and below it the predicted rates."""
    names = list(result["toys"])
    height = 1.1 + 0.2 * len(names)
    with gf.plot.style(font__size=7.5, axes__titlesize=8, axes__labelsize=7.5):
        plt.rcParams.update({"xtick.labelsize": 7, "ytick.labelsize": 7.5})
        figure = plt.figure(figsize=(10, height + 2.7))
        grid = figure.add_gridspec(2, 1, height_ratios=(height, 2.7))
        upper, lower = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
        panels = upper.subplots(1, 5, sharey=True, width_ratios=(4.6, 0.8, 0.9, 1, 0.9))
        _rates(result, panels[0])
        _lines(
            panels[1], names, [result["toys"][n]["cost"] for n in names], "V a step\n(toy games)"
        )
        if result["ring"]:
            _ring(result["ring"], names, panels[2:])
        else:
            for ax in panels[2:]:
                ax.axis("off")
        _agreement(result["toys"], lower.subplots(1, 2))
        figure.savefig(path)
        plt.close(figure)


def stability(maps: dict[str, gf.stability.StabilityDiagram], path: Path) -> None:
    """Draw the two stability diagrams."""
    titles = {
        "consensus": "simultaneous steps on v − γ∇L",
        "momentum": "alternating steps with momentum",
    }
    labels = {"consensus": "γ", "momentum": "momentum β"}
    with gf.plot.style():
        figure, panels = plt.subplots(1, len(maps), figsize=(8.6, 3.9))
        for ax, (name, diagram) in zip(panels, maps.items(), strict=True):
            image = gf.plot.stability_diagram(diagram, ax)
            ax.set(title=titles[name], xlabel=labels[name])
        lines, words = panels[0].get_legend_handles_labels()
        figure.legend(lines, words, loc="outside lower center", ncols=2)
        figure.colorbar(image, ax=panels, label="spectral radius of the update map")
        figure.suptitle("Dirac-GAN", fontsize=10)
        figure.savefig(path)
        plt.close(figure)


def _rates(result: dict[str, Any], ax: Axes) -> None:
    toys = result["toys"]
    names = list(toys)
    games = list(next(iter(toys.values()))["games"])
    rows = [[toys[name]["games"][game] for game in games] for name in names]
    measured = np.array([[row["measured"] for row in line] for line in rows], float)
    ax.imshow(
        np.ma.masked_invalid(measured),
        cmap="PuOr_r",
        norm=TwoSlopeNorm(1.0, 0.5, 1.1),
        aspect="auto",
    )
    for (i, j), value in np.ndenumerate(measured):
        text = "–" if not np.isfinite(value) else f"{value:.2f}" if value < 9.99 else "≫ 1"
        row = rows[i][j]
        ax.text(
            j,
            i,
            text + ("°" if row["unsolved"] else ""),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if value < 0.7 or value > 1.07 else "black",
            fontweight="bold" if row["reached"] == 1 else "normal",
        )
    ax.set_xticks(
        range(len(games)), [game.replace("_", " ") for game in games], rotation=40, ha="right"
    )
    ax.set_yticks(range(len(names)), names)
    ax.set_title("factor per V (bold: all starts reached; °: a solve missed its tolerance)")


def _ring(ring: dict[str, Any], names: list[str], panels: np.ndarray) -> None:
    speed, modes, quality = panels
    _lines(speed, names, [ring[name]["milliseconds"] for name in names], "ms a step\n(ring)")
    for place, name in enumerate(names):
        row = ring[name]
        modes.barh(place, np.mean(row["modes"]), color="C0", alpha=0.5)
        modes.plot(row["modes"], [place] * len(row["modes"]), "|", color="C1", markersize=6)
        quality.barh(place, np.mean(row["high_quality"]), color="C0", alpha=0.5)
        shares = row["high_quality"]
        quality.plot(shares, [place] * len(shares), "|", color="C1", markersize=6)
        if row["at_edge"]:
            modes.text(8.6, place, "†", va="center", fontsize=7)
    modes.set(xlim=(0, 9.4), xticks=(0, 4, 8), xlabel="modes\n(†: at edge)")
    quality.set(xlim=(0, 1), xticks=(0, 0.5, 1), xlabel="share of samples\nwithin 3σ")


def _lines(ax: Axes, names: list[str], values: list[float], label: str) -> None:
    ax.barh(range(len(names)), values, color="C0", alpha=0.5)
    for place, value in enumerate(values):
        ax.text(value, place, f" {value:.2g}", va="center", fontsize=6.5)
    ax.set_xscale("log")
    ax.set(xlabel=label, xlim=(min(values) / 2, max(values) * 4))


def _agreement(toys: dict[str, Any], panels: np.ndarray) -> None:
    rows = [
        row
        for each in toys.values()
        for row in each["games"].values()
        if row["reached"] == 1 and row["predicted"] is not None and row["measured"] is not None
    ]
    solved = np.array([row["unsolved"] == 0 for row in rows], bool)
    pairs = np.array([(row["predicted"], row["measured"]) for row in rows]).reshape(-1, 2)
    left, right = panels
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = -100 * np.log10(pairs)
    for ax, shown in ((left, pairs), (right, digits)):
        ax.plot(*shown[solved].T, ".", markersize=5, alpha=0.6, label="all solves converged")
        ax.plot(*shown[~solved].T, "x", markersize=4, color="C1", label="some did not")
    left.axline((0, 0), slope=1, color="0.5", linewidth=0.8)
    left.set(
        title="factor per V",
        xlabel="predicted by the update map",
        ylabel="measured",
        xlim=(0, 1.05),
        ylim=(0, 1.05),
    )
    right.axline((1, 1), (10, 10), color="0.5", linewidth=0.8)
    right.set(
        title="digits gained in 100 V",
        xlabel="predicted by the update map",
        ylabel="measured",
        xscale="log",
        yscale="log",
    )
    left.legend(loc="upper left")
