"""A field in the plane: streamlines or arrows."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, LogNorm, Normalize
from matplotlib.quiver import Quiver
from matplotlib.streamplot import StreamplotSet

from ganfield._types import Field, Players
from ganfield.checks import check_bounds, check_count, lookup
from ganfield.field import check_plane_field
from ganfield.plotting._plane import frame, hatched, is_one_scale
from ganfield.plotting._style import axes, ink, is_dark, once, tint

_RESOLUTION = {"stream": 101, "quiver": 20}
_REFINE = 2  # Grid steps from an arrow to the edge of its cell.


def field(
    field: Field,
    ax: Axes | None = None,
    *,
    bounds: Any,
    kind: str = "stream",
    resolution: int | None = None,
    batch: Any = None,
    cmap: str | Colormap | None = None,
    log_speed: bool = False,
    density: float = 1.0,
) -> StreamplotSet | Quiver:
    """Draw a field of two numbers: where it points, and as colour the speed ‖v‖.

    Where the field is NaN or infinite, the plane is hatched; ``ax.legend()`` then says "not
    finite". For a colour bar give ``ax.figure.colorbar`` the arrows, or the ``lines`` of the
    streamlines.

    Args:
        field: v, ``field(params, batch=None) -> Players``, of `Players` of two scalars.
        ax: where to draw; new axes if None.
        bounds: what to show: ``(low, high)`` for both coordinates, or `Players` of two such pairs.
        kind: "stream" for streamlines, "quiver" for arrows of one length.
        resolution: grid points along each side (stream; 101 if None), or arrows along the longer
            side (quiver; 20 if None).
        batch: for the field.
        cmap: a colour map for the speed. If None, viridis without the end that cannot be seen on
            the ground; the faster, the stronger the contrast.
        log_speed: colours go with log ‖v‖, over four decades at most.
        density: of the streamlines, as Matplotlib counts them.

    Returns:
        The streamlines or the arrows.

    Raises:
        ValueError: the kind is unknown, the bounds or the resolution are not as above, or the field
            is not one of two numbers.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> arrows = gf.plot.field(v, bounds=(-2, 2), kind="quiver", resolution=5)
        >>> len(arrows.U), float(arrows.get_array().max().round(3))       # The speed at a corner.
        (25, 2.263)
    """
    usual = lookup(_RESOLUTION, kind, argument="kind")
    count = usual if resolution is None else resolution
    count = check_count(count, argument="resolution", minimum=2)
    box = check_bounds(bounds)
    check_plane_field(field, batch, purpose="a 2-D plot")

    nodes = [count, count]
    if kind == "quiver":
        nodes = [2 * _REFINE * cells + 1 for cells in _cells(box, count)]
    theta, phi = (np.linspace(low, high, n) for (low, high), n in zip(box, nodes, strict=True))
    u, v = _evaluate(field, theta, phi, batch)
    missing = ~(np.isfinite(u) & np.isfinite(v))
    u, v = (np.ma.array(np.where(missing, 0, part), mask=missing) for part in (u, v))
    speed = np.ma.array(np.hypot(u.data, v.data), mask=missing)
    norm, speed = _norm(speed, log_speed)

    ax = axes(ax)
    if missing.any():
        hatched(
            ax,
            theta,
            phi,
            missing,
            hatch="////",
            facecolor=tint(ink(), 0.07),
            edgecolor=ink(0.5),
            linewidth=0.6,
            zorder=0.8,
            label=once(ax, "not finite"),
        )
    frame(ax, box)
    colors = _speed_map() if cmap is None else cmap
    if kind == "stream":
        # Only directions count; numbers up to 1 cannot overflow when they are squared.
        largest = max(np.max(np.abs([u.data, v.data])), np.finfo(float).tiny)
        return ax.streamplot(
            theta,
            phi,
            u / largest,
            v / largest,
            color=speed,
            cmap=colors,
            norm=norm,
            density=density,
            linewidth=0.8,
            arrowsize=0.8,
        )
    # Arrows stand in the middle of cells; the grid between them looks for what is not finite.
    every = slice(_REFINE, None, 2 * _REFINE)
    u, v, speed = u[every, every], v[every, every], speed[every, every]
    length = np.hypot(u, v)
    u, v = (part / np.where(length == 0, 1, length) for part in (u, v))
    across = u.shape[1]
    return ax.quiver(
        theta[every],
        phi[every],
        u,
        v,
        speed,
        angles="xy",
        pivot="mid",
        units="width",
        scale_units="width",
        scale=across / 0.8,
        width=0.09 / across,
        headwidth=4,
        headlength=4.5,
        headaxislength=4,
        minlength=0.5,
        cmap=colors,
        norm=norm,
        zorder=2,
    )


def _cells(bounds: Players, count: int) -> list[int]:
    """Return how many cells there are along θ and φ: square ones, where the scale is one."""
    spans = [high - low for low, high in bounds]
    if not is_one_scale(bounds):
        return [count, count]
    return [max(1, round(count * span / max(spans))) for span in spans]


def _evaluate(
    field: Field, theta: np.ndarray, phi: np.ndarray, batch: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return both parts of the field on a grid, rows along φ."""
    columns, rows = (part.ravel() for part in np.meshgrid(theta, phi))
    dtype = jnp.result_type(float)
    points = Players(jnp.asarray(columns, dtype), jnp.asarray(rows, dtype))
    value = jax.jit(jax.vmap(field, in_axes=(0, None)))(points, batch)
    u, v = (np.asarray(part, float).reshape(len(phi), len(theta)) for part in value)
    return u, v


def _norm(speed: np.ma.MaskedArray, log: bool) -> tuple[Normalize, np.ma.MaskedArray]:
    """Return how speed becomes colour, and the speed with what that cannot show taken out."""
    highest = float(speed.max()) if speed.count() else 0.0
    if highest == 0:
        return Normalize(0, 1), speed
    if not log:
        return Normalize(0, highest), speed
    lowest = max(float(speed[speed > 0].min()), 1e-4 * highest)
    return LogNorm(lowest, highest), np.ma.maximum(speed, lowest)


def _speed_map() -> Colormap:
    slow, fast = (0.38, 1.0) if is_dark() else (0.72, 0.0)
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(slow, fast, 256)))
