"""Which hyper-parameters let a method converge: by its update map, and by runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_bounds, check_count, check_positive, lookup
from ganfield.methods import Method, State
from ganfield.spectra import standing, state_at, steps_of, update_map
from ganfield.stability._observed import FLOOR, Approach, approach, observed_rate
from ganfield.stability._outcomes import NUM_DECIDED

Build = Callable[..., tuple[Method, Field]]
"""``build(**hyper_parameters) -> (method, field)``, called with traced values."""

_SOMEWHERE = 0.382  # of the way between the bounds
_KEPT = (
    "optax.inject_hyperparams keeps its hyper-parameters in the state. Give build the optimizer "
    "without it, or no state"
)
_EDGE = 1 - 1e-12  # eigenvalues on the unit circle are rounded to either side of it


class StabilityDiagram(NamedTuple):
    """Predicted and real convergence over a grid of two hyper-parameters.

    Attributes:
        axes: name → the values along that axis, the first name along the rows.
        spectral_radius: of the update map at the equilibrium, shape ``(rows, columns)``; NaN where
            that has no derivative.
        share: of the starts, how many came to each of the first three of ``OUTCOMES``, shape
            ``(3, rows, columns)``. What neither came within a hundredth of its first distance nor
            went a hundred times as far is cycling.
        rate: the median over starts of the factor per step by which the distance changes, over the
            second half of the run, or until rounding takes over, shape ``(rows, columns)``; NaN
            where none stayed finite.
    """

    axes: dict[str, np.ndarray]
    spectral_radius: np.ndarray
    share: np.ndarray
    rate: np.ndarray


def largest_stable(
    build: Build,
    params: Players,
    *,
    bounds: tuple[float, float],
    side: str = "largest",
    state: State | None = None,
    batch: Any = None,
    num_steps: int | None = None,
    moments: str = "moving",
    resolution: int = 64,
) -> float:
    """Return the largest (or smallest) value of a hyper-parameter for which a method is stable.

    The spectral radius of the update map is taken at ``resolution`` values between the bounds, in
    one vmapped program and in float64, and the last stable one (the first) is refined by bisection.
    For plain simultaneous steps the largest step size is Lemma 4's, `ganfield.max_step_size`.

    Stable is a radius below 1 by more than rounding, 1e-12. So alternating steps on the bilinear
    game, whose eigenvalues stay on the unit circle up to n_θ n_φ h²c² = 4, are stable nowhere.

    Args:
        build: ``build(value) -> (method, field)``, called with a traced value.
        params: the equilibrium.
        bounds: (low, high), where to look, as finite numbers.
        side: "largest" or "smallest".
        state: lends its memory (moments, counts), as in `ganfield.spectral_radius`; Adam needs it.
        batch: what the field sees.
        num_steps: as in `ganfield.update_map`.
        moments: as in `ganfield.update_map`.
        resolution: how many values are tried before bisection. A stable interval narrower than
            their distance can be missed.

    Returns:
        The value, to about 1e-12 of the bounds' width; NaN where no value tried is stable, and the
        bound itself where that is stable.

    Raises:
        ValueError: the bounds, the side or a count is not allowed, the update map has no
            derivative at any value tried, or a step depends on a count and never repeats (a
            schedule), or not after ``num_steps``, or jumps at the point, or ``state`` holds the
            hyper-parameter.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, Lemma 4.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> w = gf.consensus(v, gamma=0.5)
        >>> def build(step_size):
        ...     return gf.simultaneous(optax.sgd(step_size)), w
        >>> round(gf.largest_stable(build, gf.Players(0.0, 0.0), bounds=(0.0, 4.0)), 6)
        0.8
    """
    low, high = _check_interval(bounds)
    resolution = check_count(resolution, argument="resolution", minimum=2)
    direction = lookup({"largest": 1, "smallest": -1}, side, argument="side")
    with jax.enable_x64(True):
        at, batch = double(params, integers=True), double(batch)
        # Not at an end: with no step at all, say, every step is the same.
        some = build(jnp.asarray(low + _SOMEWHERE * (high - low)))
        steps = steps_of(*some, at, state, batch, num_steps)

        def radius(value: jax.Array) -> jax.Array:
            return _radius(*build(value), at, state, batch, steps, moments)

        # From the side that is looked from, inwards.
        values = jnp.linspace(low, high, resolution)[::-direction]
        radii = np.asarray(jax.jit(jax.vmap(radius))(values))
        if not np.isfinite(radii).any():
            raise ValueError(
                "params must be a point where the update map has a derivative, and it is not "
                "finite there for any value between the bounds. Adam has none where its second "
                "moments are 0, nor RMSProp with ε outside the root"
            )
        if state is not None and np.ptp(radii) == 0:
            raise ValueError(
                "state must leave the hyper-parameter to build, and with it the update map is the "
                f"same for all values: {_KEPT}"
            )
        stable = radii < _EDGE
        if not stable.any():
            return float("nan")
        first = int(np.argmax(stable))
        inside = float(values[first])
        if first == 0:
            return inside
        outside, exact = float(values[first - 1]), jax.jit(radius)
        for _ in range(48):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if exact(middle) < _EDGE else (inside, middle)
    return inside


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
    """Return, over a grid of two hyper-parameters, what the update map predicts and what runs do.

    At every point of the grid: the spectral radius of the update map at the equilibrium, and runs
    from starts all round it. One program, vmapped over chunks of the grid.

    Args:
        build: ``build(**{first: value, second: value}) -> (method, field)``, called with traced
            values.
        axes: two names → values, such as ``{"step_size": …, "gamma": …}``; the first runs along
            the rows.
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
        ValueError: there are not two axes of numbers, or a count is not allowed.

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
    names, grid, shape = _two_axes(axes)
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
        some = (1 - _SOMEWHERE) * grid[0] + _SOMEWHERE * grid[-1]
        built = build(**dict(zip(names, jnp.asarray(some), strict=True)))
        steps = steps_of(*built, at, state, batch, None)

        def of_point(values: jax.Array) -> tuple[jax.Array, Approach]:
            method, field = build(**dict(zip(names, values, strict=True)))

            def run(start: jax.Array) -> Approach:
                place = unravel(origin + start)
                return approach(
                    method, field, place, origin, num_steps=num_steps, floor=floor, batch=batch
                )

            radius = _radius(method, field, at, state, batch, steps, moments)
            return radius, jax.vmap(run)(away)

        sweep = jax.jit(lambda points: jax.lax.map(of_point, points, batch_size=chunk_size))
        radius, runs = jax.device_get(sweep(jnp.asarray(grid)))
    for axis, name in enumerate(names):
        if state is not None and shape[axis] > 1 and not np.ptp(radius.reshape(shape), axis).any():
            raise ValueError(
                f"state must leave {name} to build, and with it the update map is the same for all "
                f"values: {_KEPT}"
            )
    observed = observed_rate(runs, num_steps=num_steps, floor=floor)
    share = np.stack([(observed.outcome == i).mean(axis=1) for i in range(NUM_DECIDED)])
    median = np.ma.median(np.ma.masked_invalid(observed.rate), axis=1).filled(np.nan)
    return StabilityDiagram(
        {name: np.asarray(axes[name], float) for name in names},
        radius.reshape(shape),
        share.reshape(NUM_DECIDED, *shape),
        median.reshape(shape),
    )


