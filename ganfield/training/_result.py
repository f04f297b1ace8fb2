"""What `ganfield.training.train` says: how far a run is, and what became of it."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ganfield._html import html_of
from ganfield._types import Players
from ganfield.stability import Verdict


class Result(NamedTuple):
    """What became of a call of `train`.

    Attributes:
        outcome: "finished"; "done", if there was nothing left to do; "out of time"; "told to stop",
            by a rule; "stopped", by a NaN or an infinity; "interrupted", by a signal.
        step: where the run stands.
        params: the players' parameters there. Of a run that stopped they are not finite.
        seconds: wall-clock of all steps since step 0, without compilation and evaluation.
        compile_seconds: wall-clock of tracing and compiling in this call.
        stopped_at: the first step that met a NaN or an infinity, or −1.
        unsolved_at: the first step whose inner solve did not converge, or −1.
        message: the same in words.
        verdict: whether it has converged, as far as `ganfield.runs.verdict` can tell; None in a
            process that does not write the folder.
        stopped_by: the rule that stopped the run where it stands, in words, or nothing.
    """

    outcome: str
    step: int
    params: Players
    seconds: float
    compile_seconds: float
    stopped_at: int
    unsolved_at: int
    message: str
    stopped_by: str = ""
    verdict: Verdict | None = None

    def __repr__(self) -> str:
        unsolved = self.unsolved_at >= 0
        solve = f", inner solve failed at step {self.unsolved_at}" if unsolved else ""
        rule = f": {self.stopped_by}" if self.stopped_by else ""
        return f"Result: {self.outcome} at step {self.step}{rule}{solve}"

    def _repr_html_(self) -> str:
        return html_of(self)


class Record(NamedTuple):
    """What a run has measured so far, all of it as its files have it: what ``stop_when`` is given.

    A run that `ganfield.runs.load` gives back has the same two attributes: a rule can be tried on
    it.

    Attributes:
        metrics: column → array, those of ``metrics.csv``, the last row that of the step at hand.
        scores: the same of ``scores.csv``; empty until something was scored.
    """

    metrics: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]


class TrainingInterrupted(KeyboardInterrupt):
    """A signal ended a run, which was saved. ``result`` is its `Result`, ``signal`` the number."""

    def __init__(self, result: Result, signal: int):
        super().__init__(result.message)
        self.result = result
        self.signal = signal


class Progress(NamedTuple):
    """How far a run is, for those who watch.

    Attributes:
        step: how many steps were taken.
        num_steps: how many there will be.
        steps_per_second: in this call, without compilation and evaluation; 0 before the first.
        metrics: the last row of metrics, or empty.
    """

    step: int
    num_steps: int
    steps_per_second: float
    metrics: Mapping[str, float | int | str]
