"""A field along the segment between two points, such as two checkpoints of a run."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._html import html_of
from ganfield._memory import check_memory
from ganfield._tree import strong
from ganfield._types import Field, Players
from ganfield.checks import as_params, check_bounds, check_count, check_same_structure
from ganfield.field import check_field
from ganfield.field._differentiable import backward, forward
from ganfield.spectra._smooth import check_smooth_along

_SOMEWHERE = 0.3819660113  # along the path, where no kink lies but by chance


class PathDiagnostics(NamedTuple):
    """A field v along x(α) = start + α·(end − start), arrays of shape ``(points,)``.

    Attributes:
        alpha: α, 0 at the start and 1 at the end.
        cosine: of the angle between v and end − start; NaN where v = 0.
        norm: ‖v‖.
        gradient_cosine: of the angle between v and ∇L = Jᵀv, L = ½‖v‖²: below 0 where moving along
            v makes it smaller; NaN where one of them is 0.
        gradient_norm: ‖∇L‖.
        distance: ‖end − start‖.
    """

    alpha: np.ndarray
    cosine: np.ndarray
    norm: np.ndarray
    gradient_cosine: np.ndarray
    gradient_norm: np.ndarray
    distance: float

    @property
    def angle(self) -> np.ndarray:
        """Between v and end − start, in radians from 0 to π."""
        return np.arccos(self.cosine)

    def __repr__(self) -> str:
        return (
            f"PathDiagnostics: {len(self.alpha)} points from α = {self.alpha[0]:.4g} to "
            f"{self.alpha[-1]:.4g}, distance {self.distance:.4g}, ‖v‖ from {self.norm.min():.3g} "
            f"to {self.norm.max():.3g}"
        )

    def _repr_html_(self) -> str:
        return html_of(self)


def path_diagnostics(
    field: Field,
    start: Players,
    end: Players,
    batch: Any = None,
    *,
    bounds: tuple[float, float] = (-0.1, 1.1),
    num_points: int = 121,
) -> PathDiagnostics:
    """Return angle and norm of a field along the segment between two points, and beyond.

    Where the end attracts without turning, v points to it from both sides: the cosine is 1 before
    the end and −1 behind it. Where v only turns round the end, it stands across the path, and the
    cosine is 0. What does both has a bump beside the change of sign. One program for all points,
    in the precision of the parameters, one point after the other.

    Args:
        field: ``field(params, batch=None) -> Players``, v or a transform of it.
        start: the first point, such as early parameters of a run.
        end: the second, such as its last ones.
        batch: what the field sees at all points. Noise of a small batch may hide what v does near
            an equilibrium: a large one costs little here.
        bounds: the first and the last α.
        num_points: how many α there are, evenly.

    Returns:
        A `PathDiagnostics`, in NumPy; `ganfield.plot.path` draws it. A point at which v is not
        finite has NaN. ∇L is that of one side where the path meets a kink.

    Raises:
        ValueError: an argument is not allowed, the points are the same, have other structures or
            are not finite, or the field has no derivatives.

    Reference:
        Berard, Gidel, Almahairi, Vincent, Lacoste-Julien, "A Closer Look at the Optimization
        Landscapes of Generative Adversarial Networks", 2019, section 4.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=0.0))  # it attracts and does not turn
        >>> path = gf.path_diagnostics(
        ...     v, gf.Players(1.0, 1.0), gf.Players(0.0, 0.0), bounds=(0.5, 1.5), num_points=3
        ... )
        >>> path.cosine.round(3), path.norm.round(3)
        (array([ 1., nan, -1.]), array([0.707, 0.   , 0.707]))
    """
    low, high = check_bounds(bounds).theta
    num_points = check_count(num_points, argument="num_points", minimum=2)
    check_field(field, start, batch)
    points = tuple(strong(as_params(point)) for point in (start, end))
    check_same_structure(points[1], points[0], argument="end", source="start")
    (first, unravel), (last, _) = map(ravel_pytree, points)
    for name, flat in (("start", first), ("end", last)):
        if not jnp.isfinite(flat).all():
            raise ValueError(f"{name} must be finite, got NaN or an infinity")
    distance = float(np.linalg.norm(np.asarray(last, float) - np.asarray(first, float)))
    if not distance:
        raise ValueError("end must be another point than start: there is no path between them")
    check_memory(num_points, lambda n: 80 * n, argument="num_points must be", what="the path")

    def along(first: jax.Array, last: jax.Array, batch: Any, alphas: jax.Array) -> Any:
        def here(x: jax.Array) -> jax.Array:
            return ravel_pytree(field(unravel(x), batch))[0]

        def at(alpha: jax.Array) -> tuple[jax.Array, ...]:
            value, pullback = backward(
                here, first + alpha * (last - first), user="path_diagnostics"
            )
            slope = pullback(value)
            (way, _), (moves, norm), (climbs, steep) = map(_unit, (last - first, value, slope))
            return moves @ way, norm, moves @ climbs, steep

        return jax.lax.map(at, alphas)

    alphas = np.append(np.linspace(low, high, num_points), _SOMEWHERE)
    given = first, last, batch, jnp.asarray(alphas, first.dtype)
    drawn = compiled(along, *given, name="path_diagnostics")(*given)
    if np.isfinite(drawn[1][-1]):
        _check_somewhere(field, unravel(first + _SOMEWHERE * (last - first)), batch)
    cosine, norm, gradient_cosine, gradient_norm = (np.asarray(each[:-1], float) for each in drawn)
    return PathDiagnostics(
        alphas[:-1],
        np.clip(cosine, -1, 1),
        norm,
        np.clip(gradient_cosine, -1, 1),
        gradient_norm,
        distance,
    )


def _check_somewhere(field: Field, params: Players, batch: Any) -> None:
    """Raise a ``ValueError`` where derivatives mean nothing at a point that nobody chose."""
    flat, unravel = ravel_pytree(params)

    def slope(flat: jax.Array, batch: Any, vector: jax.Array) -> jax.Array:
        def here(x: jax.Array) -> jax.Array:
            return ravel_pytree(field(unravel(x), batch))[0]

        return forward(here, flat, vector, user="path_diagnostics")[1]

    program = compiled(slope, flat, batch, flat, name="_slope")
    try:
        check_smooth_along(
            field,
            params,
            batch,
            lambda vector: np.asarray(program(flat, batch, jnp.asarray(vector, flat.dtype))),
        )
    except ValueError as error:
        raise ValueError(f"between start and end, at α = {_SOMEWHERE:.2f}, {error}") from error


def _unit(vector: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return a vector of length 1, NaN of a vector 0, and the length; no square overflows."""
    largest = jnp.max(jnp.abs(vector))
    scaled = vector / jnp.where(largest > 0, largest, 1)
    length = jnp.linalg.norm(scaled)
    return scaled / length, largest * length
