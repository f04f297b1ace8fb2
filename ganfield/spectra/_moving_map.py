"""The update map of a run on its way: what moves, under what the optimizer remembers just now."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._tree import strong
from ganfield._types import Field
from ganfield.methods import Method, State, check_is_method
from ganfield.spectra._programs import jacobian_at
from ganfield.spectra._roles import are_params, pushed, steering
from ganfield.spectra._update_map import UpdateMap, update_map


def moving_map(method: Method, field: Field, state: State, batch: Any = None) -> UpdateMap:
    """Return the map of what moves in a step: parameters and momentum, second moments held.

    `ganfield.update_map` maps the whole state, and F′ then has the optimizer's own decay among its
    eigenvalues, such as RMSProp's β. Here are the parameters' modes alone: parameters, and what
    follows them to first order and moves them in turn (momentum, a previous gradient), all other
    memory as ``state`` has it before the step. So it is the real state of a run that decides, also
    far from an equilibrium. In the precision of ``state``.

    There the field is not 0, and neither is what this step itself adds to the second moments: its
    derivative is part of F′, as it is part of the step.

    Args:
        method: how to move.
        field: along what.
        state: of a run, such as ``gf.runs.load(folder).state``.
        batch: what the field sees.

    Returns:
        An `UpdateMap` of those numbers; ``num_steps`` is a cycle of the method.

    Raises:
        ValueError: ``method`` is none.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=0.0))  # v = −x
        >>> method = gf.simultaneous(optax.sgd(0.1, momentum=0.5))
        >>> F = gf.spectra.moving_map(method, v, method.init(gf.Players(1.0, 1.0)))
        >>> F.point.shape, F.jacobian(F.point)[0]
        ((4,), Array([ 0.9 ,  0.  , -0.05,  0.  ], dtype=float32))
    """
    check_is_method(method)
    state = strong(state)
    F = update_map(method, field, state, batch=batch, num_steps=method.cycle)
    moves = are_params(F)
    if not moves.all():
        follows = _following(method, state, F.point.size)
        moves = moves | (follows & steering(method, field, state, batch))
    places = jnp.asarray(np.flatnonzero(moves))

    def whole(y: jax.Array) -> jax.Array:
        return F.point.at[places].set(y)

    def apply(y: jax.Array) -> jax.Array:
        return F.apply(whole(y))[places]

    def along(y: jax.Array, tangent: jax.Array) -> jax.Array:
        return jax.jvp(apply, (y,), (tangent,))[1]

    def against(y: jax.Array, cotangent: jax.Array) -> jax.Array:
        return jax.vjp(apply, y)[1](cotangent)[0]

    return UpdateMap(
        F.point[places],
        apply,
        lambda y: jacobian_at(apply, y),
        along,
        against,
        lambda y: F.unravel(whole(y)),
    )


def _following(method: Method, state: State, size: int) -> np.ndarray:
    """Return which floats of a state follow the parameters to first order."""
    told = pushed(method, state, state.params, method.cycle).values()
    parts = [follows.ravel() for follows, _ in told]
    return np.concatenate(parts) if parts else np.zeros(size, bool)
