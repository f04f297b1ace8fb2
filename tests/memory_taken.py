"""What calls of drawn sizes take, beside what was said before they took it: a line of JSON each."""

import gc
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ganfield as gf
import ganfield.networks
from ganfield import _memory

V = gf.vector_field(gf.games.bilinear())
METHOD = gf.simultaneous(optax.sgd(0.1))
KEY = jax.random.key(0)
RNG = np.random.default_rng(0)


def coupled(params, batch=None):
    return gf.Players(params.phi.sum() - params.theta, params.phi + jnp.sin(params.theta).sum())


def jacobian(count):
    halves = np.ones(count // 2, np.float32), np.ones(count - count // 2, np.float32)
    return gf.jacobian(coupled)(gf.Players(*halves))


def recorded(state, info):
    return jnp.ones(1000) * state.params.theta


def simulate(count):
    start = gf.Players(1.0, 0.5)
    return gf.simulate(METHOD, V, start, num_steps=count, record=recorded, record_every=10)


def sweep(count):
    def build(start):
        return gf.simulation(METHOD, V, gf.Players(start, start), record=recorded)

    return gf.sweep(build, {"start": jnp.linspace(0, 1, count)}, num_steps=100)


def kernel_distance(count):
    sets = RNG.normal(size=(2, count, 8))
    return gf.evaluation.kernel_distance(*sets, subset_size=count, num_subsets=1)


def mode_coverage(count):
    return gf.evaluation.mode_coverage(jnp.ones((count, 2)), np.ones((100, 2)), radius=1.0)


CALLS = {
    "jacobian": (jacobian, 4000, 7000),
    "grid": (lambda count: gf.grid((-1, 1), count), 4000, 7000),
    "simulate": (simulate, 200_000, 600_000),
    "sweep": (sweep, 250, 700),
    "kernel_distance": (kernel_distance, 3000, 6000),
    "mode_coverage": (mode_coverage, 10**5, 4 * 10**5),
    "basins": (
        lambda count: gf.basins(METHOD, V, gf.grid((-1, 1), count), num_steps=8),
        1000,
        1500,
    ),
    "mlp": (lambda count: gf.networks.mlp(2, 1, hidden_sizes=(count, count)).init(KEY), 4000, 6000),
    "ring": (lambda count: gf.data.ring().sample(KEY, count), 5 * 10**6, 10**7),
    "checkerboard": (lambda count: gf.data.checkerboard().sample(KEY, count), 5 * 10**6, 10**7),
    "digits": (lambda count: gf.data.digits().sample(KEY, count), 5 * 10**5, 10**6),
}
said = []


def listen():
    """Take note of what is said, at every door."""

    def check_memory(count, cost, **rest):
        said.append(cost(count))
        return _memory.check_memory(count, cost, **rest)

    for name, module in list(sys.modules.items()):
        if name.startswith("ganfield.") and name != "ganfield._memory":
            vars(module).update(
                {"check_memory": check_memory} if "check_memory" in vars(module) else {}
            )


def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))


def taken(call, count):
    """Return how many bytes more the process had at most during a call."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # The highest mark is the present one again.
    before = status("VmRSS")
    result = call(count)
    jax.block_until_ready([leaf for leaf in jax.tree.leaves(result) if isinstance(leaf, jax.Array)])
    return status("VmHWM") - before


if __name__ == "__main__":
    listen()
    for name, (call, low, high) in CALLS.items():
        call(2)  # What is imported and kept for good is nobody's size.
        for _ in range(2):
            count = int(RNG.integers(low, high))
            said.clear()
            took = taken(call, count)
            print(json.dumps([name, count, max(said), took]), flush=True)
