"""The door to training: what can be wrong is found before anything is written."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from jax.sharding import Mesh

from ganfield._extras import need
from ganfield.checks import check_count
from ganfield.configuration import Built, Config, build, fingerprint
from ganfield.runs._checkpoints import CannotSaveError, Checkpoints
from ganfield.runs._run_directory import (
    RunDirectory,
    check_run,
    is_run,
    read_config,
    write_event,
)
from ganfield.runs._samples import check_shown
from ganfield.training._feeds import open_feed, storage_of
from ganfield.training._interrupts import listening
from ganfield.training._loop import Run
from ganfield.training._processes import Processes, ProcessLostError
from ganfield.training._recorder import Evaluate, Recorder
from ganfield.training._result import Progress, Result
from ganfield.training._stopping import StopWhen, check_rules


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
        run = Run(built, feed, recorder, processes, progress, mesh, spectrum_every)
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
