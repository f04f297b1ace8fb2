"""Methods swapped in a loop, and a sweep of whole runs of the ring as one compiled call."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

RING = gf.data.ring()
LATENT_SIZE = 16
LAYERS = (16, 16, 16, 16)  # those of experiments/numerics_of_gans/ring.py
AXES = {
    "learning_rate": jnp.array([1e-4, 3e-4, 1e-3, 3e-3]),
    "gamma": jnp.array([0.0, 0.1, 1.0, 10.0]),
    "key": jax.random.split(jax.random.key(0), 4),
}
NUM_STEPS = 4


def ring_run(learning_rate, gamma, key):
    generator = gf.networks.mlp(LATENT_SIZE, 2, hidden_sizes=LAYERS)
    game = gf.games.gan(generator, gf.networks.mlp(2, 1, hidden_sizes=LAYERS))
    start_key, batch_key, evaluation_key = jax.random.split(key, 3)
    latent = jax.random.normal(evaluation_key, (64, LATENT_SIZE))

    def record(state, info):
        samples = generator.apply(state.params.theta, latent)
        scores = gf.evaluation.mode_coverage(samples, RING.modes, radius=3 * RING.std)
        return {"norm": optax.tree.norm(info.direction), "hits": scores.high_quality * 1.0}

    return gf.simulation(
        gf.simultaneous(gf.numerics_rmsprop(learning_rate)),
        gf.consensus(gf.vector_field(game), gamma=gamma),
        game.init(start_key),
        key=batch_key,
        sample=gf.data.batch_sampler(RING, batch_size=32, latent_size=LATENT_SIZE),
        record=record,
        record_every=NUM_STEPS,
    )


@pytest.mark.long
def test_a_sweep_of_64_whole_ring_runs_is_one_compiled_call(caplog):
    traces, calls = [], []

    def build(**point):
        traces.append(None)
        return ring_run(**point)

    with jax.log_compiles():
        run = gf.sweep(
            build, AXES, num_steps=NUM_STEPS, progress=lambda *record: calls.append(record)
        ).run
    # The arguments' check, the start, and one program for all steps of all runs, called once.
    assert len(traces) == 3
    assert len(calls) == 1
    compiled = [
        match.group(1)
        for entry in caplog.records
        if (match := re.match(r"Finished XLA compilation of (\S+)", entry.getMessage()))
    ]
    assert compiled.count("jit(_start)") == compiled.count("jit(_advance)") == 1

    assert run.stopped_at.shape == run.records["hits"].shape[1:] == (4, 4, 4)
    assert (run.stopped_at == -1).all()
    flat = np.stack([np.reshape(leaf, (64, -1))[:, 0] for leaf in jax.tree.leaves(run.params)], 1)
    assert np.isfinite(flat).all()
    assert len(np.unique(flat, axis=0)) == 64

    # One of them, run alone, is the same.
    place = (2, 3, 1)
    point = {name: axis[i] for (name, axis), i in zip(AXES.items(), place, strict=True)}
    alone = gf.sweep(ring_run, fixed=point, num_steps=NUM_STEPS).run
    np.testing.assert_allclose(
        run.records["norm"][(1, *place)], alone.records["norm"][1], rtol=1e-4
    )


@pytest.mark.long
def test_methods_are_swapped_in_a_loop():
    # Of one layer each: what compiles is what costs.
    generator = gf.networks.mlp(2, 2, hidden_sizes=())
    game = gf.games.gan(generator, gf.networks.mlp(2, 1, hidden_sizes=()))
    sample = gf.data.batch_sampler(RING, batch_size=16, latent_size=2)
    field, params = gf.vector_field(game), game.init(jax.random.key(0))
    assert len(gf.METHODS) >= 10
    ends = {}
    for name, build in gf.METHODS.items():
        run = gf.simulate(
            build(optax.sgd(0.1)),
            field,
            params,
            num_steps=3,
            key=jax.random.key(1),
            sample=sample,
        )
        assert int(run.stopped_at) == int(run.unsolved_at) == -1, name
        ends[name] = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(run.params)])
        assert np.isfinite(ends[name]).all(), name
    start = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])
    for name, end in ends.items():
        others = [other for other in ends if other != name]
        assert np.abs(end - start).max() > 1e-3, name
        assert all(np.abs(end - ends[other]).max() > 1e-7 for other in others), name
