"""The field v of a game, its derivatives, and fields made from it."""

from ganfield.field._derivatives import jacobian, jvp, vjp
from ganfield.field._field import check_field, check_plane_field, vector_field
from ganfield.field._helmholtz import (
    Helmholtz,
    RotationEstimate,
    estimate_rotation,
    helmholtz,
)
from ganfield.field._transforms import (
    FIELDS,
    consensus,
    conservative_relaxation,
    identity,
    jare,
)

__all__ = [
    "FIELDS",
    "Helmholtz",
    "RotationEstimate",
    "check_field",
    "check_plane_field",
    "consensus",
    "conservative_relaxation",
    "estimate_rotation",
    "helmholtz",
    "identity",
    "jacobian",
    "jare",
    "jvp",
    "vector_field",
    "vjp",
]
