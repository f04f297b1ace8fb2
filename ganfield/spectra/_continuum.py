"""Zeros that are no points: how many dimensions of them there are round one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._types import Field, Players
from ganfield.field import jacobian

At = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``at(x) -> (field(x), J(x))``, for flat parameters."""

_FLAT = 1e-6  # of the largest singular value of J: a direction that may be flat
_STILL_FLAT = 1e-7  # and at the other end of a way along it
_WAYS = (0.1, 0.03, 0.01)  # how far it is followed, times 1 + max |x|
_FEW = 8  # directions that are followed one by one
_MOST = 60  # Newton's steps
_SMALL = 1e-9  # of the largest singular value: what counts as 0 in a step


class Zero(NamedTuple):
    """Where Newton's method ended."""

    place: np.ndarray
    value: np.ndarray
    jacobian: np.ndarray


def looking_at(field: Field, point: Players, batch: Any) -> At:
    """Return ``at`` of a field, compiled once, for parameters like ``point`` in float64."""
    flat, unravel = ravel_pytree(point)

    def value_and_matrix(x: jax.Array, batch: Any) -> tuple[jax.Array, jax.Array]:
        params = unravel(x)
        return ravel_pytree(field(params, batch))[0], jacobian(field)(params, batch)

    program = compiled(value_and_matrix, flat, batch, name="_value_and_matrix")

    def at(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, matrix = program(np.asarray(x, flat.dtype), batch)
        return np.asarray(value), np.asarray(matrix)

    return at


def back_to_zero(at: At, start: np.ndarray) -> Zero | None:
    """Return where the shortest Newton steps lead from a place; None where ``at`` is not finite.

    No residual ends them, so that from a place beside a degenerate zero, such as that of −x³, they
    go all the way there, by a third of it each.
    """
    place = start
    value, matrix = at(place)
    for _ in range(_MOST):
        if not (np.isfinite(value).all() and np.isfinite(matrix).all()):
            return None
        step = -np.linalg.pinv(matrix, rcond=_SMALL) @ value
        if np.linalg.norm(step) <= 1e-14 * (1 + np.abs(place).max()):
            break
        for _ in range(8):
            ahead, slopes = at(place + step)
            if np.linalg.norm(ahead) < np.linalg.norm(value):
                break
            step = step / 2
        else:
            break
        place, value, matrix = place + step, ahead, slopes
    return Zero(place, value, matrix)


def flat_dimension(at: At, point: np.ndarray) -> int:
    """Return how many dimensions of zeros there are round a zero; 0 where it is isolated.

    A zero eigenvalue does not tell: a centre has none and −x³ has one. So the null directions of J
    are followed a little, with Newton's method back to field = 0. What comes back to the point was
    no continuum; what lands beside it, where J has as many null directions, is one. Zeros of an
    order beyond 9 are not told from it.

    Args:
        at: the field and its Jacobian.
        point: the zero, flat.
    """
    _, sizes, rows = np.linalg.svd(at(point)[1])
    null = rows[sizes <= _FLAT * sizes.max(initial=0.0)].T
    if not null.size:
        return 0
    reach = 1 + np.abs(point).max()
    counts = [_dimension(at, point, null, way * reach, sizes.max()) for way in _WAYS]
    # One way may lead round a small ring, or to another zero; two of them do not.
    return max(map(min, counts, counts[1:]))


def _dimension(at: At, point: np.ndarray, null: np.ndarray, way: float, size: float) -> int:
    """Return how many of the null directions lead along zeros, as far as one way."""
    count = null.shape[1]
    mixed = np.random.default_rng(0).normal(size=(count, 3))
    chosen = np.eye(count) if count <= _FEW else mixed / np.linalg.norm(mixed, axis=0)
    moves, left = [], count
    for along in chosen.T:
        start = point + way * null @ along
        end = back_to_zero(at, start)
        if end is None or np.linalg.norm(end.place - start) > way:
            continue
        moved = null.T @ (end.place - point) / way
        sizes = np.linalg.svd(end.jacobian, compute_uv=False)
        scale = max(size, sizes.max())
        is_zero = np.linalg.norm(end.value) <= _SMALL * way * scale
        if is_zero and np.linalg.norm(moved) > 0.5:
            moves.append(moved)
            left = min(left, int((sizes <= _STILL_FLAT * scale).sum()))
    if not moves:
        return 0
    if count > _FEW:  # all of them, or one does not know how many
        return left if len(moves) == len(mixed.T) and left == count else 0
    return min(left, int((np.linalg.svd(np.stack(moves), compute_uv=False) > 0.5).sum()))
