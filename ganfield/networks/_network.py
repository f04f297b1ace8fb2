"""A network as two pure functions over plain nested dicts, from Flax NNX or Linen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen, nnx

from ganfield._memory import check_memory, size_of
from ganfield._registry import Registry, name_of, named
from ganfield._types import PyTree
from ganfield.checks import check_examples


class Network(NamedTuple):
    """A network without state.

    Attributes:
        init: ``init(key) -> params``, plain nested dicts of arrays.
        apply: ``apply(params, x) -> y``, examples along the first axis of both. With batch norm the
            statistics are those of x, and so an example's output depends on its neighbours.
        input_shape: the shape of one input, without the axis of examples.
        with_reference: ``with_reference(params, x, reference) -> y``, what `evaluate` calls, or
            None where that is ``apply``.
        hidden: ``hidden(params, x, reference) -> y``, what `penultimate` calls, or None where the
            network has no such layer.
    """

    init: Callable[[jax.Array], PyTree]
    apply: Callable[[PyTree, jax.Array], jax.Array]
    input_shape: tuple[int, ...]
    with_reference: Callable[[PyTree, jax.Array, jax.Array | None], jax.Array] | None = None
    hidden: Callable[[PyTree, jax.Array, jax.Array | None], jax.Array] | None = None

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

    def penultimate(
        self, params: PyTree, x: jax.Array, reference: jax.Array | None = None
    ) -> jax.Array:
        """Return what the last layer takes, y = f(x) of D(x) = Wᵀf(x) + b: an input's features.

        Perceptrons with a hidden layer and discriminators of images have them.

        Args:
            params: its parameters.
            x: inputs, examples along the first axis.
            reference: as in `evaluate`.

        Returns:
            Features, shape ``(batch, features)``.

        Raises:
            ValueError: the network has no such layer, or none that it tells of; as `evaluate`.

        Example:
            >>> import jax, ganfield as gf
            >>> network = gf.networks.mlp(2, 1, hidden_sizes=(8,))
            >>> params, x = network.init(jax.random.key(0)), jax.numpy.ones((5, 2))
            >>> features = network.penultimate(params, x)
            >>> last = params["layers"][1]
            >>> logits = features @ last["kernel"] + last["bias"]
            >>> bool(abs(logits - network.apply(params, x)).max() < 1e-6)
            True
        """
        if self.hidden is None:
            raise ValueError(
                f"the network must have a penultimate layer, and {self!r} has none: take an mlp "
                "with a hidden layer, a discriminator of images, or a module of Flax NNX with a "
                "method penultimate(x, reference)"
            )
        return self.hidden(params, x, reference)


NETWORKS: Registry[Callable[..., Network]] = Registry("network")
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
            `Network.evaluate`; otherwise ``apply`` is. A method ``penultimate(x, reference)``
            becomes `Network.penultimate`.
            Arrays that it makes in its constructor and that are no variables are constants: they
            are those of ``jax.random.key(0)``, whatever the key of ``init``.
        input_shape: the shape of one input.

    Returns:
        A `Network`. Its ``apply`` raises a ``ValueError`` on inputs of another shape.

    Raises:
        ValueError: ``construct`` returns no NNX module, or one that holds state that is no
            parameter, such as running statistics; it draws random numbers when it is applied; it
            does not map a batch of such inputs to as many outputs; the machine has not the memory
            for its parameters.

    Example:
        >>> import jax
        >>> from flax import nnx
        >>> network = from_nnx(lambda rngs: nnx.Linear(2, 1, rngs=rngs), input_shape=(2,))
        >>> network.apply(network.init(jax.random.key(0)), jax.numpy.ones((5, 2))).shape
        (5, 1)
    """
    input_shape = tuple(input_shape)
    parts = _take_apart(construct, with_values=False)
    _check_size(parts.params)
    if parts.rest or not _works(parts, input_shape):
        # What the constructor computed beside the parameters is needed as values.
        parts = _take_apart(construct, with_values=True)

    def init(key: jax.Array) -> PyTree:
        return nnx.to_pure_dict(nnx.state(construct(nnx.Rngs(key)), nnx.Param))

    def apply(params: PyTree, x: jax.Array) -> jax.Array:
        check_examples(x, input_shape, argument="x")
        return parts.whole(params)(x)

    def with_reference(params: PyTree, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        check_examples(x, input_shape, argument="x")
        return parts.whole(params).evaluate(x, reference)

    def hidden(params: PyTree, x: jax.Array, reference: jax.Array | None) -> jax.Array:
        check_examples(x, input_shape, argument="x")
        return parts.whole(params).penultimate(x, reference)

    _check_applies(apply, parts.params, input_shape)
    if parts.rest and _draws(parts, input_shape):
        raise ValueError(
            "construct must return a module whose only state is parameters and which draws no "
            "random numbers when it is applied (a field is a pure function of them): switch "
            "dropout off, by deterministic=True or module.eval()"
        )
    return Network(
        init,
        apply,
        input_shape,
        with_reference if "evaluate" in parts.methods else None,
        hidden if "penultimate" in parts.methods else None,
    )


def _check_size(params: PyTree) -> None:
    """Raise a ``ValueError`` where the machine has not the memory for the parameters."""
    sizes = [size_of(leaf) for leaf in jax.tree.leaves(params)]
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    # Random numbers are drawn by way of three arrays more.
    each = (sum(sizes) + 3 * max(sizes)) / count if count else 0.0
    check_memory(
        count,
        lambda numbers: each * numbers,
        argument="the network's sizes must make parameters,",
        what="as many numbers",
        instead=": take narrower or fewer layers",
    )


class _Parts(NamedTuple):
    """A module taken apart.

    Attributes:
        graph: its structure.
        params: its parameters, or their shapes.
        rest: the states of its random numbers and of its constants, or their shapes; () if none.
        methods: which of the methods ``evaluate`` and ``penultimate`` it has.
    """

    graph: Any
    params: PyTree
    rest: tuple[PyTree, ...]
    methods: frozenset[str]

    def whole(self, params: PyTree) -> Any:
        """Return the module with other parameters."""
        return nnx.merge(self.graph, params, *self.rest)


def _take_apart(construct: Callable[[nnx.Rngs], Any], *, with_values: bool) -> _Parts:
    """Return the parts of a module, with values or as shapes, for which nothing is computed."""
    known: list[tuple[Any, frozenset[str]]] = []

    def parts() -> tuple[PyTree, PyTree, PyTree]:
        module: Any = construct(nnx.Rngs(jax.random.key(0)))
        if not isinstance(module, nnx.Module):
            raise ValueError(
                f"construct must return a module of Flax NNX, got {type(module).__name__}"
            )
        graph, *states = nnx.split(module, nnx.Param, nnx.RngState, nnx.Variable, ...)
        params, rngs, variables, constants = map(nnx.to_pure_dict, states)
        if jax.tree.leaves(variables):
            shapes = jax.tree.map(jnp.shape, variables)
            raise ValueError(
                "construct must return a module whose only state is parameters (a field is a pure "
                f"function of them), got also variables of the shapes {shapes}"
            )
        methods = (name for name in ("evaluate", "penultimate") if hasattr(module, name))
        known.append((graph, frozenset(methods)))
        return params, rngs, constants

    if with_values:
        with jax.ensure_compile_time_eval():
            params, *rest = parts()
    else:
        params, *rest = jax.eval_shape(parts)
    (graph, methods) = known[-1]
    return _Parts(graph, params, tuple(rest) if jax.tree.leaves(rest) else (), methods)


def _works(parts: _Parts, input_shape: tuple[int, ...]) -> bool:
    """Return whether a module can be applied as it is, without values that the trace has kept."""

    def apply(params: PyTree, x: jax.Array) -> Any:
        return parts.whole(params)(x)

    try:
        program = jax.make_jaxpr(apply)(parts.params, _example(input_shape, float))
    except Exception:  # Where the module is at fault, the same is found again with its values.
        return False
    return not any(isinstance(constant, jax.core.Tracer) for constant in program.consts)


def _check_applies(
    apply: Callable[[PyTree, jax.Array], Any], params: PyTree, input_shape: tuple[int, ...]
) -> None:
    """Raise a ``ValueError`` unless a network maps examples along the first axis to as many."""
    problem: Exception | None = None
    for dtype in (float, int):  # An embedding takes integers.
        x = _example(input_shape, dtype)
        try:
            outputs = jax.eval_shape(apply, params, x)
            break
        except Exception as error:  # A module may fail in any way on what it was not made for.
            problem = problem or error
    else:
        said = str(problem).split("\n", 1)[0]
        raise ValueError(
            f"the module cannot be applied to a batch of two inputs, shape {x.shape}: "
            f"{type(problem).__name__}: {said}"
        ) from problem
    shapes = [getattr(leaf, "shape", ()) for leaf in jax.tree.leaves(outputs)]
    if not shapes or any(shape[:1] != (2,) for shape in shapes):
        raise ValueError(
            "the module must map a batch to as many outputs, along the first axis; of two inputs, "
            f"shape {x.shape}, it makes {shapes}"
        )


def _example(input_shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((2, *input_shape), jnp.result_type(dtype))


def _draws(parts: _Parts, input_shape: tuple[int, ...]) -> bool:
    """Return whether what a module makes of its input depends on its random numbers."""
    rngs, constants = parts.rest
    if not jax.tree.leaves(rngs):
        return False

    def apply(rngs: PyTree, x: jax.Array) -> Any:
        return parts._replace(rest=(rngs, constants)).whole(parts.params)(x)

    # Under several random numbers at once only what depends on them becomes several.
    several = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((2, *leaf.shape), leaf.dtype), rngs)
    alone = jax.vmap(apply, in_axes=(0, None), out_axes=None)
    for dtype in (float, int):
        try:
            jax.eval_shape(alone, several, _example(input_shape, dtype))
        except Exception:  # Of one type of input alone the module can be applied at all.
            continue
        return False
    return True


@named
def from_linen(module: linen.Module, input_shape: tuple[int, ...]) -> Network:
    """Return the network that a Flax Linen module defines.

    Args:
        module: a module with the one collection "params".
        input_shape: the shape of one input.

    Returns:
        A `Network`. Its ``apply`` raises a ``ValueError`` on inputs of another shape.

    Raises:
        ValueError: the module has other collections, such as "batch_stats"; it cannot be applied
            without random numbers; it does not map a batch of such inputs to as many outputs.

    Example:
        >>> import jax
        >>> from flax import linen
        >>> network = from_linen(linen.Dense(1), input_shape=(2,))
        >>> network.apply(network.init(jax.random.key(0)), jax.numpy.ones((5, 2))).shape
        (5, 1)
    """
    if not isinstance(module, linen.Module):
        raise ValueError(f"module must be one of Flax Linen, got {type(module).__name__}")
    input_shape = tuple(input_shape)

    def variables_of(dtype: Any) -> Callable[[jax.Array], Any]:
        return lambda key: module.init(key, jnp.zeros((1, *input_shape), jnp.result_type(dtype)))

    variables, shapes = _linen_shapes(variables_of, input_shape)
    if set(shapes) != {"params"}:
        raise ValueError(
            "module must have the one collection 'params' (a field is a pure function of the "
            f"parameters), got {sorted(shapes)}"
        )

    def init(key: jax.Array) -> PyTree:
        return variables(key)["params"]

    def apply(params: PyTree, x: jax.Array) -> jax.Array:
        check_examples(x, input_shape, argument="x")
        result: Any = module.apply({"params": params}, x)
        return result

    _check_applies(apply, shapes["params"], input_shape)
    return Network(init, apply, input_shape)


def _linen_shapes(
    variables_of: Callable[[Any], Callable[[jax.Array], Any]], input_shape: tuple[int, ...]
) -> tuple[Callable[[jax.Array], Any], Any]:
    """Return how a module is initialised, on the first type of input that it takes, and shapes."""
    problem: Exception | None = None
    for dtype in (float, int):  # An embedding takes integers.
        try:
            return variables_of(dtype), jax.eval_shape(variables_of(dtype), jax.random.key(0))
        except Exception as error:  # A module may fail in any way on what it was not made for.
            problem = problem or error
    said = str(problem).split("\n", 1)[0]
    raise ValueError(
        f"the module cannot be initialised with an input of shape {(1, *input_shape)}: "
        f"{type(problem).__name__}: {said}"
    ) from problem
