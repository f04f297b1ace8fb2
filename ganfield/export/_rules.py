"""What each elementwise primitive of JAX is in JavaScript: a table, one line for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ganfield.export._values import literal
from ganfield.export._writer import Atom, Writer

Rule: TypeAlias = Callable[[Writer, Any, list[str], list[Atom]], Atom]
"""``rule(writer, equation, dtypes, operands) -> atom`` of one element."""

# What keeps a number within its type, after each operation. Integers of 64 bits are exact up to
# 2⁵³, as numbers of JavaScript are.
_WRAPS = {"int32": "({})|0", "uint32": "({})>>>0", "float32": "Math.fround({})"}
_FOLDS: dict[str, Callable[..., float]] = {
    "{0}+{1}": np.add,
    "{0}-{1}": np.subtract,
    "{0}*{1}": np.multiply,
    "-{0}": np.negative,
}
# Operations that leave a number as it is, and by which one.
_UNCHANGED = {"{0}-{1}": ("0",), "{0}/{1}": ("1",), "{0}*{1}": ("1",), "{0}+{1}": ("0", "-0")}
_EITHER = ("{0}*{1}", "{0}+{1}")  # in which the first may be that number as well


def wrapped(template: str, dtype: str) -> str:
    """Return an expression whose value is kept within a type."""
    return _WRAPS[dtype].format(template) if dtype in _WRAPS else template


def _number(atom: Atom) -> float | None:
    """Return the number of a literal; None of a name."""
    if not isinstance(atom, str) or atom in ("true", "false"):
        return None
    return float(atom.replace("Infinity", "inf"))


def _out(equation: Any) -> str:
    return str(equation.outvars[0].aval.dtype)


def plain(template: str, **of: str) -> Rule:
    """Return the rule of an expression, with others for integers or booleans.

    Args:
        template: in which ``{0}``, ``{1}`` are the operands; ``name(`` is a helper's.
        **of: type, or its first letters, → another expression.
    """

    def rule(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
        kind = dtypes[0]
        own = next((of[key] for key in of if kind.startswith(key)), template)
        folded = _folded(writer, own, kind, operands)
        if folded is not None:
            return folded
        return writer.let(wrapped(own, _out(equation)), *operands)

    return rule


def _folded(writer: Writer, template: str, dtype: str, operands: list[Atom]) -> Atom | None:
    """Return a simpler atom of the same value to the last bit, but for the sign of a zero.

    What is known before the function runs is computed; a sign is carried to where it costs least.
    """
    if dtype != "float64":
        return None
    numbers = [_number(atom) for atom in operands]
    if None not in numbers and template in _FOLDS:
        with np.errstate(all="ignore"):
            return literal(_FOLDS[template](*np.array(numbers, float)), dtype)
    if operands[-1] in _UNCHANGED.get(template, ()):
        return operands[0]
    if template in _EITHER and operands[0] in _UNCHANGED[template]:
        return operands[1]
    x, y = operands[0], operands[-1]
    of_x, of_y = writer.negated(x), writer.negated(y)
    if template == "-{0}":
        return of_x
    if template == "{0}*{1}" and "-1" in operands:
        return writer.negative(y if x == "-1" else x)
    if template == "{0}+{1}" and of_y is not None:
        return writer.let("{0}-{1}", x, of_y)
    if template == "{0}+{1}" and of_x is not None:
        return writer.let("{0}-{1}", y, of_x)
    if template == "{0}-{1}" and of_y is not None:
        return writer.let("{0}+{1}", x, of_y)
    if template in ("{0}*{1}", "{0}/{1}") and (of_x is None) != (of_y is None):
        unsigned = (x if of_x is None else of_x, y if of_y is None else of_y)
        return writer.negative(writer.let(template, *unsigned))
    if template in ("{0}*{1}", "{0}/{1}") and of_x is not None and of_y is not None:
        return writer.let(template, of_x, of_y)
    return None


def _compare(symbol: str) -> Rule:
    return plain(f"{{0}}{symbol}{{1}}")


def _square(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    (x,) = operands
    return TABLE["mul"](writer, equation, dtypes, [x, x])


def _integer_pow(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    """Return a power by squaring, in the order in which XLA multiplies."""
    exponent, factor, product = abs(equation.params["y"]), operands[0], None
    if exponent == 0:
        return literal(1, dtypes[0])
    while exponent:
        if exponent % 2:
            product = (
                factor if product is None else _times(writer, equation, dtypes, product, factor)
            )
        exponent //= 2
        if exponent:
            factor = _times(writer, equation, dtypes, factor, factor)
    assert product is not None
    if equation.params["y"] < 0:
        return writer.let(wrapped("1/{0}", dtypes[0]), product)
    return product


def _times(writer: Writer, equation: Any, dtypes: list[str], x: Atom, y: Atom) -> Atom:
    return TABLE["mul"](writer, equation, dtypes, [x, y])


def _select(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    which, *cases = operands
    if all(case == cases[0] for case in cases):
        return cases[0]
    if dtypes[0] == "bool":
        if which in ("true", "false"):
            return cases[which == "true"]
        return writer.let("{0}?{2}:{1}", which, *cases)
    chosen = cases[-1]
    for number, case in reversed(list(enumerate(cases[:-1]))):
        chosen = writer.let(f"{{0}}<={number}?{{1}}:{{2}}", which, case, chosen)
    return chosen


def _convert(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    (given,), made, (x,) = dtypes, _out(equation), operands
    if given == made or (given, made) in _WIDER:
        return x
    if made == "bool":
        return writer.let("{0}!==0", x)
    if given == "bool":
        return {"true": "1", "false": "0"}.get(str(x)) or writer.let("+{0}", x)
    if made.startswith("float"):
        return writer.let(wrapped("{0}", made), x)
    if given.startswith("float"):  # Towards 0, and no further than the type goes.
        low, high = np.iinfo(made).min, np.iinfo(made).max
        return writer.let(f"whole({{0}},{low},{high})", x)
    return writer.let(wrapped("{0}", made), x)


_WIDER = {
    (small, large)
    for small in ("int32", "uint32", "float32", "int64")
    for large in ("int64", "float64")
    if not (small == "float32" and large == "int64")
} | {("uint32", "int64")}


def _round(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    to_even = int(equation.params["rounding_method"]) == 1
    name = "roundEven" if to_even else "roundAway"
    return writer.let(f"{name}({{0}})", *operands)


def _same(writer: Writer, equation: Any, dtypes: list[str], operands: list[Atom]) -> Atom:
    del writer, equation, dtypes
    return operands[0]


TABLE: dict[str, Rule] = {
    "abs": plain("Math.abs({0})"),
    "acos": plain("Math.acos({0})"),
    "acosh": plain("Math.acosh({0})"),
    "add": plain("{0}+{1}"),
    "add_any": plain("{0}+{1}"),
    "and": plain("{0}&{1}", bool="{0}&&{1}"),
    "asin": plain("Math.asin({0})"),
    "asinh": plain("Math.asinh({0})"),
    "atan": plain("Math.atan({0})"),
    "atan2": plain("Math.atan2({0},{1})"),
    "atanh": plain("Math.atanh({0})"),
    "cbrt": plain("Math.cbrt({0})"),
    "ceil": plain("Math.ceil({0})"),
    "clamp": plain("Math.min(Math.max({1},{0}),{2})"),
    "clz": plain("Math.clz32({0})"),
    "convert_element_type": _convert,
    "copy": _same,
    "copy_p": _same,
    "cos": plain("Math.cos({0})"),
    "cosh": plain("Math.cosh({0})"),
    "div": plain("{0}/{1}", int="divide({0},{1})", uint="divide({0},{1})"),
    "eq": _compare("==="),
    "erf": plain("erf({0})"),
    "erf_inv": plain("erfInverse({0})"),
    "erfc": plain("erfc({0})"),
    "exp": plain("Math.exp({0})"),
    "exp2": plain("2**{0}"),
    "expm1": plain("Math.expm1({0})"),
    "floor": plain("Math.floor({0})"),
    "ge": _compare(">="),
    "gt": _compare(">"),
    "integer_pow": _integer_pow,
    "is_finite": plain("Number.isFinite({0})"),
    "le": _compare("<="),
    "log": plain("Math.log({0})"),
    "log1p": plain("Math.log1p({0})"),
    "log2": plain("Math.log2({0})"),
    "logistic": plain("1/(1+Math.exp(-{0}))"),
    "lt": _compare("<"),
    "max": plain("Math.max({0},{1})", bool="{0}||{1}"),
    "min": plain("Math.min({0},{1})", bool="{0}&&{1}"),
    "mul": plain(
        "{0}*{1}", int32="Math.imul({0},{1})", uint32="Math.imul({0},{1})", bool="{0}&&{1}"
    ),
    "name": _same,
    "ne": _compare("!=="),
    "neg": plain("-{0}"),
    "not": plain("~{0}", bool="!{0}"),
    "one_minus_square": plain("(1-{0})*(1+{0})"),
    "optimization_barrier": _same,
    "or": plain("{0}|{1}", bool="{0}||{1}"),
    "pow": plain("power({0},{1})"),
    "reduce_precision": _same,
    "rem": plain("{0}%{1}", int="remainder({0},{1})", uint="remainder({0},{1})"),
    "round": _round,
    "rsqrt": plain("1/Math.sqrt({0})"),
    "select_n": _select,
    "sharding_constraint": _same,
    "shift_left": plain("{1}>>>0>31?0:{0}<<{1}"),
    "shift_right_arithmetic": plain("{0}>>({1}>>>0>31?31:{1})"),
    "shift_right_logical": plain("{1}>>>0>31?0:{0}>>>{1}"),
    "sign": plain("Math.sign({0})"),
    "sin": plain("Math.sin({0})"),
    "sinh": plain("Math.sinh({0})"),
    "sqrt": plain("Math.sqrt({0})"),
    "square": _square,
    "sub": plain("{0}-{1}"),
    "tan": plain("Math.tan({0})"),
    "tanh": plain("Math.tanh({0})"),
    "xor": plain("{0}^{1}", bool="{0}!=={1}"),
}
"""Primitive → its rule on one element of each operand."""
