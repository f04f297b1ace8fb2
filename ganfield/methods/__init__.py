"""How parameters move along a field."""

from collections.abc import Callable

from ganfield.methods._alternating import alternating
from ganfield.methods._base import Info, Method, Optimizer, State, for_each_move
from ganfield.methods._keep_within import keep_within
from ganfield.methods._presets import numerics_rmsprop
from ganfield.methods._simultaneous import simultaneous

METHODS: dict[str, Callable[..., Method]] = {
    "simultaneous": simultaneous,
    "alternating": alternating,
}
"""Name → builder; each takes an optax transformation first, or Players of two."""

__all__ = [
    "METHODS",
    "Info",
    "Method",
    "Optimizer",
    "State",
    "alternating",
    "for_each_move",
    "keep_within",
    "numerics_rmsprop",
    "simultaneous",
]
