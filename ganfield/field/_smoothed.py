"""A discriminator that also keeps the generator's gradient small."""

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
def smoothed(field: Field, *, gamma: ArrayLike) -> Field:
    """Return v with −γ∇_φ½‖v_θ‖² added to φ's part: φ follows v_φ − γJ_θφᵀv_θ, and θ follows v_θ.

    It is `jare` for the discriminator alone. Zeros of v are zeros of it. The norm is that of the
    batch at hand, with the bias that `consensus` describes.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        gamma: γ ≥ 0; 10 in the official code. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + one vector–Jacobian product.

    Raises:
        ValueError: γ is negative.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017: the baseline "smooth" of the
        official code.

    Example:
        >>> import ganfield as gf
        >>> w = smoothed(gf.vector_field(gf.games.bilinear(2.0)), gamma=0.5)
        >>> gf.jacobian(w)(gf.Players(0.0, 0.0))  # φ gets the curvature γc²
        Array([[ 0., -2.],
               [ 2., -2.]], dtype=float32)
    """
    check_not_negative(gamma, argument="gamma")

    def smoothed_field(params: Players, batch: Any = None) -> Players:
        value, pullback = backward(lambda p: field(p, batch), params, user="smoothed")
        gradient = pullback(value._replace(phi=optax.tree.zeros_like(value.phi)))
        phi = add_scaled(value.phi, -jnp.asarray(gamma), gradient.phi)
        return value._replace(phi=phi)

    return smoothed_field
