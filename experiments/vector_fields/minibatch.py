"""What minibatches do to consensus: bias and variance of ½‖E v‖², and where the bias leads.

A GAN of two parameters on a finite population, so that every expectation is known exactly: the
generator scales its latent variable, x = θz, and the discriminator's logit is φx². Expected: the
paper's plug-in estimate (one group) is biased by tr Cov(v)/2B, and a generator trained with it ends
at a scale below 1; with two groups or more there is no bias.

    python experiments/vector_fields/minibatch.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ganfield as gf
import minibatch_figures
import minibatch_summary
from ganfield.cli import script
from minibatch_truth import (
    Moments,
    displaced_points,
    exact_bias,
    exact_variance,
    expected_consensus,
    flat,
    game_of,
    kernels,
    moments,
    population_of,
)

RECORDS = 100  # of a trajectory, at most
CHUNK = 2**15
LOCUS = 64  # steps from no bias to all of it


@dataclass(frozen=True)
class Config:
    """Measure how consensus depends on minibatches, on a GAN whose expectations are known."""

    gamma: float = 1.0
    """Weight γ of the consensus term."""
    objective: str = "standard"
    """Losses: standard, js or kl."""
    population: int = 256
    """Pairs (real, latent) from which batches are drawn, independently and with replacement."""
    point: tuple[float, float] = (0.7, 0.3)
    """Where estimates are studied: θ, the generator's scale, and φ, the discriminator's weight."""
    batch_sizes: tuple[int, ...] = (2, 8, 32, 128, 512)
    """Batch sizes B, powers of two. Each costs half a second of compilation for every m."""
    detailed: tuple[int, ...] = (8, 32)
    """Those at which every power of two is tried as m, the number of groups; at others 1, 2, B."""
    num_examples: int = 2**19
    """Pairs drawn for every batch size: a power of two."""
    start: tuple[float, float] = (0.4, 0.5)
    """Where the trajectories begin."""
    batch_size: int = 8
    """Of the trajectories: a power of two, at least 2."""
    num_seeds: int = 256
    """Trajectories for each number of groups."""
    num_steps: int = 1000
    """Steps of a trajectory."""
    learning_rate: float = 0.03
    """Step size at the start; it falls linearly to 0, so that trajectories come to rest."""
    output: Path = Path("results/vector_fields")
    """Folder for minibatch.json and minibatch.png."""


def sampler(population: gf.Batch, batch_size: int) -> Callable[[jax.Array], gf.Batch]:
    """Return the sampler of batches drawn independently, with replacement."""
    size = len(population.real)

    def sample(key: jax.Array) -> gf.Batch:
        return take(population, jax.random.randint(key, (batch_size,), 0, size))

    return sample


def take(population: gf.Batch, indices: jax.Array) -> gf.Batch:
    """Return the batch of those pairs."""
    return gf.Batch(population.real[indices], population.latent[indices])


# Estimates, from one batch.


def half_square_norm(field: gf.Field, groups: int) -> Callable[[gf.Players, gf.Batch], jax.Array]:
    """Return the estimate of ½‖E v‖² whose gradient `gf.consensus` takes, a function of a batch."""

    def value(params: gf.Players, batch: gf.Batch) -> jax.Array:
        parts = jax.tree.map(
            lambda leaf: leaf.reshape(-1, groups, *leaf.shape[1:]).swapaxes(0, 1), batch
        )
        means = jax.vmap(lambda part: flat(field(params, part)))(parts)
        total = means.sum(axis=0)
        if groups == 1:
            return 0.5 * total @ total
        return (total @ total - jnp.sum(means**2)) / (2 * groups * (groups - 1))

    return value


def estimates(
    field: gf.Field, gamma: float, groups: int
) -> Callable[[gf.Players, gf.Batch], dict[str, jax.Array]]:
    """Return both estimates from a batch: ½‖E v‖², and the library's consensus direction."""
    value, direction = (
        half_square_norm(field, groups),
        gf.consensus(field, gamma=gamma, groups=groups),
    )
    return lambda params, batch: {
        "value": value(params, batch)[None],
        "direction": flat(direction(params, batch)),
    }


