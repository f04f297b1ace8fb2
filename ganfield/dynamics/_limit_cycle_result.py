"""What is known of a closed orbit, and what is made of its multipliers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._html import html_of
from ganfield._types import Players

_EVEN = 1e-7  # a log-modulus that is as good as 0


class LimitCycle(NamedTuple):
    """An isolated closed orbit.

    Attributes:
        points: on it, `Players` of NumPy float64 with a new first axis, in the order of the motion:
            of a flow, evenly spaced in time; of a map, the points of its cycle, one after each
            step; of an invariant circle, those of a run on it.
        period: of a flow, its time; of a map, its steps; of a circle, the mean steps of a turn.
        form: "orbit" (of the flow), "cycle" (of a map, after so many steps the same to the last
            bits) or "circle" (of a map, whose points never come back).
        kind: "stable", "unstable", "saddle", or "undecided" where a multiplier is ±1, or on the
            unit circle: that of the multipliers, as in `ganfield.classify`.
        multipliers: by what a small distance from the orbit is multiplied in a period, complex, the
            largest modulus first. Of a flow, the n − 1 across it: the one along it is 1. Of a
            cycle, the eigenvalues of the map of all its steps.
        exponents: their logarithms, by the period: what multipliers too small to be told from 0 are
            seen by. Of a circle these are its Lyapunov exponents, without the 0 along it.
        rotation: of a circle, in turns a step, from 0 to ½; else NaN.
        residual: how far from the first point the orbit ends; of a circle, how far apart two halves
            of the run find its rotation.
    """

    points: Players
    period: float
    form: str
    kind: str
    multipliers: np.ndarray
    exponents: np.ndarray
    rotation: float
    residual: float

    def __repr__(self) -> str:
        what = {"orbit": "closed orbit", "cycle": "cycle", "circle": "invariant circle"}[self.form]
        unit = "" if self.form == "orbit" else " steps"
        lead = f", leading multiplier {self.multipliers[0]:.6g}" if len(self.multipliers) else ""
        turns = f", rotation {self.rotation:.6g}" if self.form == "circle" else ""
        return f"LimitCycle: {self.kind} {what} of period {self.period:.9g}{unit}{turns}{lead}"

    def _repr_html_(self) -> str:
        return html_of(self)


def result(
    points: np.ndarray,
    unravel: Callable[[jax.Array], Players],
    period: float,
    form: str,
    logs: np.ndarray,
    residual: float,
    rotation: float = float("nan"),
) -> LimitCycle:
    """Return what is known of an orbit, from flat points and the logarithms of its multipliers."""
    logs = np.asarray(logs, complex)
    places = jax.device_get(jax.vmap(unravel)(jnp.asarray(points)))
    with np.errstate(invalid="ignore"):
        multipliers = np.where(np.isneginf(logs.real), 0, np.exp(logs))
    is_real = np.abs(multipliers.imag) <= 1e-15 * np.abs(multipliers)
    multipliers = np.where(is_real, multipliers.real, multipliers)
    return LimitCycle(
        places, period, form, _kind(logs.real), multipliers, logs / period, rotation, residual
    )


def _kind(sizes: np.ndarray) -> str:
    grows, decays = sizes > _EVEN, sizes < -_EVEN
    if grows.any():
        return "saddle" if decays.any() else "unstable"
    return "stable" if decays.all() else "undecided"
