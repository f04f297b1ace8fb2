"""From the results of pieces to those of the sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import PyTree
from ganfield.simulate import Run
from ganfield.sweeps._cells import are_alike, cells_of
from ganfield.sweeps._piece import Done
from ganfield.sweeps._plan import Plan, plain_keys
from ganfield.sweeps._result import Sweep


def join(plan: Plan, done: Mapping[int, Done], *, whole: bool = True) -> Sweep:
    """Return the sweep of which some pieces are done.

    Args:
        plan: the sweep.
        done: place of a piece → what became of it. Runs of the others have NaN for floats, 0 for
            integers, and stopped nowhere.
        whole: whether the runs of these pieces went to their end.
    """
    lengths = [len(each.leaves[-1]) for each in done.values() if _records_something(plan)]
    length = max(lengths, default=len(plan.steps))
    parts = [_of_program(plan, place, done, length) for place in range(len(plan.programs))]
    state, stopped_at, unsolved_at, records = zip(*parts, strict=True)
    run = Run(
        state=state[0]._replace(
            params=_on_grid(plan, [each.params for each in state]),
            memory=_on_grid(plan, [each.memory for each in state]),
        ),
        steps=plan.steps[:length],
        records=_on_grid(plan, records, lead=1),
        stopped_at=_on_grid(plan, stopped_at),
        unsolved_at=_on_grid(plan, unsolved_at),
    )
    return Sweep(
        run,
        sum(each.seconds for each in done.values()),
        sum(each.compile_seconds for each in done.values()),
        {name: axis.labels for name, axis in plan.axes.items()},
        None if whole and len(done) == len(plan.pieces) else _are_done(plan, done if whole else {}),
        len(plan.programs),
    )


def _records_something(plan: Plan) -> bool:
    return bool(jax.tree.leaves(plan.programs[0].shapes[3]))


def _runs(plan: Plan) -> int:
    return math.prod(axis.size for axis in plan.traced_axes.values())


def _of_program(plan: Plan, program: int, done: Mapping[int, Done], length: int) -> PyTree:
    """Return the results of a program's runs, along an axis of runs, in the traced axes' order."""
    shapes = plan.programs[program].shapes
    plain = jax.eval_shape(plain_keys, shapes)
    before, of_records = jax.tree.leaves(plain[:3]), jax.tree.leaves(plain[3])
    runs = _runs(plan)
    filled = [np.full((runs, *leaf.shape), _unknown(leaf), leaf.dtype) for leaf in before]
    filled += [np.full((length, runs, *x.shape), _unknown(x), x.dtype) for x in of_records]
    for at in (-2, -1):  # when they stopped, and when an inner solve failed: never
        filled[len(before) + at][:] = -1
    for place, piece in enumerate(plan.pieces):
        if piece.program != program or place not in done:
            continue
        for index, (target, leaf) in enumerate(zip(filled, done[place].leaves, strict=True)):
            part = slice(piece.begin, piece.end)
            if index < len(before):
                target[part] = leaf
            else:
                # Where all runs have stopped nothing changes any more.
                rows = np.minimum(np.arange(length), len(leaf) - 1)
                target[:, part] = leaf[rows] if plan.traced else leaf[rows, None]
    return jax.tree.unflatten(jax.tree.structure(shapes), filled)


def _unknown(leaf: Any) -> Any:
    return np.nan if jnp.issubdtype(leaf.dtype, jnp.inexact) else 0


def _on_grid(plan: Plan, parts: Sequence[PyTree], *, lead: int = 0) -> PyTree:
    """Return results with the axes of the grid, in their order, after ``lead`` others."""
    static = [name for name in plan.axes if name not in plan.traced]
    order = [[*static, *plan.traced].index(name) for name in plan.axes]
    sizes = [plan.axes[name].size for name in (*static, *plan.traced)]
    if not are_alike(parts):
        cells = [
            jax.tree.map(lambda leaf, i=i: leaf[(slice(None),) * lead + (i,)], part)
            for part in parts
            for i in range(_runs(plan))
        ]
        return cells_of(cells, tuple(sizes)).transpose(order)

    def placed(*leaves: Any) -> Any:
        whole = np.stack(leaves, axis=lead)
        ends = whole.shape[:lead], whole.shape[lead + 2 :]
        axes = (*range(lead), *(lead + i for i in order))
        axes += tuple(range(len(axes), len(axes) + len(ends[1])))
        return whole.reshape((*ends[0], *sizes, *ends[1])).transpose(axes)

    return jax.tree.map(placed, *parts)


def _are_done(plan: Plan, done: Mapping[int, Done]) -> np.ndarray:
    flags = np.zeros((len(plan.programs), _runs(plan)), bool)
    for place in done:
        piece = plan.pieces[place]
        flags[piece.program, piece.begin : piece.end] = True
    return np.asarray(_on_grid(plan, list(flags)))
