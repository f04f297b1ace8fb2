"""What is known of where a method settles: the result of `ganfield.noise_floor`."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._html import html_of
from ganfield._types import Players
from ganfield.methods import State
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._pairs import Pairs

FOLLOWS = 0.25  # relative variance of squares that are no longer held


class NoiseFloor(NamedTuple):
    """Where a method settles around an equilibrium, predicted and, where asked, run.

    Attributes:
        mean_square: E‖x − x*‖², of the parameters, in the long run.
        mean_square_error: how far it may be off: the standard error by the number of batches, and
            what second moments that are not quite held may change.
        players: of each player's parameters alone.
        covariance: of the parameters, shape ``(n, n)``; None where more than 1000 numbers move.
        rate: by what the mean of the distance of two runs under the same batches is multiplied in
            a step, with second moments held; NaN where those follow the iterates. Of
            more than 1000 numbers it is what a Krylov space of 60 products shows.
        rate_error: how far it may be off: by the number of batches, by second moments that are not
            quite held, and by the bend of the field over the spread.
        decay: the largest modulus of what is remembered beside the motion, such as β₂; 0 for none.
        state: the point, with the memory where it settles: to lend to `ganfield.spectral_radius`.
        bend: by how much the field bends over the spread of the iterates, of the motion; 0 for a
            linear one. The answer is that of the linear one.
        residual: of the equation of the second moments, relative.
        measured: what runs did, or None.
    """

    mean_square: float
    mean_square_error: float
    players: Players
    covariance: np.ndarray | None
    rate: float
    rate_error: float
    decay: float
    state: State
    bend: float
    residual: float
    measured: Pairs | None

    @property
    def distance(self) -> float:
        """The root of the mean square distance."""
        return float(np.sqrt(self.mean_square))

    @property
    def agrees(self) -> bool:
        """Whether runs did as predicted: within three errors and 2 % of 1 − rate and of the floor.

        A rate that is not known (NaN), or not measured, is not compared.
        """
        if self.measured is None:
            raise ValueError("num_runs must be given for runs to be compared, and there are none")
        off = abs(self.measured.mean_square - self.mean_square)
        errors = 3 * np.hypot(self.mean_square_error, self.measured.mean_square_error)
        near = off <= errors + 0.04 * self.mean_square + self.bend * self.mean_square
        if np.isnan(self.rate + self.measured.rate):
            return bool(near)
        slack = self.rate_error + 3 * self.measured.rate_error
        close = abs(self.measured.rate - self.rate) <= slack + 0.02 * abs(1 - self.rate)
        return bool(near and close)

    def __repr__(self) -> str:
        return (
            f"NoiseFloor: distance {self.distance:.4g}, rate {self.rate:.6g} ± "
            f"{self.rate_error:.2g}" + ("" if self.measured is None else f"; runs {self.measured}")
        )

    def _repr_html_(self) -> str:
        return html_of(self)


def memory_at(F: NoisyMap, squares: np.ndarray) -> jax.Array:
    """Return the point with the memory where it settles."""
    return F.point.at[np.flatnonzero(F.square)].set(jnp.asarray(squares))
