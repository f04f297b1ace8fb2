"""What tests share: float64 on demand, no window, quick compilation, no end of programs."""

import itertools
from pathlib import Path

import jax
import matplotlib as mpl
import pytest

mpl.use("Agg")
# Compiling is most of what the suite costs, and its programs are small and run a few times: without
# most of XLA's optimizations a method's step compiles in six tenths of the time. The scripts and
# commands that tests start as processes of their own run with them.
jax.config.update("jax_disable_most_optimizations", True)

_TESTS = itertools.count(1)
_MAPS = Path("/proc/self/maps")
_MOST_MAPS = 8_000  # some 1.5 GB of programs


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def _few_programs():
    """Forget compiled programs where there are many.

    Each takes some memory maps, of which Linux allows a process 65,530 by default, and at that
    limit XLA crashes. Where they cannot be counted, every fiftieth test forgets.
    """
    yield
    if _MAPS.exists():
        with _MAPS.open(encoding="utf-8") as lines:
            many = sum(1 for _ in lines) > _MOST_MAPS
    else:
        many = next(_TESTS) % 50 == 0
    if many:
        jax.clear_caches()
