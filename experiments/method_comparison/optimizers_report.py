"""The table and the figures of optimizers near an equilibrium, from results as read from JSON."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

import ganfield as gf

MARKS = "optimizers.py --publish"
"""What the marks in the README say, between which the report stands."""

# What a refusal says → what the table says.
REASONS = {
    "along a sign": "no derivative",
    "continuous": "no derivative",
    "no derivative": "no derivative",
    "derivative": "no derivative",
    "forgets nothing": "no limit",
    "as in a schedule": "a count",
    "of its memory that count": "a count",
    "running means of squares": "no running mean",
    "keeps the largest": "a maximum",
    "leaves the point": "unstable",
    "grows without end": "unstable",
    "none are consistent": "no limit",
    "noise_floor": "no fixed point",
    "fixed point": "no fixed point",
    "second moments": "no fixed point",
    "nearly linear": "bends",
    "kink": "a kink",
    "not finite": "not finite",
    "so slowly": "too slow",
}


def report(result: dict[str, Any]) -> str:
    """Return what was done, how much of it agrees, and the table, as Markdown."""
    rows, device = result["table"], result["device"]
    refused = [row for row in rows if "refused" in row]
    off = [row for row in rows if "refused" not in row and not row["agrees"]]
    busy = ""
    if result["load_before"] > 0.5:
        busy = f" Other work ran on the machine (load average {result['load_before']:.1f})."
    head = (
        f"{len(rows)} cells: {len(rows) - len(refused) - len(off)} predicted and measured rates "
        f"agree, {len(refused)} are refused with a reason, {len(off)} are off. "
        f"{result['config']['num_runs']} runs each; {device['cpu_cores']} CPU cores, JAX "
        f"{result['versions']['jax']}; the whole command took {result['seconds']:.0f} s.{busy}"
    )
    return "\n\n".join([head, _table(rows), _reasons(refused), _off(off)]) + "\n"


def _table(rows: list[dict[str, Any]]) -> str:
    games = list(dict.fromkeys(row["game"] for row in rows))
    columns = [(game, noise) for game in games for noise in (False, True)]
    head = ["method", "optimizer", *(f"{g}{', noise' if n else ''}" for g, n in columns)]
    lines: dict[tuple[str, str], dict[Any, str]] = {}
    for row in rows:
        line = lines.setdefault((row["method"], row["optimizer"]), {})
        line[row["game"], row["noise"]] = _cell(row)
    texts = [
        [method, optimizer, *(line.get(column, "") for column in columns)]
        for (method, optimizer), line in lines.items()
    ]
    return gf.reporting.table(head, texts, markdown=True)


def _cell(row: dict[str, Any]) -> str:
    if "refused" in row:
        return f"– {reason(row['refused'])}"
    predicted, measured = row["predicted"], row["measured"]
    if predicted is None:
        return "– moments follow"
    if measured is None:
        return f"{predicted:.4f}, too fast"
    both = f"{predicted:.4f} {measured:.4f}"
    return both if row["agrees"] else f"**{both}**"


def reason(message: str) -> str:
    """Return in a word or two why a cell is refused."""
    for phrase, short in REASONS.items():
        if phrase in message:
            return short
    return "refused"


def _reasons(refused: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in refused:
        short = reason(row["refused"])
        counts[short] = counts.get(short, 0) + 1
    return "Refused: " + ", ".join(f"{short} ({count})" for short, count in counts.items()) + "."


def _off(off: list[dict[str, Any]]) -> str:
    if not off:
        return "No cell is off."
    texts = [
        f"{row['method']}, {row['optimizer']}, {row['game']}{', noise' if row['noise'] else ''}: "
        f"{row['predicted']} ± {row['predicted_error']}, measured {row['measured']} ± "
        f"{row['measured_error']}"
        for row in off
    ]
    return "Off: " + "; ".join(texts) + "."


def floors(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw distances against step sizes, predicted as lines and run as marks."""
    names = list(dict.fromkeys(row["optimizer"] for row in rows))
    with gf.plot.style():
        figure, ax = plt.subplots(figsize=(5.4, 3.7))
        for number, name in enumerate(names):
            known = [row for row in rows if row["optimizer"] == name and "distance" in row]
            if not known:
                continue
            sizes = [row["step_size"] for row in known]
            color = f"C{number}"
            ax.loglog(
                sizes, [row["distance"] for row in known], color=color, label=name.replace("_", " ")
            )
            ax.loglog(sizes, [row["measured"] for row in known], "o", color=color, markersize=4.5)
        ax.set(
            xlabel="step size h (adaptive: h/10)",
            ylabel="root mean square distance",
            title="Noise floors: predicted (lines), run (marks)",
        )
        ax.legend(fontsize=7.5)
        figure.savefig(path)
        plt.close(figure)


def adam(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw Adam's distance over step size and noise, with what runs did as marks."""
    sizes = sorted({row["step_size"] for row in rows})
    noises = sorted({row["noise"] for row in rows})
    predicted = np.full((len(noises), len(sizes)), np.nan)
    measured = predicted.copy()
    for row in rows:
        place = noises.index(row["noise"]), sizes.index(row["step_size"])
        predicted[place] = row.get("distance", np.nan)
        measured[place] = row.get("measured", np.nan)
    low, high = np.nanmin(predicted), np.nanmax(predicted)
    with gf.plot.style():
        figure, ax = plt.subplots(figsize=(5.4, 3.9))
        norm = plt.matplotlib.colors.LogNorm(low, high)
        image = ax.pcolormesh(range(len(sizes)), range(len(noises)), predicted, norm=norm)
        x, y = np.meshgrid(range(len(sizes)), range(len(noises)))
        ax.scatter(x, y, c=measured, norm=norm, s=130, edgecolors="white", linewidths=0.8)
        for i, j in np.argwhere(np.isnan(predicted)):
            ax.text(j, i, "refused", ha="center", va="center", fontsize=7)
        ax.set(
            xticks=range(len(sizes)),
            xticklabels=[f"{size / 10:g}" for size in sizes],
            yticks=range(len(noises)),
            yticklabels=[f"{noise:g}" for noise in noises],
            xlabel="Adam's step size",
            ylabel="deviation of the minibatch gradient",
            title="Dirac-GAN with R1 under Adam: distance, predicted and (discs) run",
        )
        figure.colorbar(image, ax=ax, label="root mean square distance")
        figure.savefig(path)
        plt.close(figure)
