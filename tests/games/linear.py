"""The smallest networks, without Flax: what a game takes, as functions of an array."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Small(NamedTuple):
    shape: tuple[int, ...]
    apply: Callable
    input_shape: tuple[int, ...]

    def init(self, key):
        return jax.random.normal(key, self.shape)


def linear(inputs, outputs):
    """x ↦ Wx, W of shape (outputs, inputs)."""
    return Small((outputs, inputs), lambda w, x: x @ w.T, (inputs,))


def affine(inputs, outputs):
    """x ↦ W[:, :-1] x + W[:, -1]."""
    return Small((outputs, inputs + 1), lambda w, x: x @ w[:, :-1].T + w[:, -1], (inputs,))


def quadratic(inputs):
    """x ↦ Σ φᵢⱼ xᵢxⱼ over i ≤ j."""
    rows, columns = jnp.triu_indices(inputs)
    return Small((len(rows),), lambda w, x: (x[:, rows] * x[:, columns]) @ w, (inputs,))
