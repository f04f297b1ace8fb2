"""The report of the comparison, every number from its result as read from JSON."""

from typing import Any

import numpy as np
from scipy import stats

import ganfield as gf

MARKS = "comparison.py --publish"
"""What the marks in the README say, between which the report stands."""

# Which reach the equilibrium of the bilinear game at a step size of the grid, by the closed forms.
ON_BILINEAR = {
    "simultaneous": False,
    "alternating": False,
    "negative momentum": True,
    "negative momentum, simultaneous": False,
    "optimistic": True,
    "past extragradient": True,
    "extragradient": True,
    "Runge–Kutta 2": False,
    "Runge–Kutta 4": True,
    "competitive": True,
    "proximal point": True,
    "follow the ridge": False,
    "lookahead": True,
    "consensus": True,
    "consensus, decoupled": True,
    "JARE": True,
    "smoothed": True,
    "symplectic": True,
    "linearized competitive": True,
    "−∇L": True,
    "drift": False,
    "unrolled": True,
}


def report(result: dict[str, Any]) -> str:
    """Return settings, tables and what was expected beside what came out, as Markdown."""
    parts = [_settings(result), _toys(result["toys"])]
    if result["ring"]:
        parts.append(_ring(result["ring"]))
    return "\n\n".join([*parts, _expectations(result)]) + "\n"


def _settings(result: dict[str, Any]) -> str:
    config, device = result["config"], result["device"]
    sizes = ", ".join(f"{size:g}" for size in config["ring_step_sizes"])
    busy = ""
    if result["load_before"] > 0.5:
        busy = (
            f" **Other work ran on the machine** (load average {result['load_before']:.1f} at the "
            "start): times are longer for it."
        )
    return (
        f"Toy games: {config['toy_budget']} V with sgd, {config['num_step_sizes']} step sizes from "
        f"0.01 to 3, {config['num_starts']} starts around the first equilibrium. Ring: "
        f"{config['ring_budget']} V with the paper's RMSProp, batches of {config['ring_batch']}, "
        f"step sizes {sizes}, {config['ring_seeds']} seeds. γ = λ = {config['gamma']:g}. "
        f"{device['cpu_cores']} CPU cores, JAX {result['versions']['jax']}; the whole command took "
        f"{result['seconds']:.0f} s.{busy}"
    )


def _toys(toys: dict[str, Any]) -> str:
    lines = []
    for name, each in toys.items():
        rows = list(each["games"].values())
        bilinear = each["games"]["bilinear"]
        lines.append(
            (
                name,
                f"{each['cost']:g}",
                f"{sum(row['reached'] == 1 for row in rows)} of {len(rows)}",
                _count(row["at_edge"] for row in rows),
                _count(row["stopped"] > 0 for row in rows),
                _count(row["unsolved"] > 0 for row in rows),
                _factor(bilinear["predicted"]),
                _factor(bilinear["measured"]),
            )
        )
    head = (
        "method",
        "V a step",
        "games reached",
        "at edge",
        "stopped",
        "unsolved",
        "bilinear: predicted",
        "measured",
    )
    return "**Toy games.**\n\n" + gf.reporting.table(head, lines, markdown=True)


def _ring(ring: dict[str, Any]) -> str:
    lines = [
        (
            name,
            f"{row['cost']:g}",
            f"{row['num_steps']}",
            f"{row['step_size']:g}" + (" †" if row["at_edge"] else ""),
            ", ".join(map(str, row["modes"])),
            ", ".join(f"{quality:.2f}" for quality in row["high_quality"]),
            f"{row['stopped'] or '–'}",
            f"{row['unsolved'] or '–'}",
            f"{row['milliseconds']:.2f}",
            f"{1e3 * row['milliseconds'] / row['cost']:.0f}",
        )
        for name, row in ring.items()
    ]
    head = (
        "method",
        "V a step",
        "steps",
        "step size",
        "modes",
        "high quality",
        "stopped",
        "unsolved",
        "ms a step",
        "µs a V",
    )
    return "**Ring.**\n\n" + gf.reporting.table(head, lines, markdown=True)


