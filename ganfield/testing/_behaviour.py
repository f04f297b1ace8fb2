"""What a method's steps do: compiled, in loops, at rest, and differentiated."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._tree import add_scaled
from ganfield._types import Players, PyTree
from ganfield.methods import Method, State
from ganfield.testing._form import guard
from ganfield.testing._looks import Finding, blame

_RTOL, _ATOL = 1e-5, 1e-6  # rounding, and inner solves that stop at another iteration
_MANY = 8  # times that what rounding makes of a start may differ
_LENGTH = 3  # steps of a loop
_OFF, _NEAREST = 1e-2, 1e-8  # how far off a state, and how near there, differences are taken

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
    state: Any,
    wanted: Any,
    rule: str,
    mend: str,
    *,
    atol: float = _ATOL,
    exact: bool = False,
    rounded: Callable[[], list] = list,
) -> None:
    """Raise a ``ValueError`` unless two states are one, but for rounding.

    Args:
        state: as it came.
        wanted: as it should have come.
        rule: what is broken if they differ.
        mend: what to look for then.
        atol: the absolute difference to let pass.
        exact: whether none passes.
        rounded: ``rounded()``, what comes of starts that differ by rounding. As far as those are
            apart, a few times over, the states may be: Adam's step along a derivative that is
            nearly 0 shows its rounding, and so does a ReLU's next to its kink.
    """
    rtol, atol = (0.0, 0.0) if exact else (_RTOL, atol)
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(wanted)]
    pairs = list(zip(_numbers(state), _numbers(wanted), strict=True))

    def differ(spreads: list[float]) -> list[int]:
        return [
            index
            for index, ((one, other), spread) in enumerate(zip(pairs, spreads, strict=True))
            if not np.allclose(one, other, rtol, atol + _MANY * spread, equal_nan=True)
        ]

    worse = differ([0.0] * len(pairs))
    if worse and not exact:
        worse = differ(_spreads(rounded(), len(pairs)))
    if worse:
        one, other = pairs[worse[0]]
        apart = np.max(np.abs(one.astype(float) - other.astype(float)))
        raise ValueError(
            f"{rule}: the state's leaf {paths[worse[0]]} differs by {apart:.3g}. {mend}"
        )


def _spreads(states: list, count: int) -> list[float]:
    """Return for each leaf the largest difference between its numbers in several states."""
    if not states:
        return [0.0] * count
    first, *others = ([leaf.astype(float) for leaf in _numbers(state)] for state in states)
    spreads = [
        max(float(np.max(np.abs(other[index] - leaf), initial=0.0)) for other in others)
        for index, leaf in enumerate(first)
    ]
    return [spread if np.isfinite(spread) else 0.0 for spread in spreads]


def beside(state: Any) -> list:
    """Return three states whose parameters differ from a state's by rounding."""
    most = largest(state.params)

    def near(key: jax.Array, leaf: jax.Array) -> jax.Array:
        size = jnp.max(jnp.abs(leaf), initial=0)
        ulps = 4 * jnp.finfo(leaf.dtype).eps * jnp.where(size > 0, size, most)
        return leaf + (ulps * jax.random.normal(key, leaf.shape)).astype(leaf.dtype)

    leaves, structure = jax.tree.flatten(state.params)
    return [
        state._replace(
            params=jax.tree.unflatten(
                structure, map(near, jax.random.split(jax.random.key(seed), len(leaves)), leaves)
            )
        )
        for seed in range(3)
    ]


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

    def rounded() -> list:
        starts = zip(*map(beside, states), strict=True)
        return [_stack([loop_of(jitted, near, batch) for near in nears]) for nears in starts]

    try:
        result = guard("a scan of a vmap must equal a loop", where, together, _stack(states), batch)
        check_same(result, alone, rule, IMPURE, atol=atol, rounded=rounded)
    except ValueError:
        _check_scan(jitted, states[0], looped, batch, where, atol)
        _check_vmap(jitted, states, batch, where, atol)
        raise


def _check_scan(
    jitted: Callable, state: Any, looped: Any, batch: Any, where: str, atol: float
) -> None:
    rule = "a scan must equal a loop"
    result = guard(rule, where, jax.jit(scanned(jitted)), state, batch)

    def rounded() -> list:
        return [loop_of(jitted, near, batch) for near in beside(state)]

    check_same(result, looped, f"{rule}, {where}", IMPURE, atol=atol, rounded=rounded)


def _check_vmap(jitted: Callable, states: list, batch: Any, where: str, atol: float) -> None:
    rule = "vmap must equal one by one"
    several = jax.jit(jax.vmap(lambda state: jitted(state, batch)[0]))
    result = guard(rule, where, several, _stack(states))
    alone = _stack([jitted(state, batch)[0] for state in states])
    mend = "Look for callbacks and custom rules without a batching rule of their own"

    def rounded() -> list:
        starts = zip(*map(beside, states), strict=True)
        return [_stack([jitted(near, batch)[0] for near in nears]) for nears in starts]

    check_same(result, alone, f"{rule}, {where}", mend, atol=atol, rounded=rounded)


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

    The first differences are taken so far away that what inexact inner solves do does not drown
    them, the later ones from nearer, where fewer kinks of the field lie between the points. All are
    taken a little off the state, which a clip may have put on a kink.
    """
    flat, unravel = ravel_pytree(state.params)
    rule = "derivatives must go through a step, forwards and backwards"

    def look(number: int) -> Iterator[Finding]:
        here = jax.random.fold_in(key, number)
        along, weights, away = jax.random.normal(here, (3, flat.size), flat.dtype)
        begin = state._replace(params=unravel(flat + _OFF * away))
        forwards, backwards = guard(rule, where, slopes, begin, batch, along, weights)
        far = max(tolerance / 20 / 10**number, _NEAREST)

        def moved(distance: float) -> jax.Array:
            start = add_scaled(begin.params, distance, unravel(along))
            return ravel_pytree(jitted(begin._replace(params=start), batch)[0].params)[0]

        behind, between, ahead = map(moved, (-far, 0.0, far))
        change = (ahead - behind) / (2 * far)
        scale = float(jnp.maximum(jnp.linalg.norm(forwards), jnp.linalg.norm(change)))
        error = float(jnp.linalg.norm(forwards - change))
        # Both come of one linear map: a difference between them is no matter of kinks.
        error_back = float(jnp.abs(backwards - jnp.vdot(weights, forwards)))
        limit = tolerance * scale + _ATOL
        fits_back = error_back <= limit * float(jnp.linalg.norm(weights))
        if not (error <= limit and fits_back):
            gap = float(jnp.linalg.norm(ahead - 2 * between + behind)) / far
            yield Finding(
                fits_back and gap > error,
                f"{rule}, {where}: along a random direction the new parameters change by "
                f"{float(jnp.linalg.norm(change)):.4g} by finite differences and by "
                f"{float(jnp.linalg.norm(forwards)):.4g} by autodiff, and differ by {error:.3g} "
                f"forwards, {error_back:.3g} backwards. Look for a stop_gradient, a rounding, or "
                "a root or a norm at 0",
            )

    blame(look)
