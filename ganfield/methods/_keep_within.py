"""Weight clipping, as a step of an optimizer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import optax

from ganfield._types import ArrayLike, PyTree
from ganfield.checks import check_not_negative
from ganfield.methods._base import Optimizer


def keep_within(limit: ArrayLike) -> Optimizer:
    """Return the optax transformation that keeps every parameter in [−limit, limit].

    Put it last in a chain: it cuts the update so that x + update lies in the box, as weight
    clipping after the step does. The update map then has kinks, where an update meets the box.

    Args:
        limit: ≥ 0; 0.01 in the Wasserstein GAN. May be traced, and is then not checked.

    Returns:
        An optax transformation. It needs the parameters, which all methods here give it.

    Raises:
        ValueError: the limit is negative.

    Reference:
        Arjovsky, Chintala, Bottou, "Wasserstein GAN", 2017, Algorithm 1.

    Example:
        >>> import optax, ganfield as gf
        >>> clipped = optax.chain(optax.sgd(1.0), gf.keep_within(0.5))
        >>> method = gf.simultaneous(gf.Players(optax.sgd(1.0), clipped))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> method.step(v, method.init(gf.Players(2.0, 0.0)), None)[0].params
        Players(theta=Array(2., dtype=float32...), phi=Array(0.5, dtype=float32...))
    """
    check_not_negative(limit, argument="limit")

    def init(params: PyTree) -> optax.EmptyState:
        del params
        return optax.EmptyState()

    def update(updates: PyTree, state: Any, params: PyTree = None) -> tuple[PyTree, Any]:
        if params is None:
            raise ValueError("params must be given to keep_within's update")

        def cut(change: jax.Array, value: jax.Array) -> jax.Array:
            bound = jnp.asarray(limit, jnp.result_type(value))
            return jnp.clip(value + change, -bound, bound) - value

        return jax.tree.map(cut, updates, params), state

    return optax.GradientTransformation(init, update)
