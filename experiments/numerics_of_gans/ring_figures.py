"""The three figures of the ring experiment."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import ganfield as gf

# Fractions of a run; the samples recorded next to them make the strip. 0, 5k, 10k, 20k and 50k of
# 50,000 steps.
STRIP = (0.0, 0.1, 0.2, 0.4, 1.0)


COLORS = dict(zip(("v", "w", "approximation"), gf.plot.COLORS, strict=False))
# Eigenvalues nearer to 0 than this are left aside as flat directions, of which a ReLU network has
# hundreds. A slow one, stable or not, cannot be told from them and is left aside too.
FLAT = 0.01


def samples(
    sweeps: dict[str, gf.Sweep], seeds: tuple[int, ...], num_steps: int, path: Path
) -> None:
    """Draw the strip of the paper, samples at some steps beside the target, for every seed."""
    rows = [(name, index) for name in sweeps for index in range(len(seeds))]
    with gf.plot.style(axes__spines__bottom=False, axes__spines__left=False):
        size = (7.2, 1.16 * len(rows) + 0.3)
        figure, grid = plt.subplots(len(rows), len(STRIP) + 1, figsize=size, squeeze=False)
        longest = max((sweep.run.steps for sweep in sweeps.values()), key=len)
        columns = [int(np.argmin(np.abs(longest - part * num_steps))) for part in STRIP]
        reached = [part * num_steps <= longest[-1] for part in STRIP]
        for ax, part, index, known in zip(grid[0], STRIP, columns, reached, strict=False):
            ax.set_title(f"step {longest[index] if known else part * num_steps:,.0f}")
        grid[0, -1].set_title("target")
        for row, (name, seed) in zip(grid, rows, strict=True):
            run = sweeps[name].run
            for ax, index, known in zip(row, columns, reached, strict=False):
                if not known or index >= len(run.steps):
                    ax.axis("off")
                    continue
                gf.plot.density(run.records["samples"][index, seed], ax)
            gf.plot.density(gf.data.ring().sample(jax.random.key(0), 2560), row[-1], cmap="Reds")
            row[0].set_ylabel(f"{name}\nseed {seeds[seed]}", fontsize=8)
        # One square everywhere, in small panels.
        plt.setp(grid.ravel(), xticks=[], yticks=[])
        _save(figure, path)


def curves(sweeps: dict[str, gf.Sweep], path: Path) -> None:
    """Draw both losses, ‖v‖ and the modes covered against steps, for every seed."""
    with gf.plot.style():
        figure, ((theta, phi), (norm, modes)) = plt.subplots(2, 2, figsize=(7.2, 4.4), sharex=True)
        for color, (name, sweep) in zip(gf.plot.COLORS, sweeps.items(), strict=False):
            steps, records = sweep.run.steps, sweep.run.records
            gf.plot.curves(steps, records["losses"].theta, theta, color=color, label=name)
            gf.plot.curves(steps, records["losses"].phi, phi, color=color)
            gf.plot.curves(steps, records["norm_v"], norm, color=color)
            gf.plot.curves(steps, records["coverage"].modes_covered, modes, color=color)
        theta.set(ylabel="generator's loss")
        phi.set(ylabel="discriminator's loss")
        norm.set(ylabel="‖v‖", xlabel="step", yscale="log")
        modes.set(ylabel="modes covered", xlabel="step", ylim=(-0.2, 8.4), yticks=range(0, 9, 2))
        figure.legend(loc="outside upper center", ncols=len(sweeps))
        _save(figure, path)


def step_sizes(eigenvalues: np.ndarray) -> dict[str, Any]:
    """Return what Lemma 4 says of a spectrum, flat directions left aside.

    ``unstable`` counts eigenvalues with Re λ ≥ 0, which no step size helps; ``max_step_size`` is
    the bound for the others.
    """
    steep = eigenvalues[np.abs(eigenvalues) > FLAT]
    decaying = steep[steep.real < 0]
    # Repeated to one length, which changes no minimum, so that one program serves all spectra.
    same = np.resize(decaying, eigenvalues.size)
    bound = float(gf.max_step_size(same)) if decaying.size else None
    return {
        "flat": int(eigenvalues.size - steep.size),
        "unstable": int(steep.size - decaying.size),
        "max_step_size": bound,
    }


def spectra(
    moments: dict[str, dict[str, np.ndarray]],
    allowed: dict[str, dict[str, dict[str, Any]]],
    gamma: float,
    path: Path,
) -> None:
    """Draw eigenvalues of v′, w′, J − γJᵀJ, and of I + hv′ and I + hw′, a row for each moment.

    w′ is drawn where it is known: before training, and after consensus.
    """
    titles = {"v": "v′", "w": f"w′, γ = {gamma:g}", "approximation": "J − γJᵀJ"}
    with gf.plot.style():
        size = (7.2, 1.75 * len(moments) + 0.3)
        figure, grid = plt.subplots(len(moments), 4, figsize=size, squeeze=False)
        for row, (moment, eigenvalues) in zip(grid, moments.items(), strict=True):
            for ax, (name, color) in zip(row, COLORS.items(), strict=False):
                if name not in eigenvalues:
                    ax.axis("off")
                    continue
                gf.plot.spectrum(eigenvalues[name], ax, box=(-3.5, 0.75, -1.2, 1.2), color=color)
                ax.set(xlabel="", ylabel="")
            row[0].set_ylabel(f"{moment}\nIm λ")
            _update_maps(eigenvalues, allowed[moment], row[3])
        for ax, title in zip(grid[0], (*titles.values(), "I + hv′, I + hw′"), strict=True):
            ax.set_title(title)
        for ax in grid[-1]:
            ax.set_xlabel("Re λ")
        _save(figure, path)


def _update_maps(
    eigenvalues: dict[str, np.ndarray], allowed: dict[str, dict[str, Any]], ax: Axes
) -> None:
    """Draw I + hJ for v′ and for w′, each at its largest stable h, and say what h is."""
    for height, name in ((0.98, "v"), (0.88, "w")):
        if name not in eigenvalues:
            continue
        step_size, color = allowed[name]["max_step_size"] or 0.0, COLORS[name]
        gf.plot.spectrum(1 + step_size * eigenvalues[name], ax, unit_circle=True, color=color)
        said = f"{name}′: h = {step_size:.2g}, {allowed[name]['unstable']} unstable"
        text = ax.text(0.5, height, said, fontsize=6, color=color, ha="center", va="top")
        text.set_transform(ax.transAxes)
    ax.set(xlim=(-1.3, 1.5), ylim=(-1.15, 1.75), xlabel="", ylabel="")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path)
    plt.close(figure)
