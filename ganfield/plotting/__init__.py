"""Figures. Every function takes ``ax=None``, returns what it drew, and never sets a backend."""

from ganfield.plotting import _matplotlib as _matplotlib  # First, for it says what brings it.

# isort: split
from ganfield.plotting._animate import animate as animate
from ganfield.plotting._animate_samples import animate_samples as animate_samples
from ganfield.plotting._basins import basins as basins
from ganfield.plotting._curves import LINE_STYLES as LINE_STYLES
from ganfield.plotting._curves import curves as curves
from ganfield.plotting._curves import log_where_wide as log_where_wide
from ganfield.plotting._density import density as density
from ganfield.plotting._equilibria import equilibria as equilibria
from ganfield.plotting._field import field as field
from ganfield.plotting._figure import check_path as check_path
from ganfield.plotting._figure import figure as figure
from ganfield.plotting._figure import save as save
from ganfield.plotting._probes import probes as probes
from ganfield.plotting._save_animation import save_animation as save_animation
from ganfield.plotting._spectrum import spectrum as spectrum
from ganfield.plotting._stability import stability_diagram as stability_diagram
from ganfield.plotting._style import COLORS as COLORS
from ganfield.plotting._style import DARK_COLORS as DARK_COLORS
from ganfield.plotting._style import style as style
from ganfield.plotting._sweep import sweep as sweep
from ganfield.plotting._trajectory import trajectory as trajectory
