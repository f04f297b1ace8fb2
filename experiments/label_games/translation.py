"""Digits from a quarter of their resolution, and from their edges, with much L1 and with little.

Expected: where L1 is all that counts, a digit is the median of what it could be, nearest and
blurred; with little of it digits are as sharp as real ones, and farther from the right one.

    python experiments/label_games/translation.py
    python experiments/label_games/translation.py --quick
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

import digit_games
import ganfield as gf
import stopping
from ganfield.cli import script
from ganfield.data import to_float

TASKS = {"quarter": "image_to_image", "edges": "edges"}
SHOWN = 10


@dataclass(frozen=True)
class Config:
    """Translate digits, with several weights of L1."""

    num_steps: int = 800
    """Steps of each run."""
    weights: tuple[float, ...] = (10_000.0, 10.0)
    """λ of L1."""
    seed: int = 0
    """Of everything that is random."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 200 steps, one weight."""
    output: Path = Path("results/label_games")
    """Folder for translation.json and the figure."""


def chosen(config: Config) -> Config:
    """Return the options, checked, as --quick changes them."""
    gf.checks.check_count(config.num_steps, argument="num_steps")
    gf.checks.check_seed(config.seed, argument="seed")
    gf.reporting.check_distinct(config.weights, argument="weights")
    return replace(config, num_steps=200, weights=(100.0,)) if config.quick else config


def translate(config: Config, task: str, weight: float) -> tuple[np.ndarray, int]:
    """Return the translations of the test digits, and where the run stopped, or −1."""
    changes = {
        "num_steps": config.num_steps,
        "seed": config.seed,
        "game.options.l1_weight": weight,
    }
    built = gf.configuration.build(digit_games.preset(TASKS[task], config.quick, changes))
    run = digit_games.train(built)
    pairs = test_pairs(task, built.shape[0])
    sources = to_float(np.asarray(pairs.sources.pixels))
    made = jax.jit(built.generator.apply)(run.params.theta, sources)
    return np.asarray(made), int(run.stopped_at)


def test_pairs(task: str, size: int) -> gf.data.Pairs:
    """Return the pairs of test digits."""
    return gf.data.PAIRS[task](gf.data.digits("test", size=size))


def sharpness(images: np.ndarray) -> float:
    """Return the mean absolute difference of neighbours: what a blur takes away."""
    return float(np.abs(np.diff(images, axis=1)).mean() + np.abs(np.diff(images, axis=2)).mean())


def measure(config: Config) -> dict[str, Any]:
    """Run the experiment."""
    config = chosen(config)
    experiment = gf.reporting.Experiment(config)
    results: dict[str, Any] = {}
    with gf.plot.style():
        figure = gf.plot.figure(4.6 * len(TASKS), 2.0)
        axes = figure.subplots(1, len(TASKS), squeeze=False)[0]
        for ax, task in zip(axes, TASKS, strict=True):
            size = 8 if config.quick else 16
            pairs = test_pairs(task, size)
            source, real = (
                to_float(np.asarray(each.pixels)) for each in (pairs.sources, pairs.images)
            )
            rows = {"source": source[:SHOWN]}
            results[task] = {}
            for weight in config.weights:
                print(f"{task}, λ = {weight:g} …", flush=True)
                experiment.lap()
                made, stopped_at = translate(config, task, weight)
                rows[f"λ = {weight:g}"] = made[:SHOWN]
                results[task][f"{weight:g}"] = {
                    "l1": float(np.abs(made - real).mean()),
                    "sharpness": sharpness(made) / sharpness(real),
                    "stopped_at": stopped_at,
                    "seconds": round(experiment.lap(), 1),
                }
            digit_games.show_rows(ax, {**rows, "real": real[:SHOWN]})
            ax.set_title(task)
        gf.plot.save(figure, experiment.folder / "translation.png")
    experiment.save("translation.json", results=results)
    table = [
        (task, weight, f"{of['l1']:.4f}", f"{of['sharpness']:.3f}", f"{of['seconds']:.0f}")
        for task, each in results.items()
        for weight, of in each.items()
    ]
    head = ("from", "λ", "L1 to the right digit", "sharpness (real: 1)", "seconds")
    digit_games.finish(experiment, "translation", gf.reporting.table(head, table, markdown=True))
    return results


def main(config: Config) -> None:
    """Run the experiment."""
    stopping.compile_quickly(config.quick)
    measure(config)


if __name__ == "__main__":
    script(main, Config)
