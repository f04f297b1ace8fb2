"""Checks that the loaders share."""

import operator
from collections.abc import Sequence
from typing import Any

from ganfield.checks import lookup


def check_size(value: Any, allowed: Sequence[int], *, argument: str) -> int:
    """Return the value as an ``int``, or raise a ``ValueError`` unless it is one of those allowed.

    Example:
        >>> check_size(9, (8, 16, 32), argument="size")
        Traceback (most recent call last):
        ...
        ValueError: size must be 8, 16 or 32, got 9
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value not in allowed:
        *others, last = map(str, allowed)
        raise ValueError(f"{argument} must be {', '.join(others)} or {last}, got {value!r}")
    return operator.index(value)


def check_split(split: Any, allowed: Sequence[str] = ("train", "test")) -> None:
    """Raise a ``ValueError`` unless a set has a part of this name.

    Example:
        >>> check_split("tset")
        Traceback (most recent call last):
        ...
        ValueError: unknown split 'tset': did you mean 'test'? Known: test, train
    """
    lookup(dict.fromkeys(allowed), split, argument="split")
