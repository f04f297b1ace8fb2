"""How runs beside each other come together under the same minibatches."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield.stability._noisy_map import NoisyMap

_APART = 1e-6  # of the scale of the numbers: the motion of a pair is linear, and no rounding
_GROUPS = 8  # of runs, whose answers differ by what chance does


class Pairs(NamedTuple):
    """What runs and their neighbours did.

    Attributes:
        rate: of the mean of the differences, a step of the method.
        rate_error: its standard error.
        mean_square: of the distance of the parameters from the point, over runs and steps.
        mean_square_error: its standard error.
        window: the steps over which differences were followed.
    """

    rate: float
    rate_error: float
    mean_square: float
    mean_square_error: float
    window: int


def follow(
    F: NoisyMap,
    start: jax.Array,
    *,
    num_runs: int,
    burn_in: int,
    window: int,
    key: jax.Array,
) -> Pairs:
    """Run many copies from a stationary state, each beside neighbours, and return how they fare.

    A run has a neighbour in the direction of each number that moves. All see the same batches, and
    neighbours take over the first run's memory of squares before every step: a pair with second
    moments of its own comes together no faster than those forget. After ``window`` maps the
    differences are the columns of a matrix, Φ; the mean of Φ over runs has the spectral radius
    rate^window, with no lag of slower modes and none of defective ones.

    Args:
        F: the method's steps.
        start: the floats of the state to begin with, shape ``(n,)``.
        num_runs: a multiple of 8.
        burn_in: maps before the differences are looked at.
        window: maps over which they are.
        key: for the batches.
    """
    moving, square = np.flatnonzero(F.moving), np.flatnonzero(F.square)
    is_param = np.flatnonzero(F.params)
    scale = _APART * (1 + jnp.abs(start[moving]).max())
    size = len(moving)
    origin = start[is_param]

    def run(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        first, second = jax.random.split(key)

        def alone(x: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
            return F.apply(x, F.draw(key)), None

        settled, _ = jax.lax.scan(alone, start, jax.random.split(first, burn_in))
        around = jnp.concatenate([jnp.zeros((1, size)), jnp.eye(size)]) * scale
        others = jnp.tile(settled, (size + 1, 1)).at[:, moving].add(around)

        def beside(xs: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
            xs = jax.vmap(F.apply, in_axes=(0, None))(xs, F.draw(key))
            xs = xs.at[:, square].set(xs[0, square])
            return xs, ((xs[0, is_param] - origin) ** 2).sum()

        ends, squares = jax.lax.scan(beside, others, jax.random.split(second, window))
        return (ends[1:, moving] - ends[0, moving]).T / scale, squares.mean()

    keys = jax.random.split(key, num_runs)
    propagators, squares = map(np.asarray, compiled(jax.vmap(run), keys, name="pairs")(keys))
    power = 1 / (window * F.num_steps)

    def rate(some: np.ndarray) -> float:
        return float(np.abs(np.linalg.eigvals(some.mean(axis=0))).max() ** power)

    parts = propagators.reshape(_GROUPS, -1, size, size)
    apart = [rate(np.delete(parts, g, axis=0).reshape(-1, size, size)) for g in range(_GROUPS)]
    spread = np.var(apart) * (_GROUPS - 1)  # the jackknife's
    error = float(squares.std() / np.sqrt(num_runs))
    return Pairs(rate(propagators), float(np.sqrt(spread)), float(squares.mean()), error, window)
