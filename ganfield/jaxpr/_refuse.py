"""What is said of a primitive that a meaning does not know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jax.extend import source_info_util

# Primitive → what serves in its place, where that is not plain.
_INSTEAD = {
    "custom_vjp_call": "a function without jax.custom_vjp",
    "debug_callback": "the function without it",
    "fft": "a sum over sines and cosines",
    "io_callback": "JAX's operations",
    "pure_callback": "JAX's operations",
    "random_bits": "random numbers drawn beforehand, which the function holds as constants",
    "random_wrap": "random numbers drawn beforehand, which the function holds as constants",
    "sort": "jnp.max, jnp.min or comparisons",
    "threefry2x32": "random numbers drawn beforehand, which the function holds as constants",
}


class RefusedError(ValueError):
    """A primitive that a meaning cannot take.

    Attributes:
        said: which, and why.
        where: in the user's function; "" where that is not known.
        instead: what could be used.
    """

    def __init__(self, said: str, where: str, instead: str):
        self.said, self.where, self.instead = said, where, instead
        place = f", from {where}" if where else ""
        super().__init__(f"{said}{place}. Use instead: {instead}")


def place_of(equation: Any) -> str:
    """Return where in the user's function an equation comes from, "" if that is not known."""
    return source_info_util.summarize(equation.source_info)


def refuse(equation: Any, known: Iterable[str], *, who: str, why: str = "") -> RefusedError:
    """Return the error over an equation that a meaning cannot take.

    Args:
        equation: of a jaxpr.
        known: the primitives that there are rules for.
        who: what has no rule, the caller's name.
        why: what is amiss, where the primitive has a rule but not for this.

    Returns:
        A `RefusedError`: the primitive, where in the user's function it comes from, and what could
        be used instead.

    Example:
        >>> import jax
        >>> (equation,) = jax.make_jaxpr(jax.lax.digamma)(1.0).eqns
        >>> refuse(equation, ["add", "mul"], who="javascript").said
        "javascript has no rule for the primitive 'digamma'"
    """
    name = equation.primitive.name
    instead = _INSTEAD.get(name)
    if instead is None:
        instead = f"these primitives, or a constant computed beforehand: {', '.join(sorted(known))}"
    said = f"{who} has no rule for the primitive {name!r}"
    return RefusedError(f"{said} {why}" if why else said, place_of(equation), instead)
