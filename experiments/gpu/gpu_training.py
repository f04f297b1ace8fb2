"""The official comparison: every run as far as time allows, and on from there in the next part."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_peers import OutOfTimeError, Peer, PeerError
from gpu_plan import SMALL, Scale, training
from gpu_state import State

LEAST = 45.0
"""Seconds that must be left for a run to be begun: it compiles first."""
GRACE = 12.0
"""Seconds that a run may take to save once its time is over."""
TRIES = 2
NUM_SAMPLES = 1000
"""Of each score, as in experiments/numerics_of_gans/images.py."""


def train_all(
    state: State,
    scale: Scale,
    *,
    data: Path | None,
    precision: str,
    deadline: float,
    saved: Callable[[], None],
) -> bool:
    """Train all runs, and return whether all are at their last step.

    Args:
        state: holds what became of each run; its folder has the runs themselves.
        scale: which runs, and how far.
        data: the folder of CIFAR-10 as the library reads it, or None where no run needs it.
        precision: of the products.
        deadline: as `time.time` has it.
        saved: called after every run.
    """
    make_classifier(state, scale, data, deadline)
    for preset, goal in training(scale):
        name = run_name(preset, precision)
        run = state.content["runs"].get(name, {"preset": preset, "precision": precision, "step": 0})
        if not due(run, goal):
            continue
        if deadline - time.time() < LEAST:
            return False
        print(f"{name}: {run['step']} → {goal} …", flush=True)
        state.content["runs"][name] = run
        state.save()
        task = training_task(state, scale, run, goal, data, deadline)
        try:
            answer = ask(state, task, deadline)
            run |= {"goal": goal, **answer}
            run.pop("error", None)
        except OutOfTimeError:
            return False  # Its last checkpoint stays.
        except PeerError as error:
            run |= {"error": str(error), "errors": run.get("errors", 0) + 1}
        state.save()
        saved()
        if run.get("outcome") == "out of time":
            return False
    return True


def run_name(preset: str, precision: str) -> str:
    """Return the name of a run's folder."""
    return f"{preset.replace('/', '_')}-{precision}"


def due(run: dict[str, Any], goal: int) -> bool:
    """Return whether a run is to go on: not where it is there, met a NaN, or failed twice."""
    stopped = run.get("outcome") == "stopped" or run.get("errors", 0) >= TRIES
    return not stopped and run["step"] < goal


def training_task(
    state: State,
    scale: Scale,
    run: dict[str, Any],
    goal: int,
    data: Path | None,
    deadline: float,
) -> dict[str, Any]:
    """Return what `gpu_train.train` is told."""
    return {
        "preset": run["preset"],
        "precision": run["precision"],
        "changes": scale.changes,
        "folder": str(state.folder / "runs" / run_name(run["preset"], run["precision"])),
        "data": None if data is None else str(data),
        "goal": goal,
        "deadline": deadline,
        "classifier": str(state.folder / "classifier.npz"),
        "samples": 64 if scale is SMALL else NUM_SAMPLES,
    }


def make_classifier(state: State, scale: Scale, data: Path | None, deadline: float) -> None:
    """Train the classifier that scores are taken with, once; without it nothing is scored."""
    made = state.folder / "classifier.npz"
    if made.exists() or deadline - time.time() < LEAST or state.begin("classifier") >= TRIES:
        return
    print("the classifier that scores are taken with …", flush=True)
    task = {
        "preset": scale.presets[0][0],
        "data": None if data is None else str(data),
        "folder": str(state.folder),
        "quick": scale is SMALL,
    }
    try:
        state.content["classifier"] = ask(state, task, deadline)
        state.end("classifier")
    except OutOfTimeError:
        state.end("classifier")
    except PeerError as error:
        state.content["classifier"] = {"error": str(error)}
        state.save()


def ask(state: State, task: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Return the answer of a process of its own, whose memory goes with it."""
    logs = state.folder / "logs"
    logs.mkdir(exist_ok=True)
    peer = Peer("gpu_train.py", logs / "training.log")
    try:
        return peer.ask({"prepare": task}, deadline + GRACE - time.time())
    finally:
        peer.close()
