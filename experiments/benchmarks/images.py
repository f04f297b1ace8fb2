"""Time, memory and compilation of the image networks' steps, beside PyTorch's, in one run.

    python experiments/benchmarks/images.py
    python experiments/benchmarks/images.py --presets dcgan4_nobn_cf --repeats 2

Every row is one step: minibatches from images on the device, RMSProp, networks of the official
code. ganfield takes its steps in a compiled scan, PyTorch in eager mode. Each row has two processes
of its own, so that the peak of their memory is honest; they are measured in turn, so that a slow
spell of the machine hits both, and the fastest of the repeats counts. Last, the precision of
bfloat16 is measured. Where PyTorch is not installed its columns are left out.
"""

import importlib.util
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import torch_images

import ganfield as gf
from ganfield.cli import script

MARKS = "<!-- images: begin -->\n", "<!-- images: end -->\n"


class Preset(NamedTuple):
    """An official pair of networks."""

    architecture: str
    options: dict[str, Any]
    side: int
    latent_size: int


PRESETS = {
    "dcgan3": Preset("dcgan", {"num_layers": 3, "width": 64}, 32, 256),
    "dcgan4": Preset("dcgan", {"width": 64}, 32, 256),
    "dcgan4_nobn": Preset("dcgan", {"width": 64, "batch_norm": False}, 32, 256),
    "dcgan4_nobn_cf": Preset(
        "dcgan", {"width": 64, "batch_norm": False, "growing": False}, 32, 256
    ),
    "resnet_cf": Preset("resnet", {"width": 128, "batch_norm": False, "growing": False}, 64, 256),
}
METHODS = ("simultaneous", "alternating", "consensus")


@dataclass(frozen=True)
class Config:
    """Measure steps of the image networks, and print a table."""

    presets: tuple[str, ...] = ("dcgan3", "dcgan4", "dcgan4_nobn", "dcgan4_nobn_cf")
    """Which networks: also resnet_cf, which takes minutes a row on a CPU."""
    methods: tuple[str, ...] = METHODS
    """Which methods."""
    repeats: int = 3
    """Measurements of each row, after one that warms up."""
    steps: int = 3
    """Steps of each measurement."""
    batch_size: int = 64
    """Images of each minibatch."""
    convolution: str = "auto"
    """auto, patches or xla, for ganfield."""
    readme: bool = False
    """Whether to put the table into the README beside this script."""
    output: Path = Path("results/benchmarks")
    """Folder for images.json."""


def build(
    name: str, batch_size: int, **options: Any
) -> tuple[gf.games.Game, Callable[[jax.Array], gf.Batch]]:
    """Return a game and the sampler of its batches."""
    preset = PRESETS[name]
    shape = (preset.side, preset.side, 3)
    options = preset.options | options
    generator = getattr(gf.networks, f"{preset.architecture}_generator")
    discriminator = getattr(gf.networks, f"{preset.architecture}_discriminator")
    game = gf.games.gan(
        generator(preset.latent_size, shape, **options), discriminator(shape, **options)
    )
    pixels = np.random.default_rng(0).integers(0, 256, (512, *shape), np.uint8)
    sample = gf.data.batch_sampler(
        gf.data.Images(pixels), batch_size=batch_size, latent_size=preset.latent_size
    )
    return game, sample


@cache
def compiled(
    name: str, method: str, batch_size: int, steps: int, convolution: str
) -> tuple[Callable[[Any], Any], list[Any], float]:
    """Return a compiled program of so many steps, its carry, and the seconds of compilation."""
    game, sample = build(name, batch_size, convolution=convolution)
    v = gf.vector_field(game)
    field = gf.consensus(v, gamma=torch_images.GAMMA) if method == "consensus" else v
    optimizer = gf.numerics_rmsprop(1e-4)
    mover = gf.alternating(optimizer) if method == "alternating" else gf.simultaneous(optimizer)
    simulation = gf.simulation(
        mover,
        field,
        jax.jit(game.init)(jax.random.key(0)),
        key=jax.random.key(1),
        sample=sample,
        record_every=steps,
    )
    carry = jax.jit(simulation.start)()[0]
    began = time.perf_counter()
    program = jax.jit(simulation.advance).lower(carry).compile()
    return program, [carry], time.perf_counter() - began


def ganfield_row(
    name: str, method: str, batch_size: int, steps: int, convolution: str
) -> dict[str, float]:
    """Return seconds of a step, seconds of compilation, and the peak of memory in bytes."""
    program, carry, compile_seconds = compiled(name, method, batch_size, steps, convolution)
    began = time.perf_counter()
    carry[0] = jax.block_until_ready(program(carry[0])[0])
    seconds = (time.perf_counter() - began) / steps
    if int(carry[0].stopped_at) >= 0:
        raise FloatingPointError(f"{name}, {method}: NaN at step {int(carry[0].stopped_at)}")
    held = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
    return {"step": seconds, "compile": compile_seconds, "host": peak_memory(), "device": held}


def torch_row(name: str, method: str, batch_size: int, steps: int) -> dict[str, float]:
    """Return seconds of a step, and the peak of memory in bytes."""
    preset = PRESETS[name]
    shape = (preset.side, preset.side, 3)
    seconds = torch_images.step_seconds(
        preset.architecture, preset.options, shape, method, batch_size, preset.latent_size, steps
    )
    return {"step": seconds, "host": peak_memory(), "device": torch_images.device_memory()}


