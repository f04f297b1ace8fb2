"""The numbers that a traced program holds, made arguments of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

# With these XLA drops whole operations.
_PLAIN = (0.0, 1.0, -1.0)
_CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}


def numbers_of(program: Jaxpr) -> list[Literal]:
    """Return the floats of a program that may be arguments, each once, in the order of the program.

    Floats that a function's closure holds are written into the program that is traced of it.
    Integers stay there (they set shapes and lengths of loops), as do 0 and ±1, what is not finite,
    and exponents and bases of powers, all of which XLA makes other programs of.

    Args:
        program: such as ``jax.make_jaxpr(function)(x).jaxpr``.

    Example:
        >>> program = jax.make_jaxpr(lambda x: 0.3 * x + jax.lax.exp(x * 2.5) - 1)(1.0)
        >>> [float(number.val) for number in numbers_of(program.jaxpr)]
        [0.3, 2.5]
    """
    return list({id(number): number for number in _numbers(program)}.values())


def evaluate(
    program: Jaxpr, constants: list[Any], arguments: list[Any], numbers: Mapping[int, Any]
) -> list[Any]:
    """Return what a program computes with other numbers in the place of its own.

    Args:
        program: whose numbers `numbers_of` lists.
        constants: the values of ``program.constvars``.
        arguments: the values of ``program.invars``.
        numbers: the ``id`` of a number of the program → the value that takes its place.

    Example:
        >>> program = jax.make_jaxpr(lambda x: 0.3 * x)(1.0)
        >>> (number,) = numbers_of(program.jaxpr)
        >>> evaluate(program.jaxpr, [], [10.0], {id(number): jnp.float32(0.7)})
        [Array(7., dtype=float32...)]
    """
    values = dict(zip(program.constvars, constants, strict=True))
    values |= zip(program.invars, arguments, strict=True)

    def read(atom: Any) -> Any:
        return numbers.get(id(atom), atom.val) if isinstance(atom, Literal) else values[atom]

    for equation in program.eqns:
        inputs = [read(atom) for atom in equation.invars]
        with equation.ctx.manager:
            if _divides_a_scalar(equation) and id(equation.invars[1]) in numbers:
                outputs = [inputs[0] * (1 / inputs[1])]
            elif any(True for _ in _numbers_inside(equation)):
                outputs = _STAGED[equation.primitive.name](equation, inputs, numbers)
            else:
                params = equation.primitive.get_bind_params(equation.params)
                outputs = equation.primitive.bind(*inputs, **params)
                outputs = outputs if equation.primitive.multiple_results else [outputs]
        values |= zip(equation.outvars, outputs, strict=True)
    return [read(atom) for atom in program.outvars]


def _numbers(program: Jaxpr) -> Iterator[Literal]:
    for equation in program.eqns:
        if equation.primitive.name != "pow":
            yield from filter(_may_be_an_argument, equation.invars)
        yield from _numbers_inside(equation)
    yield from filter(_may_be_an_argument, program.outvars)


def _numbers_inside(equation: JaxprEqn) -> Iterator[Literal]:
    """Yield the numbers of the programs that an equation calls, where it can be staged anew."""
    if equation.primitive.name in _STAGED:
        for inner in _programs(equation):
            yield from _numbers(inner.jaxpr)


def _kind(atom: Any) -> Any:
    """Return the shape and type of a value."""
    return atom.aval


def _divides_a_scalar(equation: JaxprEqn) -> bool:
    """Return whether XLA would multiply by the inverse of a number, and so round otherwise."""
    return equation.primitive.name == "div" and _kind(equation.outvars[0]).shape == ()


def _may_be_an_argument(atom: Any) -> bool:
    return (
        isinstance(atom, Literal)
        and _kind(atom).shape == ()
        and jnp.issubdtype(_kind(atom).dtype, jnp.floating)
        and math.isfinite(atom.val)
        and float(atom.val) not in _PLAIN
    )


def _programs(equation: JaxprEqn) -> list[ClosedJaxpr]:
    """Return the programs that an equation calls; none where it says where its arrays are to be."""
    name, params = equation.primitive.name, equation.params
    if name == "cond":
        return list(params["branches"])
    if name == "while":
        return [params["cond_jaxpr"], params["body_jaxpr"]]
    if name == "scan":
        return [params["jaxpr"]]
    placed = (
        each
        for key in ("in_shardings", "out_shardings", "in_layouts", "out_layouts")
        for each in params.get(key, ())
    )
    if any(each is not None and type(each).__name__ != "UnspecifiedValue" for each in placed):
        return []
    return [params[_CALLS[name]]]


def _with(inner: ClosedJaxpr, numbers: Mapping[int, Any], *arguments: Any) -> list[Any]:
    return evaluate(inner.jaxpr, list(inner.consts), list(arguments), numbers)


def _call(equation: JaxprEqn, inputs: list[Any], numbers: Mapping[int, Any]) -> list[Any]:
    # In its place: XLA does so too. Nothing is differentiated any more.
    return _with(_programs(equation)[0], numbers, *inputs)


def _cond(equation: JaxprEqn, inputs: list[Any], numbers: Mapping[int, Any]) -> list[Any]:
    index, *operands = inputs
    branches = [
        lambda *given, branch=branch: _with(branch, numbers, *given)
        for branch in _programs(equation)
    ]
    return jax.lax.switch(index, branches, *operands)


def _while(equation: JaxprEqn, inputs: list[Any], numbers: Mapping[int, Any]) -> list[Any]:
    condition, body = _programs(equation)
    of_condition, of_body = (equation.params[f"{part}_nconsts"] for part in ("cond", "body"))
    first, second = inputs[:of_condition], inputs[of_condition:][:of_body]
    begin = inputs[of_condition + of_body :]
    batched = condition.out_avals[0].ndim

    def goes_on(carry: list[Any]) -> Any:
        return _with(condition, numbers, *first, *carry)[0]

    def step(carry: list[Any]) -> list[Any]:
        after = _with(body, numbers, *second, *carry)
        if not batched:
            return after
        # A vmapped loop goes on while any of its rows does, and the others keep what they have.
        going = goes_on(carry)
        return [
            jnp.where(jnp.expand_dims(going, tuple(range(batched, jnp.ndim(new)))), new, old)
            for new, old in zip(after, carry, strict=True)
        ]

    return jax.lax.while_loop(lambda carry: jnp.any(goes_on(carry)), step, begin)


def _scan(equation: JaxprEqn, inputs: list[Any], numbers: Mapping[int, Any]) -> list[Any]:
    (body,), params = _programs(equation), equation.params
    # What is gone through has an axis more than what the body sees of it. How many of each there
    # are, versions of JAX say in ways of their own.
    given = zip(equation.invars, body.jaxpr.invars, strict=True)
    count = sum(_kind(whole).ndim == _kind(part).ndim for whole, part in given)
    made = zip(equation.outvars, body.jaxpr.outvars, strict=True)
    carried = sum(_kind(whole).ndim == _kind(part).ndim for whole, part in made)
    fixed, carry, along = inputs[: count - carried], inputs[count - carried : count], inputs[count:]

    def step(carry: list[Any], along: list[Any]) -> tuple[list[Any], list[Any]]:
        outputs = _with(body, numbers, *fixed, *carry, *along)
        return outputs[:carried], outputs[carried:]

    last, stacked = jax.lax.scan(
        step, carry, along, params["length"], params["reverse"], params["unroll"]
    )
    return [*last, *stacked]


_STAGED = {"cond": _cond, "while": _while, "scan": _scan} | dict.fromkeys(_CALLS, _call)
