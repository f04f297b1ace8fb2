"""All methods on all toy games and on the ring, at one budget and after one search for step sizes.

Expected: what the update map predicts, the runs do; methods that the bilinear
table of the docs calls stable reach its equilibrium, simultaneous steps and Runge–Kutta 2 do not.

    python experiments/method_comparison/comparison.py
"""

import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import comparison_figures
import comparison_ring
import comparison_toys
import jax
import numpy as np
import optax
from comparison_dynamics import dynamics
from rich.console import Console
from rich.progress import track
from rich.table import Table

import ganfield as gf
from ganfield.cli import script

# An inner solve on two numbers is done after as many iterations.
TOY_ITERATIONS = 2


@dataclass(frozen=True)
class Config:
    """Compare all methods on all toy games and on the ring; draw two stability diagrams."""

    methods: tuple[str, ...] = ()
    """Which; all if empty. Names as in the table."""
    num_step_sizes: int = 16
    """Step sizes from 0.01 to 3 for the toy games, in equal ratios."""
    num_starts: int = 8
    """Starts around the first equilibrium of each toy game."""
    toy_budget: int = 1200
    """Gradient evaluations of each run on a toy game."""
    ring_step_sizes: tuple[float, ...] = (3e-4, 1e-3, 3e-3)
    """Step sizes of RMSProp on the ring."""
    ring_seeds: int = 2
    """Runs for each of them."""
    ring_budget: int = 8000
    """Gradient evaluations of each run on the ring; 0 leaves the ring out."""
    ring_iterations: int = 4
    """Iterations of an inner solve on the ring."""
    resolution: int = 40
    """Values along each side of the stability diagrams."""
    output: Path = Path("results/method_comparison")
    """Folder for comparison.png, stability.png and result.json."""


def compare_toys(config: Config) -> dict[str, dict[str, Any]]:
    """Return method → game → row, with the seconds of a run's step under "seconds"."""
    chosen = _chosen(config, TOY_ITERATIONS)
    found: dict[str, dict[str, Any]] = {}
    with jax.enable_x64(True):
        games = comparison_toys.zoo()
        step_sizes = np.geomspace(0.01, 3, config.num_step_sizes)
        key = jax.random.key(0)
        starts = 0.5 * np.asarray(jax.random.normal(key, (config.num_starts, 2)))
        for name in track(chosen, description="toy games"):
            rows, seconds = comparison_toys.compare(
                chosen[name], games, step_sizes, starts, config.toy_budget, TOY_ITERATIONS
            )
            found[name] = {"games": rows, "seconds": seconds}
    return found


def compare_rings(config: Config) -> dict[str, comparison_ring.Row]:
    """Return method → row."""
    chosen = _chosen(config, config.ring_iterations)
    return {
        name: comparison_ring.compare(
            chosen[name],
            np.asarray(config.ring_step_sizes),
            config.ring_seeds,
            config.ring_budget,
            config.ring_iterations,
        )
        for name in track(chosen, description="ring")
    }


def diagrams(config: Config) -> dict[str, gf.StabilityDiagram]:
    """Return the two diagrams on the Dirac-GAN: consensus, and momentum of alternating steps."""
    v = gf.vector_field(gf.games.dirac_gan())

    def consensus(step_size: jax.Array, gamma: jax.Array) -> tuple[gf.Method, gf.Field]:
        return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)

    def momentum(step_size: jax.Array, momentum: jax.Array) -> tuple[gf.Method, gf.Field]:
        return gf.alternating(optax.sgd(step_size, momentum=momentum), fresh_batches=False), v

    origin, count = gf.Players(0.0, 0.0), config.resolution
    return {
        "consensus": gf.stability_diagram(
            consensus,
            {"step_size": np.linspace(0.05, 3.0, count), "gamma": np.linspace(0.0, 6.0, count)},
            origin,
            distance=0.05,
            num_steps=1000,
        ),
        "momentum": gf.stability_diagram(
            momentum,
            {
                "step_size": np.linspace(0.05, 4.5, count),
                "momentum": np.linspace(-0.95, 0.5, count),
            },
            origin,
            distance=0.05,
            num_steps=1000,
        ),
    }


