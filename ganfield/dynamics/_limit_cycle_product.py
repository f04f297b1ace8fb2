"""Eigenvalues of a product of matrices that is never formed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SWEEPS = 60
_APART = 1e-13  # how far from its own a space may come back, that is a block of its own


def log_eigenvalues(factors: Sequence[np.ndarray]) -> np.ndarray:
    """Return the logarithms of the eigenvalues of A_k ⋯ A₂A₁, the largest modulus first.

    Each has a small relative error, also where their moduli lie hundreds of powers of ten apart,
    as multipliers of a cycle do, and a product that is multiplied out knows the largest alone. The
    spaces that the leading eigenvalues span are carried round the factors, by QR decompositions,
    until they come back as they were (orthogonal iteration, which is the QR algorithm of a
    product). Eigenvalues whose moduli are near each other stay together in a block.

    Args:
        factors: square matrices of one size.

    Returns:
        Complex logarithms, with imaginary parts in (−π, π]; −∞ of an eigenvalue 0.

    Reference:
        Bojanczyk, Golub, Van Dooren, "The periodic Schur decomposition. Algorithms and
        applications", 1992; Lust, "Improved numerical Floquet multipliers", 2001.

    Example:
        >>> halves = [np.diag([2.0, 0.5])] * 1000
        >>> log_eigenvalues(halves).real / np.log(2)
        array([ 1000., -1000.])
    """
    size = len(factors[0])
    basis = np.eye(size)
    if size > 1:
        basis = np.linalg.qr(np.random.default_rng(0).normal(size=(size, size)))[0]
    for _ in range(_SWEEPS if size > 1 else 1):
        begin, triangles = basis, []
        for factor in factors:
            basis, triangle = np.linalg.qr(factor @ basis)
            triangles.append(triangle)
    back = begin.T @ basis
    logs, first = np.empty(size, complex), 0
    for last in range(1, size + 1):
        if np.abs(back[last:, :last]).max(initial=0.0) > _APART * size:
            continue
        block = slice(first, last)
        # What the space came back as, against what it was, is the block's own rotation.
        product, scale = back[block, block], 0.0
        for triangle in reversed(triangles):
            product = product @ triangle[block, block]
            norm = np.linalg.norm(product)
            product, scale = (product / norm, scale + np.log(norm)) if norm else (product, scale)
        with np.errstate(divide="ignore"):
            values = np.log(np.linalg.eigvals(product).astype(complex)) + scale
        logs[block], first = values[np.argsort(-values.real, kind="stable")], last
    return logs
