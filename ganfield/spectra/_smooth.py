"""Has a field one derivative at a point, or a kink?"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._types import Field, Players

_MOST_COORDINATES = 16
_NUM_RANDOM = 16


def is_smooth(field: Field, params: Players, batch: Any = None, *, scale: float) -> bool:
    """Return whether a field has one derivative at a point.

    The slopes to all sides of the point, along random directions and (where those are few) along
    the coordinates, are compared with the Jacobian at two distances: of a smooth field they differ
    in proportion to the distance, at a kink by a constant, at a jump the more the nearer. What
    differs by less than a thousandth of ``scale``, or than rounding may, is not seen.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point, in float64 (where that is on).
        batch: the batch that the field sees.
        scale: the size of the field's Jacobian there.

    Returns:
        False at a kink, a jump or the edge of where the field is defined, or within about 3·10⁻⁶ of
        one (times the cube root of 1 + max |x|).
    """
    flat = ravel_pytree(params)[0]
    directions = jax.random.normal(jax.random.key(0), (_NUM_RANDOM, flat.size), flat.dtype)
    directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)
    if flat.size <= _MOST_COORDINATES:
        directions = jnp.concatenate([directions, jnp.eye(flat.size, dtype=flat.dtype)])

    dtype = jax.eval_shape(lambda: ravel_pytree(field(params, batch))[0]).dtype
    eps = float(jnp.finfo(dtype).eps)
    near = (eps * (1 + float(jnp.abs(flat).max()))) ** (1 / 3)
    arguments = (params, batch, directions, jnp.asarray(near))
    off = compiled(partial(_off, field), *arguments, name="_off")
    far_off, near_off = (
        np.asarray(off(*arguments[:3], jnp.asarray(distance))) for distance in (4 * near, near)
    )
    # Where slopes at most follow the distance, a fourth of it leaves a fourth of the difference.
    bent = (near_off > far_off / 2) & (near_off > 1e-3 * scale + 1e3 * eps ** (2 / 3))
    return not bool(np.any(bent | ~np.isfinite(near_off)))


def _off(
    field: Field, params: Players, batch: Any, directions: jax.Array, distance: jax.Array
) -> jax.Array:
    """Return how far slopes are from the Jacobian's, ahead in each direction and then behind."""
    flat, unravel = ravel_pytree(params)

    def at(x: jax.Array) -> jax.Array:
        return ravel_pytree(field(unravel(x), batch))[0]

    def along(direction: jax.Array) -> jax.Array:
        here, slope = jax.jvp(at, (flat,), (direction,))
        ahead = at(flat + distance * direction)
        return jnp.linalg.norm((ahead - here) / distance - slope)

    return jax.lax.map(along, jnp.concatenate([directions, -directions]))
