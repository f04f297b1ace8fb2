"""Time of one step of the ring experiment, beside PyTorch's eager mode, in one run.

    python experiments/benchmarks/ring.py

Every row is the same step: a minibatch of 512, networks of 2003 parameters, RMSProp. All are timed
several times in turn, so that a slow spell of the machine hits all of them, and the medians
compared. Where PyTorch is not installed its rows are left out.
"""

import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import torch_ring
import tyro
from rich.console import Console
from rich.table import Table

import ganfield as gf


@dataclass(frozen=True)
class Config:
    """Measure steps of the ring experiment, and print ratios."""

    steps: int = 400
    """Steps of each ganfield measurement; PyTorch's take a fifth of them."""
    repeats: int = 7
    """Measurements of each row; the median counts."""
    runs: int = 16
    """Runs in the vmapped rows."""
    output: Path = Path("results/benchmarks")
    """Folder for ring.json."""


def ganfield_step(method: str, runs: int, steps: int) -> Callable[[], float]:
    """Return a measurement: seconds per run and step, compiled beforehand."""
    game = gf.games.gan(gf.networks.mlp(16, 2), gf.networks.mlp(2, 1))
    v = gf.vector_field(game)
    field = gf.consensus(v, gamma=10.0) if method == "consensus" else v
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)

    def build(key: jax.Array) -> gf.Simulation:
        start_key, batch_key = jax.random.split(key)
        step = gf.simultaneous(gf.numerics_rmsprop(1e-4))
        params = game.init(start_key)
        return gf.simulation(step, field, params, key=batch_key, sample=sample, record_every=steps)

    def measure() -> float:
        key = jax.random.key(0)
        if runs == 1:
            sweep = gf.sweep(build, num_steps=steps, fixed={"key": key})
        else:
            sweep = gf.sweep(build, {"key": jax.random.split(key, runs)}, num_steps=steps)
        return sweep.seconds / runs / steps

    measure()
    return measure


def torch_step(method: str, steps: int) -> Callable[[], float]:
    """Return a measurement of PyTorch's eager step, in seconds."""
    step = torch_ring.make_step(consensus=method == "consensus")

    def measure() -> float:
        began = time.perf_counter()
        for _ in range(steps):
            step()
        return (time.perf_counter() - began) / steps

    measure()
    return measure


def main(config: Config) -> None:
    """Measure all rows in turn, print the table and the ratios, and save them."""
    console = Console()
    output = gf.reporting.check_folder(config.output)
    runs = config.runs
    measures = {
        "simultaneous": ganfield_step("simultaneous", 1, config.steps),
        "consensus": ganfield_step("consensus", 1, config.steps),
        f"simultaneous, {runs} runs": ganfield_step("simultaneous", runs, config.steps // 4),
        f"consensus, {runs} runs": ganfield_step("consensus", runs, config.steps // 4),
    }
    if importlib.util.find_spec("torch") is None:
        console.print("PyTorch is not installed: its rows and ratios are left out")
    else:
        for method in ("simultaneous", "consensus"):
            measures[f"PyTorch, {method}"] = torch_step(method, config.steps // 5)
    times: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(config.repeats):
        for name, measure in measures.items():
            times[name].append(measure())
    medians = {name: statistics.median(each) for name, each in times.items()}

    wanted = [
        ("consensus", "simultaneous", "at most 2.2"),
        (f"simultaneous, {runs} runs", "simultaneous", "at most 0.6"),
        (f"consensus, {runs} runs", "consensus", "at most 0.6"),
        ("PyTorch, simultaneous", "simultaneous", "at least 4"),
        ("PyTorch, consensus", "consensus", "at least 5"),
    ]
    ratios = {
        f"{above} / {below}": {"ratio": medians[above] / medians[below], "wanted": goal}
        for above, below, goal in wanted
        if above in medians
    }
    table = Table("one step of one run", "ms, median", "fastest", "slowest")
    for name, each in times.items():
        table.add_row(name, *(f"{1e3 * t:.3f}" for t in (medians[name], min(each), max(each))))
    console.print(table)
    table = Table("ratio", "measured", "wanted")
    for name, row in ratios.items():
        table.add_row(name, f"{row['ratio']:.2f}", str(row["wanted"]))
    console.print(table)
    result = {"seconds": times, "ratios": ratios, **gf.reporting.provenance()}
    gf.reporting.save_json(output / "ring.json", result)


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    main(tyro.cli(Config))
