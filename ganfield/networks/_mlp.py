"""A multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from ganfield._registry import registered
from ganfield.checks import check_count
from ganfield.networks._network import NETWORKS, Network, from_nnx


class MLP(nnx.Module):
    """Linear layers with an activation between them.

    The products are taken with examples as columns, W ᵀ X of shape (features, batch): with a few
    narrow layers and a large batch XLA's CPU products run 1.3 to 1.8 times as fast that way.
    """

    def __init__(
        self, sizes: Sequence[int], activation: Callable[[jax.Array], jax.Array], rngs: nnx.Rngs
    ):
        self.activation = activation
        # Flax would keep float32 where the user has enabled float64.
        initializer, dtype = nnx.initializers.glorot_uniform(), jnp.result_type(float)
        self.layers = nnx.List(
            nnx.Linear(a, b, kernel_init=initializer, param_dtype=dtype, rngs=rngs)
            for a, b in pairwise(sizes)
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        """Map inputs (batch, features) to outputs (batch, features)."""
        return self._columns(x, len(self.layers)).T

    def penultimate(self, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        """Map inputs to what the last layer takes; the reference is not looked at."""
        return self.activation(self._columns(x, len(self.layers) - 1)).T

    def _columns(self, x: jax.Array, count: int) -> jax.Array:
        """Return what the first layers make of inputs, without the activation that follows."""
        columns = x.T
        for index, layer in enumerate(islice(self.layers, count)):
            columns = self.activation(columns) if index else columns
            bias: Any = layer.bias
            columns = layer.kernel.T @ columns + bias[:, None]
        return columns


MOST_LAYERS = 1000
"""Each layer is compiled, one by one; a thousand take minutes."""


@registered(NETWORKS)
def mlp(
    input_size: int,
    output_size: int,
    *,
    hidden_sizes: Sequence[int] = (16, 16, 16, 16),
    activation: Callable[[jax.Array], jax.Array] = jax.nn.relu,
) -> Network:
    """Return a multilayer perceptron with a linear last layer.

    Kernels begin Glorot uniform, biases at zero. With the default of four hidden layers of 16 it is
    the generator (16 → 2) and the discriminator (2 → 1) of the ring experiment.

    Args:
        input_size: features of one input.
        output_size: features of one output.
        hidden_sizes: features of each hidden layer, of which there are at most 1000: each is
            compiled.
        activation: what stands between the layers.

    Returns:
        A `Network` from (batch, input_size) to (batch, output_size).

    Raises:
        ValueError: a size is no positive integer, there are too many layers, or the machine has not
            the memory for the parameters.

    Example:
        >>> import jax, ganfield as gf
        >>> network = gf.networks.mlp(2, 1)
        >>> params = network.init(jax.random.key(0))
        >>> network.apply(params, jax.numpy.ones((5, 2))).shape
        (5, 1)
    """
    hidden_sizes = tuple(hidden_sizes)
    check_count(len(hidden_sizes), argument="len(hidden_sizes)", minimum=0, maximum=MOST_LAYERS)
    sizes = (
        check_count(input_size, argument="input_size"),
        *(check_count(size, argument="hidden_sizes") for size in hidden_sizes),
        check_count(output_size, argument="output_size"),
    )
    network = from_nnx(lambda rngs: MLP(sizes, activation, rngs), (input_size,))
    return network if hidden_sizes else network._replace(hidden=None)
