"""Zeros of a field, from many starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._html import html_table
from ganfield._memory import check_memory
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import (
    check_bounds,
    check_count,
    check_not_empty,
    check_not_negative,
    check_same_structure,
)
from ganfield.dynamics._continua import continua
from ganfield.field import check_field

_MAX_STEPS = 100
_FLAT = 0.1  # by less than this share ‖field‖ falls over the bounds' width where it is flat


class Equilibria(NamedTuple):
    """Zeros of a field.

    Attributes:
        points: the zeros, each `Players` as the template, of NumPy float64, sorted by coordinates;
            of a continuum of zeros the one that is nearest to the middle of the bounds.
        residuals: ‖field‖ at each, shape ``(len(points),)``.
        hits: how many starts ended at each, or on its continuum, shape ``(len(points),)``.
        num_starts: how many there were, known points included.
        num_converged: how many ended at a zero, within the bounds or outside.
        reason: what became of the starts where none ended at a zero within the bounds, in words;
            empty where one did.
        dimensions: of the continuum that each lies on, shape ``(len(points),)``; 0 where the zero
            is isolated.
        members: all that was found on each continuum, arrays of flat parameters (θ before φ), one
            for each point and of shape ``(count, n)``.
    """

    points: tuple[Players, ...]
    residuals: np.ndarray
    hits: np.ndarray
    num_starts: int
    num_converged: int
    reason: str = ""
    dimensions: np.ndarray = np.zeros(0, int)
    members: tuple[np.ndarray, ...] = ()

    def __repr__(self) -> str:
        return f"Equilibria: {self._words()}"

    def _words(self) -> str:
        flat = [str(dimension) for dimension in self.dimensions if dimension]
        lie = f" ({len(flat)} of them continua, of dimension {', '.join(flat)})" if flat else ""
        words = f"{self.num_converged} of {self.num_starts} starts ended at zeros"
        said = ". ".join(filter(None, (words, self.reason)))
        return f"{len(self.points)} equilibria{lie}: {said}"

    def _repr_html_(self) -> str:
        rows = zip(self.points, self.residuals, self.hits, strict=True)
        return html_table(["point", "residual", "hits"], rows, title=self._words())


def find_equilibria(
    field: Field,
    *,
    bounds: Any,
    num_starts: int = 1024,
    key: jax.Array | None = None,
    template: Players | None = None,
    known: Iterable[Players] = (),
    batch: Any = None,
    tolerance: float = 1e-9,
    separation: float = 1e-4,
) -> Equilibria:
    """Return the zeros of any field (a v, or a w made from it) that lie within the bounds.

    Newton's method with Levenberg and Marquardt's damping,

        (JᵀJ + μI) d = −Jᵀ field(x),   x ← x + d where that makes ‖field‖ smaller,

    from starts that fill the bounds evenly, in one vmapped program and in float64; what falls
    together is counted once. All zeros are found only where the starts are dense enough: look at
    ``hits``, and double ``num_starts`` if some zero has few. What lies on one continuum of zeros
    (the ring of a symmetry, say) is one of the points, with its dimension: Newton's method leads
    from the middle between two neighbours on it back to it, and so along its null directions.

    Args:
        field: ``field(params, batch=None) -> Players``.
        bounds: ``(low, high)`` for every parameter, or `Players` of two such pairs, one for each
            player's parameters.
        num_starts: how many starts, known points included.
        key: a typed key, which shifts the even pattern of starts; by default
            ``jax.random.key(0)``.
        template: parameters of the shapes that the field takes; by default two numbers.
        known: points to start from too, such as a game's known ``equilibria``. Newton's method
            leaves no place where ‖field‖ is constant, as that of a clipped field is but for a
            small neighbourhood of its zeros; a start there is all that finds them.
        batch: the batch that the field sees.
        tolerance: what counts as a zero: ‖field‖ ≤ tolerance · its median over the starts, and one
            more Newton step moves no further than ``separation``. (Far out, where a field dies
            away, it is small but the step is long.)
        separation: zeros nearer to each other than this share of the bounds' width, in every
            coordinate, are one.

    Returns:
        An `Equilibria`.

    Raises:
        ValueError: an argument is not allowed, the template holds no parameters, or the field's
            values, or a known point, do not have its structure; or the machine has not the memory
            for the starts, each of which has a Jacobian of its own.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.lattice())
        >>> zeros = gf.find_equilibria(v, bounds=(-4, 4), num_starts=256)
        >>> len(zeros.points), bool(zeros.residuals.max() < 1e-9)
        (9, True)
    """
    pairs = check_bounds(bounds)
    num_starts = check_count(num_starts, argument="num_starts")
    check_not_negative(tolerance, argument="tolerance")
    check_not_negative(separation, argument="separation")
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        like = double(Players(0.0, 0.0) if template is None else template, integers=True)
        batch = double(batch)
        flat, unravel = ravel_pytree(like)
        check_not_empty(like, argument="template")
        check_field(field, like, batch)
        _check_memory(num_starts, flat.size)
        low, high = ends_of(like, pairs)
        places = []
        for point in known:
            check_same_structure(point, like, argument="known", source="template")
            places.append(ravel_pytree(double(point, integers=True))[0])
        spread = low + (high - low) * even_points(key, max(num_starts - len(places), 0), flat.size)
        starts = jnp.concatenate([spread, *(place[None] for place in places)])
        ends, values, before, matrices = _newton_from(field, like, batch, starts)
        residuals = np.linalg.norm(values, axis=1)
        usual = before[np.isfinite(before) & (before > 0)]
        small = residuals <= tolerance * (np.median(usual) if usual.size else 0.0)
        zero = small.copy()
        steps = _last_steps(matrices[zero], values[zero])
        zero[zero] = np.all(np.abs(steps) <= separation * (high - low), axis=1)
        places = (ends - low) / (high - low)
        inside = np.all(np.abs(places - 0.5) <= 0.5 + 1e-9, axis=1)
        chosen, hits = _distinct(places, residuals, np.flatnonzero(zero & inside), separation)
        grouped = continua(field, like, batch, ends[chosen], matrices[chosen], low, high)
        hits = np.array([hits[group].sum() for group in grouped.groups], int)
        members = tuple(ends[chosen[group]] for group in grouped.groups)
        chosen = chosen[grouped.first]
        points = tuple(jax.device_get(unravel(jnp.asarray(ends[index]))) for index in chosen)
    reason = "" if points else _reason(zero, small, values, matrices, np.linalg.norm(high - low))
    return Equilibria(
        points,
        residuals[chosen],
        hits,
        len(starts),
        int(zero.sum()),
        reason,
        grouped.dimensions,
        members,
    )


def _check_memory(num_starts: int, size: int) -> None:
    """Refuse what there is no room for: J, JᵀJ and its factors, and some vectors, of each start."""

    def cost(starts: int, numbers: int) -> float:
        return 8.0 * starts * (3 * numbers**2 + 6 * numbers)

    check_memory(
        size,
        lambda numbers: cost(1, numbers),
        argument="template must hold numbers,",
        what="the Jacobian of a single start",
        instead=": gf.simulate follows the field without matrices",
    )
    check_memory(
        num_starts,
        lambda starts: cost(starts, size),
        argument="num_starts must be",
        what=f"as many Jacobians of {size} × {size} numbers",
    )


def _reason(
    zero: np.ndarray, small: np.ndarray, values: np.ndarray, matrices: np.ndarray, width: Any
) -> str:
    """Return in words what became of starts of which none ended at a zero within the bounds."""
    defined = np.isfinite(values).all(axis=1)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = np.linalg.norm(np.einsum("kij,ki->kj", matrices, values), axis=1)
        still = width * slopes <= _FLAT * np.sum(values**2, axis=1)
    left = np.ones(len(zero), bool)
    parts = []
    for which, what in (
        (zero, "ended at a zero outside of the bounds"),
        (~defined, "stayed where the field is not finite"),
        (small, "went far out, where the field dies away"),
        (still, "stopped where the field is not zero and no step makes its norm smaller"),
        (left.copy(), f"came to no zero in {_MAX_STEPS} steps"),
    ):
        count = int((which & left).sum())
        left &= ~which
        if count:
            parts.append(f"{count} {what}")
    return f"of {len(zero)} starts {', '.join(parts)}"


def ends_of(like: Players, pairs: Players) -> np.ndarray:
    """Return the low and the high ends of bounds, in ravel order, shape ``(2, n)``."""

    def filled(index: int) -> np.ndarray:
        parts = (
            jax.tree.map(lambda x, end=pair[index]: jnp.full_like(x, end), part)
            for part, pair in zip(like, pairs, strict=True)
        )
        return np.asarray(ravel_pytree(Players(*parts))[0])

    return np.stack([filled(0), filled(1)])


def even_points(key: jax.Array, count: int, size: int) -> jax.Array:
    """Return points that fill the unit cube evenly: an additive recurrence, randomly shifted.

    Its generator is the root of g^(size+1) = g + 1, the golden ratio in one dimension (Roberts,
    "The Unreasonable Effectiveness of Quasirandom Sequences", 2018).
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1 + ratio) ** (1 / (size + 1))
    strides = ratio ** -jnp.arange(1.0, size + 1)
    return (jax.random.uniform(key, (size,)) + jnp.arange(count)[:, None] * strides) % 1.0


