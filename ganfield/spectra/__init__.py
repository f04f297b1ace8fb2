"""Eigenvalues: of a field's Jacobian, and of a method's step as a map of its whole state."""

from ganfield.spectra._blocks import Estimated as Estimated
from ganfield.spectra._blocks import JacobianBlocks as JacobianBlocks
from ganfield.spectra._blocks import jacobian_blocks as jacobian_blocks
from ganfield.spectra._continuum import At as At
from ganfield.spectra._continuum import back_to_zero as back_to_zero
from ganfield.spectra._continuum import flat_dimension as flat_dimension
from ganfield.spectra._continuum import looking_at as looking_at
from ganfield.spectra._density import SpectralDensity as SpectralDensity
from ganfield.spectra._density import spectral_density as spectral_density
from ganfield.spectra._krylov_eigenvalues import KrylovEigenvalues as KrylovEigenvalues
from ganfield.spectra._krylov_eigenvalues import krylov_eigenvalues as krylov_eigenvalues
from ganfield.spectra._listening import listening as listening
from ganfield.spectra._local import Local as Local
from ganfield.spectra._local import across as across
from ganfield.spectra._local import continuum as continuum
from ganfield.spectra._local import local_map as local_map
from ganfield.spectra._local import no_fixed_point as no_fixed_point
from ganfield.spectra._mean_field import mean_field as mean_field
from ganfield.spectra._moving_map import moving_map as moving_map
from ganfield.spectra._path import PathDiagnostics as PathDiagnostics
from ganfield.spectra._path import path_diagnostics as path_diagnostics
from ganfield.spectra._period import at_their_limit as at_their_limit
from ganfield.spectra._period import period as period
from ganfield.spectra._programs import jacobian_at as jacobian_at
from ganfield.spectra._rate import ConvergenceRate as ConvergenceRate
from ganfield.spectra._rate import convergence_rate as convergence_rate
from ganfield.spectra._roles import are_params as are_params
from ganfield.spectra._roles import settled as settled
from ganfield.spectra._roles import steering as steering
from ganfield.spectra._smooth import check_smooth as check_smooth
from ganfield.spectra._smooth import is_smooth as is_smooth
from ganfield.spectra._snapshot import Snapshot as Snapshot
from ganfield.spectra._snapshot import snapshot as snapshot
from ganfield.spectra._spectral_radius import SpectralRadius as SpectralRadius
from ganfield.spectra._spectral_radius import matrix_of as matrix_of
from ganfield.spectra._spectral_radius import spectral_radius as spectral_radius
from ganfield.spectra._spectrum import (
    approximate_consensus_jacobian as approximate_consensus_jacobian,
)
from ganfield.spectra._spectrum import eigenvalues as eigenvalues
from ganfield.spectra._spectrum import max_step_size as max_step_size
from ganfield.spectra._spectrum import mean_jacobian as mean_jacobian
from ganfield.spectra._update_map import MOMENTS as MOMENTS
from ganfield.spectra._update_map import UpdateMap as UpdateMap
from ganfield.spectra._update_map import state_at as state_at
from ganfield.spectra._update_map import update_map as update_map
from ganfield.spectra._work import Work as Work
