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
from ganfield.spectra import at_their_limit, period

_FIRST = 4  # cycles that fill the memory, and leave first steps behind
_NUM_PROBES = 256
_MANY = 1000  # numbers, of which few probes are looked at together
_CLEAR = 0.25  # odd beside even, or even beside odd: as much as a field that bends may mix them


class NoisyMap(NamedTuple):
    """A method's steps as a map F(x, batch) of the floats of its state.

    Attributes:
        point: those floats at the equilibrium, shape ``(n,)``: parameters, and memory of the first
            steps there.
        apply: ``apply(x, batches) -> F(x)``, and ``apply(x, batches, sign, push)`` with the field
            v(p, b) + (sign − 1)·v(point, b) + sign·push, so that sign −1 turns its noise round.
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

    def turned(field: Field, sign: jax.Array, push: Players) -> Field:
        def noisy(at: Players, batch: PyTree) -> Players:
            here = jax.tree.map(jax.lax.stop_gradient, field(params, batch))
            return jax.tree.map(
                lambda v, w, u: v + (sign - 1) * w + sign * u, field(at, batch), here, push
            )

        return noisy

    def draw(key: jax.Array, count: int) -> PyTree:
        def one(number: jax.Array | int) -> PyTree:
            return double(step_batch(method, sample, key, number))

        return one(0) if count == 1 else jax.vmap(one)(jnp.arange(count))

    def steps_of(method: Method, field: Field) -> Callable[..., State]:
        def steps(state: State, batches: PyTree, count: int, *noise: Any) -> State:
            along = turned(field, *noise) if noise else field

            def one(carry: State, batch: PyTree) -> tuple[State, None]:
                after = method.step(along, carry, batch)[0]
                return jax.tree.map(lambda new, old: new.astype(old.dtype), after, carry), None

            if count == 1:  # a loop takes longer to compile
                return one(state, batches)[0]
            return jax.lax.scan(one, state, batches, length=count)[0]

        return steps

    first, second = jax.random.split(key)
    count = _FIRST * method.cycle
    some = draw(first, count)
    pushes = _pushes(field, params, double(sample(first)), max(count, _NUM_PROBES), second)
    state = _filled(method, params, steps_of(method, field), (some, _first(pushes, count)))
    num_steps = period(method, field, state, double(sample(first)))
    state = at_their_limit(state, averages=True)

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

        def apply(x: jax.Array, batches: PyTree, *noise: Any) -> jax.Array:
            after = jax.tree.leaves(steps(unravel(x), batches, num_steps, *noise))
            moved = [a for a, is_float in zip(after, floats, strict=True) if is_float]
            return ravel_pytree(moved)[0]

        return apply

    apply = under(method, field)
    is_param = np.array([name.startswith(".params") for name in names])
    keys = jax.random.split(second, _NUM_PROBES)
    probes = compiled(jax.vmap(lambda key: draw(key, num_steps)), keys, name="draw")(keys)
    linear, square = _parity(apply, point, is_param, names, (probes, _first(pushes, _NUM_PROBES)))
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


def _pushes(field: Field, params: Players, batch: PyTree, count: int, key: jax.Array) -> Players:
    """Return directions as large as the field is under a batch, so that nothing goes without noise.

    What noise there is may leave a player out, or all; what memory is, it is without noise too.
    """
    value, unravel = ravel_pytree(field(params, batch))
    size = jnp.sqrt((value**2).mean())
    scale = jnp.where(size > 0, size, 1.0)
    return jax.vmap(unravel)(scale * jax.random.normal(key, (count, value.size), value.dtype))


def _first(tree: PyTree, count: int) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[:count], tree)


def _filled(method: Method, params: Players, steps: Callable[..., State], some: PyTree) -> State:
    """Return the state after steps at the point, under noise and the same noise turned round.

    In their mean sums of directions are 0, and squares are what they are.
    """
    begin = strong(method.init(params))

    def fill(sign: jax.Array) -> State:
        def one(state: State, noise: PyTree) -> tuple[State, None]:
            batch, push = noise
            return steps(state, batch, 1, sign, push)._replace(params=begin.params), None

        return jax.lax.scan(one, begin, some)[0]

    def mean(one: jax.Array, other: jax.Array) -> jax.Array:
        return (one + other) / 2 if jnp.issubdtype(one.dtype, jnp.floating) else one

    one = jnp.ones(())
    filled = compiled(fill, one, name="fill")
    return jax.tree.map(mean, filled(one), filled(-one))


def _parity(
    apply: Callable[..., jax.Array],
    point: jax.Array,
    is_param: np.ndarray,
    names: tuple[str, ...],
    probes: PyTree,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which memory is odd in the noise, and which is even and moved by it."""
    size = point.size

    def moved(signs: jax.Array) -> jax.Array:
        def under(sign: jax.Array) -> jax.Array:
            def one(probe: PyTree) -> jax.Array:
                return apply(point, probe[0], sign, probe[1])

            return jax.lax.map(one, probes, batch_size=_NUM_PROBES if size < _MANY else 16)

        return jax.lax.map(under, signs)

    signs = jnp.array([1.0, 0.0, -1.0, 2.0])
    plus, none, minus, double_plus = np.asarray(compiled(moved, signs, name="moved")(signs))
    odd = np.sqrt(((plus - minus) ** 2).mean(axis=0)) / 2
    even = np.sqrt(((plus + minus - 2 * none) ** 2).mean(axis=0)) / 2
    scale = 1e-12 * (1 + np.abs(point))
    moves = np.maximum(odd, even) > scale
    follows = np.abs(none - np.asarray(point)).max(axis=0) > scale
    square = ~is_param & moves & (odd <= _CLEAR * even)
    probe = jax.tree.map(lambda leaf: leaf[0], probes[0])
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
    fourfold = np.abs(double_plus - none - 4 * (plus - none)).max(axis=0)
    other = square & (fourfold > 4 * _CLEAR * np.abs(plus - none).max(axis=0))
    if other.any():
        name = names[int(np.argmax(other))]
        raise ValueError(
            f"method must keep running means of squares, and state{name} is none: twice the noise "
            "does not add four times as much to it. Largest moduli (Adamax) and moments of what "
            "was divided by moments (AdaDelta) have no stationary value that is known here"
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
