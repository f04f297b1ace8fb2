"""The three panels of the post, and what too large a γ invents.

On the lattice game (stable spirals, spiral sources and saddles in turn): v, −∇L and v − γ∇L with
their equilibria by class, and the basins of simultaneous steps on v − γ∇L, for a γ that keeps the
kinds of all equilibria and for one that makes sources and saddles attract.

    python experiments/vector_fields/panels.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import ganfield as gf
from ganfield.cli import script

BOUNDS = gf.Players((-4.2, 4.2), (-4.2, 4.2))
SINE_BOUNDS = gf.Players((-0.5, 3.5), (-1.0, 1.0))


@dataclass(frozen=True)
class Config:
    """Draw v, −∇L and v − γ∇L of a game with many equilibria, and basins for two γ."""

    gamma: float = 0.6
    """The γ of the post, small enough to keep what repels repelling."""
    large_gamma: float = 1.5
    """A γ under which sources and saddles attract."""
    coupling: float = 0.5
    """Coupling c of the lattice game."""
    resolution: int = 300
    """Starts along each side of the basin maps."""
    step_size: float = 0.1
    """Step size of the basin maps."""
    num_steps: int = 300
    """Steps of the basin maps."""
    output: Path = Path("results/vector_fields")
    """Folder for panels.png and panels.json."""


def classified(
    field: gf.Field, original: gf.Field | None, bounds: Any
) -> list[gf.dynamics.Classification]:
    """Return the zeros of a field within the bounds, each with what it is."""
    equilibria = gf.find_equilibria(field, bounds=bounds, num_starts=1024)
    return [gf.classify(field, point, original=original) for point in equilibria.points]


def counts(points: list[gf.dynamics.Classification]) -> dict[str, int]:
    """Return how many points there are of each kind, and how many are spurious."""
    by_kind = Counter(point.kind for point in points)
    spurious = [point for point in points if point.spurious]
    return dict(sorted(by_kind.items())) | {
        "spurious": len(spurious),
        "spurious and stable": sum(point.kind == "stable" for point in spurious),
    }


def threshold(coupling: float, point: gf.Players) -> float:
    """Return the smallest γ under which w attracts to a point that v repels, by bisection."""
    v = gf.vector_field(gf.games.lattice(coupling))

    @jax.jit
    def growth(gamma: jax.Array) -> jax.Array:
        return gf.eigenvalues(gf.consensus(v, gamma=gamma))(point).real.max()

    low, high = 0.0, 4.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if growth(middle) < 0 else (middle, high)
    return (low + high) / 2


def sine_study() -> dict[str, float]:
    """Return what the tools find on v = sin θ with γ = 2: attractors, kinds, boundary."""
    v = gf.vector_field(gf.games.sine())
    w = gf.consensus(v, gamma=2.0)
    points = classified(w, v, SINE_BOUNDS)
    stable = {bool(p.spurious): float(p.params.theta) for p in points if p.kind == "stable"}
    (edge,) = (float(p.params.theta) for p in points if p.kind == "saddle")
    starts = gf.grid(SINE_BOUNDS, 401)
    basins = gf.basins(gf.simultaneous(optax.sgd(0.1)), w, starts, num_steps=400)
    middle = basins.attractor[200]
    (jump,) = np.flatnonzero(np.diff(middle))
    across = np.asarray(starts.theta)[0]
    return {
        "spurious_attractor": stable[True],
        "true_attractor": stable[False],
        "boundary": edge,
        "boundary_of_basins": float((across[jump] + across[jump + 1]) / 2),
        "cell": float(across[1] - across[0]),
    }


def draw(
    config: Config,
    fields: dict[str, gf.Field],
    points: dict[str, list[gf.dynamics.Classification]],
    basins: dict[str, gf.dynamics.Basins],
    path: Path,
) -> None:
    """Draw fields above, the large γ and the basins below."""
    g, big = f"{config.gamma:g}", f"{config.large_gamma:g}"
    titles = {
        "v": "v",
        "relaxation": "−∇L: every equilibrium of v attracts",
        "consensus": f"v − {g}∇L: what repelled repels",
        "large": f"v − {big}∇L: what repelled attracts",
    }
    with gf.plot.style():
        figure, panels = plt.subplots(2, 3, figsize=(9.6, 7.1), sharex=True, sharey=True)
        figure.set_layout_engine("constrained", h_pad=0.12)
        places = [panels[0, 0], panels[0, 1], panels[0, 2], panels[1, 0]]
        labelled: dict[str, Any] = {}
        for ax, (name, title) in zip(places, titles.items(), strict=True):
            gf.plot.field(fields[name], ax, bounds=BOUNDS, density=0.9)
            gf.plot.equilibria(points[name], ax)
            ax.set_title(title)
            _collect(ax, labelled)
        of_basins = {"consensus": g, "large": big}
        for ax, (name, gamma) in zip(panels[1, 1:], of_basins.items(), strict=True):
            gf.plot.basins(basins[name], ax)
            ax.set_title(f"basins, γ = {gamma}: {len(basins[name].attractors)} attractors")
        for ax in panels[:, 1:].flat:
            ax.set_ylabel("")
        for ax in panels[0]:
            ax.set_xlabel("")
        figure.legend(
            labelled.values(), labelled.keys(), loc="outside lower center", ncols=len(labelled)
        )
        figure.savefig(path)
        plt.close(figure)


def _collect(ax: Axes, labelled: dict[str, Any]) -> None:
    """Add what an axes' legend would hold."""
    handles, labels = ax.get_legend_handles_labels()
    labelled.update(dict(zip(labels, handles, strict=True)) | labelled)


