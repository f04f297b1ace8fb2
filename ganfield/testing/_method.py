"""Does a method keep what every loop, transform and analysis takes for granted?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.field import check_field, vector_field
from ganfield.games import bilinear, quadratic
from ganfield.methods import Method, for_each_move
from ganfield.testing._behaviour import (
    IMPURE,
    check_derivatives,
    check_finite,
    check_rest,
    check_same,
    check_scan,
    check_vmap,
    largest,
)
from ganfield.testing._form import check_kept, check_result, check_state, guard


class _Case(NamedTuple):
    name: str
    field: Field
    params: Players
    rest: Players | None  # where the field is 0
    batch: Any


def check_method(
    method: Method | tuple[Callable, Callable],
    *,
    field: Field | None = None,
    params: Players | None = None,
    batch: Any = None,
    key: jax.Array | None = None,
) -> None:
    """Raise a ``ValueError`` unless a method keeps the contract that the library builds on.

    The rules, in float32 and in float64, loops in the one and derivatives in the other:

    - ``init(params)`` gives a NamedTuple with these ``params``, and ``step(field, state, batch)``
      another state and a `ganfield.Info` whose direction has the structure of the parameters;
    - a step keeps structure, shapes and dtypes, also weak ones, so that the second step does not
      compile again and a scan takes it;
    - the same state gives the same step, and all numbers are finite;
    - jit is eager, a scan is a loop, and vmap is one by one;
    - where the field is 0, the method stays;
    - derivatives of a step, forwards and backwards, are those of finite differences. Spectral radii
      are made of them, and a ``stop_gradient`` would make them wrong without a word.

    Args:
        method: a `ganfield.Method`, or a pair ``(init, step)``.
        field: along what, in float32 and then in float64; by default along a quadratic game's in
            float32, and along a bilinear one's with a matrix in float64.
        params: where to start on ``field``. If the field is 0 there, the method must stay.
        batch: what ``field`` sees; one batch, also for methods that use several.
        key: a typed key, for starts and directions; by default ``jax.random.key(0)``.

    Raises:
        ValueError: a rule is broken. The message says which one, what was seen and how to mend it.

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> def init(params):
        ...     return gf.State(params, memory=jnp.zeros((), int))
        >>> def step(field, state, batch):
        ...     direction = field(state.params, batch)
        ...     moved = jax.tree.map(lambda x, d: x + 0.1 * d, state.params, direction)
        ...     return gf.State(moved, state.memory + 1.0), gf.Info(direction)
        >>> gf.testing.check_method(gf.Method(init, step))
        Traceback (most recent call last):
        ...
        ValueError: a step must keep shapes and dtypes: the state's leaf .memory was int32[]
        before the step and float32[] after it, ...
    """
    method = _as_method(method)
    key = jax.random.key(0) if key is None else key
    if (field is None) != (params is None):
        raise ValueError("field and params must be given together, or neither of them")
    for is_double in (False, True):
        with jax.enable_x64(is_double):
            if field is None:
                case = _default_case(key, is_double)
            else:
                case = _given_case(field, params, batch)
            _check_on(method, case, key, is_double)


def _as_method(method: Any) -> Method:
    if not isinstance(method, Method) and isinstance(method, tuple) and len(method) == 2:
        method = Method(*method)
    if not (isinstance(method, Method) and callable(method.init) and callable(method.step)):
        raise ValueError(
            "method must be gf.Method(init, step), or a pair of functions (init, step), got "
            f"{method!r}"
        )
    check_count(method.num_batches, argument="num_batches")
    return method


def _default_case(key: jax.Array, is_double: bool) -> _Case:
    matrix = jnp.array([[1.0, 2.0], [0.5, -1.0], [0.3, 0.4]])
    name, game = ("bilinear", bilinear(matrix)) if is_double else ("quadratic", quadratic())
    start, origin = _cast(game.init(key)), _cast(game.equilibria[0])
    return _Case(f"the {name} game", vector_field(game), start, origin, None)


def _given_case(field: Field, params: Any, batch: Any) -> _Case:
    at, seen = _cast(params, jnp.number), _cast(batch)
    check_field(field, at, seen)
    still = float(largest(field(at, seen))) < 1e-6
    return _Case("the field given", field, at, at if still else None, seen)


def _cast(tree: PyTree, numbers: Any = jnp.floating) -> PyTree:
    """Return the tree in the widest floats that are enabled."""

    def cast(leaf: Any) -> Any:
        return jnp.asarray(leaf, float) if jnp.issubdtype(jnp.result_type(leaf), numbers) else leaf

    return jax.tree.map(cast, tree)


def _check_on(method: Method, case: _Case, key: jax.Array, is_double: bool) -> None:
    batch = for_each_move(method, case.batch)
    where = f"on {case.name} in float{64 if is_double else 32}"

    def step(state: Any) -> tuple[Any, Any]:
        return method.step(case.field, state, batch)

    state = guard("init(params) must run", where, method.init, case.params)
    check_state(state, case.params, "init(params)")
    jitted = jax.jit(step)
    traceable = "a step must be traceable by jax.jit"
    if is_double:  # what only loops show is seen in float32
        result = guard(traceable, where, jitted, state)
        check_result(result, case.params)
        check_kept(state, jax.eval_shape(step, state)[0])
        after = result[0]
        check_finite(jitted(jitted(after)[0])[0], where)
        check_derivatives(step, after, key, where)
    else:
        result = guard("step(field, state, batch) must run", where, step, state)
        check_result(result, case.params)
        check_kept(state, guard(traceable, where, jax.eval_shape, step, state)[0])
        after, again = result[0], step(state)[0]
        check_same(again, after, f"a step must be a pure function, {where}", IMPURE, exact=True)
        compiled = jitted(state)[0]
        check_same(compiled, after, f"jit must equal eager, {where}", IMPURE)
        looped = jitted(jitted(compiled)[0])[0]
        check_finite(looped, where)
        check_scan(step, state, looped, where)
        check_vmap(method, jitted, step, case.params, where)
    if case.rest is not None:
        check_rest(method, jitted, case.rest, where)
