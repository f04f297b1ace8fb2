"""All methods on eight Gaussians in a ring: the same seeds, step sizes and budget for each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import ganfield as gf
from comparison_dynamics import Dynamics
from comparison_toys import steps_within

LATENT_SIZE, NUM_SAMPLES = 16, 2560
RING = gf.data.ring()


class Row(NamedTuple):
    """What a method did on the ring, at its best step size.

    Attributes:
        step_size: of RMSProp; the one with most modes, in the mean over seeds, then most samples of
            high quality.
        at_edge: whether it is the first or the last that was tried.
        modes: covered, for each seed; 0 of a run that stopped.
        high_quality: the share of samples within 3σ of a mode, for each seed.
        stopped: how many of these runs met NaN or infinity.
        unsolved: in how many of them an inner solve missed its tolerance at some step.
        num_steps: of each run.
        milliseconds: wall-clock of a step of one run, among all of the sweep.
        seconds: of the whole sweep, without compilation.
        compile_seconds: of the sweep.
        mean_modes: over seeds, for every step size that was tried.
    """

    step_size: float
    at_edge: bool
    modes: list[int]
    high_quality: list[float]
    stopped: int
    unsolved: int
    num_steps: int
    milliseconds: float
    seconds: float
    compile_seconds: float
    mean_modes: list[float]


def compare(
    what: Dynamics,
    step_sizes: np.ndarray,
    keys: jax.Array,
    budget: int,
    cost: float,
    batch_size: int,
) -> Row:
    """Return what a method does on the ring; the whole sweep is one compiled program.

    Args:
        what: the method.
        step_sizes: those to choose from, the same for every method.
        keys: one for each seed: of the start, the batches and the samples that are judged.
        budget: V of a run.
        cost: of a step.
        batch_size: real examples, and latent variables, of a minibatch.
    """
    generator, discriminator = gf.networks.mlp(LATENT_SIZE, 2), gf.networks.mlp(2, 1)
    game = gf.games.gan(generator, discriminator)
    sample = gf.data.batch_sampler(RING, batch_size=batch_size, latent_size=LATENT_SIZE)
    num_steps = steps_within(budget, cost, what(game, gf.numerics_rmsprop, 0.1)[0].cycle)

    def build(key: jax.Array, step_size: jax.Array) -> gf.Simulation:
        start_key, batch_key, latent_key = jax.random.split(key, 3)
        latent = jax.random.normal(latent_key, (NUM_SAMPLES, LATENT_SIZE))

        def record(state: gf.State, info: gf.Info) -> tuple[jax.Array, jax.Array]:
            samples = generator.apply(state.params.theta, latent)
            coverage = gf.evaluation.mode_coverage(samples, RING.modes, radius=3 * RING.std)
            return jnp.asarray(coverage.modes_covered, float), coverage.high_quality

        method, field = what(game, gf.numerics_rmsprop, step_size)
        return gf.simulation(
            method,
            field,
            game.init(start_key),
            key=batch_key,
            sample=sample,
            record=record,
            record_every=num_steps,
        )

    grid = {"key": keys, "step_size": jnp.asarray(step_sizes, jnp.float32)}
    sweep = gf.sweep(build, grid, num_steps=num_steps)
    modes, quality = (np.nan_to_num(part[-1]) for part in sweep.run.records)
    best = int(np.lexsort((-quality.mean(axis=0), -modes.mean(axis=0)))[0])
    return Row(
        float(step_sizes[best]),
        best in (0, len(step_sizes) - 1),
        modes[:, best].astype(int).tolist(),
        quality[:, best].tolist(),
        int(np.sum(sweep.run.stopped_at[:, best] >= 0)),
        int(np.sum(sweep.run.unsolved_at[:, best] >= 0)),
        num_steps,
        1e3 * sweep.seconds / (num_steps * modes.size),
        sweep.seconds,
        sweep.compile_seconds,
        modes.mean(axis=0).tolist(),
    )
