"""Runs that take no time, and how tests look at what they leave."""

import csv

import jax
import numpy as np

import ganfield as gf

NETWORK = gf.configuration.NetworkConfig(
    architecture="mlp", width=4, num_layers=1, batch_norm=False
)
CONFIG = gf.configuration.Config(
    data=gf.configuration.DataConfig(name="digits", size=8),
    generator=NETWORK,
    discriminator=NETWORK,
    method=gf.configuration.MethodConfig(name="alternating", learning_rate=1e-3),
    batch_size=8,
    latent_size=3,
    num_steps=60,
    record_every=10,
    evaluate_every=30,
    checkpoint_every=20,
    samples=4,
)


def rows(folder, name="metrics.csv"):
    """Return the rows of a table, without the clock."""
    with (folder / name).open(newline="") as file:
        found = list(csv.DictReader(file))
    for row in found:
        row.pop("seconds", None)
    return found


def saved(folder):
    """Return the steps of the checkpoints."""
    return sorted(int(p.name) for p in (folder / "checkpoints").iterdir() if p.name.isdecimal())


def assert_same_bits(here, there):
    leaves, others = jax.tree.leaves(here), jax.tree.leaves(there)
    assert len(leaves) == len(others)
    for one, other in zip(leaves, others, strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
