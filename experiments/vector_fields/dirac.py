"""The Dirac-GAN under every objective and regulariser: paths, and eigenvalues at the equilibrium.

Expected: the eigenvalues of "Which Training Methods for GANs do actually Converge?" (Mescheder,
Geiger, Nowozin 2018), and what follows from them for the other objectives. With a₁, b₁ the slopes
of the two losses in D(fake) at 0, c the sum of both second derivatives of φ's loss, f² = −a₁b₁:

    none, clipping      ±√(a₁b₁)
    R1, R2, zero-centred   −γ/2 ± √(γ²/4 + a₁b₁)
    instance noise      −cσ²/2 ± √(c²σ⁴/4 + a₁b₁)
    consensus, JARE     of [[−γb₁², −a₁], [−b₁, −γa₁²]]
    WGAN-GP             none: the field jumps at φ = 0

    python experiments/vector_fields/dirac.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib import pyplot as plt

import ganfield as gf
from ganfield.cli import script

BOUNDS = (-1.6, 1.6)
ORIGIN = gf.Players(0.0, 0.0)
# (a₁, b₁, c) at D(real) = D(fake) = 0, by hand: the slopes of θ's and of φ's loss in D(fake), and
# the sum of the second derivatives of φ's loss in D(real) and in D(fake).
SLOPES = {
    "standard": (-0.5, 0.5, 0.5),
    "js": (-0.5, 0.5, 0.5),
    "kl": (-1.0, 0.5, 0.5),
    "tv": (-1.0, 1.0, 0.0),
    "indicator": (-1.0, 1.0, 0.0),
    "least_squares": (0.0, 1.0, 2.0),
    "hinge": (-1.0, 1.0, 0.0),
}
TITLES = {
    "none": "none",
    "r1": "R1",
    "r2": "R2",
    "zero_centred": "zero-centred",
    "noise": "instance noise",
    "consensus": "consensus",
    "jare": "JARE",
    "clip": "clipping",
    "wgan_gp": "WGAN-GP",
}
# On the Dirac-GAN R2 and the zero-centred penalty are R1: in the table, not in the figure.
DRAWN = ("none", "r1", "noise", "consensus", "jare", "clip", "wgan_gp")


@dataclass(frozen=True)
class Config:
    """Draw the Dirac-GAN for a grid of objectives and regularisers."""

    penalty_weight: float = 0.8
    """γ of R1, R2, the zero-centred penalty and WGAN-GP."""
    gamma: float = 0.6
    """γ of consensus and JARE."""
    noise: float = 1.0
    """Standard deviation σ of the instance noise."""
    clip: float = 0.5
    """φ is clipped to [−clip, clip] after every step."""
    step_size: float = 0.2
    """Step size of both methods."""
    num_steps: int = 150
    """Steps of both methods."""
    output: Path = Path("results/vector_fields")
    """Folder for dirac.png and dirac.json."""


class Cell(NamedTuple):
    """An objective with a regulariser.

    Attributes:
        v: the game's field, penalties and noise in it.
        field: what is followed, v or a field made from it.
        optimizer: of both players.
    """

    v: gf.Field
    field: gf.Field
    optimizer: Any


def cell(config: Config, objective: str, regulariser: str) -> Cell:
    """Return the field and the optimizer of one cell of the grid."""
    options: dict[str, Any] = {}
    if regulariser in gf.games.PENALTIES:
        options = {"penalty": regulariser, "penalty_weight": config.penalty_weight}
    if regulariser == "noise":
        options = {"instance_noise": config.noise}
    v = gf.vector_field(gf.games.dirac_gan(objective, **options))
    transforms: dict[str, Callable[[gf.Field], gf.Field]] = {
        "consensus": lambda field: gf.consensus(field, gamma=config.gamma),
        "jare": lambda field: gf.jare(field, gamma=config.gamma),
    }
    optimizer: Any = optax.sgd(config.step_size)
    if regulariser == "clip":
        clipped = optax.chain(optimizer, gf.keep_within(config.clip))
        optimizer = gf.Players(optimizer, clipped)
    return Cell(v, transforms.get(regulariser, lambda field: field)(v), optimizer)


def closed_form(config: Config, objective: str, regulariser: str) -> np.ndarray | None:
    """Return the eigenvalues at (0, 0), or None where the field has no Jacobian there."""
    a, b, c = SLOPES[objective]
    if regulariser == "wgan_gp":
        return None
    if regulariser in ("consensus", "jare"):
        trace = -config.gamma * (a**2 + b**2)
        determinant = (config.gamma * a * b) ** 2 - a * b
    else:
        damping = {"noise": c * config.noise**2, "none": 0.0, "clip": 0.0}
        trace = -damping.get(regulariser, config.penalty_weight)
        determinant = -a * b
    root = np.sqrt(complex(trace**2 / 4 - determinant))
    return np.array([trace / 2 + root, trace / 2 - root])


def distance(measured: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference of two pairs of eigenvalues, paired as fits best."""
    orders = (expected, expected[::-1])
    return float(min(np.abs(measured - order).max() for order in orders))


def measure(config: Config) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what `gf.classify` says of (0, 0) in every cell, and the closed form."""
    names = [(objective, regulariser) for objective in SLOPES for regulariser in TITLES]
    fields = {name: cell(config, *name).field for name in names}

    @jax.jit
    def spectra(point: gf.Players) -> list[jax.Array]:
        return [gf.eigenvalues(field)(point) for field in fields.values()]

    rows: dict[str, dict[str, dict[str, Any]]] = {objective: {} for objective in SLOPES}
    for name, single in zip(names, spectra(ORIGIN), strict=True):
        origin, expected = gf.classify(fields[name], ORIGIN), closed_form(config, *name)
        row: dict[str, Any] = {"kind": origin.kind, "smooth": origin.smooth}
        row |= {"expected": None, "measured": None}
        if expected is not None:
            row["expected"] = [[x.real, x.imag] for x in expected]
            row["measured"] = [[x.real, x.imag] for x in origin.eigenvalues.astype(complex)]
            row["error"] = distance(origin.eigenvalues, expected)
            row["error_float32"] = distance(np.asarray(single), expected)
        rows[name[0]][name[1]] = row
    return rows


def paths(config: Config) -> dict[str, dict[str, dict[str, gf.Players]]]:
    """Return objective → regulariser → method → where it leads, all found by one program."""
    starts = gf.Players(jnp.array([1.0]), jnp.array([min(1.0, config.clip)]))

    def of_cell(objective: str, regulariser: str) -> dict[str, gf.Players]:
        _, field, optimizer = cell(config, objective, regulariser)
        methods = {
            "simultaneous": gf.simultaneous(optimizer),
            "alternating": gf.alternating(optimizer),
        }
        return {
            name: gf.trajectories(method, field, starts, num_steps=config.num_steps)
            for name, method in methods.items()
        }

    return jax.jit(
        lambda: {
            objective: {regulariser: of_cell(objective, regulariser) for regulariser in DRAWN}
            for objective in SLOPES
        }
    )()


def ending(points: gf.Players) -> float:
    """Return the distance from (0, 0) at the end of the first path."""
    return float(np.hypot(*(np.asarray(part)[-1, 0] for part in points)))


def draw(
    config: Config,
    rows: dict[str, dict[str, dict[str, Any]]],
    moves: dict[str, dict[str, dict[str, gf.Players]]],
    path: Path,
) -> None:
    """Draw a panel for each objective and regulariser."""
    colors = {"simultaneous": gf.plot.COLORS[1], "alternating": gf.plot.COLORS[3]}
    settings = f"sgd, h = {config.step_size:g}, {config.num_steps} steps"
    with gf.plot.style(axes__titlesize=7, font__size=7, lines__linewidth=0.9):
        figure, grid = plt.subplots(
            len(rows), len(DRAWN), figsize=(9.6, 1.55 * len(rows) + 0.5), sharex=True, sharey=True
        )
        for line, (objective, row) in zip(grid, rows.items(), strict=True):
            for ax, name in zip(line, DRAWN, strict=True):
                field = cell(config, objective, name).field
                gf.plot.field(field, ax, bounds=BOUNDS, density=0.5, resolution=31)
                for method, points in moves[objective][name].items():
                    label = f"{method}, {settings}"
                    gf.plot.trajectory(points, ax, label=label, bounds=BOUNDS, color=colors[method])
                ax.set(xlabel="", ylabel="", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
                ax.set_title(beside(row[name]), fontsize=6.5, pad=2)
            line[0].set_ylabel(objective.replace("_", " "), fontsize=8)
        for ax, name in zip(grid[0], DRAWN, strict=True):
            ax.set_title(f"{heading(config, name)}\n{beside(rows[next(iter(rows))][name])}")
        for ax in grid[-1]:
            ax.set_xlabel("θ")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        figure.savefig(path, dpi=130)
        plt.close(figure)


def heading(config: Config, name: str) -> str:
    """Return the regulariser with its strength."""
    strength = {
        "none": "",
        "noise": f", σ = {config.noise:g}",
        "consensus": f", γ = {config.gamma:g}",
        "jare": f", γ = {config.gamma:g}",
        "clip": f" to ±{config.clip:g}",
    }
    return TITLES[name] + strength.get(name, f", γ = {config.penalty_weight:g}")


def said(numbers: dict[str, Any], which: str = "measured") -> str:
    """Return the eigenvalues, measured or expected, as a title says them."""
    if numbers[which] is None:
        return "not smooth at φ = 0"
    (real, imaginary), (other, _) = sorted(numbers[which], reverse=True)
    real, other, imaginary = (x if abs(x) > 5e-7 else 0.0 for x in (real, other, imaginary))
    if imaginary:
        return f"λ = {f'{real:.2g} ' if real else ''}± {abs(imaginary):.2g}i".replace("-", "−")
    return f"λ = {real:.2g}, {other:.2g}".replace("-", "−")


def beside(numbers: dict[str, Any]) -> str:
    """Return the measured eigenvalues, and below them the closed form."""
    if numbers["expected"] is None:
        return f"{said(numbers)}\n(no eigenvalue)"
    return f"{said(numbers)}\nexact: {said(numbers, 'expected').removeprefix('λ = ')}"


def main(config: Config) -> None:
    """Run the study."""
    gf.checks.check_not_negative(config.clip, argument="clip")
    experiment = gf.reporting.Experiment(config)
    rows, moves = measure(config), paths(config)
    draw(config, rows, moves, experiment.folder / "dirac.png")
    ends = jax.tree.map(ending, moves, is_leaf=lambda node: isinstance(node, gf.Players))
    worst = {
        precision: max(
            numbers[precision]
            for row in rows.values()
            for numbers in row.values()
            if "error" in numbers
        )
        for precision in ("error", "error_float32")
    }
    experiment.save("dirac.json", worst=worst, cells=rows, distance_at_the_end=ends)
    lines = [
        (objective, *(said(numbers) for numbers in row.values())) for objective, row in rows.items()
    ]
    experiment.finish(
        gf.reporting.table(("objective", *TITLES.values()), lines),
        f"largest difference from the closed forms: {worst['error']:.1e} in float64 "
        f"(wanted ≤ 1e-6), {worst['error_float32']:.1e} in float32 (wanted ≤ 1e-4)",
    )


if __name__ == "__main__":
    script(main, Config)
