"""What an array of the traced program is in JavaScript."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganfield.export._writer import Atom, Code, Name, Writer

MOST_UNROLLED = 16
"""Arrays of no more elements are written out, one name for each; larger ones are looped over."""


@dataclasses.dataclass(frozen=True, eq=False)
class Value:
    """An array: known, or written out, or kept in an array of JavaScript's.

    Attributes:
        shape: of the array.
        dtype: its name, such as "float64".
        known: the array itself, where the program does not depend on its arguments there.
        elements: one atom for each element, in an array of the shape.
        buffer: the name of a flat array of JavaScript's, in which the elements are.
        index: where in it, an array of the shape.
        offset: what is added to that, known only when the function runs.
    """

    shape: tuple[int, ...]
    dtype: str
    known: Any = None
    elements: np.ndarray | None = None
    buffer: Name | None = None
    index: np.ndarray | None = None
    offset: Atom = "0"

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)


def known(value: Any) -> Value:
    """Return the value of an array that is known."""
    if not hasattr(value, "shape"):
        value = np.asarray(value, getattr(value, "dtype", None))
    return Value(tuple(value.shape), str(value.dtype), known=value)


def of_elements(atoms: Any, shape: tuple[int, ...], dtype: str) -> Value:
    """Return the value of atoms, in the order of the elements; one atom is all elements."""
    array = np.empty(shape, object)
    if isinstance(atoms, Name | str):
        array.fill(atoms)
    else:
        array.reshape(-1)[:] = atoms
    return Value(shape, dtype, elements=array)


def of_buffer(buffer: Name, shape: tuple[int, ...], dtype: str) -> Value:
    """Return the value of a flat array of JavaScript's."""
    index = np.arange(math.prod(shape)).reshape(shape)
    return Value(shape, dtype, buffer=buffer, index=index)


def literal(number: Any, dtype: str) -> str:
    """Return a number as JavaScript writes it.

    Example:
        >>> [literal(x, "float64") for x in (1.0, 0.1, -0.0, float("inf"))]
        ['1', '0.1', '-0', 'Infinity']
        >>> literal(np.True_, "bool")
        'true'
    """
    if dtype == "bool":
        return "true" if number else "false"
    if "int" in dtype:
        return str(int(number))
    number = float(number)
    if np.isnan(number):
        return "NaN"
    if np.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return repr(number).removesuffix(".0").replace("e-0", "e-").replace("e+", "e")


def is_uniform(value: Value) -> bool:
    """Return whether all elements are known to be one and the same."""
    if value.size < 2:
        return value.size == 1
    if value.elements is not None:
        first = value.elements.reshape(-1)[0]
        return all(atom == first for atom in value.elements.reshape(-1))
    if value.known is not None:
        flat = np.asarray(value.known).reshape(-1)
        return flat.tobytes() == flat[:1].repeat(flat.size).tobytes()
    return False


def atoms(value: Value, writer: Writer) -> np.ndarray:
    """Return one atom for each element, in an array of the shape."""
    if value.elements is not None:
        return value.elements
    array = np.empty(value.shape, object)
    flat = array.reshape(-1)
    if value.known is not None:
        numbers = np.asarray(value.known).reshape(-1)
        flat[:] = [literal(number, value.dtype) for number in numbers]
    else:
        assert value.index is not None
        flat[:] = [_element(value, int(place), writer) for place in value.index.reshape(-1)]
    return array


def _element(value: Value, place: int, writer: Writer) -> Atom:
    assert value.buffer is not None
    mark = "!!" if value.dtype == "bool" else ""
    if value.offset == "0":
        return writer.let(f"{mark}{{0}}[{place}]", value.buffer)
    plus = f"+{place}" if place else ""
    return writer.let(f"{mark}{{0}}[{{1}}{plus}]", value.buffer, value.offset)


def as_buffer(value: Value, writer: Writer) -> Value:
    """Return the same value kept in an array of JavaScript's."""
    if value.buffer is not None:
        return value
    if value.known is not None:
        numbers = np.asarray(value.known).reshape(-1)
        _, firsts, places = np.unique(numbers, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(firsts))
        spread_out = 0 < 2 * firsts.size <= numbers.size
        if spread_out and _axes(order[places].reshape(value.shape)):
            # What was spread over a larger shape is kept as it was.
            marks = [literal(number, value.dtype) for number in numbers[np.sort(firsts)]]
            table = of_buffer(writer.table(f"[{','.join(marks)}]"), (len(marks),), value.dtype)
            return with_index(table, order[places].reshape(value.shape))
        marks = [literal(number, value.dtype) for number in numbers]
        return of_buffer(writer.table(f"[{','.join(marks)}]"), value.shape, value.dtype)
    flat = atoms(value, writer).reshape(-1)
    places_of = ",".join(f"{{{place}}}" for place in range(flat.size))
    return of_buffer(writer.let(f"[{places_of}]", *flat), value.shape, value.dtype)


def compact(value: Value, writer: Writer) -> tuple[Name, Atom]:
    """Return an array of JavaScript's with the elements in order, and where in it they start."""
    value = as_buffer(value, writer)
    assert value.buffer is not None
    assert value.index is not None
    flat = value.index.reshape(-1)
    if np.array_equal(flat, np.arange(flat.size) + (flat[0] if flat.size else 0)):
        start = int(flat[0]) if flat.size else 0
        if start == 0:
            return value.buffer, value.offset
        return value.buffer, writer.let(f"{{0}}+{start}", value.offset)
    loop = loop_over([value], writer)
    with writer.within(loop):
        inner = element(value, loop, writer)
    return writer.keep(loop, inner), "0"


