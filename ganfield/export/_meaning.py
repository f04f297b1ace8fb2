"""JavaScript as a meaning of JAX's primitives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from jax.extend.core import JaxprEqn

from ganfield.export import _loops
from ganfield.export._indexing import INDEXING
from ganfield.export._movement import MOVEMENTS, move
from ganfield.export._reductions import REDUCTIONS
from ganfield.export._rules import TABLE
from ganfield.export._values import (
    MOST_UNROLLED,
    Value,
    atoms,
    element,
    is_uniform,
    known,
    loop_over,
    of_buffer,
    of_elements,
    ready,
    spread,
)
from ganfield.export._writer import Writer
from ganfield.jaxpr import STRUCTURES, refuse

DTYPES = ("bool", "float32", "float64", "int32", "int64", "uint32")
"""The types of numbers that there are rules for."""
_NOT_64 = ("clz", "not", "and", "or", "xor", "shift_left", "shift_right_logical")

Run = Callable[[list[Value]], list[Value]]


class JavaScript:
    """Writes a traced program down with a `Writer`.

    Args:
        writer: what gathers statements.
        calls: further primitives → ``rule(writer, equation, values) -> values``.
    """

    def __init__(self, writer: Writer, calls: dict[str, Callable[..., list[Value]]] | None = None):
        self.writer, self.calls = writer, calls or {}

    def constant(self, value: Any) -> Value:
        """Return an array that the program holds."""
        return known(value)

    def apply(self, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        """Write a primitive down."""
        name = equation.primitive.name
        if name in self.calls:
            return self.calls[name](self.writer, equation, values)
        if all(value.known is not None for value in values):
            return computed(equation, values)
        self._check(equation)
        if name in TABLE:
            return [self._elementwise(equation, values)]
        if name in MOVEMENTS:
            return move(self.writer, equation, values)
        if name in REDUCTIONS or name in INDEXING:
            made: Any = {**REDUCTIONS, **INDEXING}[name](self.writer, equation, values)
            if made is NotImplemented:
                raise self._refuse(equation, "of this form")
            return [made]
        raise self._refuse(equation)

    def branch(
        self, equation: JaxprEqn, index: Value, branches: list[Run], values: list[Value]
    ) -> list[Value]:
        """Write a choice down, or the branch itself where it is known."""
        return _loops.branch(self.writer, index, branches, values)

    def repeat(
        self, equation: JaxprEqn, condition: Run, body: Run, carry: list[Value]
    ) -> list[Value]:
        """Write a while loop down."""
        return _loops.repeat(self.writer, condition, body, carry)

    def scan(
        self,
        equation: JaxprEqn,
        body: Run,
        carry: list[Value],
        stacked: list[Value],
        length: int,
        reverse: bool,
    ) -> list[Value]:
        """Write a loop over rows down."""
        rows: list[Any] = [x.aval for x in equation.outvars[len(carry) :]]
        shapes = [(aval.shape, str(aval.dtype)) for aval in rows]
        return _loops.scan(self.writer, body, carry, stacked, length, reverse, shapes)

    def _check(self, equation: Any) -> None:
        for variable in (*equation.invars, *equation.outvars):
            dtype = str(variable.aval.dtype)
            wide = dtype == "int64" and equation.primitive.name in _NOT_64
            if dtype not in DTYPES or wide:
                raise self._refuse(equation, f"of {dtype} numbers")

    def _refuse(self, equation: JaxprEqn, why: str = "") -> ValueError:
        tables = (TABLE, MOVEMENTS, REDUCTIONS, INDEXING, STRUCTURES)
        names = {name for table in tables for name in table}
        return refuse(equation, names, who="javascript", why=why)

    def _elementwise(self, equation: Any, values: list[Value]) -> Value:
        aval = equation.outvars[0].aval
        shape, dtype = tuple(aval.shape), str(aval.dtype)
        rule, writer = TABLE[equation.primitive.name], self.writer
        dtypes = [value.dtype for value in values]
        size = math.prod(shape)
        if all(is_uniform(value) for value in values) and size:
            firsts = [atoms(value, writer).reshape(-1)[0] for value in values]
            return of_elements(rule(writer, equation, dtypes, firsts), shape, dtype)
        if size <= MOST_UNROLLED:
            every = [np.broadcast_to(atoms(value, writer), shape).reshape(-1) for value in values]
            made = [rule(writer, equation, dtypes, list(one)) for one in zip(*every, strict=True)]
            return of_elements(made, shape, dtype)
        given = [ready(spread(value, shape, writer), writer) for value in values]
        largest = max(given, key=lambda value: value.size)
        loop = loop_over([largest, *given], writer)
        with writer.within(loop):
            inner = [element(value, loop, writer) for value in given]
            made_inner = rule(writer, equation, dtypes, inner)
        return of_buffer(writer.keep(loop, made_inner), shape, dtype)


# What NumPy computes to the same bit, and without compiling anything.
_OF_NUMPY: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "div": np.divide,
    "eq": np.equal,
    "mul": np.multiply,
    "neg": np.negative,
    "sub": np.subtract,
}


def computed(equation: Any, values: list[Value]) -> list[Value]:
    """Return the results of a primitive whose operands are known."""
    own = [value.known for value in values]
    name, aval = equation.primitive.name, equation.outvars[0].aval
    if name in _OF_NUMPY and all(value.dtype == "float64" for value in values):
        with np.errstate(all="ignore"):
            return [known(_OF_NUMPY[name](*map(np.asarray, own)))]
    if name == "convert_element_type" and str(aval.dtype) == "float64":
        return [known(np.asarray(own[0]).astype(np.float64))]
    if name == "broadcast_in_dim" and values[0].shape == () and len(own) == 1:
        return [known(np.full(aval.shape, np.asarray(own[0])))]
    results = equation.primitive.bind(*own, **equation.params)
    return [known(x) for x in (results if equation.primitive.multiple_results else [results])]
