"""What a method's steps do: compiled, in loops, at rest, and differentiated."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._tree import add_scaled
from ganfield._types import Players, PyTree
from ganfield.methods import Method, State
from ganfield.testing._form import guard

_RTOL, _ATOL = 1e-5, 1e-6  # rounding, and inner solves that stop at another iteration
_NEAR = 1e-3  # for differences: wide enough that inexact inner solves do not drown them
_SLOPE = 2e-2  # their relative error that passes

IMPURE = (
    "Look for state outside of State (a counter, a global, a random number without a key in the "
    "state), and for Python branches that differ under tracing"
)


def _numbers(tree: PyTree) -> list[np.ndarray]:
    def number(leaf: Any) -> np.ndarray:
        leaf = jnp.asarray(leaf)
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(leaf) if is_key else leaf)

    return [number(leaf) for leaf in jax.tree.leaves(tree)]


def check_same(found: Any, wanted: Any, rule: str, mend: str, *, exact: bool = False) -> None:
    rtol, atol = (0.0, 0.0) if exact else (_RTOL, _ATOL)
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(wanted)]
    for path, one, other in zip(paths, _numbers(found), _numbers(wanted), strict=True):
        if not np.allclose(one, other, rtol, atol, equal_nan=True):
            apart = np.max(np.abs(one.astype(float) - other.astype(float)))
            raise ValueError(f"{rule}: the state's leaf {path} differs by {apart:.3g}. {mend}")


def check_finite(state: Any, where: str) -> None:
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(state)]
    for path, leaf in zip(paths, _numbers(state), strict=True):
        if not np.isfinite(leaf.astype(complex)).all():
            raise ValueError(
                f"numbers must stay finite, {where}: after three steps the state's leaf {path} is "
                "not. Look for a division by what may be 0, and for a step size that is too large"
            )


def check_scan(step: Callable, state: Any, looped: Any, where: str) -> None:
    def scan(state: Any) -> Any:
        return jax.lax.scan(lambda s, _: (step(s)[0], None), state, None, length=3)[0]

    rule = "a scan must equal a loop"
    check_same(guard(rule, where, jax.jit(scan), state), looped, f"{rule}, {where}", IMPURE)


def check_vmap(
    method: Method, jitted: Callable, step: Callable, params: Players, where: str
) -> None:
    half = jax.tree.map(lambda leaf: (leaf / 2).astype(leaf.dtype), params)
    states = [method.init(start) for start in (params, half)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *states)
    rule = "vmap must equal one by one"
    together = guard(rule, where, jax.jit(jax.vmap(lambda s: step(s)[0])), stacked)
    alone = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(jitted(s)[0] for s in states))
    mend = "Look for callbacks and custom rules without a batching rule of their own"
    check_same(together, alone, f"{rule}, {where}", mend)


def check_rest(method: Method, jitted: Callable, rest: Players, where: str) -> None:
    state = method.init(rest)
    for _ in range(3):
        state, _ = jitted(state)
    away = largest(jax.tree.map(jnp.subtract, state.params, rest))
    if not away < _ATOL:
        raise ValueError(
            f"a method must stay where the field is 0, {where}: three steps moved a parameter by "
            f"{float(away):.3g}. Look for memory that does not start at 0, for noise, and for a "
            "pull to another point (a decay of weights, a box)"
        )


def largest(tree: PyTree) -> jax.Array:
    """Return the largest modulus of the numbers in a tree, NaN if one is NaN."""
    return functools.reduce(
        jnp.maximum, [jnp.max(jnp.abs(leaf)) for leaf in jax.tree.leaves(tree) if jnp.size(leaf)]
    )


def check_derivatives(step: Callable, state: State, key: jax.Array, where: str) -> None:
    """Compare derivatives with differences, from a state after a step, past any first-step rule."""
    flat, unravel = ravel_pytree(state.params)
    along, weights = jax.random.normal(key, (2, flat.size), flat.dtype)
    direction = unravel(along)

    def moved(distance: jax.Array) -> jax.Array:
        start = add_scaled(state.params, distance, direction)
        return ravel_pytree(step(state._replace(params=start))[0].params)[0]

    def both(distance: jax.Array) -> tuple[jax.Array, jax.Array]:
        forwards = jax.jvp(moved, (distance,), (jnp.ones_like(distance),))[1]
        backwards = jax.grad(lambda t: jnp.vdot(weights, moved(t)))(distance)
        return forwards, backwards

    zero = jnp.zeros((), flat.dtype)
    rule = "derivatives must go through a step, forwards and backwards"
    forwards, backwards = guard(rule, where, jax.jit(both), zero)
    at = jax.jit(moved)
    change = (at(zero + _NEAR) - at(zero - _NEAR)) / (2 * _NEAR)
    scale = float(jnp.maximum(jnp.linalg.norm(forwards), jnp.linalg.norm(change)))
    error = float(jnp.linalg.norm(forwards - change))
    error_back = float(jnp.abs(backwards - jnp.vdot(weights, change)))
    limit = _SLOPE * scale + _ATOL
    if not (error <= limit and error_back <= limit * float(jnp.linalg.norm(weights))):
        raise ValueError(
            f"{rule}, {where}: along a random direction the new parameters change by "
            f"{float(jnp.linalg.norm(change)):.4g} by finite differences and by "
            f"{float(jnp.linalg.norm(forwards)):.4g} by autodiff, and differ by {error:.3g} "
            f"forwards, {error_back:.3g} backwards. Look for a stop_gradient, a rounding, or a "
            "root or a norm at 0"
        )
