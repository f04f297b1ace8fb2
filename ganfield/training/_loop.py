"""The host's loop over compiled steps, and all that must happen between them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganfield._types import PyTree
from ganfield.configuration import Built, random_keys
from ganfield.runs._quick import quick_jit
from ganfield.runs._verdict import verdict
from ganfield.simulate import Standing, stand
from ganfield.simulate.sharding import replicated
from ganfield.training._feeds import Feed
from ganfield.training._interrupts import Wish
from ganfield.training._processes import Processes, local
from ganfield.training._recorder import Recorder
from ganfield.training._result import Progress, Result, TrainingInterrupted
from ganfield.training._steps import advancing

T = TypeVar("T")

_PATIENCE = 0.5  # seconds that a call of the compiled program should take, so that Ctrl-C is heard


class Run:
    """One call of `train`: the steps, and when something is to be written."""

    def __init__(
        self,
        built: Built,
        feed: Feed,
        recorder: Recorder | None,
        processes: Processes,
        progress: Callable[[Progress], None] | None,
        mesh: Mesh | None,
        spectrum_every: int | None,
    ):
        self.built, self.feed, self.recorder, self.processes = built, feed, recorder, processes
        self.config, self.progress, self.mesh = built.config, progress, mesh
        self.paces = [built.config.record_every, built.config.evaluate_every]
        self.paces += [built.config.checkpoint_every, *filter(None, [spectrum_every])]
        self.seconds = self.compile_seconds = 0.0
        self.stopped_by = ""
        self.advance = jax.jit(
            advancing(built.method, built.field, feed.draw),
            out_shardings=None if mesh is None else NamedSharding(mesh, PartitionSpec()),
        )

    def begin(self) -> tuple[Standing, bool]:
        """Return where the run stands, and whether there is anything to do."""
        init = quick_jit(self.built.game.init)
        standing = stand(self.built.method, init(random_keys(self.config).init))
        last = self.first(lambda recorder: recorder.load(standing))
        resumed = bool(self.processes.shared(np.bool_(last is not None)))
        if resumed:
            there, seconds = (standing, 0.0) if last is None else last
            standing, clock = self.processes.shared((there, np.float64(seconds)))
            self.seconds = float(clock)
        step, target = int(standing.step), self.config.num_steps
        going = not resumed or step < target
        if resumed and going:
            self.stopped_by = self._decided(lambda recorder: recorder.why_stopped())
        if self.stopped_by:
            going = False
            self._tell(
                f"nothing to do: the run is told to stop at step {step}: {self.stopped_by}. "
                "Another rule, or none (stop=none), takes it on"
            )
        elif not going:
            self._tell(f"nothing to do: the run is at step {step}, and num_steps is {target}")
        elif resumed:
            self._tell(f"resumed from step {step}")
        return self._everywhere(standing), going

    def first(self, action: Callable[[Recorder], T]) -> T | None:
        """Let the first process read or write, and the others wait; see `Processes.first`."""

        def with_recorder() -> T:
            assert self.recorder is not None
            return action(self.recorder)

        return self.processes.first(with_recorder)

    def train(self, standing: Standing, wish: Wish, max_seconds: float) -> Result:
        """Take the steps."""
        step, target = int(standing.step), self.config.num_steps
        if step == 0:
            self.stopped_by = self._events(standing, 0, last=target == 0)
        began_at, began = step, self.seconds
        chunk = 1
        done = step >= target or bool(self.stopped_by)
        while not done:
            # Waiting for a loader is part of the time that steps take.
            before = time.perf_counter()
            source, until = self.feed.source(step)
            stop = int(min(self._next_event(step), step + chunk, until))
            with self.processes.together():
                standing = jax.block_until_ready(self.program(standing, np.int32(stop), source))
            took, signal = self.processes.agreed(time.perf_counter() - before, wish.signal)
            self.seconds += took
            chunk = _next_chunk(chunk, stop - step, took)
            step = int(standing.step)
            if int(standing.stopped_at) >= 0:
                return self._stopped(standing)
            done = step >= target or self.seconds - began >= max_seconds
            if not done:
                self.stopped_by = self._events(standing, step)
                done = bool(self.stopped_by)
            if self.progress is not None and self.recorder is not None:
                speed = (step - began_at) / max(self.seconds - began, 1e-9)
                self.progress(Progress(step, target, speed, self.recorder.row))
            if signal is not None and not done:
                self._save(standing)
                result = self.result("interrupted", standing, "interrupted and saved")
                self._tell(result.message)
                raise TrainingInterrupted(result, signal)
        if step > began_at and not self.stopped_by:
            self._events(standing, step, last=True)
        outcome = "finished" if step == target else "out of time"
        outcome = "told to stop" if self.stopped_by else outcome
        return self._told(self.result(outcome, standing, outcome))

    def result(self, outcome: str, standing: Standing, said: str) -> Result:
        """Return what became of the run."""
        step, unsolved_at = int(standing.step), int(standing.unsolved_at)
        message = f"{said} at step {step}" + (f": {self.stopped_by}" if self.stopped_by else "")
        if unsolved_at >= 0:
            message += f"; an inner solve did not converge at step {unsolved_at}"
        stopped_at, recorder = int(standing.stopped_at), self.recorder
        return Result(
            outcome,
            step,
            standing.state.params,
            self.seconds,
            self.compile_seconds,
            stopped_at,
            unsolved_at,
            message,
            self.stopped_by,
            None if recorder is None else verdict(recorder.folder.folder, stopped_at=stopped_at),
        )

    def _stopped(self, standing: Standing) -> Result:
        last = ""
        if self.recorder is not None:
            last = f"; {self.recorder.checkpoints.last_in_words()};"
        said = f"stopped by a NaN or an infinity{last}"
        return self._told(self.result("stopped", standing, said))

    def _told(self, result: Result) -> Result:
        """Return the result, written to ``events.log`` with its verdict."""
        self._tell(result.message)
        if result.verdict is not None:
            self._tell(f"{result.verdict.outcome}: {result.verdict.reason}")
        return result

    def compile(self, standing: Standing) -> None:
        """Compile what takes long, so that no clock of the steps counts it."""
        before, step = time.perf_counter(), int(standing.step)
        source, _ = self.feed.source(step)
        program: Any = self.advance
        flags: Any = jax.config  # They are no attributes to a type checker.
        if not flags.jax_disable_jit:
            program = self.advance.lower(standing, np.int32(step), source).compile()
        self.program = program
        self.first(lambda recorder: recorder.prepare(self._here(standing).state.params, step))
        self.compile_seconds = time.perf_counter() - before
        self._tell(f"compiled in {self.compile_seconds:.1f} s")

    def _everywhere(self, tree: PyTree) -> PyTree:
        """Return a tree where the compiled program wants it."""
        return tree if self.mesh is None else replicated(tree, self.mesh)

    def _here(self, tree: PyTree) -> PyTree:
        """Return a tree where one process alone can use it."""
        return tree if self.mesh is None else local(tree)

    def _next_event(self, step: int) -> int:
        """Return the next step at which something is to be written."""
        return min(self.config.num_steps, *(step - step % pace + pace for pace in self.paces))

    def _events(self, standing: Standing, step: int, *, last: bool = False) -> str:
        """Write what is due at a step, and return what stops the run there, or nothing."""
        if not last and step != 0 and step < self._next_event(step - 1):
            return ""
        return self._decided(
            lambda recorder: recorder.events(self._here(standing), step, self.seconds, last=last)
        )

    def _decided(self, action: Callable[[Recorder], str]) -> str:
        """Return what stops the run, which the first process finds and all must know."""
        return self.processes.decided(self.first(action))

    def _save(self, standing: Standing) -> None:
        here = self._here(standing)
        self.first(lambda recorder: recorder.checkpoints.save(here, seconds=self.seconds))

    def _tell(self, message: str) -> None:
        if self.recorder is not None:
            self.recorder.folder.tell(message)


def _next_chunk(chunk: int, taken: int, seconds: float) -> int:
    """Return how many steps to take at once, so that they take about half a second."""
    wanted = _PATIENCE * taken / max(seconds, 1e-6)
    return max(1, int(min(wanted, 4 * chunk)))
