"""Fields, transforms and methods as objects of JavaScript functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.extend.core import jaxpr_as_fun

from ganfield._types import Field, Players
from ganfield.export._javascript import Function, translate
from ganfield.export._opaque import CALLS, opaque
from ganfield.jaxpr import RefusedError
from ganfield.methods import Method, State

_MOST_SLOPES = 3000  # letters of v′; v″ of a longer one is left to differences
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


def _traced(function: Callable[..., Any], *example: Any) -> Callable[..., list[Any]]:
    """Return a function as the program that it is, which is faster to go over again."""
    return jaxpr_as_fun(jax.make_jaxpr(function)(*example))


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
    options = jnp.zeros(count)

    def value(theta: Any, phi: Any, options: Any) -> tuple[Any, Any]:
        made = build(_settings(options, places))(Players(theta, phi))
        return made.theta, made.phi

    def slopes(function: Callable[..., Any]) -> Callable[..., list[Any]]:
        def columns(theta: Any, phi: Any, options: Any) -> list[Any]:
            return _columns(lambda t, p: function(t, p, options), theta, phi)

        return _traced(columns, 0.0, 0.0, options)

    def of(function: Callable[..., Any]) -> Function:
        def flat(*arguments: Any) -> Any:
            *_, x, options = arguments
            return jnp.stack(function(x[0], x[1], options))

        if base:
            return translate(flat, jnp.zeros(2), options, names=("x", "o"))
        return translate(flat, 0.0, jnp.zeros(2), options, names=("f", "x", "o"), calls=CALLS)

    known = _traced(value, 0.0, 0.0, options)
    jacobian = slopes(known)
    try:
        functions = {"value": of(known), "jacobian": of(jacobian)}
    except RefusedError as refused:
        if not refused.where:
            of(value)  # A program forgets where the user wrote it; this raises and says so.
        raise
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
    options = jnp.zeros(count)
    with_one = Players(jnp.zeros(()), jnp.zeros(()))
    shapes = jax.eval_shape(lambda o: build(_settings(o, places)).init(with_one), options)
    leaves: list[Any] = jax.tree.leaves(shapes)
    structure: Any = jax.tree.structure(shapes)
    if any(leaf.shape != () for leaf in leaves):
        raise ValueError("javascript needs a method whose state is numbers, at two parameters")
    counts = [not jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]

    def start(f: Any, x: Any, options: Any) -> Any:
        del f
        state = build(_settings(options, places)).init(Players(x[0], x[1]))
        return _flat(state)

    def stepped(options: Any, *numbers: Any) -> list[Any]:
        state: State = structure.unflatten(numbers)
        return _flat(build(_settings(options, places)).step(opaque, state, None)[0])

    after = _traced(stepped, options, *(jnp.zeros((), leaf.dtype) for leaf in leaves))

    def step(f: Any, state: Any, options: Any) -> list[Any]:
        del f
        return after(options, *_typed(state, leaves))

    def jacobian(f: Any, state: Any, options: Any) -> list[Any]:
        del f
        held = _typed(state, leaves)

        def moving(*floats: Any) -> list[Any]:
            own = iter(floats)
            return after(
                options,
                *(
                    old if is_count else next(own)
                    for old, is_count in zip(held, counts, strict=True)
                ),
            )

        rows = _columns(
            moving, *(x for x, is_count in zip(held, counts, strict=True) if not is_count)
        )
        # What counts is held: its rows and columns are 0.
        width = counts.count(False)
        entries = []
        for row, row_counts in enumerate(counts):
            own = iter(rows[row * width : (row + 1) * width])
            entries += [0.0 if is_count or row_counts else next(own) for is_count in counts]
        return entries

    example = [
        jax.ShapeDtypeStruct((), jnp.float64 if leaf.dtype == bool else leaf.dtype)
        for leaf in leaves
    ]
    functions = {
        "init": translate(start, 0.0, jnp.zeros(2), options, names=("f", "x", "o")),
        "step": translate(step, 0.0, example, options, names=("f", "s", "o"), calls=CALLS),
    }
    if len(functions["step"].text) <= most_step:
        functions["jacobian"] = translate(
            jacobian, 0.0, example, options, names=("f", "s", "o"), calls=CALLS
        )
    part = _part(functions)
    if len(part.functions.get("jacobian", "")) > most or "jacobian" not in functions:
        part.functions["jacobian"] = "null"
    return Stepping(part, len(leaves))


def _typed(state: Any, leaves: Any) -> list[Any]:
    return [x != 0 if leaf.dtype == bool else x for x, leaf in zip(state, leaves, strict=True)]


def _flat(state: Any) -> list[Any]:
    """Return a state's leaves, truths as 0 and 1."""
    return [
        x.astype(float) if x.dtype == bool else x for x in map(jnp.asarray, jax.tree.leaves(state))
    ]
