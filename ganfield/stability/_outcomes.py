"""What can become of a run that is watched from outside."""

from typing import NamedTuple

import numpy as np

OUTCOMES = ("converged", "cycling", "diverged", "undecided")
"""What can become of a run; an ``outcome`` holds places in this tuple.

A run that meets NaN or an infinity, where it overflows or where the field is undefined, has
"diverged" too, also if it was near the start then: what leaves the numbers does not come back.
"""

CONVERGED, CYCLING, DIVERGED, UNDECIDED = range(len(OUTCOMES))

NUM_DECIDED = UNDECIDED
"""The first so many of them are decided."""


class Judged(NamedTuple):
    """What became of starts, arrays along the first axis."""

    outcome: np.ndarray
    points: np.ndarray
    centre: np.ndarray
    radius: np.ndarray
    period: np.ndarray
