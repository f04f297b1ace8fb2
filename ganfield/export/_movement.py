"""Primitives that only move elements: where each comes from is found by moving their numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ganfield.export._indexing import gather
from ganfield.export._values import (
    MOST_UNROLLED,
    Value,
    as_buffer,
    atoms,
    compact,
    is_uniform,
    literal,
    of_buffer,
    of_elements,
)
from ganfield.export._writer import Writer

MOVEMENTS = frozenset(
    (
        "broadcast_in_dim",
        "concatenate",
        "expand_dims",
        "gather",
        "pad",
        "reshape",
        "rev",
        "slice",
        "split",
        "squeeze",
        "stack",
        "transpose",
        "unstack",
    )
)
"""Primitives whose results are elements of their operands, known places of them."""


def move(writer: Writer, equation: Any, values: list[Value]) -> list[Value]:
    """Write a movement down, which takes no statements but where elements must be gathered."""
    moved, indices = values, []
    if equation.primitive.name == "gather":
        moved, indices = values[:1], [value.known for value in values[1:]]
        if any(x is None for x in indices):
            return [gather(writer, equation, values)]
    starts = np.cumsum([0] + [value.size for value in moved])
    numbers = [
        start + np.arange(value.size).reshape(value.shape)
        for start, value in zip(starts, moved, strict=False)
    ]
    return [
        _taken(writer, moved, starts, np.asarray(index), str(variable.aval.dtype))
        for index, variable in zip(
            _moved(equation, numbers, indices), equation.outvars, strict=True
        )
    ]


def _moved(equation: Any, numbers: list[np.ndarray], indices: list[Any]) -> list[Any]:
    """Return the results of a movement of numbers, by NumPy where it is as plain as that."""
    name, params = equation.primitive.name, equation.params
    if name == "squeeze" or (name == "reshape" and params["dimensions"] is None):
        return [numbers[0].reshape(equation.outvars[0].aval.shape)]
    if name == "slice":
        steps = params["strides"] or [1] * numbers[0].ndim
        edges = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
        return [numbers[0][tuple(slice(*edge) for edge in edges)]]
    arrays = map(jnp.asarray, numbers)
    results = equation.primitive.bind(*arrays, *indices, **_whole(params))
    return results if equation.primitive.multiple_results else [results]


def _whole(params: dict) -> dict:
    """Return the parameters of a movement of whole numbers: what falls outside is -1."""
    return {**params, "fill_value": -1} if "fill_value" in params else params


def _taken(
    writer: Writer, values: list[Value], starts: np.ndarray, index: np.ndarray, dtype: str
) -> Value:
    """Return the elements of some values that numbers name, -1 what is in none."""
    flat = index.reshape(-1)
    inside = flat >= 0
    sources = np.searchsorted(starts[1:], flat, side="right")
    used = [values[number] for number in np.unique(sources[inside])]
    fill = literal(np.nan if "float" in dtype else 0, dtype)
    if flat.size <= MOST_UNROLLED or (all(map(is_uniform, used)) and _one(flat, sources, values)):
        picked = [
            atoms(values[s], writer).reshape(-1)[n - starts[s]] if n >= 0 else fill
            for n, s in zip(flat, sources, strict=True)
        ]
        return of_elements(picked, index.shape, dtype)
    if len(used) == 1 and inside.all():
        (source,) = np.unique(sources)
        value = as_buffer(values[source], writer)
        assert value.index is not None
        places = value.index.reshape(-1)[index - starts[source]]
        return Value(index.shape, dtype, buffer=value.buffer, index=places, offset=value.offset)
    return _gathered(writer, values, starts, index, dtype, fill)


def _one(flat: np.ndarray, sources: np.ndarray, values: list[Value]) -> bool:
    """Return whether all elements come from one value, which is uniform."""
    return np.unique(sources).size == 1 and bool((flat >= 0).all())


def _gathered(
    writer: Writer,
    values: list[Value],
    starts: np.ndarray,
    index: np.ndarray,
    dtype: str,
    fill: str,
) -> Value:
    """Return an array of JavaScript's into which elements of several are gathered."""
    marks, operands = [], []
    flat = index.reshape(-1)
    sources = np.where(flat < 0, -1, np.searchsorted(starts[1:], flat, side="right"))
    runs = np.flatnonzero(np.diff(sources, prepend=-9))
    for first, last in zip(runs, [*runs[1:], flat.size], strict=True):
        number = int(sources[first])
        value, places = values[number], flat[first:last] - starts[number]
        if flat[first] < 0:
            marks.append(f"...Array({last - first}).fill({fill})")
            continue
        if is_uniform(value):
            operands.append(atoms(value, writer).reshape(-1)[0])
            marks.append(f"...Array({last - first}).fill({{{len(operands) - 1}}})")
            continue
        value = as_buffer(value, writer)
        assert value.index is not None
        there = value.index.reshape(-1)[places]
        part = Value(there.shape, dtype, buffer=value.buffer, index=there, offset=value.offset)
        if part.size <= MOST_UNROLLED:
            for atom in atoms(part, writer).reshape(-1):
                operands.append(atom)
                marks.append(f"{{{len(operands) - 1}}}")
            continue
        array, start = compact(part, writer)
        operands += [array, start]
        first_mark = len(operands) - 2
        end = f"{{{first_mark + 1}}}+{part.size}" if start != "0" else str(part.size)
        marks.append(f"...{{{first_mark}}}.slice({{{first_mark + 1}}},{end})")
    buffer = writer.let(f"[{','.join(marks)}]", *operands)
    return of_buffer(buffer, index.shape, dtype)
