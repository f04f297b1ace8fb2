"""The mean of a field over several minibatches, as a field."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ganfield._types import Field, Players
from ganfield.checks import leading_size


def mean_field(field: Field) -> Field:
    """Return the mean of a field over several minibatches; its Jacobian is the mean of theirs.

    Args:
        field: ``field(params, batch) -> Players``.

    Returns:
        ``mean(params, batches) -> Players``, where ``batches`` holds them along a new first axis of
        every leaf. They are gone through one by one, so memory is that of one.

    Raises:
        ValueError: (from ``mean``) the leaves of ``batches`` do not share the length of their first
            axis.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> game = gf.games.zero_sum(
        ...     lambda theta, phi, batch: theta * phi * jnp.mean(batch), lambda key: None
        ... )
        >>> v = gf.spectra.mean_field(gf.vector_field(game))
        >>> batches = jnp.array([[1.0, 2.0], [3.0, 6.0]])
        >>> gf.krylov_eigenvalues(
        ...     v, gf.Players(1.0, 1.0), batches, num=1, target="largest_modulus"
        ... ).eigenvalues.round(4)
        array([0.+3.j])
    """

    def mean(params: Players, batches: Any) -> Players:
        count = leading_size(batches)
        if not count:
            raise ValueError(
                "batches must be minibatches stacked along a new first axis of every leaf, got "
                f"{[jnp.shape(leaf) for leaf in jax.tree.leaves(batches)]}"
            )

        def add(total: Players, batch: Any) -> tuple[Players, None]:
            return jax.tree.map(jnp.add, total, field(params, batch)), None

        first = jax.eval_shape(field, params, jax.tree.map(lambda leaf: leaf[0], batches))
        zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), first)
        total, _ = jax.lax.scan(add, zeros, batches)
        return jax.tree.map(lambda leaf: leaf / count, total)

    return mean
