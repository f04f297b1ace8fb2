"""Stability over a grid of two hyper-parameters."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, Normalize, make_norm_from_scale
from matplotlib.scale import FuncScale
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ganfield.checks import lookup
from ganfield.plotting._map import colours, pixels, said
from ganfield.plotting._style import COLORS, axes, ink, once, paper

_QUANTITIES = {
    "spectral_radius": lambda result: result.spectral_radius,
    "rate": lambda result: result.rate,
    "converged": lambda result: result.share[0],
    "cycling": lambda result: result.share[1],
    "diverged": lambda result: result.share[2],
}
_WIDEST = 0.3  # wider, and most of what is stable is too pale to see
_ROUNDING = 1e-9  # a radius so near 1 is on the unit circle


def stability_diagram(
    result: Any, ax: Axes | None = None, *, quantity: str = "spectral_radius"
) -> QuadMesh:
    """Draw which hyper-parameters are stable, by prediction and by runs.

    The first axis is the vertical one, and an axis whose values grow by a factor is logarithmic. A
    solid line surrounds what is predicted to be stable, a spectral radius below 1; a dashed one
    that of which at least half of the starts converged. Where they part, runs were too short or
    too far away for the prediction. Over the axes after the first two, seeds for example, radius
    and rate are medians and shares are means: a line surrounds what is stable for at least half.
    ``ax.legend()`` names both lines, and
    ``ax.figure.colorbar(image)`` explains the colours.

    Radius and rate are blue below 1, orange above it, and of the ground's colour at 1. Each side
    has a scale of its own, for what is stable may be so by a thousandth while the rest flies
    apart: what is further from 1 than nine tenths of the grid on its side, or than 0.3, has the
    last colour. Shares are blue. What is NaN is grey.

    Args:
        result: an object with ``axes`` (names → values, rising in the first two),
            ``spectral_radius``, ``rate``, each of shape ``(rows, columns, …)``, and ``share``,
            shape ``(3, rows, columns, …)``, such as that of ``gf.stability_diagram``.
        ax: where to draw; new axes if None.
        quantity: what the colours show: "spectral_radius", "rate", or a share of the starts,
            "converged", "cycling" or "diverged".

    Returns:
        The image. Its array holds the quantity.

    Raises:
        ValueError: the quantity is unknown; an axis does not rise, or has fewer than two values;
            the shapes do not fit.

    Example:
        >>> import types, numpy as np, ganfield as gf
        >>> result = types.SimpleNamespace(
        ...     axes={"step_size": np.array([0.1, 0.5]), "gamma": np.array([0.0, 1.0])},
        ...     spectral_radius=np.array([[1.005, 0.906], [1.118, 0.707]]),
        ...     rate=np.array([[1.005, 0.906], [1.118, 0.707]]),
        ...     share=np.array([[[0.0, 1.0], [0.0, 1.0]], np.zeros((2, 2)), np.eye(2)]),
        ... )
        >>> image = gf.plot.stability_diagram(result)
        >>> image.axes.get_xlabel(), image.axes.get_ylabel()
        ('γ', 'step size h')
    """
    of_result = lookup(_QUANTITIES, quantity, argument="quantity")
    rows, columns = _read(result)
    result = _over_seeds(result)
    shown = np.ma.masked_invalid(of_result(result))
    norm, scale = (
        _diverging(shown) if quantity in ("spectral_radius", "rate") else _share_of_starts()
    )

    ax = axes(ax)
    image = pixels(ax, columns, rows, shown, norm=norm, colours=scale)
    radius = np.asarray(result.spectral_radius, float)
    # What lies on the unit circle but for rounding is not stable, and is no edge.
    radius = np.where(np.abs(radius - 1) < _ROUNDING, 1 + _ROUNDING, radius)
    _edge(ax, columns, rows, radius, 1.0, "-", "predicted")
    _edge(ax, columns, rows, np.asarray(result.share[0], float), 0.5, "--", "measured")
    first, second, *_ = result.axes
    ax.set(xlabel=ax.get_xlabel() or said(second), ylabel=ax.get_ylabel() or said(first))
    return image


def _read(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the values along the rows' axis and along the columns'."""
    values = {name: np.asarray(axis, float) for name, axis in result.axes.items()}
    drawn = list(values.values())[:2]
    rising = all(x.ndim == 1 and x.size > 1 and np.all(np.diff(x) > 0) for x in drawn)
    if len(values) < 2 or not rising:
        raise ValueError(
            "axes must be two names with two or more rising values each, and perhaps seeds, got "
            f"{ {name: axis.tolist() for name, axis in values.items()} }"
        )
    rows, columns = drawn
    shape = tuple(axis.size for axis in values.values())
    shapes = [np.shape(part) for part in (result.spectral_radius, result.rate, result.share)]
    if shapes != [shape, shape, (3, *shape)]:
        raise ValueError(
            f"spectral_radius, rate and share must have shapes {shape}, {shape} and {(3, *shape)}, "
            f"as the axes have it, got {', '.join(map(str, shapes))}"
        )
    return rows, columns


