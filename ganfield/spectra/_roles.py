"""What each number of a method's state does: move, follow, steer, or only be remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, Literal
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.methods import Method, State, for_each_move
from ganfield.spectra._programs import Look

if TYPE_CHECKING:
    from ganfield.spectra._update_map import UpdateMap

_COUPLED = 1e-8  # of the field's slope: as far as a point typed by hand is no exact zero
_FEW = 400  # numbers whose derivatives are made one by one
_WAY = 1e-8  # times 1 + max |x|
_STANDS = 1e-9  # by how much less than 1 what stands still decays


def are_params(F: UpdateMap) -> np.ndarray:
    """Return which numbers of the vector that a map acts on are parameters, booleans."""
    with jax.ensure_compile_time_eval():
        zero = jnp.zeros(F.point.shape, F.point.dtype)
        params, pull = jax.vjp(lambda x: ravel_pytree(F.unravel(x).params)[0], zero)
        return np.asarray(pull(jnp.ones_like(params))[0] > 0)


def steering(method: Method, field: Field, state: State, batch: Any) -> np.ndarray:
    """Return which floats of a state move the parameters, now or later, in the step's program.

    The mean of `ganfield.averaged` does not: its own decay, by 1 − 1/W, is no rate of the points.

    Args:
        method: whose step it is.
        field: along what.
        state: in float64.
        batch: what the field sees.
    """
    leaves, structure = jax.tree.flatten(strong(state))
    batches = for_each_move(method, batch)

    def step(leaves: list[jax.Array]) -> list[jax.Array]:
        after, _ = method.step(field, jax.tree.unflatten(structure, leaves), batches)
        return jax.tree.leaves(after)

    steers: np.ndarray = np.arange(len(leaves)) < len(jax.tree.leaves(state.params))
    if not steers.all():
        program = jax.make_jaxpr(step)(leaves).jaxpr
        before: np.ndarray = np.zeros(len(leaves), bool)
        while not np.array_equal(steers, before):
            before = steers
            steers = before | _needed(program, before)
    return of_floats(leaves, steers)


def of_floats(leaves: list[jax.Array], each: Any) -> np.ndarray:
    """Return one value for each float, from one for each leaf."""
    parts = [
        np.full(leaf.size, value)
        for leaf, value in zip(leaves, each, strict=True)
        if jnp.issubdtype(leaf.dtype, jnp.floating)
    ]
    return np.concatenate(parts)


def following(F: UpdateMap, look: Look, slope: float) -> np.ndarray:
    """Return which numbers follow the parameters to first order: those and momentum, a past place.

    Second moments do not: the derivative of a square is 0 where the field is. Nor do
    hyper-parameters and the sums of AdaGrad. What they are is remembered.

    Args:
        F: the map, at rest.
        look: `ganfield.spectra._programs.looking`.
        slope: by how much the field changes with its parameters.
    """
    follows, point = are_params(F), np.asarray(F.point)
    random = np.random.default_rng(0)
    while not follows.all():
        along = random.normal(size=follows.size) * follows
        change = np.asarray(look(F.point, jnp.asarray(along))[1])
        way = _WAY * (1 + np.abs(point).max())
        ahead, behind = (
            np.asarray(look(jnp.asarray(point + d * along), jnp.asarray(along))[0])
            for d in (way, -way)
        )
        # Of an absolute value JAX has a derivative where it has none.
        is_odd = ~(np.abs(ahead - behind) <= 0.2 * way * np.abs(change))
        more = follows | ~(np.abs(change) <= _COUPLED * slope) & is_odd
        if np.array_equal(more, follows):
            break
        follows = more
    return follows


def own_decay(F: UpdateMap, look: Look, numbers: np.ndarray) -> np.ndarray:
    """Return by what each of some numbers is multiplied in a step, other arrays held; 1 for those.

    Args:
        F: the map.
        look: `ganfield.spectra._programs.looking`.
        numbers: which.
    """
    decay, first = np.ones(numbers.size), 0
    for leaf in jax.tree.leaves(F.unravel(F.point)):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            continue
        along = np.zeros(numbers.size)
        along[first : first + leaf.size] = numbers[first : first + leaf.size]
        first += leaf.size
        if along.any():
            slope = np.asarray(look(F.point, jnp.asarray(along))[1])
            decay = np.where(along > 0, slope, decay)
    return decay


def fading(decay: np.ndarray) -> np.ndarray:
    """Return which numbers go somewhere by themselves, and do not stand still."""
    return np.abs(decay - 1) > _STANDS


def settled(F: UpdateMap, decay: np.ndarray) -> jax.Array:
    """Return a map's point with memory that fades where the map itself takes it in the end.

    Second moments of steps at an equilibrium go to 0, or to what ε leaves; sums stay. Traceable.

    Args:
        F: the map.
        decay: by what each number is multiplied in a step; 1 for those that are to stay.
    """
    goes, point = fading(decay), F.point
    for _ in range(3):  # Newton's method, exact at once where each only decays
        end = point + (F.apply(point) - point) / np.where(goes, 1 - decay, 1)
        end = jnp.where(jnp.abs(end) <= 1e-12 * jnp.abs(point), 0, end)  # what rounding leaves
        point = jnp.where(goes & jnp.isfinite(end), end, point)
    return point


def resting(F: UpdateMap, look: Look, numbers: np.ndarray) -> jax.Array:
    """Return a map's point with some of its memory where the map takes it, the rest held.

    Momentum that starts at no 0, as Yogi's does, is so at rest.

    Args:
        F: the map.
        look: `ganfield.spectra._programs.looking`.
        numbers: which follow the parameters, and are none.
    """
    point = np.array(F.point)
    away = (np.asarray(look(F.point, F.point)[0]) - point)[numbers]
    if not np.isfinite(away).all() or np.abs(away).max(initial=0.0) <= 1e-15 or away.size > _FEW:
        return F.point
    basis = np.eye(point.size)[numbers]
    slopes = np.stack([np.asarray(look(F.point, jnp.asarray(u))[1])[numbers] for u in basis], 1)
    if np.isfinite(slopes).all():
        point[numbers] += np.linalg.pinv(np.eye(len(away)) - slopes, rcond=1e-9) @ away
    return jnp.asarray(point)


def at_rest(method: Method, state: State, params: Players, num_steps: int) -> State:
    """Return a state with its second moments, and what follows the parameters as it is at rest.

    A run's momentum, previous gradient or average belongs to the place that the run was at. It is
    told from second moments by what two pushes of the parameters, opposite to each other, make of
    it: moments are the same after both.

    Args:
        method: whose state it is.
        state: at ``params``, in float64.
        params: a point at which the field is 0.
        num_steps: of a period of the method.
    """
    leaves, structure = jax.tree.flatten(state)
    num_params = len(jax.tree.leaves(state.params))
    filled = list(leaves)
    for index, (follows, still) in pushed(method, state, params, num_steps).items():
        if index >= num_params:
            given = np.asarray(leaves[index])
            filled[index] = jnp.asarray(np.where(follows, still, given), leaves[index].dtype)
    return jax.tree.unflatten(structure, filled)


def pushed(
    method: Method, state: State, params: Players, num_steps: int
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Return what of a state follows pushes of the parameters to first order, and where it rests.

    Args:
        method: whose state it is.
        state: at ``params``.
        params: the point.
        num_steps: of a period of the method.

    Returns:
        Place among the state's leaves → which of its numbers follow, and what they are without a
        push. Only floats; {} where the state has none but the parameters.
    """
    leaves = jax.tree.leaves(state)
    floats = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    if not any(floats[len(jax.tree.leaves(state.params)) :]):
        return {}
    flat, unravel = ravel_pytree(params)
    pushes = jax.random.normal(jax.random.key(0), (2 * num_steps, flat.size), flat.dtype)

    def along(sign: jax.Array) -> list[jax.Array]:
        def one(state: State, push: jax.Array) -> tuple[State, None]:
            def field(params: Players, batch: Any = None) -> Players:
                return unravel(sign * push)

            return method.step(field, state, None)[0], None

        after, _ = jax.lax.scan(one, strong(method.init(params)), pushes)
        ends = jax.tree.leaves(after)
        return [end for end, moves in zip(ends, floats, strict=True) if moves]

    signs = jnp.asarray([1.0, -1.0, 0.0])
    ends = compiled(jax.vmap(along), signs, name="_pushed")(signs)
    told = {}
    for index, end in zip(np.flatnonzero(floats), ends, strict=True):
        there, back, still = np.asarray(end)
        reach = np.abs(there - still) + np.abs(back - still)
        told[int(index)] = (~(np.abs(there - back) <= 1e-3 * reach) & np.isfinite(still), still)
    return told


def _needed(program: Jaxpr, wanted: np.ndarray) -> np.ndarray:
    """Return which inputs of a program the wanted outputs need; of loops, all of theirs."""
    outputs = zip(program.outvars, wanted, strict=True)
    needed = {var for var, wants in outputs if wants and not isinstance(var, Literal)}
    for equation in reversed(program.eqns):
        wants = np.array([var in needed for var in equation.outvars], bool)
        if not wants.any():
            continue
        needs = np.ones(len(equation.invars), bool)
        if equation.primitive.name in ("jit", "pjit"):
            inner = equation.params["jaxpr"]
            needs = _needed(getattr(inner, "jaxpr", inner), wants)
        inputs = zip(equation.invars, needs, strict=True)
        needed |= {var for var, need in inputs if need and not isinstance(var, Literal)}
    return np.array([var in needed for var in program.invars], bool)
