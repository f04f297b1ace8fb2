"""The fields that steps of finite size really follow."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._tree import add_scaled, strong
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_not_negative
from ganfield.field._differentiable import forward
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def simultaneous_drift(field: Field, *, step_size: ArrayLike) -> Field:
    """Return v − (h/2)Jv, whose flow simultaneous steps x ← x + h·v(x) follow to second order.

    The flow of v itself misses a step by h²/2·Jv, this one by a term in h³ (backward error
    analysis). On the bilinear game it spirals out, as the steps do. To analyse steps, not to move
    along: steps on it drift once more, and follow v − hJv to second order.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        step_size: h ≥ 0. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + one Jacobian–vector product.

    Raises:
        ValueError: h is negative.

    Reference:
        Rosca, Wu, Dherin, Barrett, "Discretization Drift in Two-Player Games", 2021.

    Example:
        >>> import ganfield as gf
        >>> w = simultaneous_drift(gf.vector_field(gf.games.bilinear()), step_size=0.5)
        >>> gf.eigenvalues(w)(gf.Players(0.0, 0.0)).round(3)
        Array([0.25+1.j, 0.25-1.j], dtype=complex64)
    """
    check_not_negative(step_size, argument="step_size")

    def drift_field(params: Players, batch: Any = None) -> Players:
        params = strong(params)
        value = field(params, batch)
        _, along = forward(lambda p: field(p, batch), params, value, user="simultaneous_drift")
        return add_scaled(value, -jnp.asarray(step_size) / 2, along)

    return drift_field


@registered(TRANSFORMS)
def alternating_drift(field: Field, *, step_size: ArrayLike) -> Field:
    """Return the field whose flow alternating steps follow to second order, φ moving first.

    One move of each player, φ₁ = φ + h·v_φ(θ, φ) and θ₁ = θ + h·v_θ(θ, φ₁), follows the flow of

        (v_θ − (h/2)(J_θθ v_θ − J_θφ v_φ),  v_φ − (h/2)(J_φθ v_θ + J_φφ v_φ)):

    that of simultaneous steps plus h·J_θφ v_φ for θ, who sees the move of φ. On the bilinear game
    it goes round an ellipse, as the steps do.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        step_size: h ≥ 0, the same for both players. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + two Jacobian–vector products.

    Raises:
        ValueError: h is negative.

    Reference:
        Rosca, Wu, Dherin, Barrett, "Discretization Drift in Two-Player Games", 2021.

    Example:
        >>> import ganfield as gf
        >>> w = alternating_drift(gf.vector_field(gf.games.bilinear()), step_size=0.5)
        >>> gf.jacobian(w)(gf.Players(0.0, 0.0))
        Array([[-0.25, -1.  ],
               [ 1.  ,  0.25]], dtype=float32)
    """
    simultaneous = simultaneous_drift(field, step_size=step_size)

    def drift_field(params: Players, batch: Any = None) -> Players:
        params = strong(params)

        def of_theta(phi: Any) -> Any:
            return field(Players(params.theta, phi), batch).theta

        move = field(params, batch).phi
        _, across = forward(of_theta, params.phi, move, user="alternating_drift")
        value = simultaneous(params, batch)
        return value._replace(theta=add_scaled(value.theta, jnp.asarray(step_size), across))

    return drift_field
