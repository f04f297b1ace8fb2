"""Has a field one derivative at a point, or a kink?"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import ArrayLike, Field, Players
from ganfield.field._differentiable import forward

_MOST_COORDINATES = 16
_NUM_RANDOM = 16
_NUM_PRODUCTS = 8  # with JᵀJ, for its norm
_LARGE = 10_000  # numbers, from which on two directions have to do
_NEAR = 1e-8
_DOUBLE = 1e-15  # about the rounding of float64
_KINKED = (
    "must be a point where the field has one derivative, and it has a kink or a jump within 10⁻⁷ "
    "of it, or a derivative that is cut (jax.lax.stop_gradient)"
)


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
    if not np.isfinite(slopes).all():
        return
    with jax.enable_x64(True):
        point, seen_by_field = double(params, integers=True), double(batch)
        # Nearer than `is_smooth` looks by itself: a network of ReLUs has a kink within 10⁻⁵ of
        # every twentieth point.
        around = _Around(field, point, seen_by_field)
        if around.eps > _DOUBLE or around.is_smooth(slopes, _norm(slopes), near=_NEAR):
            return
    raise ValueError(
        f"params {_KINKED}: its eigenvalues mean nothing there. gf.classify says so too and tells "
        "the rest; under jax.jit nothing is looked at"
    )


def check_smooth_along(
    field: Field, params: Players, batch: Any, *, user: str, argument: str = "params"
) -> None:
    """Raise a ``ValueError`` where a field has a kink, without its matrix.

    As `check_smooth`, but along random directions alone, of which large fields get two: what bends
    in one coordinate of thousands may not be seen.

    Args:
        field: ``field(params, batch=None) -> Players``.
        params: the point.
        batch: the batch that the field sees.
        user: who asks, for messages.
        argument: what the caller calls the point.

    Raises:
        ValueError: there is a kink, a jump, or a derivative that is cut, or that JAX cannot take.
    """
    with jax.enable_x64(True):
        point, seen_by_field = double(params, integers=True), double(batch)
        around = _Around(field, point, seen_by_field)
        if around.eps > _DOUBLE:
            return
        value, slopes = around.slopes(field, point, seen_by_field, user)
        if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
            return
        # A slope is no more than the norm.
        scale = float(np.linalg.norm(slopes, axis=1).max())
        if around.follows(slopes, scale, near=_NEAR):
            return
    raise ValueError(f"{argument} {_KINKED}: its derivatives mean nothing there")


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
    around = _Around(field, params, batch)
    return around.is_smooth(np.asarray(matrix), scale, near=around.eps ** (1 / 3))


class _Around:
    """A field, to be looked at on all sides of a point by one program."""

    def __init__(self, field: Field, params: Players, batch: Any):
        flat, unravel = ravel_pytree(params)
        count = _NUM_RANDOM if flat.size < _LARGE else 2
        directions = jax.random.normal(jax.random.key(0), (count, flat.size), flat.dtype)
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

    def is_smooth(self, matrix: np.ndarray, scale: float, *, near: float) -> bool:
        """Return whether slopes to all sides follow the Jacobian, seen from two distances."""
        return self.follows(self.directions @ matrix.T, scale, near=near)

    def slopes(
        self, field: Field, params: Players, batch: Any, user: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the field's value, once for each direction, and its slopes along them."""

        def products(params: Players, batch: Any, directions: jax.Array) -> Any:
            flat, unravel = ravel_pytree(params)

            def here(x: jax.Array) -> jax.Array:
                return ravel_pytree(field(unravel(x), batch))[0]

            return jax.lax.map(lambda along: forward(here, flat, along, user=user), directions)

        given = params, batch, jnp.asarray(self.directions[: len(self.directions) // 2])
        value, half = map(np.asarray, compiled(products, *given, name="_slopes")(*given))
        return value, np.concatenate([half, -half])

    def follows(self, slopes: np.ndarray, scale: float, *, near: float) -> bool:
        """Return whether the field's differences along the directions follow these slopes."""
        near *= self.far ** (1 / 3)
        distances = np.repeat([4 * near, near], len(self.directions))[:, None]
        sides = np.tile(self.directions, (2, 1))
        here, *ahead = self._values(np.concatenate([0 * sides[:1], distances * sides]))
        off = (np.stack(ahead) - here) / distances - np.tile(slopes, (2, 1))
        off = np.linalg.norm(off, axis=1)
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
