"""Loops and branches: what they carry are variables of JavaScript's."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ganfield.export._operators import fill
from ganfield.export._values import (
    MOST_UNROLLED,
    Value,
    as_buffer,
    atoms,
    compact,
    of_buffer,
    of_elements,
    with_index,
)
from ganfield.export._writer import Atom, Code, Name, Text, Writer

_MOST_ROUNDS = 2  # of a loop that is written out
Run = Callable[[list[Value]], list[Value]]


def _parts(value: Value, writer: Writer) -> list[Atom]:
    """Return what a variable each must hold: the elements of a small array, or a large one."""
    if value.size <= MOST_UNROLLED:
        return list(atoms(value, writer).reshape(-1))
    buffer, start = compact(value, writer)
    if start != "0":
        return [writer.let(f"{{0}}.slice({{1}},{{1}}+{value.size})", buffer, start)]
    return [buffer]


def _of_parts(parts: list[Name], like: Value) -> Value:
    if like.size <= MOST_UNROLLED:
        return of_elements(list(parts), like.shape, like.dtype)
    return of_buffer(parts[0], like.shape, like.dtype)


def _variables(values: list[Value], writer: Writer) -> tuple[list[Atom], list[list[Name]]]:
    """Return the parts of values, and a name for each part, value by value."""
    parts = [_parts(value, writer) for value in values]
    return [part for one in parts for part in one], [[writer.named() for _ in one] for one in parts]


def _assign(text: Text, names: list[Name], atoms_: list[Atom]) -> str:
    """Return the statement that gives variables new values, all at once."""
    pairs = [(text(n), text(a)) for n, a in zip(names, atoms_, strict=True) if n is not a]
    if len(pairs) == 1:
        return f"{pairs[0][0]}={pairs[0][1]};"
    left, right = (",".join(side) for side in zip(*pairs, strict=True)) if pairs else ("", "")
    return f"[{left}]=[{right}];" if pairs else ""


def _declare(text: Text, names: list[Name], starts: list[Atom]) -> str:
    made = [f"{text(name)}={text(start)}" for name, start in zip(names, starts, strict=True)]
    return f"let {','.join(made)};" if made else ""


def branch(writer: Writer, index: Value, branches: list[Run], values: list[Value]) -> list[Value]:
    """Write a choice down, or the branch itself where it is known which."""
    last = len(branches) - 1
    if index.known is not None:
        return branches[int(np.clip(index.known, 0, last))](values)
    (which,) = atoms(index, writer).reshape(-1)
    bodies, results = [], []
    for run in branches:
        with writer.body() as nodes:
            results.append(run(values))
            ends = [part for value in results[-1] for part in _parts(value, writer)]
        bodies.append((nodes, ends))
    names = [
        [writer.named() for _ in range(value.size if value.size <= MOST_UNROLLED else 1)]
        for value in results[0]
    ]
    flat = [name for one in names for name in one]

    def write(text: Text, texts: list[str], needed: set[Atom]) -> str:
        lines = [f"let {','.join(map(text, flat))};"]
        for number, (body, (_, ends)) in enumerate(zip(texts, bodies, strict=True)):
            sets = "".join(f"{text(n)}={text(a)};" for n, a in zip(flat, ends, strict=True))
            test = f"if({text(which)}<={number})" if number < last else ""
            lines.append(f"{test}{{{body}{sets}}}" + ("else " if number < last else ""))
        return "".join(lines)

    writer.code(Code(flat, [which], write, bodies))
    return [_of_parts(one, like) for one, like in zip(names, results[0], strict=True)]


def repeat(writer: Writer, condition: Run, body: Run, carry: list[Value]) -> list[Value]:
    """Write a loop down that goes on while a condition holds."""
    starts, names = _variables(carry, writer)
    flat = [name for one in names for name in one]
    inside = [_of_parts(one, like) for one, like in zip(names, carry, strict=True)]
    with writer.body() as tests:
        (going,) = condition(inside)
        (test,) = atoms(going, writer).reshape(-1)
    with writer.body() as nodes:
        ends = [part for value in body(inside) for part in _parts(value, writer)]

    def write(text: Text, bodies: list[str], needed: set[Atom]) -> str:
        stop = fill("if(!{0})break;", text(test))
        step = _assign(text, flat, ends)
        return f"{_declare(text, flat, starts)}for(;;){{{bodies[0]}{stop}{bodies[1]}{step}}}"

    writer.code(Code(flat, starts, write, [(tests, [test]), (nodes, ends)]))
    return inside


def scan(
    writer: Writer,
    body: Run,
    carry: list[Value],
    stacked: list[Value],
    length: int,
    reverse: bool,
    made: list[tuple[tuple[int, ...], str]],
) -> list[Value]:
    """Write a loop over rows down."""
    count = len(carry)
    if length <= _MOST_ROUNDS and made == []:
        for place in range(length)[:: -1 if reverse else 1]:
            carry = body([*carry, *(_row(rows, place) for rows in stacked)])
        return carry
    starts, names = _variables(carry, writer)
    flat = [name for one in names for name in one]
    inside = [_of_parts(one, like) for one, like in zip(names, carry, strict=True)]
    round_, kept = writer.named(), [writer.named() for _ in made]
    sources = [compact(as_buffer(rows, writer), writer) for rows in stacked]
    with writer.body() as nodes:
        rows = [
            _row_at(writer, source, value, round_)
            for source, value in zip(sources, stacked, strict=True)
        ]
        results = body([*inside, *rows])
        ends = [part for value in results[:count] for part in _parts(value, writer)]
        stores = [list(atoms(value, writer).reshape(-1)) for value in results[count:]]

    def write(text: Text, bodies: list[str], needed: set[Atom]) -> str:
        i = text(round_)
        arrays = "".join(
            f"const {text(name)}=new Float64Array({math.prod(shape)});"
            for name, (shape, _) in zip(kept, made, strict=True)
        )
        sets = "".join(
            f"{text(name)}[{i}*{len(row)}+{place}]={text(atom)};"
            for name, row in zip(kept, stores, strict=True)
            for place, atom in enumerate(row)
        )
        head = f"let {i}={length - 1};{i}>=0;{i}--" if reverse else f"let {i}=0;{i}<{length};{i}++"
        step = _assign(text, flat, ends)
        return f"{arrays}{_declare(text, flat, starts)}for({head}){{{bodies[0]}{sets}{step}}}"

    reads = [*starts, *(x for source in sources for x in source)]
    ends_all = [*ends, *(x for row in stores for x in row)]
    writer.code(Code([*flat, *kept], reads, write, [(nodes, ends_all)]))
    return inside + [
        of_buffer(name, shape, dtype) for name, (shape, dtype) in zip(kept, made, strict=True)
    ]


def _row(rows: Value, place: int) -> Value:
    index = np.arange(rows.size).reshape(rows.shape)[place]
    return with_index(rows, index)


def _row_at(writer: Writer, source: tuple[Name, Atom], rows: Value, place: Name) -> Value:
    """Return the row of a round."""
    shape = rows.shape[1:]
    size = math.prod(shape)
    start = writer.let(f"{size}*{{0}}", place) if size != 1 else place
    if source[1] != "0":
        start = writer.let("{0}+{1}", source[1], start)
    index = np.arange(size).reshape(shape)
    return Value(shape, rows.dtype, buffer=source[0], index=index, offset=start)