def _over_seeds(result: Any) -> Any:
    """Return the result with two axes alone."""
    others = tuple(range(2, len(result.axes)))
    if not others:
        return result
    radius, rate = (
        np.ma.median(np.ma.masked_invalid(values), axis=others).filled(np.nan)
        for values in (result.spectral_radius, result.rate)
    )
    share = np.mean(result.share, axis=tuple(axis + 1 for axis in others))
    return SimpleNamespace(axes=result.axes, spectral_radius=radius, rate=rate, share=share)


def _width(away: np.ndarray) -> float | None:
    """Return how far from 1 the colours of a side go, None where nothing lies there."""
    beyond = away[away > _ROUNDING]
    return float(np.clip(np.quantile(beyond, 0.9), 1e-6, _WIDEST)) if beyond.size else None


def _diverging(shown: np.ma.MaskedArray) -> tuple[Normalize, Colormap]:
    away = shown.compressed() - 1
    sides = _width(-away), _width(away)
    # A side where nothing lies has the scale of the other.
    below, above = (side or max(filter(None, sides), default=_WIDEST) for side in sides)
    smooth = colours("stability", COLORS[0], paper(), COLORS[1])
    ends = {(True, True): "both", (True, False): "min", (False, True): "max"}
    past = bool(np.any(away < -below)), bool(np.any(away > above))
    extend: Any = ends.get(past, "neither")  # typed as bool by Matplotlib
    smooth.colorbar_extend = extend
    scale: Any = partial(_TwoSided, below=below, above=above)
    return make_norm_from_scale(scale)(Normalize)(1 - below, 1 + above), smooth


class _TwoSided(FuncScale):
    """A scale with 1 in its middle, and with ticks on both sides, however narrow one of them is."""

    def __init__(self, axis: Any, *, below: float, above: float):
        def there(value: Any) -> Any:
            return np.where(np.less(value, 1), (value - 1) / below, (value - 1) / above)

        def back(place: Any) -> Any:
            return 1 + np.where(np.less(place, 0), place * below, place * above)

        super().__init__(axis, (there, back))
        self._sides = {-1: below, 1: above}

    def set_default_locators_and_formatters(self, axis: Any) -> None:
        ticks = [
            1 + sign * away
            for sign, width in self._sides.items()
            for away in MaxNLocator(3).tick_values(0, width)
            if away < width * (1 + _ROUNDING)
        ]
        axis.set_major_locator(FixedLocator(np.unique(np.round(ticks, 12)).tolist()))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
        axis.set_minor_locator(NullLocator())


def _share_of_starts() -> tuple[Normalize, Colormap]:
    return Normalize(0, 1), colours("share", paper(), COLORS[0])


def _edge(
    ax: Axes,
    columns: np.ndarray,
    rows: np.ndarray,
    values: np.ndarray,
    level: float,
    linestyle: str,
    label: str,
) -> None:
    """Draw where the values cross a level, if they do, and name the line for the legend."""
    known = np.ma.masked_invalid(values)
    if known.count() and known.min() < level < known.max():
        ax.contour(
            columns,
            rows,
            known,
            levels=[level],
            colors=[ink()],
            linestyles=linestyle,
            linewidths=1.2,
        )
        ax.plot([], [], color=ink(), linestyle=linestyle, linewidth=1.2, label=once(ax, label))
