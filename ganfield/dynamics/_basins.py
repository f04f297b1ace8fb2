"""Where every start of a grid ends: attractors, limit cycles, or nowhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield._memory import check_memory, size_of
from ganfield._types import Field, Players
from ganfield.checks import check_count, check_not_negative
from ganfield.dynamics._cycles import Cycle, attracting_cycles
from ganfield.field import check_plane_field
from ganfield.methods import Method, check_is_method, for_each_move
from ganfield.stability import CONVERGED, CYCLING, DIVERGED, UNDECIDED, Judged

_STEADY = 0.01  # the largest relative change of a cycle's radius from one half window to the next


class Basins(NamedTuple):
    """What became of every start of a grid. Arrays have the grid's shape unless said otherwise.

    Attributes:
        grid: the starts.
        outcome: places in ``gf.stability.OUTCOMES``: "converged", "cycling" (bounded, with a
            steady radius), "diverged" (NaN or infinite at any step, or further from the grid's
            centre than ``escape`` half diagonals), "undecided" (still moving, more steps may tell;
            or at rest where nothing attracts: on a saddle, in a line of equilibria, where the field
            dies away).
        attractor: the row in ``attractors`` of what it converged to, or −1.
        attractors: the points that starts converged to and that take back what is pushed a little
            away from them, shape ``(k, 2)``, the most reached first.
        period: of a cycle, in steps, else NaN.
        radius: of a cycle, else NaN.
        cycles: the cycles that attract: from 5 % nearer to the centre and from 5 % further away
            the method returns. Of a family of closed orbits, one for each start as round a centre,
            none does.
        ends: where the starts ended.
    """

    grid: Players
    outcome: np.ndarray
    attractor: np.ndarray
    attractors: np.ndarray
    period: np.ndarray
    radius: np.ndarray
    cycles: tuple[Cycle, ...]
    ends: Players


class _Watch(NamedTuple):
    """Running sums over half a window, of positions relative to its start."""

    weight: Any
    mean: Any
    square: Any


def basins(
    method: Method,
    field: Field,
    grid: Players,
    *,
    num_steps: int = 1000,
    batch: Any = None,
    tolerance: float = 1e-3,
    escape: float = 10.0,
) -> Basins:
    """Return which attractor every start of a grid ends in, its cycle, or that it diverges.

    One vmapped program takes ``num_steps`` steps from every start. The second half of them is the
    window that is judged: a start has converged if it moves no further in the window's second half
    than ``tolerance``, and cycles if it turns at least twice in each half while its radius stays
    within 1 %. (So a spiral that needs more than ``num_steps`` to change its size by 4 % passes for
    a cycle.) Means over a window are weighted (Hann), so that a part of a turn does not count much.
    The period is the window's length over the number of turns of the direction of motion.

    Args:
        method: how to move, such as ``gf.simultaneous(optax.sgd(0.1))``.
        field: a field of two numbers, ``field(Players, batch) -> Players``. Of a larger game,
            `ganfield.planes.on_plane` makes one.
        grid: `Players` of two arrays of one shape, as from `ganfield.grid`.
        num_steps: how many steps, at least 8.
        batch: what the field sees at every step.
        tolerance: as a share of the grid's diagonal. Attractors nearer to each other than 5 times
            that are one, and pushes are as long.
        escape: how many half diagonals away from the grid's centre counts as gone.

    Returns:
        A `Basins`, on the host.

    Raises:
        ValueError: an argument is not allowed, the grid is not finite, or the field is none of two
            numbers; or the machine has not the memory for so many starts.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.sine())
        >>> starts = gf.grid(gf.Players((0.5, 5.5), (-1, 1)), 8)
        >>> basins = gf.basins(gf.simultaneous(optax.sgd(0.5)), v, starts, num_steps=200)
        >>> basins.attractors.round(3)
        array([[3.142, 0.   ]], dtype=float32)
    """
    check_is_method(method)
    num_steps = check_count(num_steps, argument="num_steps", minimum=8)
    check_not_negative(tolerance, argument="tolerance")
    check_not_negative(escape, argument="escape")
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(grid)]
    if not isinstance(grid, Players) or len(shapes) != 2 or len({*shapes}) != 1 or 0 in shapes[0]:
        raise ValueError(
            "grid must be Players of two arrays of one shape, as gf.grid makes, got "
            f"{type(grid).__name__} of shapes {shapes}"
        )
    number = jax.ShapeDtypeStruct((), jnp.result_type(float))
    state = jax.eval_shape(method.init, Players(number, number))
    check_memory(
        math.prod(shapes[0]),
        lambda count: count * (2.0 * size_of(state) + 150),
        argument="grid must hold starts,",
        what="their states and what became of them",
    )
    if not all(np.isfinite(leaf).all() for leaf in grid):
        raise ValueError("grid must be finite, got NaN or an infinity among the starts")
    shape = shapes[0]
    starts = jax.tree.map(lambda x: jnp.ravel(jnp.asarray(x, jnp.result_type(x, float))), grid)
    check_plane_field(field, batch, purpose="a map of basins")
    corners = np.array([[np.min(x), np.max(x)] for x in starts])
    diagonal = float(np.hypot(*(corners[:, 1] - corners[:, 0]))) or 1.0

    middle, reach = corners.mean(axis=1), escape * diagonal / 2

    @jax.vmap
    def run(start: Players) -> Any:
        return _run(method, field, start, batch, num_steps, middle, reach)

    def judge(starts: Players) -> Judged:
        watched = compiled(run, starts, name="_basins")(starts)
        return _judge(jax.device_get(watched), num_steps, tolerance * diagonal)

    judged = judge(starts)
    settled, turning = judged.outcome == CONVERGED, judged.outcome == CYCLING
    attractor = np.full(judged.outcome.shape, -1)
    near = 5 * tolerance * diagonal
    rests, rest = _clusters(judged.points[settled], near)
    attracts = _attracts(rests, judge, near)
    attractor[settled] = np.where(attracts, np.cumsum(attracts) - 1, -1)[rest]
    attractors = rests[attracts]
    judged.outcome[settled & (attractor < 0)] = UNDECIDED
    return Basins(
        jax.tree.map(np.asarray, grid),
        judged.outcome.reshape(shape),
        attractor.reshape(shape),
        attractors,
        np.where(turning, judged.period, np.nan).reshape(shape),
        np.where(turning, judged.radius, np.nan).reshape(shape),
        attracting_cycles(judged, judge),
        Players(*(x.reshape(shape) for x in judged.points.T)),
    )


def _judge(watched: Any, num_steps: int, slack: float) -> Judged:
    """Return what became of starts, from what was watched of them."""
    ends, gone, first_half, second_half, turns, flips = watched
    radius, before = (np.sqrt(np.maximum(x.square, 0.0)) for x in (second_half, first_half))
    window = num_steps - num_steps // 2
    outcome = np.full(radius.shape, UNDECIDED)
    with np.errstate(invalid="ignore", divide="ignore"):
        period = np.where(flips, 2.0, window / np.abs(turns))
        steady = np.abs(radius - before) <= _STEADY * radius
        outcome[steady & (window / period >= 4)] = CYCLING
        outcome[radius <= slack] = CONVERGED
    outcome[gone] = DIVERGED
    return Judged(outcome, np.stack(ends, axis=-1), second_half.mean, radius, period)


def _run(
    method: Method,
    field: Field,
    start: Players,
    batch: Any,
    num_steps: int,
    centre: np.ndarray,
    reach: float,
) -> Any:
    """Take the steps from one start; return what is needed to judge it."""
    half = (num_steps - num_steps // 2) // 2
    weights = jnp.asarray(np.hanning(half + 2)[1:-1], start.theta.dtype)
    batches = for_each_move(method, batch)

    def place(state: Any) -> jax.Array:
        return jnp.stack(state.params)

    def move(carry: Any, _: Any = None) -> tuple[Any, None]:
        state, gone = carry
        state, _ = method.step(field, state, batches)
        far = jnp.linalg.norm(place(state) - centre) <= reach
        return (state, gone | ~far), None

    def watch(carry: Any) -> tuple[Any, Any]:
        origin = place(carry[0])

        def body(inner: Any, weight: jax.Array) -> tuple[Any, None]:
            carry, last, (total, mean, square), turn, bend = inner
            at = place(carry[0])
            carry, _ = move(carry)
            ahead = place(carry[0]) - at
            cross = last[0] * ahead[1] - last[1] * ahead[0]
            angle = jnp.arctan2(cross, jnp.vdot(last, ahead))
            sums = _Watch(
                total + weight,
                mean + weight * (at - origin),
                square + weight * jnp.sum((at - origin) ** 2),
            )
            return (carry, ahead, sums, turn + angle, bend + jnp.abs(angle)), None

        zero = jnp.zeros((), origin.dtype)
        begin = (carry, jnp.zeros_like(origin), _Watch(zero, 0 * origin, zero), zero, zero)
        (carry, _, (total, mean, square), turn, bend), _ = jax.lax.scan(body, begin, weights)
        mean = mean / total
        means = _Watch(total, origin + mean, square / total - jnp.sum(mean**2))
        return carry, (means, turn, bend)

    state = method.init(start)
    carry = (state, jnp.zeros((), bool))
    carry, _ = jax.lax.scan(move, carry, None, length=num_steps - 2 * half)
    carry, (first, turn_first, bend_first) = watch(carry)
    carry, (second, turn_second, bend_second) = watch(carry)
    # The first step of each half has no direction before it.
    turns = (turn_first + turn_second) / (2 * jnp.pi) * half / (half - 1)
    bend = bend_first + bend_second
    # To and fro, as often to the left as to the right; what turns one way counts its own turns.
    flips = (bend / (2 * (half - 1)) > 0.95 * jnp.pi) & (
        jnp.abs(turn_first + turn_second) < 0.9 * bend
    )
    ends = Players(*place(carry[0]))
    return ends, carry[1], first, second, turns, flips


def _clusters(points: np.ndarray, separation: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of clusters of points, the largest first, and each point's cluster."""
    if not len(points):
        return points.reshape(0, 2), np.zeros(0, int)
    cells, cell_of, sizes = np.unique(
        np.round(points / separation) if separation else points,
        axis=0,
        return_inverse=True,
        return_counts=True,
    )
    means = np.stack(
        [np.bincount(cell_of, points[:, axis]) / sizes for axis in range(points.shape[1])], axis=1
    )
    cluster_of_cell = np.full(len(cells), -1)
    heads: list[int] = []
    for cell in np.argsort(-sizes, kind="stable"):
        if cluster_of_cell[cell] >= 0:
            continue
        near = np.linalg.norm(means - means[cell], axis=1) <= separation
        cluster_of_cell[near & (cluster_of_cell < 0)] = len(heads)
        heads.append(int(cell))
    labels = cluster_of_cell[cell_of]
    totals = np.bincount(labels, minlength=len(heads))
    order = np.argsort(-totals, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return means[heads][order].astype(points.dtype), rank[labels]


def _attracts(rests: np.ndarray, judge: Callable[[Players], Judged], distance: float) -> np.ndarray:
    """Return which of the points where starts rest take back what is pushed away from them."""
    if not len(rests):
        return np.zeros(0, bool)
    pushes = distance * np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    pushed = (rests[:, None] + pushes).astype(rests.dtype)
    again = judge(Players(*jnp.asarray(pushed.reshape(-1, 2)).T))
    back = np.linalg.norm(again.points - np.repeat(rests, 4, axis=0), axis=1) <= distance / 2
    return ((again.outcome == CONVERGED) & back).reshape(-1, 4).all(axis=1)
