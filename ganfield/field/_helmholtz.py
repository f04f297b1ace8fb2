"""The two halves of a Jacobian: what a gradient field could have, and what rotates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ganfield._tree import strong
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_count
from ganfield.field._differentiable import backward, forward


class Helmholtz(NamedTuple):
    """A Jacobian taken apart, J = S + A.

    Attributes:
        symmetric: S = (J + Jᵀ)/2, the part that the Jacobian of a gradient field may have.
        antisymmetric: A = (J − Jᵀ)/2, which makes a field turn.
        rotation: ‖A‖²/‖J‖² in the Frobenius norm, from 0 (conservative) to 1 (pure rotation), a
            share, since ‖J‖² = ‖S‖² + ‖A‖². NaN where J = 0.
    """

    symmetric: jax.Array
    antisymmetric: jax.Array
    rotation: jax.Array


class RotationEstimate(NamedTuple):
    """The share of rotation, estimated from products with random vectors.

    Attributes:
        rotation: the estimate of ‖A‖²/‖J‖².
        standard_error: of that estimate, to first order; NaN for a single probe.
    """

    rotation: jax.Array
    standard_error: jax.Array


def helmholtz(jacobian: ArrayLike) -> Helmholtz:
    """Return the symmetric and the antisymmetric part of a Jacobian, and the share that rotates.

    Named after the Helmholtz decomposition of a field, of which this is the pointwise form. In a
    zero-sum game S holds each player's own curvature and A the coupling between them.

    Args:
        jacobian: J, shape (n, n), or (…, n, n) for many.

    Returns:
        A `Helmholtz`.

    Raises:
        ValueError: the last two axes are not square.

    Reference:
        Balduzzi, Racanière, Martens, Foerster, Tuyls, Graepel, "The Mechanics of n-Player
        Differentiable Games", 2018, section 2.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> parts = gf.field.helmholtz(gf.jacobian(v)(gf.Players(0.0, 0.0)))
        >>> parts.antisymmetric, parts.rotation.round(3)
        (Array([[ 0., -2.],
                [ 2.,  0.]], dtype=float32), Array(0.8, dtype=float32))
    """
    matrix = jnp.asarray(jacobian)
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"jacobian must be square, shape (…, n, n), got shape {matrix.shape}")
    matrix = matrix.astype(jnp.result_type(matrix, float))
    transposed = jnp.swapaxes(matrix, -1, -2)
    symmetric, antisymmetric = (matrix + transposed) / 2, (matrix - transposed) / 2
    # In units of the largest entry, of which no square leaves the range of float32.
    largest = jnp.max(jnp.abs(matrix), axis=(-1, -2), keepdims=True, initial=0.0)
    turning, whole = (
        jnp.sum((part / largest) ** 2, axis=(-1, -2)) for part in (antisymmetric, matrix)
    )
    return Helmholtz(symmetric, antisymmetric, turning / whole)


def estimate_rotation(field: Field, *, num_probes: int = 16) -> Callable[..., RotationEstimate]:
    """Return the share of rotation of a field too large for a dense Jacobian.

    For random vectors z of independent signs, E‖Az‖² = ‖A‖² and E‖Jz‖² = ‖J‖² (Hutchinson's
    estimate of a trace); Az = (Jz − Jᵀz)/2 takes one product with J and one with Jᵀ.

    Args:
        field: ``field(params, batch=None) -> Players``.
        num_probes: how many random vectors.

    Returns:
        ``estimate(params, key, batch=None) -> RotationEstimate``, ``key`` a typed key.

    Raises:
        ValueError: ``num_probes`` is no positive integer.

    Example:
        >>> import jax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> estimate = gf.field.estimate_rotation(v, num_probes=64)
        >>> estimated = estimate(gf.Players(0.0, 0.0), jax.random.key(0))
        >>> bool(abs(estimated.rotation - 0.8) <= 3 * estimated.standard_error + 1e-6)
        True
    """
    num_probes = check_count(num_probes, argument="num_probes")

    def estimate(params: Players, key: jax.Array, batch: Any = None) -> RotationEstimate:
        params = strong(params)
        flat, unravel = ravel_pytree(params)

        def here(params: Players) -> Players:
            return field(params, batch)

        _, pullback = backward(here, params, user="estimate_rotation")

        def squares(probe_key: jax.Array) -> tuple[jax.Array, jax.Array]:
            probe = unravel(jax.random.rademacher(probe_key, flat.shape, flat.dtype))
            _, pushed = forward(here, params, probe, user="estimate_rotation")
            pulled = pullback(probe)
            turning = optax.tree.norm(optax.tree.sub(pushed, pulled), squared=True) / 4
            # ‖Jz‖² and ‖Jᵀz‖² have the same mean, and together less spread.
            both = optax.tree.norm(pushed, squared=True), optax.tree.norm(pulled, squared=True)
            return turning, sum(both) / 2

        turning, whole = jax.lax.map(squares, jax.random.split(key, num_probes))
        share = turning.mean() / whole.mean()
        spread = jnp.std(turning - share * whole, ddof=1) / whole.mean()
        return RotationEstimate(share, spread / num_probes**0.5)

    return estimate
