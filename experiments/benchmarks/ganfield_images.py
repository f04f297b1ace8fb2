"""The steps of a training preset in ganfield, compiled into one program."""

import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import ganfield as gf
from image_workers import peak_memory, serve


def prepare(task: dict[str, Any]) -> Callable[[], dict[str, float]]:
    """Return what takes the steps and says how long one took.

    Args:
        task: "config", that of a `ganfield.configuration.Config`; "shape", that of an image;
            "steps"; "convolution".

    Returns:
        A function of nothing that returns seconds of a step and of compilation, and the peaks of
        memory in bytes, the process's and an accelerator's. It goes on where it ended.
    """
    steps = task["steps"]
    program, carry, compile_seconds = compiled(task)

    def measure() -> dict[str, float]:
        nonlocal carry
        began = time.perf_counter()
        carry = jax.block_until_ready(program(carry)[0])
        seconds = (time.perf_counter() - began) / steps
        if (stopped_at := int(carry.standing.stopped_at)) >= 0:
            raise FloatingPointError(f"NaN at step {stopped_at}")
        held = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
        return {"step": seconds, "compile": compile_seconds, "host": peak_memory(), "device": held}

    return measure


def compiled(task: dict[str, Any]) -> tuple[Callable[[Any], Any], Any, float]:
    """Return a program of so many steps, what it takes, and the seconds of compilation."""
    advance, carry = steps_of(task)
    began = time.perf_counter()
    program = jax.jit(advance).lower(carry).compile()
    return program, carry, time.perf_counter() - began


def steps_of(task: dict[str, Any]) -> tuple[Callable[[Any], Any], Any]:
    """Return a function that takes so many steps, to be compiled, and what it takes."""
    tree = task["config"]
    for player in (tree["generator"], tree["discriminator"]):
        if player["architecture"] != "mlp":
            player["options"] = {"convolution": task["convolution"]}
    config = gf.configuration.Config.from_dict(tree)
    pixels = np.random.default_rng(0).integers(0, 256, (512, *task["shape"]), np.uint8)
    images = gf.data.Images(pixels)
    built = gf.configuration.build(config, images)
    sample = gf.data.batch_sampler(
        images, batch_size=config.batch_size, latent_size=config.latent_size
    )
    simulation = gf.simulation(
        built.method,
        built.field,
        jax.jit(built.game.init)(jax.random.key(0)),
        key=jax.random.key(1),
        sample=sample,
        record_every=task["steps"],
    )
    carry = jax.jit(simulation.start)()[0]
    return simulation.advance, carry


if __name__ == "__main__":
    serve(prepare)
