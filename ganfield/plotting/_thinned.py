"""Paths of many records, thinned by what can be seen of them."""

import numpy as np

MANY = 5000  # records; shorter paths are drawn as they are
_FINE = 1000  # cells along each side of what is shown
_FAR = 10  # times its size: as far as a path is followed


def thinned(path: np.ndarray, low: np.ndarray, high: np.ndarray, most: int | None) -> np.ndarray:
    """Return the points of a path that make a picture of the whole.

    What is shown is cut into cells, a thousand along each side. Of the records that stay in a cell
    the first is kept, and of the moves from one cell to another one, which a path that turns round
    makes again and again, the first: nothing is drawn that the path does not do, and what is left
    out lies within a cell of what is drawn.

    Args:
        path: shape ``(records, 2)``, all finite.
        low: the smallest coordinates that are shown, shape ``(2,)``.
        high: the largest.
        most: return no more points: at even distances along a path that never comes back, by
            larger cells along another one. None for as many as can be seen.

    Returns:
        The points, shape ``(n, 2)``, with NaN between pieces; the path itself where it has no more
        than 5000 records, or ``most``.

    Example:
        >>> import numpy as np
        >>> turn = 0.1 * np.arange(150_001)
        >>> circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        >>> points = thinned(circle, np.full(2, -2.0), np.full(2, 2.0), None)
        >>> len(points) < 20_000
        True
        >>> steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        >>> bool(np.nanmax(steps) < 0.1)
        True
    """
    if len(path) <= (MANY if most is None else most):
        return path
    size = np.where(high > low, high - low, 1.0)
    # A path that goes far away would have cells beyond the integers.
    places = np.clip((path - low) / size, -_FAR, _FAR)
    fine = float(_FINE)
    points = _first_moves(path, places * fine)
    if most is None or len(points) <= most:
        return points
    if np.isfinite(points).all():
        lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
        along = np.append(0.0, np.cumsum(lengths))
        even = np.linspace(0.0, along[-1], most)
        return path[np.interp(even, along, np.arange(len(path))).round().astype(int)]
    while len(points) > most and fine > 1:
        fine /= 1.5
        points = _first_moves(path, places * fine)
    return points if len(points) <= most else path[[0, -1]]


def _first_moves(path: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the first of all equal moves from cell to cell, with NaN where others are left out."""
    across, up = np.floor(places).astype(np.int64).T
    cells = across * (4 * _FAR * _FINE) + up  # One number for each.
    kept = np.append(True, cells[1:] != cells[:-1])
    kept[[-1, *path.argmin(axis=0), *path.argmax(axis=0)]] = True  # The extremes, to the digit.
    (records,) = np.nonzero(kept)
    names = np.unique(cells[records], return_inverse=True)[1]
    ends = np.sort(np.stack([names[:-1], names[1:]]), axis=0)
    moves = np.sort(np.unique(ends[0] * len(records) + ends[1], return_index=True)[1])
    piece = np.split(moves, np.flatnonzero(np.diff(moves) > 1) + 1)
    gap = np.full((1, 2), np.nan)
    parts = [part for each in piece for part in (path[records[[*each, each[-1] + 1]]], gap)]
    return np.concatenate(parts[:-1])
