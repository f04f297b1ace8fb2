"""Time of one step of the ring experiment, beside PyTorch's eager mode, in one run.

    python experiments/benchmarks/ring_steps.py

Every row is the same step: a minibatch of 512, networks of 2003 parameters, RMSProp. All are timed
several times in turn, so that a slow spell of the machine hits all of them, and the medians are
compared. Single runs, runs vmapped over one device for each core, and PyTorch have a process each,
since the threads of one would disturb the others. Where PyTorch is not installed its rows are left
out.
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import importlib.util
import os
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import jax
from rich.progress import track

import ganfield as gf
import torch_ring
from ganfield.cli import script


@dataclass(frozen=True)
class Config:
    """Measure steps of the ring experiment, and print ratios."""

    steps: int = 2000
    """Steps of each measurement; the vmapped rows take a fifth of them, PyTorch's too."""
    repeats: int = 7
    """Measurements of each row; the median counts."""
    runs: int = 16
    """Runs in the vmapped rows."""
    output: Path = Path("results/benchmarks")
    """Folder for ring.json."""


@cache
def builder(method: str, steps: int) -> Callable[[jax.Array], gf.Simulation]:
    """Return what `ganfield.sweep` takes, the same function each time, so that it compiles once."""
    game = gf.games.gan(gf.networks.mlp(16, 2), gf.networks.mlp(2, 1))
    v = gf.vector_field(game)
    field = gf.consensus(v, gamma=10.0) if method == "consensus" else v
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)

    def build(key: jax.Array) -> gf.Simulation:
        start_key, batch_key = jax.random.split(key)
        return gf.simulation(
            gf.simultaneous(gf.numerics_rmsprop(1e-4)),
            field,
            game.init(start_key),
            key=batch_key,
            sample=sample,
            record_every=steps,
        )

    return build


def ganfield_step(method: str, runs: int, steps: int) -> float:
    """Return seconds per run and step, without compilation."""
    key, build = jax.random.key(0), builder(method, steps)
    if runs == 1:
        sweep = gf.sweep(build, num_steps=steps, fixed={"key": key})
    else:
        sweep = gf.sweep(build, {"key": jax.random.split(key, runs)}, num_steps=steps)
    return sweep.seconds / runs / steps


def use_devices(count: int) -> None:
    """Give a process so many CPU devices."""
    jax.config.update("jax_num_cpu_devices", count)


def worker(devices: int) -> ProcessPoolExecutor:
    """Return a process that keeps what it has compiled."""
    context = get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=use_devices, initargs=(devices,))


def main(config: Config) -> None:
    """Measure all rows in turn, print the table and the ratios, and save them."""
    experiment = gf.reporting.Experiment(config)
    runs, steps, few = config.runs, config.steps, max(1, config.steps // 5)
    single, several, torch = worker(1), worker(os.cpu_count() or 1), worker(1)
    rows: dict[str, tuple[Any, ...]] = {
        "simultaneous": (single, ganfield_step, "simultaneous", 1, steps),
        "consensus": (single, ganfield_step, "consensus", 1, steps),
        f"simultaneous, {runs} runs": (several, ganfield_step, "simultaneous", runs, few),
        f"consensus, {runs} runs": (several, ganfield_step, "consensus", runs, few),
        "PyTorch, simultaneous": (torch, torch_ring.step_seconds, "simultaneous", few),
        "PyTorch, consensus": (torch, torch_ring.step_seconds, "consensus", few),
    }
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: its rows and ratios are left out")
        rows = {name: row for name, row in rows.items() if row[0] is not torch}
    times: dict[str, list[float]] = {name: [] for name in rows}
    for repeat in track(range(config.repeats + 1), "measuring"):
        for name, (pool, function, *arguments) in rows.items():
            seconds = pool.submit(function, *arguments).result()
            times[name] += [seconds] if repeat else []  # the first turn compiles and warms up
    for pool in (single, several, torch):
        pool.shutdown()
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
    experiment.save("ring.json", seconds=times, ratios=ratios)
    milliseconds = [
        (name, *(f"{1e3 * t:.3f}" for t in (medians[name], min(each), max(each))))
        for name, each in times.items()
    ]
    compared = [(name, f"{of['ratio']:.2f}", str(of["wanted"])) for name, of in ratios.items()]
    experiment.finish(
        gf.reporting.table(
            ("one step of one run", "ms, median", "fastest", "slowest"), milliseconds
        ),
        gf.reporting.table(("ratio", "measured", "wanted"), compared),
    )


if __name__ == "__main__":
    script(main, Config)
