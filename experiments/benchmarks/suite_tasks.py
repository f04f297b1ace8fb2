"""What the suite measures beside steps: basins, sweeps, products and eigenvalues, and their peers.

Each function takes a task, whose "peer" says who is measured, and returns a call, and the
operations and bytes of one.
"""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

import basins
import ganfield as gf
import network_spectra
import products
import sweep_overhead
from gpu_jax import counted
from gpu_peers import Prepared, Task, serve


class Work(NamedTuple):
    """Something to measure; operations and bytes are NaN where nobody counts them."""

    call: Callable[[], Any]
    flops: float = math.nan
    bytes: float = math.nan


def prepare(task: Task) -> Prepared:
    """Call a task once, which compiles it, and return what measures a call."""
    makers: dict[str, Callable[[Task], Work]] = {
        "basins": basin_map,
        "sweep": swept,
        "products": product_pair,
        "eigenvalues": leading,
    }
    began = time.perf_counter()
    work = makers[task["kind"]](task)
    jax.block_until_ready(work.call())
    about = {"prepare": time.perf_counter() - began, "flops": work.flops, "bytes": work.bytes}

    def measure() -> float:
        before = time.perf_counter()
        for _ in range(task["steps"]):
            jax.block_until_ready(work.call())
        return (time.perf_counter() - before) / task["steps"]

    return measure, about


def times(number: float, function: Callable[..., Any], *given: Any) -> tuple[float, float]:
    """Return the operations and the bytes of so many calls of a function."""
    lowered = jax.jit(function).lower(*given)
    return number * counted(lowered, "flops"), number * counted(lowered.compile(), "bytes accessed")


def basin_map(task: Task) -> Work:
    """Return the basins of the two-attractor game; its peer is a NumPy loop of the steps alone."""
    config = basins.Config(task["resolution"], task["num_steps"])
    grid = gf.grid((-20, 20), config.resolution)
    if task["peer"] == "NumPy":
        x, y = (np.asarray(part) for part in grid)
        return Work(lambda: basins.numpy_ends(config, x, y))
    v = gf.vector_field(gf.games.two_attractors())
    method = gf.simultaneous(optax.sgd(config.step_size))
    counts = times(config.num_steps, jax.vmap(v), jax.tree.map(jax.numpy.ravel, grid))
    # Steps are counted; what is concluded of their ends is in the time alone.
    return Work(lambda: gf.basins(method, v, grid, num_steps=config.num_steps).ends, *counts)


def swept(task: Task) -> Work:
    """Return a sweep of ring runs in a folder; its peer is a bare `vmap` of them."""
    config = sweep_overhead.Config(seeds=task["seeds"], steps=task["num_steps"])
    if task["peer"] == "vmap":
        return Work(sweep_overhead.bare(config))
    call = sweep_overhead.swept(config)
    simulation = sweep_overhead.builder(config)(jax.numpy.float32(1.0), jax.numpy.int32(0))
    carry = jax.jit(simulation.start)()[0]
    # XLA counts the body of a loop once: a step.
    number = len(sweep_overhead.GAMMAS) * config.seeds * config.steps
    return Work(lambda: call().values("norm"), *times(number, simulation.advance, carry))


def product_pair(task: Task) -> Work:
    """Return Ju and Jᵀu of the ring's field; its peer is the field itself."""
    v, params, batch = products.setting("ring", 0)
    name = "v" if task["peer"] == "v" else "Ju and Jᵀu"
    given = params, params, batch
    function = products.programs(v)[name]
    program = jax.jit(function)
    return Work(lambda: program(*given), *times(1, function, *given))


def leading(task: Task) -> Work:
    """Return six leading eigenvalues from products; its peer is LAPACK, of the dense Jacobian.

    Both in float64, whose products run at half of the measured rate: at most half of it is reached.
    """
    config = network_spectra.Config()

    def call() -> Any:
        with jax.enable_x64(True):
            if task["peer"] == "LAPACK":
                return np.linalg.eigvals(np.asarray(matrix(params, batch)))
            return gf.krylov_eigenvalues(
                v, params, batch, num=config.num, target="largest_real", progress=False
            )

    with jax.enable_x64(True):
        fields, params, batch = network_spectra.ring(config)
        v = fields["v"]
        matrix = gf.jacobian(v)
        if task["peer"] == "LAPACK":
            return Work(call)
        counts = times(call().products, gf.jvp(v), params, params, batch)
    return Work(lambda: call().eigenvalues, *counts)


if __name__ == "__main__":
    serve(prepare)
