"""Fields, transforms and methods as objects of JavaScript functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from ganfield._types import Field, Players
from ganfield.export._javascript import Function, translate
from ganfield.export._opaque import CALLS, opaque
from ganfield.methods import Method, State

_MOST_SLOPES = 3000  # letters of v′; v″ of a longer one is left to differences
_NUMBER = jax.ShapeDtypeStruct((), jnp.float64)
Numbers = dict[str, jax.Array]
"""Name of a setting → its value, an option of the page."""


class Part(NamedTuple):
    """An object of JavaScript functions, and what they need.

    Attributes:
        functions: name → text.
        needs: name → text of helpers and tables.
    """

    functions: dict[str, str]
    needs: dict[str, str]

    def text(self) -> str:
        """Return the object."""
        return "{" + ",".join(f"{name}:{text}" for name, text in self.functions.items()) + "}"


def _part(functions: dict[str, Function]) -> Part:
    """Return functions, each with its own tables in it."""
    needs: dict[str, str] = {}
    texts = {}
    for name, function in functions.items():
        needs |= function.helpers
        texts[name] = function._replace(helpers={}).alone()
    return Part(texts, needs)


def _settings(options: jax.Array, places: dict[str, int]) -> Numbers:
    return {name: options[place] for name, place in places.items()}


def field_part(
    build: Callable[[Numbers], Field], places: dict[str, int], count: int, *, base: bool
) -> Part:
    """Return ``value``, ``jacobian`` and, where it is short, ``second`` of a field of two numbers.

    Args:
        build: the field, from its settings.
        places: setting → its place in the options.
        count: how many options there are.
        base: whether it is a field of its own; otherwise it is made of the field ``f``, which its
            functions take first, and has no ``second``.
    """
    point, options = [_NUMBER, _NUMBER], jax.ShapeDtypeStruct((count,), jnp.float64)

    def value(theta: Any, phi: Any, options: Any) -> list[Any]:
        return [*build(_settings(options, places))(Players(theta, phi))]

    def slopes(program: ClosedJaxpr) -> ClosedJaxpr:
        known = jaxpr_as_fun(program)

        def columns(theta: Any, phi: Any, options: Any) -> list[Any]:
            return _columns(lambda t, p: known(t, p, options), theta, phi)

        return jax.make_jaxpr(columns)(*point, options)

    def of(program: ClosedJaxpr) -> Function:
        if base:
            return translate(program, (point, options), names=("x", "o"))
        return translate(program, ((), point, options), names=("f", "x", "o"), calls=CALLS)

    program = jax.make_jaxpr(value)(*point, options)
    jacobian = slopes(program)
    functions = {"value": of(program), "jacobian": of(jacobian)}
    if base and len(functions["jacobian"].text) <= _MOST_SLOPES:
        functions["second"] = of(slopes(jacobian))
    return _part(functions)


def _columns(function: Callable[..., Any], *point: Any) -> list[Any]:
    """Return the derivatives of a function's results, row by row, a column at a time.

    With one number moving at a time JAX leaves out what does not move.
    """
    columns = []
    for place, at in enumerate(point):

        def along(number: Any, place: int = place) -> Any:
            return function(*point[:place], number, *point[place + 1 :])

        columns.append(jax.jvp(along, (at,), (jnp.ones_like(at),))[1])
    return [entry for row in zip(*columns, strict=True) for entry in row]


class Stepping(NamedTuple):
    """A method as JavaScript.

    Attributes:
        part: ``init``, ``step`` and ``jacobian``.
        size: of its state.
    """

    part: Part
    size: int


def method_part(
    build: Callable[[Numbers], Method],
    places: dict[str, int],
    count: int,
    *,
    most_step: int,
    most: int,
) -> Stepping:
    """Return ``init``, ``step`` and ``jacobian`` of a method along a field ``f``.

    Args:
        build: the method, from its settings.
        places: setting → its place in the options.
        count: how many options there are.
        most_step: a step of more letters has no text of its derivative; it is null.
        most: nor has one whose derivative would take more.
    """
    point, options = [_NUMBER, _NUMBER], jax.ShapeDtypeStruct((count,), jnp.float64)

    def begin(theta: Any, phi: Any, options: Any) -> State:
        return build(_settings(options, places)).init(Players(theta, phi))

    shapes = jax.eval_shape(begin, *point, options)
    leaves: list[Any] = jax.tree.leaves(shapes)
    structure: Any = jax.tree.structure(shapes)
    if any(leaf.shape != () for leaf in leaves):
        raise ValueError("javascript needs a method whose state is numbers, at two parameters")
    counts = [not jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    numbers = [_NUMBER if leaf.dtype == bool else leaf for leaf in leaves]

    def step(*given: Any) -> list[Any]:
        *state, options = given
        typed = [x != 0 if leaf.dtype == bool else x for x, leaf in zip(state, leaves, strict=True)]
        method = build(_settings(options, places))
        return _flat(method.step(opaque, structure.unflatten(typed), None)[0])

    def jacobian(*given: Any) -> list[Any]:
        *state, options = given

        def moving(*floats: Any) -> list[Any]:
            own = iter(floats)
            pairs = zip(state, counts, strict=True)
            return known(*(old if is_count else next(own) for old, is_count in pairs), options)

        rows = _columns(
            moving, *(x for x, is_count in zip(state, counts, strict=True) if not is_count)
        )
        # What counts is held: its rows and columns are 0.
        width = counts.count(False)
        entries = []
        for row, row_counts in enumerate(counts):
            own = iter(rows[row * width : (row + 1) * width])
            entries += [0.0 if is_count or row_counts else next(own) for is_count in counts]
        return entries

    def of(program: ClosedJaxpr, state: list[Any], name: str) -> Function:
        return translate(program, ((), state, options), names=("f", name, "o"), calls=CALLS)

    program = jax.make_jaxpr(step)(*numbers, options)
    known = jaxpr_as_fun(program)
    start = jax.make_jaxpr(lambda *given: _flat(begin(*given)))(*point, options)
    functions = {"init": of(start, point, "x"), "step": of(program, numbers, "s")}
    if len(functions["step"].text) <= most_step:
        functions["jacobian"] = of(jax.make_jaxpr(jacobian)(*numbers, options), numbers, "s")
    part = _part(functions)
    if len(part.functions.get("jacobian", "")) > most or "jacobian" not in functions:
        part.functions["jacobian"] = "null"
    return Stepping(part, len(leaves))


def _flat(state: Any) -> list[Any]:
    """Return a state's leaves, truths as 0 and 1."""
    return [
        x.astype(float) if x.dtype == bool else x for x in map(jnp.asarray, jax.tree.leaves(state))
    ]
