"""All benchmarks in one table: time, share of the machine's floor, and ratio to a named peer.

    python experiments/benchmarks/suite.py
    python experiments/benchmarks/suite.py --only ring
    python experiments/benchmarks/suite.py --quick             # small sizes, as CI does it

The floor is a product of two matrices and a copy, measured in the same run, first and last: the
share is the time that a row's operations (or bytes) would take at that rate, over its own. XLA
counts both, bytes also where a cache holds them, so that a share of bytes may be above 100 %. Peers
are measured in turn with us, each in a process of its own; PyTorch's only where it is installed. A
ratio is the peer's time over ours.
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import importlib.util
import math
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ganfield as gf
from ganfield.cli import script

sys.path.append(str(Path(__file__).resolve().parents[1] / "gpu"))

import gpu_measure
import gpu_plan
from gpu_peers import Peer
from gpu_plan import Row, Scale

HERE = Path(__file__).resolve().parent
OURS, TORCH = gpu_plan.PEERS[:2]
SCRIPTS = {OURS: "gpu_jax.py", TORCH: "gpu_torch.py"}
"""Who measures steps and the machine; all else is measured by suite_tasks.py."""
PRECISION = "float32"

FULL = replace(
    gpu_plan.FULL,
    matrix=2048,
    floats=2**24,
    runs=(1, 16),
    chunk=64,
    images={
        "digits, simultaneous": ("digits/simultaneous", 10),
        "digits, consensus": ("digits/consensus", 10),
        "CIFAR-10, simultaneous": ("cifar10/simgd_2", 3),
        "CIFAR-10, consensus": ("cifar10/conopt_2", 3),
    },
    seconds=300.0,
)
QUICK = replace(FULL, matrix=1024, floats=2**22, runs=(1,), chunk=None, images={}, repeats=3)

GUARDS: dict[str, dict[str, float]] = {
    "ring, simultaneous": {"product": 0.03, TORCH: 1.5},
    "ring, consensus": {"product": 0.04, TORCH: 1.5},
    "Ju and Jᵀu": {"product": 0.03, "v": 1 / 20},
    "basins": {"NumPy": 1 / 50},
    "sweep in a folder": {"vmap": 1 / 30},
    "leading eigenvalues": {"LAPACK": 1 / 2},
}
"""Row → the least share of the products' floor, and the least ratios to peers: generous ones, for
machines that do other work too."""


@dataclass(frozen=True)
class Config:
    """Measure all that has a benchmark, beside its peer and the machine's floor."""

    only: str = ""
    """Rows whose names have this text; the floor is measured in any case."""
    quick: bool = False
    """Small sizes, and no images."""
    output: Path = Path("results/benchmarks")
    """Folder for suite.json, which is written after every row, and for the processes' logs."""


def others(config: Config) -> list[Row]:
    """Return the rows that are no steps, each with its peer."""
    full = not config.quick
    tasks: dict[tuple[str, str], dict[str, Any]] = {
        ("Ju and Jᵀu", "v"): {"kind": "products", "steps": 50},
        ("basins", "NumPy"): {
            "kind": "basins",
            "resolution": 400 if full else 200,
            "num_steps": 1000 if full else 400,
            "steps": 1,
        },
        ("sweep in a folder", "vmap"): {
            "kind": "sweep",
            "seeds": 16 if full else 8,
            "num_steps": 100 if full else 60,
            "steps": 1,
        },
        ("leading eigenvalues", "LAPACK"): {"kind": "eigenvalues", "steps": 1},
    }
    return [Row(name, PRECISION, (OURS, peer), task) for (name, peer), task in tasks.items()]


def rows_of(config: Config) -> tuple[list[Row], list[Row]]:
    """Return the rows that measure the machine, and those that are measured by it."""
    scale = QUICK if config.quick else FULL
    steps = [row._replace(peers=(OURS, TORCH)) for row in gpu_plan.benchmarks(scale, [PRECISION])]
    chosen = [row for row in (*steps, *others(config)) if config.only in row.name]
    if not chosen:
        names = ", ".join(row.name for row in (*steps, *others(config)))
        raise ValueError(f"only must be a part of a row's name: {names}; got {config.only!r}")
    return gpu_plan.floors(scale, [PRECISION]), chosen


