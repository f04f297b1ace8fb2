"""One look for all figures."""

from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes

# Okabe and Ito's colours, which the colour-blind can tell apart.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def style(**changes: Any) -> AbstractContextManager[None]:
    """Return a context in which figures look as the library's own do.

    Args:
        **changes: further Matplotlib settings, dots written as double underscores.

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
    return mpl.rc_context(settings | changed)


def axes(ax: Axes | None) -> Axes:
    """Return the axes given, or new ones."""
    if ax is not None:
        return ax
    from matplotlib import pyplot as plt

    return plt.subplots()[1]
