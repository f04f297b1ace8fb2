"""A method's step near a point, with what it does not tell refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._types import Field, Players
from ganfield.checks import check_count, check_not_empty
from ganfield.field import check_field
from ganfield.methods import Method, State, check_is_method
from ganfield.spectra._continuum import flat_dimension, looking_at
from ganfield.spectra._period import period
from ganfield.spectra._programs import Look, looking
from ganfield.spectra._roles import (
    are_params,
    at_rest,
    fading,
    following,
    own_decay,
    resting,
    settled,
    steering,
)
from ganfield.spectra._smooth_step import check_step
from ganfield.spectra._update_map import UpdateMap, state_at, update_map

_LATER = 2.0 ** np.arange(0, 21, 4)  # steps
_FEW = 400  # parameters whose Jacobian is made
_ONE = 1e-5  # how near 1 an eigenvalue along a continuum is
_ZERO = 1e-6  # of ‖J‖ (1 + max |x|): the largest residual of a zero


class Local(NamedTuple):
    """A method's step near a point.

    Attributes:
        F: the map of all floats of the state.
        look: ``look(x, u) -> (F(x), F′(x)u)``.
        state: that F was made at; of a lent one, what follows the parameters is at rest.
        num_steps: of F.
        moves: which numbers are parameters, or follow them and move them in turn.
        remembered: which do not follow them: second moments, sums, hyper-parameters.
        decay: by what each of those is multiplied in a step; 1 for the others.
        decays: which are remembered, or only follow, and do not stand still.
        fades: whether some of those steer how steep the step is, as second moments do.
        lent: whether the memory is that of a state.
    """

    F: UpdateMap
    look: Look
    state: State
    num_steps: int
    moves: np.ndarray
    remembered: np.ndarray
    decay: np.ndarray
    decays: np.ndarray
    fades: bool
    lent: bool


def local_map(
    method: Method,
    field: Field,
    params: Players,
    state: State | None,
    batch: Any,
    num_steps: int | None,
) -> Local:
    """Return a method's step near a point, or refuse it.

    Args:
        method: how to move.
        field: along what.
        params: the point, in float64.
        state: lends its memory, or None.
        batch: what the field sees, in float64.
        num_steps: of the map; if None, as many as make one map of them.

    Raises:
        ValueError: those are not one map, or none are (`ganfield.spectra._period.period`); the
            step draws noise of its own, or has a kink or a jump at the point; its derivative there
            is not finite.
    """
    check_is_method(method)
    check_field(field, params, batch)
    check_not_empty(params, argument="params")
    least = method.cycle if num_steps is None else check_count(num_steps, argument="num_steps")
    there = state_at(method, field, params, state, batch, least)
    steps = period(method, field, there, batch, num_steps)
    if state is not None:
        there = at_rest(method, there, params, steps)
    elif steps != least:
        there = state_at(method, field, params, None, batch, steps)
    F = update_map(method, field, there, batch=batch, num_steps=steps)
    look = looking(F)
    follows = are_params(F)
    if not follows.all():
        follows = following(F, look, _slope(field, params, batch))
    decay = own_decay(F, look, ~follows)
    point = F.point
    if state is None and fading(decay).any():
        F = F._replace(point=settled(F, decay))
        decay = own_decay(F, look, ~follows)
    F = F._replace(point=resting(F, look, follows & ~are_params(F)))
    if F.point is not point:
        there = F.unravel(F.point)
    steers = steering(method, field, there, batch)
    moves = follows & steers
    _check_counting(F, look, ~follows & ~fading(decay))
    _check_finite(F, look, moves)
    check_step(F, look, field, params, batch)
    fades = ~follows & fading(decay)
    return Local(
        F,
        look,
        there,
        steps,
        moves,
        ~follows,
        decay,
        fades | (follows & ~steers),
        _steepens(F, look, fades & steers),
        state is not None,
    )


def continuum(local: Local, values: np.ndarray, field: Field, params: Players, batch: Any) -> int:
    """Return how many dimensions of zeros of the field there are round the point.

    It is looked at only where the map has an eigenvalue 1, and of at most 400 parameters.

    Args:
        local: the step.
        values: the eigenvalues of its map.
        field: the field.
        params: the point, in float64.
        batch: what the field sees.
    """
    flat = np.asarray(ravel_pytree(params)[0])
    if flat.size > _FEW or not (np.abs(values - 1) <= _ONE).any():
        return 0
    at = looking_at(field, params, batch)
    value, matrix = at(flat)
    if np.linalg.norm(value) > _ZERO * np.linalg.norm(matrix, 2) * (1 + np.abs(flat).max()):
        return 0
    return flat_dimension(at, flat)


def across(values: Any, dimension: int) -> Any:
    """Return moduli of eigenvalues without those 1 that lead along a continuum; traceable."""
    away = jnp.abs(values - 1)
    order = jnp.argsort(away)
    along = (jnp.arange(len(values)) < dimension) & (away[order] <= _ONE)
    return jnp.where(along, 0.0, jnp.abs(values)[order])


def no_fixed_point(rate: float) -> str:
    """Return why an optimizer whose moments fade has no rate, in words."""
    return (
        "params must be a point at which a run can settle, and without minibatch noise this "
        "optimizer has none: what it remembers of the field's size (second moments) fades until "
        f"its step is unstable (in the end it multiplies distances by {rate:.3g}). Under noise, "
        "gf.noise_floor(…, sample=…).state gives the moments that they settle at; with the state= "
        "of a run its moments are held"
    )


def check_finite(values: Any) -> None:
    """Raise a ``ValueError`` where a derivative is not finite."""
    if not np.isfinite(values).all():
        raise ValueError(
            "params must be a point where the update map has a derivative, and it is not finite "
            "there. Adam has none where its second moments are 0, nor RMSProp with ε outside the "
            "root: give the state of a run, whose moments are not and are held, or under minibatch "
            "noise that of gf.noise_floor(…, sample=…).state. An optimizer that divides by a norm "
            "of the field (adafactor, novograd) has none with any state"
        )


def _check_finite(F: UpdateMap, look: Look, moves: np.ndarray) -> None:
    check_finite(np.asarray(look(F.point, jnp.asarray(1.0 * moves))[1])[moves])


def _slope(field: Field, params: Players, batch: Any) -> float:
    """Return by how much a field changes along a random direction of length √n."""
    flat, unravel = ravel_pytree(params)
    along = jax.random.normal(jax.random.key(0), flat.shape, flat.dtype)
    changes = jax.jvp(lambda x: ravel_pytree(field(unravel(x), batch))[0], (flat,), (along,))[1]
    return float(jnp.linalg.norm(changes))


def _steepens(F: UpdateMap, look: Look, numbers: np.ndarray) -> bool:
    """Return whether F′ of the parameters depends on some of the memory."""
    if not numbers.any():
        return False
    params = are_params(F)
    along = jnp.asarray(np.random.default_rng(0).normal(size=params.size) * params)
    slopes, others = (
        np.asarray(look(F.point + way * numbers, along)[1])[params] for way in (0.0, 0.1)
    )
    return not np.abs(slopes - others).max() <= 1e-9 * np.abs(slopes).max()


def _check_counting(F: UpdateMap, look: Look, stands: np.ndarray) -> None:
    """Raise a ``ValueError`` where the parameters' motion hangs on a float that counts.

    So does that of `optax.contrib.schedule_free` on its sum of weights.
    """
    if not stands.any():
        return
    params, random = are_params(F), np.random.default_rng(0).normal(size=(2, stands.size))
    point = np.asarray(F.point)

    def slopes_at(x: np.ndarray) -> np.ndarray:
        return np.stack([np.asarray(look(jnp.asarray(x), jnp.asarray(u))[1]) for u in random])

    moved, slopes = np.asarray(look(F.point, jnp.asarray(random[0]))[0]), slopes_at(point)
    drift = np.where(stands, moved - point, 0)
    grows = np.abs(drift) > 1e-12 * (1 + np.abs(moved))
    for steps in _LATER if grows.any() else ():
        later = slopes_at(point + steps * drift)
        if np.abs(later - slopes)[:, params].max() > 1e-12 * np.abs(slopes).max():
            raise ValueError(
                "method must do the same again after some steps, and what its step does depends on "
                f"floats of its memory that count ({grows.sum()} of them), as in a schedule: that "
                "has no one update map"
            )
