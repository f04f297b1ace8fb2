"""What a run leaves: tables, curves, grids and profiles, in one archive."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ganfield as gf
import images_figures
from gpu_measure import floor_shares, median, rates
from gpu_plan import PEERS
from gpu_state import State

UNITS = {"tf32": "TF32", "float32": "float32", "bfloat16": "bfloat16"}


def tables(content: Mapping[str, Any]) -> str:
    """Return all results in Markdown."""
    parts = ["# A GPU run", *(f"- {part_in_words(part)}" for part in content["parts"])]
    return "\n\n".join(
        ["\n".join(parts), machine_table(content), step_table(content), training_table(content)]
    )


def part_in_words(part: Mapping[str, Any]) -> str:
    """Return where a part ran."""
    device = part["device"]
    torch = f", PyTorch {device['torch']}" if device["torch"] else ", no PyTorch"
    return (
        f"{part['began']}, {device['kind']} ({device['platform']}), {device['cpu_cores']} cores, "
        f"JAX {device['jax']}{torch}, commit {device.get('commit') or 'unknown'}"
    )


def machine_table(content: Mapping[str, Any]) -> str:
    """Return what the machine does a second."""
    measured = rates(content["rows"])
    rows = [
        (f"product of matrices, {UNITS[name]}", f"{measured[name] / 1e12:.4g} TFLOP/s")
        for name in UNITS
        if name in measured
    ]
    if "copy" in measured:
        rows.append(("copy, read and written", f"{measured['copy'] / 1e9:.4g} GB/s"))
    return gf.reporting.table(("the machine's floor", "measured"), rows, markdown=True)


def step_table(content: Mapping[str, Any]) -> str:
    """Return milliseconds of a step, ratios to PyTorch and shares of the floor."""
    head = ["step", "products", *(f"{name}, ms" for name in PEERS)]
    head += [f"{name} / ganfield" for name in PEERS[1:]]
    head += ["share of the products' floor", "of the copies' floor", "note"]
    lines = []
    for row in content["rows"].values():
        if row["kind"] in ("product", "copy"):
            continue
        times = [median(row, peer) for peer in PEERS]
        shares = floor_shares(row, row["precision"], content["rows"])
        lines.append(
            [
                row["name"],
                UNITS[row["precision"]],
                *("" if time is None else f"{1e3 * time:.4g}" for time in times),
                *(f"{time / times[0]:.2f}" if time and times[0] else "" for time in times[1:]),
                *(f"{shares[of]:.1%}" if of in shares else "" for of in ("product", "copy")),
                note(row),
            ]
        )
    return gf.reporting.table(head, lines, markdown=True)


def note(row: Mapping[str, Any]) -> str:
    """Return what went wrong in a row, in a cell."""
    errors = [str(row["error"])] if "error" in row else []
    errors += [f"{peer}: {row[peer]['error']}" for peer in PEERS if "error" in row.get(peer, {})]
    return "; ".join(errors).replace("|", "/").replace("\n", " ")[:200]


def training_table(content: Mapping[str, Any]) -> str:
    """Return how far each run came, and its last scores."""
    columns = ("classifier_score", "frechet_classifier_distance", "precision", "recall")
    head = ["run", "products", "step", "ms a step", "outcome"]
    head += ["score", "Fréchet", "prec.", "recall"]
    lines = []
    for run in content["runs"].values():
        scores = run.get("scores", {})
        speed = f"{1e3 * run['seconds'] / run['step']:.3g}" if run.get("seconds") else ""
        cells = [run["preset"], UNITS[run["precision"]], str(run["step"]), speed]
        cells.append(run.get("error", run.get("outcome", "killed")).replace("|", "/")[:200])
        cells += [f"{float(scores[name]):.4g}" if name in scores else "" for name in columns]
        lines.append(cells)
    return gf.reporting.table(head, lines, markdown=True)


def add_scores(state: State) -> None:
    """Put the last scores of every run beside what became of it."""
    for name, run in state.content["runs"].items():
        path = state.folder / "runs" / name / "scores.csv"
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            run["scores"] = rows[-1] if rows else {}


def draw(state: State) -> None:
    """Draw the runs' curves and grids, of those that were scored."""
    folder = state.folder / "figures"
    runs = {}
    for name, run in state.content["runs"].items():
        if run.get("scores"):
            key = run["preset"] + ("" if run["precision"] == "tf32" else f", {run['precision']}")
            runs[key, 0] = images_figures.Tables(state.folder / "runs" / name)
    if runs:
        folder.mkdir(exist_ok=True)
        images_figures.scores(runs, folder / "scores.png")
        images_figures.norms(runs, folder / "norms.png")
        images_figures.samples(runs, folder / "samples.png")


def files(state: State) -> Iterator[tuple[str, bytes]]:
    """Yield what the archive holds, what matters most first."""
    yield "tables.md", (tables(state.content) + "\n").encode()
    result = {**state.content, "rates": rates(state.content["rows"])}
    yield "result.json", (gf.reporting.to_json(result) + "\n").encode()
    for key, row in state.content["rows"].items():
        if "profile" in row:
            lines = [
                (of["operation"][:100], f"{of['milliseconds']:.3f}", str(of["count"]))
                for of in row["profile"]
            ]
            text = gf.reporting.table(("operation", "ms", "count"), lines, markdown=True)
            yield f"profiles/{key.replace(', ', '_').replace(' ', '_')}.md", f"{text}\n".encode()
    for path in sorted((state.folder / "figures").glob("*.png")):
        yield f"figures/{path.name}", path.read_bytes()
    for name in state.content["runs"]:
        folder = state.folder / "runs" / name
        for path in sorted(folder.glob("*.*")):
            if path.suffix in (".csv", ".json", ".log"):
                yield f"runs/{name}/{path.name}", path.read_bytes()
    for name in state.content["runs"]:
        yield from grids(state.folder / "runs" / name / "samples", f"runs/{name}")
    for path in sorted((state.folder / "logs").glob("*.log")):
        yield f"logs/{path.name}", path.read_bytes()[-20_000:]


def grids(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """Yield a run's grids, the last one first."""
    for path in sorted(folder.glob("step_*.png"), reverse=True):
        yield f"{name}/{path.name}", path.read_bytes()
    real = folder / "real.png"
    if real.exists():
        yield f"{name}/real.png", real.read_bytes()