def main(config: Config) -> None:
    """Run the study."""
    experiment = gf.reporting.Experiment(config)
    v = gf.vector_field(gf.games.lattice(config.coupling))
    fields = {
        "v": v,
        "relaxation": gf.conservative_relaxation(v),
        "consensus": gf.consensus(v, gamma=config.gamma),
        "large": gf.consensus(v, gamma=config.large_gamma),
    }
    points = {
        name: classified(field, None if name == "v" else v, BOUNDS)
        for name, field in fields.items()
    }
    method, starts = (
        gf.simultaneous(optax.sgd(config.step_size)),
        gf.grid(BOUNDS, config.resolution),
    )
    basins = {
        name: gf.basins(method, fields[name], starts, num_steps=config.num_steps)
        for name in ("consensus", "large")
    }
    draw(config, fields, points, basins, experiment.folder / "panels.png")

    square = 1 + config.coupling**2
    numbers = {
        "source attracts from γ": (1 / square, threshold(config.coupling, gf.Players(0.0, 0.0))),
        "saddle attracts from γ": (
            square**-0.5,
            threshold(config.coupling, gf.Players(0.0, np.pi)),
        ),
    }
    sine = sine_study()
    numbers |= {
        "sin θ, γ = 2: spurious attractor": (0.0, sine["spurious_attractor"]),
        "sin θ, γ = 2: true attractor": (np.pi, sine["true_attractor"]),
        "sin θ, γ = 2: boundary": (np.arccos(0.5), sine["boundary"]),
        f"the same, by basins (cell {sine['cell']:g})": (
            np.arccos(0.5),
            sine["boundary_of_basins"],
        ),
    }
    kinds = {name: counts(each) for name, each in points.items()}
    experiment.save(
        "panels.json",
        equilibria=kinds,
        attractors_of_basins={name: each.attractors for name, each in basins.items()},
        numbers={
            name: dict(zip(("expected", "measured"), pair, strict=True))
            for name, pair in numbers.items()
        },
    )
    lines = [(name, *(f"{value:.6f}" for value in pair)) for name, pair in numbers.items()]
    said = [
        f"{name}: {', '.join(f'{number} {kind}' for kind, number in each.items())}"
        for name, each in kinds.items()
    ]
    head = ("quantity", "expected", "measured")
    experiment.finish(gf.reporting.table(head, lines), "\n".join(said))


if __name__ == "__main__":
    script(main, Config)
