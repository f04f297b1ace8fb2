"""Time, memory and compilation of the training presets' steps, beside PyTorch's, in one run.

    python experiments/benchmarks/image_steps.py
    python experiments/benchmarks/image_steps.py --presets digits/dcgan --repeats 2
    python experiments/benchmarks/image_steps.py --readme

Every row is one step of one or more presets of `ganfield.training`, those that differ in nothing
that costs time: minibatches from images on the device, RMSProp. ganfield takes its steps in a
compiled scan, PyTorch in eager mode. Each row has two processes of its own, so that the peak of
their memory is honest; they are measured in turn, so that a slow spell of the machine hits both,
and the fastest of the repeats counts. Then the precision of bfloat16 is measured. images.json is
written after every row. Where PyTorch is not installed its columns are left out.
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import importlib.metadata
import importlib.util
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import ganfield as gf
import image_precision
from ganfield.cli import script
from ganfield.configuration import PRESETS
from image_workers import Worker

README = Path(__file__).with_name("README.md")
CHANNELS = {"digits": 1, "cifar10": 3, "celeba": 3}
"""Of every set of images that presets are for; those of points are ring_steps.py's."""
ERRORS = {"v": "v", "gradient": "Jᵀv", "consensus": "v − 10·Jᵀv"}
LARGEST_SIDE = 32
"""Larger images take more than a minute a row on a CPU."""


@dataclass(frozen=True)
class Config:
    """Measure steps of the training presets, and print a table."""

    presets: tuple[str, ...] = ()
    """Which: names as `ganfield train --preset` has them, or all. Unless given, those whose images
    are at most 32×32: a CPU takes more than a minute for a row of larger ones."""
    repeats: int = 3
    """Measurements of each row, after one that warms up."""
    steps: int = 3
    """Steps of each measurement."""
    convolution: str = "auto"
    """auto, ordered, patches or xla, for ganfield."""
    precision: bool = True
    """Whether to measure bfloat16 too."""
    resume: bool = False
    """Whether to keep what is in images.json, where it was measured in the same way."""
    readme: bool = False
    """Measure nothing: put the output folder's images.json beside this script, and its table into
    the README."""
    output: Path = Path("results/benchmarks")
    """Folder for images.json."""


class Row(NamedTuple):
    """A step to measure.

    Attributes:
        presets: whose step it is.
        config: all that decides what it costs; the rest has its defaults.
        shape: of an image.
    """

    presets: tuple[str, ...]
    config: gf.configuration.Config
    shape: tuple[int, int, int]


def all_rows() -> list[Row]:
    """Return a row for every kind of step that a preset of the plain GAN on images takes."""
    rows: dict[str, Row] = {}
    for name, preset in PRESETS.items():
        if preset.data.name not in CHANNELS or preset.game.name != "gan":
            continue  # torch_images.py plays no other game.
        config = gf.configuration.Config(
            data=gf.configuration.DataConfig(name=preset.data.name, size=preset.data.size),
            generator=preset.generator,
            discriminator=preset.discriminator,
            method=replace(preset.method, learning_rate=1e-4),
            batch_size=preset.batch_size,
            latent_size=preset.latent_size,
        )
        side = preset.data.size or 32  # CIFAR-10's own
        row = rows.get(config.to_json(), Row((), config, (side, side, CHANNELS[preset.data.name])))
        rows[config.to_json()] = row._replace(presets=(*row.presets, name))
    return list(rows.values())


def chosen(names: tuple[str, ...]) -> list[Row]:
    """Return the rows that stand for some presets, for all, or for none in particular.

    Raises:
        ValueError: a name is none of a preset on images.
    """
    rows = all_rows()
    if not names:
        return [row for row in rows if max(row.shape) <= LARGEST_SIDE]
    known = {name: row for row in rows for name in row.presets}
    for name in names:
        gf.checks.lookup({**known, "all": None}, name, argument="preset")
    return [row for row in rows if "all" in names or set(names) & set(row.presets)]


def networks_of(row: Row) -> str:
    """Return what the official code calls a pair of networks, and its width."""
    network = row.config.generator
    name = network.architecture
    if name == "dcgan":
        name += f"{network.num_layers}" + "_nobn" * (not network.batch_norm)
    constant = name != "mlp" and not network.growing
    side, channels = row.shape[1:]
    return f"{name}{'_cf' * constant}, f = {network.width}, {side}×{side}×{channels}"


def method_of(row: Row) -> str:
    """Return how the players move."""
    method = row.config.method
    if method.transform == "identity":
        return method.name
    return method.transform + (f", γ = {method.gamma:g}" if method.gamma is not None else "")


def measure(config: Config, row: Row, torch: bool) -> dict[str, Any]:
    """Return the fastest step of each library, and what it took."""
    task = {
        "config": row.config.to_dict(),
        "shape": row.shape,
        "steps": config.steps,
        "convolution": config.convolution,
    }
    load = os.getloadavg()[0]
    libraries = ("ganfield", "torch") if torch else ("ganfield",)
    workers: dict[str, Worker] = {}
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in libraries}
    try:
        for repeat in range(config.repeats + 1):
            for name in libraries:
                if not repeat:  # Not earlier: nobody else computes while one compiles.
                    workers[name] = Worker(f"{name}_images.py", task)
                values = workers[name].measure()
                measured[name] += [values] if repeat else []  # the first turn warms up
    finally:
        for worker in workers.values():
            worker.close()
    times = {name: [values["step"] for values in each] for name, each in measured.items()}
    return {
        "presets": row.presets,
        "networks": networks_of(row),
        "method": method_of(row),
        "batch": row.config.batch_size,
        "load": load,
        **{
            name: measured[name][-1] | {"step": min(each), "steps": each}
            for name, each in times.items()
        },
    }


