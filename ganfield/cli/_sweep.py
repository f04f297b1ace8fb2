"""``ganfield sweep``: a preset's runs over seeds, numbers, methods and networks."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
from rich import progress as bars
from rich.console import Console

import ganfield as gf
from ganfield._extras import need
from ganfield.cli._axes import parse_axes
from ganfield.cli._help import options, shown
from ganfield.cli._options import Count, Dark, File, Json, Name, Settings, Texts
from ganfield.cli._preset_runs import COVERAGE, PresetRuns
from ganfield.cli._programs import keep_programs
from ganfield.cli._show import number, show, table, tell
from ganfield.cli._words import OF_SWEEPS, in_words

# What a terminal has room for; --json has all.
_SHOWN = ("loss_theta", "loss_phi", "diversity")
_MOST_ROWS = 60


@options
class Sweep:
    """Run a preset over seeds, numbers, methods or networks, in a folder that it goes on from.

    Every --axis is a setting and its values: `gamma=1,3,10`, or a range of whole numbers that ends
    before its second, `seed=0:256`. Several make a grid. A run is the one that `ganfield train`
    does of these settings. The same command again goes on after Ctrl-C, a kill or a crash, and
    ends with the numbers of an unbroken sweep, bit for bit.

    Try:
      ganfield sweep --preset ring --axis gamma=1,3,10 --axis seed=0:4 --num-steps 200 --output r
      ganfield sweep --preset digits/mlp --axis method=alternating,simultaneous --output digits
      ganfield sweep --preset ring --axis step_size=1e-4,1e-3 --output rates --plot rates.png
    """

    preset: Name[str]
    """What is run; `ganfield list presets` shows all. A data set's name alone is its consensus
    preset, such as ring for ring/consensus."""
    output: Annotated[Path, shown("FOLDER")]
    """The sweep's folder; made if need be, and gone on with if it is there."""
    axes: Annotated[Texts, shown("NAME=VALUES", name="axis")] = ()
    """A setting and its values, comma-separated or FIRST:END. Settings may be given by the last
    part of their names: gamma, learning_rate, optimizer, transform, objective; method is the
    method's name. (default: one run)"""
    settings: Settings = ()
    """Other settings of all runs, such as batch_size=64. (default: the preset's)"""
    data: Annotated[str | None, shown("DIR")] = None
    """Where the images are, for presets that are no part of a package. (default: nowhere)"""
    num_steps: Count[int | None] = None
    """Steps of each run. (default: the preset's)"""
    piece_size: Count[int | None] = None
    """Runs that are done at once, and saved. (default: 64)"""
    scheduler: Annotated[str | None, shown("ADDRESS")] = None
    """A Dask scheduler, such as tcp://10.0.0.1:8786, whose workers do the runs.
    (default: this process does)"""
    plot: File[Path | None] = None
    """Write a figure to this .png, .pdf or .svg file. (default: no figure)"""
    quantity: Name[str | None] = None
    """What the figure shows: a name in the runs of --json. (default: modes_covered, of images
    diversity)"""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Run what is not done yet, show how far it is, and print what came of it."""
        if self.plot is not None:
            gf.plot.check_path(self.plot, argument="--plot")
        # Runs are in float32, whatever other commands compute in.
        with jax.enable_x64(False), in_words(OF_SWEEPS):
            runs, axes = self._runs()
            count = runs.config.num_steps
            with _watching(self.output.name, count) as told, self._where() as on:
                sweep = gf.sweep(
                    runs,
                    axes,
                    num_steps=count,
                    progress=told,
                    folder=self.output,
                    executor=on,
                    piece_size=self.piece_size,
                )
            if self.plot is not None:
                self._draw(sweep, self.plot)
        tell(self, sweep)
        return 0

    def record(self, sweep: gf.Sweep) -> dict[str, Any]:
        """Return what came of the runs for JSON."""
        return {
            "output": self.output,
            "axes": dict(sweep.axes),
            "seconds": sweep.seconds,
            "compile_seconds": sweep.compile_seconds,
            "num_programs": sweep.num_programs,
            "runs": sweep.to_records(),
            "plot": self.plot,
        }

    def say(self, sweep: gf.Sweep) -> None:
        """Print a row for each point of the grid, means and spreads over its seeds."""
        print(f"{self.output}: {sweep}, {sweep.seconds:.1f} s")
        names = [name for name in COVERAGE if name in sweep.run.records] or list(_SHOWN)
        axes = [name for name in sweep.axes if name != "seed"]
        rows = table(*axes, *names, "stopped")
        points = list(itertools.product(*(sweep.axes[name] for name in axes)))
        for point in points[:_MOST_ROWS]:
            part = sweep.sel(**dict(zip(axes, point, strict=True)))
            values = (_spread(part.values(name)[-1]) for name in names)
            stopped = np.asarray(part.run.stopped_at) >= 0
            labels = (x if isinstance(x, str) else f"{x:g}" for x in point)
            rows.add_row(*labels, *values, f"{stopped.sum()} of {stopped.size}")
        show(rows)
        if len(points) > _MOST_ROWS:
            print(f"… and {len(points) - _MOST_ROWS} rows more, with --json")
        if np.size(sweep.axes.get("seed", ())) > 1:
            print("±: standard deviation over the seeds that did not stop, at the last step")
        if self.plot is not None:
            print(f"wrote {self.plot}")

    def _runs(self) -> tuple[PresetRuns, dict[str, list[Any]]]:
        """Return the runs and their axes."""
        known = gf.configuration.PRESETS
        family = f"{self.preset}/consensus"
        name = family if self.preset not in known and family in known else self.preset
        config = gf.configuration.preset(name)
        texts = [text for group in self.settings for text in group]
        changes: dict[str, Any] = dict(gf.configuration.parse_settings(texts, argument="--set"))
        if self.data is not None:
            changes["data.folder"] = str(Path(self.data).absolute())
        if self.num_steps is not None:
            changes["num_steps"] = self.num_steps
        config = config.replace(changes)
        if config.stop is not None:
            raise ValueError(
                "stop is for ganfield train: runs of a sweep are one program, and all go to "
                f"--num-steps, got {config.stop!r}"
            )
        gf.checks.check_count(config.num_steps, argument="--num-steps")
        settings, axes = parse_axes([text for group in self.axes for text in group], config)
        return PresetRuns(config, settings), axes

    @contextmanager
    def _where(self) -> Iterator[Any]:
        """Yield the executor that the options ask for, or None."""
        if self.scheduler is None:
            yield None
            return
        need("distributed", who="--scheduler")
        import distributed

        with distributed.Client(self.scheduler, timeout=20, set_as_default=False) as client:
            # Workers that come later, too, keep what they compile, and read what others have.
            client.register_worker_callbacks(setup=keep_programs)
            yield client.get_executor(pure=False)

    def _draw(self, sweep: gf.Sweep, path: Path) -> None:
        first = COVERAGE[0] if COVERAGE[0] in sweep.run.records else "diversity"
        quantity = first if self.quantity is None else self.quantity
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(4.5, 3.2)
            ax = figure.subplots()
            gf.plot.sweep(sweep, quantity, ax)
            if ax.get_legend_handles_labels()[1]:
                ax.legend()
            gf.plot.save(figure, path)


def _spread(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "–"
    return number(known.mean()) + (f" ± {number(known.std(ddof=1), 2)}" if known.size > 1 else "")


@contextmanager
def _watching(title: str, num_steps: int) -> Iterator[Callable[[int, Any], None]]:
    """Show progress with the time left on a terminal, on stderr; yield what is called with it."""
    console = Console(stderr=True, highlight=False, markup=False)
    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(bar_width=24),
        bars.TaskProgressColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=num_steps)
        yield lambda step, record: bar.update(task, completed=step)
