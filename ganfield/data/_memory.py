"""What the machine has room for."""

import errno
from pathlib import Path


def free_memory() -> float:
    """Return the bytes that can be taken, or infinity where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(1024.0 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return float("inf")


def check_memory(size: int) -> int:
    """Return a number of bytes that are to be taken, unless the machine has not as many left.

    Raises:
        OSError: it has not.
    """
    free = free_memory()
    if size > free:
        raise OSError(
            errno.ENOMEM,
            f"{size / 2**30:.1f} GiB, more than the {free / 2**30:.1f} GiB of memory that are free",
        )
    return size
