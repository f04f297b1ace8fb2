"""A method's step over minibatches, as a random map of the floats of its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double, strong
from ganfield._types import Field, Players, PyTree
from ganfield.methods import Method, State
from ganfield.simulate import step_batch
from ganfield.spectra import corrects, period

_FIRST = 4  # cycles that fill the memory, and leave first steps behind
_NUM_PROBES = 256
_LIMIT = 2**30  # steps, after which a bias is corrected by nothing
_CLEAR = 0.25  # odd beside even, or even beside odd: as much as a field that bends may mix them


class NoisyMap(NamedTuple):
    """A method's steps as a map F(x, batch) of the floats of its state.

    Attributes:
        point: those floats at the equilibrium, shape ``(n,)``: parameters, and memory of the first
            steps there.
        apply: ``apply(x, batches, strength=1) -> F(x)``; the field is
            v(p, b) + (strength − 1)·v(point, b), so that strength 0 takes its noise away.
        under: ``under(method, field) -> apply``, the same of another method and field with a state
            of the same form, which may be traced.
        draw: ``draw(key) -> batches`` for one F.
        params: which numbers are parameters, booleans of shape ``(n,)``.
        linear: which are memory that is a sum of directions, such as momentum.
        square: which are memory of squares, even in the direction, such as second moments.
        num_steps: how many steps F takes.
        unravel: ``unravel(x) -> State``.
        names: where in the state each number is, for messages.
    """

    point: jax.Array
    apply: Callable[..., jax.Array]
    under: Callable[[Method, Field], Callable[..., jax.Array]]
    draw: Callable[[jax.Array], PyTree]
    params: np.ndarray
    linear: np.ndarray
    square: np.ndarray
    num_steps: int
    unravel: Callable[[jax.Array], State]
    names: tuple[str, ...]

    @property
    def moving(self) -> np.ndarray:
        """Which numbers are the parameters and the memory that is linear in them."""
        return self.params | self.linear


def noisy_map(
    method: Method,
    field: Field,
    params: Players,
    sample: Callable[[jax.Array], PyTree],
    key: jax.Array,
) -> NoisyMap:
    """Return a method's steps at a point over minibatches, in float64 (which must be enabled).

    What a number of the memory is, is found out and not looked up: with the noise of each batch
    turned round, a sum of directions changes its sign and a square does not.

    Args:
        method: how to move.
        field: along what.
        params: the point, in float64.
        sample: ``sample(key) -> batch``.
        key: for the batches that memory is looked at with.

    Raises:
        ValueError: a number of the memory is neither odd nor even in the noise, or what a step does
            depends on a count and never repeats.
    """

    def with_noise(field: Field, strength: Any) -> Field:
        if isinstance(strength, float):  # 1, as it is
            return field

        def noisy(at: Players, batch: PyTree) -> Players:
            here = jax.tree.map(jax.lax.stop_gradient, field(params, batch))
            return jax.tree.map(lambda v, w: v + (strength - 1) * w, field(at, batch), here)

        return noisy

    def draw(key: jax.Array, count: int) -> PyTree:
        def one(number: jax.Array | int) -> PyTree:
            return double(step_batch(method, sample, key, number))

        return one(0) if count == 1 else jax.vmap(one)(jnp.arange(count))

    def steps_of(method: Method, field: Field) -> Callable[..., State]:
        def steps(state: State, batches: PyTree, count: int, strength: Any) -> State:
            along = with_noise(field, strength)

            def one(carry: State, batch: PyTree) -> tuple[State, None]:
                after = method.step(along, carry, batch)[0]
                return jax.tree.map(lambda new, old: new.astype(old.dtype), after, carry), None

            if count == 1:  # a loop takes longer to compile
                return one(state, batches)[0]
            return jax.lax.scan(one, state, batches, length=count)[0]

        return steps

    first, second = jax.random.split(key)
    some = draw(first, _FIRST * method.cycle)
    state = _filled(method, params, steps_of(method, field), some)
    num_steps = period(method, field, state, double(sample(first)))
    state = _in_the_limit(state)

    paths, structure = jax.tree_util.tree_flatten_with_path(state)
    leaves = [leaf for _, leaf in paths]
    floats = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    kept = [leaf for leaf, is_float in zip(leaves, floats, strict=True) if is_float]
    point, unravel_floats = ravel_pytree(kept)
    names = tuple(
        jax.tree_util.keystr(path)
        for (path, leaf), is_float in zip(paths, floats, strict=True)
        if is_float
        for _ in range(leaf.size)
    )

    def unravel(x: jax.Array) -> State:
        values = iter(unravel_floats(x))
        filled = [
            next(values) if is_float else leaf
            for leaf, is_float in zip(leaves, floats, strict=True)
        ]
        return jax.tree.unflatten(structure, filled)

    def under(method: Method, field: Field) -> Callable[..., jax.Array]:
        steps = steps_of(method, field)

        def apply(x: jax.Array, batches: PyTree, strength: Any = 1.0) -> jax.Array:
            after = jax.tree.leaves(steps(unravel(x), batches, num_steps, strength))
            moved = [a for a, is_float in zip(after, floats, strict=True) if is_float]
            return ravel_pytree(moved)[0]

        return apply

    apply = under(method, field)
    is_param = np.array([name.startswith(".params") for name in names])
    keys = jax.random.split(second, _NUM_PROBES)
    probes = compiled(jax.vmap(lambda key: draw(key, num_steps)), keys, name="draw")(keys)
    linear, square = _parity(apply, point, is_param, names, probes)
    return NoisyMap(
        point,
        apply,
        under,
        lambda key: draw(key, num_steps),
        is_param,
        linear,
        square,
        num_steps,
        unravel,
        names,
    )


def _filled(method: Method, params: Players, steps: Callable[..., State], some: PyTree) -> State:
    """Return the state after steps at the point, under noise and the same noise turned round.

    In their mean sums of directions are 0, and squares are what they are.
    """
    begin = strong(method.init(params))

    def fill(strength: jax.Array) -> State:
        def one(state: State, batch: PyTree) -> tuple[State, None]:
            return steps(state, batch, 1, strength)._replace(params=begin.params), None

        return jax.lax.scan(one, begin, some, length=_FIRST * method.cycle)[0]

    def mean(one: jax.Array, other: jax.Array) -> jax.Array:
        return (one + other) / 2 if jnp.issubdtype(one.dtype, jnp.floating) else one

    one = jnp.ones(())
    filled = compiled(fill, one, name="fill")
    return jax.tree.map(mean, filled(one), filled(-one))


def _in_the_limit(state: State) -> State:
    """Return the state with the counts that only correct a bias so large that nothing is left."""
    paths, structure = jax.tree_util.tree_flatten_with_path(state)
    every = [path for path, _ in paths]
    leaves = [
        jnp.full_like(leaf, _LIMIT)
        if jnp.issubdtype(leaf.dtype, jnp.integer) and corrects(path, every)
        else leaf
        for path, leaf in paths
    ]
    return jax.tree.unflatten(structure, leaves)


def _parity(
    apply: Callable[..., jax.Array],
    point: jax.Array,
    is_param: np.ndarray,
    names: tuple[str, ...],
    probes: PyTree,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which memory is odd in the noise, and which is even and moved by it."""

    def moved(strengths: jax.Array) -> jax.Array:
        return jax.lax.map(
            lambda strength: jax.vmap(lambda batch: apply(point, batch, strength))(probes),
            strengths,
        )

    strengths = jnp.array([1.0, 0.0, -1.0])
    plus, none, minus = np.asarray(compiled(moved, strengths, name="moved")(strengths))
    odd = np.sqrt(((plus - minus) ** 2).mean(axis=0)) / 2
    even = np.sqrt(((plus + minus - 2 * none) ** 2).mean(axis=0)) / 2
    scale = 1e-12 * (1 + np.abs(point))
    moves = np.maximum(odd, even) > scale
    follows = np.abs(none - np.asarray(point)).max(axis=0) > scale
    square = ~is_param & moves & (odd <= _CLEAR * even)
    probe = jax.tree.map(lambda leaf: leaf[0], probes)
    # What the noise does not reach within one map may follow the parameters, as slow weights do.
    linear = ~is_param & ~square & (moves | follows | ~_stands(apply, point, probe))
    unclear = linear & moves & (even > _CLEAR * odd)
    if unclear.any():
        name = names[int(np.argmax(unclear))]
        raise ValueError(
            f"method must remember sums of directions or of their squares, and state{name} is "
            "neither: with the noise of a batch turned round it changes neither its sign nor not. "
            "So its stationary value is not known"
        )
    return linear, square


def _stands(apply: Callable[..., jax.Array], point: jax.Array, batches: PyTree) -> np.ndarray:
    """Return which numbers stay what they are whatever all the others are."""
    size = point.size
    probe = jax.random.normal(jax.random.key(7), (size,), point.dtype)

    def slope(u: jax.Array) -> jax.Array:
        return jax.jvp(lambda x: apply(x, batches), (point,), (u,))[1]

    return (
        np.abs(np.asarray(compiled(slope, probe, name="slope")(probe)) - np.asarray(probe)) <= 1e-9
    )
