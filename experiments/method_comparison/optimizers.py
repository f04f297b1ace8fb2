"""Every optimizer and every method near an equilibrium: the rate predicted, measured, or refused.

Expected: with minibatch noise and without, what local analysis says runs do, and where it can say
nothing it says why.

    python experiments/method_comparison/optimizers.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import functools
import inspect
import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.progress import track

import ganfield as gf
import optimizers_report
from ganfield.cli import script
from ganfield.configuration import OPTIMIZERS

HERE = Path(__file__).parent
NOISE = 0.1
ORIGIN = gf.Players(0.0, 0.0)
# With options of their own; steps are of about the same length under noise of 0.1.
CHOSEN: dict[str, Callable[[float], optax.GradientTransformation]] = {
    "sgd": optax.sgd,
    "momentum": lambda h: optax.sgd(h, momentum=0.5),
    "nesterov": lambda h: optax.sgd(h, momentum=0.5, nesterov=True),
    "adam": lambda h: optax.adam(h / 10, b1=0.5, b2=0.99),
    "rmsprop": lambda h: optax.rmsprop(h / 10, decay=0.9),
}
PLAIN = ("sgd", "momentum", "nesterov", "optimistic_gradient_descent", "noisy_sgd")
UNDER = ("sgd", "adam")
"""What all methods are tried with; simultaneous steps are tried with all."""
NUM_BATCHES = 4096
SOLVERS = ("competitive", "adaptive_competitive", "proximal_point", "follow_the_ridge")
STEP_SIZE = 0.05
# Optimizers whose distances are drawn, and over which step sizes.
DRAWN = ("sgd", "momentum", "rmsprop", "adam", "adabelief", "optimistic_gradient_descent")
STEP_SIZES = (0.003, 0.01, 0.03, 0.1, 0.3)
NOISES = (0.02, 0.05, 0.1, 0.2, 0.5)


def games() -> dict[str, gf.Field]:
    """Return the three fields; each has its equilibrium at the origin.

    They are one program, which reads the number of the game: so all three are compiled at once.
    """
    dirac = gf.games.dirac_gan(penalty="r1", penalty_weight=1.0)
    fields = {
        "quadratic": gf.vector_field(gf.games.quadratic(0.6, 0.5, 0.8)),
        "bilinear, consensus": gf.consensus(gf.vector_field(gf.games.bilinear()), gamma=0.5),
        "Dirac-GAN, R1": gf.vector_field(dirac),
    }
    branches = list(fields.values())

    def numbered(number: jax.Array) -> gf.Field:
        def field(params: gf.Players, batch: None = None) -> gf.Players:
            return jax.lax.switch(number, branches, params)

        return field

    return {name: numbered(jnp.asarray(number)) for number, name in enumerate(fields)}


def with_noise(field: gf.Field, deviation: Any) -> gf.Field:
    """Return v(x) + a batch of noise, one number for each player."""

    def noisy(params: gf.Players, noise: jax.Array) -> gf.Players:
        value = field(params)
        return gf.Players(value.theta + deviation * noise[0], value.phi + deviation / 2 * noise[1])

    return noisy


def draw(key: jax.Array) -> jax.Array:
    """Return the noise of a batch."""
    return jax.random.normal(key, (2,))


def optimizer_of(name: str, step_size: float = STEP_SIZE) -> optax.GradientTransformation:
    """Return an optimizer; what is not plain divides by second moments of about 0.1."""
    if name in CHOSEN:
        return CHOSEN[name](step_size)
    step_size = step_size if name in PLAIN else step_size / 10
    return OPTIMIZERS[name](step_size)


def method_of(name: str, optimizer: optax.GradientTransformation) -> gf.Method:
    """Return a method of the registry, or a wrapper of alternating or simultaneous steps."""
    if name == "lookahead":
        return gf.lookahead(gf.simultaneous(optimizer))
    if name == "averaged":
        return gf.averaged(gf.alternating(optimizer), decay=0.9)
    build = gf.METHODS[name]
    takes = inspect.signature(build).parameters
    exact = {"max_iterations": 2} if "max_iterations" in takes else {}  # on two numbers
    return build(optimizer, **exact)


def optimizers() -> tuple[str, ...]:
    """Return all optimizers."""
    return tuple(dict.fromkeys([*CHOSEN, *OPTIMIZERS]))


def methods() -> tuple[str, ...]:
    """Return all methods and wrappers."""
    return (*gf.METHODS, *gf.WRAPPERS)


def cell(pair: tuple[str, str], num_runs: int) -> list[dict[str, Any]]:
    """Return the rows of a method with an optimizer: each game, with noise and without."""
    rows = []
    for noisy in (False, True):
        for game, field in games().items():
            method = method_of(pair[0], optimizer_of(pair[1]))
            row = {"method": pair[0], "optimizer": pair[1], "game": game, "noise": noisy}
            try:
                rows.append(row | (_noisy if noisy else _plain)(method, field, num_runs))
            except ValueError as error:
                rows.append(row | {"refused": str(error)})
    return rows


def _plain(method: gf.Method, field: gf.Field, num_runs: int) -> dict[str, Any]:
    rate = gf.convergence_rate(method, field, ORIGIN)
    return {
        "predicted": rate.predicted,
        "predicted_error": 0.0,
        "measured": rate.measured,
        "measured_error": 0.0,
        "agrees": rate.agree is not False,
    }


def _noisy(method: gf.Method, field: gf.Field, num_runs: int) -> dict[str, Any]:
    floor = gf.noise_floor(method, with_noise(field, NOISE), ORIGIN, sample=draw, num_runs=num_runs)
    measured = floor.measured
    assert measured is not None
    return {
        "predicted": floor.rate,
        "predicted_error": floor.rate_error,
        "measured": measured.rate,
        "measured_error": measured.rate_error,
        "distance": floor.distance,
        "measured_distance": float(np.sqrt(measured.mean_square)),
        "distance_error": float(
            np.hypot(floor.mean_square_error, measured.mean_square_error) / (2 * floor.distance)
        ),
        "decay": floor.decay,
        "agrees": floor.agrees,
    }


def distances(name: str, num_runs: int) -> list[dict[str, Any]]:
    """Return distances from the equilibrium of the quadratic game against step sizes."""
    field, rows = with_noise(games()["quadratic"], NOISE), []
    for step_size in STEP_SIZES:
        optimizer = optimizer_of(name, step_size)
        rows.append(
            {"optimizer": name, "step_size": step_size} | _distance(optimizer, field, num_runs)
        )
    return rows


def diagram(step_size: float, num_runs: int) -> list[dict[str, Any]]:
    """Return distances under Adam on the Dirac-GAN, for several sizes of the noise."""
    rows = []
    for noise in NOISES:
        field = with_noise(games()["Dirac-GAN, R1"], noise)
        optimizer = optax.adam(step_size / 10, b1=0.5, b2=0.99)
        rows.append(
            {"step_size": step_size, "noise": noise} | _distance(optimizer, field, num_runs)
        )
    return rows


def _distance(
    optimizer: optax.GradientTransformation, field: gf.Field, num_runs: int
) -> dict[str, Any]:
    try:
        floor = gf.noise_floor(
            gf.simultaneous(optimizer),
            field,
            ORIGIN,
            sample=draw,
            num_runs=num_runs,
            num_batches=NUM_BATCHES,
        )
    except ValueError as error:
        return {"refused": str(error)}
    assert floor.measured is not None
    return {"distance": floor.distance, "measured": float(np.sqrt(floor.measured.mean_square))}


@dataclass(frozen=True)
class Config:
    """Compare predicted rates with runs, for every optimizer and every method."""

    full: bool = False
    """Every method under every optimizer, and not only under two."""
    methods: tuple[str, ...] = ()
    """Which, under two optimizers, sgd and adam; all if empty."""
    optimizers: tuple[str, ...] = ()
    """Which, under simultaneous steps; all if empty."""
    num_runs: int = 64
    """Runs of each cell with noise, a multiple of 8."""
    figures: bool = True
    """Also the distances against step sizes and the diagram of Adam."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    output: Path = Path("results/optimizers")
    """Folder for the figures, report.md and optimizers.json."""
    publish: bool = False
    """Write into figures/ and README.md beside this script instead."""


