"""Has a field one derivative at a point, or a kink?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import ArrayLike, Field, Players

_MOST_COORDINATES = 16
_NUM_RANDOM = 16
_FEW_RANDOM = 4  # where a product for each is to be made
_NUM_PRODUCTS = 8  # with JᵀJ, for its norm
_NEAR = 1e-8
_DOUBLE = 1e-15  # about the rounding of float64


def check_smooth(field: Field, params: Players, batch: Any, matrix: ArrayLike) -> None:
    """Raise a ``ValueError`` where a field has a kink, and its Jacobian means nothing.

    The look is in float64, whatever the Jacobian is in. A field that computes in less by itself, or
    whose Jacobian is not finite, is not judged.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point.
        batch: the batch that the field sees.
        matrix: the field's Jacobian there.

    Raises:
        ValueError: there is a kink, a jump, or a derivative that is cut.
    """
    slopes = np.asarray(matrix, float)
    if np.isfinite(slopes).all():
        _check(field, params, batch, lambda sides: sides @ slopes.T, _norm(slopes), _NUM_RANDOM)


def check_smooth_along(
    field: Field, params: Players, batch: Any, product: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Raise a ``ValueError`` as `check_smooth` does, where products alone are known.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point.
        batch: the batch that the field sees.
        product: ``product(u) -> J u``, of vectors.
    """
    size = sum(np.size(leaf) for leaf in jax.tree.leaves(params))
    vector, length = np.random.default_rng(0).normal(size=size), 0.0
    for _ in range(_NUM_PRODUCTS):
        image = np.asarray(product(vector / np.linalg.norm(vector)), float)
        if not np.isfinite(image).all():
            return
        length = max(length, float(np.linalg.norm(image)))
        vector = image if image.any() else vector

    def slopes(sides: np.ndarray) -> np.ndarray:
        return np.stack([product(side) for side in sides])

    _check(field, params, batch, slopes, length, _FEW_RANDOM)


def _check(
    field: Field,
    params: Players,
    batch: Any,
    slopes: Callable[[np.ndarray], np.ndarray],
    scale: float,
    num_random: int,
) -> None:
    with jax.enable_x64(True):
        point, seen_by_field = double(params, integers=True), double(batch)
        # Nearer than `is_smooth` looks by itself: a network of ReLUs has a kink within 10⁻⁵ of
        # every twentieth point.
        around = _Around(field, point, seen_by_field, num_random)
        if around.eps > _DOUBLE or around.is_smooth(slopes, scale, near=_NEAR):
            return
    raise ValueError(
        "params must be a point where the field has one derivative, and it has a kink or a jump "
        "within 10⁻⁷ of it, or a derivative that is cut (jax.lax.stop_gradient): its eigenvalues "
        "mean nothing there. gf.classify says so too and tells the rest; under jax.jit nothing is "
        "looked at"
    )


def is_smooth(
    field: Field, params: Players, batch: Any = None, *, matrix: ArrayLike, scale: float
) -> bool:
    """Return whether a field has one derivative at a point.

    The slopes to all sides of the point, along random directions and (where those are few) along
    the coordinates, are compared with the Jacobian at two distances: of a smooth field they differ
    in proportion to the distance, at a kink by a constant, at a jump the more the nearer. What
    differs by less than a thousandth of ``scale``, or than rounding may, is not seen. It takes at
    most 130 evaluations of the field.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point, in float64 (where that is on).
        batch: the batch that the field sees.
        matrix: the field's Jacobian there.
        scale: its spectral norm.

    Returns:
        False at a kink, a jump or the edge of where the field is defined, or within about 3·10⁻⁶ of
        one (times the cube root of 1 + max |x|).
    """
    around, slopes = _Around(field, params, batch, _NUM_RANDOM), np.asarray(matrix)
    return around.is_smooth(lambda sides: sides @ slopes.T, scale, near=around.eps ** (1 / 3))


class _Around:
    """A field, to be looked at on all sides of a point by one program."""

    def __init__(self, field: Field, params: Players, batch: Any, num_random: int):
        flat, unravel = ravel_pytree(params)
        directions = jax.random.normal(jax.random.key(0), (num_random, flat.size), flat.dtype)
        directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)
        if flat.size <= _MOST_COORDINATES:
            directions = jnp.concatenate([directions, jnp.eye(flat.size, dtype=flat.dtype)])

        def values(params: Players, batch: Any, steps: jax.Array) -> jax.Array:
            here = ravel_pytree(params)[0]
            return jax.lax.map(
                lambda step: ravel_pytree(field(unravel(here + step), batch))[0], steps
            )

        self.directions = np.concatenate([directions, -directions])
        given = params, batch
        steps = jnp.zeros((2 * len(self.directions) + 1, flat.size), flat.dtype)
        program = compiled(values, *given, steps, name="_around")
        self._values = lambda steps: np.asarray(program(*given, jnp.asarray(steps, flat.dtype)))
        self.far = 1 + float(jnp.abs(flat).max())
        self.eps = float(jnp.finfo(self._values(steps).dtype).eps)

    def is_smooth(
        self, slopes: Callable[[np.ndarray], np.ndarray], scale: float, *, near: float
    ) -> bool:
        """Return whether slopes to all sides follow the Jacobian, seen from two distances."""
        near *= self.far ** (1 / 3)
        distances = np.repeat([4 * near, near], len(self.directions))[:, None]
        sides = np.tile(self.directions, (2, 1))
        along = slopes(self.directions[: len(self.directions) // 2])
        told = np.tile(np.concatenate([along, -along]), (2, 1))
        here, *ahead = self._values(np.concatenate([0 * sides[:1], distances * sides]))
        off = np.linalg.norm((np.stack(ahead) - here) / distances - told, axis=1)
        far_off, near_off = off.reshape(2, -1)
        rounding = 1e3 * self.eps / near * max(1.0, float(np.linalg.norm(here)) / self.far)
        # Where slopes at most follow the distance, a fourth leaves a fourth of the difference.
        bent = (near_off > far_off / 2) & (near_off > 1e-3 * scale + rounding)
        return not bool(np.any(bent | ~np.isfinite(near_off)))


def _norm(matrix: np.ndarray) -> float:
    """Return about the spectral norm, by products alone; never more than it is."""
    vector = np.random.default_rng(0).normal(size=len(matrix))
    length = 0.0
    for _ in range(_NUM_PRODUCTS):
        vector = matrix.T @ (matrix @ (vector / (np.linalg.norm(vector) or 1.0)))
        length = float(np.linalg.norm(vector)) ** 0.5
    return length
