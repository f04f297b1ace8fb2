"""Limit cycles among the starts that were judged."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ganfield._types import Players
from ganfield.stability import CYCLING, Judged

_SAME_CYCLE = 0.02  # cycles whose radii and centres differ by less are one
_PUSH = 0.05  # how far, in radii, a cycle is left in either direction to see whether it attracts
_MOST_CYCLES = 100  # that are tried so


class Cycle(NamedTuple):
    """A limit cycle.

    Attributes:
        centre: the mean point of the cycle, (θ, φ).
        radius: the root of the mean squared distance from the centre.
        period: in steps of the method.
        share: of all starts, how many end in it.
        point: where one of them ended, on the cycle, (θ, φ).
    """

    centre: tuple[float, float]
    radius: float
    period: float
    share: float
    point: tuple[float, float]


def attracting_cycles(judged: Judged, judge: Callable[[Players], Judged]) -> tuple[Cycle, ...]:
    """Return the cycles that attract, the most reached first.

    Args:
        judged: what became of the starts.
        judge: finds the same of other starts: cycles are pushed in and out, to see whether they
            come back.
    """
    left = np.flatnonzero(judged.outcome == CYCLING)
    groups: list[np.ndarray] = []
    while left.size and len(groups) < _MOST_CYCLES:
        head = left[np.argsort(judged.radius[left])[left.size // 2]]
        near = _same(judged, left, judged, head)
        groups.append(np.append(head, left[near & (left != head)]))
        left = left[~near]
    if not groups:
        return ()
    heads = np.array([group[0] for group in groups])
    away = judged.points[heads] - judged.centre[heads]
    attracts = np.ones(heads.size, bool)
    for push in (-_PUSH, _PUSH):
        again = judge(Players(*jnp.asarray(judged.points[heads] + push * away).T))
        attracts &= (again.outcome == CYCLING) & _same(again, slice(None), judged, heads)
    cycles: list[np.ndarray] = []
    for group in sorted(
        (g for g, attracting in zip(groups, attracts, strict=True) if attracting),
        key=lambda group: -group.size,
    ):
        # Stragglers on their way to a cycle come back to that one.
        known = [
            i for i, cycle in enumerate(cycles) if _same(judged, group[0], judged, cycle[0], 3)
        ]
        if known:
            cycles[known[0]] = np.append(cycles[known[0]], group)
        else:
            cycles.append(group)
    return tuple(
        Cycle(
            (float(judged.centre[c, 0].mean()), float(judged.centre[c, 1].mean())),
            float(judged.radius[c].mean()),
            float(judged.period[c].mean()),
            c.size / judged.radius.size,
            (float(judged.points[c[0], 0]), float(judged.points[c[0], 1])),
        )
        for c in cycles
    )


def _same(one: Judged, i: Any, other: Judged, j: Any, times: float = 1.0) -> np.ndarray:
    """Return which cycles are the same, those at ``i`` of one and those at ``j`` of another."""
    slack = times * _SAME_CYCLE * other.radius[j]
    gap = np.linalg.norm(one.centre[i] - other.centre[j], axis=-1)
    return (np.abs(one.radius[i] - other.radius[j]) <= slack / 2) & (gap <= slack)
