"""Looking at fields: spectra, equilibria, basins, planes, and what they say."""

from ganfield.analysis import planes
from ganfield.analysis._basins import OUTCOMES, Basins, Cycle, basins
from ganfield.analysis._classify import KINDS, Classification, classify
from ganfield.analysis._equilibria import Equilibria, find_equilibria
from ganfield.analysis._grid import grid
from ganfield.analysis._observed import (
    RUN_OUTCOMES,
    Approach,
    ObservedRate,
    approach,
    observed_rate,
)
from ganfield.analysis._spectral_radius import (
    ConvergenceRate,
    SpectralRadius,
    convergence_rate,
    spectral_radius,
)
from ganfield.analysis._spectrum import (
    approximate_consensus_jacobian,
    eigenvalues,
    max_step_size,
    mean_jacobian,
)
from ganfield.analysis._stability import StabilityDiagram, largest_stable, stability_diagram
from ganfield.analysis._update_map import UpdateMap, update_map

__all__ = [
    "KINDS",
    "OUTCOMES",
    "RUN_OUTCOMES",
    "Approach",
    "Basins",
    "Classification",
    "ConvergenceRate",
    "Cycle",
    "Equilibria",
    "ObservedRate",
    "SpectralRadius",
    "StabilityDiagram",
    "UpdateMap",
    "approach",
    "approximate_consensus_jacobian",
    "basins",
    "classify",
    "convergence_rate",
    "eigenvalues",
    "find_equilibria",
    "grid",
    "largest_stable",
    "max_step_size",
    "mean_jacobian",
    "observed_rate",
    "planes",
    "spectral_radius",
    "stability_diagram",
    "update_map",
]
