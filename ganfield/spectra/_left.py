"""Left eigenvectors, from the spans that a map and its transpose do not lead out of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ganfield.spectra._leading import Leading


class Left(NamedTuple):
    """Left vectors of length 1 as rows, y*A = λy*, their residuals, and 1/|y*x|."""

    left: np.ndarray
    residuals: np.ndarray
    conditions: np.ndarray
    products: int


def left_of(right: Leading, other: Leading, transposed: Callable[[np.ndarray], np.ndarray]) -> Left:
    """Return the left vectors of the eigenvalues that were found.

    With A Q = Q T and AᵀP = P S the matrix M = P*Q takes one to the other, S*M = M T. So for each
    left vector w of T, y = P M⁻*w is one of A, and y_j*x_i = w_j*s_i: of a multiple eigenvalue too
    each belongs to its own right vector, and is orthogonal to the others.

    Args:
        right: of A.
        other: of Aᵀ.
        transposed: ``transposed(u) -> Aᵀu``.
    """
    from scipy.linalg import eig
    from scipy.optimize import linear_sum_assignment

    (q, inner), (p, _) = right.span, other.span
    values, covectors, vectors = eig(inner, left=True, right=True)
    back = np.linalg.pinv(np.conj(p) @ q.T)
    rows = (back.conj().T @ covectors).T @ p
    lengths = np.linalg.norm(rows, axis=1)
    cosines = np.abs(np.einsum("ij,ij->j", covectors.conj(), vectors))
    conditions = lengths / np.maximum(cosines, np.finfo(float).tiny)
    rows /= lengths[:, None]
    chosen = linear_sum_assignment(np.abs(right.values[:, None] - values))[1]
    rows, conditions = rows[chosen], conditions[chosen]
    residuals = np.zeros(len(rows))
    for index, row in enumerate(rows):
        image = transposed(row.real) + 1j * transposed(row.imag)
        residuals[index] = np.linalg.norm(image - right.values[index].conj() * row)
    return Left(rows, residuals, conditions, 2 * len(rows))
