"""Is a method's step smooth, looked at on the scale of the step?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._types import Field, Players
from ganfield.field import jacobian
from ganfield.spectra._programs import Look
from ganfield.spectra._roles import are_params
from ganfield.spectra._smooth import is_smooth

if TYPE_CHECKING:
    from ganfield.spectra._update_map import UpdateMap

_FEW = 400  # numbers of a map that is cheap
_COORDINATES = 16
_RUNGS = (1.0, 0.1, 0.01)  # of the distance at which finite differences err least


def check_step(F: UpdateMap, look: Look, field: Field, params: Players, batch: Any) -> None:
    """Raise a ``ValueError`` where a step has a kink or a jump at the point, and no derivative.

    What two steps change of the parameters (the second shows what the first made of the memory) is
    compared with its derivative at decreasing distances, ahead and behind in several directions.
    Of a smooth step the two differ in proportion to the distance, at a kink by a constant, at a
    jump the more the nearer. It counts where it is more than a thousandth of what the steps
    themselves change, so that a small step size hides nothing.

    Args:
        F: the map, at concrete numbers in float64.
        look: `ganfield.spectra._programs.looking`.
        field: that it moves along, to say whose the kink is.
        params: the point.
        batch: what the field sees.
    """
    at, of_params = np.asarray(F.point), are_params(F)
    kind = jax.eval_shape(lambda: ravel_pytree(field(params, batch))[0]).dtype
    eps = float(jnp.finfo(kind).eps)
    far = 1 + float(np.abs(at[of_params]).max())

    def moves(x: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        after, slope = look(jnp.asarray(x), jnp.asarray(along))
        after, slope = look(after, slope)
        return (np.asarray(after) - x)[of_params], (np.asarray(slope) - along)[of_params]

    directions = _directions(of_params)
    here, slopes = moves(at, directions[0])[0], [moves(at, along)[1] for along in directions]
    scale = max(float(np.linalg.norm(slope)) for slope in slopes)
    steep = max(1.0, scale)
    nearest, rounding = (eps * far) ** (1 / 3) / steep, 1e3 * eps * far * steep

    def off(index: int, distance: float) -> float:
        """Return by how much the slope to a place beside the point is not the derivative."""
        there = moves(at + distance * directions[index], directions[index])[0]
        return float(np.linalg.norm((there - here) / distance - slopes[index]))

    for index, sign in itertools.product(range(len(directions)), (1, -1)):
        jumps: list[float] = []
        for rung in _RUNGS:
            distance = sign * rung * nearest
            beyond, near = off(index, 4 * distance), off(index, distance)
            blur = rounding / abs(distance)
            # Where slopes at most follow the distance, a fourth of it leaves a fourth of that.
            stays = not (near <= beyond / 2 or near <= 1e-3 * scale + blur)
            is_blurred = blur > 0.1 * max(scale, near)
            if not stays and not (jumps and is_blurred):
                break
            jumps.append(near * abs(distance))
        else:
            raise ValueError(_refusal(field, params, batch, jumps))


def _directions(of_params: np.ndarray) -> np.ndarray:
    """Return unit vectors of the parameters: at random, and one by one where they are few."""
    size = of_params.size
    random = np.random.default_rng(0)
    directions = random.normal(size=(16 if size <= _FEW else 4, size)) * of_params
    if of_params.sum() <= _COORDINATES:
        directions = np.concatenate([directions, np.eye(size)[of_params]])
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def _refusal(field: Field, params: Players, batch: Any, jumps: list[float]) -> str:
    """Return whose the kink or the jump is, in words."""
    if _is_kinked(field, params, batch):
        return (
            "params must be a point where the field has one derivative, and it has a kink or a "
            "jump there: no eigenvalue tells what a run does (gf.classify says so too)"
        )
    if jumps[-1] > jumps[0] / 2:
        return (
            "params must be a point where the update map is continuous, and the method's step "
            f"jumps there by {jumps[-1]:.3g}: along a sign (sign_sgd, lion, rprop) or a direction "
            "of fixed length it goes past a fixed point for ever, and no eigenvalue tells"
        )
    return (
        "params must be a point where the update map has one derivative, and the method's step has "
        "a kink there, as a clip has at its limit, or a trust ratio (lars, lamb) where parameters "
        "are 0: no eigenvalue tells what a run does"
    )


def _is_kinked(field: Field, params: Players, batch: Any) -> bool:
    """Return whether the field is to blame; of many parameters it is not looked at."""
    if sum(leaf.size for leaf in jax.tree.leaves(params)) > _FEW:
        return False
    matrix = np.asarray(jacobian(field)(params, batch))
    return not is_smooth(field, params, batch, matrix=matrix, scale=float(np.linalg.norm(matrix)))
