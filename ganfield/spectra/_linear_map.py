"""A field's Jacobian at a point, or an update map's, known by its products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field, Players, PyTree
from ganfield.checks import as_params
from ganfield.field import check_field, jvp, vjp
from ganfield.spectra._both_products import BothProducts
from ganfield.spectra._smooth import check_smooth_along
from ganfield.spectra._update_map import UpdateMap

Multiply = Callable[[np.ndarray], np.ndarray]


class LinearMap:
    """A linear map A of vectors, whose programs are made when they are first asked for.

    Args:
        size: of the vectors.
        dtype: theirs.
        name: what A is called.
        forward: compiles the program of ``u -> A u``.
        backward: compiles that of ``u -> Aᵀu``.
        check: ``check(product)`` raises where A means nothing.
        tree: ``tree(rows)`` returns vectors as what is like the point, with a new first axis.
    """

    def __init__(
        self,
        size: int,
        dtype: np.dtype,
        name: str,
        forward: Callable[[], Multiply],
        backward: Callable[[], Multiply],
        check: Callable[[Multiply], None],
        tree: Callable[[np.ndarray], PyTree],
    ):
        self.size, self.dtype, self.name, self.tree = size, dtype, name, tree
        self._forward, self._backward, self._check = forward, backward, check
        self._is_checked = False

    @cached_property
    def product(self) -> Multiply:
        """``product(u) -> A u``."""
        return self._forward()

    @cached_property
    def transposed(self) -> Multiply:
        """``transposed(u) -> Aᵀu``."""
        return self._backward()

    def check(self) -> None:
        """Raise a ``ValueError`` where the field has a kink at the point; looked for once."""
        if not self._is_checked:
            self._check(self.product)
            self._is_checked = True

    def both(self, split: int) -> BothProducts:
        """Return products with A and Aᵀ together, the first ``split`` numbers θ's."""
        self.check()
        return BothProducts(
            self.size, split, self.dtype, lambda u: (self.product(u), self.transposed(u))
        )


def linear_map(field: Field | UpdateMap, params: Any = None, batch: Any = None) -> LinearMap:
    """Return the Jacobian of a field, or of an update map, as in `ganfield.krylov_eigenvalues`.

    Raises:
        ValueError: the field does not fit the point.
    """
    if isinstance(field, UpdateMap):
        if batch is not None:
            raise ValueError("batch must be None for an update map, which was made with its own")
        return _of_update_map(field, params)
    if params is None:
        raise ValueError("params must be the point at which the field is looked at, got None")
    check_field(field, params, batch)
    params = strong(as_params(params))
    flat, unravel = ravel_pytree(params)
    dtype = np.dtype(np.promote_types(flat.dtype, np.float32))

    def program(of: Callable[..., Callable]) -> Multiply:
        def multiplied(params: Players, batch: Any, vector: jax.Array) -> jax.Array:
            along = unravel(vector.astype(flat.dtype))
            return ravel_pytree(of(field)(params, along, batch))[0]

        run = compiled(multiplied, params, batch, np.zeros(flat.size, dtype), name="_product")
        return lambda vector: np.asarray(run(params, batch, vector.astype(dtype)), dtype)

    def tree(rows: np.ndarray) -> PyTree:
        leaves, structure = jax.tree.flatten(params)
        ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
        parts = np.split(rows, ends, axis=1)
        shaped = (
            part.reshape(len(rows), *leaf.shape) for part, leaf in zip(parts, leaves, strict=True)
        )
        return jax.tree.unflatten(structure, list(shaped))

    return LinearMap(
        flat.size,
        dtype,
        "the field's Jacobian",
        lambda: program(jvp),
        lambda: program(vjp),
        lambda product: check_smooth_along(field, params, batch, product),
        tree,
    )


def _of_update_map(F: UpdateMap, point: Any) -> LinearMap:
    at = F.point if point is None else jnp.asarray(point, F.point.dtype)
    if at.shape != F.point.shape:
        raise ValueError(f"params must be a vector of shape {F.point.shape}, got {at.shape}")

    def program(of: Callable[..., jax.Array]) -> Multiply:
        run = compiled(of, at, at, name="_product")
        return lambda vector: np.asarray(run(at, jnp.asarray(vector, at.dtype)))

    return LinearMap(
        at.size,
        np.dtype(at.dtype),
        "F′",
        lambda: program(F.jvp),
        lambda: program(F.vjp),
        lambda product: None,
        lambda rows: rows,
    )
