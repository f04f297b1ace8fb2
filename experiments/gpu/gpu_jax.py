"""What ganfield is measured at: rates of the machine, steps of the ring and of images, J."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import ganfield as gf
import ganfield_images
import gpu_profile
import ring_steps
from gpu_peers import Prepared, Task, serve

MATRIX_PRODUCTS = {
    "float32": "highest",
    "tf32": "tensorfloat32",
    "bfloat16": "BF16_BF16_F32",
}
"""Precision → what JAX calls it, for products of float32 matrices."""


def prepare(task: Task) -> Prepared:
    """Compile a task, and return what measures a step of it, and what XLA counts in one.

    Args:
        task: "kind", "precision", "steps" of each measurement, and what the kind needs.
    """
    makers: dict[str, Callable[[Task], tuple[Callable[[Any], Any], Any]]] = {
        "product": product,
        "copy": copy,
        "ring": ring,
        "jacobian": jacobian,
        "images": images,
    }
    name = MATRIX_PRODUCTS[task["precision"]]
    if task["kind"] in ("images", "product") and task["precision"] == "bfloat16":
        name = "tensorfloat32"  # What is computed in bfloat16 has that type; this is for the rest.
    began = time.perf_counter()
    with jax.default_matmul_precision(name):
        function, carry = makers[task["kind"]](task)
        lowered = jax.jit(function).lower(carry)
    program = lowered.compile()
    # As many calls as steps, unless the program has them all in it.
    calls = task["steps"] if task["kind"] in ("product", "copy", "jacobian") else 1
    repeated = task.get("loops", 1)
    about = {
        "prepare": time.perf_counter() - began,
        "flops": repeated * counted(lowered, "flops") / task.get("runs", 1),
        "bytes": repeated * counted(program, "bytes accessed") / task.get("runs", 1),
    }

    def measure() -> float:
        nonlocal carry
        before = time.perf_counter()
        for _ in range(calls):
            after = program(carry)
        jax.block_until_ready(after)
        seconds = time.perf_counter() - before
        if task["kind"] in ("ring", "images"):
            carry = after[0]
        return seconds / task["steps"] / task.get("runs", 1)

    return measure, about


def counted(stage: Any, name: str) -> float:
    """Return what XLA counts in a program, the body of a loop once; NaN where it does not say.

    Operations are counted in the program as it was written, since vendors' kernels, which hide
    them, come later; bytes in the compiled one, where operations share them.
    """
    counts = stage.cost_analysis() or {}
    return float(counts.get(name, math.nan))


def product(task: Task) -> tuple[Callable[[Any], Any], Any]:
    """Return a product of two square matrices."""
    dtype = jnp.bfloat16 if task["precision"] == "bfloat16" else jnp.float32
    size = task["size"], task["size"]
    matrices = tuple(jax.random.normal(jax.random.key(seed), size, dtype) for seed in (0, 1))
    return lambda pair: pair[0] @ pair[1], matrices


def copy(task: Task) -> tuple[Callable[[Any], Any], Any]:
    """Return what reads an array and writes as many bytes."""
    return lambda x: -x, jnp.ones(task["size"], jnp.float32)


def ring(task: Task) -> tuple[Callable[[Any], Any], Any]:
    """Return steps of the ring experiment, of one run or of several."""
    build = ring_steps.builder(task["method"], task["steps"])
    keys = jax.random.split(jax.random.key(0), task["runs"])
    if task["runs"] == 1:
        simulation = build(keys[0])
        return simulation.advance, jax.jit(simulation.start)()[0]
    start = jax.jit(jax.vmap(lambda key: build(key).start()[0]))
    advance = jax.vmap(lambda key, carry: build(key).advance(carry))
    return lambda carries: advance(keys, carries), start(keys)


def jacobian(task: Task) -> tuple[Callable[[Any], Any], Any]:
    """Return the ring's dense Jacobian at its first parameters."""
    game = gf.games.gan(gf.networks.mlp(16, 2), gf.networks.mlp(2, 1))
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=512, latent_size=16)
    point = jax.jit(game.init)(jax.random.key(0)), jax.jit(sample)(jax.random.key(1))
    matrix = gf.jacobian(gf.vector_field(game), chunk_size=task["chunk"])
    return lambda at: matrix(*at), point


def images(task: Task) -> tuple[Callable[[Any], Any], Any]:
    """Return steps of a preset on random images."""
    if task["precision"] == "bfloat16":
        for player in ("generator", "discriminator"):
            task["config"][player]["dtype"] = "bfloat16"
    return ganfield_images.steps_of(task)


def profile(measure: Callable[[], float], folder: str) -> dict[str, Any]:
    """Return where the time of one measurement goes."""
    return {"operations": gpu_profile.profile(measure, Path(folder))}


if __name__ == "__main__":
    serve(prepare, profile)