def _expectations(result: dict[str, Any]) -> str:
    toys, ring, agreement = result["toys"], result["ring"], result["agreement"]
    share = 100 * (agreement["within_5_percent"] or 0)
    rates = (
        f"on {agreement['pairs']} pairs of method and game that converged "
        f"log(measured)/log(predicted) has median {_factor(agreement['median'])} and is "
        f"within 5 % of 1 for {share:.0f} %"
    )
    repelled = (
        "follow the ridge reaches the minimax point that v repels from (unstable minimax), and "
        "steps on v do not"
    )
    attracted = (
        "follow the ridge leaves the attractor that is no minimax point (stable non-minimax), and "
        "steps on v do not"
    )
    lines = [
        ("what the update map predicts, the runs do", rates),
        ("on the bilinear game those reach 0 whose closed form says so", _on_bilinear(toys)),
        (
            "per V, −∇L is the fastest on the bilinear game",
            _ranking({name: each["games"]["bilinear"] for name, each in toys.items()}),
        ),
        (repelled, f"reached by {_names(_reaching(toys, 'unstable_minimax'))}"),
        (attracted, f"not reached by {_names(_missing(toys, 'stable_non_minimax'))}"),
    ]
    if ring:
        reached = {
            name: sum(row["reached"] == 1 for row in each["games"].values())
            for name, each in toys.items()
        }
        quality = {name: float(np.mean(row["high_quality"])) for name, row in ring.items()}
        averages = "alternating", "average", "moving average"
        decoupled = "consensus", "consensus, decoupled"
        order = sorted(ring, key=lambda name: -np.mean(ring[name]["modes"]))
        modes = {name: float(np.mean(row["modes"])) for name, row in ring.items()}
        edges = [name for name in ring if ring[name]["at_edge"]]
        unsolved = [name for name in ring if ring[name]["unsolved"]]
        lines += [
            (
                "the paper: consensus covers the ring's modes, simultaneous steps do not",
                _values(modes, *order[:5], "consensus", "simultaneous"),
            ),
            (
                "with sgd decoupled consensus is consensus; under RMSProp it is not",
                _measures({"games reached": reached, "modes": modes}, *decoupled),
            ),
            (
                "RMSProp undoes a scaling, but for its first steps",
                f"modes: {_values(modes, 'scaled', 'simultaneous')}",
            ),
            (
                "averages of alternating steps reach more games, and make better samples",
                _measures({"games": reached, "modes": modes, "high quality": quality}, *averages),
            ),
            (
                "what does well on the toy games does well on the ring",
                f"rank correlation of games reached and modes: {_correlation(reached, modes)}",
            ),
            (
                "the best step size is within the grid",
                f"so for {len(ring) - len(edges)} of {len(ring)}; at an edge: {_names(edges)}",
            ),
            ("the ring's inner solves need more iterations", f"unsolved: {_names(unsolved)}"),
        ]
    head = ("expected", "found")
    return "**Expected and found.**\n\n" + gf.reporting.table(head, lines, markdown=True)


def _on_bilinear(toys: dict[str, Any]) -> str:
    reaching = _reaching(toys, "bilinear")
    known = [name for name in toys if name in ON_BILINEAR]
    wrong = [name for name in known if ON_BILINEAR[name] != (name in reaching)]
    said = f"so for {len(known) - len(wrong)} of {len(known)}"
    if wrong:
        said += f", not for {_names(wrong)}"
    others = [name for name in toys if name not in ON_BILINEAR]
    there = [name for name in others if name in reaching]
    rest = [name for name in others if name not in reaching]
    return f"{said}; of the others {_names(there)} reach it and {_names(rest)} do not"


def _ranking(rows: dict[str, Any]) -> str:
    reached = [name for name, row in rows.items() if row["reached"] == 1 and row["measured"]]
    order = sorted(reached, key=lambda name: rows[name]["measured"])[:5]
    return ", ".join(f"{name} {_factor(rows[name]['measured'])}" for name in order)


def _reaching(toys: dict[str, Any], game: str) -> list[str]:
    return [name for name, each in toys.items() if each["games"][game]["reached"] == 1]


def _missing(toys: dict[str, Any], game: str) -> list[str]:
    return [name for name, each in toys.items() if each["games"][game]["reached"] < 1]


def _values(values: dict[str, float], *names: str) -> str:
    known = [name for name in dict.fromkeys(names) if name in values]
    return ", ".join(f"{name.replace(',', '')} {round(values[name], 2):g}" for name in known)


def _measures(measures: dict[str, dict[str, float]], *names: str) -> str:
    return "; ".join(f"{what}: {_values(values, *names)}" for what, values in measures.items())


def _correlation(first: dict[str, float], second: dict[str, float]) -> str:
    if len(second) < 3:
        return "–"
    correlation = stats.spearmanr([first[name] for name in second], list(second.values()))
    return f"{correlation.statistic:.2f}"


def _names(names: list[str]) -> str:
    return "; ".join(names) if names else "none"


def _count(flags: Any) -> str:
    return str(sum(flags) or "–")


def _factor(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
