"""Noisy curves in the plane, sampled in-graph."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jax.tree_util import Partial

from ganfield._types import ArrayLike
from ganfield.checks import check_count, check_not_negative
from ganfield.data._allotment import allot
from ganfield.data._checks import DRAWN, MOST_ARCS, check_examples_fit
from ganfield.data._density import check_spread, one_by_one


@dataclass(frozen=True)
class Curves:
    """Curves of equal weight, and Gaussian noise round them.

    It is a pytree, whose leaves are the standard deviation and the arrays of those arcs that are
    pytrees themselves, such as a ``jax.tree_util.Partial``. Other functions belong to its
    structure: curves of other functions are another program.

    Attributes:
        arcs: functions from places in [0, 1), shape ``(n,)``, to points, shape ``(n, dimensions)``.
            Places are uniform, so an arc also says how densely it is covered.
        std: standard deviation of the noise in every direction.
    """

    arcs: tuple[Callable[[jax.Array], jax.Array], ...]
    std: float

    def sample(self, key: jax.Array, size: int) -> jax.Array:
        """Return ``size`` points, shape ``(size, dimensions)``, spread evenly over the arcs.

        Every arc gets the same number of points, in the order of the arcs; where they do not divide
        the size, the key draws which of them get one more. Along its arc each point is independent
        of the others.

        Raises:
            ValueError: ``size`` is no positive integer.

        Example:
            >>> import jax, ganfield as gf
            >>> gf.data.two_moons().sample(jax.random.key(0), 512).shape
            (512, 2)
        """
        size = check_examples_fit(size, (2,), copies=DRAWN)
        key_place, key_noise = jax.random.split(key)
        owner = allot(key, size, len(self.arcs))
        places = jax.random.uniform(key_place, (size,))
        if isinstance(owner, np.ndarray):
            points = jnp.concatenate([arc(places[owner == i]) for i, arc in enumerate(self.arcs)])
        else:
            points = jnp.stack([arc(places) for arc in self.arcs])[owner, np.arange(size)]
        return points + self.std * jax.random.normal(key_noise, points.shape, points.dtype)

    def log_density(self, points: ArrayLike, *, num_places: int = 1024) -> jax.Array:
        """Return log p of points, shape ``(n,)``: p is the mean of N(point; arc(t), std²) over t.

        The mean is taken over places in the middle of equal parts of [0, 1). It is exact to
        rounding on closed curves whose places lie nearer to each other than the standard deviation;
        at the ends of open ones the error falls with the square of that distance.

        Args:
            points: shape ``(n, dimensions)``.
            num_places: of each arc.

        Raises:
            ValueError: the points have another shape, the standard deviation is 0, or the number of
                places is no positive integer.

        Example:
            >>> import ganfield as gf
            >>> gf.data.two_moons().log_density([[0.0, 1.0], [0.9, 0.0]]).round(1)
            Array([ 0.2, -2.4], dtype=float32)
        """
        check_spread(self.std)
        num_places = check_count(num_places, argument="num_places")
        places = (jnp.arange(num_places) + 0.5) / num_places
        curve = jnp.concatenate([arc(places) for arc in self.arcs])

        def at(point: jax.Array) -> jax.Array:
            log_densities = norm.logpdf(point, curve, self.std).sum(axis=1)
            return jax.nn.logsumexp(log_densities) - jnp.log(len(curve))

        return one_by_one(at, points, curve.shape[1])


def _flatten(curves: Curves) -> tuple[tuple[Any, ...], None]:
    return (tuple(map(_with_leaves, curves.arcs)), curves.std), None


def _with_leaves(arc: Callable[[jax.Array], jax.Array]) -> Any:
    """Return an arc whose leaves, if it has any, are no functions."""
    return Partial(arc) if jax.tree.leaves(arc) == [arc] else arc


def _flatten_with_keys(curves: Curves) -> tuple[Any, None]:
    leaves, rest = _flatten(curves)
    keys = map(jax.tree_util.GetAttrKey, ("arcs", "std"))
    return tuple(zip(keys, leaves, strict=True)), rest


def _unflatten(_: None, leaves: Any) -> Curves:
    return Curves(*leaves)


jax.tree_util.register_pytree_with_keys(Curves, _flatten_with_keys, _unflatten, _flatten)


def two_moons(*, std: float = 0.05) -> Curves:
    """Return two half circles of radius 1 that reach into each other.

    The upper one is (cos πt, sin πt), the lower one (1 − cos πt, ½ − sin πt), t uniform in [0, 1).

    Args:
        std: standard deviation of the noise in every direction.

    Returns:
        `Curves`, the upper moon first.

    Raises:
        ValueError: the standard deviation is negative.

    Example:
        >>> import jax, ganfield as gf
        >>> points = gf.data.two_moons(std=0.0).sample(jax.random.key(0), 100)
        >>> bool((points[:50, 1] >= 0).all()), bool((points[50:, 1] <= 0.5).all())
        (True, True)
    """
    check_not_negative(std, argument="std")
    return Curves((_upper_moon, _lower_moon), std)


def _upper_moon(place: jax.Array) -> jax.Array:
    angle = math.pi * place
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)


def _lower_moon(place: jax.Array) -> jax.Array:
    return jnp.array([1.0, 0.5]) - _upper_moon(place)


def spiral(
    num_arms: int = 1, *, turns: float = 1.5, radius: float = 1.0, std: float = 0.02
) -> Curves:
    """Return spirals that wind counter-clockwise out of the origin, at equal angles.

    Arm k is r(cos a, sin a) with r = radius·√t and a = 2π(turns·√t + k/num_arms), t uniform in
    [0, 1). The root spreads the points nearly evenly along the arm, whose length grows as r².

    Args:
        num_arms: how many, at most 1000: each is compiled.
        turns: of an arm round the origin.
        radius: where an arm ends.
        std: standard deviation of the noise in every direction.

    Returns:
        `Curves`, one for each arm.

    Raises:
        ValueError: a count is no positive integer, or another argument is negative.

    Example:
        >>> import jax, jax.numpy as jnp, ganfield as gf
        >>> points = gf.data.spiral(2, radius=3.0, std=0.0).sample(jax.random.key(0), 1000)
        >>> jnp.linalg.norm(points, axis=1).max().round(1)
        Array(3., dtype=float32)
    """
    num_arms = check_count(num_arms, argument="num_arms", maximum=MOST_ARCS)
    check_not_negative(turns, argument="turns")
    check_not_negative(radius, argument="radius")
    check_not_negative(std, argument="std")
    arms = (Partial(_arm, turns, radius, k / num_arms) for k in range(num_arms))
    return Curves(tuple(arms), std)


def _arm(turns: float, radius: float, start: float, place: jax.Array) -> jax.Array:
    root = jnp.sqrt(place)
    angle = 2 * math.pi * (turns * root + start)
    return (radius * root)[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
