"""A network as two pure functions over plain nested dicts, from Flax NNX or Linen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen, nnx

from ganfield._registry import name_of, named
from ganfield._types import PyTree


class Network(NamedTuple):
    """A network without state.

    Attributes:
        init: ``init(key) -> params``, plain nested dicts of arrays.
        apply: ``apply(params, x) -> y``, examples along the first axis of both. With batch norm the
            statistics are those of x, and so an example's output depends on its neighbours.
        input_shape: the shape of one input, without the axis of examples.
        with_reference: ``with_reference(params, x, reference) -> y``, what `evaluate` calls, or
            None where that is ``apply``.
    """

    init: Callable[[jax.Array], PyTree]
    apply: Callable[[PyTree, jax.Array], jax.Array]
    input_shape: tuple[int, ...]
    with_reference: Callable[[PyTree, jax.Array, jax.Array | None], jax.Array] | None = None

    def __repr__(self) -> str:
        return name_of(self.apply, "Network")

    def evaluate(
        self, params: PyTree, x: jax.Array, reference: jax.Array | None = None
    ) -> jax.Array:
        """Return the outputs of the network as it is used once trained, for samples and scores.

        Every batch norm takes its statistics from a fixed reference batch, so that an example's
        output does not depend on its neighbours. On the reference itself this is ``apply``. A
        network without batch norm does not look at the reference.

        Args:
            params: its parameters.
            x: inputs, examples along the first axis.
            reference: inputs whose statistics are taken, examples along the first axis; they pass
                through the network with x each time.

        Returns:
            Outputs, examples along the first axis.

        Raises:
            ValueError: the network has batch norm, and the reference is None or of another shape.

        Example:
            >>> import jax, ganfield as gf
            >>> network = gf.networks.dcgan_generator(4, (8, 8, 1), num_layers=2, width=4)
            >>> params = network.init(jax.random.key(0))
            >>> reference, x = jax.random.normal(jax.random.key(1), (2, 16, 4))
            >>> alone = network.evaluate(params, x[:1], reference)
            >>> together = network.evaluate(params, x, reference)[:1]
            >>> bool(abs(alone - together).max() < 1e-5)
            True
        """
        if self.with_reference is None:
            return self.apply(params, x)
        return self.with_reference(params, x, reference)


NETWORKS: dict[str, Callable[..., Network]] = {}
"""Name → builder; each takes the size or shape of one input and of one output first, but for the
discriminators' output, which is one logit unless they are told."""


@named
def from_nnx(
    construct: Callable[[nnx.Rngs], Callable[..., Any]], input_shape: tuple[int, ...]
) -> Network:
    """Return the network that a Flax NNX module defines.

    Args:
        construct: ``construct(rngs) -> module``, for example ``lambda rngs: nnx.Linear(2, 1,
            rngs=rngs)``. Where the module has a method ``evaluate(x, reference)``, that becomes
            `Network.evaluate`; otherwise ``apply`` is.
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

    def with_reference(params: PyTree, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        whole: Any = nnx.merge(graph, params)
        return whole.evaluate(x, reference)

    other_evaluation = with_reference if hasattr(module, "evaluate") else None
    return Network(init, apply, tuple(input_shape), other_evaluation)


@named
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
