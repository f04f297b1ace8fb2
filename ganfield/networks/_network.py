"""A network as two pure functions over plain nested dicts, from Flax NNX or Linen."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen, nnx

from ganfield._types import PyTree


class Network(NamedTuple):
    """A network without state.

    Attributes:
        init: ``init(key) -> params``, plain nested dicts of arrays.
        apply: ``apply(params, x) -> y``, examples along the first axis of both.
        input_shape: the shape of one input, without the axis of examples.
    """

    init: Callable[[jax.Array], PyTree]
    apply: Callable[[PyTree, jax.Array], jax.Array]
    input_shape: tuple[int, ...]


def from_nnx(
    construct: Callable[[nnx.Rngs], Callable[..., Any]], input_shape: tuple[int, ...]
) -> Network:
    """Return the network that a Flax NNX module defines.

    Args:
        construct: ``construct(rngs) -> module``, for example ``lambda rngs: nnx.Linear(2, 1,
            rngs=rngs)``.
        input_shape: the shape of one input.

    Returns:
        A `Network`.

    Raises:
        ValueError: the module holds state that is no parameter, such as running statistics.

    Example:
        >>> import jax
        >>> from flax import nnx
        >>> network = from_nnx(lambda rngs: nnx.Linear(2, 1, rngs=rngs), input_shape=(2,))
        >>> network.apply(network.init(jax.random.key(0)), jax.numpy.ones((5, 2))).shape
        (5, 1)
    """
    module = nnx.eval_shape(lambda: construct(nnx.Rngs(jax.random.key(0))))
    graph, *states = nnx.split(module, nnx.Param, ...)
    other = states[1]
    if jax.tree.leaves(other):
        raise ValueError(
            "construct must return a module whose only state is parameters (a field is a pure "
            f"function of them), got also {nnx.to_pure_dict(other)}"
        )

    def init(key: jax.Array) -> PyTree:
        return nnx.to_pure_dict(nnx.state(construct(nnx.Rngs(key)), nnx.Param))

    def apply(params: PyTree, x: jax.Array) -> jax.Array:
        return nnx.merge(graph, params)(x)

    return Network(init, apply, tuple(input_shape))


def from_linen(module: linen.Module, input_shape: tuple[int, ...]) -> Network:
    """Return the network that a Flax Linen module defines.

    Args:
        module: a module with the one collection "params".
        input_shape: the shape of one input.

    Returns:
        A `Network`.

    Raises:
        ValueError: the module has other collections, such as "batch_stats".

    Example:
        >>> import jax
        >>> from flax import linen
        >>> network = from_linen(linen.Dense(1), input_shape=(2,))
        >>> network.apply(network.init(jax.random.key(0)), jax.numpy.ones((5, 2))).shape
        (5, 1)
    """

    def variables(key: jax.Array) -> Any:
        return module.init(key, jnp.zeros((1, *input_shape)))

    collections = set(jax.eval_shape(variables, jax.random.key(0)))
    if collections != {"params"}:
        raise ValueError(
            "module must have the one collection 'params' (a field is a pure function of the "
            f"parameters), got {sorted(collections)}"
        )

    def init(key: jax.Array) -> PyTree:
        return variables(key)["params"]

    def apply(params: PyTree, x: jax.Array) -> jax.Array:
        result: Any = module.apply({"params": params}, x)
        return result

    return Network(init, apply, tuple(input_shape))
