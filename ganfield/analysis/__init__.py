"""Looking at fields: spectra, and what they say."""

from ganfield.analysis._spectrum import eigenvalues, max_step_size

__all__ = ["eigenvalues", "max_step_size"]
