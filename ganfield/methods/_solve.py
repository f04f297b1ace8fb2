"""What the methods with an inner solve share: an optimizer's linear part, and GMRES that tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ganfield._types import Players, PyTree
from ganfield.methods._base import Optimizer, change

# Directions that GMRES keeps before it starts anew: its memory, in units of the parameters.
RESTART = 20


def linearize_change(
    optimizer: Optimizer, direction: Players, memory: PyTree, params: Players
) -> tuple[Players, Callable[[Players], Players]]:
    """Return U(direction), and the product with the derivative U′ there.

    Where U has no finite derivative it is taken to be 0, as if U were constant: Adam's is 0/0 at
    parameters whose directions have been 0 up to now, and one NaN would spoil the whole solve.
    """
    value, product = jax.linearize(lambda d: change(optimizer, d, memory, params)[0], direction)
    slopes = product(optax.tree.ones_like(direction))
    known = jax.tree.map(jnp.isfinite, slopes)

    def safe(tangent: Players) -> Players:
        return jax.tree.map(lambda k, t: jnp.where(k, t, 0), known, product(tangent))

    return value, safe


def solve(
    matrix: Callable[[PyTree], PyTree],
    target: PyTree,
    *,
    tolerance: Any,
    max_iterations: int,
) -> tuple[PyTree, jax.Array]:
    """Solve ``matrix(x) = target`` by GMRES, without a matrix.

    Args:
        matrix: a linear function of pytrees like ``target``.
        target: the right-hand side.
        tolerance: on ‖target − matrix(x)‖/‖target‖, but never less than a few roundings.
        max_iterations: how many products at most, rounded up to a multiple of `RESTART` beyond it.

    Returns:
        x, and whether the residual, computed anew, is within the tolerance. Where x is no better
        than 0 (the matrix may be singular), it is 0; it is never NaN if the target is not. Its
        derivative is that of the solution, found by the same solve. In bfloat16 and float16, in
        which there is no least squares, the products are taken and all else is float32.
    """

    def by_gmres(matrix: Callable, target: PyTree) -> tuple[PyTree, jax.Array]:
        given, unravel = ravel_pytree(target)
        rounding = coarsest_rounding(target)
        flat = given.astype(jnp.promote_types(given.dtype, jnp.float32))
        allowed = jnp.maximum(jnp.asarray(tolerance, flat.dtype), 8 * rounding)
        size = jnp.linalg.norm(flat)
        unit = jnp.where(size > 0, size, 1)

        def product(x: jax.Array) -> jax.Array:
            return ravel_pytree(matrix(unravel(x.astype(given.dtype))))[0].astype(flat.dtype)

        solution, residual = _gmres(
            product,
            flat / unit,
            allowed,
            rounding,
            min(RESTART, max_iterations, flat.size),
            -(-max_iterations // RESTART),
        )
        solution = jnp.where(residual < 1, solution * unit, 0).astype(given.dtype)
        return unravel(solution), residual <= allowed

    return jax.lax.custom_linear_solve(
        matrix, target, solve=by_gmres, transpose_solve=by_gmres, has_aux=True
    )


def coarsest_rounding(tree: PyTree) -> float:
    """Return the largest ε of the types of the leaves; no solve is more exact than that."""
    return max(float(jnp.finfo(jnp.result_type(leaf)).eps) for leaf in jax.tree.leaves(tree))


def _gmres(
    matrix: Callable[[jax.Array], jax.Array],
    target: jax.Array,
    tolerance: jax.Array,
    rounding: Any,
    restart: int,
    max_cycles: int,
) -> tuple[jax.Array, jax.Array]:
    """Return x and ‖target − matrix(x)‖, from x = 0.

    Not that of `jax.scipy`, which is NaN or infinite for a singular matrix (a bilinear game's own
    blocks are 0) and holds twice as many copies of the product to compile.
    """

    def arnoldi(carry: tuple) -> tuple:
        count, basis, hessenberg, null, scale, _ = carry
        image = matrix(basis[count])
        first = basis @ image
        rest = image - first @ basis
        second = basis @ rest  # Orthogonal only to rounding × ‖image‖/‖rest‖; twice is enough.
        rest = rest - second @ basis
        length = jnp.linalg.norm(rest)
        length = jnp.where(length > rounding * jnp.linalg.norm(image), length, 0)
        basis = basis.at[count + 1].set(rest / jnp.where(length > 0, length, 1))
        column = (first + second).at[count + 1].set(length)
        hessenberg = hessenberg.at[:, count].set(column)
        # The vector with null·hessenberg = 0 and null₀ = 1: the residual is scale/‖null‖.
        null = null.at[count + 1].set(-(null @ column.at[count + 1].set(0)) / length)
        return count + 1, basis, hessenberg, null, scale, scale / jnp.linalg.norm(null)

    def cycle(carry: tuple) -> tuple:
        count, x, rest, scale = carry
        axis = jnp.zeros(restart + 1, target.dtype).at[0].set(1)
        basis = jnp.zeros((restart + 1, target.size), target.dtype).at[0].set(rest / scale)
        hessenberg = jnp.zeros((restart + 1, restart), target.dtype)
        _, basis, hessenberg, *_ = jax.lax.while_loop(
            lambda inner: (inner[0] < restart) & (inner[-1] > tolerance / 2),
            arnoldi,
            (0, basis, hessenberg, axis, scale, scale),
        )
        # Least squares of least norm: columns not reached, or of rank 0, get a weight of 0.
        weights = jnp.linalg.lstsq(hessenberg, scale * axis)[0]
        x = x + weights @ basis[:-1]
        rest = target - matrix(x)
        return count + 1, x, rest, jnp.linalg.norm(rest)

    _, x, _, residual = jax.lax.while_loop(
        lambda carry: (carry[0] < max_cycles) & (carry[-1] > tolerance),
        cycle,
        (0, jnp.zeros_like(target), target, jnp.linalg.norm(target)),
    )
    return x, residual
