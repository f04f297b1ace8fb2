"""The gradient of ½‖v‖², of a batch as a whole or of independent groups of it."""

from __future__ import annotations

import jax

from ganfield._types import Field, Players, PyTree
from ganfield.checks import leading_size
from ganfield.field._differentiable import backward


def value_and_norm_gradient(
    field: Field, params: Players, batch: PyTree, groups: int, *, user: str
) -> tuple[Players, Players]:
    """Return v and the estimate of ∇½‖E v‖² that ``groups`` asks for.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        params: where.
        batch: what the field sees.
        groups: see `ganfield.consensus`.
        user: the transform that asks, for messages.

    Raises:
        ValueError: ``groups`` does not divide the batch size; JAX cannot differentiate the field.
    """
    if groups == 1:
        value, pullback = backward(lambda p: field(p, batch), params, user=user)
        return value, pullback(value)
    split = _split(batch, groups)
    values, pullback = backward(
        lambda p: jax.vmap(field, in_axes=(None, 0))(p, split), params, user=user
    )
    # ∇(‖Σ v_g‖² − Σ ‖v_g‖²)/(2m(m−1)) = Σ_g J_gᵀ (Σ_{h≠g} v_h) / (m(m−1))
    others = jax.tree.map(lambda v: (v.sum(0) - v) / (groups * (groups - 1)), values)
    return jax.tree.map(lambda v: v.mean(0), values), pullback(others)


def _split(batch: PyTree, groups: int) -> PyTree:
    size = leading_size(batch)
    if size is None or size % groups:
        raise ValueError(
            f"groups must divide the batch size, the length of the first axis of every leaf of the "
            f"batch: got groups={groups} and "
            f"{'no such length' if size is None else f'batch size {size}'}"
        )
    return jax.tree.map(
        lambda leaf: leaf.reshape(size // groups, groups, *leaf.shape[1:]).swapaxes(0, 1), batch
    )
