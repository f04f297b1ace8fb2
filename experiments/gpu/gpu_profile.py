"""Where the time of a program goes, operation by operation."""

import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

MOST = 25


def profile(measure: Callable[[], float], folder: Path) -> list[dict[str, Any]]:
    """Return the operations that took longest while something was measured.

    Args:
        measure: called once, in the profiler.
        folder: gets the trace, and loses it again: it is large.

    Returns:
        For each "operation" its "milliseconds" in all and how many there were ("count").
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with jax.profiler.trace(str(folder)):
            measure()
        (trace,) = folder.rglob("*.xplane.pb")
        return longest(jax.profiler.ProfileData.from_file(str(trace)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def longest(data: Any) -> list[dict[str, Any]]:
    """Return the operations of a trace that took longest: a GPU's, or else the CPU's."""
    planes = [plane for plane in data.planes if plane.name.startswith("/device:GPU")]
    lines = [line for plane in planes for line in plane.lines if line.name.startswith("Stream")]
    if not lines:
        host = (plane for plane in data.planes if plane.name == "/host:CPU")
        lines = [line for plane in host for line in plane.lines if "tf_XLA" in line.name]
    times: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for line in lines:
        for event in line.events:
            times[event.name] += event.duration_ns / 1e6
            counts[event.name] += 1
    ordered = sorted(times, key=lambda name: -times[name])[:MOST]
    return [
        {"operation": name, "milliseconds": times[name], "count": counts[name]} for name in ordered
    ]
