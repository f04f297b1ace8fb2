"""Figures. Every function takes ``ax=None``, returns what it drew, and never sets a backend."""

from ganfield.plotting._curves import curves
from ganfield.plotting._density import density
from ganfield.plotting._spectrum import spectrum
from ganfield.plotting._style import COLORS, style

__all__ = ["COLORS", "curves", "density", "spectrum", "style"]
