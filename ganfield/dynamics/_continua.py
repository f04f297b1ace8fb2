"""Which zeros of a field lie together on a continuum."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy

from ganfield._types import Field, Players
from ganfield.spectra import At, back_to_zero, flat_dimension, looking_at

_FLAT = 1e-6  # of the largest singular value of J: a zero that may lie on a continuum
_ASIDE = 0.4  # of their distance: how far from the middle of two zeros there is one between them
_ASKED = 3  # zeros of a group, whose dimension is looked at


class Continua(NamedTuple):
    """Zeros, grouped.

    Attributes:
        groups: places of the zeros that lie together, isolated ones alone.
        first: of each group, the zero that is nearest to the middle of the bounds.
        dimensions: of each group.
    """

    groups: list[np.ndarray]
    first: np.ndarray
    dimensions: np.ndarray


def continua(
    field: Field,
    like: Players,
    batch: Any,
    points: np.ndarray,
    matrices: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> Continua:
    """Return which zeros lie on one continuum, in the order of the first of each.

    Two neighbours do where Newton's method leads from the middle between them to a zero near it.

    Args:
        field: the field.
        like: parameters of its shapes.
        batch: what it sees.
        points: its zeros, flat, shape ``(k, n)``.
        matrices: its Jacobians there.
        low: ends of the bounds, shape ``(n,)``.
        high: the others.
    """
    labels, dimensions = np.arange(len(points)), np.zeros(len(points), int)
    sizes = np.linalg.svd(matrices, compute_uv=False) if len(points) else np.zeros((0, 1))
    singular = np.flatnonzero(sizes[:, -1] <= _FLAT * sizes[:, 0])
    if singular.size:
        at = looking_at(field, like, batch)
        joined = _together(at, points[singular], high - low)
        for label in range(joined.max() + 1):
            group = singular[joined == label]
            asked = group[:: max(1, len(group) // _ASKED)][:_ASKED]
            dimension = max(flat_dimension(at, points[index]) for index in asked)
            if dimension:
                labels[group], dimensions[group] = group[0], dimension
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    off = np.abs(points - (low + high) / 2) / (high - low)
    first = np.array([group[np.argmin(off[group].max(axis=1))] for group in groups], int)
    return Continua(groups, first, dimensions[first])


def _together(at: At, points: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return a label of each zero, the same for those that hang together."""
    apart = scipy.spatial.distance.cdist(points / width, points / width)
    tree = scipy.sparse.csgraph.minimum_spanning_tree(apart).tocoo()
    joined = []
    for one, other in zip(tree.row, tree.col, strict=True):
        middle = (points[one] + points[other]) / 2
        end = back_to_zero(at, middle)
        reach = _ASIDE * np.linalg.norm(points[one] - points[other])
        if end is not None and np.linalg.norm(end.place - middle) <= reach:
            slope = np.linalg.norm(end.jacobian, 2)
            if np.linalg.norm(end.value) <= 1e-9 * reach * (slope or 1.0):
                joined.append((one, other))
    rows, columns = np.array(joined, int).reshape(-1, 2).T
    links = scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), apart.shape)
    return scipy.sparse.csgraph.connected_components(links, directed=False)[1]
