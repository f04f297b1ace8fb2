"""What the last half of a path looks like: how fast, how far, whether it turns, how large."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST = 20  # records of a path that anything is said of
_RETURNED = 0.5  # of the largest mean square distance: where the path has come back
_AGAIN = 0.6  # the same, a turn later
_LEFT = 0.7  # and in between
_FALLS = 1 / np.e  # the correlation at which jitter has forgotten where it was
_STILL = 1e-6  # of the size of the parameters: what float32 takes for no motion


class Motion(NamedTuple):
    """The last half of a path, each player's part in units of its own spread there.

    Attributes:
        records: how many points.
        still: whether nothing moves but by rounding.
        drift: share of the mean square distance from the middle that a straight line explains.
        slowing: mean step of the first quarter over that of the last; steps are between records.
        steady: whether from quarter to quarter the steps change the same way (up to a tenth).
        size: of the parameters at the end, over their largest in the first quarter of the path.
        turn: records after which the path is back; 0 if it never is.
        back: mean square distance after a turn over the largest before it; the least of those
            without turns.
        growth: amplitude of the turns at the end over that at the beginning; NaN without turns.
        growing: by how much log(growth) exceeds what it wavers by.
        later: log growth in the second half over that in the first: 1 if it is exponential.
        independent: how many independent places the jitter visits.
        moved: squared distance between the means of the two halves over what jitter alone makes.
        swelled: spread in the second half over that in the first.
        resolved: mean square step over what unrelated places have: small where records follow it.
    """

    records: int
    still: bool
    drift: float
    slowing: float
    steady: bool
    size: float
    turn: int
    back: float
    growth: float
    growing: float
    later: float
    independent: float
    moved: float
    swelled: float
    resolved: float


def motion(players: list[np.ndarray]) -> Motion:
    """Return what the last half of a path is like.

    Args:
        players: for each player the path of its parameters, shape ``(records, n)``, records evenly
            spaced, at least `LEAST`.
    """
    count = len(players[0])
    first = count // 2
    lasts = [path[first:].astype(np.float64) for path in players]
    sizes = [float(np.sqrt(np.mean(path**2) * path.shape[1])) for path in players]
    spreads = [float(_rms(path - path.mean(0))) for path in lasts]
    still = all(
        spread <= _STILL * size or spread == 0 for spread, size in zip(spreads, sizes, strict=True)
    )
    # A player that does not move must not be blown up until its rounding looks like motion.
    units = [max(spread, _STILL * size) for spread, size in zip(spreads, sizes, strict=True)]
    x = np.concatenate(
        [(path - path.mean(0)) / (unit or 1.0) for path, unit in zip(lasts, units, strict=True)], 1
    )
    lengths = np.sqrt(sum(np.sum(path**2, axis=1) for path in players))
    early = lengths[: max(count // 4, 1)].max()
    rest, drift = _detrended(x)
    squares = _structure(rest)
    turn, back = _turn(squares)
    slowing, steady = _slowing(x)
    growth, growing, later = _growth(rest, turn) if turn else (np.nan, 0.0, np.nan)
    independent, moved, swelled = _jitter(x, rest, squares)
    return Motion(
        len(x),
        still,
        drift,
        slowing,
        steady,
        float(lengths[-1] / early) if early else np.inf,
        turn,
        back,
        growth,
        growing,
        later,
        independent,
        moved,
        swelled,
        float(squares[1] / (2 * _rms(rest) ** 2)) if _rms(rest) else 0.0,
    )


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.sum(x**2, axis=-1))))


def _detrended(x: np.ndarray) -> tuple[np.ndarray, float]:
    """Return what is left of centred points beside a straight line, and the line's share."""
    clock = np.linspace(-1, 1, len(x))
    line = clock[:, None] * (clock @ x / (clock @ clock))
    rest = x - line
    total = _rms(x) ** 2
    return rest, float(_rms(line) ** 2 / total) if total else 0.0


def _structure(x: np.ndarray) -> np.ndarray:
    """Return D(τ), the mean of ‖x(i + τ) − x(i)‖² over i, for τ up to two thirds of the records."""
    lags = range(2 * len(x) // 3 + 1)
    return np.array([np.mean(np.sum((x[lag:] - x[: len(x) - lag]) ** 2, 1)) for lag in lags])


def _turn(squares: np.ndarray) -> tuple[int, float]:
    """Return after how many records the path is back, seen three times, and how near it comes.

    It must leave again, and be back after the double time: jitter comes near once by chance, and
    the more easily where records do not follow the path.
    """
    near = squares / np.maximum(np.maximum.accumulate(squares), 1e-300)
    enough = _RETURNED if squares[1] <= 0.5 * squares.max() else _RETURNED / 2
    most = (len(squares) - 1) // 2
    for lag in range(2, most + 1):
        if near[lag] > enough or (lag < most and squares[lag + 1] < squares[lag]):
            continue
        away = np.max(near[lag + 1 : 2 * lag]) >= _LEFT
        again = np.min(near[2 * lag - 1 : 2 * lag + 2]) <= _AGAIN
        if away and again:
            return lag, float(near[lag])
    return 0, float(np.min(near[2 : 3 * len(near) // 4], initial=1.0))


def _slowing(x: np.ndarray) -> tuple[float, bool]:
    lengths = np.linalg.norm(np.diff(x, axis=0), axis=1)
    quarters = np.array([part.mean() for part in np.array_split(lengths, 4)])
    falls, rises = quarters[1:] <= 1.1 * quarters[:-1], 1.1 * quarters[1:] >= quarters[:-1]
    slowing = quarters[0] / quarters[-1] if quarters[-1] else np.inf if quarters[0] else 1.0
    return float(slowing), bool(falls.all() if slowing > 1 else rises.all())


def _growth(x: np.ndarray, turn: int) -> tuple[float, float, float]:
    """Return the growth of the turns, how far beyond its wavering, and how much of it is late."""
    width = turn * max(1, len(x) // (6 * turn))
    smooth = np.convolve(np.sum(x**2, axis=1), np.ones(width) / width, "valid")
    heights = np.log(np.maximum(smooth, 1e-300)) / 2
    clock = np.linspace(-0.5, 0.5, len(heights))
    slope, level = np.polyfit(clock, heights, 1)
    wavers = float(np.std(heights - (level + slope * clock)))
    middle = len(heights) // 2
    early, late = heights[middle] - heights[0], heights[-1] - heights[middle]
    later = float(late / early) if early else np.inf
    return float(np.exp(slope)), float(abs(slope) / max(wavers, 1e-3)), later


def _jitter(x: np.ndarray, rest: np.ndarray, squares: np.ndarray) -> tuple[float, float, float]:
    """Return how many independent places there are, how far the mean moved, how the spread grew."""
    plateau = 2 * _rms(rest) ** 2
    if not plateau:
        return 0.0, np.inf, 1.0
    forgot = np.flatnonzero(1 - squares / plateau < _FALLS)
    memory = int(forgot[0]) if forgot.size else len(x)
    independent = len(x) / max(2 * memory - 1, 1)
    halves = np.array_split(x, 2)
    means = [half.mean(0) for half in halves]
    spreads = [_rms(half - mean) for half, mean in zip(halves, means, strict=True)]
    alone = 4 * (spreads[0] ** 2 + spreads[1] ** 2) / 2 / independent
    moved = float(np.sum((means[1] - means[0]) ** 2) / alone) if alone else np.inf
    return independent, moved, float(spreads[1] / spreads[0]) if spreads[0] else np.inf
