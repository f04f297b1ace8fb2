"""Primitives that read or change an array at places known only when the function runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ganfield.export._operators import fill
from ganfield.export._rules import wrapped
from ganfield.export._values import (
    Value,
    as_buffer,
    atoms,
    compact,
    of_buffer,
    of_elements,
    with_index,
)
from ganfield.export._writer import Atom, Code, Text, Writer

Rule: TypeAlias = Callable[[Writer, Any, list[Value]], Value]


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _start(
    writer: Writer, shape: tuple[int, ...], sizes: tuple[int, ...], places: list[Value]
) -> Atom:
    """Return where a block of so many elements begins, moved to where it lies within an array."""
    terms: list[str] = []
    operands: list[Atom] = []
    for size, whole, stride, place in zip(sizes, shape, _strides(shape), places, strict=True):
        if whole == size:
            continue
        (atom,) = atoms(place, writer).reshape(-1)
        inside = writer.let(f"Math.min(Math.max({{0}},0),{whole - size})", atom)
        terms.append(f"{stride}*{{{len(operands)}}}" if stride > 1 else f"{{{len(operands)}}}")
        operands.append(inside)
    return writer.let("+".join(terms), *operands) if terms else "0"


def _block(shape: tuple[int, ...], sizes: tuple[int, ...]) -> np.ndarray:
    """Return the places of a block that begins at 0."""
    return np.arange(math.prod(shape)).reshape(shape)[tuple(map(slice, sizes))]


def _dynamic_slice(writer: Writer, equation: Any, values: list[Value]) -> Value:
    operand, *places = values
    sizes = equation.params["slice_sizes"]
    start = _start(writer, operand.shape, sizes, places)
    return _shifted(writer, operand, _block(operand.shape, sizes), start)


def _shifted(writer: Writer, operand: Value, index: np.ndarray, start: Atom) -> Value:
    """Return the elements of a value at places, all of them so much further on."""
    if start == "0":
        return with_index(operand, index)
    buffer, offset = compact(operand, writer)
    if offset != "0":
        start = writer.let("{0}+{1}", offset, start)
    return Value(index.shape, operand.dtype, buffer=buffer, index=index, offset=start)


def _dynamic_update_slice(writer: Writer, equation: Any, values: list[Value]) -> Value:
    del equation
    operand, update, *places = values
    start = _start(writer, operand.shape, update.shape, places)
    index = _block(operand.shape, update.shape).reshape(-1)
    writes: list[tuple[Atom, Atom, Atom]] = [
        (writer.let(f"{{0}}+{place}", start) if place else start, "true", atom)
        for place, atom in zip(index, atoms(update, writer).reshape(-1), strict=True)
    ]
    return _changed(writer, operand, writes, "{1}")


def _changed(
    writer: Writer, operand: Value, writes: list[tuple[Atom, Atom, Atom]], template: str
) -> Value:
    """Return a copy of an array in which elements are changed, those that lie inside."""
    buffer, offset = compact(as_buffer(operand, writer), writer)
    made, size = writer.named(), operand.size

    def write(text: Text, bodies: list[str], needed: set[Atom]) -> str:
        end = "" if offset == "0" else f",{text(offset)},{text(offset)}+{size}"
        copy = f"{text(buffer)}.slice({end[1:]})"
        lines = [f"const {text(made)}={copy};"]
        for place, inside, atom in writes:
            element = f"{text(made)}[{text(place)}]"
            changed = fill(template, element, text(atom))
            test = "" if inside == "true" else f"if({text(inside)})"
            lines.append(f"{test}{element}={changed};")
        return "".join(lines)

    reads = [buffer, offset, *(x for one in writes for x in one)]
    writer.code(Code([made], reads, write))
    return of_buffer(made, operand.shape, operand.dtype)


def _spots(
    writer: Writer,
    shape: tuple[int, ...],
    indices: Value,
    axes: tuple[int, ...],
    sizes: tuple[int, ...],
    mode: str,
) -> list[tuple[Atom, Atom]]:
    """Return where each block that indices name begins, and whether it lies inside."""
    spots = []
    strides = _strides(shape)
    for row in atoms(indices, writer).reshape(-1, indices.shape[-1]):
        start: Atom = "0"
        inside: Atom = "true"
        for atom, axis in zip(row, axes, strict=True):
            last = shape[axis] - sizes[axis]
            place = atom
            if mode == "clip":
                place = writer.let(f"Math.min(Math.max({{0}},0),{last})", atom)
            elif mode == "fill":
                here = writer.let(f"{{0}}>=0&&{{0}}<={last}", atom)
                inside = here if inside == "true" else writer.let("{0}&&{1}", inside, here)
            step = place if strides[axis] == 1 else writer.let(f"{strides[axis]}*{{0}}", place)
            start = step if start == "0" else writer.let("{0}+{1}", start, step)
        spots.append((start, inside))
    return spots


def _mode(equation: Any) -> str:
    name = str(equation.params["mode"]).upper()
    return "clip" if "CLIP" in name else "fill" if "FILL" in name else "promise"


def gather(writer: Writer, equation: Any, values: list[Value]) -> Any:
    """Return the rule's value of the simple gathers: rows of an array, and single elements."""
    operand, indices = values
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    if numbers.operand_batching_dims:
        return NotImplemented
    shape = tuple(equation.outvars[0].aval.shape)
    mode = _mode(equation)
    buffer, offset = compact(operand, writer)
    spots = _spots(writer, operand.shape, indices, numbers.start_index_map, sizes, mode)
    block = _block(operand.shape, sizes)
    window = tuple(
        size for axis, size in enumerate(sizes) if axis not in numbers.collapsed_slice_dims
    )
    rows = []
    missing = "NaN" if "float" in operand.dtype else "0"
    for start, inside in spots:
        start = start if offset == "0" else writer.let("{0}+{1}", offset, start)
        there = Value(block.shape, operand.dtype, buffer=buffer, index=block, offset=start)
        row: list[Atom] = list(atoms(there, writer).reshape(-1))
        if inside != "true":
            row = [writer.let(f"{{0}}?{{1}}:{missing}", inside, atom) for atom in row]
        rows.append(row)
    grid = np.empty((len(rows), block.size), object)
    for number, atoms_of_row in enumerate(rows):
        grid[number] = atoms_of_row
    batch = indices.shape[:-1]
    grid = grid.reshape(*batch, *window)
    # Axes of the window go where the numbers say, those of the indices to the others.
    others = [axis for axis in range(len(shape)) if axis not in numbers.offset_dims]
    order = np.argsort([*others, *numbers.offset_dims])
    return of_elements(list(grid.transpose(order).reshape(-1)), shape, operand.dtype)


