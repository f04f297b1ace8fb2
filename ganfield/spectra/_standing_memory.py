"""Memory that stands still beside a point, and the maps that are none because of what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield.spectra._programs import jacobian_of, looking

if TYPE_CHECKING:
    from ganfield.spectra._update_map import UpdateMap

_SAME = 1e-9  # of the largest entry of F′: as far as a point typed by hand is no exact zero
_STEEP = 1e3  # beyond it, as where RMSProp has seen next to nothing, all memory would stand still
_FEW = 400  # numbers of which all of F′ is made
_LATER = 2.0 ** np.arange(0, 21, 4)  # steps
_NEAR, _NEARER = 1e-6, 1e-9


def are_params(F: UpdateMap) -> np.ndarray:
    """Return which numbers of the vector that a map acts on are parameters, booleans."""
    with jax.ensure_compile_time_eval():
        zero = jnp.zeros(F.point.shape, F.point.dtype)
        params, pull = jax.vjp(lambda x: ravel_pytree(F.unravel(x).params)[0], zero)
        return np.asarray(pull(jnp.ones_like(params))[0] > 0)


def standing(F: UpdateMap, matrix: Any) -> Any:
    """Return which numbers are memory that stands still, whatever happens near the point.

    Such are hyper-parameters that `optax.inject_hyperparams` keeps, and the sums of AdaGrad, to
    which a square of what is 0 is added. Each has an eigenvalue 1 of F′ that says nothing of any
    motion, and the others are those of F′ without it.

    Args:
        F: the map.
        matrix: its F′, an array, or two or more products F′u with the u, ``(F′U, U)`` of shape
            ``(n, k)`` each.
    """
    after, before = matrix if isinstance(matrix, tuple) else (matrix, jnp.eye(len(matrix)))
    steep = jnp.minimum(jnp.abs(after).max(), _STEEP)
    off = jnp.abs(after - before).max(axis=1) <= _SAME * steep
    return off & ~are_params(F)


def check_map(F: UpdateMap) -> None:
    """Raise a ``ValueError`` where F′ at the point says nothing of the steps to come.

    So it is where the parameters' motion hangs on a float that counts, as the sum of weights of
    `optax.contrib.schedule_free` does, and where the step jumps at the point, as that along a sign.

    Args:
        F: the map, at concrete numbers in float64.
    """
    size = F.point.size
    random = jax.random.normal(jax.random.key(0), (size, 2), F.point.dtype)
    along = random[:, 0] / jnp.linalg.norm(random[:, 0])
    look = looking(F)

    def at(distance: float) -> np.ndarray:
        return np.asarray(look(F.point + distance * along, along)[0])

    if size <= _FEW:
        directions, slopes_at = jnp.eye(size), jacobian_of(F)
    else:
        directions = random

        def slopes_at(x: jax.Array) -> jax.Array:
            return jnp.stack([look(x, u)[1] for u in random.T], axis=1)

    slopes, moved, near, nearer = np.asarray(slopes_at(F.point)), at(0), at(_NEAR), at(_NEARER)
    if not np.isfinite(slopes).all():
        return  # which is said by those who need all of F′
    params = are_params(F)
    steep = np.abs(slopes).max()
    far_jump, jump = (np.linalg.norm((x - moved)[params]) for x in (near, nearer))
    if jump > far_jump / 2 and jump > 1e3 * _NEARER * (1 + steep):
        raise ValueError(
            "params must be a point where the update map is continuous, and the method's step "
            f"jumps there by {jump:.3g}: along a sign (sign_sgd, lion) or a direction of fixed "
            "length it goes past a fixed point for ever, and no eigenvalue tells"
        )
    if size <= _FEW:
        counts = ~params & (np.abs(slopes.diagonal() - 1) <= _SAME)
        counts &= np.abs(slopes[:, params]).max(axis=1) <= _SAME * steep
    else:
        counts = np.asarray(standing(F, (slopes, directions)))
    drift = np.where(counts, moved - np.asarray(F.point), 0)
    grows = np.abs(drift) > 1e-12 * (1 + np.abs(moved))
    for steps in _LATER if grows.any() else ():
        later = np.asarray(slopes_at(F.point + steps * drift))
        if np.abs(later - slopes)[params].max() > 1e-12 * steep:
            raise ValueError(
                "method must do the same again after some steps, and what its step does depends on "
                f"floats of its memory that count ({grows.sum()} of them), as in a schedule: that "
                "has no one update map"
            )
