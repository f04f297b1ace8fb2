"""What a run leaves: rows of metrics and scores, sample grids, checkpoints."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property

import jax
import numpy as np

from ganfield._types import Batch, Players, PyTree
from ganfield.configuration import Built
from ganfield.data import Images, to_float
from ganfield.evaluation import precision_recall
from ganfield.evaluation._precision_recall import NEIGHBOURS
from ganfield.runs._checkpoints import Checkpoints
from ganfield.runs._generate import Maker
from ganfield.runs._quick import quick_jit
from ganfield.runs._run_directory import RunDirectory
from ganfield.runs._samples import limit_of, save_samples
from ganfield.runs._tables import METRICS
from ganfield.simulate import Standing
from ganfield.training._feeds import Feed
from ganfield.training._gaps import Gaps
from ganfield.training._metrics import measuring, warnings_of
from ganfield.training._signs import agreement, place
from ganfield.training._spectra import Spectra
from ganfield.training._stopping import StopWhen, Watch
from ganfield.training._tensorboard import Writer, open_writer

Evaluate = Callable[[Callable[[int], np.ndarray]], Mapping[str, float]]
"""``evaluate(generate) -> scores``, where ``generate(count)`` returns that many examples."""


class Recorder:
    """Writes what is due at a step, into the folder of a run.

    Args:
        built: the run.
        feed: its batches.
        folder: its folder.
        checkpoints: in that folder.
        evaluate: the functions that give scores.
        stop_when: what may stop the run beside its configuration's rule, or None.
        duality_gap: how many steps each player takes alone for a row of ``gaps.csv``; None for no
            such rows.
        spectrum_every: steps between rows of ``spectrum.csv``; None for none.

    Attributes:
        row: the last row of metrics, or empty.
    """

    def __init__(
        self,
        built: Built,
        feed: Feed,
        folder: RunDirectory,
        checkpoints: Checkpoints,
        evaluate: Sequence[Evaluate],
        stop_when: StopWhen | None = None,
        *,
        duality_gap: int | None = None,
        spectrum_every: int | None = None,
    ):
        self.built, self.folder, self.checkpoints = built, folder, checkpoints
        self._feed = feed
        self.config, self.evaluate = built.config, evaluate
        self._writer: Writer | None = None
        self.row: dict[str, float | int | str] = {}
        self._first_row: dict[str, float] = {}
        self._noted = False
        self._watch = Watch(built.config.stop, stop_when)
        if evaluate:
            protocols = [getattr(each, "protocol", None) for each in evaluate]
            folder.check_scored_by([each._asdict() for each in protocols if each is not None])
        self._maker = Maker(built)
        self._gaps = None if duality_gap is None else Gaps(built, feed, duality_gap)
        every = spectrum_every
        self._spectra = None if every is None else Spectra(built, feed, folder, every)
        metrics, outputs = measuring(built.game, built.original), built.game.outputs
        assert outputs is not None  # or it would have no metrics either

        def measure(params: Players, batch: Batch) -> PyTree:
            signs = agreement(built.original, params, batch)
            real, fake, *_ = outputs(params, batch)
            return metrics(params, batch) | signs, fake, real

        self._measure = quick_jit(measure)

    def load(self, like: Standing) -> tuple[Standing, float] | None:
        """Return where the run stands and its wall-clock, and drop what was written after it."""
        last = self.checkpoints.load_last(like)
        self.folder.accept(self.config)
        step = 0 if last is None else int(last[0].step)
        if last is None or step < self.config.num_steps:
            # At step 0 everything is written again.
            self.folder.cut(
                step or -1,
                record_every=self.config.record_every,
                evaluate_every=self.config.evaluate_every,
                spectrum_every=None if self._spectra is None else self._spectra.every,
            )
        if not self._watch.is_idle:
            tables = {"metrics": self.folder.metrics, "scores": self.folder.scores}
            self._watch.begin(**{name: table.arrays() for name, table in tables.items()})
        return last

    def why_stopped(self) -> str:
        """Return what stops the run where it stands, in words, or nothing."""
        return self._watch.why()

    def write_for_tensorboard(self, stack: ExitStack, step: int) -> None:
        """Write all numbers for TensorBoard too, from a step on, until the stack is closed."""
        self._writer = stack.enter_context(open_writer(self.folder.folder, step))

    def prepare(self, params: Players, step: int) -> None:
        """Compile what is measured."""
        jax.block_until_ready(self._measure(params, self._feed.measured(step)))

    def events(self, standing: Standing, step: int, seconds: float, *, last: bool = False) -> str:
        """Write what is due at a step, the checkpoint last: what it has is then all there.

        Returns:
            What stops the run here before its last step, in words, or nothing.
        """
        config, params = self.config, standing.state.params
        if step == 0:
            save_samples(self.folder.samples / "real.png", self._real, limit=self._limit)
        records, evaluates = step % config.record_every == 0, step % config.evaluate_every == 0
        if last or records:
            self._record(params, step, seconds)
        if self._spectra is not None and (last or step % self._spectra.every == 0):
            self._spectra.record(standing.state, step)
        if last or evaluates:
            self._evaluate(params, step, seconds)
        why = "" if last or not (records or evaluates) else self._watch.why()
        if why:
            # Its last row is one of its pace, and stays when the run is taken on.
            last = True
            if not evaluates:
                self._evaluate(params, step, seconds)
        if last or (step and step % config.checkpoint_every == 0):
            for table in self.folder.tables:
                table.sync()
            self.checkpoints.save(standing, seconds=seconds)
        return why

    def _evaluate(self, params: Players, step: int, seconds: float) -> None:
        images = self._maker(params.theta, self.config.samples)
        save_samples(self.folder.samples / f"step_{step:07}.png", images, limit=self._limit)
        if self.evaluate:
            self._score(params, step, seconds)

    def _record(self, params: Players, step: int, seconds: float) -> None:
        measured = self._measure(params, self._feed.measured(step))
        metrics, fake, real = jax.device_get(measured)
        numbers = {name: float(value) for name, value in metrics.items()} | _shares(real, fake)
        self.folder.path.append({"step": step, **place(params)})
        if self._gaps is not None:
            self.folder.gaps.append({"step": step, **self._gaps(params, step)})
        table = self.folder.metrics
        if not self._first_row:
            # As the file says it: a resumed run must compare with the same number.
            written = table.first()
            self._first_row = numbers if written is None else _numbers(written)
        signs = " ".join(warnings_of(numbers, self._first_row))
        self.row = {"step": step, "seconds": seconds, **numbers, "warnings": signs}
        table.append(self.row)
        self._watch.add("metrics", self.row)
        if self._writer is not None:
            self._writer(step, numbers)

    def _score(self, params: Players, step: int, seconds: float) -> None:
        scores: dict[str, float | int | str] = {"step": step, "seconds": seconds}

        def generate(count: int) -> np.ndarray:
            return self._maker(params.theta, count)

        for each in self.evaluate:
            scores |= {name: float(value) for name, value in each(generate).items()}
        self.folder.scores.append(scores)
        self._watch.add("scores", scores)
        if not self._noted:
            self._noted = True
            for each in self.evaluate:
                if hasattr(each, "protocol"):
                    self.folder.tell(f"scores: {each.protocol}")
                for note in getattr(each, "notes", ()):
                    self.folder.tell(f"note on the scores: {note}")
        if self._writer is not None:
            self._writer(step, {n: float(v) for n, v in scores.items() if n != "step"})

    @cached_property
    def _real(self) -> np.ndarray:
        examples = getattr(self.built.data, "images", self.built.data)
        if isinstance(examples, Images):
            chosen = np.random.default_rng(self.config.seed).integers(
                len(examples), size=self.config.samples
            )
            return to_float(np.asarray(examples.pixels[chosen]))
        return np.asarray(examples.sample(jax.random.key(0), self.config.samples))

    @cached_property
    def _limit(self) -> float:
        # Of all pictures of a run, also of one that is resumed: the real ones are the same.
        return limit_of(self._real) if self._real.ndim == 2 else 1.0


def _numbers(row: Mapping[str, str]) -> dict[str, float]:
    return {name: float(row[name]) for name in METRICS}


def _shares(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
    """Return precision and recall of a batch of points; NaN where they mean nothing.

    Of images they do not: a blurred one is near many in pixels, and none is near it.
    """
    points = [np.asarray(each, np.float64) for each in (real, fake)]
    means_nothing = len(real) <= NEIGHBOURS or real.ndim > 2
    if means_nothing or not all(np.isfinite(each).all() for each in points):
        return {"precision": float("nan"), "recall": float("nan")}
    return precision_recall(*points)._asdict()
