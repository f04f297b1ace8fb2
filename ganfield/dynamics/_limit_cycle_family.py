"""Closed orbits of which there is one beside every other: families, and no limit cycles."""

from __future__ import annotations

import numpy as np

from ganfield.spectra import At, back_to_zero

_FLAT = 1e-6  # of the largest singular value: a direction in which a family may lead
_WAYS = (0.03, 0.01)  # of the orbit's extent: how far it is followed
_CLOSED = 1e-9  # of the way: the largest gap of an orbit there


def family_dimension(at: At, place: np.ndarray) -> int:
    """Return how many dimensions of closed orbits there are round one; 0 where it is isolated.

    The gaps' null directions are followed a little: is there another closed orbit so far along one?
    That distance is held. Newton's method without it goes a long way along a family whose period
    changes, that of a centre down to the equilibrium. Beside an orbit that is only degenerate, such
    as one at which two cycles meet, the gaps can't be closed.

    Args:
        at: ``at(u) -> (gaps, their derivative)``, in units of the orbit's extent.
        place: of the orbit, where the gaps are 0.
    """
    _, sizes, rows = np.linalg.svd(at(place)[1])
    return sum(
        all(_closes(at, place, along, way) for way in _WAYS)
        for along in rows[sizes <= _FLAT * sizes.max()]
    )


def _closes(at: At, place: np.ndarray, along: np.ndarray, way: float) -> bool:
    """Return whether there is a closed orbit so far away in a direction."""

    def held(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gaps, matrix = at(u)
        return np.append(gaps, along @ (u - place) - way), np.vstack([matrix, along])

    zero = back_to_zero(held, place + way * along)
    return zero is not None and bool(np.linalg.norm(zero.value) <= _CLOSED * way)


def family(dimension: int, period: float, form: str) -> ValueError:
    """Return the refusal of a closed orbit that has others beside it."""
    if form == "circle":
        many, length = "invariant circles", f"{period:.6g} steps for a turn"
    else:
        unit = "" if form == "orbit" else " steps"
        many, length = ("closed orbits", f"a period of {period:.6g}{unit}")
    size = f" of dimension {dimension}" if dimension else ""
    return ValueError(
        f"start must lead to an isolated closed orbit, and there is a family of {many}{size}: "
        f"one goes through every point near this one, which has {length}, as round the centre of a "
        "game without a regulariser. None of them is a limit cycle"
    )
