"""Primitives that make one element of many: sums, products of matrices, running sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ganfield.export._rules import wrapped
from ganfield.export._values import (
    MOST_UNROLLED,
    Value,
    atoms,
    entry,
    of_buffer,
    of_elements,
    outside,
    ready,
    with_index,
)
from ganfield.export._writer import Atom, Code, Name, Text, Writer

_MOST_TERMS = 64  # that are written out
Reduction: TypeAlias = Callable[[Writer, Any, list[Value]], Value]


def _lowest(dtype: str) -> str:
    return "-Infinity" if "float" in dtype else str(np.iinfo(dtype).min)


def _highest(dtype: str) -> str:
    return "Infinity" if "float" in dtype else str(np.iinfo(dtype).max)


def _reduce(template: str, start: str | Callable[[str], str], **of: str) -> Reduction:
    """Return the reduction by an operation of two, from a start."""

    def rule(writer: Writer, equation: Any, values: list[Value]) -> Value:
        (value,), axes = values, equation.params["axes"]
        shape = tuple(equation.outvars[0].aval.shape)
        kept = [axis for axis in range(len(value.shape)) if axis not in axes]
        order = np.arange(value.size).reshape(value.shape).transpose([*kept, *axes])
        rows = with_index(value, order.reshape(math.prod(shape), -1))
        own = of.get(value.dtype, template)
        begin = start if isinstance(start, str) else start(value.dtype)
        return _combine(writer, [rows], wrapped(own, value.dtype), begin, shape, value.dtype)

    return rule


def _combine(
    writer: Writer, rows: list[Value], template: str, start: str, shape: tuple[int, ...], dtype: str
) -> Value:
    """Return what an operation makes of each row, of products where there are two values."""
    height, width = rows[0].shape

    def factor(parts: list[Atom]) -> Atom:
        if len(parts) == 1:
            return parts[0]
        return product(writer, parts[0], parts[1], dtype)

    stored = any(row.buffer is not None for row in rows)
    if height * width <= (MOST_UNROLLED if stored else _MOST_TERMS):
        made: list[Atom] = []
        grids = [atoms(row, writer) for row in rows]
        for number in range(height):
            terms = [factor([grid[number, k] for grid in grids]) for k in range(width)]
            total: Atom = terms[0] if terms else start
            for term in terms[1:]:
                total = writer.let(template, total, term)
            made.append(total)
        return of_elements(made, shape, dtype)
    rows = [ready(row, writer) for row in rows]
    if height == 1:
        return of_elements(_total(writer, rows, None, template, start, factor), shape, dtype)
    loop = writer.elements(height, [x for row in rows for x in outside(row, writer)])
    with writer.within(loop):
        total = _total(writer, rows, loop.index, template, start, factor)
    return of_buffer(writer.keep(loop, total), shape, dtype)


def _total(
    writer: Writer,
    rows: list[Value],
    outer: Name | None,
    template: str,
    start: str,
    factor: Callable[[list[Atom]], Atom],
) -> Name:
    """Return the name of a running total, after the loop over a row."""
    total, inner = writer.named(), writer.named()
    with writer.body() as nodes:
        term = factor([entry(row, outer, inner, writer) for row in rows])
        after = writer.let(template, total, term)
    width = rows[0].shape[1]

    def write(text: Text, bodies: list[str], needed: set[Atom]) -> str:
        s, k = text(total), text(inner)
        loop = f"for(let {k}=0;{k}<{width};{k}++){{{bodies[0]}{s}={text(after)}}}"
        return f"let {s}={start};{loop}"

    reads = [x for row in rows for x in outside(row, writer)]
    writer.code(Code([total], reads, write, [(nodes, [after])]))
    return total


def product(writer: Writer, x: Atom, y: Atom, dtype: str) -> Atom:
    """Return the product of two elements."""
    if "1" in (x, y):
        return y if x == "1" else x
    if dtype in ("int32", "uint32"):
        return writer.let(wrapped("Math.imul({0},{1})", dtype), x, y)
    return writer.let(wrapped("{0}*{1}", dtype), x, y)


def _dot_general(writer: Writer, equation: Any, values: list[Value]) -> Value:
    left, right = values
    (left_sum, right_sum), (left_batch, right_batch) = equation.params["dimension_numbers"]
    left_free = [a for a in range(len(left.shape)) if a not in (*left_sum, *left_batch)]
    right_free = [a for a in range(len(right.shape)) if a not in (*right_sum, *right_batch)]
    shape = tuple(equation.outvars[0].aval.shape)
    batch, rest = len(left_batch), len(right_free)
    width = math.prod([left.shape[a] for a in left_sum])
    full = (*shape, width)
    written = math.prod(full) <= _MOST_TERMS

    def rows(value: Value, order: list[int], before: tuple[int, ...]) -> Value:
        index = np.arange(value.size).reshape(value.shape).transpose(order)
        index = index.reshape(*before, width)
        kept = value if written else ready(value, writer)
        return with_index(kept, np.broadcast_to(index, full).reshape(-1, width))

    sizes = shape[:batch], shape[batch : len(shape) - rest], shape[len(shape) - rest :]
    lefts = rows(left, [*left_batch, *left_free, *left_sum], (*sizes[0], *sizes[1], *(1,) * rest))
    rights = rows(
        right,
        [*right_batch, *right_free, *right_sum],
        (*sizes[0], *(1,) * len(sizes[1]), *sizes[2]),
    )
    dtype = str(equation.outvars[0].aval.dtype)
    return _combine(writer, [lefts, rights], wrapped("{0}+{1}", dtype), "0", shape, dtype)


def _extreme_at(symbol: str) -> Reduction:
    """Return the rule of where the largest or the smallest element is, or the first NaN."""

    def rule(writer: Writer, equation: Any, values: list[Value]) -> Value:
        (value,), (axis,) = values, equation.params["axes"]
        shape, dtype = tuple(equation.outvars[0].aval.shape), str(equation.outvars[0].aval.dtype)
        order = np.moveaxis(np.arange(value.size).reshape(value.shape), axis, -1)
        rows = with_index(value, order.reshape(math.prod(shape), -1))
        made: list[Atom] = []
        for row in atoms(rows, writer):
            best: Atom = row[0]
            where: Atom = "0"
            for place, other in enumerate(row[1:], start=1):
                better = writer.let(
                    f"{{0}}{symbol}{{1}}||{{0}}!=={{0}}&&{{1}}==={{1}}", other, best
                )
                best = writer.let("{0}?{1}:{2}", better, other, best)
                where = writer.let(f"{{0}}?{place}:{{1}}", better, where)
            made.append(where)
        return of_elements(made, shape, dtype)

    return rule


def _running(template: str) -> Reduction:
    """Return the rule of an operation's results along an axis, each of all elements so far."""

    def rule(writer: Writer, equation: Any, values: list[Value]) -> Value:
        (value,), axis = values, equation.params["axis"]
        grid = np.moveaxis(atoms(value, writer), axis, -1)
        grid = grid[..., ::-1] if equation.params["reverse"] else grid
        made = grid.copy()
        for place in range(1, grid.shape[-1]):
            pairs = zip(made[..., place - 1].reshape(-1), grid[..., place].reshape(-1), strict=True)
            sums = [writer.let(wrapped(template, value.dtype), *pair) for pair in pairs]
            one = np.empty(made.shape[:-1], object)
            one.reshape(-1)[:] = sums
            made[..., place] = one
        made = made[..., ::-1] if equation.params["reverse"] else made
        made = np.moveaxis(made, -1, axis)
        return of_elements(list(made.reshape(-1)), value.shape, value.dtype)

    return rule


REDUCTIONS: dict[str, Reduction] = {
    "argmax": _extreme_at(">"),
    "argmin": _extreme_at("<"),
    "cummax": _running("Math.max({0},{1})"),
    "cummin": _running("Math.min({0},{1})"),
    "cumprod": _running("{0}*{1}"),
    "cumsum": _running("{0}+{1}"),
    "dot_general": _dot_general,
    "reduce_and": _reduce("{0}&&{1}", "true"),
    "reduce_max": _reduce("Math.max({0},{1})", _lowest),
    "reduce_min": _reduce("Math.min({0},{1})", _highest),
    "reduce_or": _reduce("{0}||{1}", "false"),
    "reduce_prod": _reduce("{0}*{1}", "1", int32="Math.imul({0},{1})", uint32="Math.imul({0},{1})"),
    "reduce_sum": _reduce("{0}+{1}", "0"),
}
"""Primitive → its rule."""
