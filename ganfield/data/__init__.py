"""Distributions to imitate."""

from ganfield.data._batch_sampler import Distribution, batch_sampler
from ganfield.data._curves import Curves, spiral, two_moons
from ganfield.data._mixture import Mixture, grid, line, ring

__all__ = [
    "Curves",
    "Distribution",
    "Mixture",
    "batch_sampler",
    "grid",
    "line",
    "ring",
    "spiral",
    "two_moons",
]
