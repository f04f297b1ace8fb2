"""The duality gap of a run on the way: what each player gains alone, from a copy."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._types import Batch, Players
from ganfield.configuration import Built, make_optimizers
from ganfield.runs._quick import quick_jit
from ganfield.stability import Copies, alone, copies_of, gains_of
from ganfield.training._feeds import Feed

_FIRST = 2**30  # Metrics have the batches of the steps, which are fewer.


class Gaps:
    """Measures `ganfield.duality_gap` with a run's own optimizers, whose memory is fresh.

    Args:
        built: the run.
        feed: its batches; the steps see some of their own, and so do the losses.
        num_steps: of each player.
    """

    def __init__(self, built: Built, feed: Feed, num_steps: int):
        self._feed, self._num_steps = feed, num_steps
        game, optimizers = built.game, make_optimizers(built.config.method)

        def move(params: Players, copies: Copies, batch: Batch) -> Copies:
            return alone(game, optimizers, params, copies, batch)

        def gains(params: Players, copies: Copies, batch: Batch) -> tuple[jax.Array, jax.Array]:
            return gains_of(game, params, copies, batch)

        self._begin = quick_jit(lambda params: copies_of(optimizers, params))
        self._move, self._gains = jax.jit(move), quick_jit(gains)

    def __call__(self, params: Players, step: int) -> dict[str, float]:
        """Return the gains at a step of the run; the same whenever they are asked for."""
        copies = self._begin(jax.tree.map(jnp.asarray, params))
        for index in range(self._num_steps):
            place = (step * self._num_steps + index) % _FIRST
            copies = self._move(params, copies, self._feed.measured(_FIRST + place))
        gained = jax.device_get(self._gains(params, copies, self._feed.measured(step)))
        theta, phi = map(float, gained)
        return {"gain_theta": theta, "gain_phi": phi, "gap": theta + phi}
