"""What consensus does to the lattice game as γ grows: which attractors it invents, and where."""

import time
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import ganfield as gf

COUPLING = 0.5
BOX = (-4.2, 4.2)
BOUNDS = (0.0, 3.0)


def diagram() -> gf.dynamics.Branches:
    """Return the branches of v − γ∇L: those of v, what crosses them, and what is there at γ = 3."""
    game = gf.games.lattice(COUPLING)
    v = gf.vector_field(game)
    return gf.branches(
        lambda gamma: gf.consensus(v, gamma=gamma),
        game.equilibria,
        BOUNDS,
        original=lambda gamma: v,
        box=BOX,
        switch=True,
        search=[BOUNDS[1]],
    )


def count(gamma: float) -> int:
    """Return how many equilibria a search from 1024 starts finds at one γ."""
    v = gf.vector_field(gf.games.lattice(COUPLING))
    return len(gf.find_equilibria(gf.consensus(v, gamma=gamma), bounds=BOX).points)


def spurious_attractors(found: gf.dynamics.Branches) -> int:
    """Return how many attractors at the upper bound are the transform's doing."""
    return sum(
        bool(branch.spurious[end]) and branch.kinds[end] == "stable"
        for branch in found.branches
        if branch.spurious is not None
        for end in {0, len(branch.values) - 1}
        if branch.values[end] == BOUNDS[1]
    )


def draw(found: gf.dynamics.Branches, path: Path) -> None:
    """Draw the diagram; θ + φ/4 tells branches apart that have one θ."""
    with gf.plot.style():
        figure, ax = plt.subplots(figsize=(6.4, 4.6))
        gf.plot.branches(found, ax, ordinate=lambda point: point.theta + point.phi / 4)
        ax.set(ylabel="θ + φ/4", title="lattice, v − γ∇L: what rests")
        figure.legend(loc="outside lower center", ncols=4)
        gf.plot.save(figure, path)
        plt.close(figure)


def study(folder: Path) -> list[tuple[str, str, str]]:
    """Draw the figure, and return what was expected and measured."""
    diagram()  # compiles
    began = time.perf_counter()
    found = diagram()
    seconds = time.perf_counter() - began
    draw(found, folder / "lattice_diagram.png")
    values: dict[str, list[float]] = {}
    for event in found.events:
        values.setdefault(event.kind, []).append(event.value)
    (hopf,), pitchforks, folds = (values[kind] for kind in ("hopf", "pitchfork", "fold"))
    source, saddle = 1 / (1 + COUPLING**2), (1 + COUPLING**2) ** -0.5
    before, after = (count(float(np.mean(folds)) + side * 1e-3) for side in (-1, 1))
    (form,) = (event.normal_form for event in found.events if event.kind == "hopf")
    assert form is not None
    return [
        ("the source attracts from γ (Hopf)", f"1/(1 + c²) = {source:.9f}", f"{hopf:.9f}"),
        ("how it becomes so", "–", f"{form.kind}: the edge of its basin is a repelling cycle"),
        (
            "the four saddles attract from γ (pitchforks)",
            f"1/√(1 + c²) = {saddle:.9f}",
            f"{min(pitchforks):.9f} to {max(pitchforks):.9f}",
        ),
        ("eight more zeros appear at γ (four folds)", "–", f"{folds[0]:.9f}"),
        (
            "zeros just before and after, by find_equilibria",
            "17, 25",
            f"{before}, {after}",
        ),
        ("spurious attractors at γ = 3", "5", f"{spurious_attractors(found)}"),
        ("branches", "9 of v, 4, 4", f"{len(found.branches)}"),
        ("seconds, without compiling", "below 10", f"{seconds:.1f}"),
    ]