def peak_memory() -> int:
    """Return the most bytes that this process has held in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # The kernel's other count begins with the parent's.
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def measure(config: Config, name: str, method: str, torch: bool) -> dict[str, Any]:
    """Return a row: the fastest step of each, and what it took."""
    context = get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context) for _ in range(1 + torch)]
    arguments = name, method, config.batch_size, config.steps
    jobs: list[tuple[str, Any]] = [("ganfield", (ganfield_row, *arguments, config.convolution))]
    jobs += [("torch", (torch_row, *arguments))] if torch else []
    steps: dict[str, list[float]] = {library: [] for library, _ in jobs}
    found: dict[str, Any] = {}
    try:
        for repeat in range(config.repeats + 1):
            for pool, (library, job) in zip(pools, jobs, strict=True):
                found[library] = pool.submit(*job).result()
                steps[library] += [found[library]["step"]] if repeat else []
    finally:
        for pool in pools:
            pool.shutdown()
    for library, values in found.items():
        values.update(step=min(steps[library]), steps=steps[library])
    return {"preset": name, "method": method, **found}


def precision() -> dict[str, dict[str, float]]:
    """Return how far v and Jᵀv in bfloat16 are from those in float32: ‖difference‖/‖value‖."""
    errors: dict[str, dict[str, float]] = {}
    keys = jax.random.split(jax.random.key(0), 2)
    for norm in (False, True):
        values: dict[Any, Any] = {}
        for dtype in (None, "bfloat16"):
            options: dict[str, Any] = {
                "num_layers": 2,
                "width": 16,
                "batch_norm": norm,
                "dtype": dtype,
            }
            game = gf.games.gan(
                gf.networks.dcgan_generator(32, (8, 8, 3), **options),
                gf.networks.dcgan_discriminator((8, 8, 3), **options),
            )
            params = game.init(jax.random.key(1))
            real = jax.random.uniform(keys[0], (64, 8, 8, 3), minval=-1)
            batch = gf.Batch(real, jax.random.normal(keys[1], (64, 32)))
            v = gf.vector_field(game)
            for what, field in (("v", v), ("Jᵀv", gf.conservative_relaxation(v))):
                leaves = jax.tree.leaves(jax.jit(field)(params, batch))
                values[what, dtype] = np.concatenate([np.ravel(leaf) for leaf in leaves])
        errors["with batch norm" if norm else "without batch norm"] = {
            what: float(
                np.linalg.norm(values[what, "bfloat16"] - values[what, None])
                / np.linalg.norm(values[what, None])
            )
            for what in ("v", "Jᵀv")
        }
    return errors


def table(rows: list[dict[str, Any]], errors: dict[str, dict[str, float]], notes: str) -> str:
    """Return the results in Markdown."""
    torch, device = "torch" in rows[0], rows[0]["ganfield"]["device"] > 0
    memory = "device" if device else "host"
    head = ["networks", "method", "steps/s", "ms a step", "compile, s", "peak, MB"]
    head += ["PyTorch: ms a step", "peak, MB", "PyTorch / ganfield"] if torch else []
    lines = [notes, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        ours = row["ganfield"]
        cells = [
            row["preset"],
            row["method"],
            f"{1 / ours['step']:.2f}",
            f"{1e3 * ours['step']:.0f}",
        ]
        cells += [f"{ours['compile']:.1f}", f"{ours[memory] / 1e6:.0f}"]
        if torch:
            other = row["torch"]
            cells += [f"{1e3 * other['step']:.0f}", f"{other[memory] / 1e6:.0f}"]
            cells += [f"{other['step'] / ours['step']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| bfloat16, relative error | of v | of Jᵀv |", "|---|---|---|"]
    lines += [f"| {name} | {of['v']:.1%} | {of['Jᵀv']:.1%} |" for name, of in errors.items()]
    return "\n".join(lines) + "\n"


def main(config: Config) -> int:
    """Measure all rows, print the table, and save it."""
    for name in config.presets:
        gf.errors.lookup(PRESETS, name, argument="preset")
    for name in config.methods:
        gf.errors.lookup(dict.fromkeys(METHODS), name, argument="method")
    for option in ("repeats", "steps", "batch_size"):
        gf.errors.check_count(getattr(config, option), argument=option)
    output = gf.reporting.check_folder(config.output)
    torch = importlib.util.find_spec("torch") is not None
    if not torch:
        print("PyTorch is not installed: its columns are left out")
    load = os.getloadavg()[0]
    rows = []
    for name in config.presets:
        for method in config.methods:
            print(f"{name}, {method} …", flush=True)
            rows.append(measure(config, name, method, torch))
    errors = precision()
    where = gf.reporting.provenance()
    notes = (
        f"Batch {config.batch_size}, fastest of {config.repeats} measurements of {config.steps} "
        f"steps, {where['device']['kind']} with {where['device']['cpu_cores']} cores, JAX "
        f"{where['versions']['jax']}; the load average was {load:.1f} at the start and "
        f"{os.getloadavg()[0]:.1f} at the end."
    )
    text = table(rows, errors, notes)
    print(text)
    result = {"config": asdict(config), "rows": rows, "bfloat16": errors, "load": load, **where}
    gf.reporting.save_json(output / "images.json", result)
    if config.readme:
        page = Path(__file__).with_name("README.md")
        before, rest = page.read_text("utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        page.write_text(before + MARKS[0] + text + MARKS[1] + after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(script(main, Config))