def _newton_from(
    field: Field, like: Players, batch: Any, starts: jax.Array
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return what `_newton` returns, for all starts; another search compiles nothing."""
    unravel = ravel_pytree(like)[1]

    def newton_from(starts: jax.Array, batch: Any) -> tuple[jax.Array, ...]:
        def value(x: jax.Array) -> jax.Array:
            return ravel_pytree(field(unravel(x), batch))[0]

        return jax.vmap(lambda start: _newton(value, start))(starts)

    search = compiled(newton_from, starts, batch, name="_newton_from")
    return jax.device_get(search(starts, batch))


def _newton(
    value: Callable[[jax.Array], jax.Array], start: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Return where damped Newton steps end, the value there, ‖value‖ at the start, and J."""
    jacobian = jax.jacfwd(value)

    def body(_: int, carry: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Any, Any, Any]:
        point, at, damping = carry
        matrix, norm = jacobian(point), jnp.linalg.norm(at)
        square = matrix.T @ matrix
        # In proportion to the residual, so that damping fades and convergence is quadratic.
        shift = damping * norm * jnp.linalg.norm(matrix) + 1e-30
        step = -jnp.linalg.solve(square + shift * jnp.eye(start.size), matrix.T @ at)
        ahead = value(point + step)
        better = jnp.linalg.norm(ahead) < norm
        return (
            jnp.where(better, point + step, point),
            jnp.where(better, ahead, at),
            jnp.clip(jnp.where(better, damping / 4, damping * 4), 1e-12, 1e12),
        )

    first = value(start)
    point, at, _ = jax.lax.fori_loop(0, _MAX_STEPS, body, (start, first, jnp.ones(())))
    return point, at, jnp.linalg.norm(first), jacobian(point)


def _last_steps(matrices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return Newton steps without damping; 0 where J is infinite.

    Each equation is divided by its slope, so that none seems solved for being small.
    """
    known = np.isfinite(matrices).all(axis=(1, 2), keepdims=True)
    matrices = np.where(known, matrices, 0.0)
    slopes = np.linalg.norm(matrices, axis=2, keepdims=True)
    slopes[slopes == 0] = 1.0
    return (np.linalg.pinv(matrices / slopes, rcond=1e-9) @ (values[..., None] / slopes))[..., 0]


def _distinct(
    places: np.ndarray, residuals: np.ndarray, candidates: np.ndarray, separation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best of each cluster of places, sorted by coordinates, and the clusters' sizes."""
    left = candidates[np.argsort(residuals[candidates], kind="stable")]
    chosen, hits = [], []
    while left.size:
        near = np.all(np.abs(places[left] - places[left[0]]) <= separation, axis=1)
        chosen.append(left[0])
        hits.append(int(near.sum()))
        left = left[~near]
    if not chosen:
        return np.zeros(0, int), np.zeros(0, int)
    order = np.lexsort(np.round(places[chosen], 6).T[::-1])
    return np.asarray(chosen)[order], np.asarray(hits)[order]
