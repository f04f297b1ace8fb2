"""Equilibria followed as a knob turns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import check_bounds, check_count, check_number, check_same_structure
from ganfield.dynamics._branches_diagram import Diagram, Original
from ganfield.dynamics._branches_follow import Limits, at_knob
from ganfield.dynamics._branches_problem import Build, Problem, knob_of, made, problem_of
from ganfield.dynamics._branches_results import Branches
from ganfield.dynamics._equilibria import ends_of
from ganfield.field import check_field, jacobian

_ZERO = 1e-6  # of ‖J‖ (1 + max |x|): the largest residual of an equilibrium, as in `classify`
_FAR = 100.0  # times the size of the start: where a branch is left where no box is given
_SOMEWHERE = 0.382  # of the way between the bounds


def branches(
    build: Build,
    start: Players | Iterable[Players],
    bounds: tuple[float, float],
    *,
    value: float | None = None,
    original: Callable[[Any], Field] | None = None,
    batch: Any = None,
    box: Any = None,
    switch: bool = False,
    search: Iterable[float] = (),
    num_starts: int = 64,
    max_points: int = 2000,
) -> Branches:
    """Follow equilibria of a field, or fixed points of a method's step, as a knob turns.

    Solutions (x, knob) of field(x) = 0, or of F(x) = x with F the method's update map, are followed
    both ways from the start by pseudo-arclength continuation, past folds, with steps as long as the
    branch is straight. Where an eigenvalue's real part (of a map, the modulus less 1) changes its
    sign, and where the determinant of the equations does, the point is located by Brent's method
    and named: see `ganfield.dynamics.Event`. Branches that cross are told apart by the reduced
    equation of Lyapunov and Schmidt. All is in float64 on the host, with dense Jacobians; one
    program serves all values of the knob.

    Args:
        build: ``build(value) -> field`` or ``build(value) -> (method, field)``, called with a
            traced value.
        start: an equilibrium, or several.
        bounds: (low, high), where to turn the knob.
        value: of the knob at the start; by default the lower bound, and of a method, whose step may
            have no length there, 0.382 of the way.
        original: ``original(value) -> field``, the v of which ``build`` makes another field; then
            ``spurious`` is told along the branches.
        batch: the batch that the field sees.
        box: as ``bounds`` of `ganfield.find_equilibria`: a branch ends where it leaves the box. By
            default it ends where a parameter is 100 times as large as 1 + the start's largest.
        switch: whether to go over to the branches that cross, too.
        search: values of the knob at which further equilibria within the box are looked for, by
            Newton's method with those that are known left out (deflation).
        num_starts: of that search, at each value.
        max_points: of a branch, each way.

    Returns:
        A `Branches`. With no event within the bounds it holds none, and says so.

    Raises:
        ValueError: the bounds, a value or a count is not allowed; ``search`` comes without a box;
            ``build`` returns neither a field nor a method with one; a start is no equilibrium (the
            message says its residual, and the nearest one that Newton's method leads to), or has a
            kink; a method has no update map that a branch could be followed of.

    Reference:
        Allgower, Georg, "Introduction to Numerical Continuation Methods", 2003; Govaerts,
        "Numerical Methods for Bifurcations of Dynamical Equilibria", 2000.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.sine())
        >>> def build(gamma):
        ...     return gf.consensus(v, gamma=gamma)
        >>> diagram = gf.branches(build, gf.Players(0.0, 0.0), (0.0, 4.0), switch=True)
        >>> diagram
        Branches: 2 of equilibria, gamma from 0 to 4; 1 pitchfork
        >>> round(diagram.events[0].value, 9)
        1.0
    """
    low, high = _interval(bounds)
    counts = {"num_starts": num_starts, "max_points": max_points}
    for argument, count in counts.items():
        check_count(count, argument=argument)
    if not callable(build):
        raise ValueError(f"build must be a function of the knob, got {build!r}")
    starts = [start] if isinstance(start, Players) else _several(start, argument="start")
    if not starts:
        raise ValueError("start must be an equilibrium, or several, got none")
    every = _several(search, argument="search")
    looked = [_within(each, low, high, argument="search") for each in every]
    if looked and box is None:
        raise ValueError("box must be given with search: where to look for further equilibria")
    if original is not None and not callable(original):
        raise ValueError(f"original must be a function of the knob, got {original!r}")
    with jax.enable_x64(True):
        batch = double(batch)
        points = [double(each, integers=True) for each in starts]
        if value is None:
            is_map = made(build, jnp.asarray(low + _SOMEWHERE * (high - low)))[0] is not None
            at = low + _SOMEWHERE * (high - low) if is_map else low
        else:
            at = _within(value, low, high, argument="value")
        problem = problem_of(build, points[0], at, batch, high - low)
        limits = _limits(problem, points, box, (low, high), max_points)
        ys = [_begin(problem, point, at) for point in points]
        diagram = Diagram(problem, limits, _original(original, points[0], at, batch), switch)
        for y in ys:
            diagram.add(y)
        for each in looked:
            diagram.search(each / problem.scale[-1], num_starts)
        return Branches(diagram.finished(), knob_of(build), (low, high), problem.is_map)


def _interval(bounds: Any) -> tuple[float, float]:
    pair = check_bounds(bounds)
    if isinstance(bounds, Players):
        raise ValueError(f"bounds must be one pair (low, high), got {bounds!r}")
    return pair.theta


def _within(value: Any, low: float, high: float, *, argument: str) -> float:
    check_number(value, argument=argument)
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{argument} must be within the bounds {low:g} and {high:g}, got {value}")
    return float(value)


def _several(given: Any, *, argument: str) -> list[Any]:
    try:
        every = list(given)
    except TypeError as error:
        what = "gf.Players(theta, phi), or several" if argument == "start" else "a list of values"
        raise ValueError(f"{argument} must be {what}, got {given!r}") from error
    return every


def _limits(
    problem: Problem,
    points: list[Players],
    box: Any,
    bounds: tuple[float, float],
    max_points: int,
) -> Limits:
    """Return where branches are left; what a method remembers has no limits."""
    size, scale = problem.begin.size, problem.scale
    ends = np.full((2, size + 1), np.inf)
    ends[0] = -np.inf
    if box is None:
        reach = _FAR * (1 + max(float(np.abs(ravel_pytree(p)[0]).max()) for p in points))
        ends[:, :-1][:, problem.params] = [[-reach], [reach]]
    else:
        ends[:, :-1][:, problem.params] = ends_of(points[0], check_bounds(box, argument="box"))
    ends[:, -1] = bounds
    return Limits(ends[0] / scale, ends[1] / scale, max_points)


def _begin(problem: Problem, point: Players, value: float) -> np.ndarray:
    """Return an equilibrium as a solution, or refuse it."""
    like = problem.unravel(jnp.zeros(int(problem.params.sum())))
    check_same_structure(point, like, argument="start", source="the first start")
    x = problem.begin * problem.scale[:-1]
    x[problem.params] = np.asarray(ravel_pytree(point)[0])
    y = np.append(x, value) / problem.scale
    spot = at_knob(problem, y)
    residual, slopes = problem.look(y)
    size = np.linalg.norm(problem.jacobian(slopes), 2) * (1 + np.abs(x).max())
    norm = np.linalg.norm(residual)
    if norm <= _ZERO * size and spot is not None:
        return spot.y
    what = "a fixed point of the method's step" if problem.is_map else "an equilibrium"
    said = f"start must be {what} for the knob's value {value:g}, where the residual is 0, got "
    said += f"{_typed(point)} with a residual of {norm:.3g}"
    if spot is None:
        raise ValueError(f"{said}; Newton's method finds none from there: gf.find_equilibria may")
    nearest = problem.unravel((spot.y * problem.scale)[:-1][problem.params])
    raise ValueError(f"{said}; the nearest one that Newton's method leads to is {_typed(nearest)}")


def _typed(point: Players) -> str:
    """Return a point as it would be typed, if that is short."""
    return repr(jax.tree.map(lambda leaf: np.asarray(leaf).tolist(), point))


def _original(
    original: Callable[[Any], Field] | None, like: Players, value: float, batch: Any
) -> Original | None:
    """Return ``at(params, value) -> (v, J)`` of the original field, compiled once."""
    if original is None:
        return None
    check_field(original(jnp.asarray(value, float)), like, batch)
    flat, unravel = ravel_pytree(like)

    def look(x: jax.Array, value: jax.Array, batch: Any) -> tuple[jax.Array, jax.Array]:
        field, params = original(value), unravel(x)
        return ravel_pytree(field(params, batch))[0], jacobian(field)(params, batch)

    number = np.asarray(value, float)
    program = compiled(look, flat, number, batch, name="_original")

    def at(x: np.ndarray, value: float) -> tuple[np.ndarray, np.ndarray]:
        of, slopes = program(x, np.asarray(value, float), batch)
        return np.asarray(of), np.asarray(slopes)

    return at
