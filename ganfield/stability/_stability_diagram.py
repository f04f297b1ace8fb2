"""Which pairs of hyper-parameters let a method converge: by its update map, and by runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Players
from ganfield.checks import check_count, check_positive
from ganfield.methods import State
from ganfield.stability._observed import FLOOR, Approach, approach, observed_rate
from ganfield.stability._outcomes import NUM_DECIDED
from ganfield.stability._predicted import (
    KEPT,
    SOMEWHERE,
    Build,
    check_settles,
    prediction_of,
    rate_of,
)


class StabilityDiagram(NamedTuple):
    """Predicted and real convergence over a grid of two hyper-parameters, and perhaps of seeds.

    Attributes:
        axes: name → the values along that axis, the first name along the rows; of keys, their
            places from 0.
        spectral_radius: of the update map at the equilibrium, as far as it moves the parameters,
            to the power of one over its steps, shape ``(rows, columns, …)`` with an axis for each
            further one; NaN where that has no derivative.
        share: of the starts, how many came to each of the first three of ``OUTCOMES``, shape
            ``(3, rows, columns, …)``. What neither came within a hundredth of its first distance
            nor went a hundred times as far is cycling.
        rate: the median over starts of the factor per step by which the distance changes, over the
            second half of the run, or until rounding takes over, shape ``(rows, columns, …)``; NaN
            where none stayed finite.
    """

    axes: dict[str, np.ndarray]
    spectral_radius: np.ndarray
    share: np.ndarray
    rate: np.ndarray


def stability_diagram(
    build: Build,
    axes: Mapping[str, Any],
    params: Players,
    *,
    num_starts: int = 16,
    distance: float = 0.5,
    num_steps: int = 500,
    state: State | None = None,
    batch: Any = None,
    moments: str = "moving",
    chunk_size: int = 256,
    key: jax.Array | None = None,
) -> StabilityDiagram:
    """Return, over a grid of hyper-parameters, what the update map predicts and what runs do.

    At every point of the grid: the spectral radius of the update map at the equilibrium, and runs
    from starts all round it. One program, vmapped over chunks of the grid.

    Args:
        build: ``build(**{first: value, second: value, …}) -> (method, field)``, called with traced
            values.
        axes: two names → values, such as ``{"step_size": …, "gamma": …}``; the first runs along
            the rows. Values are numbers, or typed keys. Further axes are of seeds or keys, say, of
            a game that is drawn at random.
        params: the equilibrium.
        num_starts: runs for each point of the grid.
        distance: of the starts from the equilibrium. With a small one the runs test the prediction;
            with a large one they show how far it holds.
        num_steps: steps of each run, a multiple of two cycles of the method.
        state: lends its memory to the prediction, as in `ganfield.spectral_radius`; runs begin
            with ``method.init``.
        batch: what the field sees at every step.
        moments: as in `ganfield.update_map`, for the prediction.
        chunk_size: points of the grid at once; more needs more memory.
        key: a typed key for the starts; by default ``jax.random.key(0)``.

    Returns:
        A `StabilityDiagram`.

    Raises:
        ValueError: there are not two or more axes of numbers or keys, or a count is not allowed, or
            there is nothing to predict, as in `largest_stable`.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> def build(step_size, gamma):
        ...     return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)
        >>> diagram = gf.stability_diagram(
        ...     build,
        ...     {"step_size": jnp.array([0.1, 0.5]), "gamma": jnp.array([0.0, 1.0])},
        ...     gf.Players(0.0, 0.0),
        ... )
        >>> diagram.spectral_radius.round(3)
        array([[1.005, 0.906],
               [1.118, 0.707]])
    """
    labels, values, shape = _read_axes(axes)
    grid = np.stack(np.unravel_index(np.arange(math.prod(shape)), shape), axis=1)
    counts = {"num_starts": num_starts, "chunk_size": chunk_size}
    for argument, count in counts.items():
        check_count(count, argument=argument)
    check_positive(distance, argument="distance")
    floor = FLOOR * distance
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        at, batch = double(params, integers=True), double(batch)
        origin, unravel = ravel_pytree(at)
        away = jax.random.normal(key, (num_starts, origin.size), origin.dtype)
        away *= distance / jnp.linalg.norm(away, axis=1, keepdims=True)
        along = {name: _on_device(each) for name, each in values.items()}
        some = {
            name: each[0] if _is_keys(each) else (1 - SOMEWHERE) * each[0] + SOMEWHERE * each[-1]
            for name, each in along.items()
        }
        prediction = prediction_of(*build(**some), at, state, batch, None, moments)

        def of_point(places: jax.Array) -> tuple[jax.Array, Approach]:
            point = zip(along.items(), places, strict=True)
            method, field = build(**{name: each[place] for (name, each), place in point})

            def run(start: jax.Array) -> Approach:
                place = unravel(origin + start)
                return approach(
                    method, field, place, origin, num_steps=num_steps, floor=floor, batch=batch
                )

            radius = rate_of(method, field, at, batch, prediction)
            return radius, jax.vmap(run)(away)

        def sweep(points: jax.Array) -> tuple[jax.Array, Approach]:
            return jax.lax.map(of_point, points, batch_size=chunk_size)

        points = jnp.asarray(grid)
        radius, runs = jax.device_get(compiled(sweep, points, name="_diagram")(points))
    for axis, name in enumerate(labels):
        if state is not None and shape[axis] > 1 and not np.ptp(radius.reshape(shape), axis).any():
            raise ValueError(
                f"state must leave {name} to build, and with it the update map is the same for all "
                f"values: {KEPT}"
            )
    if not (radius < 1).any():
        check_settles(prediction, radius)
    observed = observed_rate(runs, num_steps=num_steps, floor=floor)
    share = np.stack([(observed.outcome == i).mean(axis=1) for i in range(NUM_DECIDED)])
    median = np.ma.median(np.ma.masked_invalid(observed.rate), axis=1).filled(np.nan)
    return StabilityDiagram(
        labels,
        radius.reshape(shape),
        share.reshape(NUM_DECIDED, *shape),
        median.reshape(shape),
    )


def _read_axes(
    axes: Mapping[str, Any],
) -> tuple[dict[str, np.ndarray], dict[str, Any], tuple[int, ...]]:
    """Return name → labels, name → values, and the shape of the grid."""
    given = dict(axes) if isinstance(axes, Mapping) else {}
    values = {name: each if _is_keys(each) else np.asarray(each) for name, each in given.items()}
    if len(values) < 2 or not all(map(_is_axis, values.values())):
        raise ValueError(
            "axes must be two names or more with one-dimensional arrays of finite numbers, or of "
            f'keys, such as {{"step_size": [0.1, 0.2], "gamma": [0.0, 1.0]}}, got {axes!r}'
        )
    labels = {
        name: np.arange(len(each), dtype=float) if _is_keys(each) else each.astype(float)
        for name, each in values.items()
    }
    return labels, values, tuple(len(each) for each in values.values())


def _is_keys(values: Any) -> bool:
    return hasattr(values, "dtype") and jnp.issubdtype(values.dtype, jax.dtypes.prng_key)


def _is_axis(values: Any) -> bool:
    if _is_keys(values):
        return values.ndim == 1 and values.size > 0
    numbers = values.ndim == 1 and values.size > 0 and values.dtype.kind in "fiu"
    return numbers and bool(np.isfinite(values).all())


def _on_device(values: Any) -> Any:
    """Return keys as they are, and numbers in float64: whole ones may be a step size, too."""
    return values if _is_keys(values) else jnp.asarray(values, float)
