"""A game with a closed form, over axes of every kind: what the tests of sweeps share."""

import os
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ganfield as gf

BILINEAR = gf.vector_field(gf.games.bilinear())
METHODS = {"simultaneous": gf.simultaneous, "alternating": gf.alternating}
AXES = {
    "step_size": [0.1, 0.2, 0.3, 0.4],
    "method": ["simultaneous", "alternating"],
    "seed": range(6),
}


def start_of(seed):
    """Where the run of a seed begins, at the distance 1 + seed from the equilibrium."""
    return gf.Players(1.0 + seed, 0.0 * seed)


def build(step_size, method, seed):
    return gf.simulation(
        METHODS[method](optax.sgd(step_size)),
        BILINEAR,
        start_of(seed),
        record=lambda state, info: {
            "distance": optax.tree.norm(state.params),
            "params": jnp.stack(state.params),
        },
        record_every=2,
    )


def distance(step_size, seed, num_steps):
    """Simultaneous steps on the bilinear game go away by √(1 + h²) a step."""
    return (1 + seed) * (1 + np.square(step_size)) ** (num_steps / 2)


def assert_same(one, other):
    """Two sweeps are the same bit for bit."""
    results = [(each.run.state, each.run.records, each.run.stopped_at) for each in (one, other)]
    # What differs in shape from run to run is an array of objects.
    parts = [[x.tolist() if x.dtype == object else x for x in jax.tree.leaves(y)] for y in results]
    leaves = [jax.tree.leaves(each) for each in parts]
    for a, b in zip(*leaves, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    np.testing.assert_array_equal(one.run.steps, other.run.steps)


LONG_AXES = AXES | {"step_size": [1e-3, 2e-3, 3e-3, 4e-3]}
LONG_STEPS = 10_000


def long_build(step_size, method, seed):
    """Runs that take long enough for a worker to be killed among them.

    A worker that is told to keeps half of them waiting, so that there is something to lose.
    """
    while method == "alternating" and "HOLD" in os.environ:
        time.sleep(0.01)
    return gf.simulation(
        METHODS[method](optax.sgd(step_size)),
        BILINEAR,
        start_of(seed),
        record=lambda state, info: optax.tree.norm(state.params),
        record_every=LONG_STEPS // 2,
    )
