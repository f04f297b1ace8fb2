"""``ganfield train``: whole runs on images, resumed where they stand."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
from rich import progress as bars
from rich.console import Console
from tyro.conf import FlagCreatePairsOff, arg

import ganfield as gf
from ganfield.cli._distributed import connect
from ganfield.cli._options import Json, Texts
from ganfield.cli._scores import Scorer


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train the networks of a preset on images, in a folder from which the run can be resumed.

    --num-steps is the step to train to. The same command again goes on from the last checkpoint,
    after Ctrl-C, a kill or a crash, and ends where an unbroken run ends; with a larger --num-steps
    it trains further. What the folder holds is described in docs/training.md.

    Exit code 1 says that the run met a NaN or an infinity, or that a file cannot be written.

    Try:
      ganfield train --preset digits/mlp --output run --num-steps 1000
      ganfield train --preset digits/consensus --output run2 --set method.gamma=1 seed=3
      ganfield train --preset cifar10/conopt_conv4 --data cifar-10-batches-bin --output run3
      ganfield train --output run --num-steps 5000
      ganfield train --output run --num-steps 9000 --classifier digits.npz
    """

    output: Annotated[
        Path, arg(metavar="RUN", help="The run's folder; made if need be, resumed if it is there.")
    ]
    preset: Annotated[
        str | None,
        arg(
            metavar="NAME",
            help="What to train; `ganfield list presets` shows all.",
            help_behavior_hint="(default: digits/dcgan, or what the folder's run was started with)",
        ),
    ] = None
    data: Annotated[
        str | None,
        arg(
            metavar="DIR",
            help="Where the images are; not for digits, which come with scikit-learn.",
            help_behavior_hint="(default: where they were)",
        ),
    ] = None
    num_steps: Annotated[
        int | None,
        arg(
            metavar="COUNT",
            help="Train to this step.",
            help_behavior_hint="(default: the preset's)",
        ),
    ] = None
    settings: Annotated[
        Texts,
        arg(
            name="set",
            metavar="NAME=VALUE",
            help="Other settings of the configuration, such as method.gamma=0.1 seed=3.",
            help_behavior_hint="(default: the preset's)",
        ),
    ] = ()
    resume: Annotated[
        str,
        arg(
            metavar="HOW",
            help="auto goes on with a run that is there, or starts one; always refuses to start "
            "one, never to go on.",
        ),
    ] = "auto"
    allow_changes: Annotated[
        bool,
        FlagCreatePairsOff,
        arg(help="Go on although the folder's run has another configuration."),
    ] = False
    classifier: Annotated[
        Path | None,
        arg(
            metavar="FILE",
            help="Score the run with this classifier, which `ganfield train-classifier` wrote: in "
            "scores.csv at each sample grid, and at the end.",
            help_behavior_hint="(default: no scores)",
        ),
    ] = None
    num_samples: Annotated[
        int | None,
        arg(
            metavar="COUNT",
            help="Generated images of each score, beside at most 10000 real ones.",
            help_behavior_hint="(default: 6400, with --classifier)",
        ),
    ] = None
    devices: Annotated[
        int,
        arg(
            metavar="COUNT",
            help="Over how many devices every batch is spread; see docs/distributed.md.",
        ),
    ] = 1
    coordinator: Annotated[
        str | None,
        arg(
            metavar="HOST:PORT",
            help="Where the first of several processes listens, each started with this command; "
            "auto on clusters that JAX knows. They use all their devices.",
            help_behavior_hint="(default: one process)",
        ),
    ] = None
    num_processes: Annotated[
        int | None,
        arg(
            metavar="COUNT",
            help="How many processes there are.",
            help_behavior_hint="(default: one)",
        ),
    ] = None
    process_id: Annotated[
        int | None,
        arg(
            metavar="INDEX",
            help="Which of them this is, from 0, which reads and writes the folder.",
            help_behavior_hint="(default: none)",
        ),
    ] = None
    tensorboard: Annotated[
        bool, FlagCreatePairsOff, arg(help="Write the metrics for TensorBoard as well.")
    ] = False
    json: Json = False

    def run(self) -> int:
        """Train, show how far it is, and return 0 if the step was reached."""
        connect(self.coordinator, self.num_processes, self.process_id)
        # Training is in float32, whatever other commands compute in.
        with jax.enable_x64(False):
            return self._train()

    def _train(self) -> int:
        config, mesh = self._config(), self._mesh()
        training = gf.training
        code = 0
        with _watching(self.output.name, config.num_steps) as (progress, say):
            scores = self._scores(config)
            try:
                result = training.train(
                    config,
                    self.output,
                    data=None if scores is None else scores.data,
                    resume=self.resume,
                    allow_changes=self.allow_changes,
                    evaluate=() if scores is None else [scores],
                    mesh=mesh,
                    tensorboard=self.tensorboard,
                    progress=progress,
                    listen=None if self.json else say,
                )
                code = 1 if result.outcome == "stopped" else 0
            except training.TrainingInterrupted as interrupt:
                result, code = interrupt.result, 128 + interrupt.signal
        if jax.process_index():  # The first process speaks for all.
            return code
        if scores is not None and result.outcome == "done":
            scores.score(config, result.params)
        if self.json:
            record = _record(result, self.output)
            if scores is not None:
                record["scores"] = scores.record() if code == 0 else None
            print(gf.reporting.to_json(record))
        elif code == 0:
            print(
                f"{self.output}: step {result.step}, {result.seconds:.1f} s of training, compiled "
                f"in {result.compile_seconds:.1f} s"
            )
            if scores is not None:
                print(scores.in_words(result.step))
        if code:
            again = " The same command goes on from there." if code > 1 else ""
            print(f"error: {result.message}.{again}", file=sys.stderr)
        return code

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
        training = gf.training
        before = training.read_config(self.output) if training.is_run(self.output) else None
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


def _record(result: Any, output: Path) -> dict[str, Any]:
    record = result._asdict()
    del record["params"]
    return {"output": output, **record}


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
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        task = shown.add_task(title, total=num_steps, said="compiling")

        def progress(now: Any) -> None:
            said = f"{now.steps_per_second:.3g} steps/s"
            if now.metrics:
                losses = (now.metrics["loss_theta"], now.metrics["loss_phi"])
                said += " losses {:.3g}, {:.3g}".format(*losses)
                said += f" {now.metrics['warnings']}".rstrip()
            shown.update(task, completed=now.step, said=said)

        yield progress, console.print
