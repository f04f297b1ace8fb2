"""Eight Gaussians in a ring: the toy experiment of "The Numerics of GANs".

Expected (3 seeds, 50,000 steps): consensus optimization covers all 8 modes on every seed with more
than 0.8 of its samples of high quality; simultaneous and alternating steps cover fewer.

    python experiments/numerics_of_gans/ring.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import ganfield as gf
import ring_figures
from ganfield.cli import script

LATENT_SIZE = 16
NUM_SAMPLES = 2560
RING = gf.data.ring()


@dataclass(frozen=True)
class Config:
    """Train a GAN on eight Gaussians in a ring, with one or more methods and seeds."""

    methods: tuple[str, ...] = ("simultaneous", "alternating", "consensus")
    """Which methods: simultaneous, alternating, consensus."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run for each; the spectrum is that of the first."""
    num_steps: int = 50_000
    """Steps of each run."""
    gamma: float = 10.0
    """Weight γ of the consensus term."""
    learning_rate: float = 1e-4
    """Step size of RMSProp, for both players."""
    batch_size: int = 512
    """Real examples, and latent variables, in a minibatch."""
    groups: int = 1
    """Groups of a minibatch in the estimate of ½‖E v‖²: 1 is the paper's, more have no bias. Every
    group holds the same number of points of each mode."""
    hidden_sizes: tuple[int, ...] = (16, 16, 16, 16)
    """Hidden layers of both networks."""
    objective: str = "standard"
    """Losses: standard, js, kl, tv or indicator."""
    num_records: int = 100
    """Points of the curves after the first, at most."""
    jacobian_batches: int = 10
    """Minibatches over which the Jacobian is averaged; 0 leaves the spectrum out."""
    output: Path = Path("results/ring")
    """Folder for result.json and the figures."""
    smoke: bool = False
    """See in half a minute that everything works: one seed, 200 steps, one hidden layer of 8."""


def game_of(config: Config) -> gf.Game:
    """Return the game of two perceptrons; with the default layers it has 2003 parameters."""
    discriminator = gf.networks.mlp(2, 1, hidden_sizes=config.hidden_sizes)
    return gf.games.gan(generator_of(config), discriminator, config.objective)


def generator_of(config: Config) -> gf.networks.Network:
    """Return the network that makes points of the plane from latent variables."""
    return gf.networks.mlp(LATENT_SIZE, 2, hidden_sizes=config.hidden_sizes)


def sampler(size: int) -> Callable[[jax.Array], gf.Batch]:
    """Return the sampler of minibatches of one size."""
    return gf.data.batch_sampler(RING, batch_size=size, latent_size=LATENT_SIZE)


def dynamics(config: Config) -> dict[str, Callable[..., tuple[gf.Method, gf.Field]]]:
    """Return name → ``(optimizer, gamma) -> (method, field)``. Nothing else tells methods apart."""
    v = gf.vector_field(game_of(config))
    return {
        "simultaneous": lambda optimizer, gamma: (gf.simultaneous(optimizer), v),
        "alternating": lambda optimizer, gamma: (gf.alternating(optimizer), v),
        "consensus": lambda optimizer, gamma: (
            gf.simultaneous(optimizer),
            gf.consensus(v, gamma=gamma, groups=config.groups),
        ),
    }


