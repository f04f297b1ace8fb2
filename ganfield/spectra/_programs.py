"""The programs that an update map is looked at with, each compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax

from ganfield._compiled import compiled

if TYPE_CHECKING:
    from ganfield.spectra._update_map import UpdateMap

Look = Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


def looking(F: UpdateMap) -> Look:
    """Return ``look(x, u) -> (F(x), F′(x)u)``, for vectors of NumPy or JAX."""

    def look(x: jax.Array, tangent: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.jvp(F.apply, (x,), (tangent,))

    return compiled(look, F.point, F.point, name="_look")


def jacobian_of(F: UpdateMap) -> Callable[[jax.Array], jax.Array]:
    """Return ``jacobian(x) -> F′(x)``."""
    return compiled(F.jacobian, F.point, name="_jacobian")
