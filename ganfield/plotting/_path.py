"""A field along the segment between two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ganfield.plotting._curves import log_where_wide
from ganfield.plotting._style import axes, ink

if TYPE_CHECKING:
    from ganfield.spectra import PathDiagnostics


def path(path: PathDiagnostics, ax: Axes | None = None, *, gradient: bool = True) -> list[Line2D]:
    """Draw the angle of a field to a path, and its norm on an axis of its own, at the right.

    Args:
        path: what `ganfield.path_diagnostics` returns.
        ax: where to draw; new axes if None. The right axis is new.
        gradient: draw also the cosine of the angle between v and ∇½‖v‖².

    Returns:
        The lines, the norm's last: ``ax.legend(handles=lines)`` names them.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> there = gf.path_diagnostics(v, gf.Players(1.0, 1.0), gf.Players(0.0, 0.0))
        >>> [line.get_label() for line in gf.plot.path(there)]
        ['cosine of v and the path', 'cosine of v and ∇½‖v‖²', '‖v‖']
    """
    ax = axes(ax)
    right = ax.twinx()
    lines = ax.plot(path.alpha, path.cosine, color="C0", label="cosine of v and the path")
    if gradient:
        label, dashes = "cosine of v and ∇½‖v‖²", (0, (6, 4))
        lines += ax.plot(
            path.alpha, path.gradient_cosine, color="C1", linestyle=dashes, label=label
        )
    (norm,) = right.plot(path.alpha, path.norm, color="C2", linestyle=(0, (2, 2)), label="‖v‖")
    for place in (0, 1):
        ax.axvline(place, color=ink(0.5), linewidth=0.8, zorder=0)
    ax.axhline(0, color=ink(0.5), linewidth=0.8, zorder=0)
    ax.set(xlabel="α, from the start (0) to the end (1)", ylabel="cosine", ylim=(-1.08, 1.08))
    log_where_wide(right)
    right.spines["right"].set_visible(True)
    right.set_ylabel("‖v‖", color=norm.get_color())
    right.tick_params(axis="y", which="both", colors=norm.get_color())
    return [*lines, norm]
