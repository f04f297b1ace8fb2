"""What the methods with an inner solve share: an optimizer's linear part, and GMRES that tells."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.scipy.sparse.linalg import gmres

from ganfield._tree import negate
from ganfield._types import Players, PyTree
from ganfield.methods._base import Optimizer

# Directions that GMRES keeps before it starts anew: its memory, in units of the parameters.
RESTART = 20


def change(optimizer: Optimizer, direction: PyTree, memory: PyTree, params: PyTree) -> PyTree:
    """Return U(direction), how the optimizer would move the parameters; its memory is not kept."""
    return optimizer.update(negate(direction), memory, params)[0]


def linearize_change(
    optimizer: Optimizer, direction: Players, memory: PyTree, params: Players
) -> tuple[Players, Callable[[Players], Players]]:
    """Return U(direction), and the product with the derivative U′ there.

    Where U has no finite derivative it is taken to be 0, as if U were constant: Adam's is 0/0 at
    parameters whose directions have been 0 up to now, and one NaN would spoil the whole solve.
    """
    value, product = jax.linearize(lambda d: change(optimizer, d, memory, params), direction)
    slopes = product(jax.tree.map(jnp.ones_like, direction))
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
        than 0 (the matrix may be singular), it is 0; it is never NaN if the target is not.
    """
    size = optax.tree.norm(target)
    # JAX's GMRES takes residuals below the machine's ε for 0; as the solve is linear in the target,
    # it may be done in units of its size, and differentiated as if that were a constant.
    unit = jax.lax.stop_gradient(jnp.where(size > 0, size, 1))
    scaled = jax.tree.map(lambda leaf: leaf / unit, target)
    tolerance = jnp.maximum(tolerance, 8 * jnp.finfo(size.dtype).eps)
    found, _ = gmres(
        matrix,
        scaled,
        tol=tolerance / 2,
        restart=min(RESTART, max_iterations),
        maxiter=-(-max_iterations // RESTART),
        solve_method="incremental",  # It may stop before the restart, which saves products.
    )
    gap = jax.lax.stop_gradient(optax.tree.sub(scaled, matrix(found)))
    residual = optax.tree.norm(gap)
    found = jax.tree.map(lambda leaf: jnp.where(residual < 1, leaf * unit, 0), found)
    return found, residual <= tolerance


def where(condition: jax.Array, tree: PyTree, other: PyTree) -> PyTree:
    """Return one tree or the other."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), tree, other)
