"""What a method remembers beside the motion: where it rests, and what of it never does."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import PyTree
from ganfield.stability._noisy_map import NoisyMap


def mean_memory(F: NoisyMap, batches: PyTree) -> Callable[[jax.Array], jax.Array]:
    """Return what a step makes of the linear memory at the point, in the mean over batches.

    Each batch is taken with its noise as it is and turned round, which leaves none in the mean.
    """
    linear = np.flatnonzero(F.linear)
    none = jax.tree.map(jnp.zeros_like, F.unravel(F.point).params)

    def mean(memory: jax.Array) -> jax.Array:
        def both(batch: PyTree) -> jax.Array:
            at = F.point.at[linear].set(memory)
            turned = F.apply(at, batch, jnp.asarray(-1.0), none)
            return (F.apply(at, batch) + turned)[linear] / 2

        return jax.vmap(both)(batches).mean(axis=0)

    return mean


def check_squares(F: NoisyMap, square: np.ndarray, off: np.ndarray) -> None:
    """Raise a ``ValueError`` where a memory of squares is off from a running mean."""
    if not (off <= 1e-6).all():
        name = F.names[square[int(np.argmax(~(off <= 1e-6)))]]
        raise ValueError(
            f"method must keep running means of squares, n ← βn + …, and state{name} is none"
        )


def check_still(F: NoisyMap, still: np.ndarray, after: np.ndarray) -> None:
    """Raise a ``ValueError`` where what stands still moved under far larger squares."""
    moved = still[after != np.asarray(F.point)[still]]
    if moved.size:
        raise ValueError(
            f"method has no stationary state: state{F.names[moved[0]]} keeps the largest there "
            "ever was, as AMSGrad's maximum does"
        )
