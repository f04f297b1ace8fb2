"""What discriminators know of digits, though nobody told them which is which.

Linear classifiers learn digits from few labels: on the penultimate features of discriminators that
three methods trained without labels, of the same network untrained, and on pixels.

    python experiments/label_games/probe.py
    python experiments/label_games/probe.py --quick
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import digit_games
import ganfield as gf
import stopping
from ganfield.cli import script


@dataclass(frozen=True)
class Config:
    """Probe the discriminators of the runs of stopping.py, which are trained where need be."""

    num_steps: int = 2000
    """Steps of each run that is not there yet."""
    num_draws: int = 5
    """How often 10 and 30 labels of each digit are drawn."""
    seeds: tuple[int, ...] = (0,)
    """One run of each method for each."""
    quick: bool = False
    """See quickly that everything works: small perceptrons, 300 steps, two draws."""
    output: Path = Path("results/label_games")
    """Folder for probe.json and the figure, and where stopping.py left its runs."""


def runs(config: Config) -> Iterator[tuple[str, gf.runs.SavedRun]]:
    """Yield the runs by name, those that are not there trained to the end."""
    options = stopping.Config(
        num_steps=config.num_steps, seeds=config.seeds, quick=config.quick, output=config.output
    )
    chosen = stopping.chosen(options)
    for method in stopping.methods(chosen):
        for seed in chosen.seeds:
            folder = stopping.run_folder(chosen, method, seed)
            if not gf.runs.is_run(folder):
                wanted = stopping.settings(chosen, method, seed).replace({"stop": None})
                gf.training.train(wanted, folder)
            yield f"{method}, seed {seed}", gf.runs.load(folder)


def measure(config: Config) -> dict[str, gf.evaluation.LinearProbe]:
    """Run the experiment."""
    gf.checks.check_count(config.num_draws, argument="num_draws")
    experiment = gf.reporting.Experiment(config)
    probes: dict[str, gf.evaluation.LinearProbe] = {}
    steps = {}
    for name, run in runs(config):
        print(f"{name} …", flush=True)
        here = gf.runs.probe(run, num_draws=2 if config.quick else config.num_draws)
        # The runs of a seed have one network, and so one start.
        probes["pixels"] = here["pixels"]
        probes[f"untrained, seed {run.config.seed}"] = here["untrained"]
        probes[name] = here["discriminator"]
        steps[name] = run.step
    with gf.plot.style():
        figure = gf.plot.figure(4.2, 3.0)
        gf.plot.probes(probes, figure.subplots())
        gf.plot.save(figure, experiment.folder / "probe.png")
    results: dict[str, Any] = {name: probe._asdict() for name, probe in probes.items()}
    experiment.save("probe.json", steps=steps, results=results)
    labels = ("all" if count is None else str(count) for count in probes["pixels"][0])
    rows = [
        (name, *(_spread(*pair) for pair in zip(probe.accuracy, probe.standard_error, strict=True)))
        for name, probe in probes.items()
    ]
    digit_games.finish(
        experiment,
        "probe",
        gf.reporting.table(("features", *labels), rows, markdown=True),
        "Share of test digits right, by labels of each digit; ± is the standard error over draws.",
    )
    return probes


def main(config: Config) -> None:
    """Run the experiment."""
    stopping.compile_quickly(config.quick)
    measure(config)


def _spread(mean: float, error: float) -> str:
    return f"{mean:.3f}" + ("" if np.isnan(error) else f" ± {error:.3f}")


if __name__ == "__main__":
    script(main, Config)
