"""How lazy may the penalty be? The Dirac-GAN with R1 paid at every k-th step only, times k.

The map of a period is a product: k − 1 plain steps, which turn by h/2 and grow, and one that pays
k·γ. Its eigenvalues say what a run does, per step:

    P = I + h [[0, −½], [½, 0]],   F′ = P^(k−1) (P − diag(0, h k γ)),   rate = ρ(F′)^(1/k)

Expected: at h = .1 and γ = 1 a rate of .95 at k = 1, where F′ is defective, .99415 at 16, and lost
at 20, where the paid step alone, 1 − hkγ, reaches −1. Where γ is small it is lost long before: at
hkγ = 1.47 for γ = .3 and at .58 for γ = .1, since within a period the players turn by hk/2. After
half a turn, at k = 2π/h = 63, every payment meets the same direction, and the other is never paid
for; beyond it there may be a window of stability more. Below γ = h/4 simultaneous steps outgrow the
penalty at any k.

    python experiments/bifurcations/lazy_penalty.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib import pyplot as plt
from matplotlib.colors import TwoSlopeNorm

import ganfield as gf
from ganfield.cli import script

ORIGIN = gf.Players(0.0, 0.0)
V = gf.vector_field(gf.games.dirac_gan())


@dataclass(frozen=True)
class Config:
    """Draw how lazily R1 may be paid on the Dirac-GAN, predicted and run."""

    step_sizes: tuple[float, ...] = (0.05, 0.1, 0.2)
    """h of simultaneous steps, one panel each."""
    weights: tuple[float, ...] = (0.1, 0.3, 1.0)
    """γ whose rates are drawn against k, at the middle h, and read off."""
    num_weights: int = 21
    """γ along the maps."""
    every: tuple[int, ...] = (1, 4, 8, 16, 19, 20, 32, 40, 48, 49, 57, 58, 64, 80, 100)
    """k that are tried; each is a program of its own."""
    num_steps: int = 600
    """Steps of each run, at least; whole periods are taken."""
    output: Path = Path("results/bifurcations")
    """Folder for lazy_penalty.png and lazy_penalty.json."""


def method_of(step_size: Any, weight: Any, every: int) -> gf.Method:
    """Return simultaneous steps on the Dirac-GAN whose R1 is paid every k steps, times k."""
    game = gf.games.dirac_gan(penalty="r1", penalty_weight=weight)
    penalty = gf.field.difference(gf.vector_field(game), V)
    return gf.lazy(gf.simultaneous(optax.sgd(step_size)), penalty, every=every)


def by_hand(step_size: float, weight: float, every: int) -> float:
    """Return the rate by the formula at the top."""
    plain = np.eye(2) + step_size * np.array([[0, -0.5], [0.5, 0]])
    paid = plain - np.diag([0, step_size * every * weight])
    whole = np.linalg.matrix_power(plain, every - 1) @ paid
    return float(np.abs(np.linalg.eigvals(whole)).max() ** (1 / every))


def measure(config: Config, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rates that are predicted and those of runs, shape (k, h, γ)."""
    predicted, run = [], []
    for every in config.every:

        def build(step_size: Any, weight: Any, every: int = every) -> tuple[gf.Method, gf.Field]:
            return method_of(step_size, weight, every), V

        periods = 2 * math.ceil(config.num_steps / (2 * every))
        diagram = gf.stability_diagram(
            build,
            {"step_size": np.array(config.step_sizes), "weight": weights},
            ORIGIN,
            num_starts=16,
            distance=1e-9,  # so that what grows does not reach where v bends
            num_steps=every * periods,
        )
        predicted.append(diagram.spectral_radius)
        run.append(diagram.rate)
    return np.array(predicted), np.array(run)


def losses(config: Config, weights: np.ndarray, rates: np.ndarray) -> list[dict[str, Any]]:
    """Return for each γ the first k at which it is lost, with the rates there and just before."""
    step_size, rows = _middle(config), []
    for weight in config.weights:
        lost = np.flatnonzero(rates[:, np.argmin(np.abs(weights - weight))] >= 1)
        if not lost.size:
            continue
        every = config.every[lost[0]]
        row: dict[str, Any] = {"weight": weight, "every": every}
        row["product"] = step_size * every * weight
        for name, index in (("before", lost[0] - 1), ("lost", lost[0])):
            method = method_of(step_size, weight, config.every[max(index, 0)])
            rate = gf.convergence_rate(method, V, ORIGIN, num_steps=20 * config.num_steps)
            row[name] = {"every": config.every[max(index, 0)], **rate._asdict()}
        rows.append(row)
    return rows


