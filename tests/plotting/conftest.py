"""No figure outlives its test."""

import pytest
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def _no_open_figures():
    plt.close("all")
    yield
    plt.close("all")
