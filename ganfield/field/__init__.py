"""The field v of a game, its derivatives, and fields made from it."""

from collections.abc import Callable

from ganfield._types import Field
from ganfield.field._clipped import clipped
from ganfield.field._consensus import consensus
from ganfield.field._conservative_relaxation import conservative_relaxation
from ganfield.field._derivatives import jacobian, jvp, vjp
from ganfield.field._drift import alternating_drift, simultaneous_drift
from ganfield.field._field import check_field, check_plane_field, vector_field
from ganfield.field._helmholtz import (
    Helmholtz,
    RotationEstimate,
    estimate_rotation,
    helmholtz,
)
from ganfield.field._identity import identity
from ganfield.field._jare import jare
from ganfield.field._look_ahead import look_ahead
from ganfield.field._scaled import scaled
from ganfield.field._smoothed import smoothed
from ganfield.field._symplectic import symplectic

FIELDS: dict[str, Callable[..., Field]] = {
    "identity": identity,
    "consensus": consensus,
    "conservative_relaxation": conservative_relaxation,
    "jare": jare,
    "smoothed": smoothed,
    "symplectic": symplectic,
    "look_ahead": look_ahead,
    "scaled": scaled,
    "clipped": clipped,
    "simultaneous_drift": simultaneous_drift,
    "alternating_drift": alternating_drift,
}
"""Name → builder of the transforms; each takes a field first."""

__all__ = [
    "FIELDS",
    "Helmholtz",
    "RotationEstimate",
    "alternating_drift",
    "check_field",
    "check_plane_field",
    "clipped",
    "consensus",
    "conservative_relaxation",
    "estimate_rotation",
    "helmholtz",
    "identity",
    "jacobian",
    "jare",
    "jvp",
    "look_ahead",
    "scaled",
    "simultaneous_drift",
    "smoothed",
    "symplectic",
    "vector_field",
    "vjp",
]
