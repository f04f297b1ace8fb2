"""A field that is a call and nothing more, so that a method is written once for all fields.

Its derivatives are calls too: v′ and v″ are what the field's own text brings. JAX differentiates
methods and transforms through it as through any field.
"""

from __future__ import annotations

from typing import Any

import jax
from jax.custom_derivatives import SymbolicZero
from jax.extend.core import JaxprEqn, Primitive

from ganfield._types import Players
from ganfield.export._values import Value, atoms, of_elements
from ganfield.export._writer import Writer


def _primitive(name: str, count: int) -> Primitive:
    """Return a primitive of two numbers that gives so many."""
    primitive = Primitive(f"ganfield_{name}")
    primitive.multiple_results = True

    def shapes(theta: Any, phi: Any) -> list[Any]:
        del phi
        return [theta.update(weak_type=False)] * count

    primitive.def_abstract_eval(shapes)
    return primitive


# Row by row: v_θ, v_φ; the derivatives of each of these by θ and φ; and those of each of these.
_CALLS = {
    name: _primitive(name, count) for name, count in (("value", 2), ("jacobian", 4), ("second", 8))
}


def _differentiable(name: str, derivative: str | None) -> Any:
    @jax.custom_jvp
    def call(theta: jax.Array, phi: jax.Array) -> tuple[jax.Array, ...]:
        return tuple(_CALLS[name].bind(theta, phi))

    def rule(primals: Any, tangents: Any) -> tuple[Any, Any]:
        if derivative is None:
            raise ValueError(f"javascript has no derivatives of a field's {name} derivatives")
        slopes = _FUNCTIONS[derivative](*primals)
        changes = []
        for row in zip(slopes[::2], slopes[1::2], strict=True):
            terms = [
                slope * tangent
                for slope, tangent in zip(row, tangents, strict=True)
                if not isinstance(tangent, SymbolicZero)
            ]
            changes.append(sum(terms[1:], terms[0]))
        return call(*primals), tuple(changes)

    call.defjvp(rule, symbolic_zeros=True)
    return call


_FUNCTIONS = {
    "value": _differentiable("value", "jacobian"),
    "jacobian": _differentiable("jacobian", "second"),
    "second": _differentiable("second", None),
}


def opaque(params: Players, batch: Any = None) -> Players:
    """Return the value of the field that the JavaScript function is given as ``f``."""
    del batch
    return Players(*_FUNCTIONS["value"](*params))


def _rule(name: str, count: int) -> Any:
    def write(writer: Writer, equation: JaxprEqn, values: list[Value]) -> list[Value]:
        x = [atom for value in values for atom in atoms(value, writer).reshape(-1)]
        called = writer.let(f"f.{name}([{{0}},{{1}}],o)", *x)
        return [
            of_elements(writer.let(f"{{0}}[{place}]", called), (), "float64")
            for place in range(count)
        ]

    return write


CALLS = {
    f"ganfield_{name}": _rule(name, count)
    for name, count in (("value", 2), ("jacobian", 4), ("second", 8))
}
"""Primitive → how it is written: a call of the field ``f`` with the options ``o``."""
