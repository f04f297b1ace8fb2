"""No transform at all."""

from __future__ import annotations

from ganfield._registry import registered
from ganfield._types import Field
from ganfield.field._field import TRANSFORMS


@registered(TRANSFORMS)
def identity(field: Field) -> Field:
    """Return the field itself, so that "no transform" has a name.

    Args:
        field: ``field(params, batch=None) -> Players``.

    Returns:
        The same object. It costs nothing more.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> identity(v) is v
        True
    """
    return field