@contextmanager
def peers_of(row: Row, logs: Path) -> Iterator[dict[str, Peer]]:
    """Yield a process for each of a row's peers that is installed, and end them."""
    steps = set(row.peers) <= set(SCRIPTS)
    peers = {
        name: Peer(SCRIPTS[name] if steps else str(HERE / "suite_tasks.py"), logs / f"{name}.log")
        for name in row.peers
        if name != TORCH or importlib.util.find_spec("torch")
    }
    try:
        yield peers
    finally:
        for peer in peers.values():
            peer.close()


def measured(row: Row, scale: Scale, logs: Path) -> dict[str, Any]:
    """Return what was measured of a row."""
    print(f"{row.name} …", flush=True)
    with peers_of(row, logs) as peers:
        answers = gpu_measure.measure(row, scale, peers, time.time() + 10 * scale.seconds)
    return {"name": row.name, "precision": row.precision, "kind": row.task["kind"], **answers}


def ratios(row: Mapping[str, Any]) -> dict[str, float]:
    """Return peer → its time over ours."""
    ours = gpu_measure.median(row, OURS)
    peers = [name for name, of in row.items() if isinstance(of, Mapping) and name != OURS]
    every = {name: gpu_measure.median(row, name) for name in peers}
    return {name: of / ours for name, of in every.items() if of and ours}


def broken(rows: Mapping[str, Any]) -> list[str]:
    """Return in words what is below its guard, and what failed."""
    said = []
    for row in rows.values():
        failed = [f"{row['name']}: {row[name]['error']}" for name in row if is_error(row[name])]
        known = ratios(row) | gpu_measure.floor_shares(row, row["precision"], rows)
        said += failed + [
            f"{row['name']}: {of} {known[of]:.3g}, at least {least:.3g} is expected"
            for of, least in GUARDS.get(row["name"], {}).items()
            # PyTorch need not be there; a share that cannot be told is none.
            if (of in known and not known[of] >= least) or (of == "product" and of not in known)
        ]
    return said


def is_error(answer: Any) -> bool:
    """Return whether a part of a row is a peer that failed."""
    return isinstance(answer, Mapping) and "error" in answer


def table(rows: Mapping[str, Any]) -> str:
    """Return all rows in Markdown, the machine's rates first."""
    rates = gpu_measure.rates(rows)
    said = [f"products at {rates[PRECISION] / 1e9:.4g} GFLOP/s"] if PRECISION in rates else []
    said += [f"copies at {rates['copy'] / 1e9:.4g} GB/s"] if "copy" in rates else []
    head = ["", "ms", "of the products' floor", "of the copies' floor", "peer", "peer / ganfield"]
    lines = []
    for row in rows.values():
        ours = gpu_measure.median(row, OURS)
        if row["kind"] in ("product", "copy") or ours is None:
            continue
        shares = gpu_measure.floor_shares(row, row["precision"], rows)
        kept = {of: share for of, share in shares.items() if math.isfinite(share)}
        of_floor = (f"{kept[of]:.1%}" if of in kept else "" for of in ("product", "copy"))
        (peer, ratio), *_ = [*ratios(row).items(), ("", math.nan)]
        told = f"{ratio:.2f}" if peer else ""
        lines.append([row["name"], f"{1e3 * ours:.4g}", *of_floor, peer, told])
    return f"{', '.join(said)}\n\n{gf.reporting.table(head, lines, markdown=True)}"


def main(config: Config) -> None:
    """Measure the floor, all rows, the floor again; print the table and what is below a guard."""
    floor, chosen = rows_of(config)
    scale = QUICK if config.quick else FULL
    experiment = gf.reporting.Experiment(config)
    rows: dict[str, Any] = {}
    for row in (*floor, *chosen):
        rows[row.key] = measured(row, scale, experiment.folder)
        experiment.save("suite.json", rows=rows)
    for row in floor:
        again = measured(row, scale, experiment.folder)
        for name in SCRIPTS:
            if "seconds" in rows[row.key].get(name, {}):
                rows[row.key][name]["seconds"] += again.get(name, {}).get("seconds", [])
    experiment.save("suite.json", rows=rows, broken=broken(rows))
    experiment.finish(table(rows), *(f"BELOW ITS GUARD: {each}" for each in broken(rows)))


if __name__ == "__main__":
    script(main, Config)
