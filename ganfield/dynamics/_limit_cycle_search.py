"""Where the motion of a flow comes back to where it was, or what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ganfield.dynamics._limit_cycle_integrator import STEPS, Flow

_MOST_STEPS = 8_000  # of the integrator
_WAIT = 400  # steps without a return, after which another place is waited for
_NEAR = 0.3  # of the orbit's extent: what is a return
_RESTS = 1e-5  # of the fastest motion
_FAR = 1e6


class Loop(NamedTuple):
    """A return of the motion to where it was: the place, the time, the gap, and how far it led."""

    place: np.ndarray
    period: float
    gap: float
    extent: float


class EndsError(Exception):
    """The motion has no returns any more; says what became of it."""


def loops_of(flow: Flow, start: np.ndarray) -> Iterator[Loop]:
    """Yield the returns of the motion from a start; raise `EndsError` when there are none more."""
    size = 1 + float(np.abs(start).max())
    place, velocity, step = start, flow.velocity(start), 0.0
    fastest = float(np.linalg.norm(velocity))
    if fastest == 0:
        raise EndsError("rests where it starts")
    anchor, normal, passed, extent, waited = start, velocity / fastest, 0.0, 0.0, 0
    for _ in range(_MOST_STEPS // STEPS):
        times, places, velocities, step = flow.march(place, step)
        for time, there, ahead in zip(np.diff(times, prepend=0.0), places, velocities, strict=True):
            before, place, slope = place, there, velocity
            velocity, waited = ahead, waited + 1
            if not np.abs(place).max() <= _FAR * size:
                raise EndsError("leaves")
            speed = float(np.linalg.norm(velocity))
            fastest = max(fastest, speed)
            extent = max(extent, float(np.linalg.norm(place - anchor)))
            if speed <= _RESTS * fastest:
                where = np.array2string(place, precision=4, threshold=6)
                raise EndsError(f"comes to rest at {where}")
            sides = [float((x - anchor) @ normal) for x in (before, place)]
            if sides[0] < 0 <= sides[1]:
                rises = [float(each @ normal) for each in (slope, velocity)]
                share = _crossing(*sides, *(time * each for each in rises))
                back = _hermite(before, place, time * slope, time * velocity, share)
                gap = float(np.linalg.norm(back - anchor))
                if gap <= _NEAR * extent:
                    yield Loop(back, passed + share * time, gap, extent)
                    anchor, passed, extent, waited = back, -share * time, 0.0, 0
                    normal = flow.velocity(back)
                    normal = normal / np.linalg.norm(normal)
            passed += time
            if waited > _WAIT:
                anchor, passed, extent, waited = place, 0.0, 0.0, 0
                normal = velocity / speed
    raise EndsError(f"has not settled on one after {_MOST_STEPS} steps")


def _hermite(begin: Any, end: Any, rise: Any, fall: Any, share: float) -> Any:
    """Return the cubic between two points with such slopes, at a share of the way."""
    s, left = share, 1 - share
    return left**2 * ((1 + 2 * s) * begin + s * rise) + s**2 * ((1 + 2 * left) * end - left * fall)


def _crossing(begin: float, end: float, rise: float, fall: float) -> float:
    """Return at which share of the way the cubic through two points is 0."""
    from scipy.optimize import brentq

    return float(brentq(lambda s: _hermite(begin, end, rise, fall, s), 0.0, 1.0))
