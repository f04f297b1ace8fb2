"""The part of an update map that moves the parameters."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, Literal

from ganfield._tree import strong
from ganfield._types import Field
from ganfield.methods import Method, State, for_each_move
from ganfield.spectra._standing_memory import are_params
from ganfield.spectra._update_map import UpdateMap

_COUPLED = 1e-9  # of the largest entry of F′


def motion(F: UpdateMap, method: Method, field: Field, state: State, batch: Any) -> UpdateMap:
    """Return F of the parameters and of what steers them, without what is only kept beside them.

    The mean of `ganfield.averaged` moves no parameter: its own decay, by 1 − 1/W, is an eigenvalue
    of F, but no rate of the points. What steers is read from the step's program.

    Args:
        F: the map of all floats.
        method: whose step it is.
        field: along what.
        state: that F was made at.
        batch: what the field sees.
    """
    leaves, structure = jax.tree.flatten(strong(state))
    batches = for_each_move(method, batch)

    def step(leaves: list[jax.Array]) -> list[jax.Array]:
        after, _ = method.step(field, jax.tree.unflatten(structure, leaves), batches)
        return jax.tree.leaves(after)

    program = jax.make_jaxpr(step)(leaves).jaxpr
    num_params = len(jax.tree.leaves(state.params))
    before: np.ndarray = np.zeros(len(leaves), bool)
    steers: np.ndarray = np.arange(len(leaves)) < num_params
    while not np.array_equal(steers, before):
        before = steers
        steers = before | _needed(program, before)
    floats = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    kept = np.concatenate(
        [
            np.full(leaf.size, steering)
            for leaf, steering, moves in zip(leaves, steers, floats, strict=True)
            if moves
        ]
    )
    return _part(F, kept)


def without_decay(F: UpdateMap) -> UpdateMap:
    """Return F of what moves the parameters to first order, which its matrix tells.

    Second moments at an exact equilibrium steer, but the derivative of the step in them is 0.

    Args:
        F: the map, small enough for its matrix.
    """
    matrix = np.abs(np.asarray(jax.jit(F.jacobian)(F.point)))
    if not np.isfinite(matrix).all():
        return F
    couples = matrix > _COUPLED * matrix.max()
    before, steers = np.zeros(len(matrix), bool), are_params(F)
    while not np.array_equal(steers, before):
        before, steers = steers, steers | couples[steers].any(axis=0)
    return _part(F, steers)


def _part(F: UpdateMap, kept: np.ndarray) -> UpdateMap:
    """Return F of some of its numbers, the others held."""
    if kept.all():
        return F

    def whole(x: jax.Array) -> jax.Array:
        return F.point.at[kept].set(x)

    def padded(u: jax.Array) -> jax.Array:
        return jnp.zeros_like(F.point).at[kept].set(u)

    return UpdateMap(
        F.point[kept],
        lambda x: F.apply(whole(x))[kept],
        lambda x: F.jacobian(whole(x))[kept][:, kept],
        lambda x, u: F.jvp(whole(x), padded(u))[kept],
        lambda x, w: F.vjp(whole(x), padded(w))[kept],
        lambda x: F.unravel(whole(x)),
    )


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
