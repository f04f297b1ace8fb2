"""Clipping: each player's part of a field no longer than a bound."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax

from ganfield._registry import registered
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_not_negative
from ganfield.field._field import TRANSFORMS
from ganfield.field._scaled import times


@registered(TRANSFORMS)
def clipped(field: Field, *, max_norm: ArrayLike | Players) -> Field:
    """Return v with each player's part no longer than ``max_norm``: v_θ·min(1, c/‖v_θ‖), so v_φ.

    The norm is over all of a player's parameters. Zeros of v are zeros of it, with the same
    Jacobian; the spheres ‖v_θ‖ = c and ‖v_φ‖ = c are kinks. In an optimizer,
    ``gf.Players(*2 * [optax.chain(optax.clip_by_global_norm(c), ...)])`` does the same; as a field
    it has a flow and a Jacobian (that of optax is NaN where a player's part is 0).

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        max_norm: c ≥ 0, a number, or `Players` of two. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V.

    Raises:
        ValueError: c is negative.

    Example:
        >>> import ganfield as gf
        >>> clipped(gf.vector_field(gf.games.bilinear()), max_norm=1.5)(gf.Players(1.0, 2.0))
        Players(theta=Array(-1.5, dtype=float32...), phi=Array(1., dtype=float32...))
    """
    limits = max_norm if isinstance(max_norm, Players) else Players(max_norm, max_norm)
    for limit in limits:
        check_not_negative(limit, argument="max_norm")

    def clipped_field(params: Players, batch: Any = None) -> Players:
        value = field(params, batch)
        return Players(_clip(value.theta, limits.theta), _clip(value.phi, limits.phi))

    return clipped_field


def _clip(part: PyTree, limit: ArrayLike) -> PyTree:
    square = optax.tree.norm(part, squared=True)
    limit = jnp.asarray(limit, jnp.result_type(square))
    longer = square > limit**2
    # √ has no derivative at 0; a constant in its place keeps NaN out of both branches.
    return times(jnp.where(longer, limit / jnp.sqrt(jnp.where(longer, square, 1)), 1), part)
