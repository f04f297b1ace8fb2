"""``ganfield train``: whole runs on images, resumed where they stand."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
from rich import progress as bars
from rich.console import Console

import ganfield as gf
from ganfield.cli._distributed import AGAIN, connect
from ganfield.cli._help import options, shown
from ganfield.cli._options import Count, File, Flag, Json, Name, RunFolder, Settings
from ganfield.cli._scores import Scorer
from ganfield.cli._show import tell
from ganfield.cli._words import OF_TRAINING, in_words


class Ended(NamedTuple):
    """What became of a run, what scores it if anything does, and the exit code."""

    result: Any
    scores: Scorer | None
    code: int


@options
class Train:
    """Train the networks of a preset on images, in a folder from which the run can be resumed.

    The run goes to the step --num-steps. The same command again goes on from the last checkpoint,
    after Ctrl-C, a kill or a crash, and ends where an unbroken run ends; with a larger --num-steps
    it trains further. What the folder holds is described in docs/training.md.

    Exit code 1 says that the run met a NaN or an infinity, that a file cannot be written, or that
    another process was lost.

    Try:
      ganfield train run --preset digits/mlp --num-steps 1000
      ganfield train run2 --preset digits/consensus --set method.gamma=1 seed=3
      ganfield train run3 --preset cifar10/conopt_conv4 --data cifar-10-batches-bin
      ganfield train run --num-steps 5000
      ganfield train run --num-steps 9000 --classifier digits.npz
      ganfield train run4 --set "stop=accuracy_fake within 0.02 of 0.5 over 1000 steps"
    """

    folder: RunFolder
    """The run's folder; made if need be, resumed if it is there."""
    preset: Name[str | None] = None
    """What to train; `ganfield list presets` shows all. (default: digits/dcgan, or what the
    folder's run was started with)"""
    data: Annotated[str | None, shown("DIR")] = None
    """Where the images are, or the file of points; not for digits, which come with scikit-learn.
    (default: where they were)"""
    num_steps: Count[int | None] = None
    """Train to this step. (default: the preset's)"""
    settings: Settings = ()
    """Other settings of the configuration, such as method.gamma=0.1 seed=3.
    (default: the preset's)"""
    resume: Annotated[str, shown("HOW")] = "auto"
    """auto goes on with a run that is there, or starts one; always refuses to start one, never to
    go on."""
    allow_changes: Flag = False
    """Go on although the folder's run has another configuration."""
    classifier: File[Path | None] = None
    """Score the run with this classifier, which `ganfield train-classifier` wrote: in scores.csv at
    each sample grid, and at the end. (default: no scores)"""
    num_samples: Count[int | None] = None
    """Generated images of each score, beside at most 10000 real ones.
    (default: 6400, with --classifier)"""
    spectrum_every: Count[int | None] = None
    """Write leading eigenvalues of v′, w′ and of the update map to spectrum.csv every so many
    steps. (default: never)"""
    duality_gap: Count[int | None] = None
    """Write to gaps.csv, with the metrics, what each player gains in so many steps of its own
    against the other, which stands still. (default: never)"""
    devices: Count[int] = 1
    """Over how many devices every batch is spread; see docs/distributed.md."""
    coordinator: Annotated[str | None, shown("HOST:PORT")] = None
    """Where the first of several processes listens, each started with this command; auto on
    clusters that JAX knows. They use all their devices. (default: one process)"""
    num_processes: Count[int | None] = None
    """How many processes there are. (default: one)"""
    process_id: Annotated[int | None, shown("INDEX")] = None
    """Which of them this is, from 0, which reads and writes the folder. (default: none)"""
    wait: Annotated[float | None, shown("SECONDS")] = None
    """How long the processes wait for one that does not come, or gives no sign of life.
    (default: 120)"""
    tensorboard: Flag = False
    """Write the metrics for TensorBoard as well."""
    json: Json = False

    def run(self) -> int:
        """Train, show how far it is, and return 0 if the step was reached."""
        link = connect(
            self.coordinator, self.num_processes, self.process_id, self.wait, folder=self.folder
        )
        # Training is in float32, whatever other commands compute in.
        with jax.enable_x64(False), in_words(OF_TRAINING):
            ended = self.find(link)
        if jax.process_index() == 0:  # The first process speaks for all.
            if self.json or not ended.code:
                tell(self, ended)
            if ended.code:
                again = " The same command goes on from there." if ended.code > 1 else ""
                print(f"error: {ended.result.message}.{again}", file=sys.stderr)
        return ended.code

    def find(self, link: Any) -> Ended:
        """Train, and return what became of the run; then no process needs the others any more."""
        training = gf.training
        config, mesh = self._config(), self._mesh()
        with _watching(self.folder.name, config.num_steps) as (progress, say):
            scores = self._scores(config)
            try:
                result = training.train(
                    config,
                    self.folder,
                    data=None if scores is None else scores.data,
                    resume=self.resume,
                    allow_changes=self.allow_changes,
                    evaluate=() if scores is None else [scores],
                    spectrum_every=self.spectrum_every,
                    duality_gap=self.duality_gap,
                    mesh=mesh,
                    tensorboard=self.tensorboard,
                    progress=progress,
                    listen=None if self.json else say,
                )
                code = 1 if result.outcome == "stopped" else 0
            except training.TrainingInterrupted as interrupt:
                result, code = interrupt.result, 128 + interrupt.signal
            except training.ProcessLostError as error:
                raise OSError(f"{error}. {AGAIN}") from error
        if link is not None:
            link.part()
        if scores is not None and result.outcome == "done" and jax.process_index() == 0:
            scores.score(config, result.params)
        return Ended(result, scores, code)

    def record(self, ended: Ended) -> dict[str, Any]:
        """Return what became of the run for JSON."""
        record = {"output": self.folder, **ended.result._asdict()}
        del record["params"]
        if ended.result.verdict is not None:
            record["verdict"] = ended.result.verdict._asdict()
        if ended.scores is not None:
            record["scores"] = None if ended.code else ended.scores.record()
        return record

    def say(self, ended: Ended) -> None:
        """Print how far the run is, and its scores."""
        result = ended.result
        print(
            f"{self.folder}: step {result.step}, {result.seconds:.1f} s of training, compiled in "
            f"{result.compile_seconds:.1f} s"
        )
        if result.verdict is not None:
            print(f"{result.verdict.outcome}: {result.verdict.reason}")
        if ended.scores is not None:
            print(ended.scores.in_words(result.step))

    def _scores(self, config: Any) -> Scorer | None:
        if self.classifier is None:
            if self.num_samples is not None:
                raise ValueError("--num-samples is for the scores that --classifier asks for")
            return None
        return Scorer(self.classifier, config, num_samples=self.num_samples)

    def _mesh(self) -> Any:
        count = gf.checks.check_count(self.devices, argument="--devices")
        if jax.process_count() > 1:
            if count > 1:
                raise ValueError(f"--devices is for one process, got {count} beside --coordinator")
            return gf.sharding.data_mesh()
        if count == 1:
            return None
        if count > jax.device_count():
            more = "; JAX_NUM_CPU_DEVICES=4 makes four of a CPU" * (jax.default_backend() == "cpu")
            raise ValueError(
                f"--devices must be at most {jax.device_count()} here, got {count}{more}"
            )
        return gf.sharding.data_mesh(jax.devices()[:count])

    def _config(self) -> Any:
        """Return the configuration that the options and the folder make."""
        before = gf.runs.read_config(self.folder) if gf.runs.is_run(self.folder) else None
        if self.preset is not None:
            config = gf.configuration.preset(self.preset)
        else:
            config = before or gf.configuration.preset("digits/dcgan")
        texts = [text for group in self.settings for text in group]
        changes: dict[str, Any] = dict(gf.configuration.parse_settings(texts, argument="--set"))
        if self.data is not None:
            changes["data.folder"] = str(Path(self.data).absolute())
        elif before is not None and "data.folder" not in changes:
            changes["data.folder"] = before.data.folder
        if self.num_steps is not None:
            gf.checks.check_count(self.num_steps, argument="--num-steps", minimum=0)
            changes["num_steps"] = self.num_steps
        return config.replace(changes)


@contextmanager
def _watching(
    title: str, num_steps: int
) -> Iterator[tuple[Callable[[Any], None], Callable[[str], None]]]:
    """Show progress on a terminal, on stderr; yield what is called with progress and messages."""
    console = Console(stderr=True, highlight=False, markup=False)
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=24),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[said]}"),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
    )
    # In a log file a bar is only noise, and messages alone tell enough.
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=num_steps, said="compiling")

        def progress(now: Any) -> None:
            said = f"{now.steps_per_second:.3g} steps/s"
            if now.metrics:
                losses = (now.metrics["loss_theta"], now.metrics["loss_phi"])
                said += " losses {:.3g}, {:.3g}".format(*losses)
                said += f" {now.metrics['warnings']}".rstrip()
            bar.update(task, completed=now.step, said=said)

        yield progress, console.print
