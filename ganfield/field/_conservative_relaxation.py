"""The conservative relaxation: only make the field small."""

from __future__ import annotations

from typing import Any

from ganfield._registry import registered
from ganfield._tree import negate
from ganfield._types import Field, Players
from ganfield.checks import check_count
from ganfield.field._field import TRANSFORMS
from ganfield.field._square_norm import value_and_norm_gradient


@registered(TRANSFORMS)
def conservative_relaxation(field: Field, *, groups: int = 1) -> Field:
    """Return −∇L of L = ½‖E v‖² (HGD), −Jᵀv: a gradient field that decreases ‖v‖.

    Its Jacobian is symmetric, so nothing circles; but every zero of v with an invertible J
    attracts, the saddles and maxima of the players' losses too, and it also rests where Jᵀv = 0 and
    v is not.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        groups: how L is estimated from a batch, as in `consensus`.

    Returns:
        −∇L, ``field(params, batch=None) -> Players``. It costs V + one vector–Jacobian product.

    Raises:
        ValueError: as `consensus`, for ``groups``.

    Reference:
        Huszár, "GANs are Broken in More than One Way", 2017; Hamiltonian gradient descent (HGD)
        in Abernethy, Lai, Wibisono, 2019.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> gf.conservative_relaxation(v)(gf.Players(1.0, 2.0))
        Players(theta=Array(-1., dtype=float32...), phi=Array(-2., dtype=float32...))
    """
    groups = check_count(groups, argument="groups")

    def relaxation_field(params: Players, batch: Any = None) -> Players:
        return negate(
            value_and_norm_gradient(field, params, batch, groups, user="conservative_relaxation")[1]
        )

    return relaxation_field