def loop_over(values: Sequence[Value], writer: Writer) -> Code:
    """Return a loop over the elements of values in order; all are `ready`."""
    before: list[Atom] = []
    own: list[Name] = []
    for value in values:
        if value.buffer is not None and is_in_order(value):
            own.append(value.buffer)
        else:
            before += outside(value, writer)
    return writer.elements(values[0].size, before, own)


def element(value: Value, loop: Code, writer: Writer) -> Atom:
    """Return the element of a round of a loop, of a value that is `ready`."""
    if is_uniform(value):
        return atoms(value, writer).reshape(-1)[0]
    if value.buffer in loop.stores:
        return loop.stores[value.buffer]
    assert value.index is not None
    return read(value, writer, [position(value.index, loop.index, writer)])


def read(value: Value, writer: Writer, places: list[tuple[str, list[Atom]]]) -> Atom:
    """Return the element of an array of JavaScript's at a sum of places."""
    assert value.buffer is not None
    if value.offset != "0":
        places = [("{0}", [value.offset]), *places]
    terms: list[str] = []
    operands: list[Atom] = [value.buffer]
    for template, atoms_ in places:
        if template != "0":
            marks = [f"{{{len(operands) + number}}}" for number in range(len(atoms_))]
            terms.append(template.format(*marks))
            operands += atoms_
    mark = "!!" if value.dtype == "bool" else ""
    return writer.let(f"{mark}{{0}}[{'+'.join(terms) or '0'}]", *operands)


def position(index: np.ndarray, place: Name, writer: Writer) -> tuple[str, list[Atom]]:
    """Return where the elements are, as an expression of their place in order."""
    flat = index.reshape(-1)
    axes = _axes(index)
    if axes is None:
        return "{0}[{1}]", [writer.table(f"[{','.join(map(str, flat))}]"), place]
    offset = int(flat[0])
    terms, inner = [str(offset)] if offset else [], 1
    for number, (size, stride) in enumerate(reversed(axes)):
        term = "{0}" if inner == 1 else f"({{0}}/{inner}|0)"
        if number < len(axes) - 1:
            term = f"({term}%{size})"
        inner *= size
        if stride:
            terms.append(term if stride == 1 else f"{stride}*{term}")
    if not terms or terms == [str(offset)]:
        return str(offset), []
    # An expression names its place once or more, and has one operand.
    return "+".join(reversed(terms)), [place]


def _axes(index: np.ndarray) -> list[tuple[int, int]] | None:
    """Return size and stride of the axes, merged where they are one, or None if there are none."""
    offset = int(index.reshape(-1)[0])
    axes: list[tuple[int, int]] = []
    rebuilt = np.full(index.shape, offset)
    for axis, size in enumerate(index.shape):
        if size == 1:
            continue
        step = [0] * index.ndim
        step[axis] = 1
        stride = int(index[tuple(step)]) - offset
        shape = [1] * index.ndim
        shape[axis] = size
        rebuilt = rebuilt + stride * np.arange(size).reshape(shape)
        if axes and axes[-1][1] == stride * size:  # Row after row.
            axes[-1] = (axes[-1][0] * size, stride)
        else:
            axes.append((size, stride))
    return axes if np.array_equal(rebuilt, index) else None


def outside(value: Value, writer: Writer) -> list[Atom]:
    """Return what reading a value in a loop reads from outside of it."""
    if value.buffer is not None:
        return [value.buffer, value.offset]
    return [atoms(value, writer).reshape(-1)[0]]


def is_in_order(value: Value) -> bool:
    """Return whether a value is an array of JavaScript's as it is."""
    return (
        value.index is not None
        and value.offset == "0"
        and np.array_equal(value.index.reshape(-1), np.arange(value.size))
    )


def ready(value: Value, writer: Writer) -> Value:
    """Return a value that can be read in a loop without a statement before it."""
    return value if is_uniform(value) else as_buffer(value, writer)


def spread(value: Value, shape: tuple[int, ...], writer: Writer) -> Value:
    """Return a value over a larger shape, in which an axis of one element stands for any number."""
    if value.shape == shape or is_uniform(value):
        return value
    kept = as_buffer(value, writer)
    index = np.arange(value.size).reshape(value.shape)
    return with_index(kept, np.broadcast_to(index, shape))


def entry(value: Value, outer: Name | None, inner: Name, writer: Writer) -> Atom:
    """Return the element at a row and a column, those of two loops, of a value of two axes."""
    if is_uniform(value):
        return atoms(value, writer).reshape(-1)[0]
    assert value.index is not None
    index = value.index
    rows, columns = index[:, 0], index[0] - index[0, 0]
    if not np.array_equal(rows[:, None] + columns, index):
        table = writer.table(f"[{','.join(map(str, index.reshape(-1)))}]")
        place: list[Atom] = [table, inner] if outer is None else [table, inner, outer]
        marks = "{0}[{1}]" if outer is None else f"{{0}}[{{2}}*{index.shape[1]}+{{1}}]"
        return read(value, writer, [(marks, place)])
    row: tuple[str, list[Atom]] = (str(rows[0]), [])
    if outer is not None:
        row = position(rows, outer, writer)
    return read(value, writer, [row, position(columns, inner, writer)])


def with_index(value: Value, index: np.ndarray) -> Value:
    """Return the elements of a value in another order, by their places in the one they have."""
    if value.index is not None:
        places = value.index.reshape(-1)[index]
        return Value(
            index.shape, value.dtype, buffer=value.buffer, index=places, offset=value.offset
        )
    if value.elements is not None:
        array = value.elements.reshape(-1)[index]
        return Value(index.shape, value.dtype, elements=array)
    array = np.asarray(value.known).reshape(-1)[index]
    return Value(index.shape, value.dtype, known=array)
