"""Which inputs of a traced program its outputs need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

_CALLS = ("jit", "pjit")


def needed_inputs(program: Jaxpr, wanted: Sequence[bool]) -> list[bool]:
    """Return which inputs of a program are needed for some of its outputs.

    It looks into jitted functions and scans, where numbers may be handed on that nothing uses. All
    other equations are taken as a whole: too much may be called needed, and never too little.

    Args:
        program: such as ``jax.make_jaxpr(function)(x).jaxpr``.
        wanted: for each output, whether it is one of them.

    Example:
        >>> import jax
        >>> def run(x, y, beside):
        ...     def step(carry, _):
        ...         return (carry[0] * y, carry[1] + carry[0]), None
        ...     return jax.lax.scan(step, (x, beside), None, length=3)[0]
        >>> needed_inputs(jax.make_jaxpr(run)(1.0, 2.0, 3.0).jaxpr, [True, False])
        [True, True, False]
    """
    needed: set[Any] = set()
    _add(needed, program.outvars, wanted)
    for equation in reversed(program.eqns):
        outputs = [variable in needed for variable in equation.outvars]
        if any(outputs):
            _add(needed, equation.invars, _of_equation(equation, outputs))
    return [variable in needed for variable in program.invars]


def _add(needed: set[Any], variables: Sequence[Any], wanted: Sequence[bool]) -> None:
    pairs = zip(variables, wanted, strict=True)
    needed.update(v for v, want in pairs if want and not isinstance(v, Literal))


def _of_equation(equation: Any, outputs: list[bool]) -> list[bool]:
    inner = equation.params.get("jaxpr")
    if not isinstance(inner, ClosedJaxpr):
        return [True] * len(equation.invars)
    if equation.primitive.name in _CALLS:
        return needed_inputs(inner.jaxpr, outputs)
    if equation.primitive.name != "scan":
        return [True] * len(equation.invars)
    first, count = equation.params["num_consts"], equation.params["num_carry"]
    while True:
        inputs = needed_inputs(inner.jaxpr, outputs)
        # What a step needs of the carry, the step before must make.
        carried = [a or b for a, b in zip(outputs, inputs[first : first + count], strict=False)]
        if carried == outputs[:count]:
            return inputs
        outputs = carried + outputs[count:]
