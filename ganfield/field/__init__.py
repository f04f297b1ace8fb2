"""The field v of a game, its derivatives, and fields made from it."""

from ganfield.field._derivatives import jacobian, jvp, vjp
from ganfield.field._field import check_field, vector_field
from ganfield.field._transforms import FIELDS, consensus, conservative_relaxation, identity

__all__ = [
    "FIELDS",
    "check_field",
    "consensus",
    "conservative_relaxation",
    "identity",
    "jacobian",
    "jvp",
    "vector_field",
    "vjp",
]
