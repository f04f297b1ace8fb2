"""What calls with a fresh function each leave behind: memory, maps of memory, and their time.

Expected: after the first hundred calls neither grows.

    python experiments/benchmarks/fresh_functions.py --calls 2000
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

import ganfield as gf
from ganfield.cli import script

POINT, ORIGIN = gf.Players(1.0, 0.5), gf.Players(0.0, 0.0)
STEPS = gf.simultaneous(optax.sgd(0.1))


def field_of(number: int) -> gf.Field:
    """Return a field that no call has seen: a new function with a number of its own."""
    slope = 1.01 + number / 1000

    def field(params: gf.Players, batch: Any = None) -> gf.Players:
        return gf.Players(-slope * params.theta - params.phi, params.theta - params.phi)

    return field


def starts() -> gf.Players:
    """Return the starts of `gf.trajectories`."""
    return gf.Players(jnp.array([1.0, 0.5]), jnp.array([0.5, 1.0]))


def _sweep(field: gf.Field) -> Any:
    def build(step_size: Any) -> Any:
        return gf.simulation(gf.simultaneous(optax.sgd(step_size)), field, POINT)

    return gf.sweep(build, {"step_size": jnp.array([0.1, 0.2])}, num_steps=2)


CALLS: dict[str, Callable[[gf.Field], Any]] = {
    "simulate": lambda field: gf.simulate(STEPS, field, POINT, num_steps=5),
    "sweep": _sweep,
    "trajectories": lambda field: gf.trajectories(STEPS, field, starts(), num_steps=5),
    "classify": lambda field: gf.classify(field, ORIGIN),
    "eigenvalues": lambda field: gf.eigenvalues(field)(POINT),
    "find_equilibria": lambda field: gf.find_equilibria(field, bounds=(-1, 1), num_starts=8),
    "spectral_radius": lambda field: gf.spectral_radius(STEPS, field, ORIGIN),
    "basins": lambda field: gf.basins(STEPS, field, gf.grid((-1, 1), 3), num_steps=8),
    "largest_stable": lambda field: gf.largest_stable(
        lambda step_size: (gf.simultaneous(optax.sgd(step_size)), field),
        ORIGIN,
        bounds=(0.0, 2.0),
        resolution=4,
    ),
}


@dataclass(frozen=True)
class Config:
    """Call each function that compiles again and again, each time with a fresh function."""

    calls: int = 2000
    """Calls of each."""
    warm: int = 100
    """After so many what is left behind counts."""
    names: tuple[str, ...] = tuple(CALLS)
    """Which of them."""
    output: Path = Path("results/benchmarks")
    """Folder for fresh_functions.json."""


def measured() -> tuple[float, int]:
    """Return the MiB that this process has in memory, and its maps of memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    maps = Path("/proc/self/maps").read_bytes().count(b"\n")
    return pages * 4096 / 2**20, maps


def main(config: Config) -> None:
    """Measure, print a table and save it."""
    experiment = gf.reporting.Experiment(config)
    rows: list[dict[str, Any]] = []
    for name in config.names:
        call = gf.checks.lookup(CALLS, name, argument="names")
        for number in range(config.warm):
            call(field_of(number))
        before, began = measured(), time.perf_counter()
        for number in range(config.warm, config.calls):
            call(field_of(number))
        seconds, after = time.perf_counter() - began, measured()
        rows.append(
            {
                "call": name,
                "ms_each": round(1000 * seconds / max(config.calls - config.warm, 1), 1),
                "mib_at_first": round(before[0]),
                "mib_more": round(after[0] - before[0], 1),
                "maps_at_first": before[1],
                "maps_more": after[1] - before[1],
            }
        )
        print(rows[-1], flush=True)
    experiment.save("fresh_functions.json", rows=rows)
    worst = max(row["mib_more"] for row in rows)
    experiment.finish(f"{config.calls} calls of each: at most {worst} MiB more after {config.warm}")


if __name__ == "__main__":
    # Compiling is measured too.
    jax.config.update("jax_enable_compilation_cache", False)
    script(main, Config)
