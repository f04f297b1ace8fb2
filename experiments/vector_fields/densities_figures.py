"""The figure of the densities experiment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import ganfield as gf
from densities_truth import OBJECTIVES, UNSEEN, Case, around, log_p, log_q, optimal_logit


def draw(
    config: dict[str, Any],
    cases: list[Case],
    phi: Any,
    trained: dict[str, np.ndarray],
    optimal: dict[str, np.ndarray],
    fine: dict[str, np.ndarray],
    logit: Callable[..., jax.Array],
    path: Path,
) -> None:
    """Draw logits over the densities of two cases, and value and gradients against m.

    Args:
        config: the script's settings.
        cases: this and what follows are parts of the script's `Study`.
        phi: parameters, leaves (cases, seeds, ...).
        trained: numbers at them.
        optimal: numbers at D*.
        fine: the same along finely spaced m.
        logit: a discriminator, a function of its parameters and points (n, 1).
        path: of the file.
    """
    blue, orange, green, *_ = gf.plot.COLORS
    m, count = np.array(config["separations"]), len(config["separations"])
    with gf.plot.style():
        figure, (logits, (value, slopes)) = plt.subplots(2, 2, figsize=(7.2, 5.2))
        shown = config["separations"].index(config["shown"])
        for ax, index, p in zip(logits, (shown, count), ("N(0, 1)", "two modes"), strict=True):
            each = jax.tree.map(lambda leaf, index=index: leaf[index], phi)
            _logits(ax, cases[index], logit, each)
            ax.set_title(f"data: {p}; generator: N({cases[index].m:g}, 1)")
        logits[0].legend(loc="upper right", fontsize=7)

        ends = 2 * optimal["jsd"][:count] - np.log(4)
        value.plot(fine["m"], fine["value"], color="0.2", label="at D*, by quadrature")
        value.plot(m, ends, "o", mfc="none", color=green, label="2 JSD − log 4")
        points = value.plot(m, trained["value"][:count], "x", color=orange, markersize=4)
        points[0].set_label("at a trained D, each seed")
        for level in (0, -np.log(4)):
            value.axhline(level, color="0.6", linewidth=0.7, linestyle=":")
        value.set(xlabel="m", title="value of the minimax game")
        value.legend(loc="lower right", fontsize=7)

        for (name, label), color in zip(OBJECTIVES.items(), (blue, orange), strict=True):
            slopes.plot(fine["m"][1:], fine[name][1:], color=color, label=f"{label}, at D*")
            slopes.plot(m[m > 0], trained[name][:count][m > 0], "x", color=color, markersize=4)
        tail = np.sqrt(np.pi / 2) * np.exp(-(fine["m"] ** 2) / 8)
        slopes.plot(fine["m"], tail, ":", color="0.2", label="√(π/2) exp(−m²/8)")
        slopes.plot([], [], "x", color="0.2", markersize=4, label="at a trained D, each seed")
        slopes.set(xlabel="m", yscale="log", title="generator's gradient |∂loss/∂m|")
        slopes.legend(loc="lower left", fontsize=7)
        figure.savefig(path)
        plt.close(figure)


def _logits(ax: Axes, case: Case, logit: Callable[..., jax.Array], phi: Any) -> None:
    """Draw the logits of D* and of each seed's D, leaves (seeds, ...), over the densities."""
    blue, orange, green, *_ = gf.plot.COLORS
    with jax.enable_x64(True):
        x = around(case, 400)
        p, q = np.exp(log_p(case, x)), np.exp(log_q(case, x))
        best = optimal_logit(case)(x)
        each = jax.vmap(logit, in_axes=(0, None))(phi, x[:, None])[..., 0]
    ax.plot(x, best, color="0.2", label="log p/q, the logit of D*", zorder=3)
    lines = ax.plot(x, np.asarray(each).T, "--", color=orange, linewidth=0.9, zorder=4)
    lines[0].set_label("trained D, each seed")
    unseen = p + q < UNSEEN
    ax.set(xlim=(x[0], x[-1]), xlabel="x", ylabel="logit")
    ax.fill_between(
        x, 0, 1, where=unseen, transform=ax.get_xaxis_transform(), color="0.9", linewidth=0,
        label=f"p + q < {UNSEEN:g}",
    )  # fmt: skip
    density = ax.twinx()
    density.set(ylim=(0, 3 * float(max(p.max(), q.max()))), yticks=[])
    density.spines["right"].set_visible(False)
    for values, color, name in ((p, blue, "p"), (q, green, "q")):
        density.fill_between(x, values, color=color, alpha=0.3, linewidth=0)
        density.plot(x, values, color=color, linewidth=0.6)
        density.annotate(
            name, (x[np.argmax(values)], values.max()), color=color, ha="center", va="bottom"
        )
