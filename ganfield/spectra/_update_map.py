"""The step of a method as a map of its whole state, and the derivatives of that map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count, check_same_structure, lookup
from ganfield.methods import Method, State, for_each_move
from ganfield.spectra._period import at_their_limit, period
from ganfield.spectra._programs import jacobian_at

_TRACED = (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError)
MOMENTS = {"moving": False, "frozen": True}


class UpdateMap(NamedTuple):
    """A method's step as a map F of one vector, x ← F(x).

    Attributes:
        point: the vector of the state that the map was made at, shape ``(n,)``.
        apply: ``apply(x) -> F(x)``.
        jacobian: ``jacobian(x) -> F′(x)``, shape ``(n, n)``.
        jvp: ``jvp(x, u) -> F′(x)u``.
        vjp: ``vjp(x, u) -> F′(x)ᵀu``.
        unravel: ``unravel(x) -> State``; what is held, such as counters, as it was.
    """

    point: jax.Array
    apply: Callable[[jax.Array], jax.Array]
    jacobian: Callable[[jax.Array], jax.Array]
    jvp: Callable[[jax.Array, jax.Array], jax.Array]
    vjp: Callable[[jax.Array, jax.Array], jax.Array]
    unravel: Callable[[jax.Array], State]


def update_map(
    method: Method,
    field: Field,
    state: State,
    *,
    batch: Any = None,
    num_steps: int | None = None,
    moments: str = "moving",
) -> UpdateMap:
    """Return the map that one step of a method makes of its state.

    The method converges locally to a fixed point of F if all eigenvalues of F′ lie inside the unit
    circle there, and its asymptotic rate is the largest of their moduli (Proposition 3 of the
    paper). For plain simultaneous steps F′ = I + hJ; momentum, second moments and a previous
    gradient are part of the state, and only F′ knows of them.

    Floats are the state; all else, such as a count of steps or a flag for the first one, is held at
    the value that ``state`` has, so that F is one map. So a method whose first step is another one
    (optimistic steps, which have no past yet) needs a state that has taken a step. Adam corrects
    its bias by a count: give it the state of a long run. Of a method or an optimizer that counts
    (lookahead, ``optax.MultiSteps``, ``optax.apply_every``) F is the map of a whole period, in
    which counters do move: it is found by following them. A schedule has none, and is refused.

    Kinks are not looked for here: where an update meets the box of `ganfield.keep_within` F′ is
    that of one side, or their mean. `ganfield.spectral_radius` and what builds on it refuse them.

    Args:
        method: how to move.
        field: along what.
        state: where, such as ``method.init(params)`` at an equilibrium, or a step after it.
        batch: what the field sees at every step.
        num_steps: how many steps F takes; a whole period of the method if None, which is one step
            for all but those that count (of a traced state, whose counters cannot be followed, a
            cycle of the method).
        moments: "moving": F maps parameters and all that the optimizer remembers. "frozen": F maps
            the parameters alone, and starts with the memory that ``state`` has: RMSProp's
            preconditioner stands still, but so does momentum, of which only the newest share moves.
            At an exact equilibrium second moments only decay, by an eigenvalue of their own, and
            the rest of the spectrum of "moving" is that of parameters and momentum under a
            preconditioner that stands still. Where second moments are 0 Adam has no derivative (the
            root of 0 has none), nor RMSProp with ε outside the root: give the state of a run.

    Returns:
        An `UpdateMap`.

    Raises:
        ValueError: ``num_steps`` or ``moments`` is none of what is allowed, or what a step does
            depends on a count and never repeats.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 3.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> method = gf.simultaneous(optax.sgd(0.5))
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> F = gf.update_map(method, v, method.init(gf.Players(0.0, 0.0)))
        >>> F.jacobian(F.point)
        Array([[ 1. , -0.5],
               [ 0.5,  1. ]], dtype=float32)
    """
    if num_steps is None:
        try:
            num_steps = period(method, field, state, batch)
        except _TRACED:  # counts of a traced state cannot be followed
            num_steps = method.cycle
    num_steps = check_count(num_steps, argument="num_steps")
    frozen = lookup(MOMENTS, moments, argument="moments")
    state = strong(state)
    leaves, structure = jax.tree.flatten(state.params if frozen else state)
    moving = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    point, unravel_floats = ravel_pytree(
        [x for x, moves in zip(leaves, moving, strict=True) if moves]
    )

    def unravel(x: jax.Array) -> State:
        floats = iter(unravel_floats(x))
        filled = [
            next(floats) if moves else leaf for leaf, moves in zip(leaves, moving, strict=True)
        ]
        whole = jax.tree.unflatten(structure, filled)
        return state._replace(params=whole) if frozen else whole

    def flatten(tree: PyTree) -> jax.Array:
        pairs = zip(jax.tree.leaves(tree), moving, strict=True)
        return ravel_pytree([x for x, moves in pairs if moves])[0]

    batches = for_each_move(method, batch)

    def apply(x: jax.Array) -> jax.Array:
        def one(carry: State, _: None) -> tuple[State, None]:
            return method.step(field, carry, batches)[0], None

        after, _ = jax.lax.scan(one, unravel(x), None, length=num_steps)
        return flatten(after.params if frozen else after)

    def jvp(x: jax.Array, tangent: jax.Array) -> jax.Array:
        return jax.jvp(apply, (x,), (tangent,))[1]

    def vjp(x: jax.Array, cotangent: jax.Array) -> jax.Array:
        return jax.vjp(apply, x)[1](cotangent)[0]

    def jacobian(x: jax.Array) -> jax.Array:
        return jacobian_at(apply, x)

    return UpdateMap(point, apply, jacobian, jvp, vjp, unravel)


def state_at(
    method: Method,
    field: Field,
    params: Players,
    state: State | None,
    batch: Any,
    num_steps: int,
) -> State:
    """Return the state that an update map is taken at, in float64.

    Args:
        method: how to move.
        field: along what.
        params: the point, in float64.
        state: lends its memory; if None, that of the method after so many steps at the point. Flags
            are then past the first step, which may be another than all later ones, and counts that
            correct a bias, as Adam's does, are so large that they correct nothing any more.
        batch: what the field sees, in float64.
        num_steps: see there.

    Raises:
        ValueError: the state is none of the method at such parameters.
    """
    if state is not None:
        return lent(method, state, params)
    batches = for_each_move(method, batch)
    begin = strong(method.init(params))

    def steps(state: State) -> State:
        def one(state: State, _: None) -> tuple[State, None]:
            return method.step(field, state, batches)[0], None

        return jax.lax.scan(one, state, None, length=num_steps)[0]

    # A loop that is called as it is, with a fresh function, is kept by JAX for ever.
    after = compiled(steps, begin, name="_steps")(begin)
    return at_their_limit(after)._replace(params=begin.params)


def lent(method: Method, state: State, params: Players) -> State:
    """Return a state with other parameters, in float64, whatever floats its memory has.

    Raises:
        ValueError: the state is none of the method at such parameters.
    """
    check_same_structure(state.params, params, argument="state.params", source="params")
    # Not all floats: optax.MultiSteps keeps sums in float32 whatever it is given.
    kinds = jax.eval_shape(lambda at: method.init(at), params)
    check_same_structure(state, kinds, argument="state", source="method.init(params)")

    def cast(leaf: Any, kind: Any) -> Any:
        is_float = jnp.issubdtype(kind.dtype, jnp.floating)
        return jnp.asarray(leaf, kind.dtype) if is_float else leaf

    return jax.tree.map(cast, state, kinds)._replace(params=params)
