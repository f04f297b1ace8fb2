"""What a sweep with a folder costs beside a bare ``vmap`` of the same runs, in one process.

    python experiments/benchmarks/sweep_overhead.py

256 seeds × 4 values of γ of the ring, 200 steps each. Both programs are compiled before anything is
measured; a sweep's time is that of the whole call, tracing, checks and files included. The two are
measured in turn, so that a slow spell of the machine hits both.
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import ganfield as gf
from ganfield.cli import script

GAMMAS = (0.1, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class Config:
    """Measure a sweep beside a bare vmap, and print the ratio."""

    seeds: int = 256
    """Seeds, with 4 values of γ each."""
    steps: int = 200
    """Steps of each run."""
    batch_size: int = 512
    """Real examples, and latent variables, in a minibatch."""
    repeats: int = 3
    """Measurements of both; the median counts."""
    output: Path = Path("results/benchmarks")
    """Folder for sweep.json."""


def builder(config: Config) -> Callable[..., gf.Simulation]:
    """Return ``build(gamma, seed) -> Simulation``."""
    game = gf.games.gan(gf.networks.mlp(16, 2), gf.networks.mlp(2, 1))
    v = gf.vector_field(game)
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=config.batch_size, latent_size=16)

    def build(gamma: jax.Array, seed: jax.Array) -> gf.Simulation:
        start_key, batch_key = jax.random.split(jax.random.key(seed))
        return gf.simulation(
            gf.simultaneous(gf.numerics_rmsprop(1e-4)),
            gf.consensus(v, gamma=gamma),
            game.init(start_key),
            key=batch_key,
            sample=sample,
            record=lambda state, info: {"norm": jnp.linalg.norm(jax.tree.leaves(state.params)[0])},
            record_every=config.steps // 2,
        )

    return build


def bare(config: Config) -> Callable[[], Any]:
    """Return what does all runs in one vmapped program, compiled, spread over the devices."""
    build = builder(config)

    def run(gamma: jax.Array, seed: jax.Array) -> Any:
        start, advance, _ = build(gamma, seed)
        carry, first = start()
        carry, records = jax.lax.scan(lambda carry, _: advance(carry), carry, length=2)
        return carry.standing, first, records

    devices = jax.devices()
    mesh = jax.make_mesh((len(devices),), ("run",), (AxisType.Auto,), devices=devices)
    gammas, seeds = np.meshgrid(
        np.array(GAMMAS, np.float32), np.arange(config.seeds), indexing="ij"
    )
    sharding = NamedSharding(mesh, PartitionSpec("run"))
    given = [jax.device_put(each.ravel(), sharding) for each in (gammas, seeds)]
    program = jax.jit(jax.vmap(run)).lower(*given).compile()
    return lambda: jax.device_get(program(*given))


def swept(config: Config) -> Callable[[], Any]:
    """Return what does them as a sweep in a new folder, its program compiled."""
    build = builder(config)

    def sweep() -> Any:
        axes = {"gamma": list(GAMMAS), "seed": range(config.seeds)}
        with tempfile.TemporaryDirectory() as folder:
            return gf.sweep(build, axes, num_steps=config.steps, folder=Path(folder) / "sweep")

    # One piece compiles it.
    few = {"gamma": list(GAMMAS), "seed": range(min(config.seeds, 16))}
    gf.sweep(build, few, num_steps=config.steps, piece_size=64)
    return sweep


def measured(call: Callable[[], Any]) -> tuple[float, float]:
    """Return the wall-clock and the processors' seconds of a call."""
    began = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - began[0], time.process_time() - began[1]


def main(config: Config) -> None:
    """Measure both in turn, print times and their ratio, and save them."""
    gf.checks.check_count(config.steps, argument="steps", minimum=2)
    for argument in ("seeds", "batch_size", "repeats"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    experiment = gf.reporting.Experiment(config)
    calls = {"bare vmap": bare(config), "sweep with a folder": swept(config)}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for repeat in range(config.repeats):
        # The order turns, for what comes second may find a warmer machine.
        for name in sorted(calls, reverse=repeat % 2 == 1):
            times[name].append(measured(calls[name]))
    # What others do on the machine is in the wall-clock, and not in the processors' time.
    medians = {
        name: [statistics.median(part) for part in zip(*each, strict=True)]
        for name, each in times.items()
    }
    above, below = medians["sweep with a folder"], medians["bare vmap"]
    wall, processors = (one / other for one, other in zip(above, below, strict=True))
    ratios = {"wall": wall, "processors": processors}
    experiment.save("sweep.json", seconds=times, ratios=ratios)
    rows = [(name, *(f"{value:.1f}" for value in each)) for name, each in medians.items()]
    experiment.finish(
        gf.reporting.table(("all runs, medians", "wall, s", "processors, s"), rows),
        f"sweep / vmap: {wall:.3f} of wall-clock, {processors:.3f} of the processors' time; "
        "wanted: below 1.05",
    )


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    script(main, Config)
