"""Looking at fields: spectra, equilibria, basins, planes, and what they say."""

from ganfield.analysis import planes as planes
from ganfield.analysis._basins import Basins as Basins
from ganfield.analysis._basins import basins as basins
from ganfield.analysis._classify import KINDS as KINDS
from ganfield.analysis._classify import Classification as Classification
from ganfield.analysis._classify import classify as classify
from ganfield.analysis._cycles import Cycle as Cycle
from ganfield.analysis._equilibria import Equilibria as Equilibria
from ganfield.analysis._equilibria import find_equilibria as find_equilibria
from ganfield.analysis._grid import grid as grid
from ganfield.analysis._observed import Approach as Approach
from ganfield.analysis._observed import ObservedRate as ObservedRate
from ganfield.analysis._observed import approach as approach
from ganfield.analysis._observed import observed_rate as observed_rate
from ganfield.analysis._outcomes import OUTCOMES as OUTCOMES
from ganfield.analysis._spectral_radius import ConvergenceRate as ConvergenceRate
from ganfield.analysis._spectral_radius import SpectralRadius as SpectralRadius
from ganfield.analysis._spectral_radius import convergence_rate as convergence_rate
from ganfield.analysis._spectral_radius import spectral_radius as spectral_radius
from ganfield.analysis._spectrum import (
    approximate_consensus_jacobian as approximate_consensus_jacobian,
)
from ganfield.analysis._spectrum import eigenvalues as eigenvalues
from ganfield.analysis._spectrum import max_step_size as max_step_size
from ganfield.analysis._spectrum import mean_jacobian as mean_jacobian
from ganfield.analysis._stability import StabilityDiagram as StabilityDiagram
from ganfield.analysis._stability import largest_stable as largest_stable
from ganfield.analysis._stability import stability_diagram as stability_diagram
from ganfield.analysis._update_map import UpdateMap as UpdateMap
from ganfield.analysis._update_map import update_map as update_map
from ganfield.analysis._work import Work as Work
