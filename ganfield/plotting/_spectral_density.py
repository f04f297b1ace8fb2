"""The density of eigenvalues along their axis, with its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ganfield.plotting._style import axes, ink

if TYPE_CHECKING:
    from ganfield.spectra import SpectralDensity

_LABELS = {"symmetric": "λ of S = (J + Jᵀ)/2", "antisymmetric": "ω, iω of A = (J − Jᵀ)/2"}
_FAINTEST = 0.1  # of one eigenvalue's height


def spectral_density(
    density: SpectralDensity,
    ax: Axes | None = None,
    *,
    color: str | None = None,
    label: str | None = None,
) -> Line2D:
    """Draw a density of eigenvalues on a logarithmic axis, on which single ones show.

    The band is two standard errors, with the error of the quadrature added, to both sides. The axis
    ends at a tenth of the height of one eigenvalue that stands alone.

    Args:
        density: what `ganfield.spectral_density` returns.
        ax: where to draw; new axes if None.
        color: of line and band; if None, the next of the cycle.
        label: for the legend.

    Returns:
        The line.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(0.5, 2.0))
        >>> density = gf.spectral_density(v, gf.Players(0.0, 0.0), part="symmetric")
        >>> gf.plot.spectral_density(density).axes.get_yscale()
        'log'
    """
    ax = axes(ax)
    (line,) = ax.plot(density.points, density.density, color=color, label=label)
    lowest = _FAINTEST / (density.size * density.width * (2 * np.pi) ** 0.5)
    error = 2 * density.standard_error + density.quadrature_error
    if np.isfinite(error).all():
        low, high = (np.maximum(density.density + sign * error, lowest / 10) for sign in (-1, 1))
        ax.fill_between(density.points, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    ax.axvline(0, color=ink(0.5), linewidth=0.8, zorder=0)
    before = ax.get_ylim()[0] if ax.get_yscale() == "log" else lowest
    ax.set(yscale="log", ylabel="density")
    ax.set_ylim(bottom=min(before, lowest))
    ax.set_xlabel(ax.get_xlabel() or _LABELS[density.part])
    return line
