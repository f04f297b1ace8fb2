"""Each player against the opponent's next move."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_not_negative
from ganfield.field._cross import linearize_cross
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def linearized_competitive(field: Field, *, step_size: ArrayLike) -> Field:
    """Return v + αJ_ov (LCGD): each player's direction after the opponent's step, to first order.

    J_o holds the blocks of J across the players, so θ follows v_θ + αJ_θφ v_φ, which is
    v_θ(θ, φ + αv_φ) up to a term in α². Zeros of v are zeros of it. With α = h a step of size h is
    one of `ganfield.competitive`, (I − hJ_o)⁻¹v, to first order. On the bilinear game, where J_o is
    all of J, it is `consensus` with γ = α, and a step is one of extragradient.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        step_size: α ≥ 0, usually the size of the steps to be taken. May be traced, and is then not
            checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + one Jacobian–vector product.

    Raises:
        ValueError: α is negative.

    Reference:
        Zhang, Lesser, "Multi-Agent Learning with Policy Prediction", 2010; linearised competitive
        gradient descent (LCGD) in Schäfer, Anandkumar, "Competitive Gradient Descent", 2019.

    Example:
        >>> import ganfield as gf
        >>> w = linearized_competitive(gf.vector_field(gf.games.bilinear()), step_size=0.5)
        >>> gf.eigenvalues(w)(gf.Players(0.0, 0.0)).round(3)
        Array([-0.5+1.j, -0.5-1.j], dtype=complex64)
    """
    check_not_negative(step_size, argument="step_size")

    def linearized_field(params: Players, batch: Any = None) -> Players:
        cross = linearize_cross(field, params, batch, user="linearized_competitive")
        return add_scaled(cross.value, jnp.asarray(step_size), cross.product(cross.value))

    return linearized_field
