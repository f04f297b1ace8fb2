"""Has it converged? A verdict on a run, with the numbers that decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._html import html_of
from ganfield._types import Players
from ganfield.checks import check_count
from ganfield.simulate import Run
from ganfield.stability._motion import LEAST, Motion, motion

VERDICTS = ("converging", "cycling", "diverging", "collapsed", "undecided")
"""What `verdict` may say of a run."""

_ALIKE = 0.25  # of the real examples' mean distance: samples are alike
_SIMILAR = 0.5  # precision from which samples look like real examples
_MISSING = 0.3  # recall over precision below which kinds are missing
_SURE = 0.95  # share of examples that a discriminator has right, with which it has won
_SLOWING = 3.0  # more than 1/t has over the last half of a path, √8: the way left is finite
_OUTGROWN = 100.0  # times the size in the first quarter
_WAVERS = (3.0, 6.0)  # standard deviations: an amplitude may change, and does
_MOVED = 3.0  # times what jitter alone makes
_SWELLED = 1.5
_PLACES = 8  # independent places
_NEVER_BACK = 0.6  # of the largest mean square distance: perhaps turns
_AGREES = 0.3  # cosine of two halves of a minibatch
_FALLEN = 0.5  # of its most: a gap or ‖v‖ that says the same as the path, a diversity that is lost


class Verdict(NamedTuple):
    """What has become of a run until now.

    Attributes:
        outcome: a name in `VERDICTS`.
        reason: a sentence with the numbers that decided.
        evidence: all numbers that were looked at, by name.
    """

    outcome: str
    reason: str
    evidence: dict[str, float]

    def __repr__(self) -> str:
        return f"Verdict: {self.outcome}: {self.reason}"

    def _repr_html_(self) -> str:
        return html_of(self)


def verdict(
    path: Any,
    steps: Any = None,
    *,
    norm_v: Any = None,
    agreement: Any = None,
    gap: Any = None,
    diversity: Any = None,
    precision: Any = None,
    recall: Any = None,
    saturated: Any = None,
    stopped_at: Any = -1,
) -> Verdict:
    """Return what has become of a run: converging, cycling, diverging, collapsed, or undecided.

    The last half of the path decides, each player in units of its own spread there. Let D(τ) be the
    mean of ‖x(t + τ) − x(t)‖². In this order:

    - **diverging**: a NaN or an infinity; turns whose amplitude grows without slowing down; steps
      that grow threefold with the parameters, or parameters that are a hundred times as large as in
      the first quarter of the run and go straight on.
    - **collapsed**: samples lie within a quarter of the real examples' distances, half as far from
      one another as they once did or less, and do not spread; or they look real (precision above
      ½) and lack kinds (recall below 0.3 of it).
    - **cycling**: D(τ) falls below half of its maximum, so the path comes back, at least
      three times, and its amplitude holds.
    - **converging**: such turns shrink; or steps become three times as short, which is faster
      than 1/t; or the path jitters about a place that stays: eight independent places or more,
      whose mean does not move more than jitter moves it. What contradicts it (‖v‖ or a duality gap
      that does not fall, minibatches that agree on a direction, a discriminator that has won)
      makes it undecided.
    - **undecided**: all else, with what it was.

    ‖v‖ alone decides nothing: under minibatch noise it does not go to 0, and behind batch norm it
    falls as weights grow.

    Args:
        path: the players' parameters at evenly spaced records: `Players` of arrays or pytrees with
            records along the first axis, an array ``(records, n)``, or a `ganfield.Run` whose
            ``record`` kept ``state.params``, or a dict of the arguments of this function by name.
        steps: at which steps the records are; ``0, 1, 2, …`` if None. A last record that comes
            early is left out. A `ganfield.Run` has its own.
        norm_v: ‖v‖ at each record, of a game without noise.
        agreement: the cosine between v of two minibatches at each record: near 0 where only noise
            is left.
        gap: the duality gap at each record, or some of them: `ganfield.duality_gap`.
        diversity: mean distance of two samples over that of two real examples, at each record.
        precision: share of the samples that lie where real examples are.
        recall: share of the real examples that lie where samples are.
        saturated: share of the examples that the discriminator has right and is sure of.
        stopped_at: the first step that met a NaN or an infinity, or −1. A `ganfield.Run` has its
            own.

    Returns:
        A `Verdict`.

    Raises:
        ValueError: there is no path, its parts have different numbers of records, or it is of
            several runs.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> def run(method):
        ...     return gf.simulate(
        ...         method, v, gf.Players(1.0, 0.0), num_steps=400, record_every=4,
        ...         record=lambda state, info: state.params,
        ...     )
        >>> gf.verdict(run(gf.alternating(optax.sgd(0.1))))
        Verdict: cycling: it comes back every 64 steps, 3.2 times in the last 200 steps, ...
        >>> gf.verdict(run(gf.simultaneous(optax.sgd(0.1)))).outcome
        'diverging'
        >>> gf.verdict(run(gf.extragradient(optax.sgd(0.1)))).outcome
        'converging'
    """
    if isinstance(path, Run):
        steps, stopped_at, path = path.steps, path.stopped_at, path.records
    if isinstance(path, Mapping):
        given = {"steps": steps, "stopped_at": stopped_at, **path}
        if "path" not in given:
            raise ValueError(f"path must be among what a run recorded, got {', '.join(path)}")
        return verdict(**given)
    players, steps = _records(path, steps)
    stopped_at = _one_number(stopped_at)
    signs = {
        "norm_v": norm_v,
        "agreement": agreement,
        "gap": gap,
        "diversity": diversity,
        "precision": precision,
        "recall": recall,
        "saturated": saturated,
    }
    evidence: dict[str, float] = {"records": float(len(steps)), "step": float(steps[-1])}
    all_halves = {name: _last_half(values) for name, values in signs.items() if values is not None}
    halves = {name: half for name, half in all_halves.items() if half.size}
    evidence |= {name: float(np.median(half)) for name, half in halves.items()}
    if stopped_at >= 0 or not all(np.isfinite(part).all() for part in players):
        when = f" at step {stopped_at}" if stopped_at >= 0 else ""
        return Verdict("diverging", f"it met a NaN or an infinity{when}", evidence)
    if len(steps) < LEAST:
        reason = f"a verdict takes {LEAST} records or more, here: {len(steps)}"
        return Verdict("undecided", reason, evidence)
    evidence["every"] = float(steps[1] - steps[0])
    moves = motion(players)
    evidence |= {name: float(value) for name, value in moves._asdict().items() if name != "records"}
    said = _collapsed(halves, diversity) or _judged(moves, evidence, _doubts(halves, signs))
    return Verdict(*said, evidence)


def _records(path: Any, steps: Any) -> tuple[list[np.ndarray], np.ndarray]:
    """Return each player's path as (records, n), and the steps, evenly spaced."""
    parts = list(path) if isinstance(path, Players) else [path]
    players = []
    for part in parts:
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(part)]
        if not leaves or any(leaf.ndim < 1 for leaf in leaves):
            raise ValueError(
                "path must hold parameters with records along the first axis, such as a run's with "
                "record=lambda state, info: state.params, record_every=1, got "
                f"{type(path).__name__} without"
            )
        players.append(leaves)
    counts = {len(leaf) for leaves in players for leaf in leaves}
    if steps is None:
        steps = np.arange(min(counts))
    steps = np.asarray(steps)
    if steps.ndim != 1 or counts != {len(steps)}:
        raise ValueError(
            "path must be that of one run, with a record for each of steps: it has "
            f"{sorted(counts)} records along its first axes, and steps the shape {steps.shape}. Of "
            "several runs give one at a time"
        )
    check_count(len(steps), argument="the number of records")
    if len(steps) > 2 and steps[-1] - steps[-2] != steps[1] - steps[0]:
        steps = steps[:-1]
    gaps = np.diff(steps)
    if gaps.size and not ((gaps == gaps[0]) & (gaps > 0)).all():
        raise ValueError(
            f"steps must rise evenly but for the last, got gaps from {gaps.min()} to {gaps.max()}"
        )
    kept = len(steps)
    flat = [
        np.concatenate([leaf[:kept].reshape(kept, -1).astype(np.float64) for leaf in leaves], 1)
        for leaves in players
    ]
    return flat, steps


