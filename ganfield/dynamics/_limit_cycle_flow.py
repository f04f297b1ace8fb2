"""Closed orbits of a flow: followed until they nearly close, then closed by Newton's method."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._types import Field, Players
from ganfield.dynamics._limit_cycle_family import family, family_dimension
from ganfield.dynamics._limit_cycle_integrator import Flow, flows_of
from ganfield.dynamics._limit_cycle_product import log_eigenvalues
from ganfield.dynamics._limit_cycle_result import LimitCycle, result
from ganfield.dynamics._limit_cycle_search import EndsError, Loop, loops_of
from ganfield.spectra import back_to_zero

_CLOSES = 0.05  # of it: a return that Newton's method is tried from
_CLOSED = 1e-9  # of the extent: the largest gap of a closed orbit
_SUSPECT = 1e-3  # a log-multiplier near which a family is looked for
_SHRINKS = 100.0  # the condition of a monodromy matrix that is halved
_MOST_HALVES = 40
_SEGMENTS, _MOST_UNKNOWNS = 5, 400
_MOST_TURNS = 8  # in one of which a period may be several


class Closed(NamedTuple):
    """A closed orbit.

    Attributes:
        nodes: the points at which its segments begin, all of one duration, shape ``(m, n)``.
        period: the time of all.
        extent: how far from the first point it leads.
        gap: the largest one between the end of a segment and the next one's beginning.
    """

    nodes: np.ndarray
    period: float
    extent: float
    gap: float


def of_flow(
    field: Field,
    start: Players,
    batch: Any,
    period: float | None,
    num_segments: int | None,
    num_points: int,
) -> LimitCycle:
    """Return a closed orbit of a flow; see `ganfield.limit_cycle`."""
    flat, unravel = ravel_pytree(start)
    place = np.asarray(flat)
    flows = flows_of(field, flat, unravel, batch)
    count = num_segments or max(1, min(_SEGMENTS, _MOST_UNKNOWNS // place.size))
    if not np.isfinite(flows[0].velocity(place)).all():
        raise ValueError("start must be a point where the field is finite, and it is not there")
    if period is None:
        flow, closed = _searched(flows, place, count)
    else:
        flow, closed = _closed(flows, Loop(place, period, 0.0, 0.0), count)
    closed = _shortest(flow, closed)
    points, logs = _points(flow, closed, num_points), _log_multipliers(flow, closed)
    if np.abs(logs).min(initial=np.inf) <= _SUSPECT:
        at = _shooting(flow, closed.nodes[:1], closed.period, closed.extent)
        dimension = family_dimension(at, np.zeros(place.size + 1))
        if dimension:
            raise family(dimension, closed.period, "orbit")
    if flow is flows[1]:  # It was closed backwards in time, in which an orbit that repels attracts.
        points, logs = np.roll(points[::-1], 1, axis=0), -logs[::-1]
    return result(points, unravel, closed.period, "orbit", logs, closed.gap)


def _searched(flows: tuple[Flow, Flow], start: np.ndarray, count: int) -> tuple[Flow, Closed]:
    """Return the closed orbit near a start, or where the flow leads in either direction of time."""
    ends = []
    for flow, words in zip(flows, ("forwards", "backwards"), strict=True):
        closes = 2 * _CLOSES
        try:
            for loop in loops_of(flow, start):
                if loop.gap > closes * loop.extent:
                    continue
                closed = _close(flow, loop, count)
                if closed is not None and _is_near(flow, closed, loop):
                    return flow, closed
                closes = min(closes, loop.gap / loop.extent) / 4
        except EndsError as end:
            ends.append(f"{words} in time the flow {end}")
    raise ValueError(
        f"start must lie near a closed orbit, or where the flow leads to one, and {ends[0]}, "
        f"{ends[1]}. Of a saddle's kind give a start near it and its period="
    )


def _closed(flows: tuple[Flow, Flow], loop: Loop, count: int) -> tuple[Flow, Closed]:
    """Return the closed orbit near a start, by the direction of time in which it can be closed."""
    for flow in flows:
        closed = _close(flow, loop, count)
        if closed is not None:
            return flow, closed
    raise ValueError(
        f"period must be near that of a closed orbit near start, got {loop.period:g}, from which "
        "Newton's method leads to none"
    )


def _close(flow: Flow, loop: Loop, count: int) -> Closed | None:
    """Return the closed orbit that Newton's method leads to from a return; None if to none."""
    begin = [loop.place]
    for _ in range(count - 1):
        begin.append(flow.end(begin[-1], loop.period / count))
    bases = np.array(begin)
    if not np.isfinite(bases).all():
        return None
    scale = max(float(np.linalg.norm(bases - loop.place, axis=1).max()), loop.extent)
    scale = scale or 1e-2 * (1 + float(np.abs(loop.place).max()))
    zero = back_to_zero(_shooting(flow, bases, loop.period, scale), np.zeros(bases.size + 1))
    if zero is None:
        return None
    *moves, change = zero.place
    nodes = bases + scale * np.reshape(moves, bases.shape)
    period = float(loop.period * (1 + change))
    extent = float(np.linalg.norm(_path(flow, nodes[0], period, 32) - nodes[0], axis=1).max())
    gap = scale * float(np.abs(zero.value).max())
    # At an equilibrium the motion closes after any time.
    closes = gap <= _CLOSED * extent and extent > 1e-3 * scale and 0.2 < change + 1 < 5
    return Closed(nodes, period, extent, gap) if closes else None


