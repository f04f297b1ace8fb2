"""What following branches gives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ganfield._html import html_table
from ganfield._types import Players
from ganfield.dynamics._events import Event

_SAME = 1e-7  # of 1 + size: events of two branches that are one


class Branch(NamedTuple):
    """Equilibria, or fixed points of a method's step, that hang together.

    Attributes:
        values: of the knob along the branch, shape ``(count,)``.
        params: the points, `Players` with a first axis along the branch, NumPy float64.
        states: the same with what the method remembers, flat, shape ``(count, n)``; of a field the
            flat parameters.
        eigenvalues: of the field's Jacobian, or of F′ as far as it moves the parameters, but for
            those along a continuum, shape ``(count, n − dimension)``.
        kinds: of each point, words of ``gf.dynamics.KINDS``.
        spurious: which points are zeros but not of the original field, or attract where that
            repels; None where no original was given.
        events: what happens along it, in its order.
        ends: what it ends at, before its first point and after its last.
        dimension: of the continuum that each of its points lies on; 0 where they are isolated.
    """

    values: np.ndarray
    params: Players
    states: np.ndarray
    eigenvalues: np.ndarray
    kinds: np.ndarray
    spurious: np.ndarray | None
    events: tuple[Event, ...]
    ends: tuple[str, str]
    dimension: int

    def __repr__(self) -> str:
        low, high = self.values.min(), self.values.max()
        happens = f"{len(self.events)} events" if self.events else "no events"
        flat = f", of a continuum of dimension {self.dimension}" if self.dimension else ""
        ends = " and ".join(dict.fromkeys(self.ends))
        return (
            f"Branch: {len(self.values)} points from {low:.6g} to {high:.6g}{flat}, {happens}; "
            f"ends at {ends}"
        )


class Branches(NamedTuple):
    """Branches of equilibria over a knob: a bifurcation diagram.

    Attributes:
        branches: those that were found, the start's first.
        knob: what ``build`` calls it.
        bounds: of the knob.
        is_map: whether they are fixed points of a method's step.
    """

    branches: tuple[Branch, ...]
    knob: str
    bounds: tuple[float, float]
    is_map: bool

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of all branches, by the knob's value, each once."""
        every: list[Event] = []
        for event in sorted(
            (event for branch in self.branches for event in branch.events),
            key=lambda event: (event.value, -event.crossing),
        ):
            if not any(_are_one(event, other) for other in every):
                every.append(event)
        return tuple(every)

    def __repr__(self) -> str:
        return f"Branches: {self._words()}"

    def _words(self) -> str:
        low, high = self.bounds
        kinds = [event.kind for event in self.events]
        said = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
        what = "fixed points of a step" if self.is_map else "equilibria"
        return (
            f"{len(self.branches)} of {what}, {self.knob} from {low:g} to {high:g}; "
            f"{', '.join(said) or 'no events'}"
        )

    def _repr_html_(self) -> str:
        rows = [
            (event.kind, event.value, event.params, event.eigenvalue, event.resonance or None)
            for event in self.events
        ]
        head = ["event", self.knob, "point", "eigenvalue", "resonance"]
        return html_table(head, rows, title=self._words())


def _are_one(event: Event, other: Event) -> bool:
    size = 1 + np.linalg.norm(event.y)
    return bool(np.linalg.norm(event.y - other.y) <= _SAME * size)
