"""A run of training as objects again: what it trained, how, and what it remembers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._html import html_facts, html_table
from ganfield._types import Field, Players, Sampler
from ganfield.checks import check_count
from ganfield.configuration import (
    Built,
    Config,
    build,
    fingerprint,
    load_data,
    looks_at_data,
    random_keys,
)
from ganfield.games import Game
from ganfield.methods import Method, State
from ganfield.methods._averaging import AveragedMemory
from ganfield.networks import Network
from ganfield.runs._checkpoints import Checkpoints
from ganfield.runs._generate import Maker
from ganfield.runs._quick import quick_jit
from ganfield.runs._run_directory import read_about, read_config
from ganfield.runs._tables import Table
from ganfield.runs._verdict import verdict
from ganfield.simulate import Standing, stand
from ganfield.stability import Verdict


@dataclass(frozen=True, eq=False, repr=False)
class SavedRun:
    """A run at one of its checkpoints; `load` makes it.

    Attributes:
        folder: where it lies.
        config: what was trained.
        step: the step of the checkpoint that was loaded.
        steps: those of all its checkpoints, in ascending order.
        game: what was played.
        original: v, the game's own field.
        field: what the method moves along: v, or what the configuration's transform makes of it.
        method: how the players moved.
        discriminator: φ's network, of which ``penultimate`` gives features.
        state: the method's state: ``state.params``, and in ``state.memory`` what its optimizer
            remembers, such as RMSProp's second moments.
        seconds: wall-clock of the steps until here.
        unsolved_at: the first step whose inner solve did not converge, or −1.
        provenance: what ``run.json`` says: command, versions, commit, hardware, and the data.
        metrics: column → array, ``metrics.csv``; its keyword arguments make a data frame.
        scores: column → array, ``scores.csv``; empty where nothing was scored.
    """

    folder: Path
    config: Config
    step: int
    steps: tuple[int, ...]
    state: State
    seconds: float
    unsolved_at: int
    provenance: dict[str, Any]
    metrics: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    _built: Built = field(repr=False)
    _given: Any = None

    @property
    def params(self) -> Players:
        """The players' parameters."""
        return self.state.params

    @property
    def average(self) -> Players | None:
        """The average of the parameters, where ``config.method.wrapper`` is "averaged"."""
        memory = self.state.memory
        return memory.average if isinstance(memory, AveragedMemory) else None

    @property
    def game(self) -> Game:
        """What was played."""
        return self._built.game

    @property
    def original(self) -> Field:
        """The game's own field v."""
        return self._built.original

    @property
    def field(self) -> Field:
        """What the method moves along."""
        return self._built.field

    @property
    def method(self) -> Method:
        """How the players moved."""
        return self._built.method

    @property
    def discriminator(self) -> Network:
        """φ's network."""
        return self._built.discriminator

    @cached_property
    def data(self) -> Any:
        """What was trained on, loaded when first asked for.

        Raises:
            ValueError: it cannot be loaded, or is not what the run was trained on: then ``load``
                must be given it.
        """
        here = load_data(self.config.data) if self._given is None else self._given
        before = self.provenance.get("data")
        if before is not None and fingerprint(here) != before:
            raise ValueError(
                f"the data are not those of the run in {self.folder}: give load(…, data=…) what "
                "was trained on"
            )
        return here

    @property
    def sample(self) -> Sampler:
        """``sample(key) -> batch`` of the configuration's sizes, from the run's data."""
        return self._built._replace(data=self.data).sampler()

    @property
    def verdict(self) -> Verdict:
        """What has become of the run, by all that its tables have: `ganfield.runs.verdict`."""
        return verdict(self.folder)

    def generate(self, count: int, *, average: bool = False) -> np.ndarray:
        """Return examples of the generator.

        Args:
            count: how many.
            average: whether its parameters are the run's average.

        Returns:
            An array (count, …), images in [−1, 1]. The first ones are those of the run's own
            grids; a larger count only adds some. Batch norm, where there is any, has the statistics
            of one fixed batch of ``config.reference_size`` latent variables.

        Raises:
            ValueError: the count is below 1, or the run keeps no average.
        """
        check_count(count, argument="count")
        params = self.average if average else self.params
        if params is None:
            raise ValueError(
                f"the run in {self.folder} keeps no average: train with method.wrapper=averaged"
            )
        return Maker(self._built)(params.theta, count)

    def __repr__(self) -> str:
        kept = ", ".join(map(str, self.steps))
        return f"SavedRun: {self.folder} at step {self.step} (checkpoints: {kept})"

    def _repr_html_(self) -> str:
        last = zip(*(column[-5:] for column in self.metrics.values()), strict=True)
        facts = html_table(list(self.metrics), last, title=f"{self!r}: the last metrics")
        scores = {name: column[-1] for name, column in self.scores.items() if len(column)}
        return facts + (html_facts("the last scores", scores) if scores else "")


