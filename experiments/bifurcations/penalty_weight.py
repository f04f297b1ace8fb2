"""The step of the Dirac-GAN with R1 as its penalty's weight grows: too little, and too much.

Of simultaneous steps F′ = 1 + h[[0, ½], [−½, −γ]], with the determinant 1 − hγ + h²/4 and the trace
2 − hγ. So the circle shrinks to the equilibrium at hγ = h²/4, and a multiplier leaves through −1 at
hγ = 2 + h²/8.
"""

from pathlib import Path
from typing import Any

import numpy as np
import optax
from matplotlib import pyplot as plt

import ganfield as gf

STEP_SIZE = 0.5
ORIGIN = gf.Players(0.0, 0.0)
MOST = 2.4  # hγ


def build(weight: Any) -> tuple[gf.Method, gf.Field]:
    """Return simultaneous steps on the game with a weight γ."""
    game = gf.games.dirac_gan(penalty="r1", penalty_weight=weight)
    return gf.simultaneous(optax.sgd(STEP_SIZE)), gf.vector_field(game)


def run(weight: float, start: tuple[float, float], num_steps: int) -> np.ndarray:
    """Return the path of such steps, written out by hand, shape ``(num_steps + 1, 2)``."""
    path = np.empty((num_steps + 1, 2))
    path[0] = theta, phi = start
    for step in range(1, num_steps + 1):
        rises, falls = (1 / (1 + np.exp(-sign * theta * phi)) for sign in (-1, 1))
        theta, phi = (
            theta + STEP_SIZE * phi * rises,
            phi - STEP_SIZE * (theta * falls + weight * phi),
        )
        path[step] = theta, phi
    return path


def moduli(weight: float) -> np.ndarray:
    """Return those of the multipliers, the closed form, the larger one first."""
    matrix = np.eye(2) + STEP_SIZE * np.array([[0, 0.5], [-0.5, -weight]])
    return np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1]


def measured_rate(weight: float, num_steps: int = 90) -> float:
    """Return by how much the distance to 0 changes each step, near it, after a third of them."""
    size = np.linalg.norm(run(weight, (1e-14, 1e-14), num_steps), axis=1)
    first = num_steps // 3
    return float((size[-1] / size[first]) ** (1 / (num_steps - first)))


def radius(weight: float) -> float:
    """Return the root of the mean squared distance of a long run from its centre."""
    late = run(weight, (0.3, 0.0), 60_000)[-20_000:]
    return float(np.sqrt(np.sum(np.var(late, axis=0))))


def draw(found: gf.dynamics.Branches, path: Path) -> None:
    """Draw moduli of multipliers, and where runs are found late."""
    (branch,) = found.branches
    with gf.plot.style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.4))
        every = np.linspace(0, MOST / STEP_SIZE, 400)
        curves = np.array([moduli(float(weight)) for weight in every])
        left.plot(
            STEP_SIZE * every, curves[:, 0], color="C0", label="both multipliers, closed form"
        )
        left.plot(STEP_SIZE * every, curves[:, 1], color="C0")
        at = STEP_SIZE * np.repeat(branch.values, 2)
        left.plot(at, np.abs(branch.eigenvalues).ravel(), "+", color="C2", ms=5, label="branches")
        weights = np.linspace(0.02, MOST, 25) / STEP_SIZE
        rates = [measured_rate(float(weight)) for weight in weights]
        left.plot(
            STEP_SIZE * weights, rates, "o", color="C1", ms=3.5, label="runs, factor per step"
        )
        left.axhline(1, color="0.6", lw=0.8)
        for event in branch.events:
            name = {"flip": "flip", "neimark-sacker": "Neimark–Sacker"}[event.kind]
            product = STEP_SIZE * event.value
            left.annotate(
                f"{name}\nhγ = {product:.5g}",
                (product, 1),
                xytext=(12, 22) if product < 1 else (-66, 22),
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "lw": 0.7},
                fontsize=8,
            )
        left.set(xlabel="hγ", ylabel="factor per step", ylim=(0, 1.9), title=f"h = {STEP_SIZE:g}")
        left.legend(loc="upper left")
        weights = np.linspace(0.0, 0.3, 61) / STEP_SIZE
        late = np.array([run(float(weight), (0.3, 0.0), 6000)[-60:, 0] for weight in weights])
        right.plot(STEP_SIZE * weights, late, ".", color="C1", ms=1.5)
        soft = branch.events[0]
        assert soft.normal_form is not None
        below = np.linspace(0, soft.value, 100)
        size = soft.normal_form.growth * np.sqrt(soft.value - below)
        for sign in (-1, 1):
            right.plot(STEP_SIZE * below, sign * size, color="C0", lw=1)
        right.set(xlabel="hγ", ylabel="θ of the last 60 steps of 6000", ylim=(-1.6, 1.6))
        right.set_title("too little: an invariant circle")
        gf.plot.save(figure, path)
        plt.close(figure)


def study(folder: Path) -> list[tuple[str, str, str]]:
    """Draw the figure, and return what was expected and measured."""
    h = STEP_SIZE
    found = gf.branches(build, ORIGIN, (0.0, MOST / h))
    draw(found, folder / "penalty_weight.png")
    circle, flip = found.events
    soft, plain = circle.normal_form, flip.normal_form
    assert soft is not None
    assert plain is not None
    near = circle.value - 0.004
    beyond = flip.value * 1.01
    return [
        ("hγ below which it circles", f"h²/4 = {h**2 / 4:.9f}", f"{h * circle.value:.9f}"),
        ("what is there below", "a circle, for the losses bend", soft.kind),
        (
            f"its radius at γ = {near:.4f}",
            f"{soft.growth * np.sqrt(circle.value - near):.4f} (normal form)",
            f"{radius(near):.4f} (run)",
        ),
        ("hγ beyond which it flips", f"2 + h²/8 = {2 + h**2 / 8:.9f}", f"{h * flip.value:.9f}"),
        ("what comes after the flip", "nothing near: R1 is linear in φ", plain.kind),
        (
            "factor per step, 1 % beyond it",
            f"{moduli(beyond)[0]:.6f}",
            f"{measured_rate(beyond, num_steps=900):.6f} (run)",
        ),
    ]
