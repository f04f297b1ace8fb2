"""All methods on all toy games and on the ring, at one budget and after one search for step sizes.

Expected: what the update map predicts, the runs do; methods that the bilinear
table of the docs calls stable reach its equilibrium, simultaneous steps and Runge–Kutta 2 do not.

    python experiments/method_comparison/comparison.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from rich.progress import track

import comparison_cost
import comparison_figures
import comparison_report
import comparison_ring
import comparison_toys
import ganfield as gf
from comparison_dynamics import GAMMA, UNPREDICTED, Dynamics, dynamics
from ganfield.cli import script

HERE = Path(__file__).parent
# An inner solve on two numbers is done after as many iterations.
TOY_ITERATIONS = 2
# More parameters for each player than an inner solve on the ring has iterations.
RING_SIZE = 8


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
    """V, evaluations of both players' gradients, of each run on a toy game."""
    ring_step_sizes: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
    """Step sizes of RMSProp on the ring."""
    ring_seeds: int = 3
    """Runs for each of them."""
    ring_budget: int = 4500
    """V of each run on the ring; 0 leaves the ring out."""
    ring_batch: int = 128
    """Examples of a minibatch on the ring."""
    ring_iterations: int = 4
    """Iterations of an inner solve on the ring."""
    resolution: int = 40
    """Values along each side of the stability diagrams."""
    output: Path = Path("results/method_comparison")
    """Folder for the figures, report.md and result.json."""
    publish: bool = False
    """Write into figures/ and README.md beside this script instead."""


def compare_toys(config: Config) -> dict[str, dict[str, Any]]:
    """Return method → cost of a step, seconds of a run's step, and game → row."""
    step_sizes = np.geomspace(0.01, 3, config.num_step_sizes)
    with jax.enable_x64(True):
        games = comparison_toys.zoo()
        key = jax.random.key(0)
        starts = 0.5 * np.asarray(jax.random.normal(key, (config.num_starts, 2)))

    def one(name: str) -> dict[str, Any]:
        with jax.enable_x64(True):  # which holds for a thread
            what, predictable = chosen[name], name not in UNPREDICTED
            cost = comparison_cost.cost(what, optax.sgd, 1)
            _check_budget(config.toy_budget, 10 * cost, "toy_budget")
            rows, seconds = comparison_toys.compare(
                what, games, step_sizes, starts, config.toy_budget, cost, predictable
            )
        return {
            "cost": cost,
            "seconds": seconds,
            "games": {game: row._asdict() for game, row in rows.items()},
        }

    chosen = _chosen(config, TOY_ITERATIONS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # most of the time goes to compilation
        rows = track(pool.map(one, chosen), "toy games", total=len(chosen))
        return dict(zip(chosen, rows, strict=True))


def compare_rings(config: Config) -> dict[str, dict[str, Any]]:
    """Return method → cost of a step, and its row."""
    keys = jax.random.split(jax.random.key(0), config.ring_seeds)
    step_sizes = np.asarray(config.ring_step_sizes)
    rows = {}
    for name, what in track(_chosen(config, config.ring_iterations).items(), description="ring"):
        cost = comparison_cost.cost(what, gf.numerics_rmsprop, RING_SIZE)
        _check_budget(config.ring_budget, cost, "ring_budget")
        row = comparison_ring.compare(
            what, step_sizes, keys, config.ring_budget, cost, config.ring_batch
        )
        rows[name] = {"cost": cost, **row._asdict()}
    return rows


def diagrams(config: Config) -> dict[str, gf.stability.StabilityDiagram]:
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


def main(config: Config) -> None:
    """Run the comparison."""
    for argument in ("num_step_sizes", "num_starts", "toy_budget", "ring_seeds", "resolution"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    gf.checks.check_count(config.ring_budget, argument="ring_budget", minimum=0)
    gf.checks.check_count(config.ring_iterations, argument="ring_iterations")
    gf.checks.check_count(config.ring_batch, argument="ring_batch")
    _chosen(config, TOY_ITERATIONS)
    gf.reporting.check_distinct(config.methods, argument="methods")
    if config.publish and config.methods:
        raise ValueError("methods must be empty with publish: the README's table is of all")
    load = os.getloadavg()[0]
    experiment = gf.reporting.Experiment(config, HERE / "figures" if config.publish else None)
    output = experiment.folder
    toys = compare_toys(config)
    seconds = {"toys": experiment.lap()}
    ring = compare_rings(config) if config.ring_budget else {}
    seconds["ring"] = experiment.lap()
    maps = diagrams(config)
    seconds["diagrams"] = experiment.lap()
    experiment.save(
        "result.json",
        config=asdict(config) | {"gamma": GAMMA},
        load_before=load,
        seconds=sum(seconds.values()),
        seconds_of_parts=seconds,
        agreement=agreement(toys),
        toys=toys,
        ring=ring,
    )
    # From here on what was written counts, so that figures and report can say nothing else.
    result = json.loads((output / "result.json").read_text("utf-8"))
    comparison_figures.comparison(result, output / "comparison.png")
    comparison_figures.stability(maps, output / "stability.png")
    report = comparison_report.report(result)
    if config.publish:
        gf.reporting.publish(HERE / "README.md", comparison_report.MARKS, report)
    else:
        (output / "report.md").write_text(report, encoding="utf-8")
    experiment.finish(report)


def agreement(toys: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return how far measured rates are from predicted ones, where the runs converged."""
    ratios = [
        np.log(row["measured"]) / np.log(row["predicted"])
        for each in toys.values()
        for row in each["games"].values()
        if row["reached"] == 1 and 0 < row["predicted"] < 0.999 and 0 < row["measured"] < 1
    ]
    if not ratios:
        return {"pairs": 0, "median": float("nan"), "within_5_percent": float("nan")}
    share = np.mean(np.abs(np.asarray(ratios) - 1) < 0.05)
    return {
        "pairs": len(ratios),
        "median": float(np.median(ratios)),
        "within_5_percent": float(share),
    }


def _check_budget(budget: int, least: float, argument: str) -> None:
    if budget < least:
        raise ValueError(f"{argument} must be at least {least:g}, for a few steps, got {budget}")


def _chosen(config: Config, iterations: int) -> dict[str, Dynamics]:
    known = dynamics(iterations)
    names = config.methods or tuple(known)
    return {name: gf.checks.lookup(known, name, argument="methods") for name in names}


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    script(main, Config)
