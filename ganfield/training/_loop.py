"""Training: the host's loop over compiled steps, and all that must happen between them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganfield._extras import need
from ganfield._types import PyTree
from ganfield.checks import check_count
from ganfield.configuration import Built, Config, build, fingerprint, random_keys
from ganfield.runs._checkpoints import CannotSaveError, Checkpoints
from ganfield.runs._quick import quick_jit
from ganfield.runs._run_directory import (
    RunDirectory,
    check_run,
    is_run,
    read_config,
    write_event,
)
from ganfield.runs._samples import check_shown
from ganfield.runs._verdict import verdict
from ganfield.simulate import Standing, stand
from ganfield.simulate.sharding import replicated
from ganfield.training._feeds import Feed, open_feed, storage_of
from ganfield.training._interrupts import Wish, listening
from ganfield.training._processes import Processes, ProcessLostError, local
from ganfield.training._recorder import Evaluate, Recorder
from ganfield.training._result import Progress, Result, TrainingInterrupted
from ganfield.training._steps import advancing
from ganfield.training._stopping import StopWhen, check_rules

T = TypeVar("T")

_PATIENCE = 0.5  # seconds that a call of the compiled program should take, so that Ctrl-C is heard


def train(
    config: Config,
    output: str | os.PathLike[str],
    *,
    data: Any = None,
    num_steps: int | None = None,
    max_seconds: float | None = None,
    resume: str = "auto",
    allow_changes: bool = False,
    evaluate: Sequence[Evaluate] = (),
    spectrum_every: int | None = None,
    duality_gap: int | None = None,
    stop_when: StopWhen | None = None,
    mesh: Mesh | None = None,
    tensorboard: bool = False,
    progress: Callable[[Progress], None] | None = None,
    listen: Callable[[str], None] | None = None,
) -> Result:
    """Train to a step, in a folder from which the run can be resumed.

    The folder gets ``config.json``, ``run.json``, ``metrics.csv``, ``path.csv``, ``scores.csv``
    (with ``evaluate``), ``samples/`` (``real.png`` and grids from one fixed set of latent
    variables), ``checkpoints/`` and ``events.log``. If it holds a run with this configuration, that
    run goes on from its last whole checkpoint; on a CPU it ends with the same bits as one that was
    never stopped. What is random depends on the seed and the step alone.

    Once steps are taken the first Ctrl-C (or SIGTERM) finishes those at hand and saves; a second
    one ends the process at once.

    Args:
        config: what to train, such as ``gf.configuration.preset("digits/consensus")``.
        output: the run's folder.
        data: what has a ``sample(key, size)``; loaded as ``config.data`` says if None.
        num_steps: train **to** this step; ``config.num_steps`` if None.
        max_seconds: end after so many seconds of steps in this call, as if the step then reached
            were the last.
        resume: "auto"; "always" refuses to start a new run, "never" to go on with one.
        allow_changes: whether a run may go on with another configuration.
        evaluate: functions ``evaluate(generate) -> dict`` of scores, called every
            ``evaluate_every`` steps and at the end; ``generate(count)`` returns that many examples,
            the same for the same step. Where each has ``names``, of its scores, a rule on another
            score is refused at once, and otherwise at the first scores.
        spectrum_every: write leading eigenvalues of v′, w′ and of the update map to
            ``spectrum.csv`` every so many steps, and to ``events.log`` when the step leaves the
            stable region; None for never.
        duality_gap: write to ``gaps.csv``, with the metrics, what each player gains in so many
            steps of its own (`ganfield.duality_gap`); None for never.
        stop_when: ``stop_when(record)``, called with a `Record` whenever it has a new row, the
            first time at step 0; what is true ends the run there, and a text says why. It must
            depend on the record alone. ``config.stop`` does the same in words
            (`ganfield.configuration.stop_rule`). A run that was stopped goes on, as if it had never
            been, where the rule is another one or none.
        mesh: the devices over which every batch is spread, such as
            ``gf.sharding.data_mesh()``; the default device if None. It is the same run but for
            rounding, and may be resumed on other devices. After ``jax.distributed.initialize`` it
            must have the devices of every process, and every process must make the same call: the
            first one reads and writes the folder, scores and reports, the others only compute.
        tensorboard: whether to write the metrics for TensorBoard too.
        progress: called with a `Progress` after every call of the compiled program.
        listen: called with every message that goes to ``events.log``.

    Returns:
        A `Result`.

    Raises:
        ValueError: the configuration, the folder or the data are not allowed. Nothing was done.
        ImportError: TensorBoard's writer was asked for and is not installed.
        OSError: something cannot be written; the checkpoints until then stay.
        TrainingInterrupted: a signal, to any process; the run was saved, and can be resumed.
        ConnectionAbortedError: another process ended the run; there is the error that says why. Or
            (`ProcessLostError`) it was lost, which ``events.log`` says too.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = gf.training.train(config, folder, num_steps=3)
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir() if path.suffix)
        ['config.json', 'events.log', 'metrics.csv', 'path.csv', 'run.json']
        >>> result.step, result.outcome
        (3, 'finished')
    """
    if num_steps is not None:
        config = config.replace({"num_steps": num_steps})
    for name, value in (("spectrum_every", spectrum_every), ("duality_gap", duality_gap)):
        if value is not None:
            check_count(value, argument=name)
    processes = Processes()
    _check_devices(mesh, config.batch_size, processes)
    processes.check_same(config.to_json(), "configuration")

    def storage() -> str:
        check_rules(config.stop, stop_when, evaluate)
        chosen = config.data.storage
        if is_run(output) and chosen == "auto":
            # It was decided when the run began, and decides what is drawn.
            chosen = read_config(output).data.storage
        changed = config.replace({"data.storage": chosen})
        check_run(output, changed, resume=resume, allow_changes=allow_changes)
        if tensorboard:
            need("tensorboardX", who="tensorboard")
        return chosen

    # What can be wrong is found before anything is written.
    config = config.replace({"data.storage": processes.text(processes.first(storage))})
    with ExitStack() as stack:
        built, images = processes.each(lambda: _opened(config, data, evaluate))
        processes.check_same(f"{built.config.to_json()} {images}", "data")
        # Only now, for putting them on all devices is something that all must do at once.
        feed = processes.each(lambda: open_feed(built, mesh))
        stack.callback(feed.close)

        def open_folder() -> Recorder:
            folder = RunDirectory(
                output, built.config, resume=resume, allow_changes=allow_changes, listen=listen
            )
            stack.callback(folder.close)
            folder.describe(images)
            checkpoints = Checkpoints(
                folder.checkpoints, keep=config.keep, tell=folder.tell, run=folder.id
            )
            stack.callback(checkpoints.close)
            return Recorder(
                built,
                feed,
                folder,
                checkpoints,
                evaluate,
                stop_when,
                duality_gap=duality_gap,
                spectrum_every=spectrum_every,
            )

        recorder = processes.first(open_folder)
        run = _Run(built, feed, recorder, processes, progress, mesh, spectrum_every)
        # Of one process nothing is worth keeping before it takes steps, and Ctrl-C may end it. One
        # of several that JAX alone has connected would leave the others waiting for it.
        by_jax = processes.count > 1 and processes.link is None
        wish = stack.enter_context(listening()) if by_jax else None
        try:
            standing, going = run.begin()
            if not going:
                return run.result("done", standing, "nothing to do")
            if tensorboard:
                step = int(standing.step)
                run.first(lambda recorder: recorder.write_for_tensorboard(stack, step))
            run.compile(standing)
            wish = wish or stack.enter_context(listening())
            return run.train(standing, wish, math.inf if max_seconds is None else max_seconds)
        except ProcessLostError as error:
            if recorder is None:
                raise
            message = f"{error}; {recorder.checkpoints.last_in_words()}"
            write_event(recorder.folder.folder, message)
            raise ProcessLostError(message) from error
        except (CannotSaveError, ConnectionAbortedError):
            raise
        except OSError as error:
            if recorder is None:
                raise
            raise OSError(
                f"the run in {recorder.folder.folder} cannot go on: {error}; "
                f"{recorder.checkpoints.last_in_words()}"
            ) from error


def _opened(
    config: Config, data: Any, evaluate: Sequence[Evaluate]
) -> tuple[Built, dict[str, Any]]:
    """Return the run with the storage decided, and what tells its images from others."""
    built = build(config, data)
    shape = built.shape
    check_shown(shape)
    for each in evaluate:
        if hasattr(each, "check_shape"):
            each.check_shape(shape)
    storage = storage_of(config.data.storage, built.data)
    built = built._replace(config=config.replace({"data.storage": storage}))
    return built, fingerprint(built.data)


class _Run:
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


def _check_devices(mesh: Mesh | None, batch_size: int, processes: Processes) -> None:
    if processes.count > 1:
        there = set() if mesh is None else {device.process_index for device in mesh.devices.flat}
        if len(there) < processes.count:
            raise ValueError(
                f"mesh must have devices of all {processes.count} processes, such as "
                "gf.sharding.data_mesh(), got "
                f"{'None' if mesh is None else f'those of {len(there)}'}"
            )
    if mesh is not None and batch_size % mesh.devices.size:
        raise ValueError(
            f"the {mesh.devices.size} devices of mesh must divide batch_size, got {batch_size}"
        )


def _next_chunk(chunk: int, taken: int, seconds: float) -> int:
    """Return how many steps to take at once, so that they take about half a second."""
    wanted = _PATIENCE * taken / max(seconds, 1e-6)
    return max(1, int(min(wanted, 4 * chunk)))