def _middle(config: Config) -> float:
    return config.step_sizes[len(config.step_sizes) // 2]


def draw(
    config: Config, weights: np.ndarray, predicted: np.ndarray, run: np.ndarray, path: Path
) -> None:
    """Draw a map for each step size, and rates against k."""
    every = np.array(config.every)
    with gf.plot.style():
        figure, grid = plt.subplots(2, 2, figsize=(9.2, 7.0))
        panels = list(grid.flat)
        for index, (ax, step_size) in enumerate(zip(panels, config.step_sizes, strict=False)):
            image = _map(ax, weights, every, predicted[:, index], run[:, index])
            bound = 2 / (step_size * every)
            ax.plot(every, bound, ":", color="black", label="h k γ = 2: the paid step alone")
            turn = 2 * math.pi / step_size
            ax.axvline(turn, ls="-.", lw=0.9, color="black", label="k = 2π/h: half a turn")
            ax.set(xlim=(1, every[-1]), ylim=(weights[0], weights[-1]), title=f"h = {step_size:g}")
        panels[0].legend(loc="lower left", fontsize=6.5, frameon=True)
        colorbar = figure.colorbar(image, ax=panels[: len(config.step_sizes)], shrink=0.6)
        colorbar.set_label("rate of a step, of runs")
        middle = len(config.step_sizes) // 2
        ax = panels[-1]
        for number, weight in enumerate(config.weights):
            place = int(np.argmin(np.abs(weights - weight)))
            color = gf.plot.COLORS[number]
            ax.plot(every, predicted[:, middle, place], color=color, label=f"γ = {weight:g}")
            ax.plot(every, run[:, middle, place], "o", ms=3, mfc="none", color=color)
        ax.axhline(1, ls=":", lw=0.9, color="black")
        ax.set(
            xlabel="k", ylabel="rate of a step", ylim=(0.945, 1.03),
            title=f"h = {config.step_sizes[middle]:g}: predicted (lines) and run (circles)",
        )  # fmt: skip
        ax.legend(loc="lower right")
        figure.suptitle("How lazy may the penalty be? R1 every k-th step, times k")
        figure.savefig(path, dpi=130)
        plt.close(figure)


def _map(ax: Any, weights: np.ndarray, every: np.ndarray, predicted: Any, run: Any) -> Any:
    """Draw the rates of runs over k and γ, and the predicted edge of stability."""
    image = ax.pcolormesh(
        every,
        weights,
        np.clip(run.T, 0.94, 1.06),
        norm=TwoSlopeNorm(1.0, 0.94, 1.06),
        cmap="RdBu_r",
        shading="nearest",
        rasterized=True,
    )
    ax.contour(every, weights, predicted.T, levels=[1.0], colors="black", linewidths=1.6)
    ax.plot([], [], color="black", lw=1.6, label="predicted: ρ(F′) = 1")
    ax.set(xscale="log", yscale="log", xlabel="k", ylabel="γ")
    return image


def main(config: Config) -> None:
    """Run the study."""
    gf.reporting.check_distinct(config.every, argument="every")
    for step_size in config.step_sizes:
        gf.checks.check_positive(step_size, argument="step_sizes")
    experiment = gf.reporting.Experiment(config)
    spread = np.geomspace(0.01, 10.0, config.num_weights)
    weights = np.unique(np.concatenate([spread, config.weights]))
    predicted, run = measure(config, weights)
    draw(config, weights, predicted, run, experiment.folder / "lazy_penalty.png")
    rows = losses(config, weights, predicted[:, len(config.step_sizes) // 2])
    hand = np.array(
        [[[by_hand(h, g, k) for g in weights] for h in config.step_sizes] for k in config.every]
    )
    is_clear = np.abs(predicted - 1) > 5e-3  # distances swing, which blurs the rate of short runs
    same = (predicted < 1) == (run < 1)
    experiment.save(
        "lazy_penalty.json",
        rows=rows,
        every=config.every,
        weights=weights,
        predicted=predicted,
        run=run,
        worst_against_formula=float(np.abs(predicted - hand).max()),
        cells=int(same.size),
        cells_that_agree=float(same[is_clear].mean()),
    )
    head = ("γ", "lost at k", "h k γ", "predicted", "run", "at k", "predicted", "run")
    lines = [
        (
            f"{row['weight']:g}",
            str(row["every"]),
            f"{row['product']:.3g}",
            *(f"{row['lost'][which]:.6f}" for which in ("predicted", "measured")),
            str(row["before"]["every"]),
            *(f"{row['before'][which]:.6f}" for which in ("predicted", "measured")),
        )
        for row in rows
    ]
    worst, agree = np.abs(predicted - hand).max(), 100 * same[is_clear].mean()
    experiment.finish(
        f"h = {_middle(config):g}",
        gf.reporting.table(head, lines),
        f"largest difference of a predicted rate from the formula: {worst:.1e}",
        f"run and prediction agree in {agree:.4g} % of the {is_clear.sum()} cells whose rate is "
        "not within 5e-3 of 1",
    )


if __name__ == "__main__":
    script(main, Config)
