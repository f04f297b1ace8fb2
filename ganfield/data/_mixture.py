"""Mixtures of Gaussians, sampled in-graph."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from ganfield._memory import check_memory
from ganfield._types import ArrayLike
from ganfield.checks import check_count, check_not_negative
from ganfield.data._allotment import allot
from ganfield.data._checks import DRAWN, check_examples_fit
from ganfield.data._density import check_spread, one_by_one


class Mixture(NamedTuple):
    """Gaussians of equal weight and one standard deviation.

    Attributes:
        modes: their means, shape ``(num_modes, dimensions)``.
        std: their standard deviation in every direction.
    """

    modes: np.ndarray
    std: float

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` points, shape ``(size, dimensions)``, spread evenly over the modes.

        Every mode gets the same number of points, in the order of the modes. So a batch's
        composition does not vary, as in the official code. Where the modes do not divide the size,
        the key draws which of them get one more, so over many batches their shares are equal.

        Raises:
            ValueError: ``size`` is no positive integer.

        Example:
            >>> import jax, ganfield as gf
            >>> gf.data.ring().sample(jax.random.key(0), 512).shape
            (512, 2)
        """
        size = check_examples_fit(size, self.modes.shape[1:], copies=DRAWN)
        modes = jnp.asarray(self.modes, jnp.result_type(float))
        chosen = modes[allot(key, size, len(self.modes))]
        return chosen + self.std * jax.random.normal(key, chosen.shape, chosen.dtype)

    def log_density(self, points: ArrayLike) -> jax.Array:
        """Return log p of points, shape ``(n,)``: p is the mean of N(point; mode, std²).

        Args:
            points: shape ``(n, dimensions)``.

        Raises:
            ValueError: the points have another shape, or the standard deviation is 0.

        Example:
            >>> import ganfield as gf
            >>> gf.data.line(1, std=1.0).log_density([[0.0]]).round(3)
            Array([-0.919], dtype=float32)
        """
        check_spread(self.std)
        modes = jnp.asarray(self.modes, jnp.result_type(float))

        def at(point: jax.Array) -> jax.Array:
            log_densities = norm.logpdf(point, modes, self.std).sum(axis=1)
            return jax.nn.logsumexp(log_densities) - jnp.log(len(modes))

        return one_by_one(at, points, modes.shape[1])


def ring(num_modes: int = 8, *, radius: float = 1.0, std: float = 0.01) -> Mixture:
    """Return Gaussians at equal distances on a circle.

    Args:
        num_modes: how many.
        radius: of the circle.
        std: standard deviation of each Gaussian in every direction.

    Returns:
        A `Mixture` with the first mode at (radius, 0), the others counter-clockwise.

    Raises:
        ValueError: a count is no positive integer, or a length is negative.

    Reference:
        Metz et al., "Unrolled Generative Adversarial Networks", 2017; the settings are those of
        the official code of "The Numerics of GANs".

    Example:
        >>> import ganfield as gf
        >>> gf.data.ring().modes.shape
        (8, 2)
    """
    check_not_negative(radius, argument="radius")
    check_not_negative(std, argument="std")
    angle = 2 * np.pi * np.arange(_check_modes(num_modes, dimensions=2)) / num_modes
    return Mixture(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1), std)


def grid(num_per_side: int = 5, *, spacing: float = 2.0, std: float = 0.05) -> Mixture:
    """Return Gaussians on a square grid round the origin.

    Args:
        num_per_side: how many in a row, and how many rows.
        spacing: distance of neighbours.
        std: standard deviation of each Gaussian in every direction.

    Returns:
        A `Mixture` of ``num_per_side²`` modes, row by row from below, each from left to right.

    Raises:
        ValueError: a count is no positive integer, or a length is negative.

    Reference:
        Srivastava, Valkov, Russell, Gutmann, Sutton, "VEEGAN", 2017; Lin, Khetan, Fanti, Oh,
        "PacGAN", 2018, with these settings.

    Example:
        >>> import ganfield as gf
        >>> mixture = gf.data.grid()
        >>> mixture.modes.shape, mixture.modes.max()
        ((25, 2), np.float64(4.0))
    """
    check_not_negative(std, argument="std")
    count = check_count(num_per_side, argument="num_per_side")
    check_memory(
        count,
        lambda n: 48 * n**2,
        argument="num_per_side must be",
        what=f"{count} × {count} modes",
        on_host=True,
    )
    places = _centred(count, spacing)
    second, first = np.meshgrid(places, places, indexing="ij")
    return Mixture(np.stack([first.ravel(), second.ravel()], axis=1), std)


def line(num_modes: int = 5, *, spacing: float = 1.0, std: float = 0.1) -> Mixture:
    """Return Gaussians in one dimension, at equal distances round 0.

    Args:
        num_modes: how many.
        spacing: distance of neighbours.
        std: standard deviation of each Gaussian.

    Returns:
        A `Mixture` of modes of shape (num_modes, 1), in ascending order.

    Raises:
        ValueError: a count is no positive integer, or a length is negative.

    Example:
        >>> import ganfield as gf
        >>> gf.data.line(4).modes.ravel()
        array([-1.5, -0.5,  0.5,  1.5])
    """
    check_not_negative(std, argument="std")
    return Mixture(_centred(_check_modes(num_modes, dimensions=1), spacing)[:, None], std)


def _check_modes(num_modes: int, *, dimensions: int) -> int:
    count = check_count(num_modes, argument="num_modes")
    check_memory(
        count,
        lambda n: 24 * n * dimensions,
        argument="num_modes must be",
        what="as many modes",
        on_host=True,
    )
    return count


def _centred(count: int, spacing: float) -> np.ndarray:
    check_not_negative(spacing, argument="spacing")
    return spacing * (np.arange(count) - (count - 1) / 2)
