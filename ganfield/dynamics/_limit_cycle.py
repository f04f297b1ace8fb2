"""An isolated closed orbit of a flow, or a cycle or invariant circle of a method."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from ganfield._tree import double
from ganfield._types import Field, Players
from ganfield.checks import as_params, check_count, check_not_empty, check_positive
from ganfield.dynamics._cycles import Cycle
from ganfield.dynamics._limit_cycle_flow import of_flow
from ganfield.dynamics._limit_cycle_map import of_map
from ganfield.dynamics._limit_cycle_result import LimitCycle
from ganfield.field import check_dense, check_field
from ganfield.methods import Method, check_is_method


def limit_cycle(
    field: Field,
    start: Players | Cycle | LimitCycle,
    *,
    method: Method | None = None,
    period: float | None = None,
    batch: Any = None,
    num_segments: int | None = None,
    num_points: int = 256,
) -> LimitCycle:
    """Return the closed orbit near a start, with its period and multipliers, in float64.

    **Of the flow** x′ = v(x), without a method. The motion is followed from the start, forwards
    and then backwards in time, until it nearly closes; Newton's method on the points at which m
    segments begin, and on the period, closes it (multiple shooting, with SciPy's DOP853 and the
    variational equation). So an orbit that repels from all sides, the edge of a basin, is found
    from inside as well as from near it. One of a saddle's kind needs a start near it and its
    ``period``. Multipliers are those of a product of matrices of short pieces, so that they do not
    depend on m, and the smallest keeps as many digits as the largest.

    **Of a method**, what its steps settle on: a cycle of k steps, which Newton's method closes
    exactly, or an invariant circle, whose rotation is found by weighted means along the run. All
    that steers the parameters is part of the state: momentum, second moments, a phase. With
    ``period`` it is the cycle of so many steps near the start, also one that repels.

    Args:
        field: v.
        start: `Players` near the orbit, or where the motion leads to it; one of the ``cycles`` of
            `ganfield.basins`; or a `LimitCycle`, of a nearby value of a parameter say.
        method: whose cycle it is; if None, the flow's.
        period: about the flow's time of one turn, or exactly a cycle's steps; then start is near
            the orbit, and nothing is searched.
        batch: what the field sees at all times.
        num_segments: m, of the flow's; by default 5, fewer of many parameters.
        num_points: of the flow's orbit, or the circle, that are returned.

    Returns:
        A `LimitCycle`.

    Raises:
        ValueError: the start leads to no closed orbit (it says where), or to a family of them, as
            of the bilinear game: then none is a limit cycle; the field does not fit the start; the
            method never does the same again (a schedule); or an argument is not allowed.

    Reference:
        Kuznetsov, "Elements of Applied Bifurcation Theory", 2004, sections 1.5 and 10.2.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.forsaken())
        >>> outer = gf.limit_cycle(v, gf.Players(1.0, 1.0))
        >>> inner = gf.limit_cycle(v, gf.Players(0.1, 0.4))  # the edge of the middle's basin
        >>> outer.kind, round(outer.period, 6), inner.kind, round(inner.period, 6)
        ('stable', 7.548004, 'unstable', 7.169878)
    """
    num_points = check_count(num_points, argument="num_points")
    if num_segments is not None:
        num_segments = check_count(num_segments, argument="num_segments")
    if method is not None:
        check_is_method(method)
        if num_segments is not None:
            raise ValueError("num_segments must be left out with a method, whose steps are exact")
    place, known = _place(start, "orbit" if method is None else "cycle")
    period = known if period is None else period
    time = None if method or period is None else check_positive(period, argument="period")
    steps = check_count(period, argument="period") if method and period is not None else None
    with jax.enable_x64(True):
        at, batch = double(as_params(place), integers=True), double(batch)
        check_field(field, at, batch)
        check_not_empty(at, argument="start")
        check_dense(at, copies=8)
        if method is None:
            return of_flow(field, at, batch, time, num_segments, num_points)
        return of_map(method, field, at, batch, steps, num_points)


def _place(start: Any, form: str) -> tuple[Any, Any]:
    """Return parameters to begin from, and the period where it is known."""
    if isinstance(start, Cycle):
        return Players(*start.point), None
    if isinstance(start, LimitCycle):
        first = jax.tree.map(lambda leaf: np.asarray(leaf)[0], start.points)
        return first, start.period if start.form == form else None
    if not isinstance(start, Players):
        raise ValueError(
            "start must be gf.Players(theta, phi), one of the cycles of gf.basins, or a "
            f"LimitCycle, got {type(start).__name__}"
        )
    return start, None