def train(config: Config, name: str, progress: Callable[[int, Any], None]) -> gf.Sweep:
    """Run one method on all seeds, as one compiled program."""
    game, generator = game_of(config), generator_of(config)
    v, choose, sample = gf.vector_field(game), dynamics(config)[name], sampler(config.batch_size)

    def build(key: jax.Array, learning_rate: jax.Array, gamma: jax.Array) -> gf.Simulation:
        start_key, batch_key, evaluation_key = jax.random.split(key, 3)
        held_out = sampler(NUM_SAMPLES)(evaluation_key)

        def record(state: gf.State, info: gf.Info) -> dict[str, Any]:
            samples = generator.apply(state.params.theta, held_out.latent)
            coverage = gf.evaluation.mode_coverage(samples, RING.modes, radius=3 * RING.std)
            return {
                "losses": game.losses(state.params, held_out),
                "norm_v": optax.tree.norm(v(state.params, held_out)),
                # Floats, which become NaN once a run has stopped.
                "coverage": jax.tree.map(lambda x: jnp.asarray(x, float), coverage),
                "samples": samples,
            }

        method, field = choose(gf.numerics_rmsprop(learning_rate), gamma)
        return gf.simulation(
            method,
            field,
            game.init(start_key),
            key=batch_key,
            sample=sample,
            record=record,
            record_every=-(-config.num_steps // config.num_records),
        )

    return gf.sweep(
        build,
        {"key": seed_keys(config)},
        num_steps=config.num_steps,
        fixed={"learning_rate": config.learning_rate, "gamma": config.gamma},
        progress=progress,
    )


def seed_keys(config: Config) -> jax.Array:
    """Return one typed key for each seed."""
    return jax.vmap(jax.random.key)(np.asarray(config.seeds, np.uint32))


def first_params(config: Config) -> gf.Players:
    """Return where the first seed's runs start, whatever the method."""
    start_key = jax.random.split(seed_keys(config)[0], 3)[0]
    return jax.jit(game_of(config).init)(start_key)


class Spectra:
    """Eigenvalues of v′ and the exact w′, averaged over minibatches, and of that v′'s J − γJᵀJ."""

    def __init__(self, config: Config):
        v = gf.vector_field(game_of(config))
        w = gf.consensus(v, gamma=config.gamma, groups=config.groups)
        count = config.jacobian_batches
        shares = next(n for n in range(jax.device_count(), 0, -1) if count % n == 0)
        keys = jax.random.split(jax.random.key(0), (shares, count // shares))
        batches = jax.vmap(jax.vmap(sampler(config.batch_size)))(keys)
        # Each device averages over its share of the minibatches.
        mesh = jax.make_mesh(
            (shares,), ("share",), (AxisType.Auto,), devices=jax.devices()[:shares]
        )
        self.batches = jax.device_put(batches, NamedSharding(mesh, PartitionSpec("share")))
        self.gamma = config.gamma
        self.jacobians = [
            jax.jit(jax.vmap(gf.spectra.mean_jacobian(field), in_axes=(None, 0)))
            for field in (v, w)
        ]

    def __call__(self, params: gf.Players, *, of_w: bool) -> dict[str, np.ndarray]:
        """Return name → eigenvalues, found in float64; those of w′ take four times as long."""
        v_jacobian, *others = (
            np.mean(np.asarray(jacobian(params, self.batches), np.float64), axis=0)
            for jacobian in self.jacobians[: 2 if of_w else 1]
        )
        if not of_w:
            return {"v": np.linalg.eigvals(v_jacobian)}
        with jax.enable_x64(True):  # JᵀJ would lose half of its digits
            approximation = gf.spectra.approximate_consensus_jacobian(v_jacobian, gamma=self.gamma)
        matrices = {"v": v_jacobian, "w": others[0], "approximation": np.asarray(approximation)}
        return {name: np.linalg.eigvals(matrix) for name, matrix in matrices.items()}


def score(config: Config, sweep: gf.Sweep) -> list[dict[str, Any]]:
    """Return the numbers of each seed at its end; of one that stopped, at the record before."""
    steps, coverage = sweep.run.steps, sweep.run.records["coverage"]
    rows = []
    for index, seed in enumerate(config.seeds):
        stopped_at = int(sweep.run.stopped_at[index])
        last = int(np.sum(steps < stopped_at)) - 1 if stopped_at >= 0 else len(steps) - 1
        numbers = {name: values[last, index] for name, values in coverage._asdict().items()}
        numbers |= {name: int(numbers[name]) for name in ("modes_covered", "modes_hit")}
        row = {"seed": seed, "step": int(steps[last]), **numbers, "stopped_at": None}
        rows.append(row | ({"stopped_at": stopped_at} if stopped_at >= 0 else {}))
    return rows


def summary(config: Config, sweeps: dict[str, gf.Sweep]) -> dict[str, Any]:
    """Return what result.json holds of the runs."""
    curves = {
        name: {"steps": sweep.run.steps}
        | {f"loss_{player}": loss for player, loss in sweep.run.records["losses"]._asdict().items()}
        | {"norm_v": sweep.run.records["norm_v"]}
        | {"modes_covered": sweep.run.records["coverage"].modes_covered}
        for name, sweep in sweeps.items()
    }
    return {
        "results": {name: score(config, sweep) for name, sweep in sweeps.items()},
        "wall_clock": {
            name: {"seconds": sweep.seconds, "compile_seconds": sweep.compile_seconds}
            for name, sweep in sweeps.items()
        },
        "curves": curves,
    }


def table(config: Config, sweeps: dict[str, gf.Sweep]) -> str:
    """Return the table method × seed. Wall-clock is of all seeds: running + compiling."""
    lines = []
    for name, sweep in sweeps.items():
        clock = f"{sweep.seconds:.0f} + {sweep.compile_seconds:.0f} s"
        for row in score(config, sweep):
            stop = f" (NaN at {row['stopped_at']:,})" if row["stopped_at"] else ""
            modes = f"{row['modes_covered']} of {len(RING.modes)}"
            numbers = (f"{row['high_quality']:.3f}", f"{row['jsd']:.3f}")
            lines.append((name, f"{row['seed']}", f"{row['step']:,}{stop}", modes, *numbers, clock))
            clock = ""
    head = ("method", "seed", "step", "modes", "high quality", "JSD", "wall-clock")
    return gf.reporting.table(head, lines)


def checked(config: Config) -> Config:
    """Return the configuration with smoke resolved; raise a ValueError before any compilation."""
    if config.smoke:
        config = replace(
            config, seeds=config.seeds[:1], num_steps=200, num_records=20, hidden_sizes=(8,)
        )
    if not config.methods:
        raise ValueError("methods must not be empty")
    gf.reporting.check_seeds(config.seeds)
    for argument in ("num_steps", "num_records", "batch_size", "groups"):
        gf.checks.check_count(getattr(config, argument), argument=argument)
    gf.checks.check_count(config.jacobian_batches, argument="jacobian_batches", minimum=0)
    gf.checks.check_not_negative(config.learning_rate, argument="learning_rate")
    gf.reporting.check_distinct(config.methods, argument="methods")
    known, key = dynamics(config), jax.random.key(0)
    params = jax.eval_shape(game_of(config).init, key)
    batch = jax.eval_shape(sampler(config.batch_size), key)
    for name in config.methods:
        gf.checks.lookup(known, name, argument="method")
    # The spectrum is of w as well, whatever is trained.
    used = {*config.methods, *(["consensus"] if config.jacobian_batches else [])}
    grouped = "consensus" in used and config.groups > 1
    if grouped and config.batch_size % (len(RING.modes) * config.groups):
        raise ValueError(
            f"groups must divide the points of each mode in a minibatch, {config.batch_size} / "
            f"{len(RING.modes)}, got {config.groups}"
        )
    for name in used:
        _, field = known[name](gf.numerics_rmsprop(config.learning_rate), config.gamma)
        gf.field.check_field(field, params, batch)
    return config


def describe(record: dict[str, Any]) -> str:
    """Return what the progress bar says: the means over seeds."""
    theta, phi = (float(np.mean(loss)) for loss in record["losses"])
    covered = ", ".join(f"{count:.0f}" for count in record["coverage"].modes_covered)
    norm = float(np.mean(record["norm_v"]))
    return f"losses {theta:.3f}, {phi:.3f}  ‖v‖ {norm:.3f}  modes {covered}"


def main(config: Config) -> None:
    """Run the experiment."""
    config = checked(config)
    experiment = gf.reporting.Experiment(config)
    output = experiment.folder
    start = first_params(config)
    gf.testing.check_game(game_of(config), start, sampler(config.batch_size)(jax.random.key(0)))

    sweeps: dict[str, gf.Sweep] = {}
    interrupted = False
    for name in config.methods:
        try:
            with gf.progress_bar(name, config.num_steps, describe) as progress:
                sweeps[name] = train(config, name, progress)
        except KeyboardInterrupt as stop:
            interrupted = True
            if isinstance(stop, gf.SweepInterrupted):
                sweeps[name] = stop.partial
        if not sweeps:
            raise KeyboardInterrupt
        experiment.save("result.json", **summary(config, sweeps))
        if interrupted:
            break
    ring_figures.samples(sweeps, config.seeds, config.num_steps, output / "samples.png")
    ring_figures.curves(sweeps, output / "curves.png")
    print(table(config, sweeps))
    if interrupted:
        raise KeyboardInterrupt

    if config.jacobian_batches:
        print("Jacobians and their eigenvalues …", flush=True)
        spectra = Spectra(config)
        eigenvalues = {"before": spectra(start, of_w=True)}
        for name, sweep in sweeps.items():
            if sweep.run.stopped_at[0] >= 0:
                continue
            params = jax.tree.map(lambda leaf: leaf[0], sweep.run.params)
            eigenvalues[f"after {name}"] = spectra(params, of_w=name == "consensus")
        allowed = {
            moment: {name: ring_figures.step_sizes(values) for name, values in each.items()}
            for moment, each in eigenvalues.items()
        }
        ring_figures.spectra(eigenvalues, allowed, config.gamma, output / "spectrum.png")
        experiment.save("result.json", **summary(config, sweeps), spectra=allowed)
    experiment.finish()


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    script(main, Config)
