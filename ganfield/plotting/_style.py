"""One look for all figures."""

from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba

RGBA: TypeAlias = tuple[float, float, float, float]

# Okabe and Ito's colours, which the colour-blind can tell apart.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Those of them that are legible on dark, white for black.
DARK_COLORS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF")

_PAPER, _INK = "#14171C", "#E8EAED"
_DARK = {
    "axes.edgecolor": _INK,
    "axes.facecolor": _PAPER,
    "axes.labelcolor": _INK,
    "axes.prop_cycle": cycler(color=DARK_COLORS),
    "figure.edgecolor": _PAPER,
    "figure.facecolor": _PAPER,
    "grid.color": "#4A4F57",
    "lines.color": _INK,
    "patch.edgecolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def style(*, dark: bool = False, **changes: Any) -> AbstractContextManager[None]:
    """Return a context in which figures look as the library's own do.

    They are laid out by Matplotlib's constrained layout: without ``tight_layout``, which would
    replace it, and warn.

    Args:
        dark: light ink on a dark ground, with `DARK_COLORS` in place of `COLORS`. Draw inside the
            context: what is drawn takes its ink from the settings at that time.
        **changes: further Matplotlib settings, dots written as double underscores.

    Returns:
        A context manager; the settings are as they were when it ends.

    Example:
        >>> import matplotlib.pyplot as plt, ganfield as gf
        >>> with gf.plot.style(font__size=8):
        ...     plt.rcParams["font.size"]
        8.0
    """
    settings: dict[Any, Any] = {
        "axes.prop_cycle": cycler(color=COLORS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 9,
        "axes.labelsize": 9,
        "figure.constrained_layout.use": True,
        "font.size": 9,
        "legend.frameon": False,
        "legend.fontsize": 8,
        "lines.linewidth": 1.2,
        "savefig.dpi": 200,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
    }
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return mpl.rc_context(settings | (_DARK if dark else {}) | changed)


def ink(alpha: float = 1.0) -> RGBA:
    """Return the colour of text, thinned: a grey that is legible on light and on dark."""
    return to_rgba(mpl.rcParams["text.color"], alpha)


def paper() -> RGBA:
    """Return the colour of the ground."""
    return to_rgba(mpl.rcParams["axes.facecolor"])


def tint(color: str | RGBA, share: float) -> RGBA:
    """Return a colour mixed with the ground's, opaque, so that it hides what lies below."""
    red, green, blue, _ = share * np.array(to_rgba(color)) + (1 - share) * np.array(paper())
    return red, green, blue, 1.0


def is_dark() -> bool:
    """Return whether the ink is light, which makes the ground dark."""
    red, green, blue = to_rgb(mpl.rcParams["text.color"])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5


def axes(ax: Axes | None) -> Axes:
    """Return the axes given, or new ones."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots()[1]


def once(ax: Axes, label: str) -> str:
    """Return the label, or one that legends leave out if the axes have it already."""
    return "_nolegend_" if label in ax.get_legend_handles_labels()[1] else label