def _scatter(template: str) -> Rule:
    """Return the rule of a scatter, by what a written element makes of the one that is there."""

    def rule(writer: Writer, equation: Any, values: list[Value]) -> Any:
        operand, indices, updates = values
        numbers = equation.params["dimension_numbers"]
        if numbers.operand_batching_dims:
            return NotImplemented
        inserted = numbers.inserted_window_dims
        window = [axis for axis in range(len(operand.shape)) if axis not in inserted]
        sizes = [1] * len(operand.shape)
        for axis, place in zip(window, numbers.update_window_dims, strict=True):
            sizes[axis] = updates.shape[place]
        axes = numbers.scatter_dims_to_operand_dims
        mode = _mode(equation)
        spots = _spots(writer, operand.shape, indices, axes, tuple(sizes), mode)
        block = _block(operand.shape, tuple(sizes)).reshape(-1)
        others = [a for a in range(len(updates.shape)) if a not in numbers.update_window_dims]
        grid = atoms(updates, writer).transpose([*others, *numbers.update_window_dims])
        grid = grid.reshape(len(spots), block.size)
        writes = [
            (writer.let(f"{{0}}+{place}", start) if place else start, inside, grid[number, column])
            for number, (start, inside) in enumerate(spots)
            for column, place in enumerate(block)
        ]
        return _changed(writer, operand, writes, wrapped(template, operand.dtype))

    return rule


INDEXING: dict[str, Rule] = {
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": gather,
    "scatter": _scatter("{1}"),
    "scatter-add": _scatter("{0}+{1}"),
    "scatter_add": _scatter("{0}+{1}"),
    "scatter-max": _scatter("Math.max({0},{1})"),
    "scatter-min": _scatter("Math.min({0},{1})"),
    "scatter-mul": _scatter("{0}*{1}"),
    "scatter_max": _scatter("Math.max({0},{1})"),
    "scatter_min": _scatter("Math.min({0},{1})"),
    "scatter_mul": _scatter("{0}*{1}"),
}
"""Primitive → its rule."""
