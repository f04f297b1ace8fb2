"""What lies beyond the largest stable step of several methods, on the Dirac-GAN with R1."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib import pyplot as plt

import ganfield as gf

WEIGHT = 0.3
ORIGIN = gf.Players(0.0, 0.0)
BOUNDS = (0.0, 6.0)
METHODS: dict[str, Callable[[Any], gf.Method]] = {
    "simultaneous": lambda h: gf.simultaneous(optax.sgd(h)),
    "alternating": lambda h: gf.alternating(optax.sgd(h)),
    "extragradient": lambda h: gf.extragradient(optax.sgd(h)),
    "optimistic": lambda h: gf.optimistic(optax.sgd(h)),
}
DRAWN = "simultaneous"


def field() -> gf.Field:
    """Return the game's field."""
    return gf.vector_field(gf.games.dirac_gan(penalty="r1", penalty_weight=WEIGHT))


def builds(name: str) -> Callable[[Any], tuple[gf.Method, gf.Field]]:
    """Return step size → a method and the field."""
    v = field()
    return lambda h: (METHODS[name](h), v)


def late(name: str, sizes: np.ndarray, num_steps: int = 8000, kept: int = 2000) -> np.ndarray:
    """Return the last points of a run for each step size, shape ``(sizes, kept, 2)``."""
    v, start = field(), gf.Players(jnp.array([0.2]), jnp.array([0.0]))

    @jax.jit
    def runs(sizes: jax.Array) -> gf.Players:
        return jax.vmap(lambda h: gf.trajectories(METHODS[name](h), v, start, num_steps=num_steps))(
            sizes
        )

    with jax.enable_x64(True):
        return np.concatenate(runs(jnp.asarray(sizes)), axis=-1)[:, -kept:]


def radii(points: np.ndarray) -> np.ndarray:
    """Return the root of the mean squared distance from the centre, of each run."""
    return np.sqrt(np.sum(np.var(points, axis=1), axis=-1))


def draw(found: gf.dynamics.Branches, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Draw the diagram with the cycle beyond; return predicted and measured radii."""
    (event,) = found.branches[0].events[:1]
    form = event.normal_form
    assert form is not None
    beyond = np.geomspace(0.003, 0.8, 12)
    measured = radii(late(DRAWN, event.value + beyond))
    predicted = form.growth * np.sqrt(beyond)
    with gf.plot.style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.4))
        gf.plot.branches(found, left)
        sizes = np.linspace(event.value - 0.3, event.value + 1.0, 66)
        points = late(DRAWN, sizes, kept=40)[..., 0]
        left.plot(sizes, points, ".", color="C1", ms=1.2)
        left.plot([], [], ".", color="C1", label="last steps of runs")
        left.set(xlim=(sizes[0], sizes[-1]), title=f"{DRAWN}, γ = {WEIGHT:g}")
        left.legend(loc="upper left")
        right.loglog(beyond, predicted, color="C0", label="normal form: ∝ √(h − h*)")
        right.loglog(beyond, measured, "o", color="C1", ms=4, label="runs")
        right.set(xlabel="h − h*", ylabel="radius of the cycle", title=f"h* = {event.value:.6g}")
        right.legend()
        gf.plot.save(figure, path)
        plt.close(figure)
    return predicted, measured


def study(folder: Path) -> list[tuple[str, str, str]]:
    """Draw the figure, and return what was expected and measured."""
    found = gf.branches(builds(DRAWN), ORIGIN, (0.0, 4.0))
    predicted, measured = draw(found, folder / "step_size_cycle.png")
    ratio = measured / predicted
    rows = [
        (
            "radius over the predicted one, nearest and farthest",
            "1 close to h*",
            f"{ratio[0]:.3f}, {ratio[-1]:.3f}",
        ),
        ("simultaneous: stable up to h", f"4γ = {4 * WEIGHT:.9f}", f"{found.events[0].value:.9f}"),
    ]
    for name in METHODS:
        windows = gf.stable_windows(builds(name), ORIGIN, bounds=BOUNDS)
        largest = gf.largest_stable(builds(name), ORIGIN, bounds=BOUNDS)
        last = windows[-1].after
        kind = "–" if last is None or last.normal_form is None else last.normal_form.kind
        after = "the bound" if last is None else f"{last.kind}, {kind}"
        rows.append(
            (
                f"{name}: end of the last window, and what happens there",
                f"{largest:.9f} (largest_stable)",
                f"{windows[-1].high:.9f}: {after}",
            )
        )
    return rows
