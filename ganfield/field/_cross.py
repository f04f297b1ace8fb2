"""The cross-player part of a Jacobian: what each player's direction owes the other."""

from __future__ import annotations

from typing import Any

import jax

from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.field._differentiable import Linearized, linearize


def linearize_cross(field: Field, params: Players, batch: Any = None, *, user: str) -> Linearized:
    """Return v and the product with J_o, the blocks of J = v′ across the players.

    J_o u = (J_θφ u_φ, J_φθ u_θ). Each player's direction is linearised in the other's parameters
    alone, so a product costs about one Jacobian–vector product, and repeated products do not
    evaluate the field again.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: where to linearise.
        batch: a batch, as the field takes it.
        user: the method or the transform that asks, for messages.

    Returns:
        A `Linearized`: the field's value, ``product(tangent) -> Players``, and
        ``holds(move) -> bool``, False where a player's direction does not follow the other's move
        by its derivative, but does by its values.

    Raises:
        ValueError: JAX cannot differentiate the field.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, coupling=2.0))
        >>> cross = linearize_cross(v, gf.Players(1.0, 0.0), user="competitive")
        >>> cross.value
        Players(theta=Array(-1., dtype=float32...), phi=Array(2., dtype=float32...))
        >>> cross.product(cross.value)  # (−2·2, 2·(−1))
        Players(theta=Array(-4., dtype=float32...), phi=Array(-2., dtype=float32...))
    """
    theta, phi = strong(params)
    of_theta = linearize(lambda p: field(Players(theta, p), batch).theta, phi, user=user)
    of_phi = linearize(lambda p: field(Players(p, phi), batch).phi, theta, user=user)

    def product(tangent: Players) -> Players:
        return Players(of_theta.product(tangent.phi), of_phi.product(tangent.theta))

    def holds(move: Players) -> jax.Array:
        return of_theta.holds(move.phi) & of_phi.holds(move.theta)

    return Linearized(Players(of_theta.value, of_phi.value), product, holds)
