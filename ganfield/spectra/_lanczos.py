"""Lanczos' method: the spectrum of a symmetric or antisymmetric map, weighted by a vector."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_ENDED = 10.0  # roundings, below which nothing is left of a vector


def tridiagonal(
    product: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    num_steps: int,
    *,
    antisymmetric: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the diagonal and the off-diagonal of the matrix that Lanczos' method finds.

    Each new vector is made orthogonal to all before, twice, so that no eigenvalue comes back as a
    copy. An antisymmetric map A has the same numbers as iA, which is Hermitian, with a diagonal of
    zeros: those of the matrix are then the imaginary parts of A's.

    Args:
        product: ``product(u)``, a vector of NumPy in the dtype of ``u``.
        start: the first vector, of any length but 0; its dtype is that of the vectors kept.
        num_steps: products, at most; fewer where the start reaches no further.
        antisymmetric: whether the map is.

    Returns:
        ``(k,)`` and ``(k − 1,)`` numbers in float64, k ≤ num_steps.

    Example:
        >>> turn = np.array([[0.0, -2.0], [2.0, 0.0]])
        >>> tridiagonal(lambda u: turn @ u, np.array([1.0, 0.0]), 5, antisymmetric=True)
        (array([0., 0.]), array([2.]))
    """
    basis = np.empty((num_steps, start.size), start.dtype)
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = np.zeros(num_steps), np.zeros(num_steps - 1)
    scale = 0.0
    for step in range(num_steps):
        known, image = basis[: step + 1], product(basis[step])
        scale = max(scale, _length(image))
        overlaps = known @ image
        image = image - overlaps @ known
        again = known @ image
        image -= again @ known
        diagonal[step] = 0.0 if antisymmetric else overlaps[step] + again[step]
        left = _length(image)
        if step + 1 == num_steps:
            break
        if left <= _ENDED * np.finfo(basis.dtype).eps * scale:
            return diagonal[: step + 1], beside[:step]
        beside[step] = left
        basis[step + 1] = image / left
    return diagonal, beside


def gauss(diagonal: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and weights of Gauss quadrature: eigenvalues, and how much each has.

    Example:
        >>> nodes, weights = gauss(np.zeros(2), np.array([2.0]))
        >>> nodes.round(6), weights.round(6)
        (array([-2.,  2.]), array([0.5, 0.5]))
    """
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    nodes, vectors = np.linalg.eigh(matrix)
    return nodes, vectors[0] ** 2


def resolved_to(num_steps: int, width: float, spread: float) -> float:
    """Return what Gauss quadrature of a Gaussian is off by, at most, as a share of its height.

    Quadrature is exact for polynomials to degree 2m − 1, so it is off by at most twice what the
    best of those is. A Gaussian is analytic, and in the ellipse of Bernstein with parameter ρ it is
    at most exp((ρ − 1/ρ)²/8σ²), σ in units of half of the spread: the polynomial is off by at most
    2/(ρ − 1)·ρ^(1 − 2m) times that, for any ρ.

    Args:
        num_steps: m.
        width: standard deviation of the Gaussian.
        spread: length of the interval in which all eigenvalues lie.

    Reference:
        Trefethen, "Approximation Theory and Approximation Practice", 2013, theorem 8.2.

    Example:
        >>> round(resolved_to(64, 0.01, 1.0), 3), resolved_to(64, 0.025, 1.0) < 1e-7
        (1.0, True)
    """
    if not spread:
        return 0.0
    log_rho = np.geomspace(1e-3, 10, 2000)
    exponent = (np.sinh(log_rho) * spread / width) ** 2 / 8 - (2 * num_steps - 1) * log_rho
    off = np.log(4 / np.expm1(log_rho)) + exponent
    return float(np.exp(np.minimum(np.min(off), 0.0)))


def _length(vector: np.ndarray) -> float:
    return float(np.linalg.norm(vector.astype(float)))
