"""Time scales: each player's part of a field times a number of its own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Field, Players, PyTree
from ganfield.checks import check_not_negative
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def scaled(field: Field, *, theta: ArrayLike = 1.0, phi: ArrayLike = 1.0) -> Field:
    """Return (theta·v_θ, phi·v_φ) (TTUR): the players move on time scales of their own.

    With sgd(h) it is the same as step sizes h·theta and h·phi, but it also enters the spectra, the
    flow and every method that takes one optimizer for both. Optimizers that divide a direction by
    its size, such as Adam, undo it.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        theta: θ's scale, ≥ 0. May be traced, and is then not checked.
        phi: φ's scale, ≥ 0. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V.

    Raises:
        ValueError: a scale is negative.

    Reference:
        Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter, "GANs Trained by a Two Time-Scale Update
        Rule Converge to a Local Nash Equilibrium", 2017.

    Example:
        >>> import ganfield as gf
        >>> scaled(gf.vector_field(gf.games.bilinear()), phi=4.0)(gf.Players(1.0, 2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(4., dtype=float32...))
    """
    check_not_negative(theta, argument="theta")
    check_not_negative(phi, argument="phi")

    def scaled_field(params: Players, batch: Any = None) -> Players:
        value = field(params, batch)
        return Players(times(theta, value.theta), times(phi, value.phi))

    return scaled_field


def times(scale: ArrayLike, part: PyTree) -> PyTree:
    """Return ``scale · part``, every leaf in the dtype that it has."""
    return jax.tree.map(lambda leaf: jnp.asarray(scale, jnp.result_type(leaf)) * leaf, part)
