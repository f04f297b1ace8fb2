"""The cross-player part of a Jacobian: what each player's direction owes the other."""

from collections.abc import Callable
from typing import Any

import jax

from ganfield._tree import strong
from ganfield._types import Field, Players


def linearize_cross(
    field: Field, params: Players, batch: Any = None
) -> tuple[Players, Callable[[Players], Players]]:
    """Return v and the product with J_o, the blocks of J = v′ across the players.

    J_o u = (J_θφ u_φ, J_φθ u_θ). Each player's direction is linearised in the other's parameters
    alone, so a product costs about one Jacobian–vector product, and repeated products do not
    evaluate the field again.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: where to linearise.
        batch: a batch, as the field takes it.

    Returns:
        The field's value, and ``product(tangent) -> Players``, a linear function.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, coupling=2.0))
        >>> value, product = linearize_cross(v, gf.Players(1.0, 0.0))
        >>> value
        Players(theta=Array(-1., dtype=float32...), phi=Array(2., dtype=float32...))
        >>> product(value)  # (−2·2, 2·(−1))
        Players(theta=Array(-4., dtype=float32...), phi=Array(-2., dtype=float32...))
    """
    theta, phi = strong(params)
    of_theta, by_phi = jax.linearize(lambda p: field(Players(theta, p), batch).theta, phi)
    of_phi, by_theta = jax.linearize(lambda p: field(Players(p, phi), batch).phi, theta)

    def product(tangent: Players) -> Players:
        return Players(by_phi(tangent.phi), by_theta(tangent.theta))

    return Players(of_theta, of_phi), product
