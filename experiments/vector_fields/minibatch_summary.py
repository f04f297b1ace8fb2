"""What the minibatch experiment found beside what was expected: ends of paths, and the table."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minibatch_truth import EQUILIBRIUM


def ends_of(paths: dict[str, Any], led: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return where trajectories ended, on average, against where they should."""
    ends = {}
    for groups, path in paths["groups"].items():
        last = path[:, -1]
        expected = led["points"][-1] if groups == 1 else np.asarray(EQUILIBRIUM)
        ends[groups] = {
            "expected": expected,
            "mean": last.mean(axis=0),
            "mean_error": last.std(axis=0) / np.sqrt(len(last)),
            "std": last.std(axis=0),
        }
    return {
        "end_points": ends,
        "population": paths["population"][-1],
        "with_bias": paths["with_bias"][-1],
        "mean_paths": {groups: path.mean(axis=0) for groups, path in paths["groups"].items()},
        "locus": led,
    }


def in_errors(differences: list[Any], errors: list[Any]) -> np.ndarray:
    """Return differences in standard errors, of those that have one: two batches have no spread."""
    apart, error = (np.concatenate([*map(np.ravel, x)]) for x in (differences, errors))
    return apart[error > 0] / error[error > 0]


def agreement(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return how far measurements are from the closed forms, over all batch sizes and groups.

    The errors of one batch size are correlated, since all groups see the same batches.
    """
    parts = [row[name] for row in rows for name in ("value", "direction")]
    scores = in_errors(
        [p["bias"] - p["exact_bias"] for p in parts], [p["bias_error"] for p in parts]
    )
    ratios = np.array([p["variance"] / p["exact_variance"] for p in parts])
    spread = in_errors(
        [p["variance"] - p["exact_variance"] for p in parts], [p["variance_error"] for p in parts]
    )
    return {
        "largest_bias_z": float(np.abs(scores).max(initial=0.0)),
        "share_of_bias_z_below_2": float(np.mean(np.abs(scores) < 2) if len(scores) else np.nan),
        "smallest_variance_ratio": float(ratios.min()),
        "largest_variance_ratio": float(ratios.max()),
        "largest_variance_z": float(np.abs(spread).max(initial=0.0)),
    }


def lines(
    config: dict[str, Any], rows: list[dict[str, Any]], ends: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Return what was expected and what was measured: (quantity, expected, measured)."""
    measured = {(row["batch_size"], row["groups"]): row for row in rows}
    small, large = min(config["detailed"]), max(config["detailed"])
    size = config["batch_size"]
    for groups in sorted({1, 2, small}):
        part = measured[small, groups]["value"]
        yield (
            f"bias of ½‖E v‖², B = {small}, m = {groups}",
            f"{part['exact_bias'][0]:.4f}",
            f"{part['bias'][0]:.4f} ± {part['bias_error'][0]:.4f}",
        )
    for groups in sorted({1, 2, small}):
        part = measured[small, groups]["direction"]
        scale = np.linalg.norm(part["truth"])
        exact, bias = (np.linalg.norm(part[name]) / scale for name in ("exact_bias", "bias"))
        noise = np.linalg.norm(part["bias_error"]) / scale
        yield (
            f"bias of the direction / its norm, B = {small}, m = {groups}",
            f"{exact:.3f}",
            f"{bias:.3f} (noise {noise:.3f})",
        )
    for name, said in (("value", "½‖E v‖²"), ("direction", "direction")):
        two, all_of = (measured[large, groups][name] for groups in (2, large))
        yield (
            f"variance of the {said}, B = {large}, m = 2 / m = {large}",
            f"{two['exact_variance'] / all_of['exact_variance']:.3f}",
            f"{two['variance'] / all_of['variance']:.3f}",
        )
    agrees = agreement(rows)
    yield (
        "variances, all B and m: measured / exact",
        "1",
        f"{agrees['smallest_variance_ratio']:.3f} to {agrees['largest_variance_ratio']:.3f}",
    )
    for groups, end in ends["end_points"].items():
        expected, mean = (", ".join(f"{x:.3f}" for x in end[name]) for name in ("expected", "mean"))
        error = max(end["mean_error"])
        yield (
            f"mean end point (θ, φ), B = {size}, m = {groups}",
            f"({expected})",
            f"({mean}) ± {error:.3f}",
        )
    plug_in, control = (ends["end_points"][groups] for groups in (1, size))
    # Both share the displacement, of the order of the step size, that noise alone makes.
    shifts = (plug_in[name] - control[name] for name in ("expected", "mean"))
    expected, mean = (", ".join(f"{x:.3f}" for x in shift) for shift in shifts)
    yield f"the same, m = 1 less m = {size}", f"({expected})", f"({mean})"
