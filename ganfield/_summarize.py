"""Pytrees too large to print, in a line."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import jax

# Above this many numbers, a pytree says how many it holds.
MOST_NUMBERS = 100


def summarize(whole: Any) -> str:
    """Return the usual repr of a named tuple of pytrees, or how much it holds where that is much.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> gf.Players(theta={"a": jnp.ones(90), "b": jnp.ones((5, 5))}, phi=1.0)
        Players(theta: 115 float32 in 2 arrays, phi: 1.0)
    """
    parts = whole._asdict()
    try:
        large = sum(map(_size, jax.tree.leaves(whole))) > MOST_NUMBERS
    except (TypeError, ValueError):  # What JAX takes for no pytree has a repr all the same.
        large = False
    if not large:
        return f"{type(whole).__name__}({', '.join(f'{k}={v!r}' for k, v in parts.items())})"
    return f"{type(whole).__name__}({', '.join(f'{k}: {amount(v)}' for k, v in parts.items())})"


def _size(leaf: Any) -> int:
    return math.prod(getattr(leaf, "shape", ()))


def amount(tree: Any) -> str:
    """Return how many numbers a pytree holds, of which kinds, or the one that it is."""
    leaves = jax.tree.leaves(tree)
    if sum(map(_size, leaves)) <= 1:
        return repr(tree)
    kinds: Counter[str] = Counter()
    for leaf in leaves:
        kinds[str(getattr(leaf, "dtype", type(leaf).__name__))] += _size(leaf)
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{counts} in {len(leaves)} array{'s' * (len(leaves) > 1)}"
