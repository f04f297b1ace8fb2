"""Does a method keep what every loop, transform and analysis takes for granted?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.field import check_field, vector_field
from ganfield.games import Game, bilinear, quadratic
from ganfield.methods import Method, for_each_move
from ganfield.testing._behaviour import (
    IMPURE,
    beside,
    check_derivatives,
    check_finite,
    check_loops,
    check_rest,
    check_same,
    largest,
    loop_of,
    scanned,
    slopes_of,
)
from ganfield.testing._form import check_kept, check_result, check_state, guard


class Case(NamedTuple):
    """Where a method is checked along a field."""

    name: str
    params: Players
    rests: tuple[Players, ...] = ()  # where the field is 0
    batch: Any = None  # one, also for methods that use several


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
                game = _default_game(is_double)
                start, origin = _cast(game.init(key)), _cast(game.equilibria[0])
                name = f"the {'bilinear' if is_double else 'quadratic'} game"
                check_cases(method, vector_field(game), [Case(name, start, (origin,))], key=key)
            else:
                check_cases(method, field, [_given_case(field, params, batch)], key=key)


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


def _default_game(is_double: bool) -> Game:
    matrix = jnp.array([[1.0, 2.0], [0.5, -1.0], [0.3, 0.4]])
    return bilinear(matrix) if is_double else quadratic()


def _given_case(field: Field, params: Any, batch: Any) -> Case:
    at, batch = _cast(params, jnp.number), _cast(batch)
    check_field(field, at, batch)
    still = float(largest(field(at, batch))) < 1e-6
    return Case("the field given", at, (at,) if still else (), batch)


def _cast(tree: PyTree, numbers: Any = jnp.floating) -> PyTree:
    """Return the tree in the widest floats that are enabled."""

    def cast(leaf: Any) -> Any:
        return jnp.asarray(leaf, float) if jnp.issubdtype(jnp.result_type(leaf), numbers) else leaf

    return jax.tree.map(cast, tree)


def check_cases(
    method: Method,
    field: Field,
    cases: Iterable[Case],
    *,
    key: jax.Array,
    atol: float = 1e-6,
    tolerance: float = 2e-2,
) -> None:
    """Check a method in the precision that is enabled: what loops show in float32, else the rest.

    All cases share the compiled programs, so their parameters and batches have one shape. What
    Python does in a step that is not compiled is seen on the first case alone.

    Args:
        method: the method.
        field: along what.
        cases: where, and on which batch.
        key: a typed key, for directions.
        atol: the absolute difference between loops to let pass.
        tolerance: the relative difference of derivatives to let pass; inner solves that stop early
            need some.
    """

    def step(state: Any, batch: Any) -> tuple[Any, Any]:
        return method.step(field, state, batch)

    is_double = jnp.result_type(float) == jnp.float64
    # The others see the compiled step, so that Python takes it once.
    jitted = jax.jit(step)
    slopes = jax.jit(slopes_of(jitted))
    together = jax.jit(jax.vmap(scanned(jitted), in_axes=(0, None)))
    traceable = "a step must be traceable by jax.jit"
    for number, case in enumerate(cases):
        batch = for_each_move(method, case.batch)
        where = f"on {case.name} in float{64 if is_double else 32}"
        state = guard("init(params) must run", where, method.init, case.params)
        check_state(state, case.params, "init(params)")
        if not is_double and number == 0:
            _check_eager(step, jitted, state, batch, case.params, where)
        result = guard(traceable, where, jitted, state, batch)
        check_result(result, case.params)
        after = result[0]
        check_kept(state, after)
        looped = loop_of(jitted, state, batch)
        check_finite(looped, where)
        if is_double:
            check_derivatives(jitted, slopes, after, batch, key, where, tolerance)
        else:
            half = jax.tree.map(lambda leaf: (leaf / 2).astype(leaf.dtype), case.params)
            states = [state, method.init(half)]
            check_loops(jitted, together, states, looped, batch, where, atol)
        for rest in case.rests:
            check_rest(method, jitted, rest, batch, where)


def _check_eager(
    step: Callable, jitted: Callable, state: Any, batch: Any, params: Players, where: str
) -> None:
    result = guard("step(field, state, batch) must run", where, step, state, batch)
    check_result(result, params)
    traceable = "a step must be traceable by jax.jit"
    check_kept(state, guard(traceable, where, jax.eval_shape, jitted, state, batch)[0])
    after, again = result[0], step(state, batch)[0]
    check_same(again, after, f"a step must be a pure function, {where}", IMPURE, exact=True)
    compiled = jitted(state, batch)[0]

    def rounded() -> list:
        return [jitted(near, batch)[0] for near in beside(state)]

    check_same(compiled, after, f"jit must equal eager, {where}", IMPURE, rounded=rounded)
