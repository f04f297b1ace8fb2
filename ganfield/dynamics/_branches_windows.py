"""Between which values of a knob an equilibrium is stable, and what happens at both ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

from ganfield._types import Players
from ganfield.dynamics._branches import branches
from ganfield.dynamics._branches_problem import Build
from ganfield.dynamics._branches_results import Branch
from ganfield.dynamics._events import Event


class Window(NamedTuple):
    """A stretch of a branch along which it is stable.

    Attributes:
        low: the least value of the knob there.
        high: the largest.
        before: what happens at ``low``, None where the branch begins there, as at the bounds.
        after: what happens at ``high``, None as well.
    """

    low: float
    high: float
    before: Event | None
    after: Event | None

    def __repr__(self) -> str:
        ends = (str(end).removeprefix("Event: ") for end in (self.before, self.after) if end)
        return f"Window: {self.low:.10g} to {self.high:.10g} ({'; '.join(ends) or 'no event'})"


def stable_windows(
    build: Build,
    start: Players,
    *,
    bounds: tuple[float, float],
    value: float | None = None,
    batch: Any = None,
    box: Any = None,
) -> tuple[Window, ...]:
    """Return all windows of a knob in which an equilibrium is stable, and what happens at each end.

    Where `ganfield.largest_stable` gives one bound, this says what lies behind it: the equilibrium
    is followed over the bounds (`ganfield.branches`), so it may move with the knob, and each end of
    a window has its event with the normal form, which tells whether a small cycle takes over
    ("soft") or nothing near does ("hard"), and how large the cycle is.

    Args:
        build: ``build(value) -> (method, field)``, or ``build(value) -> field`` for the flow.
        start: the equilibrium.
        bounds: (low, high), where to look.
        value: of the knob at the start, as in `ganfield.branches`.
        batch: what the field sees.
        box: as in `ganfield.branches`.

    Returns:
        The windows, by their lower ends; none where it is stable nowhere. Past a fold a branch has
        a value twice, and windows may overlap.

    Raises:
        ValueError: as `ganfield.branches`.

    Example:
        >>> import optax, ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic())
        >>> def build(step_size):
        ...     return gf.simultaneous(optax.sgd(step_size)), v
        >>> gf.stable_windows(build, gf.Players(0.0, 0.0), bounds=(0.0, 4.0))
        (Window: 0 to 1 (1:4 neimark-sacker, degenerate at 1),)
    """
    diagram = branches(build, start, bounds, value=value, batch=batch, box=box)
    return windows(diagram.branches[0])


def windows(branch: Branch) -> tuple[Window, ...]:
    """Return the windows of one branch."""
    last = len(branch.values) - 1
    cuts: list[tuple[int, Event | None]] = [(event.place, event) for event in branch.events]
    cuts = [(0, None), *cuts, (last, None)]
    ends: list[tuple[tuple[float, Event | None], tuple[float, Event | None]]] = []
    for (i, before), (j, after) in pairwise(cuts):
        if j <= i or branch.kinds[(i + j + 1) // 2 if j - i > 1 else i] != "stable":
            continue
        low, high = sorted(
            [(float(branch.values[i]), before), (float(branch.values[j]), after)],
            key=lambda end: end[0],
        )
        ends.append((low, high))
    merged: list[tuple[tuple[float, Event | None], tuple[float, Event | None]]] = []
    for low, high in sorted(ends, key=lambda pair: pair[0][0]):
        if merged and merged[-1][1][1] is not None and merged[-1][1][1] is low[1]:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return tuple(Window(low[0], high[0], low[1], high[1]) for low, high in merged)