def _one_number(value: Any) -> int:
    array = np.asarray(value)
    if array.shape != ():
        raise ValueError(f"stopped_at must be one number, got the shape {array.shape}")
    return int(array)


def _last_half(values: Any) -> np.ndarray:
    """Return the finite ones of the last half."""
    array = np.asarray(values, np.float64).reshape(-1)
    half = array[len(array) // 2 :]
    return half[np.isfinite(half)]


def _ends(half: np.ndarray) -> tuple[float, float]:
    """Return the medians of the first and the last quarter of it."""
    quarters = np.array_split(half, 4) if len(half) >= 4 else [half, half]
    return float(np.median(quarters[0])), float(np.median(quarters[-1]))


def _collapsed(halves: Mapping[str, np.ndarray], diversity: Any) -> tuple[str, str] | None:
    if "diversity" in halves:
        middle, now = _ends(halves["diversity"])
        most = float(np.nanmax(np.asarray(diversity, np.float64)))
        # An untrained generator, too, makes samples that are all alike: it must have done better.
        if now < _ALIKE and now <= 1.1 * middle and now < _FALLEN * most:
            said = f"two samples are {now:.2g} times as far apart as two real examples"
            return "collapsed", f"{said}, and were {most:.2g} times at most"
    if "precision" in halves and "recall" in halves:
        precision, recall = (float(np.median(halves[name])) for name in ("precision", "recall"))
        if precision > _SIMILAR and recall < _MISSING * precision:
            return "collapsed", (
                f"{precision:.0%} of the samples lie where real examples are, but only "
                f"{recall:.0%} of the real examples where samples are"
            )
    return None


def _doubts(halves: Mapping[str, np.ndarray], signs: Mapping[str, Any]) -> list[str]:
    """Return what speaks against a path that seems to converge."""
    doubts = []
    if "agreement" in halves and np.median(halves["agreement"]) >= _AGREES:
        doubts.append(
            f"minibatches agree on where to go (cosine {np.median(halves['agreement']):.2g})"
        )
    if "saturated" in halves and np.median(halves["saturated"]) >= _SURE:
        doubts.append(
            f"the discriminator is sure of {np.median(halves['saturated']):.0%} of the examples"
        )
    if "diversity" in halves and np.median(halves["diversity"]) < _ALIKE:
        doubts.append("samples are still alike")
    for name, words in (("norm_v", "‖v‖"), ("gap", "the duality gap")):
        if name in halves:
            whole = np.abs(np.asarray(signs[name], np.float64))
            most, now = float(np.nanmax(whole)), abs(_ends(halves[name])[1])
            if now > _FALLEN * most:
                doubts.append(f"{words} is {now:.2g}, and was {most:.2g} at most")
    return doubts


def _judged(moves: Motion, evidence: Mapping[str, float], doubts: list[str]) -> tuple[str, str]:
    every = evidence["every"]
    last = f"the last {every * (moves.records - 1):g} steps"

    def converging(said: str) -> tuple[str, str]:
        if doubts:
            return "undecided", f"{said}, but {' and '.join(doubts)}"
        return "converging", said

    if moves.still:
        return converging(f"nothing moves in {last}")
    if moves.turn:
        turns = f"it comes back every {every * moves.turn:g} steps, "
        turns += f"{moves.records / moves.turn:.2g} times in {last}"
        changed = f"{turns}, with {moves.growth:.3g} times the amplitude"
        perhaps, surely = (
            moves.growing > times and abs(np.log(moves.growth)) > 0.02 for times in _WAVERS
        )
        if surely and moves.later > 0.5:
            if moves.growth > 1:
                return "diverging", changed
            return converging(changed)
        if perhaps:
            return "undecided", f"{changed}, which changes ever more slowly, or unevenly"
        return "cycling", f"{turns}, within {moves.back:.0%} of its largest mean square distance"
    outgrown = moves.size > _OUTGROWN and moves.drift > 0.5
    if (moves.slowing < 1 / _SLOWING and moves.steady and moves.size > _SLOWING) or outgrown:
        return "diverging", (
            f"parameters are {moves.size:.3g} times as large as in the first quarter, and steps "
            f"{1 / moves.slowing:.3g} times as long as at the beginning of {last}"
        )
    if moves.slowing > _SLOWING and moves.steady:
        said = f"steps became {moves.slowing:.3g} times as short in {last}"
        return converging(said)
    stays = moves.moved < _MOVED and moves.swelled < _SWELLED
    if moves.independent >= _PLACES and stays and moves.back > _NEVER_BACK:
        said = f"it jitters about a place that stays ({moves.independent:.0f} independent places "
        said += f"in {last}, whose mean moved {moves.moved:.2g} times what jitter moves it)"
        if moves.resolved > 0.5 and "agreement" not in evidence:
            return "undecided", f"{said}, but moves too far between records to rule out cycles"
        return converging(said)
    return "undecided", (
        f"it still moves: a straight line is {moves.drift:.0%} of its way in {last}, its steps "
        f"became {moves.slowing:.2g} times as short, and it has not come back three times"
    )
