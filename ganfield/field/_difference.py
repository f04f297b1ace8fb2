"""The difference of two fields: what a penalty, or a transform, adds."""

from __future__ import annotations

from typing import Any

from ganfield._registry import named
from ganfield._tree import add_scaled
from ganfield._types import Field, Players
from ganfield.field._field import check_is_field


@named
def difference(field: Field, other: Field) -> Field:
    """Return field − other, such as the part of a field that a penalty is.

    Args:
        field: ``field(params, batch=None) -> Players``, say that of a game with its penalty.
        other: the same without.

    Returns:
        ``field(params, batch=None) -> Players``. It costs what both do.

    Raises:
        ValueError: one of them is no field.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.dirac_gan())
        >>> with_r1 = gf.vector_field(gf.games.dirac_gan(penalty="r1", penalty_weight=2.0))
        >>> difference(with_r1, v)(gf.Players(1.0, 3.0))
        Players(theta=Array(0., dtype=float32...), phi=Array(-6., dtype=float32...))
    """
    check_is_field(field)
    check_is_field(other)

    def between(params: Players, batch: Any = None) -> Players:
        return add_scaled(field(params, batch), -1, other(params, batch))

    return between
