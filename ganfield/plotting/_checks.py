"""Checks that several figures make."""

from typing import Any

import numpy as np


def check_positive(value: Any, *, argument: str) -> float:
    """Return the value as a ``float``, or raise a ``ValueError`` if it is no finite number > 0.

    Example:
        >>> check_positive(0, argument="fps")
        Traceback (most recent call last):
        ...
        ValueError: fps must be a finite number > 0, got 0
    """
    known = np.asarray(value)
    if known.ndim or known.dtype.kind not in "fiu" or not 0 < known < np.inf:
        raise ValueError(f"{argument} must be a finite number > 0, got {value!r}")
    return float(known)
