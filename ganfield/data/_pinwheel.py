"""Gaussians that are bent to the arms of a pinwheel, sampled in-graph."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from ganfield._types import ArrayLike
from ganfield.checks import check_above_zero, check_count, check_not_negative
from ganfield.data._allotment import allot
from ganfield.data._checks import DRAWN, check_examples_fit
from ganfield.data._density import check_spread, one_by_one

_CELLS, _REACH = 64, 7.0  # of the search for where a point came from; in standard deviations
_NEWTON = 4  # steps, from a straight line through a cell


class Pinwheel(NamedTuple):
    """Arms of equal weight; `pinwheel` says how they are made.

    Attributes:
        angles: of the arms, shape ``(num_arms,)``.
        radial_std: standard deviation along an arm, before it is bent.
        tangential_std: standard deviation across it.
        rate: how far arms are bent.
        scale: what the points are multiplied by in the end.
    """

    angles: np.ndarray
    radial_std: float
    tangential_std: float
    rate: float
    scale: float

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` points, shape ``(size, 2)``, spread evenly over the arms.

        Every arm gets the same number of points, in the order of the arms; where they do not divide
        the size, the key draws which of them get one more.

        Raises:
            ValueError: ``size`` is no positive integer.

        Example:
            >>> import jax, ganfield as gf
            >>> gf.data.pinwheel().sample(jax.random.key(0), 64).shape
            (64, 2)
        """
        size = check_examples_fit(size, (2,), copies=DRAWN)
        angles = jnp.asarray(self.angles, jnp.result_type(float))
        angles = angles[allot(key, size, len(self.angles))]
        normal = jax.random.normal(key, (size, 2), angles.dtype)
        along = 1 + self.radial_std * normal[:, 0]
        across = self.tangential_std * normal[:, 1]
        turn = angles + self.rate * jnp.exp(along)
        cos, sin = jnp.cos(turn), jnp.sin(turn)
        points = jnp.stack([along * cos + across * sin, across * cos - along * sin], axis=1)
        return self.scale * points

    def log_density(self, points: ArrayLike) -> jax.Array:
        """Return log p of points, shape ``(n,)``.

        With u = scale·(x + iy)·e^(−i(a + rate·eˣ)) for a point of arm a, p(u) is the mean over the
        arms of Σ N(x; 1, radial_std)·N(y; 0, tangential_std) / (scale²·|1 + rate·eˣ·y|), summed
        over all (x, y) that lead to u. They are found by Newton's method between the places, 64
        in 7 standard deviations on either side of 1, where x − Re(u·e^(i(a + rate·eˣ)))/scale
        changes its sign.

        Args:
            points: shape ``(n, 2)``.

        Raises:
            ValueError: the points have another shape, or a standard deviation is 0.

        Example:
            >>> import ganfield as gf
            >>> gf.data.pinwheel().log_density([[0.0, 0.0], [1.5, -1.3]]).round(1)
            Array([-5.3, -1.4], dtype=float32)
        """
        check_spread(self.radial_std, argument="radial_std")
        check_spread(self.tangential_std, argument="tangential_std")
        dtype = jnp.result_type(float)
        angles = jnp.asarray(self.angles, dtype)[:, None]
        edges = 1 + self.radial_std * jnp.linspace(-_REACH, _REACH, _CELLS + 1, dtype=dtype)
        low, high = edges[:-1], edges[1:]

        def at(point: jax.Array) -> jax.Array:
            p, q = point / self.scale

            def across(x: jax.Array) -> jax.Array:
                turn = angles + self.rate * jnp.exp(x)
                return p * jnp.sin(turn) + q * jnp.cos(turn)

            def off(x: jax.Array) -> jax.Array:
                turn = angles + self.rate * jnp.exp(x)
                return x - p * jnp.cos(turn) + q * jnp.sin(turn)

            def slope(x: jax.Array) -> jax.Array:
                return 1 + self.rate * jnp.exp(x) * across(x)

            off_edges = off(edges)
            below, above = off_edges[:, :-1], off_edges[:, 1:]
            crosses = (below <= 0) != (above <= 0)
            share = jnp.where(crosses, below / jnp.where(crosses, below - above, 1), 0.5)
            x = low + share * (high - low)
            for _ in range(_NEWTON):
                x = jnp.clip(x - off(x) / slope(x), low, high)
            mass = norm.logpdf(x, 1, self.radial_std)
            mass += norm.logpdf(across(x), 0, self.tangential_std)
            mass -= jnp.log(jnp.abs(slope(x)) * self.scale**2 * len(self.angles))
            return jax.nn.logsumexp(jnp.where(crosses, mass, -jnp.inf))

        return one_by_one(at, points, 2)


def pinwheel(
    num_arms: int = 5,
    *,
    radial_std: float = 0.3,
    tangential_std: float = 0.1,
    rate: float = 0.25,
    scale: float = 2.0,
) -> Pinwheel:
    """Return Gaussians on a circle, each bent to an arm of a pinwheel.

    A point of arm k is (x, y), x normal round 1 and y round 0, turned clockwise by the angle
    2πk/num_arms + rate·eˣ, times the scale.

    Args:
        num_arms: how many.
        radial_std: standard deviation of x.
        tangential_std: standard deviation of y.
        rate: how far arms are bent.
        scale: of the whole.

    Returns:
        A `Pinwheel`.

    Raises:
        ValueError: the count is no positive integer, the scale is not positive, or another number
            is negative.

    Reference:
        Johnson, Duvenaud, Wiltschko, Datta, Adams, "Composing graphical models with neural
        networks", 2016; the settings are those of the official code of "FFJORD".

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> bare = gf.data.pinwheel(radial_std=0.0, tangential_std=0.0)
        >>> jnp.linalg.norm(bare.sample(jax.random.key(0), 5), axis=1).round(3)
        Array([2., 2., 2., 2., 2.], dtype=float32)
    """
    count = check_count(num_arms, argument="num_arms", maximum=10**6)
    check_not_negative(radial_std, argument="radial_std")
    check_not_negative(tangential_std, argument="tangential_std")
    check_not_negative(rate, argument="rate")
    check_above_zero(scale, argument="scale")
    angles = 2 * math.pi * np.arange(count) / count
    return Pinwheel(angles, radial_std, tangential_std, rate, scale)
