"""What tests share: float64 on demand, and no window."""

import jax
import matplotlib as mpl
import pytest

mpl.use("Agg")


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield
