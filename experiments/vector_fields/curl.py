"""The curl field v = (−φ, θ): closed orbits, and what integrators make of them.

Expected: the flow conserves θ² + φ²; simultaneous (Euler) steps grow by √(1 + h²) each, momentum
grows faster, consensus shrinks by √((1 − hγ)² + h²).

    python experiments/vector_fields/curl.py
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
from matplotlib import pyplot as plt
from scipy.integrate import solve_ivp

import ganfield as gf
from ganfield.cli import script

BOUNDS = (-2.0, 2.0)


@dataclass(frozen=True)
class Config:
    """Draw the curl field, four ways to follow it, and two animations."""

    step_size: float = 0.1
    """Step size h of all methods."""
    gamma: float = 0.6
    """Weight γ of the consensus term."""
    momentum: float = 0.5
    """Momentum β of the third panel."""
    num_steps: int = 120
    """Steps of each run."""
    animations: bool = True
    """Write the animations too."""
    output: Path = Path("results/vector_fields")
    """Folder for curl.png, curl.json, circling.gif and spiralling.gif."""


def closed_forms(config: Config) -> dict[str, float]:
    """Return by how much each way of moving multiplies the distance from the origin, per step.

    Heavy-ball momentum x ← x + h·v + β(x − x₋) has the characteristic polynomial
    λ² − (1 + β + ih)λ + β.
    """
    h, gamma, beta = config.step_size, config.gamma, config.momentum
    return {
        "flow": 1.0,
        "simultaneous": float(np.hypot(1, h)),
        "momentum": float(np.abs(np.roots([1, -(1 + beta + 1j * h), beta])).max()),
        "consensus": float(np.hypot(1 - h * gamma, h)),
    }


def labels(config: Config) -> dict[str, str]:
    """Return what figures call each way of moving: the integrator and its numbers."""
    h = f"h = {config.step_size:g}"
    return {
        "flow": "flow (Runge–Kutta, order 8)",
        "simultaneous": f"simultaneous (Euler), {h}",
        "momentum": f"simultaneous, {h},\nmomentum {config.momentum:g}",
        "consensus": f"simultaneous, {h},\non v − {config.gamma:g}∇L",
    }


def paths(config: Config, starts: gf.Players) -> dict[str, gf.Players]:
    """Return name → where each way of moving leads from the starts, (steps + 1, starts)."""
    v = gf.vector_field(gf.games.bilinear())
    w = gf.consensus(v, gamma=config.gamma)
    plain = gf.simultaneous(optax.sgd(config.step_size))
    heavy = gf.simultaneous(optax.sgd(config.step_size, momentum=config.momentum))
    moves = {"simultaneous": (plain, v), "momentum": (heavy, v), "consensus": (plain, w)}
    return {"flow": flow(starts, config.step_size * np.arange(config.num_steps + 1))} | {
        name: gf.trajectories(method, field, starts, num_steps=config.num_steps)
        for name, (method, field) in moves.items()
    }


def flow(starts: gf.Players, times: np.ndarray) -> gf.Players:
    """Return the flow x′ = v(x) from the starts at the times, by SciPy, to ten digits."""
    ends = []
    for start in np.stack([np.asarray(part, float) for part in starts], axis=1):
        solution = solve_ivp(
            lambda t, x: (-x[1], x[0]),
            (times[0], times[-1]),
            start,
            method="DOP853",
            t_eval=times,
            rtol=1e-11,
            atol=1e-11,
        )
        ends.append(solution.y)
    theta, phi = np.stack(ends, axis=-1)
    return gf.Players(theta, phi)


def growth(path: gf.Players) -> float:
    """Return by how much the distance from the origin grows each step, over the second half."""
    distance = np.hypot(np.asarray(path.theta, float), np.asarray(path.phi, float))[:, 0]
    half = (len(distance) - 1) // 2
    return float((distance[-1] / distance[half]) ** (1 / (len(distance) - 1 - half)))


def draw(config: Config, moves: dict[str, gf.Players], path: Path) -> None:
    """Draw one panel for each way of moving."""
    v = gf.vector_field(gf.games.bilinear())
    fields = dict.fromkeys(moves, v) | {"consensus": gf.consensus(v, gamma=config.gamma)}
    titles = {
        "flow": "the flow: closed orbits",
        "simultaneous": "Euler: spirals out",
        "momentum": "momentum: flies away",
        "consensus": "consensus: spirals in",
    }
    with gf.plot.style():
        figure, panels = plt.subplots(1, len(moves), figsize=(10.4, 3.4), sharey=True)
        # Room for the legends below, and for the titles.
        figure.set_layout_engine("constrained", rect=(0, 0.17, 1, 0.8))
        for ax, (name, points) in zip(panels, moves.items(), strict=True):
            gf.plot.field(fields[name], ax, bounds=BOUNDS, density=0.8)
            gf.plot.trajectory(
                points, ax, label=labels(config)[name], bounds=BOUNDS, color=gf.plot.COLORS[1]
            )
            ax.set_title(titles[name])
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17)).set_in_layout(False)
        for ax in panels[1:]:
            ax.set_ylabel("")
        figure.savefig(path)
        plt.close(figure)


def animate(config: Config, moves: dict[str, gf.Players], output: Path) -> None:
    """Write the two animations of the post: circling in v, spiralling in under v − γ∇L."""
    v = gf.vector_field(gf.games.bilinear())
    cases = {
        "circling": ("simultaneous", v),
        "spiralling": ("consensus", gf.consensus(v, gamma=config.gamma)),
    }
    for file, (name, field) in cases.items():
        with gf.plot.style():
            figure, ax = plt.subplots(figsize=(3.4, 3.6))
            gf.plot.field(field, ax, bounds=BOUNDS, density=0.7)
            motion = gf.plot.animate(
                {labels(config)[name]: moves[name]}, ax, bounds=BOUNDS, num_frames=40
            )
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
            gf.plot.save_animation(motion, output / f"{file}.gif", dpi=64)
            plt.close(figure)


def main(config: Config) -> None:
    """Run the study."""
    gf.checks.check_not_negative(config.gamma, argument="gamma")
    experiment = gf.reporting.Experiment(config)
    starts = gf.Players(jnp.array([0.6, -1.2]), jnp.array([0.0, 0.0]))
    moves = paths(config, starts)
    draw(config, moves, experiment.folder / "curl.png")
    if config.animations:
        animate(config, moves, experiment.folder)
    rows = {
        name: {"expected": expected, "measured": growth(moves[name])}
        for name, expected in closed_forms(config).items()
    }
    experiment.save("curl.json", growth_per_step=rows)
    lines = [
        (labels(config)[name].replace("\n", " "), *(f"{factor:.6f}" for factor in row.values()))
        for name, row in rows.items()
    ]
    experiment.finish(gf.reporting.table(("growth per step", "expected", "measured"), lines))


if __name__ == "__main__":
    script(main, Config)
