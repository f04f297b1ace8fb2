"""Looking at fields: spectra, equilibria, basins, planes, and what they say."""

from ganfield.analysis import planes
from ganfield.analysis._basins import OUTCOMES, Basins, Cycle, basins
from ganfield.analysis._classify import KINDS, Classification, classify
from ganfield.analysis._equilibria import Equilibria, find_equilibria
from ganfield.analysis._grid import grid
from ganfield.analysis._spectrum import (
    approximate_consensus_jacobian,
    eigenvalues,
    max_step_size,
    mean_jacobian,
)

__all__ = [
    "KINDS",
    "OUTCOMES",
    "Basins",
    "Classification",
    "Cycle",
    "Equilibria",
    "approximate_consensus_jacobian",
    "basins",
    "classify",
    "eigenvalues",
    "find_equilibria",
    "grid",
    "max_step_size",
    "mean_jacobian",
    "planes",
]
