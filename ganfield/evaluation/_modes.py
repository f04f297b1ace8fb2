"""How many modes of a mixture a sample covers, and how well."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy

from ganfield._compiled import is_tracing
from ganfield._html import html_of
from ganfield._memory import check_memory
from ganfield._types import ArrayLike
from ganfield.checks import check_not_negative


class ModeCoverage(NamedTuple):
    """What `mode_coverage` found.

    Attributes:
        modes_covered: modes with at least the smallest share of the samples within the radius.
        modes_hit: modes with at least one sample within the radius. One stray point counts, so this
            flatters.
        high_quality: share of the samples within the radius of their nearest mode.
        jsd: Jensen–Shannon divergence, in nats, of the histogram of nearest modes (of all finite
            samples) from the uniform one; 0 is even. NaN if no sample is finite.
        histogram: share of the samples within the radius of each mode, shape ``(num_modes,)``.
    """

    modes_covered: jax.Array
    modes_hit: jax.Array
    high_quality: jax.Array
    jsd: jax.Array
    histogram: jax.Array

    def _repr_html_(self) -> str:
        return html_of(self)


def mode_coverage(
    samples: jax.Array,
    modes: ArrayLike,
    *,
    radius: ArrayLike,
    min_share: float = 0.01,
) -> ModeCoverage:
    """Say how samples spread over the modes of a mixture.

    Args:
        samples: shape ``(n, dimensions)``. Those that are not finite are near no mode.
        modes: the means, shape ``(num_modes, dimensions)``.
        radius: how near a sample must be to a mode to be of high quality, ≥ 0. By custom 3 standard
            deviations, within which a perfect sampler of a plane has 1 − e^(−9/2) = 98.89 % of its
            samples.
        min_share: the share of all samples that covers a mode.

    Returns:
        A `ModeCoverage` of scalars and one histogram.

    Raises:
        ValueError: the shapes do not fit, the radius is negative, or the machine has not the memory
            for the distances of all samples from all modes.

    Reference:
        Lin, Khetan, Fanti, Oh, "PacGAN", 2018, section 4.1, for modes hit and high quality.

    Example:
        >>> import jax, ganfield as gf
        >>> mixture = gf.data.ring()
        >>> samples = mixture.sample(jax.random.key(0), 2560)
        >>> coverage = gf.evaluation.mode_coverage(samples, mixture.modes, radius=3 * mixture.std)
        >>> int(coverage.modes_covered), bool(coverage.high_quality > 0.98)
        (8, True)
    """
    check_not_negative(radius, argument="radius")
    samples = jnp.asarray(samples)
    samples = samples.astype(jnp.promote_types(samples.dtype, jnp.float32))
    means = jnp.asarray(modes, samples.dtype)
    if samples.ndim != 2 or means.ndim != 2 or samples.shape[1] != means.shape[1] or not len(means):
        raise ValueError(
            "samples and modes must have shapes (n, dimensions) and (num_modes, dimensions), got "
            f"{samples.shape} and {means.shape}"
        )
    if not is_tracing():
        check_memory(
            len(samples),
            lambda count: 4 * count * len(means) * samples.dtype.itemsize,
            argument="samples must be",
            what=f"their distances from {len(means)} modes",
        )
    squared = jnp.sum((samples[:, None] - means[None]) ** 2, axis=-1)
    finite = jnp.all(jnp.isfinite(samples), axis=1)
    nearest = jnp.argmin(squared, axis=1)
    one_hot = jax.nn.one_hot(nearest, len(means), dtype=samples.dtype) * finite[:, None]
    close = finite & (jnp.min(squared, axis=1) <= jnp.asarray(radius, samples.dtype) ** 2)
    histogram = jnp.mean(one_hot * close[:, None], axis=0)
    return ModeCoverage(
        modes_covered=jnp.sum(histogram >= min_share),
        modes_hit=jnp.sum(histogram > 0),
        high_quality=jnp.mean(close, dtype=samples.dtype),
        jsd=_jensen_shannon(jnp.sum(one_hot, axis=0) / jnp.sum(finite), 1 / len(means)),
        histogram=histogram,
    )


def _jensen_shannon(p: jax.Array, q: float) -> jax.Array:
    middle = (p + q) / 2
    # xlogy(0, 0) is 0, so an empty mode adds nothing from p.
    from_p = jnp.sum(xlogy(p, p) - xlogy(p, middle))
    from_q = jnp.sum(xlogy(q, q) - xlogy(q, middle))
    return (from_p + from_q) / 2