def pairs(config: Config) -> list[tuple[str, str]]:
    """Return the methods and optimizers that are tried together."""
    for name in config.methods:
        if name not in methods():
            gf.checks.lookup(dict.fromkeys(methods()), name, argument="methods")
    for name in config.optimizers:
        gf.checks.lookup(dict.fromkeys(optimizers()), name, argument="optimizers")
    chosen_methods = config.methods or methods()
    chosen_optimizers = config.optimizers or optimizers()
    under = chosen_optimizers if config.full else UNDER
    every = [("simultaneous", name) for name in chosen_optimizers]
    # Those with an inner solve, which take longest, last.
    solves = sorted(chosen_methods, key=lambda name: name in SOLVERS)
    every += [(method, name) for method in solves for name in under]
    return list(dict.fromkeys(every))


def main(config: Config) -> None:
    """Fill the table, draw the figures, and write what came out."""
    gf.checks.check_count(config.workers, argument="workers")
    if gf.checks.check_count(config.num_runs, argument="num_runs") % 8:
        raise ValueError(f"num_runs must be a multiple of 8, got {config.num_runs}")
    if config.publish and (config.methods or config.optimizers or not config.figures):
        raise ValueError("methods and optimizers must be empty with publish: the README has all")
    every = pairs(config)
    load = os.getloadavg()[0]
    experiment = gf.reporting.Experiment(config, HERE / "figures" if config.publish else None)
    parts = _before(experiment)
    known = {(row["method"], row["optimizer"]) for row in parts["table"]}
    jobs: list[tuple[str, Any]] = []
    if config.figures and not parts["diagram"]:
        parts["distances"] = []
        jobs += [("distances", name) for name in DRAWN]
        jobs += [("diagram", step_size) for step_size in STEP_SIZES]
    jobs += [("table", pair) for pair in every if pair not in known]
    work = functools.partial(_work, num_runs=config.num_runs)
    context = multiprocessing.get_context("spawn")
    # A process that has compiled some thousands of programs has no memory maps left.
    with context.Pool(config.workers, initializer=_begin, maxtasksperchild=12) as pool:
        for part, rows in track(pool.imap(work, jobs), "cells", total=len(jobs)):
            parts[part] += rows
            parts["table"].sort(key=lambda row: every.index((row["method"], row["optimizer"])))
            # Ctrl-C leaves what was there, and the same command goes on from it.
            seconds = parts["seconds"] + experiment.seconds
            content = parts | {"seconds": seconds, "load_before": load}
            experiment.save("optimizers.json", **content)
    result = json.loads((experiment.folder / "optimizers.json").read_text("utf-8"))
    if config.figures:
        optimizers_report.floors(result["distances"], experiment.folder / "noise_floors.png")
        optimizers_report.adam(result["diagram"], experiment.folder / "adam_under_noise.png")
    report = optimizers_report.report(result)
    if config.publish:
        gf.reporting.publish(HERE / "README.md", optimizers_report.MARKS, report)
    else:
        (experiment.folder / "report.md").write_text(report, encoding="utf-8")
    experiment.finish(report)


def _work(job: tuple[str, Any], num_runs: int) -> tuple[str, list[dict[str, Any]]]:
    part, what = job
    of: dict[str, Callable[..., list[dict[str, Any]]]]
    of = {"table": cell, "distances": distances, "diagram": diagram}
    return part, of[part](what, num_runs)


def _before(experiment: gf.reporting.Experiment) -> dict[str, Any]:
    """Return what the same command left when it was interrupted."""
    nothing: dict[str, Any] = {"table": [], "distances": [], "diagram": [], "seconds": 0.0}
    path = experiment.folder / "optimizers.json"
    if not path.exists():
        return nothing
    result = json.loads(path.read_text("utf-8"))
    same = json.loads(json.dumps(asdict(experiment.config), default=str))
    return {name: result[name] for name in nothing} if result["config"] == same else nothing


def _begin() -> None:
    """Let a process compile quickly: its programs are many, and short."""
    jax.config.update("jax_disable_most_optimizations", True)
    jnp.zeros(())


if __name__ == "__main__":
    script(main, Config)
