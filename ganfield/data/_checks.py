"""Checks that the loaders share."""

from collections.abc import Sequence
from typing import Any


def check_choice(value: Any, allowed: Sequence[Any], *, argument: str) -> None:
    """Raise a ``ValueError`` unless the value is one of those allowed.

    Example:
        >>> check_choice("dev", ("train", "test"), argument="split")
        Traceback (most recent call last):
        ...
        ValueError: split must be 'train' or 'test', got 'dev'
    """
    if value not in allowed:
        *others, last = map(repr, allowed)
        words = f"{', '.join(others)} or {last}" if others else last
        raise ValueError(f"{argument} must be {words}, got {value!r}")
