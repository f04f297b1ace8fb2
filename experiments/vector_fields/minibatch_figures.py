"""The figure of the minibatch experiment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

import ganfield as gf

Rows = list[dict[str, Any]]

BLUE, RED, GREEN = gf.plot.COLORS[:3]
# m = 1, m = 2 and m = B, which stands for 0 here: colour, marker, label.
LOOKS = {1: (RED, "o", "m = 1 (plug-in)"), 2: (BLUE, "s", "m = 2"), 0: (GREEN, "^", "m = B")}


def draw(
    config: dict[str, Any], rows: Rows, paths: dict[str, Any], led: dict[str, Any], path: Path
) -> None:
    """Draw bias and errors of both estimates against B, the trajectories, and where they end."""
    with gf.plot.style(axes__titlesize=8.5, legend__fontsize=7):
        figure, grid = plt.subplots(2, 3, figsize=(7.2, 4.9))
        _bias(rows, "value", grid[0, 0])
        grid[0, 0].set(title="(a) bias of ½‖E v‖², relative", ylabel="|bias| / ½‖E v‖²")
        _root_mean_square(rows, "value", grid[0, 1])
        grid[0, 1].set(title="(b) rms error of ½‖E v‖²", ylabel="rms error / ½‖E v‖²")
        _by_groups(rows, config["detailed"], grid[0, 2])
        _direction(rows, grid[1, 0])
        _trajectories(config, paths, grid[1, 1])
        _ends(config, paths, led, grid[1, 2])
        figure.savefig(path)
        plt.close(figure)


def _series(rows: Rows, name: str, look: int) -> list[tuple[int, dict[str, Any]]]:
    """Return (B, numbers) for one number of groups; 0 is as many as examples."""
    return [
        (row["batch_size"], row[name])
        for row in rows
        if row["groups"] == (look or row["batch_size"])
    ]


def _scale(part: dict[str, Any]) -> float:
    return float(np.linalg.norm(part["truth"]))


def _plot(
    ax: Axes, series: list[tuple[int, dict[str, Any]]], number: Callable[..., float], **look: Any
) -> None:
    sizes = [size for size, _ in series]
    ax.plot(sizes, [number(part) / _scale(part) for _, part in series], **look)


def _norm(key: str) -> Callable[[dict[str, Any]], float]:
    return lambda part: float(np.linalg.norm(part[key]))


def _rms(exact: bool) -> Callable[[dict[str, Any]], float]:
    prefix = "exact_" if exact else ""

    def number(part: dict[str, Any]) -> float:
        bias = float(np.sum(np.square(part[f"{prefix}bias"])))
        return float(np.sqrt(bias + part[f"{prefix}variance"]))

    return number


def _sizes(ax: Axes, sizes: list[int]) -> None:
    ax.set(xscale="log", yscale="log", xlabel="batch size B")
    ax.xaxis.set_major_locator(FixedLocator([size for size in sizes if np.log2(size) % 2]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())


def _bias(rows: Rows, name: str, ax: Axes) -> None:
    plug_in = _series(rows, name, 1)
    _plot(ax, plug_in, _norm("exact_bias"), color=RED, label="tr Cov(v) / 2B, exact")
    for look, (color, marker, label) in LOOKS.items():
        style = {"color": color, "marker": marker, "linestyle": "", "markersize": 4}
        _plot(ax, _series(rows, name, look), _norm("bias"), label=label, **style)
    noise = _series(rows, name, 0)
    sizes = [size for size, _ in noise]
    limit = [2 * _norm("bias_error")(part) / _scale(part) for _, part in noise]
    lowest = min(limit) / 20
    ax.fill_between(sizes, lowest, limit, color="0.88", linewidth=0, zorder=0)
    ax.text(sizes[0] * 1.1, lowest * 1.3, "within 2 standard errors", fontsize=6.5, color="0.35")
    _sizes(ax, sizes)
    top = _norm("exact_bias")(plug_in[0][1]) / _scale(plug_in[0][1])
    ax.set_ylim(lowest, 30 * top)
    ax.legend(loc="upper right", handlelength=1.2)


def _root_mean_square(rows: Rows, name: str, ax: Axes) -> None:
    for look, (color, marker, label) in LOOKS.items():
        series = _series(rows, name, look)
        _plot(ax, series, _rms(exact=True), color=color)
        style = {"color": color, "marker": marker, "linestyle": "", "markersize": 4}
        _plot(ax, series, _rms(exact=False), label=label, **style)
    ax.plot([], [], color="0.4", label="exact")
    _sizes(ax, [size for size, _ in _series(rows, name, 0)])
    ax.legend(loc="upper right", handlelength=1.2)


def _by_groups(rows: Rows, sizes: tuple[int, ...], ax: Axes) -> None:
    """Draw the standard deviation against m, relative to that of m = B on the same batches."""
    for size, color, marker in zip(sizes, gf.plot.COLORS[3:], "Dvp>", strict=False):
        same = [row for row in rows if row["batch_size"] == size]
        groups = [row["groups"] for row in same]
        exact, measured = (
            np.sqrt([row["value"][key] / same[-1]["value"][key] for row in same])
            for key in ("exact_variance", "variance")
        )
        ax.plot(groups[1:], exact[1:], color=color)
        ax.plot(groups[0], exact[0], marker="_", markersize=12, color=color)
        ax.plot(
            groups,
            measured,
            color=color,
            marker=marker,
            markersize=4,
            linestyle="",
            label=f"B = {size}",
        )
    ax.set(
        xscale="log",
        xlabel="groups m (1: plug-in)",
        ylabel="std / std of m = B",
        title="(c) std of ½‖E v‖²",
    )
    ax.xaxis.set_major_locator(FixedLocator([2**k for k in range(max(sizes).bit_length())]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.plot([], [], color="0.4", label="exact")
    ax.legend(loc="upper right", handlelength=1.2)


def _direction(rows: Rows, ax: Axes) -> None:
    for look, (color, marker, label) in LOOKS.items():
        series = _series(rows, "direction", look)
        _plot(ax, series, _rms(exact=True), color=color)
        style = {"color": color, "marker": marker, "linestyle": "", "markersize": 4}
        _plot(ax, series, _rms(exact=False), label=f"rms, {label[:5]}", **style)
    plug_in = _series(rows, "direction", 1)
    _plot(ax, plug_in, _norm("exact_bias"), color=RED, linestyle="--")
    style = {"color": RED, "marker": "o", "markerfacecolor": "w", "markersize": 4, "linestyle": ""}
    _plot(ax, plug_in, _norm("bias"), label="bias, m = 1", **style)
    _sizes(ax, [size for size, _ in plug_in])
    ax.set(title="(d) error of v − γ∇½‖E v‖²", ylabel="error / norm of the truth")
    ax.legend(loc="lower left", handlelength=1.2)


def _trajectories(config: dict[str, Any], paths: dict[str, Any], ax: Axes) -> None:
    """Draw the mean path for each m, one path of each, and those of the expected directions."""
    size = config["batch_size"]
    looks = {size: (GREEN, "-", 2.4), 2: (BLUE, (0, (3, 2)), 1.4), 1: (RED, "-", 1.6)}
    for groups, (color, style, width) in looks.items():
        runs = paths["groups"][groups]
        ax.plot(*runs[0].T, color=color, linewidth=0.5, alpha=0.45)
        mean = runs.mean(axis=0)
        label = f"mean, m = {groups}"
        ax.plot(*mean.T, color=color, linestyle=style, linewidth=width, label=label)
    ax.plot(*paths["population"].T, color="k", linewidth=0.8, label="direction of E v")
    ax.plot(*paths["with_bias"].T, color="k", linewidth=1, linestyle=":", label="the same, biased")
    ax.plot(*config["start"], marker="o", color="k", markerfacecolor="w", markersize=5)
    ax.plot(1, 0, marker="*", color="k", markersize=8)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.65 * (high - low))  # room for the legend
    ax.set(xlabel="θ, generator's scale", ylabel="φ", title=f"(e) paths, B = {size}")
    ax.legend(loc="upper right", handlelength=1.6, borderaxespad=0)


def _ends(config: dict[str, Any], paths: dict[str, Any], led: dict[str, Any], ax: Axes) -> None:
    """Draw where each path ends, and the exact zeros of the biased direction for larger B."""
    size = config["batch_size"]
    for groups, color, marker in ((1, RED, "o"), (size, GREEN, "^")):
        last = paths["groups"][groups][:, -1]
        label = f"ends, m = {groups}"
        ax.scatter(
            last[:, 0], last[:, 1], s=6, color=color, marker=marker, linewidths=0, alpha=0.35
        )
        ax.plot([], [], color=color, marker=marker, markersize=3, linestyle="", label=label)
    ax.plot(*led["points"].T, color="0.2", linewidth=1, label="zeros, biased")
    for at in (size, 2 * size, 4 * size):
        point = led["points"][np.isclose(led["batch_size"], at)][0]
        ax.plot(*point, marker="o", color="0.2", markersize=4, markerfacecolor="w")
        # Beside the cloud of ends around the first, below the line at the others.
        place: dict[str, Any] = {"xytext": (19, -1)}
        if at != size:
            place = {"xytext": (-4, -2), "ha": "right", "va": "top"}
        ax.annotate(f"B = {at}", point, textcoords="offset points", fontsize=7, **place)
    for groups in (1, size):
        mean = paths["groups"][groups][:, -1].mean(axis=0)
        ax.plot(*mean, marker="x", color="k", markersize=5, linestyle="")
    ax.plot([], [], marker="x", color="k", markersize=5, linestyle="", label="their mean")
    ax.plot(1, 0, marker="*", color="k", markersize=8)
    ax.margins(y=0.1)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    ax.set(xlabel="θ, generator's scale", ylabel="φ", title="(f) where paths end")
    ax.legend(loc="upper right", handlelength=1.2, borderaxespad=0)
