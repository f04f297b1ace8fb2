"""Is a discriminator that is right half of the time a good moment to stop?

Three methods train on digits by a rule that stops them there, and are then taken on to the end. The
distance to the real digits where the rule stopped is shown beside the best and the last.

    python experiments/label_games/stopping.py
    python experiments/label_games/stopping.py --quick
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

import digit_games
import ganfield as gf
from ganfield.cli import script

METHODS = ("alternating", "simultaneous", "consensus")
SCORE = "frechet_classifier_distance"
HALF, TOLERANCE = 0.5, 0.02
# So that everything can be seen to work within seconds.
QUICK: dict[str, Any] = {
    "data.size": 8,
    **{
        f"{player}.{name}": value
        for player in ("generator", "discriminator")
        for name, value in {"architecture": "mlp", "width": 16, "num_layers": 1}.items()
    },
    "method.learning_rate": 3e-3,
    "samples": 16,
}


@dataclass(frozen=True)
class Config:
    """Stop three methods where the discriminator is right half of the time, and take them on."""

    num_steps: int = 2000
    """Steps of each run."""
    window: int = 500
    """Steps over which the accuracy on fake digits is averaged; a row comes every 10."""
    score_every: int = 100
    """Steps between scores."""
    num_samples: int = 1000
    """Generated digits of each score."""
    seeds: tuple[int, ...] = (0,)
    """One run of each method for each."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 300 steps, a window of 100,
    without simultaneous steps."""
    output: Path = Path("results/label_games")
    """Folder for stopping.json, the figure, and the runs, which are made anew."""


def chosen(config: Config) -> Config:
    """Return the options, checked, as --quick changes them."""
    for name in ("num_steps", "window", "score_every", "num_samples"):
        gf.checks.check_count(getattr(config, name), argument=name)
    gf.reporting.check_seeds(config.seeds)
    if not config.quick:
        return config
    return replace(config, num_steps=300, window=100, score_every=50, num_samples=200)


def methods(config: Config) -> list[str]:
    """Return which methods train."""
    return [name for name in METHODS if not (config.quick and name == "simultaneous")]


def settings(config: Config, method: str, seed: int) -> gf.configuration.Config:
    """Return what a run trains, with the rule that stops it."""
    changes = {
        "seed": seed,
        "num_steps": config.num_steps,
        "record_every": 10,
        "evaluate_every": config.score_every,
        "checkpoint_every": config.num_steps,
        "stop": f"accuracy_fake within {TOLERANCE} of {HALF} over {config.window} steps",
    }
    preset = gf.configuration.preset(f"digits/{method}")
    return preset.replace(QUICK | changes if config.quick else changes)


def classifier_features(config: Config) -> gf.evaluation.Features:
    """Return the features of a classifier of such digits."""
    size = settings(config, METHODS[0], 0).data.size
    train, test = (gf.data.digits(part, size=size or 8) for part in ("train", "test"))
    options = dict(gf.evaluation.CLASSIFIER_PRESETS["digits"])
    if config.quick:
        options |= {"num_epochs": 2, "width": 4, "num_features": 16}
    return gf.evaluation.train_classifier(train, test, **options).features


def scoring(
    features: gf.evaluation.Features, count: int, size: int
) -> Callable[[Callable[[int], np.ndarray]], dict[str, float]]:
    """Return what scores a generator by as many images: the distance to all real digits alone."""
    real = features(gf.data.digits(size=size).pixels).features

    def evaluate(generate: Callable[[int], np.ndarray]) -> dict[str, float]:
        fake = features(generate(count)).features
        with warnings.catch_warnings():
            # They are compared among each other, all at one n.
            warnings.simplefilter("ignore", gf.evaluation.SmallSampleWarning)
            return {SCORE: gf.evaluation.frechet_distance(real, fake)}

    return evaluate


def train(
    config: Config, method: str, seed: int, evaluate: Callable[..., dict[str, float]]
) -> dict[str, Any]:
    """Train until the rule stops the run, take it on to the end, and return what was measured."""
    folder = run_folder(config, method, seed)
    if gf.runs.is_run(folder):
        shutil.rmtree(folder)
    wanted = settings(config, method, seed)
    result = gf.training.train(wanted, folder, evaluate=[evaluate])
    stop = None
    if result.stopped_by:
        scores = gf.runs.load(folder).scores
        stop = {"step": result.step, "score": float(scores[SCORE][-1]), "why": result.stopped_by}
        result = gf.training.train(wanted.replace({"stop": None}), folder, evaluate=[evaluate])
    run = gf.runs.load(folder)
    best = int(np.argmin(run.scores[SCORE]))
    return {
        "method": method,
        "seed": seed,
        "outcome": result.outcome,
        "seconds": result.seconds,
        "stop": stop,
        "best": {"step": int(run.scores["step"][best]), "score": float(run.scores[SCORE][best])},
        "last": {"step": int(run.scores["step"][-1]), "score": float(run.scores[SCORE][-1])},
        "scores": {name: run.scores[name] for name in ("step", SCORE)},
        "accuracy": {name: run.metrics[name] for name in ("step", "accuracy_fake")},
    }


def run_folder(config: Config, method: str, seed: int) -> Path:
    """Return where a run lies."""
    return config.output / "runs" / f"{method}_{seed}"


def draw(rows: Sequence[Mapping[str, Any]], config: Config, path: Path) -> None:
    """Draw score and accuracy of each run, and where the rule stops it."""
    with gf.plot.style():
        trained = [*dict.fromkeys(row["method"] for row in rows)]
        figure = gf.plot.figure(2.3 * len(trained), 3.6)
        axes = figure.subplots(2, len(trained), sharex=True, sharey="row", squeeze=False)
        for column, method in enumerate(trained):
            above, below = axes[:, column]
            for number, row in enumerate(row for row in rows if row["method"] == method):
                color = f"C{number}"
                at, accuracy = row["accuracy"]["step"], row["accuracy"]["accuracy_fake"]
                above.plot(row["scores"]["step"], row["scores"][SCORE], color=color)
                below.plot(at, moving_mean(at, accuracy, config.window), color=color)
                above.plot(row["best"]["step"], row["best"]["score"], "o", color=color, ms=4)
                if row["stop"]:
                    for ax in (above, below):
                        ax.axvline(row["stop"]["step"], color=color, linestyle=":")
            below.axhspan(HALF - TOLERANCE, HALF + TOLERANCE, color="0.85", zorder=0)
            above.set(title=method, yscale="log")
            below.set(xlabel="step", ylim=(0, 1.02))
        axes[0, 0].set_ylabel("distance to real digits")
        axes[1, 0].set_ylabel(f"fakes that D has right,\nmean over {config.window} steps")
        gf.plot.save(figure, path)


def moving_mean(at: np.ndarray, values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean over the last steps, from the first row on that has as many behind it."""
    means = [np.mean(values[(at >= step - window) & (at <= step)]) for step in at]
    return np.where(at - at[0] >= window, means, np.nan)


