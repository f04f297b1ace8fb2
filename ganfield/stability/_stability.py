"""Which hyper-parameters let a method converge: by its update map, and by runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_bounds, check_count, check_positive, lookup
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
from ganfield.stability._mean_square import mean_square_radius_of
from ganfield.stability._observed import FLOOR, Approach, approach, observed_rate
from ganfield.stability._outcomes import NUM_DECIDED

Build = Callable[..., tuple[Method, Field]]
"""``build(**hyper_parameters) -> (method, field)``, called with traced values."""

_SOMEWHERE = 0.382  # of the way between the bounds
_KEPT = (
    "optax.inject_hyperparams keeps its hyper-parameters in the state. Give build the optimizer "
    "without it, or no state"
)
_MULTIPLE = (
    "state must hold no second moments that fade: those of a run follow its own step size, and the "
    "one that is stable with them held is a multiple of that. moments='frozen' holds the "
    "whole memory all the same, momentum too; under minibatch noise no step size is the largest, "
    "and gf.noise_floor(…, sample=…) tells what each of them makes of the moments"
)
_EDGE = 1 - 1e-12  # eigenvalues on the unit circle are rounded to either side of it


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
    sample: Callable[[jax.Array], PyTree] | None = None,
    key: jax.Array | None = None,
) -> float:
    """Return the largest (or smallest) value of a hyper-parameter for which a method is stable.

    The rate of the parameters' motion (`ganfield.spectra.SpectralRadius.rate`) is taken at
    ``resolution`` values between the bounds, in one vmapped program and in float64, and the last
    stable one (the first) is refined by bisection.
    For plain simultaneous steps the largest step size is Lemma 4's, `ganfield.max_step_size`.

    Stable is a radius below 1 by more than rounding, 1e-12. So alternating steps on the bilinear
    game, whose eigenvalues stay on the unit circle up to n_θ n_φ h²c² = 4, are stable nowhere.

    Args:
        build: ``build(value) -> (method, field)``, called with a traced value.
        params: the equilibrium.
        bounds: (low, high), where to look, as finite numbers.
        side: "largest" or "smallest".
        state: lends its memory, as in `ganfield.spectral_radius`. Second moments that fade are
            refused, for the answer would be a multiple of the step size of the run they are from.
        batch: what the field sees.
        num_steps: as in `ganfield.update_map`.
        moments: as in `ganfield.update_map`.
        resolution: how many values are tried before bisection. A stable interval narrower than
            their distance can be missed.
        sample: ``sample(key) -> batch``; then stable is the mean square under minibatches
            (`ganfield.mean_square_radius` below 1), over 1024 of them.
        key: a typed key for those batches; by default ``jax.random.key(0)``.

    Returns:
        The value, to about 1e-12 of the bounds' width; NaN where no value tried is stable, and the
        bound itself where that is stable.

    Raises:
        ValueError: the bounds, the side or a count is not allowed, the update map has no
            derivative, or a step depends on a count and never repeats (a schedule), or not after
            ``num_steps``, or has a kink or a jump at the point, or noise of its own, or second
            moments that fade until it is unstable at every value tried, or ``state`` holds the
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
        # From the side that is looked from, inwards.
        values = jnp.linspace(low, high, resolution)[::-direction]
        if sample is not None:
            in_mean_square = mean_square_radius_of(build, some, at, sample, key)
            return _edge(in_mean_square, values, _radii(in_mean_square, values))
        prediction = _prediction(*some, at, state, batch, num_steps, moments)

        def radius(value: jax.Array) -> jax.Array:
            return _radius(*build(value), at, batch, prediction)

        radii = _radii(radius, values)
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
        if not (radii < _EDGE).any():
            _check_settles(prediction, radii)
        return _edge(radius, values, radii)


Radius = Callable[[jax.Array], jax.Array]


def _radii(radius: Radius, values: jax.Array) -> np.ndarray:
    """Return the radii of all values, by one program."""
    return np.asarray(compiled(jax.vmap(radius), values, name="_radii")(values))