def _radius(
    method: Method,
    field: Field,
    at: Players,
    state: State | None,
    batch: Any,
    num_steps: int,
    moments: str,
) -> jax.Array:
    there = state_at(method, field, at, state, batch, num_steps)
    F = update_map(method, field, there, batch=batch, num_steps=num_steps, moments=moments)
    matrix = F.jacobian(F.point)
    matrix = jnp.where(standing(F, matrix)[:, None], 0, matrix)
    return jnp.abs(jnp.linalg.eigvals(matrix)).max() ** (1 / num_steps)


def _check_interval(bounds: Any) -> tuple[float, float]:
    pair = check_bounds(bounds)
    if isinstance(bounds, Players):
        raise ValueError(f"bounds must be one pair (low, high), got {bounds!r}")
    low, high = pair.theta
    return low, high


def _two_axes(axes: Mapping[str, Any]) -> tuple[list[str], np.ndarray, tuple[int, ...]]:
    given = dict(axes) if isinstance(axes, Mapping) else {}
    values = {name: np.asarray(axis) for name, axis in given.items()}
    if len(values) != 2 or not all(map(_is_axis, values.values())):
        raise ValueError(
            "axes must be two names with one-dimensional arrays of finite numbers, such as "
            f'{{"step_size": [0.1, 0.2], "gamma": [0.0, 1.0]}}, got {axes!r}'
        )
    first, second = (axis.astype(float) for axis in values.values())
    grid = np.stack([axis.ravel() for axis in np.meshgrid(first, second, indexing="ij")], axis=1)
    return list(values), grid, (first.size, second.size)


def _is_axis(values: np.ndarray) -> bool:
    numbers = values.ndim == 1 and values.size > 0 and values.dtype.kind in "fiu"
    return numbers and bool(np.isfinite(values).all())
