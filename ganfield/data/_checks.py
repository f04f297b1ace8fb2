"""Checks that the loaders share."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ganfield._memory import check_memory
from ganfield.checks import check_count, lookup

DRAWN = 5  # arrays of the size of what is drawn that random points take on their way
MOST_ARCS = 1000
"""Each arc of a curve is compiled."""


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


def check_examples_fit(
    size: Any, shape: Sequence[int], *, argument: str = "size", copies: int = 1
) -> int:
    """Return how many examples to draw as an ``int``, if the devices have the memory for them.

    Args:
        size: how many.
        shape: of each.
        argument: which argument says how many.
        copies: how many arrays of their size are held at a time while they are drawn.

    Raises:
        ValueError: it is no positive integer, or they have not.

    Example:
        >>> check_examples_fit(10**12, (64, 64, 3))
        Traceback (most recent call last):
        ...
        ValueError: size must be at most ... here, got 1000000000000: as many examples of 12288
        numbers would take 45776367 GiB, more than the ... GiB of memory that are free
    """
    count = check_count(size, argument=argument)
    # All devices may share them (`ganfield.sharding.data_parallel`).
    each = math.prod(shape) * jnp.result_type(float).itemsize
    check_memory(
        count,
        lambda n: copies * n * each / jax.device_count(),
        argument=f"{argument} must be",
        what=f"as many examples of {math.prod(shape)} numbers",
    )
    return count
