"""Many runs: which there are, where they are done, and what is kept of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

import jax
import numpy as np

from ganfield._types import PyTree
from ganfield.sweeps._executor import check_executor, run_on
from ganfield.sweeps._folder import Folder
from ganfield.sweeps._join import join
from ganfield.sweeps._piece import Done, PieceInterrupted, Runner, runner_of
from ganfield.sweeps._plan import Build, Plan, make_plan
from ganfield.sweeps._result import Sweep, SweepInterrupted

_PIECE = 64
"""Runs of a piece, where there is a folder or an executor and nobody says otherwise."""


def sweep(
    build: Build,
    axes: Mapping[str, Any] | None = None,
    *,
    num_steps: int,
    fixed: Mapping[str, Any] | None = None,
    progress: Callable[[int, PyTree], None] | None = None,
    folder: str | os.PathLike[str] | None = None,
    executor: Executor | None = None,
    piece_size: int | None = None,
) -> Sweep:
    """Run a simulation on a grid of whatever one may vary: seeds, numbers, methods, networks.

    What can be traced, numbers and keys as a rule, is an argument of one ``vmap``ped program,
    compiled once and spread over the devices that JAX sees (on a CPU,
    ``jax.config.update("jax_num_cpu_devices", cores)`` at the start of a program gives one for
    each core). What can't, optimizers and methods and widths, has a program for each value, and
    these are run one after the other. A second call with other values of the same types and shapes
    compiles nothing: ``build`` is traced anew, so that it reads what there is now, and a program
    that was compiled before is used again.

    The runs of a program are cut into pieces, which are done whole or not at all, and are the same
    bit for bit wherever they are done (on devices of one kind, as many of them in each process).
    Between records the host can show progress, stop when every run of a piece has become NaN or
    infinite, and keep what there is on Ctrl-C.

    Args:
        build: ``build(**point) -> Simulation``, called with a value from each axis and those of
            ``fixed``, traced where that can be. Any callable. What differs in anything but those
            values, in a constant that it reads say, is compiled anew.
        axes: name → values. An array has them along its first axis (keys too), and so has every
            leaf of a pytree of arrays, whose leaves then change together. A list, tuple or range
            may hold anything; a dict says how its values are called, label → value. Several axes
            make a grid, in their order; none make a single run.
        num_steps: how many steps. The last is recorded too, where the simulation's
            ``record_every`` does not divide them.
        fixed: name → value, the same for every run. Arrays and numbers are traced: another value of
            the same type and shape compiles nothing. Traced values cannot be checked: a negative γ
            passes here.
        progress: ``progress(step, record)``, called after every record with NumPy arrays. ``step``
            is how many steps the runs have taken, all in all, of ``num_steps``; the record is of
            the runs at hand. With an executor it is called after every piece.
        folder: where pieces are saved as they are done. The same call goes on with what is there,
            after a kill, a crash or Ctrl-C.
        executor: hands the pieces to others: any executor of ``concurrent.futures``, such as
            ``dask.distributed.Client(…).get_executor()``.
        piece_size: runs of a piece, at most. By default 64 where there is a folder or an executor,
            and else all of a program. With other pieces numbers may differ in their last bits.

    Returns:
        A `Sweep`.

    Raises:
        ValueError: an axis has no values; a name is in both; ``num_steps`` is not allowed; the
            results would not fit into memory; the folder is another sweep's; what is to travel
            can't; whatever `ganfield.simulation` raises. All of them before anything is compiled.
        ConnectionError: the executor lost all its workers.
        SweepInterrupted: Ctrl-C; its ``partial`` holds what was done, and where all was one piece,
            all records until then.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> def build(step_size, gamma, method):
        ...     return gf.simulation(
        ...         method(optax.sgd(step_size)), gf.consensus(v, gamma=gamma),
        ...         gf.Players(1.0, 0.0), record_every=100,
        ...     )
        >>> axes = {"step_size": [0.1, 0.2], "gamma": [0.0, 0.5, 1.0],
        ...         "method": [gf.simultaneous, gf.alternating]}
        >>> runs = gf.sweep(build, axes, num_steps=100)
        >>> runs.run.params.theta.shape, runs.sel(method="alternating", gamma=0.5).run.params.theta
        ((2, 3, 2), array([...], dtype=float32))
    """
    if executor is not None:
        check_executor(executor)
    in_pieces = folder is not None or executor is not None
    plan = make_plan(
        build,
        dict(axes or {}),
        dict(fixed or {}),
        num_steps=num_steps,
        piece_size=_PIECE if piece_size is None and in_pieces else piece_size,
        digests=folder is not None,
    )
    store = None if folder is None else Folder(folder, plan)
    done = {} if store is None else store.load()
    todo = [place for place in range(len(plan.pieces)) if place not in done]
    told = _Progress(plan, progress, done)
    here = _here(plan, todo, told) if executor is None else run_on(executor, plan, todo)
    try:
        for place, piece in here:
            if store is not None:
                store.save(place, piece)
            done[place] = piece
            told.piece(place, piece, tell=executor is not None)
    except KeyboardInterrupt as interrupt:
        alone = len(plan.pieces) == 1 and isinstance(interrupt, PieceInterrupted)
        if alone and isinstance(interrupt, PieceInterrupted):
            partial = join(plan, {0: interrupt.done}, whole=False)
            raise SweepInterrupted(partial) from interrupt
        if not done:
            raise
        said = f"interrupted, {_count(plan, done)}{_again(folder)}"
        raise SweepInterrupted(join(plan, done), said) from interrupt
    except ConnectionError as error:
        raise ConnectionError(f"{error}: {_count(plan, done)}{_again(folder)}") from error
    if store is not None:
        store.finish()
    return join(plan, done)


def _count(plan: Plan, done: Mapping[int, Done]) -> str:
    return f"{len(done)} of {len(plan.pieces)} pieces are done"


def _again(folder: Any) -> str:
    return "" if folder is None else f" and saved in {folder}; the same call goes on from there"


def _here(plan: Plan, todo: list[int], told: _Progress) -> Iterator[tuple[int, Done]]:
    """Yield what becomes of pieces that are done in this process, one after the other."""
    runner: tuple[int, Runner] | None = None
    for place in todo:
        piece = plan.pieces[place]
        if runner is None or runner[0] != piece.program:
            runner = piece.program, runner_of(plan, piece.program)
        points = plan.points(piece) if plan.traced else {}
        yield place, runner[1](points, piece.end - piece.begin, told.within(place))


class _Progress:
    """Says how many steps the runs have taken, in the mean over all of them."""

    def __init__(
        self, plan: Plan, tell: Callable[[int, PyTree], None] | None, done: Mapping[int, Done]
    ):
        self._plan = plan
        self._tell = tell
        self._runs = sum(piece.end - piece.begin for piece in plan.pieces)
        self._finished = 0
        for number, (place, piece) in enumerate(done.items(), start=1):
            self.piece(place, piece, tell=number == len(done))

    def within(self, place: int) -> Callable[[int, PyTree], None] | None:
        """Return what is called with the steps of a piece's runs."""
        if self._tell is None:
            return None
        tell, piece = self._tell, self._plan.pieces[place]
        runs = piece.end - piece.begin
        whole = int(self._plan.steps[-1])

        def progress(step: int, record: PyTree) -> None:
            tell((self._finished * whole + runs * step) // self._runs, self._shaped(record, runs))

        return progress

    def piece(self, place: int, done: Done, *, tell: bool) -> None:
        """Count a piece that is finished, and tell of it where nobody has."""
        piece = self._plan.pieces[place]
        self._finished += piece.end - piece.begin
        if tell and self._tell is not None:
            shapes = self._plan.programs[piece.program].shapes
            leaves = done.leaves[len(jax.tree.leaves(shapes[:3])) :]
            last = jax.tree.unflatten(jax.tree.structure(shapes[3]), [x[-1] for x in leaves])
            step = self._finished * int(self._plan.steps[-1]) // self._runs
            self._tell(step, self._shaped(last, piece.end - piece.begin))

    def _shaped(self, record: PyTree, runs: int) -> PyTree:
        """Return the record on the grid, where a piece has all of it."""
        if runs != self._runs or not self._plan.traced:
            return record
        return jax.tree.map(
            lambda leaf: np.reshape(leaf, self._plan.shape + np.shape(leaf)[1:]), record
        )