class NewerRunError(ValueError):
    """A run was made by a newer version, and may mean what this one cannot know."""


class _Shaped:
    """In place of data, where only their shape matters."""

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        return jnp.zeros((size, *self.shape))


def load(
    folder: str | os.PathLike[str],
    step: int | None = None,
    *,
    data: Any = None,
    listen: Callable[[str], None] | None = None,
) -> SavedRun:
    """Return a run of `ganfield.training.train` as objects: game, field, method, state, tables.

    Nothing is trained, and nothing in the folder changes. The run may still be going on: then this
    is its last checkpoint. Data are loaded only when they are asked for, or where a game's networks
    follow from them: classes from labels, sources of a translation.

    Args:
        folder: the run's folder.
        step: of the checkpoint; the last whole one if None.
        data: what the run was trained on, where it was given to ``train`` as an object.
        listen: called with what should be known, such as that a checkpoint is damaged.

    Returns:
        A `SavedRun`.

    Raises:
        ValueError: the folder is no run, or a newer version's; there is no checkpoint of this step,
            or none at all; or it is another run's, or a file of the run is damaged.
        OSError: the checkpoint asked for is damaged, or all are.

    Example:
        >>> import tempfile, jax, ganfield as gf
        >>> folder = tempfile.mkdtemp()
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> _ = gf.training.train(config, folder, num_steps=2)
        >>> run = gf.runs.load(folder)
        >>> run.step, run.metrics["step"].tolist(), run.generate(3).shape
        (2, [0, 2], (3, 16, 16, 1))
        >>> gf.runs.load(folder, step=1)
        Traceback (most recent call last):
        ...
        ValueError: there is no checkpoint of step 1 in ...: those of the steps 2 are there
    """
    folder = Path(folder)
    config = read_config(folder)
    about = provenance_of(folder)
    if looks_at_data(config):
        built = build(config, data)
    else:
        built = build(config, _Shaped(_shape(about, data, config)))
    metrics, scores = (Table(folder / f"{name}.csv").arrays() for name in ("metrics", "scores"))
    if not (folder / "checkpoints").is_dir():
        raise ValueError(f"there is no checkpoint yet in {folder}")
    checkpoints = Checkpoints(
        folder / "checkpoints", keep=None, tell=listen or (lambda _: None), run=about.get("id")
    )
    try:
        if step is not None and step not in checkpoints.steps():
            raise _not_there(step, checkpoints)
        try:
            standing, seconds = _read(checkpoints, step, built)
        except OSError as error:
            if step is None or not checkpoints.went(step):
                raise
            raise _not_there(step, checkpoints) from error
        steps = checkpoints.steps()
    finally:
        checkpoints.close()
    return SavedRun(
        folder,
        config,
        int(standing.step),
        tuple(steps),
        standing.state,
        seconds,
        int(standing.unsolved_at),
        about,
        metrics,
        scores,
        _built=built,
        _given=data,
    )


def _not_there(step: int, checkpoints: Checkpoints) -> ValueError:
    there = ", ".join(map(str, checkpoints.steps())) or "none"
    return ValueError(
        f"there is no checkpoint of step {step} in {checkpoints.folder.parent}: those of the steps "
        f"{there} are there"
    )


def _read(checkpoints: Checkpoints, step: int | None, built: Built) -> tuple[Standing, float]:
    def begin(key: jax.Array) -> Standing:
        return stand(built.method, built.game.init(key))

    # A run keeps the precision that it was trained in.
    with jax.enable_x64(checkpoints.is_double()):
        like = quick_jit(begin)(random_keys(built.config).init)
        if step is not None:
            return checkpoints.load(step, like)
        last = checkpoints.load_last(like)
    if last is None:
        raise ValueError(f"there is no checkpoint yet in {checkpoints.folder.parent}")
    return last


def provenance_of(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says, nothing where it is not there; refuse newer versions' runs."""
    about = read_about(folder)
    made_by = str(about.get("versions", {}).get("ganfield", "0"))
    here = metadata.version("ganfield")
    if _numbers(made_by) > _numbers(here):
        raise NewerRunError(
            f"the run in {folder} was made by ganfield {made_by}, and this is {here}: it may mean "
            "what this version cannot know"
        )
    return about


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def _shape(about: dict[str, Any], data: Any, config: Config) -> tuple[int, ...]:
    """Return the shape of an example, from the run's own record where it has it."""
    described = about.get("data") or {}
    if data is None and "shape" in described:
        return tuple(described["shape"])
    data = load_data(config.data) if data is None else data
    drawn = jax.eval_shape(lambda key: data.sample(key, 1), jax.random.key(0))
    return tuple(drawn.shape[1:])
