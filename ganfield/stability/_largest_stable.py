"""The largest value of a hyper-parameter for which a method is stable, by its update map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Players, PyTree
from ganfield.checks import check_bounds, check_count, lookup
from ganfield.methods import State
from ganfield.stability._mean_square import mean_square_radius_of
from ganfield.stability._predicted import (
    KEPT,
    SOMEWHERE,
    Build,
    check_settles,
    prediction_of,
    rate_of,
)

_EDGE = 1 - 1e-12  # eigenvalues on the unit circle are rounded to either side of it


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
        some = build(jnp.asarray(low + SOMEWHERE * (high - low)))
        # From the side that is looked from, inwards.
        values = jnp.linspace(low, high, resolution)[::-direction]
        if sample is not None:
            in_mean_square = mean_square_radius_of(build, some, at, sample, key)
            return _edge(in_mean_square, values, _radii(in_mean_square, values))
        prediction = prediction_of(*some, at, state, batch, num_steps, moments)

        def radius(value: jax.Array) -> jax.Array:
            return rate_of(*build(value), at, batch, prediction)

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
                f"same for all values: {KEPT}"
            )
        if not (radii < _EDGE).any():
            check_settles(prediction, radii)
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


def _check_interval(bounds: Any) -> tuple[float, float]:
    pair = check_bounds(bounds)
    if isinstance(bounds, Players):
        raise ValueError(f"bounds must be one pair (low, high), got {bounds!r}")
    low, high = pair.theta
    return low, high
