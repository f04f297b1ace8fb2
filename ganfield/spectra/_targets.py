"""Which eigenvalues are wanted: names, and a number that they are to be near."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Number

import numpy as np

from ganfield.checks import lookup

Key = Callable[[np.ndarray], np.ndarray]

TARGETS: dict[str, Key] = {
    "largest_modulus": np.abs,
    "largest_real": np.real,
    "smallest_real": lambda values: -np.real(values),
    "largest_imaginary": lambda values: np.abs(np.imag(values)),
    "unit_circle": lambda values: -np.abs(np.abs(values) - 1),
}
"""Name → how much eigenvalues are wanted: more, the larger it is. Moving an eigenvalue by r changes
none by more than r, and conjugates have the same."""


def key_of(target: str | complex) -> Key:
    """Return how much eigenvalues are wanted.

    Args:
        target: a name in `TARGETS`, or a number that they are to be near; as near to its conjugate
            is as good, for the eigenvalues of a real map are pairs.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(target, str):
        return lookup(TARGETS, target, argument="target")
    number = complex(target) if isinstance(target, Number) else math.nan
    if isinstance(target, bool) or not np.isfinite(number):
        raise ValueError(
            f"target must be a finite number or one of {', '.join(sorted(TARGETS))}, got {target!r}"
        )
    place = complex(number.real, abs(number.imag))
    return lambda values: -np.abs(np.real(values) + 1j * np.abs(np.imag(values)) - place)
