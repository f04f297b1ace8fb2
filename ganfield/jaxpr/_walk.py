"""The walk over a jaxpr: its environment, its sub-programs and its loops.

What a primitive means is a `Meaning`'s affair: another one is another class, and no other walk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from ganfield.jaxpr._refuse import RefusedError, place_of

V = TypeVar("V")

# Primitives that only call a program → the parameter that holds it.
_CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
    "remat2": "jaxpr",
}
STRUCTURES = (*_CALLS, "cond", "custom_linear_solve", "scan", "while")
"""The primitives that the walk knows by itself: those with programs in them."""


class Meaning(Protocol[V]):
    """What the primitives mean, on values of a kind of its own.

    A program of a loop or a branch comes as a function of lists of values, which may be called as
    often as the meaning likes: once to write the loop down, or until a fixed point is reached.
    """

    def constant(self, value: Any) -> V:
        """Return the value of a literal, or of an array that the program holds."""
        ...

    def apply(self, equation: JaxprEqn, values: list[V]) -> list[V]:
        """Return the results of a primitive without programs, one for each of its outputs."""
        ...

    def branch(
        self,
        equation: JaxprEqn,
        index: V,
        branches: list[Callable[[list[V]], list[V]]],
        values: list[V],
    ) -> list[V]:
        """Return the results of the branch that an index chooses."""
        ...

    def repeat(
        self,
        equation: JaxprEqn,
        condition: Callable[[list[V]], list[V]],
        body: Callable[[list[V]], list[V]],
        carry: list[V],
    ) -> list[V]:
        """Return what is carried out of a loop that goes on while a condition holds."""
        ...

    def scan(
        self,
        equation: JaxprEqn,
        body: Callable[[list[V]], list[V]],
        carry: list[V],
        stacked: list[V],
        length: int,
        reverse: bool,
    ) -> list[V]:
        """Return the last carry of a loop over rows, and the stacks of what each round returns."""
        ...


def walk(program: ClosedJaxpr, values: Sequence[V], meaning: Meaning[V]) -> list[V]:
    """Return the results of a traced program on values, by a meaning of its primitives.

    Calls (jit, custom derivatives, rematerialisation, a linear solve's own solver) are followed;
    equations whose results nobody needs are left out, so that they need no meaning.

    Args:
        program: of ``jax.make_jaxpr``.
        values: one for each of its inputs.
        meaning: see `Meaning`.

    Returns:
        One value for each output.

    Example:
        >>> import jax
        >>> class Depth:  # How many operations lie between the inputs and a value.
        ...     def constant(self, value):
        ...         return 0
        ...     def apply(self, equation, values):
        ...         return [1 + max(values)] * len(equation.outvars)
        >>> program = jax.make_jaxpr(lambda x: jax.jit(jax.numpy.sin)(x * x) + x)(1.0)
        >>> walk(program, [0], Depth())
        [3]
    """
    held = [meaning.constant(value) for value in program.consts]
    return _walk(program.jaxpr, held, values, meaning)


def _walk(jaxpr: Jaxpr, held: Sequence[V], values: Sequence[V], meaning: Meaning[V]) -> list[V]:
    environment: dict[Any, V] = dict(zip(jaxpr.constvars, held, strict=True))
    environment.update(zip(jaxpr.invars, values, strict=True))

    def read(variable: Any) -> V:
        if isinstance(variable, Literal):
            return meaning.constant(variable.val)
        return environment[variable]

    for equation in _needed(jaxpr):
        results = _result(equation, [read(x) for x in equation.invars], meaning)
        environment.update(zip(equation.outvars, results, strict=True))
    return [read(x) for x in jaxpr.outvars]


def _needed(jaxpr: Jaxpr) -> list[JaxprEqn]:
    """Return the equations that lead to the outputs, in order."""
    wanted = {x for x in jaxpr.outvars if not isinstance(x, Literal)}
    kept = []
    for equation in reversed(jaxpr.eqns):
        if wanted.intersection(equation.outvars):
            wanted.update(x for x in equation.invars if not isinstance(x, Literal))
            kept.append(equation)
    return kept[::-1]


def _program(given: Any, meaning: Meaning[V], before: Sequence[V] = ()) -> Callable:
    """Return a sub-program, closed or open, as a function of the values that come after some."""
    jaxpr, held = (given.jaxpr, given.consts) if isinstance(given, ClosedJaxpr) else (given, ())

    def call(values: Sequence[V]) -> list[V]:
        constants = [meaning.constant(value) for value in held]
        return _walk(jaxpr, constants, [*before, *values], meaning)

    return call


def _result(equation: JaxprEqn, values: list[V], meaning: Meaning[V]) -> list[V]:
    name, params = equation.primitive.name, equation.params
    if name in _CALLS:
        try:
            return _program(params[_CALLS[name]], meaning)(values)
        except RefusedError as refused:
            if refused.where:
                raise
            # Within a function of JAX's own: the user's is where that was called.
            raise RefusedError(refused.said, place_of(equation), refused.instead) from None
    if name == "cond":
        branches = [_program(each, meaning) for each in params["branches"]]
        return meaning.branch(equation, values[0], branches, values[1:])
    if name == "while":
        first = params["cond_nconsts"]
        second = first + params["body_nconsts"]
        condition = _program(params["cond_jaxpr"], meaning, values[:first])
        body = _program(params["body_jaxpr"], meaning, values[first:second])
        return meaning.repeat(equation, condition, body, values[second:])
    if name == "scan":
        inner = params["jaxpr"].jaxpr
        rows = _of_rank(inner.invars, equation.invars, 1)
        second = len(values) - rows
        first = second - _of_rank(inner.outvars, equation.outvars, 0)
        body = _program(params["jaxpr"], meaning, values[:first])
        carry, stacked = values[first:second], values[second:]
        return meaning.scan(
            equation, body, carry, stacked, params["length"], bool(params["reverse"])
        )
    if name == "custom_linear_solve":
        lengths, target = params["const_lengths"], sum(params["const_lengths"])
        start = lengths.matvec + lengths.vecmat
        held = values[start : start + lengths.solve]
        return _program(params["jaxprs"].solve, meaning, held)(values[target:])
    return meaning.apply(equation, values)


def _of_rank(inner: Sequence[Any], outer: Sequence[Any], more: int) -> int:
    """Return how many variables have so many axes more outside a loop than in it."""
    ranks = [
        len(there.aval.shape) - len(here.aval.shape)
        for here, there in zip(inner, outer, strict=True)
    ]
    return ranks.count(more)
