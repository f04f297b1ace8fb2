"""Training: the host's loop over compiled steps, and all that must happen between them."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ganfield._types import Batch, Players, PyTree
from ganfield.data import Images, to_float
from ganfield.simulate import replicated
from ganfield.training._build import Built, build, random_keys
from ganfield.training._checkpoint import CannotSaveError, Checkpoints
from ganfield.training._config import Config
from ganfield.training._data import fingerprint
from ganfield.training._generate import Maker
from ganfield.training._interrupts import Wish, listening
from ganfield.training._metrics import METRICS, measuring, warnings_of
from ganfield.training._quick import quick_jit
from ganfield.training._run_directory import RunDirectory, check_run, is_run, read_config
from ganfield.training._samples import save_samples
from ganfield.training._steps import Carry, advancing, spreading, start
from ganfield.training._tensorboard import Writer, check_installed, open_writer

Evaluate = Callable[[Callable[[int], np.ndarray]], Mapping[str, float]]
"""``evaluate(generate) -> scores``, where ``generate(count)`` returns that many examples."""

_PATIENCE = 0.5  # seconds that a call of the compiled program should take, so that Ctrl-C is heard


class Result(NamedTuple):
    """What became of a call of `train`.

    Attributes:
        status: "finished"; "done", if there was nothing left to do; "out of time"; "stopped", by a
            NaN or an infinity; "interrupted", by a signal.
        step: where the run stands.
        params: the players' parameters there. Of a run that stopped they are not finite.
        seconds: wall-clock of all steps since step 0, without compilation and evaluation.
        compile_seconds: wall-clock of tracing and compiling in this call.
        stopped_at: the first step that met a NaN or an infinity, or −1.
        unsolved_at: the first step whose inner solve did not converge, or −1.
        message: the same in words.
    """

    status: str
    step: int
    params: Players
    seconds: float
    compile_seconds: float
    stopped_at: int
    unsolved_at: int
    message: str


class Interrupted(KeyboardInterrupt):
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
    prepare: Callable[[Built], Built] | None = None,
    mesh: Mesh | None = None,
    tensorboard: bool = False,
    progress: Callable[[Progress], None] | None = None,
    listen: Callable[[str], None] | None = None,
) -> Result:
    """Train to a step, in a folder from which the run can be resumed.

    The folder gets ``config.json``, ``run.json``, ``metrics.csv``, ``scores.csv`` (with
    ``evaluate``), ``samples/`` (``real.png`` and grids from one fixed set of latent variables),
    ``checkpoints/`` and ``events.log``. If it holds a run with this configuration, that run goes on
    from its last whole checkpoint; on a CPU it ends with the same bits as one that was never
    stopped. What is random depends on the seed and the step alone.

    The first Ctrl-C (or SIGTERM) finishes the steps at hand and saves; a second one ends the
    process at once.

    Args:
        config: what to train, such as ``gf.training.preset("digits/consensus")``.
        output: the run's folder.
        data: what has a ``sample(key, size)``; loaded as ``config.data`` says if None.
        num_steps: train **to** this step; ``config.num_steps`` if None.
        max_seconds: end after so many seconds of steps in this call, as if the step then reached
            were the last.
        resume: "auto"; "always" refuses to start a new run, "never" to go on with one.
        allow_changes: whether a run may go on with another configuration.
        evaluate: functions ``evaluate(generate) -> dict`` of scores, called every
            ``evaluate_every`` steps and at the end; ``generate(count)`` returns that many examples,
            the same for the same step.
        prepare: ``prepare(built) -> built``, to change what was built.
        mesh: the devices of this process over which every batch is spread, such as
            ``gf.data_mesh()``; the default device if None. It is the same run but for rounding, and
            may be resumed on other devices.
        tensorboard: whether to write the metrics for TensorBoard too.
        progress: called with a `Progress` after every call of the compiled program.
        listen: called with every message that goes to ``events.log``.

    Returns:
        A `Result`.

    Raises:
        ValueError: the configuration, the folder or the data are not allowed. Nothing was done.
        ImportError: TensorBoard's writer was asked for and is not installed.
        OSError: something cannot be written; the checkpoints until then stay.
        Interrupted: a signal; the run was saved, and can be resumed.

    Example:
        >>> import pathlib, tempfile, ganfield as gf
        >>> config = gf.training.preset("digits/mlp").replace({"samples": 4})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = gf.training.train(config, folder, num_steps=3)
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir() if path.suffix)
        ['config.json', 'events.log', 'metrics.csv', 'run.json']
        >>> result.step, result.status
        (3, 'finished')
    """
    if num_steps is not None:
        config = config.replace({"num_steps": num_steps})
    if is_run(output) and config.data.storage == "auto":
        # It was decided when the run began, and decides what is drawn.
        config = config.replace({"data.storage": read_config(output).data.storage})
    check_run(output, config, resume=resume, allow_changes=allow_changes)
    _check_devices(mesh, config.batch_size)
    if tensorboard:
        check_installed()
    with ExitStack() as stack:
        # What can be wrong is found before anything is written.
        built = build(config, data)
        if prepare is not None:
            built = prepare(built)
        stack.callback(built.feed.close)
        folder = RunDirectory(
            output, built.config, resume=resume, allow_changes=allow_changes, listen=listen
        )
        stack.callback(folder.close)
        folder.describe(fingerprint(built.data))
        checkpoints = Checkpoints(folder.checkpoints, keep=config.keep, tell=folder.tell)
        stack.callback(checkpoints.close)
        run = _Run(built, folder, checkpoints, evaluate, progress, mesh)
        wish = stack.enter_context(listening())
        try:
            carry, going = run.begin()
            folder.accept(built.config)
            if not going:
                return run.result("done", carry, "nothing to do")
            if tensorboard:
                run.writer = stack.enter_context(open_writer(folder.folder, int(carry.step)))
            return run.train(carry, wish, math.inf if max_seconds is None else max_seconds)
        except CannotSaveError:
            raise
        except OSError as error:
            raise OSError(
                f"the run in {folder.folder} cannot go on: {error}; {checkpoints.last_in_words()}"
            ) from error


class _Run:
    """One call of `train`: what happens between its steps."""

    def __init__(
        self,
        built: Built,
        folder: RunDirectory,
        checkpoints: Checkpoints,
        evaluate: Sequence[Evaluate],
        progress: Callable[[Progress], None] | None,
        mesh: Mesh | None,
    ):
        self.built, self.folder, self.checkpoints = built, folder, checkpoints
        self.config, self.evaluate, self.progress = built.config, evaluate, progress
        self.writer: Writer | None = None
        self.seconds = self.compile_seconds = 0.0
        self.row: dict[str, float | int | str] = {}
        self.first_row: dict[str, float] = {}
        self._placed: tuple[PyTree, PyTree] = (None, None)
        keys = random_keys(built.config)
        self.key_init = keys.init
        self.maker = Maker(
            built.generator,
            latent_size=self.config.latent_size,
            reference_size=self.config.batch_size,
            key=keys.samples,
        )
        game, generator, discriminator = built.game, built.generator, built.discriminator
        self.measure = quick_jit(measuring(game, built.field, generator, discriminator))
        self.mesh, draw = mesh, built.feed.draw
        if mesh is not None:
            draw = spreading(draw, built.method, mesh)
        everywhere = None if mesh is None else NamedSharding(mesh, PartitionSpec())
        self.advance = jax.jit(
            advancing(built.method, built.followed, draw), out_shardings=everywhere
        )

    def begin(self) -> tuple[Carry, bool]:
        """Return where the run stands, and whether there is anything to do."""
        carry = start(self.built.method, quick_jit(self.built.game.init)(self.key_init))
        carry = self._everywhere(carry)
        found = self.checkpoints.load_last(carry)
        target = self.config.num_steps
        if found is None:
            self._cut(-1)
            return carry, True
        carry, self.seconds = found
        step = int(carry.step)
        if step >= target:
            self.folder.tell(f"nothing to do: the run is at step {step}, and num_steps is {target}")
            return carry, False
        # At step 0 everything is written again.
        self._cut(step if step else -1)
        self.folder.tell(f"resumed from step {step}")
        return carry, True

    def train(self, carry: Carry, wish: Wish, max_seconds: float) -> Result:
        """Take the steps."""
        step, target = int(carry.step), self.config.num_steps
        self._compile(carry, step)
        if step == 0:
            self._show_real()
            self._events(carry, 0, last=target == 0)
        began_at, began = step, self.seconds
        chunk = 1
        done = step >= target
        while not done:
            # Waiting for a loader is part of the time that steps take.
            before = time.perf_counter()
            source, until = self._source(step)
            stop = int(min(self._next_event(step), step + chunk, until))
            carry = jax.block_until_ready(self.program(carry, jnp.int32(stop), source))
            took = time.perf_counter() - before
            self.seconds += took
            chunk = _next_chunk(chunk, stop - step, took)
            step = int(carry.step)
            if int(carry.stopped_at) >= 0:
                return self._stopped(carry)
            done = step >= target or self.seconds - began >= max_seconds
            if not done:
                self._events(carry, step)
            if self.progress is not None:
                speed = (step - began_at) / max(self.seconds - began, 1e-9)
                self.progress(Progress(step, target, speed, self.row))
            if wish.signal is not None and not done:
                self.checkpoints.save(carry, seconds=self.seconds)
                result = self.result("interrupted", carry, "interrupted and saved")
                self.folder.tell(result.message)
                raise Interrupted(result, wish.signal)
        if step > began_at:
            self._events(carry, step, last=True)
        status = "finished" if step == target else "out of time"
        result = self.result(status, carry, status)
        self.folder.tell(result.message)
        return result

    def result(self, status: str, carry: Carry, said: str) -> Result:
        """Return what became of the run."""
        step, unsolved_at = int(carry.step), int(carry.unsolved_at)
        message = f"{said} at step {step}"
        if unsolved_at >= 0:
            message += f"; an inner solve did not converge at step {unsolved_at}"
        return Result(
            status,
            step,
            carry.state.params,
            self.seconds,
            self.compile_seconds,
            int(carry.stopped_at),
            unsolved_at,
            message,
        )

    def _stopped(self, carry: Carry) -> Result:
        said = f"stopped by a NaN or an infinity; {self.checkpoints.last_in_words()};"
        result = self.result("stopped", carry, said)
        self.folder.tell(result.message)
        return result

    def _compile(self, carry: Carry, step: int) -> None:
        """Compile what takes long, so that no clock of the steps counts it."""
        before = time.perf_counter()
        source, _ = self._source(step)
        self.program = self.advance.lower(carry, jnp.int32(step), source).compile()
        batch = self._batch(step)
        jax.block_until_ready(self.measure(carry.state.params, batch))
        self.compile_seconds = time.perf_counter() - before
        self.folder.tell(f"compiled in {self.compile_seconds:.1f} s")

    def _everywhere(self, tree: PyTree) -> PyTree:
        """Return a tree where the compiled programs want it."""
        return tree if self.mesh is None else replicated(tree, self.mesh)

    def _source(self, step: int) -> tuple[PyTree, float]:
        source, until = self.built.feed.source(step)
        if source is not self._placed[0]:
            self._placed = (source, self._everywhere(source))
        return self._placed[1], until

    def _batch(self, step: int) -> Batch:
        return self._everywhere(self.built.feed.batch(step))

    def _next_event(self, step: int) -> int:
        """Return the next step at which something is to be written."""
        config = self.config
        paces = (config.record_every, config.evaluate_every, config.checkpoint_every)
        return min(config.num_steps, *(step - step % pace + pace for pace in paces))

    def _events(self, carry: Carry, step: int, *, last: bool = False) -> None:
        """Write what is due at a step, the checkpoint last: what it has is then all there."""
        config, params = self.config, carry.state.params
        if last or step % config.record_every == 0:
            self._record(params, step)
        if last or step % config.evaluate_every == 0:
            images = self.maker(params.theta, config.samples)
            save_samples(self.folder.samples / f"step_{step:07}.png", images)
            if self.evaluate:
                self._score(params, step)
        if last or (step and step % config.checkpoint_every == 0):
            for table in (self.folder.metrics, self.folder.scores):
                table.sync()
            self.checkpoints.save(carry, seconds=self.seconds)

    def _record(self, params: Players, step: int) -> None:
        measured = self.measure(params, self._batch(step))
        numbers = {name: float(value) for name, value in jax.device_get(measured).items()}
        table = self.folder.metrics
        if not self.first_row:
            # As the file says it: a resumed run must compare with the same number.
            found = table.first()
            self.first_row = numbers if found is None else _numbers(found)
        signs = " ".join(warnings_of(numbers, self.first_row))
        self.row = {"step": step, "seconds": self.seconds, **numbers, "warnings": signs}
        table.append(self.row)
        if self.writer is not None:
            self.writer(step, numbers)

    def _score(self, params: Players, step: int) -> None:
        scores: dict[str, float | int | str] = {"step": step, "seconds": self.seconds}

        def generate(count: int) -> np.ndarray:
            return self.maker(params.theta, count)

        for each in self.evaluate:
            scores |= {name: float(value) for name, value in each(generate).items()}
        self.folder.scores.append(scores)
        if self.writer is not None:
            self.writer(step, {n: float(v) for n, v in scores.items() if n != "step"})

    def _show_real(self) -> None:
        examples = self.built.data
        if isinstance(examples, Images):
            chosen = np.random.default_rng(self.config.seed).integers(
                len(examples), size=self.config.samples
            )
            shown = to_float(np.asarray(examples.pixels[chosen]))
        else:
            shown = np.asarray(examples.sample(jax.random.key(0), self.config.samples))
        save_samples(self.folder.samples / "real.png", shown)

    def _cut(self, step: int) -> None:
        config = self.config
        self.folder.cut(
            step, record_every=config.record_every, evaluate_every=config.evaluate_every
        )


def _check_devices(mesh: Mesh | None, batch_size: int) -> None:
    if jax.process_count() > 1:
        raise ValueError(
            "train runs in one process; over several, call gf.simulate as docs/distributed.md says"
        )
    if mesh is not None and batch_size % mesh.devices.size:
        raise ValueError(
            f"the {mesh.devices.size} devices of mesh must divide batch_size, got {batch_size}"
        )


def _next_chunk(chunk: int, taken: int, seconds: float) -> int:
    """Return how many steps to take at once, so that they take about half a second."""
    wanted = _PATIENCE * taken / max(seconds, 1e-6)
    return max(1, int(min(wanted, 4 * chunk)))


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    return {name: float(row[name]) for name in METRICS}
