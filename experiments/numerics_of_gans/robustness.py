"""With what probability does a method cover all eight modes of the ring?

Whole runs over method × γ × seed as one sweep, in a folder: a kill loses the piece in work at most,
and the same command goes on. The default takes less than ten minutes on two cores; the whole grid,

    python experiments/numerics_of_gans/robustness.py --gammas 0.1 0.3 1 3 10 --num-seeds 32

takes some seven times as long. Expected: with γ = 10 consensus optimization covers all eight
modes on every seed, with γ = 0.1 on few; JARE and the smoothed field do on some.

    python experiments/numerics_of_gans/robustness.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

import ganfield as gf
import ring
from ganfield.cli import script

NUM_MODES = len(ring.RING.modes)


@dataclass(frozen=True)
class Config:
    """Count how often each method covers all eight modes of the ring."""

    methods: tuple[str, ...] = ("consensus", "jare", "smoothed")
    """Transforms that take a γ: consensus, jare, smoothed. The players move at the same time."""
    gammas: tuple[float, ...] = (0.1, 1.0, 10.0)
    """Values of γ."""
    num_seeds: int = 8
    """Runs for each method and γ."""
    num_steps: int = 10_000
    """Steps of each run."""
    learning_rate: float = 3e-4
    """Step size of RMSProp, for both players: three times the official one, for a fifth of its
    steps."""
    batch_size: int = 128
    """Real examples, and latent variables, in a minibatch: a quarter of the official one."""
    num_records: int = 20
    """Points of a run after the first at which modes are counted, at most."""
    piece_size: int = 8
    """Runs that are done at once, and saved."""
    output: Path = Path("results/robustness")
    """Folder for the sweep, result.json and the figure."""
    smoke: bool = False
    """See in half a minute that everything works: two seeds, one γ, 20 steps."""


def simulation(config: Config, method: str, gamma: jax.Array, seed: jax.Array) -> gf.Simulation:
    """Return one run: the game, start, batches and samples are those of ``ring.py``."""
    settings = ring.Config(batch_size=config.batch_size)
    game, generator = ring.game_of(settings), ring.generator_of(settings)
    start_key, batch_key, evaluation_key = jax.random.split(jax.random.key(seed), 3)
    held_out = ring.sampler(ring.NUM_SAMPLES)(evaluation_key)

    def record(state: gf.State, info: gf.Info) -> dict[str, jax.Array]:
        samples = generator.apply(state.params.theta, held_out.latent)
        coverage = gf.evaluation.mode_coverage(samples, ring.RING.modes, radius=3 * ring.RING.std)
        modes = jnp.asarray(coverage.modes_covered, float)  # NaN once a run has stopped
        return {"modes_covered": modes, "high_quality": coverage.high_quality}

    return gf.simulation(
        gf.simultaneous(gf.numerics_rmsprop(config.learning_rate)),
        gf.TRANSFORMS[method](gf.vector_field(game), gamma=gamma),
        game.init(start_key),
        key=batch_key,
        sample=ring.sampler(config.batch_size),
        record=record,
        record_every=-(-config.num_steps // config.num_records),
    )


def rows_of(config: Config, runs: gf.Sweep) -> list[dict[str, Any]]:
    """Return for each method and γ how many runs covered all modes, with Wilson's 95 % interval.

    A run that stopped covers none.
    """
    rows = []
    for method in config.methods:
        for gamma in config.gammas:
            part = runs.sel(method=method, gamma=gamma)
            modes = np.nan_to_num(part.values("modes_covered")[-1])
            count = int(np.sum(modes == NUM_MODES))
            interval = scipy.stats.binomtest(count, modes.size).proportion_ci(method="wilson")
            rows.append(
                {
                    "method": method,
                    "gamma": gamma,
                    "runs": modes.size,
                    "covered_all": count,
                    "low": interval.low,
                    "high": interval.high,
                    "modes": modes.astype(int).tolist(),
                    "high_quality": np.nan_to_num(part.values("high_quality")[-1]).tolist(),
                    "stopped": int(np.sum(part.run.stopped_at >= 0)),
                }
            )
    return rows


def table(rows: list[dict[str, Any]], *, markdown: bool = False) -> str:
    """Return the table method × γ."""
    head = ("method", "γ", "all eight", "95 % interval", "modes, mean ± std", "stopped")
    lines = []
    for row in rows:
        modes = np.array(row["modes"])
        lines.append(
            (
                row["method"],
                f"{row['gamma']:g}",
                f"{row['covered_all']} of {row['runs']}",
                f"{row['low']:.2f} to {row['high']:.2f}",
                f"{modes.mean():.1f} ± {modes.std(ddof=1):.1f}",
                f"{row['stopped']}",
            )
        )
    return gf.reporting.table(head, lines, markdown=markdown)


def draw(config: Config, runs: gf.Sweep, rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the probabilities with their intervals, and the modes on the way, against steps."""
    with gf.plot.style():
        figure = gf.plot.figure(7.2, 2.9)
        left, right = figure.subplots(1, 2)
        for index, method in enumerate(config.methods):
            of = [row for row in rows if row["method"] == method]
            share = np.array([row["covered_all"] / row["runs"] for row in of])
            bars = np.abs([[row["low"], row["high"]] for row in of] - share[:, None]).T
            at = np.arange(len(of)) + 0.14 * (index - (len(config.methods) - 1) / 2)
            left.errorbar(at, share, bars, fmt="o", color=f"C{index}", label=method, capsize=2)
        left.set_xticks(np.arange(len(config.gammas)), [f"{gamma:g}" for gamma in config.gammas])
        left.set(xlabel="γ", ylabel="share of runs with all eight", ylim=(-0.04, 1.04))
        left.legend()
        largest = runs.sel(gamma=config.gammas[-1])
        gf.plot.sweep(largest, "modes_covered", right, x="step", lines="method")
        right.set(ylim=(-0.3, NUM_MODES + 0.3), ylabel=f"modes, γ = {config.gammas[-1]:g}")
        gf.plot.save(figure, path)


