"""Rows of the benchmark: each peer prepares a row's task, then all are measured in turn."""

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gpu_peers import OutOfTimeError, Peer, PeerError
from gpu_plan import PEERS, Row, Scale
from gpu_state import State

SLOW = 3.0
"""How many times its floor a step may take before it is profiled."""
TRIES = 2
Peers = Mapping[str, Peer]


def start_peers(state: State) -> dict[str, Peer]:
    """Return a peer for each way to take a step; PyTorch's only where it is installed."""
    logs = state.folder / "logs"
    logs.mkdir(exist_ok=True)
    scripts = dict(zip(PEERS, ("gpu_jax.py", "gpu_torch.py", "gpu_torch.py"), strict=True))
    there = importlib.util.find_spec("torch") is not None
    return {
        name: Peer(script, logs / f"{name}.log")
        for name, script in scripts.items()
        if there or script == "gpu_jax.py"
    }


def measure_rows(
    state: State,
    rows: Sequence[Row],
    scale: Scale,
    *,
    peers: Peers,
    deadline: float,
    profile: bool,
    saved: Callable[[], None],
) -> bool:
    """Measure the rows that are not there yet, and return whether all are there now.

    Args:
        state: gets each row as soon as it is measured.
        rows: in order.
        scale: repeats, and how long a row may take to be prepared.
        peers: who measures.
        deadline: as `time.time` has it. A row that it cuts off is measured in the next part.
        profile: whether to profile what is slower than thrice its floor.
        saved: called after every row.
    """
    for row in rows:
        if row.key in state.content["rows"]:
            continue
        if time.time() >= deadline:
            return False
        if state.begin(row.key) >= TRIES:
            result: dict[str, Any] = {"error": f"began {TRIES} times and ended the script"}
        else:
            print(f"{row.key} …", flush=True)
            try:
                result = measure(row, scale, peers, deadline)
                if profile:
                    result |= profiled(state, row, result, peers, deadline)
            except OutOfTimeError:
                state.end(row.key)
                return False
        shown = {"name": row.name, "precision": row.precision, "kind": row.task["kind"]}
        state.content["rows"][row.key] = shown | result
        state.end(row.key)
        saved()
    return True


def measure(row: Row, scale: Scale, peers: Peers, deadline: float) -> dict[str, Any]:
    """Return peer → "seconds" of a step, once for each repeat, what is known besides, or "error".

    Raises:
        OutOfTimeError: the deadline came first.
    """
    answers: dict[str, Any] = {}

    def ask(name: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            return peers[name].ask(request, min(seconds, deadline - time.time()))
        except PeerError as error:
            if time.time() >= deadline:
                raise OutOfTimeError(f"the part ended in {row.key}") from error
            return {"error": str(error)}

    for name in row.peers:
        if name in peers:
            about = {"peer": name, "precision": row.precision, "compiled": name == PEERS[2]}
            task = row.task | about
            answers[name] = ask(name, {"prepare": task}, scale.seconds)
    times: dict[str, list[float]] = {name: [] for name in answers}
    for _ in range(scale.repeats + 1):
        for name, answer in answers.items():
            if "error" not in answer:
                measured = ask(name, {"measure": True}, scale.seconds)
                answer |= {name: of for name, of in measured.items() if name == "error"}
                times[name] += [measured["seconds"]] if "seconds" in measured else []
    for name, answer in answers.items():
        if "error" not in answer:
            answer["seconds"] = times[name][1:]  # the first turn warms up
    return answers


def profiled(
    state: State, row: Row, result: dict[str, Any], peers: Peers, deadline: float
) -> dict[str, Any]:
    """Return the "profile" of a row, if it is slow; where it cannot be had, why."""
    floor = max(floor_shares(result, row.precision, state.content["rows"]).values(), default=1.0)
    if row.task["kind"] in ("product", "copy") or floor * SLOW >= 1:
        return {}
    folder = str(state.folder / "trace")
    try:
        answer = peers[PEERS[0]].ask({"more": folder}, min(60, deadline - time.time()))
    except PeerError as error:
        return {"profile_error": str(error)}
    return {"profile": answer["operations"]}


def median(row: Mapping[str, Any], peer: str) -> float | None:
    """Return the median of a peer's measurements; None where there are none."""
    seconds = row.get(peer, {}).get("seconds")
    return statistics.median(seconds) if seconds else None


def rates(rows: Mapping[str, Any]) -> dict[str, float]:
    """Return what the machine does a second: operations by precision, and bytes ("copy").

    The faster of the two libraries counts.
    """
    rate_of = {}
    for row in rows.values():
        ours = row.get(PEERS[0], {})
        times = [time for peer in PEERS[:2] if (time := median(row, peer)) is not None]
        if row["kind"] not in ("product", "copy") or not times:
            continue
        copied = row["kind"] == "copy"
        amount = ours.get("bytes" if copied else "flops")
        if amount:
            rate_of["copy" if copied else row["precision"]] = amount / min(times)
    return rate_of


def floor_shares(
    row: Mapping[str, Any], precision: str, rows: Mapping[str, Any]
) -> dict[str, float]:
    """Return which share of a step its operations ("product") and its bytes ("copy") would take.

    Each at the rate that was measured on this machine.
    """
    ours, seconds, measured = row.get(PEERS[0], {}), median(row, PEERS[0]), rates(rows)
    shares = {}
    for name, rate, amount in (("product", precision, "flops"), ("copy", "copy", "bytes")):
        if seconds and rate in measured and ours.get(amount):
            shares[name] = ours[amount] / measured[rate] / seconds
    return shares
