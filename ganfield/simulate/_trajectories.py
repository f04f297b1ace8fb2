"""Paths of many starts at once."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled, is_tracing
from ganfield._memory import size_of
from ganfield._types import Field, Players, Sampler
from ganfield.checks import check_count, leading_size
from ganfield.methods import Method
from ganfield.simulate._scan import Run, check_records, check_steps, simulate


def trajectories(
    method: Method,
    field: Field,
    starts: Players,
    *,
    num_steps: int,
    record_every: int = 1,
    key: jax.Array | None = None,
    sample: Sampler | None = None,
) -> Players:
    """Return where a method leads from each of several starts, in one vmapped program.

    Args:
        method: how to move.
        field: along what.
        starts: parameters with the starts along the first axis of every leaf.
        num_steps: how many steps.
        record_every: how many steps from point to point; the last point is that of the last step.
        key: a typed key; all starts see the same batches.
        sample: ``sample(key) -> batch``.

    Returns:
        The parameters on the way, leaves of shape ``(records, starts, …)``, the starts first. From
        the record after a step that met a NaN or an infinity they are NaN. Of an inner solve that
        failed they say nothing; `ganfield.simulate.paths` does.

    Raises:
        ValueError: the leaves of ``starts`` share no first axis; the machine has not the memory for
            the points; whatever `ganfield.simulate` raises.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> starts = gf.Players(jnp.array([1.0, 2.0]), jnp.array([0.0, 0.0]))
        >>> gf.trajectories(gf.simultaneous(optax.sgd(0.5)), v, starts, num_steps=2).theta
        Array([[1.  , 2.  ],
               [1.  , 2.  ],
               [0.75, 1.5 ]], dtype=float32)
    """
    points: Players = paths(
        method,
        field,
        starts,
        num_steps=num_steps,
        record_every=record_every,
        key=key,
        sample=sample,
    ).records
    return points


def paths(
    method: Method,
    field: Field,
    starts: Players,
    *,
    num_steps: int,
    record_every: int = 1,
    key: jax.Array | None = None,
    sample: Sampler | None = None,
) -> Run:
    """Return what `trajectories` returns as a run, which says what became of each of the paths.

    Args:
        method: how to move.
        field: along what.
        starts: parameters with the starts along the first axis of every leaf.
        num_steps: how many steps.
        record_every: as in `trajectories`.
        key: a typed key; all starts see the same batches.
        sample: ``sample(key) -> batch``.

    Returns:
        A `Run` whose records are the points, leaves of shape ``(records, starts, …)``; the leaves
        of ``state``, ``stopped_at`` and ``unsolved_at`` begin with the axis of the starts.

    Raises:
        ValueError: as `trajectories`.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> starts = gf.Players(jnp.array([1.0, 2.0]), jnp.array([0.0, 0.0]))
        >>> paths(gf.follow_the_ridge(optax.sgd(0.5)), v, starts, num_steps=2)
        Run: 2 steps, 3 records, finite, 2 of 2 inner solve failed at step 2 or later
    """
    if not leading_size(starts):
        raise ValueError(
            "starts must be Players of arrays with the starts along the first axis of every leaf, "
            f"got {jax.tree.map(jnp.shape, starts)}"
        )

    num_steps = check_steps(num_steps)
    record_every = check_count(record_every, argument="record_every")
    if not is_tracing():
        check_records(num_steps, record_every, 1.5 * size_of(starts))

    def path(start: Players) -> Run:
        run = simulate(
            method,
            field,
            start,
            num_steps=num_steps,
            key=key,
            sample=sample,
            record=lambda state, info: state.params,
            record_every=record_every,
        )
        steps.append(run.steps)
        return run._replace(steps=None)

    steps: list[np.ndarray] = []
    floats = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(leaf, float)), starts)
    along = Run._make((0, None, 1, 0, 0))
    run: Run = compiled(jax.vmap(path, out_axes=along), floats, name="_paths")(floats)
    return run._replace(steps=steps[0])
