"""Derivatives of any field: products with its Jacobian, and the Jacobian itself.

A field may be any function ``field(params, batch=None) -> Players``; nothing here asks for more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled, is_tracing
from ganfield._memory import check_memory
from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.checks import as_params, check_count, check_not_empty
from ganfield.field._differentiable import backward, forward
from ganfield.field._field import check_is_field


def jvp(field: Field) -> Callable[..., Players]:
    """Return the product of the field's Jacobian with a vector, Ju.

    Args:
        field: ``field(params, batch=None) -> Players``.

    Returns:
        ``product(params, tangent, batch=None) -> Players``, where ``tangent`` has the structure of
        the parameters. It costs one or two evaluations of the field more, and no matrix.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> gf.jvp(v)(gf.Players(0.0, 0.0), gf.Players(1.0, 2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(1., dtype=float32...))
    """
    check_is_field(field)

    def product(params: Players, tangent: Players, batch: Any = None) -> Players:
        return forward(lambda p: field(p, batch), params, tangent, user="jvp")[1]

    return product


def vjp(field: Field) -> Callable[..., Players]:
    """Return the product of the field's transposed Jacobian with a vector, Jᵀu.

    Args:
        field: ``field(params, batch=None) -> Players``.

    Returns:
        ``product(params, cotangent, batch=None) -> Players``, where ``cotangent`` has the structure
        of the parameters. With u = v it is ∇½‖v‖².

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> gf.vjp(v)(gf.Players(0.0, 0.0), gf.Players(1.0, 2.0))
        Players(theta=Array(2., dtype=float32...), phi=Array(-1., dtype=float32...))
    """
    check_is_field(field)

    def product(params: Players, cotangent: Players, batch: Any = None) -> Players:
        return backward(lambda p: field(p, batch), params, user="vjp")[1](cotangent)

    return product


def jacobian(field: Field, *, chunk_size: int = 16) -> Callable[..., jax.Array]:
    """Return the dense Jacobian of a field.

    Row i, column j is ∂field_i/∂x_j. Both run in ravel order: θ then φ, leaves in the order of
    `jax.tree.leaves`. Rows are found by reverse mode.

    Args:
        field: ``field(params, batch=None) -> Players``.
        chunk_size: how many rows are computed at once; more is faster up to a point, and needs
            that many times the memory of one pullback.

    Returns:
        ``matrix(params, batch=None) -> (n, n)`` array for n parameters in all.

    Raises:
        ValueError: ``chunk_size`` is no positive integer; (from ``matrix``, outside of compiled
            code) the machine has not the memory for n² numbers.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=3.0))
        >>> gf.jacobian(v)(gf.Players(0.0, 0.0))
        Array([[-1., -3.],
               [ 3., -1.]], dtype=float32)
    """
    check_is_field(field)
    chunk_size = check_count(chunk_size, argument="chunk_size")

    def rows(params: Players, batch: Any) -> jax.Array:
        flat, unravel = ravel_pytree(strong(as_params(params)))

        def flat_field(x: jax.Array) -> jax.Array:
            return ravel_pytree(field(unravel(x), batch))[0]

        _, pullback = backward(flat_field, flat, user="jacobian")
        chunk = min(chunk_size, flat.size)
        # Rows of zeros fill up the last chunk: a shorter one would be compiled apart.
        units = jnp.eye(-(-flat.size // chunk) * chunk, flat.size, dtype=flat.dtype)
        matrix_rows = jax.lax.map(pullback, units, batch_size=chunk)
        return matrix_rows[: flat.size]

    def matrix(params: Players, batch: Any = None) -> jax.Array:
        check_dense(params, copies=3)
        return compiled(rows, params, batch, name="jacobian")(params, batch)

    return matrix


def check_dense(params: Players, *, copies: int, what: str = "the Jacobian") -> None:
    """Raise a ``ValueError`` where the machine has not the memory for the Jacobian of a field.

    In a function that is traced nothing is taken yet, and nothing is refused.

    Args:
        params: where.
        copies: how many matrices are held at a time, at least.
        what: what they are.

    Raises:
        ValueError: it has not (the message says how many numbers would fit), or there is no number.
    """
    if is_tracing():
        return
    check_not_empty(params, argument="params")
    leaves = jax.tree.leaves(params)
    size = sum(math.prod(jnp.shape(leaf)) for leaf in leaves)
    itemsize = jnp.result_type(float, *(jnp.result_type(leaf) for leaf in leaves)).itemsize
    check_memory(
        size,
        lambda n: copies * itemsize * n**2,
        argument="params must hold numbers,",
        what=f"{what}, {copies} matrices of as many rows and columns,",
        instead=(
            ": gf.krylov_eigenvalues (or gf.eigenvalues with num=) finds leading ones without "
            "the matrix, gf.spectral_radius those of a method's step, and gf.jvp and gf.vjp give "
            "products"
        ),
    )
