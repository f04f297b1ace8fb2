"""The figure of the autoencoder experiment."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import ganfield as gf
from autoencoder_measures import BOUNDS, OFF_DATA, RADII, Zeros


def draw(
    steps: np.ndarray,
    points: np.ndarray,
    fields: dict[str, gf.Field],
    zeros: dict[str, Zeros],
    results: dict[str, Any],
    path: Path,
) -> None:
    """Draw the three fields over the data, the curl of one, and how rotation falls and adds up."""
    blue, orange, green, *_ = gf.plot.COLORS
    untied, tied, exact = (results[name] for name in ("untied", "tied", "exact"))
    with gf.plot.style():
        figure, (panels, (curls, training, loops)) = plt.subplots(2, 3, figsize=(7.2, 4.4))
        titles = {
            "untied": f"untied: rotation {_power(untied['share_near'][0])}",
            "tied": f"tied: rotation {_power(tied['share_near'][0])}",
            "exact": f"exact σ²∇log p$_σ$: rotation {_power(exact['share_near'])}",
        }
        for ax, (name, field) in zip(panels, fields.items(), strict=True):
            _field(ax, field, zeros[name], points)
            ax.set_title(titles[name])
        marks = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
        figure.legend(marks.values(), marks, loc="outside upper center", ncols=3)
        _curl(figure, curls, untied["curl_map"][0], exact["density"])

        for result, color, name in ((untied, blue, "untied"), (tied, orange, "tied")):
            error = result["curves"]["relative_error"].T
            label = f"error, {name}"
            gf.plot.curves(steps, error, training, color=color, linestyle="--", label=label)
        share = untied["curves"]["rotation_share"].T
        gf.plot.curves(steps, share, training, color=blue, label="rotation, untied")
        training.set(yscale="log", xlabel="step", title="near the data, in training")
        training.set(ylim=(6e-4, 12), yticks=10.0 ** np.arange(-3, 1))
        training.xaxis.set_major_locator(MaxNLocator(3))
        training.legend(loc="upper right", fontsize=7, handlelength=1.5)

        lines = [
            loops.plot(RADII, untied["circulation"].T, color=blue, linewidth=0.9)[0],
            loops.plot(RADII, tied["circulation"].T, color=orange, linewidth=2)[0],
            loops.plot(RADII, exact["circulation"], color=green, linestyle="--")[0],
            loops.plot(RADII, untied["curl_integral"].T, ".", color=blue, markersize=5)[0],
        ]
        labels = ("∮ v·dx, untied", "tied", "exact", "∫ curl v, untied")
        loops.legend(lines, labels, loc="upper left", fontsize=7, handlelength=1.5)
        loops.set(xlabel="radius of the circle", title="around circles")
        figure.savefig(path)
        plt.close(figure)


def _power(value: float) -> str:
    """Return a number > 0 with its power of ten, typeset."""
    mantissa, exponent = f"{value:.0e}".split("e")
    return rf"${mantissa} \cdot 10^{{{int(exponent)}}}$"


def _field(ax: Axes, field: gf.Field, zeros: Zeros, points: np.ndarray) -> None:
    """Draw streamlines and the points r(x) = x over the data."""
    ax.plot(*points.T, ".", color=gf.plot.COLORS[4], markersize=2, markeredgewidth=0, alpha=0.4)
    with jax.enable_x64(True):
        gf.plot.field(field, ax, bounds=BOUNDS, resolution=50, density=1.1)
    for lines in ax.collections:
        lines.set(linewidth=0.6)
    for arrow in ax.patches:
        arrow.set(mutation_scale=5)
    for markers in gf.plot.equilibria(zeros, ax):
        markers.set_sizes([14])
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    ax.spines[:].set_visible(True)


def _curl(figure: Figure, ax: Axes, values: np.ndarray, density: np.ndarray) -> None:
    """Draw the curl of the first untied field, and where the data are."""
    resolution = int(np.sqrt(values.size))
    shape = (resolution, resolution)
    values = values.reshape(shape)
    x, y = gf.grid(BOUNDS, resolution)
    largest = np.abs(values).max()
    # Shading is part of the picture: PuOr has neither red against green nor a dark middle.
    image = ax.pcolormesh(
        x, y, values, cmap="PuOr_r", vmin=-largest, vmax=largest, shading="gouraud"
    )
    ax.contour(x, y, density.reshape(shape), [OFF_DATA], colors="0.2", linewidths=0.8)
    below = ax.inset_axes((0.1, -0.12, 0.8, 0.06))
    figure.colorbar(image, cax=below, orientation="horizontal")
    ax.set(xlim=BOUNDS.theta, ylim=BOUNDS.phi, aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
    ax.set_title("curl of the untied field")
