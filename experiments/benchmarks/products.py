"""What products with a field's Jacobian cost, beside the field itself.

Expected: a pair, Ju and Jᵀu, costs at most 8 times v.

    python experiments/benchmarks/products.py
    python experiments/benchmarks/products.py --games ring --repeats 20
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import ganfield as gf
from ganfield.cli import script

LATENT = {"ring": 16, "dcgan4_nobn_cf": 256}


@dataclass(frozen=True)
class Config:
    """Time v, Ju, Jᵀu and both, compiled, and print what they cost in units of v."""

    games: tuple[str, ...] = tuple(LATENT)
    """Which: ring, of 2003 parameters, or dcgan4_nobn_cf, of 690,500 and images of 32×32×3."""
    batch_size: int = 0
    """Of a random minibatch; 0 takes 512 points or 64 images."""
    gamma: float = 0.0
    """Above 0: products with the exact Jacobian of the consensus field too."""
    repeats: int = 5
    """Measurements of each; the fastest counts."""
    output: Path = Path("results/benchmarks")
    """Folder for products.json."""


def setting(name: str, batch_size: int) -> tuple[gf.Field, gf.Players, gf.Batch]:
    """Return a field, parameters and a random minibatch."""
    latent_size = LATENT[gf.checks.lookup({each: each for each in LATENT}, name, argument="games")]
    shape: tuple[int, ...]
    if name == "ring":
        networks = gf.networks.mlp(latent_size, 2), gf.networks.mlp(2, 1)
        shape, size = (2,), batch_size or 512
    else:
        options: Any = {"batch_norm": False, "growing": False}
        shape, size = (32, 32, 3), batch_size or 64
        networks = (
            gf.networks.dcgan_generator(latent_size, shape, **options),
            gf.networks.dcgan_discriminator(shape, **options),
        )
    game = gf.games.gan(*networks)
    start, real, latent = jax.random.split(jax.random.key(0), 3)
    batch = gf.Batch(
        jnp.tanh(jax.random.normal(real, (size, *shape))),
        jax.random.normal(latent, (size, latent_size)),
    )
    return gf.vector_field(game), game.init(start), batch


def programs(field: gf.Field) -> dict[str, Callable[..., Any]]:
    """Return functions of parameters, a vector like them and a batch."""
    push, pull = gf.jvp(field), gf.vjp(field)
    return {
        "v": lambda params, vector, batch: field(params, batch),
        "Ju": push,
        "Jᵀu": pull,
        "Ju and Jᵀu": lambda *given: (push(*given), pull(*given)),
    }


def seconds_of(function: Callable[..., Any], repeats: int, *given: Any) -> float:
    """Return the seconds of a call, the fastest of several."""
    program = jax.jit(function).lower(*given).compile()
    jax.block_until_ready(program(*given))
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(program(*given))
        times.append(time.perf_counter() - began)
    return min(times)


def main(config: Config) -> None:
    """Measure, print a table and save it."""
    gf.checks.check_count(config.repeats, argument="repeats")
    gf.checks.check_count(config.batch_size, argument="batch_size", minimum=0)
    experiment = gf.reporting.Experiment(config)
    rows: list[dict[str, Any]] = []
    for name in config.games:
        v, params, batch = setting(name, config.batch_size)
        fields = {"v": v}
        if config.gamma > 0:
            fields["consensus"] = gf.consensus(v, gamma=config.gamma)
        unit = seconds_of(programs(v)["v"], config.repeats, params, params, batch)
        for field_name, field in fields.items():
            for product, function in programs(field).items():
                seconds = (
                    unit
                    if (field_name, product) == ("v", "v")
                    else seconds_of(function, config.repeats, params, params, batch)
                )
                rows.append(
                    {
                        "game": name,
                        "parameters": sum(leaf.size for leaf in jax.tree.leaves(params)),
                        "field": field_name,
                        "product": "field" if product == "v" else product,
                        "ms": round(1000 * seconds, 3),
                        "in_v": round(seconds / unit, 2),
                    }
                )
        experiment.save("products.json", rows=rows)
    experiment.finish(
        gf.reporting.table(
            ("game", "parameters", "of", "what", "ms", "times v"),
            [tuple(str(value) for value in row.values()) for row in rows],
        )
    )


if __name__ == "__main__":
    script(main, Config)
