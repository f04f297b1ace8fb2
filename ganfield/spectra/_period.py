"""After how many steps a method that counts does the same again."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import strong
from ganfield._types import Field
from ganfield.checks import check_count
from ganfield.methods import Method, State, for_each_move

_FOLLOWED = 256  # so many maps are compared; a period is at most half of them
_JUMPS = 2 ** np.arange(4, 21)  # and those after so many periods more
_SAME = 1e-12
_LIMIT = 2**30  # a count so large that it corrects nothing any more
# A count that corrects the bias of what stands beside it is held: it matters less and less.
_CORRECTED = {
    "count": {"mu", "nu", "ema", "v_row"},
    "t": {"m", "n"},
    "num_points": {"average"},
    "num_values": {"squares"},
}
_OF_AVERAGES = {"num_points", "num_values"}


def period(
    method: Method, field: Field, state: State, batch: Any, num_steps: int | None = None
) -> int:
    """Return how many steps of a method are one map of its floats, at a state in float64.

    An update map holds what is no float. Where that changes from step to step and the step depends
    on it, as in ``optax.MultiSteps``, one step is one of several maps. So the counts are followed,
    and the derivative of the step along one direction is compared under each of them.

    Args:
        method: how to move.
        field: along what.
        state: where; what it remembers tells where in its period it is.
        batch: what the field sees at every step.
        num_steps: asked for by the caller; then it is checked that those are one map.

    Returns:
        ``num_steps`` or, where that is None, a multiple of the method's cycle.

    Raises:
        ValueError: the maps do not repeat (a schedule), only later than here, or not after
            ``num_steps``.
    """
    given = method.cycle if num_steps is None else num_steps
    block = check_count(given, argument="num_steps")
    paths, structure = jax.tree_util.tree_flatten_with_path(strong(state))
    leaves = [leaf for _, leaf in paths]
    moving = [jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves]
    counts = [
        index
        for index, (path, _) in enumerate(paths)
        if not moving[index] and not _corrects(path, [other for other, _ in paths])
    ]
    if not counts:
        return block
    floats, unravel = ravel_pytree([x for x, moves in zip(leaves, moving, strict=True) if moves])
    batches = for_each_move(method, batch)

    def after(x: jax.Array, held: list[jax.Array]) -> tuple[jax.Array, list[jax.Array]]:
        filled, values = list(leaves), iter(unravel(x))
        filled = [next(values) if m else leaf for leaf, m in zip(leaves, moving, strict=True)]
        for index, value in zip(counts, held, strict=True):
            filled[index] = value
        begin = jax.tree.unflatten(structure, filled)
        end, _ = jax.lax.scan(
            lambda s, _: (method.step(field, s, batches)[0], None), begin, None, length=block
        )
        ends = jax.tree.leaves(end)
        moved = ravel_pytree([e for e, moves in zip(ends, moving, strict=True) if moves])[0]
        return moved, [ends[index] for index in counts]

    here = [leaves[index] for index in counts]
    first = compiled(after, floats, here, name="_after")(floats, here)[1]
    changed = [
        not np.array_equal(_numbers(now), _numbers(then))
        for now, then in zip(here, first, strict=True)
    ]
    if not any(changed):
        return block

    tangent = jax.random.normal(jax.random.key(0), floats.shape, floats.dtype)

    def derivatives(held: list[jax.Array]) -> jax.Array:
        def of(held: list[jax.Array]) -> jax.Array:
            return jax.jvp(lambda x: after(x, held)[0], (floats,), (tangent,))[1]

        return jax.lax.map(of, held)

    def follow(carry: Any, _: None) -> tuple[Any, list[jax.Array]]:
        return after(*carry), carry[1]

    def followed(floats: jax.Array, here: list[jax.Array]) -> list[jax.Array]:
        return jax.lax.scan(follow, (floats, here), None, length=_FOLLOWED)[1]

    trail = compiled(followed, floats, here, name="_followed")(floats, here)
    _check_noise(lambda held: after(floats, held)[0], paths, counts, changed, trail)
    slopes = np.asarray(compiled(derivatives, trail, name="_derivatives")(trail))
    names = [jax.tree_util.keystr(paths[i][0]) for i, c in zip(counts, changed, strict=True) if c]
    refusal = (
        f"method must do the same again after some steps, and what its step does depends on "
        f"{', '.join(names)}, "
    )
    repeats = _first_period(slopes)
    if repeats is None:
        late = _first_period(slopes[_FOLLOWED // 2 :])
        raise ValueError(
            refusal
            + (
                f"which does not repeat within {_FOLLOWED // 2} steps, as in a schedule: that has "
                "no one update map. Give the optimizer with one value in place of the schedule"
                if late is None
                else "which repeats itself only later: give the state of a run that is past its "
                "first steps"
            )
        )
    later = _after_jumps(trail, repeats)
    if later is not None and not _alike(
        np.asarray(compiled(derivatives, later, name="_derivatives")(later)), slopes[:1]
    ):
        raise ValueError(
            refusal + "and does something else much later, as in a schedule: that has no one "
            "update map. Give the optimizer with one value in place of the schedule"
        )
    if repeats > 1 and num_steps is not None:
        raise ValueError(
            f"num_steps must be a multiple of the {repeats * block} steps after which the method "
            f"does the same again, got {num_steps}: what its step does depends on "
            f"{', '.join(names)}"
        )
    return repeats * block


def at_their_limit(state: State, *, averages: bool = False) -> State:
    """Return a state whose optimizers' counts correct no bias any more.

    Args:
        state: of any method.
        averages: whether the counts of averages are so large, too; else they stay.
    """
    paths, structure = jax.tree_util.tree_flatten_with_path(state)
    names = [path for path, _ in paths]
    filled = [
        jnp.full_like(leaf, _LIMIT)
        if jnp.issubdtype(leaf.dtype, jnp.integer)
        and (averages or getattr(path[-1], "name", "") not in _OF_AVERAGES)
        and _corrects(path, names)
        else leaf
        for path, leaf in paths
    ]
    return jax.tree.unflatten(structure, filled)


def correcting(state: State) -> list[bool]:
    """Return which leaves of a state are counts that correct a bias."""
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(state)[0]]
    return [_corrects(path, paths) for path in paths]


def _corrects(path: Any, paths: list[Any]) -> bool:
    """Return whether a leaf is a count that corrects the bias of its neighbours."""
    beside = _CORRECTED.get(getattr(path[-1], "name", ""), set())
    prefix, depth = path[:-1], len(path) - 1
    return any(
        other[:depth] == prefix and getattr(other[depth], "name", "") in beside
        for other in paths
        if len(other) > depth
    )


def _check_noise(
    after: Any, paths: Any, counts: list[int], changed: list[bool], trail: list[jax.Array]
) -> None:
    """Raise a ``ValueError`` where a step from the same place leads elsewhere under another key."""
    keys = [
        jax.tree_util.keystr(paths[index][0])
        for index, changes in zip(counts, changed, strict=True)
        if changes and _is_key(paths[index][1])
    ]
    if not keys:
        return
    begin, next_one = ([leaf[index] for leaf in trail] for index in (0, 1))
    move = compiled(after, begin, name="_after")
    one, other = np.asarray(move(begin)), np.asarray(move(next_one))
    apart = np.abs(one - other).max()
    if apart > _SAME * (1 + np.abs(one).max()):
        raise ValueError(
            f"method must move by its field alone, and its step draws noise of its own (by "
            f"{', '.join(keys)}; two draws lead {apart:.2g} apart), as noisy_sgd does: a run "
            "settles at no point, and has no rate"
        )


def _is_key(leaf: Any) -> bool:
    typed = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return typed or (leaf.dtype == jnp.uint32 and leaf.shape[-1:] in ((2,), (4,)))


def _numbers(leaf: Any) -> np.ndarray:
    keys = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if keys else leaf)


def _alike(values: np.ndarray, others: np.ndarray) -> bool:
    scale = np.abs(others[np.isfinite(others)]).max(initial=0.0)
    return np.allclose(values, others, rtol=0, atol=_SAME * scale, equal_nan=True)


def _first_period(slopes: np.ndarray) -> int | None:
    """Return after how many rows they repeat, at most half of them."""
    for count in range(1, len(slopes) // 2 + 1):
        if _alike(slopes[count:], slopes[:-count]):
            return count
    return None


def _after_jumps(trail: list[jax.Array], repeats: int) -> list[jax.Array] | None:
    """Return the counts as they are after many periods more; None where they are no counts."""
    jumped = []
    for leaf in trail:
        values = _numbers(leaf)
        numbers = values.astype(np.int64)
        change = numbers[repeats] - numbers[0]
        if not np.array_equal(numbers[2 * repeats - 1], numbers[repeats - 1] + change):
            return None
        if not change.any():
            jumped.append(jnp.stack([leaf[0]] * len(_JUMPS)))
            continue
        steps = _JUMPS.reshape(-1, *[1] * change.ndim) * change
        jumped.append(jnp.asarray((numbers[0] + steps).astype(values.dtype)))
    return jumped
