"""All methods on eight Gaussians in a ring: the same seeds, step sizes and budget for each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from comparison_dynamics import Dynamics

import ganfield as gf

LATENT_SIZE, NUM_SAMPLES = 16, 2560
RING = gf.data.ring()


class Row(NamedTuple):
    """What a method did on the ring, at its best step size.

    Attributes:
        step_size: of RMSProp; the one with most modes, in the mean over seeds, then most samples of
            high quality.
        modes: covered, for each seed.
        high_quality: the share of samples within 3σ of a mode, for each seed.
        stopped: how many runs met NaN or infinity, over all step sizes and seeds.
        unsolved: in how many of them an inner solve missed its tolerance at some step.
        milliseconds: wall-clock of a step of one run, among all of the sweep.
        compile_seconds: of the whole sweep.
    """

    step_size: float
    modes: list[int]
    high_quality: list[float]
    stopped: int
    unsolved: int
    milliseconds: float
    compile_seconds: float


def compare(
    what: Dynamics,
    step_sizes: np.ndarray,
    num_seeds: int,
    budget: int,
    iterations: int,
    batch_size: int = 512,
) -> Row:
    """Return what a method does on the ring; the whole sweep is one compiled program.

    Args:
        what: the method.
        step_sizes: those to choose from, the same for every method.
        num_seeds: runs for each step size.
        budget: gradient evaluations of a run.
        iterations: of an inner solve.
        batch_size: real examples, and latent variables, of a minibatch.
    """
    generator, discriminator = gf.networks.mlp(LATENT_SIZE, 2), gf.networks.mlp(2, 1)
    game = gf.games.gan(generator, discriminator)
    v = gf.vector_field(game)
    sample = gf.data.batch_sampler(RING, batch_size=batch_size, latent_size=LATENT_SIZE)
    num_steps = max(1, budget // what.cost_with(iterations))

    def build(key: jax.Array, step_size: jax.Array) -> gf.Simulation:
        start_key, batch_key, latent_key = jax.random.split(key, 3)
        latent = jax.random.normal(latent_key, (NUM_SAMPLES, LATENT_SIZE))

        def record(state: gf.State, info: gf.Info) -> tuple[jax.Array, jax.Array]:
            samples = generator.apply(state.params.theta, latent)
            found = gf.evaluation.mode_coverage(samples, RING.modes, radius=3 * RING.std)
            return jnp.asarray(found.modes_covered, float), found.high_quality

        method, field = what.build(v, gf.numerics_rmsprop, step_size)
        return gf.simulation(
            method,
            field,
            game.init(start_key),
            key=batch_key,
            sample=sample,
            record=record,
            record_every=num_steps,
        )

    keys = jax.random.split(jax.random.key(0), num_seeds)
    grid = {"key": keys, "step_size": jnp.asarray(step_sizes, jnp.float32)}
    sweep = gf.sweep(build, grid, num_steps=num_steps)
    modes, quality = (np.nan_to_num(part[-1]) for part in sweep.run.records)
    best = int(np.lexsort((-quality.mean(axis=0), -modes.mean(axis=0)))[0])
    return Row(
        float(step_sizes[best]),
        modes[:, best].astype(int).tolist(),
        quality[:, best].tolist(),
        int(np.sum(sweep.run.stopped_at >= 0)),
        int(np.sum(sweep.run.unsolved_at >= 0)),
        1e3 * sweep.seconds / (num_steps * modes.size),
        sweep.compile_seconds,
    )
