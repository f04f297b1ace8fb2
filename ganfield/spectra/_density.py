"""The density of the eigenvalues of a Jacobian's two halves, without the matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._html import html_of
from ganfield._memory import check_memory
from ganfield._types import Field, Players
from ganfield.checks import check_count, check_positive, unknown
from ganfield.spectra._both_products import (
    BothProducts,
    both_products,
    count_numbers,
    key_of,
    signs,
)
from ganfield.spectra._lanczos import gauss, resolved_to, tridiagonal

Rule = tuple[np.ndarray, np.ndarray]
"""Nodes and weights."""

_PARTS = {"symmetric": 1.0, "antisymmetric": -1.0}
_RESOLVED = 1.5  # of the spectrum's width over the steps
_BEYOND = 4.0  # widths, by which the points reach beyond the outermost nodes


class SpectralDensity(NamedTuple):
    """How the eigenvalues of one half of a Jacobian lie, as a density whose integral is 1.

    Attributes:
        part: "symmetric", the real eigenvalues of S = (J + Jᵀ)/2, or "antisymmetric", the
            imaginary parts of those of A = (J − Jᵀ)/2.
        points: where the density is told.
        density: of eigenvalues, each drawn as a Gaussian of standard deviation ``width``.
        standard_error: of the density, from how the probes differ; NaN for a single probe, 0 where
            all unit vectors were probes.
        quadrature_error: what the density may be off by beside, anywhere and at most, where
            Lanczos' method made few steps for so small a width; 0 where it went to its end.
        width: of the Gaussians.
        nodes: estimates of eigenvalues, shape ``(probes, steps)``, none outside of the spectrum.
        weights: what share of the eigenvalues each stands for; of each probe they sum to 1, and of
            the mean over probes too.
        size: how many eigenvalues there are, n.
    """

    part: str
    points: np.ndarray
    density: np.ndarray
    standard_error: np.ndarray
    quadrature_error: float
    width: float
    nodes: np.ndarray
    weights: np.ndarray
    size: int

    def __repr__(self) -> str:
        probes, steps = self.nodes.shape
        axis = "real" if self.part == "symmetric" else "imaginary"
        return (
            f"SpectralDensity: {self.size} {axis} eigenvalues of the {self.part} part, from "
            f"{self.nodes.min():.4g} to {self.nodes.max():.4g}; {probes} probes of {steps} steps, "
            f"width {self.width:.2g}"
        )

    def _repr_html_(self) -> str:
        return html_of(self)


def spectral_density(
    field: Field,
    params: Players,
    batch: Any = None,
    *,
    part: str,
    num_probes: int = 16,
    num_steps: int = 64,
    width: float | None = None,
    num_points: int = 512,
    key: jax.Array | None = None,
) -> SpectralDensity:
    """Return the density of the eigenvalues of J's symmetric or antisymmetric half.

    J = S + A. The eigenvalues of S = (J + Jᵀ)/2 are real, and tell how distances grow or shrink:
    where u′ = Ju, the rate of ‖u‖ is uᵀSu/‖u‖². Those of A = (J − Jᵀ)/2 are imaginary, in pairs
    ±iω, and tell how fast the flow turns. By stochastic Lanczos quadrature: for a random vector z
    of independent signs the mean of zᵀf(S)z/n over z is that of f over the eigenvalues, and
    Lanczos' method finds zᵀf(S)z by products alone. It takes ``num_probes · num_steps`` products
    with J and as many with Jᵀ, and keeps ``num_steps`` vectors, each orthogonal to all others, in
    the precision of the parameters.

    There is no density of J itself here. J is not normal, and then what quadrature by products
    finds need not lie near its eigenvalues.

    Args:
        field: ``field(params, batch=None) -> Players``, v or a transform of it.
        params: the point.
        batch: what the field sees; the density is that of the Jacobian of this batch.
        part: "symmetric" or "antisymmetric".
        num_probes: random vectors; where they are as many as the parameters, the unit vectors take
            their place, and nothing is random.
        num_steps: of Lanczos' method for each; n of them are exact.
        width: standard deviation of the Gaussian that stands for each eigenvalue. If None, 1.5
            times the width of the spectrum over ``num_steps``, which so many steps resolve: with a
            third of that nothing is known, and ``quadrature_error`` says so.
        num_points: where the density is told, evenly over the spectrum.
        key: a typed key for the probes; by default ``jax.random.key(0)``.

    Returns:
        A `SpectralDensity`, in NumPy. Two standard errors, with the quadrature's error added, are
        what `ganfield.plot.spectral_density` draws.

    Raises:
        ValueError: an argument is not allowed; the field has no derivatives, a kink at the point,
            or products that are not finite; or the machine has not the memory for the vectors.

    References:
        Golub and Welsch, "Calculation of Gauss quadrature rules", 1969; Ubaru, Chen, Saad, "Fast
        estimation of tr(f(A)) via stochastic Lanczos quadrature", 2017; Ghorbani, Krishnan, Xiao,
        "An Investigation into Neural Net Optimization via Hessian Eigenvalue Density", 2019.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.array([1.0, 3.0]))))
        >>> zero = gf.Players(jnp.zeros(2), jnp.zeros(2))
        >>> turning = gf.spectral_density(v, zero, part="antisymmetric", width=0.1)
        >>> turning
        SpectralDensity: 4 imaginary eigenvalues of the antisymmetric part, from -3 to 3; 4 probes
        of 2 steps, width 0.1
        >>> float((turning.density.sum() * (turning.points[1] - turning.points[0])).round(3))
        1.0
    """
    if not isinstance(part, str) or part not in _PARTS:
        raise ValueError(
            f"{unknown(_PARTS, part, argument='part')}. The density of a Jacobian itself is not to "
            "be had: where it is not normal no quadrature by products finds its eigenvalues. "
            "gf.eigenvalues and gf.krylov_eigenvalues have those"
        )
    num_probes = check_count(num_probes, argument="num_probes")
    most_steps = check_count(num_steps, argument="num_steps", minimum=2)
    num_points = check_count(num_points, argument="num_points", minimum=2)
    key = key_of(key)
    width = None if width is None else check_positive(width, argument="width")
    params, size, _ = count_numbers(field, params, batch)
    num_probes, num_steps = min(num_probes, size), min(most_steps, size)
    _check_room(size, num_probes, num_steps, num_points, params)
    J = both_products(field, params, batch, user="spectral_density")
    starts = _starts(J, num_probes, key)
    rules = [_quadrature(J, _PARTS[part], start, num_steps) for start in starts]
    nodes, weights = _stacked(rules)
    low, high = float(nodes.min()), float(nodes.max())
    if width is None:
        width = _RESOLVED * ((high - low) or abs(high) or 1.0) / most_steps
    points = np.linspace(low - _BEYOND * width, high + _BEYOND * width, num_points)
    each = np.stack([_smoothed(points, *rule, width) for rule in rules])
    spread = np.zeros(num_points) if num_probes == size else _standard_error(each)
    # Where fewer steps than these were made, nothing was left of the vector.
    ended = num_steps == size or all(len(rule[0]) < num_steps for rule in rules)
    off = 0.0 if ended else _quadrature_error(num_steps, size, width, high - low)
    return SpectralDensity(
        part, points, each.mean(axis=0), spread, off, width, nodes, weights, size
    )


def _check_room(
    size: int, num_probes: int, num_steps: int, num_points: int, params: Players
) -> None:
    itemsize = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params))).itemsize
    check_memory(
        num_steps,
        lambda steps: steps * size * itemsize,
        argument="num_steps must be",
        what=f"the vectors of Lanczos' method, of {size} numbers each,",
        on_host=True,
    )
    check_memory(
        num_probes,
        lambda probes: 16 * probes * num_steps,
        argument="num_probes must be",
        what="what each probe finds",
        on_host=True,
    )
    check_memory(
        num_points,
        lambda points: 8 * points * (3 * num_probes + num_steps),
        argument="num_points must be",
        what="the density of each probe",
        on_host=True,
    )


def _stacked(rules: list[Rule]) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and weights of all probes; nodes of no weight fill up the short ones."""
    steps = max(len(nodes) for nodes, _ in rules)
    nodes = [np.pad(nodes, (0, steps - len(nodes)), "edge") for nodes, _ in rules]
    return np.stack(nodes), np.stack([np.pad(w, (0, steps - len(w))) for _, w in rules])


