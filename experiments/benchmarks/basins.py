"""How long a basin map takes, beside the same loop in NumPy.

Expected: a map of 400 × 400 starts and 1000 steps of the two-attractor game within 20 s.

    python experiments/benchmarks/basins.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
import optax

import ganfield as gf
from ganfield.cli import script


@dataclass(frozen=True)
class Config:
    """Time gf.basins on the two-attractor game, and a NumPy loop of the same steps."""

    resolution: int = 400
    """Starts along each side."""
    num_steps: int = 1000
    """Steps from each start."""
    step_size: float = 0.02
    """Of simultaneous steps."""
    output: Path = Path("results/benchmarks")
    """Folder for basins.json."""


def numpy_field(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return v of the two-attractor game, differentiated by hand."""
    a, b = 0.15 * x**2 + y, 0.25 * y**2 + x
    scale, total = np.exp(-0.01 * (x**2 + y**2)), a**2 + b**2
    by_x = (0.6 * a * x + 2 * b - 0.02 * x * total) * scale
    by_y = (2 * a + b * y - 0.02 * y * total) * scale
    return by_x, -by_y


def numpy_ends(config: Config, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the steps lead, without looking at them on the way."""
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(config.num_steps):
            u, v = numpy_field(x, y)
            x, y = x + config.step_size * u, y + config.step_size * v
    return x, y


def main(config: Config) -> None:
    """Run the benchmark."""
    experiment = gf.reporting.Experiment(config)
    v = gf.vector_field(gf.games.two_attractors())
    grid = gf.grid((-20, 20), config.resolution)
    method = gf.simultaneous(optax.sgd(config.step_size))
    experiment.lap()
    basins = gf.basins(method, v, grid, num_steps=config.num_steps)
    seconds = {"ganfield": experiment.lap()}
    ends = numpy_ends(config, *(np.asarray(part) for part in grid))
    seconds["numpy"] = experiment.lap()
    settled = basins.outcome == gf.stability.OUTCOMES.index("converged")
    apart = max(
        float(np.abs(one - other)[settled].max()) if settled.any() else 0.0
        for one, other in zip(ends, basins.ends, strict=True)
    )
    ratio = seconds["numpy"] / seconds["ganfield"]
    experiment.save(
        "basins.json",
        seconds=seconds,
        numpy_over_ganfield=ratio,
        largest_difference_of_converged_ends=apart,
    )
    experiment.finish(
        f"ganfield {seconds['ganfield']:.1f} s (compiling and judging too), NumPy "
        f"{seconds['numpy']:.1f} s (the steps alone), ratio {ratio:.1f}; converged ends differ by "
        f"at most {apart:.1g}"
    )


if __name__ == "__main__":
    # Compiling is measured too.
    jax.config.update("jax_enable_compilation_cache", False)
    script(main, Config)
