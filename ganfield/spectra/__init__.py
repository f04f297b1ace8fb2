"""Eigenvalues: of a field's Jacobian, and of a method's step as a map of its whole state."""

from ganfield.spectra._smooth import is_smooth as is_smooth
from ganfield.spectra._spectral_radius import ConvergenceRate as ConvergenceRate
from ganfield.spectra._spectral_radius import SpectralRadius as SpectralRadius
from ganfield.spectra._spectral_radius import convergence_rate as convergence_rate
from ganfield.spectra._spectral_radius import spectral_radius as spectral_radius
from ganfield.spectra._spectrum import (
    approximate_consensus_jacobian as approximate_consensus_jacobian,
)
from ganfield.spectra._spectrum import eigenvalues as eigenvalues
from ganfield.spectra._spectrum import max_step_size as max_step_size
from ganfield.spectra._spectrum import mean_jacobian as mean_jacobian
from ganfield.spectra._standing_memory import standing as standing
from ganfield.spectra._update_map import UpdateMap as UpdateMap
from ganfield.spectra._update_map import state_at as state_at
from ganfield.spectra._update_map import steps_of as steps_of
from ganfield.spectra._update_map import update_map as update_map
from ganfield.spectra._work import Work as Work