def _starts(J: BothProducts, num_probes: int, key: jax.Array) -> Iterator[np.ndarray]:
    """Yield the first vectors: random ones, or, where they would be as many, all unit vectors."""
    for number in range(num_probes):
        if num_probes == J.size:
            start = np.zeros(J.size, J.dtype)
            start[number] = 1
            yield start
        else:
            yield signs(jax.random.fold_in(key, number), J)


def _quadrature(J: BothProducts, sign: float, start: np.ndarray, num_steps: int) -> Rule:

    def half(vector: np.ndarray) -> np.ndarray:
        pushed, pulled = J.both(vector)
        return (pushed + J.dtype.type(sign) * pulled) / 2

    return gauss(*tridiagonal(half, start, num_steps, antisymmetric=sign < 0))


def _quadrature_error(num_steps: int, size: int, width: float, spread: float) -> float:
    # By how much nodes reach less far than eigenvalues, on average (Kuczyński and Woźniakowski,
    # "Estimating the largest eigenvalue by the power and Lanczos algorithms", 1992).
    short = 0.103 * (np.log(size * (num_steps - 1) ** 2) / (num_steps - 1)) ** 2
    return resolved_to(num_steps, width, spread * (1 + 2 * short)) / (width * (2 * np.pi) ** 0.5)


def _smoothed(
    points: np.ndarray, nodes: np.ndarray, weights: np.ndarray, width: float
) -> np.ndarray:
    away = (points[:, None] - nodes) / width
    return np.exp(-(away**2) / 2) @ weights / (width * (2 * np.pi) ** 0.5)


def _standard_error(each: np.ndarray) -> np.ndarray:
    """Return that of the mean over the first axis; NaN for one alone."""
    if len(each) == 1:
        return np.full(each.shape[1:], np.nan)
    return np.std(each, axis=0, ddof=1) / len(each) ** 0.5
