"""Leading eigenvalues of the ring's networks from products, beside the dense spectrum, in one run.

Expected: the same eigenvalues to 10⁻⁸ in float64, from a tenth of the time; a dense Jacobian in at
most half of PyTorch's time. Where PyTorch is not installed its row is left out.

    python experiments/benchmarks/network_spectra.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.optimize import linear_sum_assignment

import ganfield as gf
import torch_ring
from ganfield.cli import script

TARGETS = ("largest_real", "largest_modulus", "smallest_real", "largest_imaginary")


@dataclass(frozen=True)
class Config:
    """Time leading eigenvalues from products, products, the matrix and its eigenvalues."""

    num: int = 6
    """Eigenvalues of each target."""
    batch_size: int = 512
    """Examples in the minibatch."""
    width: int = 16
    """Of the networks; 16 is the ring experiment's, of 2003 parameters."""
    repeats: int = 7
    """Measurements of what is short; the median counts."""
    output: Path = Path("results/benchmarks")
    """Folder for network_spectra.json."""


def main(config: Config) -> None:
    """Run the benchmark."""
    experiment = gf.reporting.Experiment(config)
    with jax.enable_x64(True):
        fields, params, batch = ring(config)
        rows: dict[str, Any] = {}
        for name, field in fields.items():
            rows[name] = measure(field, params, batch, config)
    if importlib.util.find_spec("torch"):
        rows["v"]["torch_jacobian_s"] = torch_ring.jacobian_seconds(config.batch_size)
    experiment.save("network_spectra.json", rows=rows)
    experiment.finish("\n".join(said(name, row) for name, row in rows.items()))


def ring(config: Config) -> tuple[dict[str, gf.Field], gf.Players, gf.Batch]:
    """Return v and w of the ring's networks, parameters and a minibatch, in float64."""
    hidden = (config.width,) * 4
    game = gf.games.gan(
        gf.networks.mlp(16, 2, hidden_sizes=hidden), gf.networks.mlp(2, 1, hidden_sizes=hidden)
    )
    v = gf.vector_field(game)
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=config.batch_size, latent_size=16)
    fields = {"v": v, "w": gf.consensus(v, gamma=10.0)}
    return fields, game.init(jax.random.key(0)), sample(jax.random.key(1))


def measure(field: gf.Field, params: gf.Players, batch: gf.Batch, config: Config) -> dict[str, Any]:
    """Return times of one field's values, products, matrix and eigenvalues, and how they differ."""
    value, product = jax.jit(field), jax.jit(gf.jvp(field))
    value_s = seconds(lambda: value(params, batch), config.repeats)
    product_s = seconds(lambda: product(params, params, batch), config.repeats)
    matrix = gf.jacobian(field)
    matrix(params, batch)
    began = time.perf_counter()
    dense = np.asarray(matrix(params, batch))
    jacobian_s = time.perf_counter() - began
    every = np.linalg.eigvals(dense)
    row: dict[str, Any] = {
        "parameters": len(dense),
        "value_ms": 1e3 * value_s,
        "product_ms": 1e3 * product_s,
        "products_per_second": 1 / product_s,
        "jacobian_s": jacobian_s,
        "eigenvalues_s": time.perf_counter() - began - jacobian_s,
        "zeros": int((np.abs(every) < 1e-12 * np.abs(every).max()).sum()),
        "targets": {},
    }
    for target in TARGETS:
        began = time.perf_counter()
        answer = gf.krylov_eigenvalues(
            field, params, batch, num=config.num, target=target, progress=False
        )
        costs = np.abs(answer.eigenvalues[:, None] - every)
        row["targets"][target] = {
            "seconds": time.perf_counter() - began,
            "products": answer.products,
            "complete": answer.complete,
            "zeros": answer.zeros,
            "condition": float(answer.conditions.max()),
            "error": float(costs[linear_sum_assignment(costs)].max()),
            "eigenvalues": [str(value) for value in answer.eigenvalues],
        }
    return row


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the median time of one call of ten, compiled."""
    jax.block_until_ready(call())
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(10):
            jax.block_until_ready(call())
        times.append((time.perf_counter() - began) / 10)
    return statistics.median(times)


def said(name: str, row: dict[str, Any]) -> str:
    """Return what was measured of a field, in words."""
    torch = f", PyTorch's {row['torch_jacobian_s']:.2g} s" if "torch_jacobian_s" in row else ""
    first = (
        f"{name}, {row['parameters']} parameters: a value {row['value_ms']:.3g} ms, a product "
        f"{row['product_ms']:.3g} ms ({row['products_per_second']:.4g} in a second, "
        f"{row['product_ms'] / row['value_ms']:.2g} values); the matrix {row['jacobian_s']:.3g} s"
        f"{torch}, its eigenvalues {row['eigenvalues_s']:.3g} s"
    )
    lines = [first]
    for target, each in row["targets"].items():
        told = "" if each["complete"] else ", INCOMPLETE"
        lines.append(
            f"  {target}: {each['products']} products, {each['seconds']:.3g} s, compiling too; "
            f"off by {each['error']:.1g} from LAPACK's{told}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    # Compiling is measured too.
    jax.config.update("jax_enable_compilation_cache", False)
    script(main, Config)
