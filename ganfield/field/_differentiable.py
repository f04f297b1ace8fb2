"""Fields that have no derivatives: JAX's errors in words, and zeros that are none.

JAX refuses to differentiate a `jax.custom_vjp` forwards, or a callback at all. It differentiates
`jax.lax.stop_gradient`, a sign or a rounding without a word, to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from ganfield._types import PyTree
from ganfield.checks import as_floats

FORWARD = "Jacobian–vector products"
BACKWARD = "vector–Jacobian products"


@contextmanager
def differentiating(
    function: Callable[[PyTree], PyTree], point: PyTree, *, user: str, product: str
) -> Iterator[None]:
    """Turn what JAX raises over a field without derivatives into a ``ValueError``.

    Args:
        function: what is being differentiated. An error that it raises by itself too is let pass.
        point: where.
        user: the method or the transform that needs the derivative, for the message.
        product: what of the derivative it needs, `FORWARD` or `BACKWARD`.

    Raises:
        ValueError: JAX cannot differentiate the function, or not in what the point holds.
    """
    try:
        yield
    except Exception as error:
        if not _runs(function, point):
            raise
        said = str(error).split("\n", 1)[0]
        raise ValueError(
            f"{user} needs {product} of the field, and JAX cannot take them of this one "
            f"({type(error).__name__}: {said}). A jax.custom_vjp has no forward derivatives and a "
            "callback has none: write the field in JAX's operations, or give those a "
            "jax.custom_jvp. extragradient, past_extragradient, optimistic and runge_kutta need "
            "its values alone"
        ) from error


def _runs(function: Callable, point: PyTree) -> bool:
    try:
        jax.eval_shape(function, point)
    except Exception:  # A user's field may fail in any way.
        return False
    return True


def forward(
    function: Callable[[PyTree], PyTree], point: PyTree, tangent: PyTree, *, user: str
) -> tuple[PyTree, PyTree]:
    """Return a function's value and Ju, as `jax.jvp` does, with errors in words."""

    def along(tangent: PyTree) -> tuple[PyTree, PyTree]:
        return jax.jvp(function, (point,), (tangent,))

    point, tangent = as_floats(point), as_floats(tangent)
    with differentiating(function, point, user=user, product=FORWARD):
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves((point, tangent))):
            _check_forward(jax.make_jaxpr(along)(tangent).jaxpr)
        return along(tangent)


def backward(
    function: Callable[[PyTree], PyTree], point: PyTree, *, user: str
) -> tuple[PyTree, Callable[[PyTree], PyTree]]:
    """Return a function's value and the product Jᵀu, as `jax.vjp` does, with errors in words."""
    point = as_floats(point)
    with differentiating(function, point, user=user, product=BACKWARD):
        value, pullback = jax.vjp(function, point)

    def product(cotangent: PyTree) -> PyTree:
        # A while loop is refused here, and not before.
        with differentiating(function, point, user=user, product=BACKWARD):
            return pullback(as_floats(cotangent))[0]

    return value, product


class Linearized(NamedTuple):
    """A function near a point.

    Attributes:
        value: at the point.
        product: ``product(tangent)``, that of the derivative with a vector.
        holds: ``holds(move)``, a boolean: False where the derivative is cut (`is_cut`) and yet the
            function changes over the move.
    """

    value: PyTree
    product: Callable[[PyTree], PyTree]
    holds: Callable[[PyTree], jax.Array]


def linearize(function: Callable[[PyTree], PyTree], point: PyTree, *, user: str) -> Linearized:
    """Return a function's value and the product with its derivative, and whether to believe it.

    Args:
        function: of one pytree of floats.
        point: where to linearise.
        user: the method or the transform that asks, for messages.

    Returns:
        A `Linearized`. ``holds`` evaluates the function once more where the derivative is cut, and
        costs nothing elsewhere.

    Raises:
        ValueError: JAX cannot differentiate the function.

    Example:
        >>> import jax.numpy as jnp
        >>> linear = linearize(jnp.round, 0.4, user="competitive")
        >>> float(linear.product(1.0)), bool(linear.holds(0.05)), bool(linear.holds(0.2))
        (0.0, True, False)
    """
    point = as_floats(point)
    with differentiating(function, point, user=user, product=FORWARD):
        value, push = jax.linearize(function, point)
        program = jax.make_jaxpr(push)(point).jaxpr
        _check_forward(program)
    cut = is_cut(program)

    def holds(move: PyTree) -> jax.Array:
        return unchanged(function, point, value, move) if cut else jnp.ones((), bool)

    return Linearized(value, push, holds)


def unchanged(
    function: Callable[[PyTree], PyTree], point: PyTree, value: PyTree, move: PyTree
) -> jax.Array:
    """Return whether a function has the same value after a move, to rounding."""
    there = function(jax.tree.map(jnp.add, point, move))
    size = optax.tree.norm(value)
    rounding = 64 * jnp.finfo(size.dtype).eps * size
    return optax.tree.norm(optax.tree.sub(there, value)) <= rounding


def is_cut(program: Jaxpr) -> bool:
    """Return whether a product's result is made without its argument, and so always 0.

    It is read from the program and not from numbers, so it is known before anything is compiled. It
    is True of a field that really does not depend on the variable, of a piecewise constant one, and
    of one behind a ``stop_gradient``; it cannot tell them apart, which takes a look at the field's
    values. A derivative of which only a part is cut is not noticed.

    Args:
        program: of the product, ``jax.make_jaxpr(product)(argument).jaxpr``.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> def program(function):
        ...     return jax.make_jaxpr(jax.linearize(function, 1.0)[1])(1.0).jaxpr
        >>> is_cut(program(jnp.sin)), is_cut(program(jnp.sign))
        (False, True)
    """
    reached = set(program.invars)
    for equation in program.eqns:
        if any(not isinstance(x, Literal) and x in reached for x in equation.invars):
            reached.update(equation.outvars)
    return not any(not isinstance(x, Literal) and x in reached for x in program.outvars)


def _check_forward(program: Jaxpr) -> None:
    """Raise a ``TypeError`` over a ``jax.custom_vjp``, which JAX itself would raise at compiling.

    In its place a forward derivative has a primitive that can only be transposed.
    """
    for equation in program.eqns:
        if equation.primitive.name == "custom_lin":
            raise TypeError("can't apply forward-mode autodiff (jvp) to a custom_vjp function")
        for value in equation.params.values():
            for part in value if isinstance(value, tuple | list) else (value,):
                if isinstance(part, ClosedJaxpr):
                    _check_forward(part.jaxpr)
                elif isinstance(part, Jaxpr):
                    _check_forward(part)
