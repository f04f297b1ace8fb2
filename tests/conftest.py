"""What tests share: float64 on demand, no window, quick compilation, no end of programs."""

import itertools
import os
from pathlib import Path

import jax
import matplotlib as mpl
import pytest

mpl.use("Agg")
# Compiling is most of what the suite costs, and its programs are small and run a few times. Without
# XLA's newer emitters of fused loops, and in one piece, they compile in a third to a half of the
# time, and take half the memory. An unknown flag ends the process, and later releases may drop
# these. Where XLA_FLAGS are set already, also to nothing, they stay as they are; processes that
# tests start inherit them.
if jax.__version_info__[:2] == (0, 10):
    quick = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ.setdefault("XLA_FLAGS", quick)
# Without most of XLA's optimizations a method's step compiles in six tenths of the time. The
# scripts and commands that tests start as processes of their own run with them.
jax.config.update("jax_disable_most_optimizations", True)

_TESTS = itertools.count(1)
_MAPS = Path("/proc/self/maps")
_MOST_MAPS = 8_000  # some 2 GB of programs


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def _few_programs():
    """Forget compiled programs where there are many.

    Each takes some memory maps, of which Linux allows a process 65,530 by default, and at that
    limit XLA crashes. They are counted after every tenth test; where they cannot be counted, every
    fiftieth forgets.
    """
    yield
    number = next(_TESTS)
    if _MAPS.exists():
        many = number % 10 == 0 and _MAPS.read_bytes().count(b"\n") > _MOST_MAPS
    else:
        many = number % 50 == 0
    if many:
        jax.clear_caches()