def _edge(radius: Radius, values: jax.Array, radii: np.ndarray) -> float:
    """Return the first stable value, refined towards the unstable one before it."""
    stable = radii < _EDGE
    if not stable.any():
        return float("nan")
    first = int(np.argmax(stable))
    inside = float(values[first])
    if first == 0:
        return inside
    outside, exact = float(values[first - 1]), compiled(radius, values[0], name="_radius")
    for _ in range(48):
        middle = (inside + outside) / 2
        stays = float(exact(jnp.asarray(middle))) < _EDGE
        inside, outside = (middle, outside) if stays else (inside, middle)
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
            name: each[0] if _is_keys(each) else (1 - _SOMEWHERE) * each[0] + _SOMEWHERE * each[-1]
            for name, each in along.items()
        }
        prediction = _prediction(*build(**some), at, state, batch, None, moments)

        def of_point(places: jax.Array) -> tuple[jax.Array, Approach]:
            point = zip(along.items(), places, strict=True)
            method, field = build(**{name: each[place] for (name, each), place in point})

            def run(start: jax.Array) -> Approach:
                place = unravel(origin + start)
                return approach(
                    method, field, place, origin, num_steps=num_steps, floor=floor, batch=batch
                )

            radius = _radius(method, field, at, batch, prediction)
            return radius, jax.vmap(run)(away)

        def sweep(points: jax.Array) -> tuple[jax.Array, Approach]:
            return jax.lax.map(of_point, points, batch_size=chunk_size)

        points = jnp.asarray(grid)
        radius, runs = jax.device_get(compiled(sweep, points, name="_diagram")(points))
    for axis, name in enumerate(labels):
        if state is not None and shape[axis] > 1 and not np.ptp(radius.reshape(shape), axis).any():
            raise ValueError(
                f"state must leave {name} to build, and with it the update map is the same for all "
                f"values: {_KEPT}"
            )
    if not (radius < 1).any():
        _check_settles(prediction, radius)
    observed = observed_rate(runs, num_steps=num_steps, floor=floor)
    share = np.stack([(observed.outcome == i).mean(axis=1) for i in range(NUM_DECIDED)])
    median = np.ma.median(np.ma.masked_invalid(observed.rate), axis=1).filled(np.nan)
    return StabilityDiagram(
        labels,
        radius.reshape(shape),
        share.reshape(NUM_DECIDED, *shape),
        median.reshape(shape),
    )


class _Prediction(NamedTuple):
    """What is the same for all values of the hyper-parameters."""

    local: Local
    frozen: bool
    dimension: int


def _prediction(
    method: Method,
    field: Field,
    at: Players,
    state: State | None,
    batch: Any,
    num_steps: int | None,
    moments: str,
) -> _Prediction:
    """Look at a method's step for some values, or refuse it."""
    frozen = lookup(MOMENTS, moments, argument="moments")
    local = local_map(method, field, at, state, batch, num_steps)
    if local.lent and local.fades and not frozen:
        raise ValueError(_MULTIPLE)
    matrix = matrix_of(local)
    values = np.linalg.eigvals(matrix[np.ix_(local.moves, local.moves)])
    return _Prediction(local, frozen, continuum(local, values, field, at, batch))


def _radius(
    method: Method, field: Field, at: Players, batch: Any, prediction: _Prediction
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


def _check_settles(prediction: _Prediction, radii: np.ndarray) -> None:
    """Raise a ``ValueError`` where nothing is stable because second moments fade."""
    if prediction.local.fades and not prediction.local.lent:
        raise ValueError(no_fixed_point(float(np.nanmin(radii))))


def _check_interval(bounds: Any) -> tuple[float, float]:
    pair = check_bounds(bounds)
    if isinstance(bounds, Players):
        raise ValueError(f"bounds must be one pair (low, high), got {bounds!r}")
    low, high = pair.theta
    return low, high


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
