"""Squares of one size, sampled in-graph: the checkerboard."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._memory import check_memory
from ganfield._types import ArrayLike
from ganfield.checks import check_above_zero, check_count
from ganfield.data._allotment import allot
from ganfield.data._checks import DRAWN, check_examples_fit
from ganfield.data._density import one_by_one


class Squares(NamedTuple):
    """Squares of equal weight that do not overlap, each filled evenly.

    Attributes:
        corners: the lower left ones, shape ``(num_squares, 2)``.
        side: of each square.
    """

    corners: np.ndarray
    side: float

    @property
    def modes(self) -> np.ndarray:
        """The middles of the squares: no point of a square is further from its own than side/√2."""
        return self.corners + self.side / 2

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` points, shape ``(size, 2)``, spread evenly over the squares.

        Every square gets the same number of points, in the order of the squares; where they do not
        divide the size, the key draws which of them get one more.

        Raises:
            ValueError: ``size`` is no positive integer.

        Example:
            >>> import jax, ganfield as gf
            >>> gf.data.checkerboard().sample(jax.random.key(0), 64).shape
            (64, 2)
        """
        size = check_examples_fit(size, (2,), copies=DRAWN)
        corners = jnp.asarray(self.corners, jnp.result_type(float))
        chosen = corners[allot(key, size, len(self.corners))]
        return chosen + self.side * jax.random.uniform(key, chosen.shape, chosen.dtype)

    def log_density(self, points: ArrayLike) -> jax.Array:
        """Return log p of points, shape ``(n,)``: −log(num_squares·side²) inside, −∞ outside.

        Args:
            points: shape ``(n, 2)``.

        Raises:
            ValueError: the points have another shape.

        Example:
            >>> import ganfield as gf
            >>> gf.data.checkerboard().log_density([[-3.0, -3.0], [-1.0, -3.0]])
            Array([-3.465736,      -inf], dtype=float32)
        """
        corners = jnp.asarray(self.corners, jnp.result_type(float))
        level = -jnp.log(len(self.corners) * jnp.asarray(self.side, corners.dtype) ** 2)

        def at(point: jax.Array) -> jax.Array:
            inside = (point >= corners) & (point < corners + self.side)
            return jnp.where(inside.all(axis=1).any(), level, -jnp.inf)

        return one_by_one(at, points, 2)


def checkerboard(num_per_side: int = 4, *, width: float = 8.0) -> Squares:
    """Return every other square of a board round the origin, filled evenly.

    Args:
        num_per_side: how many squares in a row, and how many rows.
        width: of the board.

    Returns:
        `Squares`, row by row from below, the one in the lower left corner first.

    Raises:
        ValueError: the count is no positive integer, or the width is not positive.

    Reference:
        Grathwohl, Chen, Bettencourt, Sutskever, Duvenaud, "FFJORD", 2019; the settings are those of
        its official code.

    Example:
        >>> import ganfield as gf
        >>> gf.data.checkerboard(2, width=2.0).corners
        array([[-1., -1.],
               [ 0.,  0.]])
    """
    count = check_count(num_per_side, argument="num_per_side")
    check_above_zero(width, argument="width")
    check_memory(
        count,
        lambda n: 32 * n**2,
        argument="num_per_side must be",
        what=f"{count} × {count} squares",
        on_host=True,
    )
    side = width / count
    row, column = np.nonzero(np.indices((count, count)).sum(axis=0) % 2 == 0)
    return Squares(side * (np.stack([column, row], axis=1) - count / 2), side)
