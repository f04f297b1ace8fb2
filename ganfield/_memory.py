"""What the machine has room for, and what is refused before it is taken."""

from __future__ import annotations

import errno
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

_SMALL = 1 << 24  # bytes for which nobody is asked
_CGROUPS = Path("/sys/fs/cgroup")
# What a group of processes may take, what it has taken, and what of that are files that give way.
_LIMITS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def free_memory() -> float:
    """Return the bytes of the host's memory that can be taken, or infinity where nobody says.

    In a container they are what its limit leaves.
    """
    return min(_of_machine(), *_of_groups(), math.inf)


def device_memory() -> float:
    """Return the bytes that can be taken where JAX puts arrays: an accelerator's, or the host's."""
    config: Any = jax.config  # whose flags are no attributes to a type checker
    device = config.jax_default_device
    # `jax.devices()` would start every backend to find the default one.
    chosen = device if isinstance(device, jax.Device) else jax.local_devices(backend=device)[0]
    return memory_of(chosen)


def memory_of(device: jax.Device) -> float:
    """Return the bytes that a device has left, or infinity where it does not say."""
    if device.platform == "cpu":
        return free_memory()
    stats = device.memory_stats() or {}
    return float(stats.get("bytes_limit", math.inf)) - float(stats.get("bytes_in_use", 0))


def size_of(tree: Any) -> int:
    """Return the bytes of a pytree of arrays, or of their shapes.

    Example:
        >>> size_of({"a": jax.ShapeDtypeStruct((3, 4), jnp.float32), "b": 1.0})
        52
    """
    return sum(
        math.prod(jnp.shape(leaf)) * jnp.result_type(leaf).itemsize
        for leaf in jax.tree.leaves(tree)
    )


def check_memory(
    count: int,
    cost: Callable[[int], float],
    *,
    argument: str,
    what: str,
    instead: str = "",
    on_host: bool = False,
) -> None:
    """Raise a ``ValueError`` where the machine has not the memory that a call is to take.

    Args:
        count: how many of something there are to be.
        cost: the bytes that so many take, at least; it grows with them.
        argument: which argument says how many, and what may be said of it: "num_starts must be".
        what: what takes the memory.
        instead: what to do in its place.
        on_host: whether it is the host's memory, and not that of JAX's default device.

    Example:
        >>> check_memory(10**9, lambda n: 8 * n**2, argument="size must be", what="the matrix")
        Traceback (most recent call last):
        ...
        ValueError: size must be at most ... here, got 1000000000: the matrix would take
        7450580597 GiB, more than the ... GiB of memory that are free
    """
    needed = cost(count)
    if needed <= _SMALL:
        return
    free = free_memory() if on_host else device_memory()
    if needed <= free:
        return
    fits = _most(cost, free, count)
    raise ValueError(
        f"{argument} at most {fits} here, got {count}: {what} would take {_too_much(needed, free)}"
        f"{instead}"
    )


def check_program(needed: float, name: str) -> None:
    """Raise a ``ValueError`` where there is no room for what a compiled program takes."""
    if needed <= _SMALL:
        return
    free = device_memory()
    if needed > free:
        raise ValueError(
            f"this needs more memory than there is: the program {name!r} would take "
            f"{_too_much(needed, free)}"
        )


def check_room(size: int) -> int:
    """Return a number of bytes that are to be read, unless the machine has not as many left.

    Raises:
        OSError: it has not.
    """
    free = free_memory()
    if size > free:
        raise OSError(errno.ENOMEM, _too_much(size, free))
    return size


def _too_much(needed: float, free: float) -> str:
    return f"{gib(needed)}, more than the {gib(free)} of memory that are free"


def gib(size: float) -> str:
    """Return bytes in words.

    Example:
        >>> gib(3 * 2**29)
        '1.5 GiB'
    """
    count = size / 2**30
    return f"{count:.0f} GiB" if count >= 10 else f"{count:.1f} GiB"


def _most(cost: Callable[[int], float], free: float, count: int) -> int:
    """Return the largest number below the count that the memory has room for."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= free else (low, middle)
    return low


def _of_machine() -> float:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(1024.0 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return math.inf


def _of_groups() -> Iterator[float]:
    """Yield what each group of processes that this one is in may still take."""
    if sys.platform != "linux":
        return
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        top = _CGROUPS / kinds
        folder = top / path.lstrip("/")
        # A container sees its own group as the top, whatever path it is told.
        for group in (folder, *folder.parents):
            if group.is_relative_to(top):
                yield from map(_left_of, [group] * len(_LIMITS), _LIMITS)


def _left_of(group: Path, names: tuple[str, str, str]) -> float:
    limit, taken, files = names
    try:
        left = float((group / limit).read_text("ascii"))
        left -= float((group / taken).read_text("ascii"))
        stats = dict(
            line.split(" ", 1) for line in (group / "memory.stat").read_text("ascii").splitlines()
        )
        return left + float(stats.get(files, 0))
    except (OSError, ValueError):  # "max" is no number: there is no limit.
        return math.inf
