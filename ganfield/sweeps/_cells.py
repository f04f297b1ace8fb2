"""Results of many runs as arrays over a grid; as objects where their shapes differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np

from ganfield._types import PyTree

Index: TypeAlias = tuple[Any, ...]
"""For each axis of the grid a place, which takes the axis away, an array of places, or a slice."""


def is_cells(tree: PyTree) -> bool:
    """Return whether a result is an array of objects, each a run's pytree."""
    return isinstance(tree, np.ndarray) and tree.dtype == object


def cells_of(trees: Sequence[PyTree], shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of objects of a shape."""
    cells = np.empty(len(trees), object)
    for place, tree in enumerate(trees):
        cells[place] = tree
    return cells.reshape(shape)


def opened(tree: PyTree, index: Index, *, lead: int = 0) -> PyTree:
    """Return the part of a result at some places of the grid.

    Args:
        tree: with the grid's axes after ``lead`` others in every leaf, or an array of objects.
        index: one entry for each axis of the grid.
        lead: how many axes come before.
    """
    if is_cells(tree):
        part = _take(tree, index, 0)
        if not is_cells(part):
            return part
        return together(list(part.ravel()), part.shape, lead=lead)
    return jax.tree.map(lambda leaf: _take(leaf, index, lead), tree)


def together(trees: Sequence[PyTree], shape: tuple[int, ...], *, lead: int = 0) -> PyTree:
    """Return single results as one, a grid's axes after ``lead`` others, if they are alike.

    If they are not, they stay an array of objects.
    """
    if not are_alike(trees):
        return cells_of(trees, shape)

    def joined(*leaves: Any) -> Any:
        whole = np.stack(leaves, axis=lead)
        return whole.reshape(whole.shape[:lead] + shape + whole.shape[lead + 1 :])

    return jax.tree.map(joined, *trees)


def are_alike(trees: Sequence[PyTree]) -> bool:
    """Return whether pytrees agree in structure, and in the shapes and types of their leaves."""
    kinds = {
        (
            jax.tree.structure(tree),
            tuple((np.shape(leaf), str(leaf.dtype)) for leaf in jax.tree.leaves(tree)),
        )
        for tree in trees
    }
    return len(kinds) < 2


def _take(leaf: Any, index: Index, lead: int) -> Any:
    # One axis after the other, from the last on: NumPy would pair several arrays of places.
    for axis in reversed(range(len(index))):
        if not isinstance(index[axis], slice):
            leaf = leaf[(slice(None),) * (lead + axis) + (index[axis],)]
    return leaf
