"""How fast runs approach a point, and what becomes of them, from distances at three times."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._types import Field, Players
from ganfield.checks import check_count
from ganfield.methods import Method, State, for_each_move
from ganfield.stability._outcomes import CONVERGED, CYCLING, DIVERGED

_FACTOR = 100.0  # nearer or further than the start by this much has converged or diverged
# At the default floor a distance is rounding, not convergence.
FLOOR = 1e-10


class Approach(NamedTuple):
    """Distances of runs from a point.

    Attributes:
        start: before the first step.
        middle: after half of the steps.
        end: after all of them.
        above: the number of steps after which the distance was above the floor.
        unsolved: the number of steps whose inner solve did not converge (`Info.converged`), one for
            each run.
    """

    start: Any
    middle: Any
    end: Any
    above: Any
    unsolved: Any = 0


class ObservedRate(NamedTuple):
    """What became of runs, arrays of one shape.

    Attributes:
        rate: the factor per step by which the distance changes; NaN where the run overflowed.
        outcome: places in ``gf.stability.OUTCOMES``: "converged" (a hundredth of the first
            distance, or less), "diverged" (more than a hundred times the first distance, or not
            finite), "cycling" (what is left).
    """

    rate: np.ndarray
    outcome: np.ndarray


def approach(
    method: Method,
    field: Field,
    start: Players,
    points: Any,
    *,
    num_steps: int,
    floor: Any = FLOOR,
    batch: Any = None,
) -> Approach:
    """Run a method and return how far from given points it is at the start, half-way, at the end.

    A traceable function, to be used below `jax.vmap` and `jax.jit`, with traced step sizes: of each
    run it keeps five numbers and not its whole path. `ganfield.stability.observed_rate` reads them.

    Args:
        method: how to move.
        field: along what.
        start: the parameters to start from.
        points: what distances are measured from, as flat parameters (θ before φ), shape ``(n,)``,
            or several, shape ``(k, n)``.
        num_steps: how many steps, an even number; two cycles of the method must divide it.
        floor: distances above it are counted.
        batch: what the field sees at every step.

    Returns:
        An `Approach`; its distances have the shape ``points.shape[:-1]``.

    Raises:
        ValueError: ``num_steps`` is not allowed.

    Example:
        >>> import jax.numpy as jnp, optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, 0.0))  # v = −x
        >>> method = gf.simultaneous(optax.sgd(0.5))
        >>> approach(method, v, gf.Players(3.0, 4.0), jnp.zeros(2), num_steps=2)
        Approach(start=Array(5...), middle=Array(2.5...), end=Array(1.25...), ...)
    """
    num_steps = check_count(num_steps, argument="num_steps", minimum=2)
    if num_steps % (2 * method.cycle):
        raise ValueError(
            "num_steps must be a multiple of two cycles of the method, "
            f"{2 * method.cycle}, got {num_steps}"
        )
    batches = for_each_move(method, batch)

    def gaps(state: State) -> jax.Array:
        return jnp.linalg.norm(ravel_pytree(state.params)[0] - points, axis=-1)

    def body(carry: tuple[State, Any, Any], _: None) -> tuple[tuple[State, Any, Any], None]:
        state, above, unsolved = carry
        state, info = method.step(field, state, batches)
        above += gaps(state) > floor
        return (state, above, unsolved + ~jnp.asarray(info.converged)), None

    def half(carry: tuple[State, Any, Any], _: None) -> tuple[tuple[State, Any, Any], jax.Array]:
        carry, _ = jax.lax.scan(body, carry, None, length=num_steps // 2)
        return carry, gaps(carry[0])

    state = method.init(start)
    first = gaps(state)
    carry = (state, jnp.zeros(first.shape, int), jnp.zeros((), int))
    # A scan of two halves, so that the step is compiled once.
    (_, above, unsolved), (middle, end) = jax.lax.scan(half, carry, None, length=2)
    return Approach(first, middle, end, above, unsolved)


def observed_rate(runs: Approach, *, num_steps: int, floor: Any = FLOOR) -> ObservedRate:
    """Return by which factor the distance of runs changes in a step, and what became of them.

    The factor is that of the second half of the steps, (end/middle)^(2/num_steps); where rounding
    took over before the end, and the distance went below the floor, it is that from the start to
    there, (floor/start)^(1/(above + 1)).

    Args:
        runs: from `ganfield.stability.approach`, with any axes in front.
        num_steps: as there.
        floor: as there.

    Returns:
        An `ObservedRate`, on the host.

    Example:
        >>> import numpy as np
        >>> runs = Approach(*np.array([[1.0, 1.0], [0.5, 1e-12], [0.25, 1e-12], [4, 2]]))
        >>> observed_rate(runs, num_steps=4).rate.round(2)
        array([0.71, 0.  ])
    """
    first, middle, end, above = (np.asarray(part) for part in runs[:4])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        lost = ~np.isfinite(end) | (end > _FACTOR * first)
        over_half = (end / middle) ** (2 / num_steps)
        to_floor = (floor / first) ** (1 / (above + 1))
        rate = np.where(above >= num_steps, over_half, np.where(lost, np.nan, to_floor))
    near = ~lost & (end < first / _FACTOR)
    outcome = np.where(lost, DIVERGED, np.where(near, CONVERGED, CYCLING))
    return ObservedRate(np.where(np.isfinite(rate), rate, np.nan), outcome)