def agreement(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return how far measured rates are from predicted ones, where the runs converged."""
    ratios = [
        np.log(row.measured) / np.log(row.predicted)
        for each in found.values()
        for row in each["games"].values()
        if row.reached == 1 and 0 < row.predicted < 0.999 and 0 < row.measured < 1
    ]
    share = np.mean(np.abs(np.asarray(ratios) - 1) < 0.05)
    return {
        "pairs": len(ratios),
        "median": float(np.median(ratios)),
        "within_5_percent": float(share),
    }


def table(
    config: Config, toy_rows: dict[str, dict[str, Any]], ring_rows: dict[str, comparison_ring.Row]
) -> Table:
    """Return the table of methods."""
    shown = Table(
        "method",
        "cost",
        "ns a step",
        "games reached",
        "bilinear: predicted",
        "measured",
        "ring: modes",
        "high quality",
        "ms a step",
    )
    chosen = _chosen(config, TOY_ITERATIONS)
    for name, each in toy_rows.items():
        rows = each["games"]
        bilinear, on_ring = rows["bilinear"], ring_rows.get(name)
        ring_cells = ("", "", "")
        if on_ring is not None:
            ring_cells = (
                ", ".join(map(str, on_ring.modes)),
                ", ".join(f"{quality:.2f}" for quality in on_ring.high_quality),
                f"{on_ring.milliseconds:.2f}",
            )
        shown.add_row(
            name,
            f"{chosen[name].cost_with(TOY_ITERATIONS)}",
            f"{1e9 * each['seconds']:.0f}",
            f"{sum(row.reached == 1 for row in rows.values())} of {len(rows)}",
            f"{bilinear.predicted:.4f}",
            f"{bilinear.measured:.4f}",
            *ring_cells,
        )
    return shown


def main(config: Config) -> int:
    """Run the comparison; return an exit code."""
    for argument in ("num_step_sizes", "num_starts", "toy_budget", "ring_seeds", "resolution"):
        gf.errors.check_count(getattr(config, argument), argument=argument)
    gf.errors.check_count(config.ring_budget, argument="ring_budget", minimum=0)
    gf.errors.check_count(config.ring_iterations, argument="ring_iterations")
    dearest = max(
        what.cost_with(TOY_ITERATIONS) for what in _chosen(config, TOY_ITERATIONS).values()
    )
    gf.errors.check_count(config.toy_budget, argument="toy_budget", minimum=2 * dearest)
    output = gf.reporting.check_folder(config.output)
    console, began = Console(width=130), time.perf_counter()
    toy_rows = compare_toys(config)
    ring_rows = compare_rings(config) if config.ring_budget else {}
    maps = diagrams(config)
    comparison_figures.comparison(toy_rows, ring_rows, output / "comparison.png")
    comparison_figures.stability(maps, output / "stability.png")
    seconds = time.perf_counter() - began
    result = {"config": asdict(config), **gf.reporting.provenance(), "seconds": seconds}
    result["agreement"] = agreement(toy_rows)
    result["toys"] = {
        name: {"seconds": each["seconds"]}
        | {"games": {game: row._asdict() for game, row in each["games"].items()}}
        for name, each in toy_rows.items()
    }
    result["ring"] = {name: row._asdict() for name, row in ring_rows.items()}
    gf.reporting.save_json(output / "result.json", result)
    console.print(table(config, toy_rows, ring_rows))
    console.print(f"predicted against measured: {result['agreement']}")
    console.print(f"{seconds:.0f} s in all; results are in {output}")
    return 0


def _chosen(config: Config, iterations: int) -> dict[str, Any]:
    known = dynamics(iterations)
    names = config.methods or tuple(known)
    return {name: gf.errors.lookup(known, name, argument="method") for name in names}


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    sys.exit(script(main, Config))
