"""What an update map predicts for all values of the hyper-parameters, by one look at a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import Field, Players
from ganfield.checks import lookup
from ganfield.methods import Method, State
from ganfield.spectra import (
    MOMENTS,
    Local,
    across,
    continuum,
    local_map,
    matrix_of,
    no_fixed_point,
    settled,
    state_at,
    update_map,
)

Build = Callable[..., tuple[Method, Field]]
"""``build(**hyper_parameters) -> (method, field)``, called with traced values."""

SOMEWHERE = 0.382  # of the way between bounds: not at an end, where no step may be made at all
KEPT = (
    "optax.inject_hyperparams keeps its hyper-parameters in the state. Give build the optimizer "
    "without it, or no state"
)
_MULTIPLE = (
    "state must hold no second moments that fade: those of a run follow its own step size, and the "
    "one that is stable with them held is a multiple of that. moments='frozen' holds the "
    "whole memory all the same, momentum too; under minibatch noise no step size is the largest, "
    "and gf.noise_floor(…, sample=…) tells what each of them makes of the moments"
)


class Prediction(NamedTuple):
    """What is the same for all values of the hyper-parameters."""

    local: Local
    frozen: bool
    dimension: int


def prediction_of(
    method: Method,
    field: Field,
    at: Players,
    state: State | None,
    batch: Any,
    num_steps: int | None,
    moments: str,
) -> Prediction:
    """Look at a method's step for some values, or refuse it."""
    frozen = lookup(MOMENTS, moments, argument="moments")
    local = local_map(method, field, at, state, batch, num_steps)
    if local.lent and local.fades and not frozen:
        raise ValueError(_MULTIPLE)
    matrix = matrix_of(local)
    values = np.linalg.eigvals(matrix[np.ix_(local.moves, local.moves)])
    return Prediction(local, frozen, continuum(local, values, field, at, batch))


def rate_of(
    method: Method, field: Field, at: Players, batch: Any, prediction: Prediction
) -> jax.Array:
    """Return the rate of the parameters' motion, with second moments held; traceable."""
    local, frozen, dimension = prediction
    steps, moves = local.num_steps, local.moves
    there = local.state if local.lent else state_at(method, field, at, None, batch, steps)
    F = update_map(method, field, there, batch=batch, num_steps=steps)
    if not local.lent:
        F = F._replace(point=settled(F, local.decay))
    if frozen:
        there, moments = F.unravel(F.point), "frozen"
        F = update_map(method, field, there, batch=batch, num_steps=steps, moments=moments)
        moves = np.ones(F.point.size, bool)
    matrix = F.jacobian(F.point)[moves][:, moves]
    return across(jnp.linalg.eigvals(matrix), dimension).max() ** (1 / steps)


def check_settles(prediction: Prediction, radii: np.ndarray) -> None:
    """Raise a ``ValueError`` where nothing is stable because second moments fade."""
    if prediction.local.fades and not prediction.local.lent:
        raise ValueError(no_fixed_point(float(np.nanmin(radii))))