def compile_quickly(quick: bool) -> None:
    """Let a process that shows quickly that everything works compile as quickly."""
    if quick:
        jax.config.update("jax_disable_most_optimizations", True)


def measure(config: Config, features: gf.evaluation.Features | None = None) -> list[dict[str, Any]]:
    """Run the experiment, with the features of a classifier where there is one already."""
    config = chosen(config)
    experiment = gf.reporting.Experiment(config)
    features = classifier_features(config) if features is None else features
    size = settings(config, METHODS[0], 0).data.size or 8
    evaluate = scoring(features, config.num_samples, size)
    rows = []
    for method in methods(config):
        for seed in config.seeds:
            print(f"{method}, seed {seed} …", flush=True)
            rows.append(train(config, method, seed, evaluate))
    draw(rows, config, experiment.folder / "stopping.png")
    experiment.save("stopping.json", classifier=features.name, results=rows)
    head = ("method", "seed", "stopped at", "distance there", "best", "last", "seconds")
    table = gf.reporting.table(head, [cells(row) for row in rows], markdown=True)
    digit_games.finish(experiment, "stopping", table)
    return rows


def main(config: Config) -> None:
    """Run the experiment."""
    compile_quickly(config.quick)
    measure(config)


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a run as a row of the table."""
    stop, best = row["stop"], row["best"]
    return (
        row["method"],
        str(row["seed"]),
        "never" if stop is None else str(stop["step"]),
        "–" if stop is None else f"{stop['score']:.1f}",
        f"{best['score']:.1f} at {best['step']}",
        f"{row['last']['score']:.1f} at {row['last']['step']}",
        f"{row['seconds']:.0f}",
    )


if __name__ == "__main__":
    script(main, Config)
