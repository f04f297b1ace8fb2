"""Optimizers as published code sets them."""

from __future__ import annotations

import optax

from ganfield._types import ArrayLike
from ganfield.checks import check_number


def numerics_rmsprop(learning_rate: ArrayLike = 1e-4) -> optax.GradientTransformation:
    """Return the RMSProp of "The Numerics of GANs": TensorFlow 1's, with its defaults.

    n ← 0.9·n + 0.1·g², from n = 1, and x ← x − learning_rate · g/√(n + 1e-10). The start at **one**
    makes the first steps small. PyTorch's RMSProp starts at zero, and adds ε after the root.

    Args:
        learning_rate: 1e-4 in all of the paper's runs. May be traced, or an optax schedule.

    Returns:
        An optax transformation.

    Raises:
        ValueError: the learning rate is neither one number nor a schedule.

    Example:
        >>> import jax.numpy as jnp
        >>> optimizer = numerics_rmsprop(learning_rate=1.0)
        >>> state = optimizer.init(jnp.zeros(()))
        >>> optimizer.update(jnp.ones(()), state)[0]
        Array(-1., dtype=float32)
    """
    if not callable(learning_rate):
        check_number(learning_rate, argument="learning_rate")
    return optax.rmsprop(learning_rate, decay=0.9, eps=1e-10, initial_scale=1.0, eps_in_sqrt=True)
