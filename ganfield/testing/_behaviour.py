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
_LENGTH = 3  # steps of a loop

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


def check_same(
    state: Any, wanted: Any, rule: str, mend: str, *, atol: float = _ATOL, exact: bool = False
) -> None:
    rtol, atol = (0.0, 0.0) if exact else (_RTOL, atol)
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(wanted)]
    for path, one, other in zip(paths, _numbers(state), _numbers(wanted), strict=True):
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


def scanned(step: Callable) -> Callable:
    def scan(state: Any, batch: Any) -> Any:
        return jax.lax.scan(lambda s, _: (step(s, batch)[0], None), state, None, length=_LENGTH)[0]

    return scan


def loop_of(jitted: Callable, state: Any, batch: Any) -> Any:
    for _ in range(_LENGTH):
        state, _info = jitted(state, batch)
    return state


def _stack(states: list) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(x) for x in leaves]), *states)


def check_loops(
    jitted: Callable,
    together: Callable,
    states: list,
    looped: Any,
    batch: Any,
    where: str,
    atol: float,
) -> None:
    """Compare one program, ``together``, a scan of two runs at once, with compiled steps.

    What it is that breaks is only asked if this breaks: each question compiles a program.
    """
    rule = f"a scan of a vmap must equal a loop, {where}"
    alone = _stack([looped, *(loop_of(jitted, state, batch) for state in states[1:])])
    try:
        result = guard("a scan of a vmap must equal a loop", where, together, _stack(states), batch)
        check_same(result, alone, rule, IMPURE, atol=atol)
    except ValueError:
        _check_scan(jitted, states[0], looped, batch, where, atol)
        _check_vmap(jitted, states, batch, where, atol)
        raise


def _check_scan(
    jitted: Callable, state: Any, looped: Any, batch: Any, where: str, atol: float
) -> None:
    rule = "a scan must equal a loop"
    result = guard(rule, where, jax.jit(scanned(jitted)), state, batch)
    check_same(result, looped, f"{rule}, {where}", IMPURE, atol=atol)


def _check_vmap(jitted: Callable, states: list, batch: Any, where: str, atol: float) -> None:
    rule = "vmap must equal one by one"
    several = jax.jit(jax.vmap(lambda state: jitted(state, batch)[0]))
    result = guard(rule, where, several, _stack(states))
    alone = _stack([jitted(state, batch)[0] for state in states])
    mend = "Look for callbacks and custom rules without a batching rule of their own"
    check_same(result, alone, f"{rule}, {where}", mend, atol=atol)


def check_rest(method: Method, jitted: Callable, rest: Players, batch: Any, where: str) -> None:
    state = loop_of(jitted, method.init(rest), batch)
    away = largest(jax.tree.map(jnp.subtract, state.params, rest))
    if not away < (1e-7 if away.dtype == jnp.float64 else _ATOL):
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


def slopes_of(step: Callable) -> Callable:
    """Return a function that differentiates a step's parameters along a direction, both ways."""

    def slopes(state: State, batch: Any, along: jax.Array, weights: jax.Array) -> tuple:
        flat, unravel = ravel_pytree(state.params)

        def moved(distance: jax.Array) -> jax.Array:
            start = add_scaled(state.params, distance, unravel(along))
            return ravel_pytree(step(state._replace(params=start), batch)[0].params)[0]

        zero = jnp.zeros((), flat.dtype)
        _, push = jax.linearize(moved, zero)
        return push(jnp.ones_like(zero)), jax.linear_transpose(push, zero)(weights)[0]

    return slopes


def check_derivatives(
    jitted: Callable,
    slopes: Callable,
    state: State,
    batch: Any,
    key: jax.Array,
    where: str,
    tolerance: float,
) -> None:
    """Compare derivatives with differences, from a state after a step, past any first-step rule.

    The differences are taken so far away that what inexact inner solves do does not drown them.
    """
    flat, unravel = ravel_pytree(state.params)
    along, weights = jax.random.normal(key, (2, flat.size), flat.dtype)
    rule = "derivatives must go through a step, forwards and backwards"
    forwards, backwards = guard(rule, where, slopes, state, batch, along, weights)
    far = tolerance / 20

    def moved(distance: float) -> jax.Array:
        start = add_scaled(state.params, distance, unravel(along))
        return ravel_pytree(jitted(state._replace(params=start), batch)[0].params)[0]

    change = (moved(far) - moved(-far)) / (2 * far)
    scale = float(jnp.maximum(jnp.linalg.norm(forwards), jnp.linalg.norm(change)))
    error = float(jnp.linalg.norm(forwards - change))
    error_back = float(jnp.abs(backwards - jnp.vdot(weights, change)))
    limit = tolerance * scale + _ATOL
    if not (error <= limit and error_back <= limit * float(jnp.linalg.norm(weights))):
        raise ValueError(
            f"{rule}, {where}: along a random direction the new parameters change by "
            f"{float(jnp.linalg.norm(change)):.4g} by finite differences and by "
            f"{float(jnp.linalg.norm(forwards)):.4g} by autodiff, and differ by {error:.3g} "
            f"forwards, {error_back:.3g} backwards. Look for a stop_gradient, a rounding, or a "
            "root or a norm at 0"
        )
