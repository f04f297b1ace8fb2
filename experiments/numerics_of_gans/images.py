"""Images: the comparison of "The Numerics of GANs" on digits, CIFAR-10 or other labelled images.

Expected (the paper, on CIFAR-10): with batch norm alternating steps train; without it, and with
layers of constant width, simultaneous and alternating steps fail or stall, and consensus
optimization trains.

    python experiments/numerics_of_gans/images.py
    python experiments/numerics_of_gans/images.py --data DIR    # CIFAR-10
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

import ganfield as gf
import images_figures
from ganfield.cli import script

# One row of the comparison: what the paper calls easy, then what it calls hard.
DIGITS = ("digits/dcgan", "digits/simultaneous", "digits/alternating", "digits/consensus")
CIFAR10 = ("cifar10/altgd_0", "cifar10/simgd_2", "cifar10/altgd_2", "cifar10/conopt_2")
NUM_REAL = 10_000
Row = dict[str, Any]
COLUMNS = (
    "preset", "seed", "steps", "score", "Fréchet", "prec.", "recall", "‖v‖", "time", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Train GANs on images by several methods, and score them with the same classifier.

    Everything but what a preset's name says is the same in all runs: the step size, the optimizer,
    the seeds, the number of steps and the scores. A run that is there already, with the same
    options, goes on where it ended; with a larger --num-steps or more seconds it goes further.
    """

    presets: tuple[str, ...] = ()
    """Which runs, by names of presets (`ganfield list`); the paper's comparison if none."""
    data: Path | None = None
    """Folder of CIFAR-10; without it the digits that come with scikit-learn."""
    classifier: Path | None = None
    """What scores are taken with, written by `ganfield train-classifier`; trained here if None."""
    seeds: tuple[int, ...] = (0, 1)
    """One run of each preset for each."""
    learning_rate: float | None = None
    """Of every run; that of its preset if None."""
    num_steps: int | None = None
    """Train to this step; 3000 for digits, and what each preset says for others, if None."""
    max_seconds: float | None = None
    """End a run after this many seconds of training steps in this call."""
    num_scores: int = 8
    """How many times a run is scored, about, after its start, if it reaches its last step."""
    score_every: int | None = None
    """Steps between scores; those between the first and the last by --num-scores if None. Give it
    with --max-seconds, which may end a run long before its last step."""
    num_samples: int = 1000
    """Generated images of each score."""
    output: Path | None = None
    """Folder for runs, result.json and figures; results/ and the name of the data if None."""
    smoke: bool = False
    """See quickly that everything works: 20 steps, one seed."""


