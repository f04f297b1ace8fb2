"""Looking at fields: spectra, and what they say."""

from ganfield.analysis._spectrum import (
    approximate_consensus_jacobian,
    eigenvalues,
    max_step_size,
    mean_jacobian,
)

__all__ = ["approximate_consensus_jacobian", "eigenvalues", "max_step_size", "mean_jacobian"]