# What is measured.


def powers(largest: int) -> list[int]:
    """Return 1, 2, 4, … up to the largest."""
    return [2**k for k in range(largest.bit_length())]


def grid_of(config: Config) -> list[tuple[int, int]]:
    """Return every (B, m) at which estimates are studied."""
    return [
        (size, groups)
        for size in config.batch_sizes
        for groups in powers(size)
        if groups in (1, 2, size) or size in config.detailed
    ]


def measure(config: Config, field: gf.Field, population: gf.Batch) -> list[dict[str, Any]]:
    """Return the exact and the measured errors of both estimates, a row for every B and m."""
    params = gf.Players(*(jnp.asarray(x) for x in config.point))
    grid = grid_of(config)

    chunk = min(CHUNK, config.num_examples)

    def some(key: jax.Array) -> list[dict[str, jax.Array]]:
        sizes = len(config.batch_sizes)
        pairs = sampler(population, sizes * chunk)(key)
        batched = []
        for size, groups in grid:
            # Groups of one batch size see the same batches, batch sizes do not.
            mine = slice(chunk * config.batch_sizes.index(size), None)
            batches = jax.tree.map(
                lambda leaf, mine=mine, size=size: leaf[mine][:chunk].reshape(-1, size, 1), pairs
            )
            both = estimates(field, config.gamma, groups)
            batched.append(jax.vmap(both, in_axes=(None, 0))(params, batches))
        return batched

    @jax.jit
    def draw(key: jax.Array) -> list[dict[str, jax.Array]]:
        # In chunks that fit a cache: three times as fast as all at once.
        chunks = jax.lax.map(some, jax.random.split(key, config.num_examples // chunk))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, leaf.shape[-1]), chunks)

    @jax.jit
    def truth() -> dict[str, Moments]:
        each = kernels(field, params, population, config.gamma)
        return {name: moments(kernel) for name, kernel in each.items()}

    known = jax.device_get(truth())
    rows = []
    for (size, groups), drawn in zip(grid, jax.device_get(draw(jax.random.key(1))), strict=True):
        row: dict[str, Any] = {"batch_size": size, "groups": groups}
        for name, values in drawn.items():
            of = known[name]
            squares = np.sum((values - values.mean(axis=0)) ** 2, axis=-1)
            row[name] = {
                "truth": of.truth,
                "exact_bias": np.asarray(exact_bias(of, size, groups)),
                "bias": values.mean(axis=0) - of.truth,
                "bias_error": values.std(axis=0) / np.sqrt(len(values)),
                "exact_variance": float(exact_variance(of, size, groups)),
                "variance": float(squares.mean()),
                "variance_error": float(squares.std() / np.sqrt(len(values))),
            }
        rows.append(row)
    return rows


def trajectories(config: Config, field: gf.Field, population: gf.Batch) -> dict[str, Any]:
    """Return paths of consensus steps: from batches by groups, and of the expected directions."""
    start = gf.Players(*(jnp.asarray(x) for x in config.start))
    method = gf.simultaneous(
        optax.sgd(optax.linear_schedule(config.learning_rate, 0.0, config.num_steps))
    )
    sample = sampler(population, config.batch_size)

    def path(along: gf.Field, key: jax.Array | None = None) -> jax.Array:
        run = gf.simulate(
            method,
            along,
            start,
            num_steps=config.num_steps,
            key=key,
            sample=None if key is None else sample,
            record=lambda state, info: flat(state.params),
            record_every=-(-config.num_steps // RECORDS),
        )
        records: jax.Array = run.records
        return records

    def by_groups(groups: int, keys: jax.Array) -> jax.Array:
        along = gf.consensus(field, gamma=config.gamma, groups=groups)
        return jax.vmap(lambda key: path(along, key))(keys)

    @jax.jit
    def run(keys: jax.Array) -> dict[str, Any]:
        weight = 1 / (2 * config.batch_size)
        return {
            "population": path(expected_consensus(field, population, config.gamma)),
            "with_bias": path(expected_consensus(field, population, config.gamma, weight)),
            "groups": {m: by_groups(m, keys) for m in path_groups(config)},
        }

    paths: dict[str, Any] = jax.device_get(
        run(jax.random.split(jax.random.key(2), config.num_seeds))
    )
    return paths


def path_groups(config: Config) -> Sequence[int]:
    """Return the numbers of groups that trajectories use: 1, 2 and the batch size."""
    return sorted({1, 2, config.batch_size})


def locus(config: Config, field: gf.Field, population: gf.Batch) -> dict[str, np.ndarray]:
    """Return where the plug-in leads, from infinite batches down to ``batch_size``."""
    weights = jnp.linspace(0.0, 1 / (2 * config.batch_size), LOCUS + 1)
    solve = jax.jit(lambda w: displaced_points(field, population, config.gamma, w))
    points, residuals = jax.device_get(solve(weights))
    if not np.all(residuals < 1e-10):
        raise ValueError(
            "gamma and batch_size must leave the biased direction a zero that Newton's method can "
            f"follow from the equilibrium, got gamma={config.gamma}, batch_size={config.batch_size}"
        )
    with np.errstate(divide="ignore"):
        return {"batch_size": 1 / (2 * np.asarray(weights)), "points": points}


def checked(config: Config) -> Config:
    """Return the configuration; raise a ValueError before any compilation."""
    for argument in ("population", "num_seeds", "num_steps"):
        gf.checks.check_count(getattr(config, argument), argument=argument, minimum=2)
    for argument in ("gamma", "learning_rate"):
        gf.checks.check_not_negative(getattr(config, argument), argument=argument)
    gf.checks.lookup(gf.OBJECTIVES, config.objective, argument="objective")
    for argument in ("batch_sizes", "batch_size", "num_examples"):
        given = getattr(config, argument)
        for size in given if isinstance(given, tuple) else (given,):
            gf.checks.check_count(size, argument=argument, minimum=2)
            if size & (size - 1):
                raise ValueError(f"{argument} must be powers of two, got {given}")
    if not config.detailed or not set(config.detailed) <= set(config.batch_sizes):
        raise ValueError(
            f"detailed must be some of the batch sizes {config.batch_sizes}, got {config.detailed}"
        )
    if min(CHUNK, config.num_examples) < 2 * max(config.batch_sizes):
        raise ValueError(
            f"num_examples and {CHUNK} must make two batches or more of every size, got "
            f"num_examples={config.num_examples} and batch_sizes={config.batch_sizes}"
        )
    return config


def main(config: Config) -> None:
    """Run the experiment."""
    config = checked(config)
    experiment = gf.reporting.Experiment(config)
    print("Minibatches …", flush=True)
    with jax.enable_x64(True):
        field = gf.vector_field(game_of(config.objective))
        population = population_of(config.population)
        led = locus(config, field, population)  # first: it may refuse the options
        rows = measure(config, field, population)
        paths = trajectories(config, field, population)
    ends = minibatch_summary.ends_of(paths, led)
    experiment.save(
        "minibatch.json",
        estimates=rows,
        agreement=minibatch_summary.agreement(rows),
        trajectories=ends,
        seconds=experiment.seconds,
    )
    figure = experiment.folder / "minibatch.png"
    minibatch_figures.draw(asdict(config), rows, paths, led, figure)
    lines = minibatch_summary.lines(asdict(config), rows, ends)
    experiment.finish(gf.reporting.table(("quantity", "expected", "measured"), lines))


if __name__ == "__main__":
    script(main, Config)