def chosen(config: Config) -> dict[str, gf.configuration.Config]:
    """Return preset → configuration of its first run, checked before anything is done."""
    gf.reporting.check_distinct(config.presets, argument="presets")
    gf.reporting.check_seeds(config.seeds)
    names = config.presets or (DIGITS if config.data is None else CIFAR10)
    runs = {}
    for name in names:
        preset = gf.configuration.preset(name)
        steps = config.num_steps or (3000 if preset.data.name == "digits" else preset.num_steps)
        steps = 20 if config.smoke else steps
        every = max(1, steps // gf.checks.check_count(config.num_scores, argument="num_scores"))
        if config.score_every is not None:
            every = gf.checks.check_count(config.score_every, argument="score_every")
        changes: dict[str, Any] = {
            "num_steps": steps,
            "record_every": max(1, every // 10),
            "evaluate_every": every,
            "checkpoint_every": every,
        }
        if config.data is not None:
            changes["data.folder"] = str(config.data)
        if config.learning_rate is not None:
            changes["method.learning_rate"] = config.learning_rate
        runs[name] = preset.replace(changes)
    if len({run.data.name for run in runs.values()}) > 1:
        raise ValueError("presets must be of one data set, so that scores compare")
    if config.classifier is None:
        data = next(iter(runs.values())).data.name
        gf.checks.lookup(gf.evaluation.CLASSIFIER_PRESETS, data, argument="data of presets")
    return runs


def classifier_of(
    config: Config, data: gf.configuration.DataConfig, output: Path
) -> gf.evaluation.Classifier:
    """Return the classifier that scores are taken with, trained only if there is none yet."""
    # A hasty one must not score what follows in the same folder.
    path = config.classifier or output / f"classifier{'_smoke' * config.smoke}.npz"
    if path.exists():
        classifier = gf.evaluation.load_classifier(path)
        if classifier.metadata["dataset"] != data.name:
            other = classifier.metadata["dataset"]
            raise ValueError(f"the classifier in {path} is one of {other}, not of {data.name}")
        return classifier
    if config.classifier is not None:
        raise ValueError(f"classifier must be a file, got {config.classifier}")
    train, test = (
        gf.configuration.load_data(
            replace(data, split=split, flip=data.name == "cifar10" and split == "train")
        )
        for split in ("train", "test")
    )
    options = gf.evaluation.CLASSIFIER_PRESETS[data.name] | (
        {"num_epochs": 1} if config.smoke else {}
    )
    classifier = gf.evaluation.train_classifier(train, test, **options)
    gf.evaluation.save_classifier(path, classifier)
    return classifier


def train(
    run: gf.configuration.Config,
    data: Any,
    evaluate: gf.evaluation.Evaluator,
    config: Config,
    folder: Path,
) -> gf.training.Result:
    """Train one run in its folder, or go on with it, with a bar that says how far it is."""
    label = f"{folder.parent.name} seed {run.seed}"
    with gf.progress_bar(label, run.num_steps, describe) as progress:
        return gf.training.train(
            run,
            folder,
            data=data,
            evaluate=[evaluate],
            max_seconds=config.max_seconds,
            progress=lambda now: progress(now.step, now.metrics),
        )


def describe(metrics: Mapping[str, Any]) -> str:
    """Return what stands beside the bar."""
    return f"diversity {metrics['diversity']:.2f}" if metrics else ""


def rows_before(path: Path) -> dict[tuple[str, int], Row]:
    """Return (preset, seed) → row of the result.json that is there, if there is one."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text("utf-8"))["results"]
    return {(row["preset"], row["seed"]): row for row in rows}


def row_of(
    run: tuple[str, int],
    result: gf.training.Result,
    tables: images_figures.Tables,
    before: Row | None,
) -> Row:
    """Return what result.json holds of a run."""
    done = result.outcome == "done"
    row: Row = {
        "preset": run[0],
        "seed": run[1],
        "outcome": result.outcome,
        "steps": result.step,
        "stopped_at": result.stopped_at,
        "verdict": None if result.verdict is None else result.verdict.outcome,
        "seconds": round(result.seconds, 2),
        "compile_seconds": None if done else round(result.compile_seconds, 2),
        "steps_per_second": round(result.step / result.seconds, 2) if result.seconds else None,
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(result.params)),
        "scores": tables.last_scores(),
        "metrics": tables.last_metrics(),
        "curves": tables.curves(),
    }
    if done and before is not None and before["steps"] == result.step:
        # Nothing was compiled now, and how the run ended was seen when it did.
        row |= {name: before[name] for name in ("outcome", "compile_seconds")}
    return row


def table(rows: list[Row]) -> str:
    """Return the table that the script ends with."""
    lines = []
    for row in rows:
        scores, metrics = row["scores"], row["metrics"]
        line = (
            row["preset"],
            str(row["seed"]),
            str(row["steps"]) + ("" if row["stopped_at"] < 0 else " (stopped)"),
            f"{scores['classifier_score']:.2f}",
            f"{scores['frechet_classifier_distance']:.1f}",
            f"{scores['precision']:.2f}",
            f"{scores['recall']:.2f}",
            f"{np.hypot(metrics['norm_v_theta'], metrics['norm_v_phi']):.2g}",
            f"{row['seconds']:.0f} s",
            row.get("verdict") or "–",  # which earlier versions did not tell
        )
        lines.append(line)
    return gf.reporting.table(COLUMNS, lines)


def main(config: Config) -> None:
    """Run the experiment."""
    runs = chosen(config)
    first = next(iter(runs.values()))
    default = first.data.name + ("_smoke" if config.smoke else "")
    experiment = gf.reporting.Experiment(config, config.output or Path("results") / default)
    output = experiment.folder
    data = gf.configuration.load_data(first.data)
    print("The classifier that scores are taken with …", flush=True)
    classifier = classifier_of(config, first.data, output)
    evaluate = gf.evaluation.evaluator(
        classifier.features,
        data,
        num_samples=200 if config.smoke else config.num_samples,
        num_real=min(len(data), NUM_REAL),
    )
    seeds = config.seeds[:1] if config.smoke else config.seeds
    before = rows_before(output / "result.json")
    wanted = [(name, seed) for name in runs for seed in seeds]
    # Until its turn comes, a run has the row that it had: a kill loses nothing.
    rows = {each: before.get(each) for each in wanted}
    tables: dict[tuple[str, int], images_figures.Tables] = {}
    for name, seed in wanted:
        folder = output / name.replace("/", "_") / f"seed_{seed}"
        result = train(runs[name].replace({"seed": seed}), data, evaluate, config, folder)
        tables[name, seed] = images_figures.Tables(folder)
        rows[name, seed] = row_of((name, seed), result, tables[name, seed], rows[name, seed])
        known = [row for row in rows.values() if row is not None]
        experiment.save(
            "result.json",
            runs={each: run.to_dict() for each, run in runs.items()},
            classifier=classifier.metadata,
            results=known,
            protocol=evaluate.protocol._asdict(),
        )
    images_figures.scores(tables, output / "scores.png")
    images_figures.norms(tables, output / "norms.png")
    images_figures.samples(tables, output / "samples.png")
    notes = [f"note: {note}" for note in evaluate.notes]
    experiment.finish(table(known), "\n".join([str(evaluate.protocol), *notes]))


if __name__ == "__main__":
    script(main, Config)