def checked(config: Config) -> Config:
    """Return the configuration with smoke resolved; raise a ValueError before any compilation."""
    if config.smoke:
        config = replace(
            config,
            gammas=config.gammas[:1],
            num_seeds=2,
            num_steps=20,
            num_records=2,
            batch_size=16,
        )
    for name in ("methods", "gammas"):
        if not getattr(config, name):
            raise ValueError(f"{name} must not be empty")
        gf.reporting.check_distinct(getattr(config, name), argument=name)
    for argument in ("num_steps", "num_records", "batch_size", "piece_size"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    gf.checks.check_count(config.num_seeds, argument="num_seeds", minimum=2)
    gf.checks.check_not_negative(config.learning_rate, argument="learning_rate")
    known = dict.fromkeys(Config.methods)
    for name in config.methods:
        gf.checks.lookup(known, name, argument="method")
    for gamma in config.gammas:
        gf.checks.check_not_negative(gamma, argument="each of gammas")
    return config


def main(config: Config) -> None:
    """Run what is not done yet, and write the table and the figure."""
    config = checked(config)
    experiment = gf.reporting.Experiment(config)
    axes = {
        "method": list(config.methods),
        "gamma": list(config.gammas),
        "seed": range(config.num_seeds),
    }
    with gf.progress_bar("robustness", config.num_steps) as progress:
        runs = gf.sweep(
            partial(simulation, config),
            axes,
            num_steps=config.num_steps,
            folder=config.output / "sweep",
            piece_size=config.piece_size,
            progress=progress,
        )
    rows = rows_of(config, runs)
    draw(config, runs, rows, experiment.folder / "robustness.png")
    clock = {"seconds": runs.seconds, "compile_seconds": runs.compile_seconds}
    curves = {"steps": runs.run.steps, "modes_covered": runs.values("modes_covered")}
    experiment.save("result.json", rows=rows, wall_clock=clock, curves=curves)
    experiment.finish(table(rows))


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    script(main, Config)