def _shooting(flow: Flow, bases: np.ndarray, period: float, scale: float) -> Any:
    """Return ``at(u) -> (gaps, their derivative)``, of moves of the nodes and of the period."""
    count, size = bases.shape
    normal = flow.velocity(bases[0])
    normal = normal / (np.linalg.norm(normal) or 1.0)  # 0 at an equilibrium

    def at(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        nodes, whole = bases + scale * u[:-1].reshape(count, size), period * (1 + u[-1])
        gaps, matrix = np.zeros(u.size), np.zeros((u.size, u.size))
        if not 0.1 * period < whole < 10 * period:
            return np.full(u.size, np.nan), matrix
        for index, node in enumerate(nodes):
            end, slope = flow.monodromy(node, whole / count)
            after, rows = (index + 1) % count, slice(index * size, (index + 1) * size)
            gaps[rows] = (end - nodes[after]) / scale
            matrix[rows, rows] += slope
            matrix[rows, after * size : (after + 1) * size] -= np.eye(size)
            matrix[rows, -1] = flow.velocity(end) * (period / count / scale)
        gaps[-1], matrix[-1, :size] = normal @ u[:size], normal
        return gaps, matrix

    return at


def _path(flow: Flow, start: np.ndarray, time: float, count: int) -> np.ndarray:
    """Return evenly spaced points from a start on, without the last one."""
    points = [start]
    for _ in range(count - 1):
        points.append(flow.end(points[-1], time / count))
    return np.array(points)


def _points(flow: Flow, closed: Closed, count: int) -> np.ndarray:
    """Return evenly spaced points of a closed orbit, each from the node before it."""
    parts = len(closed.nodes)
    places = np.arange(count) * parts / count
    points = []
    for index, node in enumerate(closed.nodes):
        inside = places[(places >= index) & (places < index + 1)] - index
        for before, share in zip((0.0, *inside), inside, strict=False):
            node = flow.end(node, (share - before) * closed.period / parts) if share else node
            points.append(node)
    return np.array(points)


def _is_near(flow: Flow, closed: Closed, loop: Loop) -> bool:
    """Return whether an orbit is the one that a return is near to."""
    path = _path(flow, closed.nodes[0], closed.period, 200)
    return bool(np.linalg.norm(path - loop.place, axis=1).min() <= 0.2 * loop.extent)


def _shortest(flow: Flow, closed: Closed) -> Closed:
    """Return the orbit gone round once, where its period is several."""
    for turns in range(_MOST_TURNS, 1, -1):
        begin, period = closed.nodes[0], closed.period / turns
        if np.linalg.norm(flow.end(begin, period) - begin) <= 1e-6 * closed.extent:
            once = _close(flow, Loop(begin, period, 0.0, closed.extent), len(closed.nodes))
            return once or closed
    return closed


def _log_multipliers(flow: Flow, closed: Closed) -> np.ndarray:
    """Return the logarithms of the multipliers across an orbit.

    The flow takes v(x) to v(y), so what it makes of the space across v is a map of its own. Pieces
    are so short that none shrinks much: a matrix of a whole period would keep what shrinks least.
    """
    count, size = closed.nodes.shape
    if size == 1:
        return np.zeros(0, complex)
    bases = [_across(flow.velocity(node)) for node in closed.nodes]
    factors: list[np.ndarray] = []
    for index, node in enumerate(closed.nodes):
        basis, last = bases[index], bases[(index + 1) % count]
        times = [closed.period / count]
        while times:
            end, slope = flow.monodromy(node, times[-1])
            if np.linalg.cond(slope) > _SHRINKS and len(times) < _MOST_HALVES:
                times[-1:] = [times[-1] / 2] * 2
                continue
            times.pop()
            after = _across(flow.velocity(end)) if times else last
            factors.append(after.T @ slope @ basis)
            node, basis = end, after
    return log_eigenvalues(factors)


def _across(vector: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the space across a vector, as columns."""
    mirror = vector / np.linalg.norm(vector)
    mirror[0] += np.copysign(1.0, mirror[0])
    return (np.eye(mirror.size) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))[:, 1:]
