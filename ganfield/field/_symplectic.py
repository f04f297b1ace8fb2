"""Symplectic gradient adjustment: the part of consensus that turns."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ganfield._registry import registered
from ganfield._tree import add_scaled, strong
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_not_negative
from ganfield.field._differentiable import backward, forward
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def symplectic(
    field: Field,
    *,
    strength: ArrayLike = 1.0,
    align: bool = True,
    epsilon: ArrayLike = 0.1,
) -> Field:
    """Return the symplectic adjustment (SGA) v − λAᵀv, A = ½(J − Jᵀ), Aᵀv = ½(Jᵀv − Jv).

    With ∇L = Jᵀv, the gradient of L = ½‖v‖², the sign of λ is chosen at every point:

        λ = strength · sign(ε − ⟨v, ∇L⟩⟨Aᵀv, ∇L⟩/d),        d the number of parameters.

    With ε = 0, dL/dt = ⟨v, ∇L⟩ ± strength·|⟨Aᵀv, ∇L⟩| with the sign of ⟨v, ∇L⟩: faster down where v
    goes down, as round a stable zero, and faster up where it goes up, as round an unstable one. ε
    decides where the product is next to nothing, for λ > 0, the sign that attracts. The product is
    of fourth order in v, so near every zero ε decides, unless it is 0. Papers on descent write
    ξ = −v and ξ + λAᵀξ with A = −ours: it is the same field.

    Zeros of v are zeros of it. On a game without curvature it is `consensus` with γ = strength. It
    jumps where λ changes sign; its Jacobian is that of a constant λ.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        strength: |λ| ≥ 0. May be traced, and is then not checked.
        align: whether to choose λ's sign; otherwise λ = strength everywhere.
        epsilon: ε ≥ 0; 0.1 in the paper. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + a vector–Jacobian and a
        Jacobian–vector product.

    Raises:
        ValueError: ``strength`` or ε is negative.

    Reference:
        Balduzzi, Racanière, Martens, Foerster, Tuyls, Graepel, "The Mechanics of n-Player
        Differentiable Games", 2018, Algorithm 1.

    Example:
        >>> import ganfield as gf
        >>> w = symplectic(gf.vector_field(gf.games.bilinear()), strength=0.5)
        >>> gf.eigenvalues(w)(gf.Players(0.0, 0.0)).round(3)
        Array([-0.5+1.j, -0.5-1.j], dtype=complex64)
    """
    check_not_negative(strength, argument="strength")
    check_not_negative(epsilon, argument="epsilon")

    def symplectic_field(params: Players, batch: Any = None) -> Players:
        params = strong(params)

        def here(params: Players) -> Players:
            return field(params, batch)

        value, pullback = backward(here, params, user="symplectic")
        gradient = pullback(value)
        _, change = forward(here, params, value, user="symplectic")
        turning = jax.tree.map(lambda b, f: (b - f) / 2, gradient, change)
        scale = jnp.asarray(strength)
        if align:
            product = optax.tree.vdot(value, gradient) * optax.tree.vdot(turning, gradient)
            scale = scale * jnp.sign(epsilon - product / ravel_pytree(params)[0].size)
        return add_scaled(value, -scale, turning)

    return symplectic_field