def table(result: dict[str, Any]) -> str:
    """Return the results in Markdown."""
    rows, settings, device = result["rows"], result["config"], result["device"]
    torch = all("torch" in row for row in rows)
    memory = "device" if any(row["ganfield"]["device"] for row in rows) else "host"
    loads = [row["load"] for row in rows] or [0.0]
    versions = f"JAX {result['versions']['jax']}"
    versions += f", PyTorch {result['torch']}" if torch and result["torch"] else ""
    head = ["presets", "networks", "method", "batch", "steps/s", "ms a step", "compile, s"]
    head += ["peak, MB", *(["PyTorch: ms a step", "peak, MB", "PyTorch / ganfield"] * torch)]
    notes = (
        f"Fastest of {settings['repeats']} measurements of {settings['steps']} steps, "
        f"{device['kind']} with {device['cpu_cores']} cores, {versions}; the load average before a "
        f"row was {min(loads):.1f} to {max(loads):.1f}."
    )
    lines = []
    for row in rows:
        ours, folder = row["ganfield"], row["presets"][0].partition("/")[0]
        names = ", ".join(name.removeprefix(f"{folder}/") for name in row["presets"])
        cells = [f"{folder}/{names}", row["networks"], row["method"], f"{row['batch']}"]
        cells += [f"{1 / ours['step']:.2f}", f"{1e3 * ours['step']:.4g}"]
        cells += [f"{ours['compile']:.1f}", f"{ours[memory] / 1e6:.0f}"]
        if torch:
            other = row["torch"]
            cells += [f"{1e3 * other['step']:.4g}", f"{other[memory] / 1e6:.0f}"]
            cells += [f"{other['step'] / ours['step']:.2f}"]
        lines.append(cells)
    parts = [notes, gf.reporting.table(head, lines, markdown=True)]
    if result["bfloat16"]:
        errors = [
            (name, *(f"{of[what]:.1%}" for what in ERRORS), f"{of['cosine']:.4f}")
            for name, of in result["bfloat16"].items()
        ]
        head = ["bfloat16: relative error", *(f"of {what}" for what in ERRORS.values())]
        parts.append(gf.reporting.table([*head, "cosine of Jᵀv"], errors, markdown=True))
    return "\n\n".join(parts) + "\n"


def write_readme(path: Path) -> None:
    """Put a kept result beside this script, and its table into the README.

    Raises:
        ValueError: there is none.
    """
    if not path.is_file():
        raise ValueError(f"output must hold images.json for --readme, got {str(path.parent)!r}")
    result = json.loads(path.read_text("utf-8"))
    gf.reporting.publish(README, "images", table(result))
    gf.reporting.save_json(README.with_name("images.json"), result)


def begin(config: Config, path: Path) -> dict[str, Any]:
    """Return a result without rows, or the one that is to be resumed.

    Raises:
        ValueError: that one was measured in another way.
    """
    how = {name: getattr(config, name) for name in ("repeats", "steps", "convolution")}
    there = importlib.util.find_spec("torch")
    version = importlib.metadata.version("torch") if there else None
    result = {"config": how, "torch": version, **gf.reporting.provenance()}
    if config.resume and path.is_file():
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name in ("config", "torch", "commit", "versions", "device"):
            if kept.get(name) != result[name]:
                raise ValueError(
                    f"resume must go on in the same way, but {name} was {kept.get(name)} and is "
                    f"{result[name]}: measure all again"
                )
        return kept
    return result | {"rows": [], "bfloat16": {}}


def main(config: Config) -> None:
    """Measure all rows, save each when it is there, and print the table."""
    rows = chosen(config.presets)
    for option in ("repeats", "steps"):
        gf.checks.check_count(getattr(config, option), argument=option)
    gf.checks.lookup(
        dict.fromkeys(("auto", "ordered", "patches", "xla")),
        config.convolution,
        argument="convolution",
    )
    path = config.output / "images.json"
    if config.readme:
        write_readme(path)
        return
    experiment = gf.reporting.Experiment(config)
    if not config.presets:
        left_out = [name for row in all_rows() if row not in rows for name in row.presets]
        print(f"left out (name them, or say --presets all): {', '.join(left_out)}")
    result = begin(config, path)
    torch = result["torch"] is not None
    if not torch:
        print("PyTorch is not installed: its columns are left out")
    done = [row["presets"][0] for row in result["rows"]]
    for row in rows:
        if row.presets[0] in done:
            continue
        print(f"{', '.join(row.presets)}: {networks_of(row)}, {method_of(row)} …", flush=True)
        result["rows"].append(measure(config, row, torch))
        experiment.save(path.name, **result)
    for name in image_precision.PRESETS if config.precision else ():
        row = next(row for row in all_rows() if name in row.presets)
        label = networks_of(row).partition(",")[0]
        if label not in result["bfloat16"]:
            print(f"bfloat16, {label} …", flush=True)
            images = gf.data.digits(size=32)
            result["bfloat16"][label] = image_precision.precision(name, images)
            experiment.save(path.name, **result)
    experiment.finish(table(result))


if __name__ == "__main__":
    script(main, Config)
