"""A function of JAX's as a function of JavaScript's."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from ganfield.checks import check_real
from ganfield.export._helpers import HELPERS
from ganfield.export._meaning import JavaScript
from ganfield.export._text import write
from ganfield.export._values import MOST_UNROLLED, Value, atoms, compact, of_buffer, of_elements
from ganfield.export._writer import Atom, Name, Writer
from ganfield.jaxpr import walk


class Function(NamedTuple):
    """A JavaScript function, and what it needs beside itself.

    Attributes:
        text: an arrow function.
        helpers: name → function, of those that it calls.
        tables: name → array, of those that it reads.
    """

    text: str
    helpers: dict[str, str]
    tables: dict[str, str]

    def alone(self) -> str:
        """Return the function with all that it needs, as one expression."""
        needs = {**self.helpers, **self.tables}
        if not needs:
            return self.text
        made = "".join(f"const {name}={text};" for name, text in needs.items())
        return f"(()=>{{{made}return {self.text}}})()"


def javascript(function: Callable[..., Any], *example: Any) -> str:
    """Return the text of a JavaScript function with the same numbers, in float64.

    The function is traced on the examples, so what it computes may depend on their shapes and types
    and not on their values. Scalars and small arrays become straight-line code, others loops.

    Args:
        function: of arrays or pytrees of them, in operations of JAX. Floats are float64 in it,
            whatever the examples are, unless it converts them itself.
        *example: an argument each, or its shape.

    Returns:
        An expression, a function of as many arguments. An array is a flat array of its elements,
        row after row, a scalar a number (or a boolean), and a pytree of several leaves an array
        of them, in the order of `jax.tree.leaves`; results likewise. Integers of 32 bits wrap as
        they do in JAX; those of 64 bits are exact up to 2⁵³.

    Raises:
        ValueError: there is no rule for a primitive; the message says which, where it comes from in
            the function, and what could be used instead. The examples are not real.

    Example:
        >>> import jax.numpy as jnp
        >>> javascript(lambda x, y: x * jnp.sin(y) + 2 * x, 1.0, 2.0)
        '(a,b)=>a*Math.sin(b)+2*a'
    """
    with jax.enable_x64(True):
        check_real(example, argument="example")
        example = jax.tree.map(_wide, example)
        return translate(jax.make_jaxpr(function)(*example), example).alone()


def translate(
    program: ClosedJaxpr,
    arguments: Sequence[Any],
    *,
    names: Sequence[str] = (),
    calls: dict[str, Callable[..., list[Value]]] | None = None,
) -> Function:
    """Return the JavaScript of a program that was traced in float64.

    Args:
        program: of ``jax.make_jaxpr``.
        arguments: shapes of the function's arguments: pytrees whose leaves, one after the other,
            are the inputs of the program. One without leaves is not read.
        names: of the parameters; letters if there are none.
        calls: see `ganfield.export._meaning.JavaScript`.
    """
    writer = Writer()
    parameters = [Name(name) for name in names] or [writer.named() for _ in arguments]
    values: list[Value] = []
    for parameter, argument in zip(parameters, arguments, strict=True):
        leaves = jax.tree.leaves(argument)
        whole = len(leaves) == 1
        for place, leaf in enumerate(leaves):
            name = parameter if whole else writer.let(f"{{0}}[{place}]", parameter)
            values.append(_argument(name, tuple(leaf.shape), str(leaf.dtype)))
    results = walk(program, values, JavaScript(writer, calls))
    parts = [_returned(value, writer) for value in results]
    if len(parts) == 1:
        (result,) = parts
    else:
        result = writer.let(f"[{','.join(f'{{{n}}}' for n in range(len(parts)))}]", *parts)
    written = write(writer.nodes, [result], writer.tables, parameters)
    (end,) = written.results
    body = f"{{{written.text}return {end}}}" if written.text else _expression(end)
    text = f"({','.join(written.parameters)})=>{body}"
    return Function(text, _helpers(text), written.tables)


def _wide(leaf: Any) -> jax.ShapeDtypeStruct:
    dtype = jnp.result_type(leaf)
    if jnp.issubdtype(dtype, jnp.floating):
        dtype = jnp.dtype("float64")
    return jax.ShapeDtypeStruct(np.shape(leaf), dtype)


def _argument(name: Atom, shape: tuple[int, ...], dtype: str) -> Value:
    if shape == ():
        return of_elements(name, shape, dtype)
    assert isinstance(name, Name)
    return of_buffer(name, shape, dtype)


def _returned(value: Value, writer: Writer) -> Atom:
    if value.shape == ():
        return atoms(value, writer).reshape(-1)[0]
    if value.size <= MOST_UNROLLED or value.buffer is None:
        flat = atoms(value, writer).reshape(-1)
        return writer.let(f"[{','.join(f'{{{n}}}' for n in range(flat.size))}]", *flat)
    buffer, start = compact(value, writer)
    return writer.let(f"[...{{0}}.slice({{1}},{{1}}+{value.size})]", buffer, start)


def _expression(text: str) -> str:
    return f"({text})" if text.startswith("{") else text


def _helpers(text: str) -> dict[str, str]:
    """Return the helpers that a text calls, and those that they call."""
    wanted: dict[str, str] = {}
    texts = [text]
    while texts:
        called = set(re.findall(r"\b(\w+)\(", texts.pop())) & HELPERS.keys() - wanted.keys()
        for name in sorted(called):
            wanted[name] = HELPERS[name]
            texts.append(HELPERS[name])
    return wanted
