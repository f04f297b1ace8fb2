"""What tests share: float64 on demand, no window, and no end of compiled programs."""

import itertools

import jax
import matplotlib as mpl
import pytest

mpl.use("Agg")
_TESTS = itertools.count(1)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def _few_programs():
    """Forget compiled programs now and then.

    Thousands of them in one process reach the system's limit of memory maps, and XLA crashes.
    """
    yield
    if next(_TESTS) % 50 == 0:
        jax.clear_caches()
