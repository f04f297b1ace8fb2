"""The field v of a game, its derivatives, and fields made from it."""

# isort: off
# Each of these registers itself; lists show them in this order, the simplest first.
from ganfield.field._identity import identity as identity
from ganfield.field._consensus import consensus as consensus
from ganfield.field._conservative_relaxation import (
    conservative_relaxation as conservative_relaxation,
)
from ganfield.field._jare import jare as jare
from ganfield.field._smoothed import smoothed as smoothed
from ganfield.field._symplectic import symplectic as symplectic
from ganfield.field._linearized_competitive import linearized_competitive as linearized_competitive
from ganfield.field._scaled import scaled as scaled
from ganfield.field._clipped import clipped as clipped
from ganfield.field._drift import simultaneous_drift as simultaneous_drift
from ganfield.field._drift import alternating_drift as alternating_drift

# isort: on
from ganfield.field._derivatives import check_dense as check_dense
from ganfield.field._derivatives import jacobian as jacobian
from ganfield.field._derivatives import jvp as jvp
from ganfield.field._derivatives import vjp as vjp
from ganfield.field._difference import difference as difference
from ganfield.field._field import TRANSFORMS as TRANSFORMS
from ganfield.field._field import check_field as check_field
from ganfield.field._field import check_plane_field as check_plane_field
from ganfield.field._field import vector_field as vector_field
from ganfield.field._helmholtz import Helmholtz as Helmholtz
from ganfield.field._helmholtz import RotationEstimate as RotationEstimate
from ganfield.field._helmholtz import estimate_rotation as estimate_rotation
from ganfield.field._helmholtz import helmholtz as helmholtz
