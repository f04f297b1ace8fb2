"""The programs that an update map is looked at with, each compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from ganfield._compiled import compiled

if TYPE_CHECKING:
    from ganfield.spectra._update_map import UpdateMap

Look = Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


def looking(F: UpdateMap) -> Look:
    """Return ``look(x, u) -> (F(x), F′(x)u)``, for vectors of NumPy or JAX."""

    def look(x: jax.Array, tangent: jax.Array) -> tuple[jax.Array, jax.Array]:
        return jax.jvp(F.apply, (x,), (tangent,))

    return compiled(look, F.point, F.point, name="_look")


def jacobian_at(function: Callable[[jax.Array], jax.Array], at: jax.Array) -> jax.Array:
    """Return the derivative of a function of a vector, shape ``(outputs, inputs)``; traceable.

    Not by `jax.jacfwd`, which takes the value to be one for all tangents: in the loop of an inner
    solve value and tangent may be carried together.
    """

    def slope(tangent: jax.Array) -> jax.Array:
        return jax.jvp(function, (at,), (tangent,))[1]

    return jax.vmap(slope, out_axes=1)(jnp.eye(at.size, dtype=at.dtype))
