"""Figures. Every function takes ``ax=None``, returns what it drew, and never sets a backend."""

from ganfield.plotting._animate import animate
from ganfield.plotting._basins import basins
from ganfield.plotting._curves import curves
from ganfield.plotting._density import density
from ganfield.plotting._equilibria import equilibria
from ganfield.plotting._field import field
from ganfield.plotting._figure import check_path, figure, save
from ganfield.plotting._save_animation import save_animation
from ganfield.plotting._spectrum import spectrum
from ganfield.plotting._stability import stability_diagram
from ganfield.plotting._style import COLORS, DARK_COLORS, style
from ganfield.plotting._trajectory import trajectory

__all__ = [
    "COLORS",
    "DARK_COLORS",
    "animate",
    "basins",
    "check_path",
    "curves",
    "density",
    "equilibria",
    "field",
    "figure",
    "save",
    "save_animation",
    "spectrum",
    "stability_diagram",
    "style",
    "trajectory",
]
