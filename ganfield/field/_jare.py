"""JARE: each player makes the other's gradient small."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_not_negative
from ganfield.field._differentiable import backward
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def jare(field: Field, *, gamma: ArrayLike) -> Field:
    """Return JARE, v − γJ_oᵀv: each player makes the other's gradient small too, not its own.

    J_o holds the blocks of J across the players, so that θ moves along v_θ − γ∇_θ½‖v_φ‖², and φ
    along v_φ − γ∇_φ½‖v_θ‖². Zeros of v are zeros of it, and where the players have no curvature of
    their own it is `consensus`. The norms are those of the batch at hand, with the bias that
    `consensus` describes.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        gamma: γ ≥ 0; 10 in the paper's experiments. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + two vector–Jacobian products.

    Raises:
        ValueError: γ is negative.

    Reference:
        Nie, Patel, "Towards a Better Understanding and Regularization of GAN Training Dynamics",
        2019 (JARE).

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, coupling=2.0))
        >>> gf.jacobian(gf.jare(v, gamma=0.5))(gf.Players(0.0, 0.0))  # own curvature 1 → 3
        Array([[-3., -1.],
               [ 1., -3.]], dtype=float32)
    """
    check_not_negative(gamma, argument="gamma")

    def jare_field(params: Players, batch: Any = None) -> Players:
        value, pullback = backward(lambda p: field(p, batch), params, user="jare")
        zeros = optax.tree.zeros_like(value)
        of_phi = pullback(Players(zeros.theta, value.phi))
        of_theta = pullback(Players(value.theta, zeros.phi))
        return add_scaled(value, -jnp.asarray(gamma), Players(of_phi.theta, of_theta.phi))

    return jare_field
