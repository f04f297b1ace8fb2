"""The leading eigenvalues of a linear map that is known by its products, checked or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

Product = Callable[[np.ndarray], np.ndarray]

_SIZES = (60, 120, 240, 600)  # of the Krylov space, at which it is looked at
_MOST_NUMBERS = 2**27  # in its basis: a gigabyte, for each of two starts
_MOST_VALUES = 6
_SOLVED = 1e-12  # the largest residual of an eigenvalue, as a share of the map's norm
_APART = 1e-9  # what moduli are told apart by, as a share of the spectrum's width
_BLURRED = 1e-3  # the largest error of the modulus, by its condition, as a share of the norm


class Leading(NamedTuple):
    """Eigenvalues of largest modulus.

    Attributes:
        values: the largest first, at most six.
        residual: ‖Au − λu‖ of the first, for u of length 1.
        error: how far its modulus may be off: the residual, or rounding, times the eigenvalue's
            condition 1/|wᴴu|, which is large where the map is not normal.
    """

    values: np.ndarray
    residual: float
    error: float


def leading(product: Product, size: int, key: jax.Array) -> Leading | None:
    """Return the eigenvalues of largest modulus of a real linear map A; None if that is not sure.

    Arnoldi's method without restarts, which would lose an eigenvalue that lies among many others of
    nearly its modulus. The Krylov space grows until the leading value's residual is rounding and no
    value that is not yet found reaches beyond it, λ counting as a disc whose radius is its
    residual; a space that A maps to itself holds every eigenvalue. All is done from two random
    starts, and both must give the same modulus, within the errors of both.

    Args:
        product: ``product(u) -> A u``.
        size: the length of u.
        key: for the starts.

    Reference:
        Saad, "Numerical Methods for Large Eigenvalue Problems", 2011, chapter 6.
    """
    sizes = _growing(size)
    starts = np.asarray(jax.random.normal(key, (2, size), float))
    one, other = (_Walk(product, start, sizes) for start in starts)
    for least in sizes:
        if not (one.reaches(least) and other.reaches(least)):
            return None
        here, there = one.answer, other.answer
        apart = abs(abs(here.values[0]) - abs(there.values[0]))
        if apart <= here.error + there.error:
            return here
    return None


def most_products(size: int) -> int:
    """Return how many products `leading` takes at most."""
    sizes = _growing(size)
    # An eigenvalue is checked by two products, of its real and its imaginary part.
    return 2 * (sizes[-1] + 2 * _MOST_VALUES * len(sizes))


def _growing(size: int) -> list[int]:
    """Return at which dimensions a Krylov space is looked at."""
    most = min(size, _SIZES[-1], max(_SIZES[0], _MOST_NUMBERS // size))
    return [*(s for s in _SIZES if s < most), most]


class _Walk:
    """The Krylov spaces of one start, each larger than the one before.

    Attributes:
        answer: what was found in the last space in which anything was.
    """

    answer: Leading

    def __init__(self, product: Product, start: np.ndarray, sizes: list[int]):
        self._product = product
        self._spaces = _spaces(product, start, sizes)
        self._dimension = 0.0

    def reaches(self, least: int) -> bool:
        """Return whether there is an answer of a space of ``least`` dimensions, or of all."""
        while self._dimension < least:
            space = next(self._spaces, None)
            if space is None:
                return False
            judged = _judge(self._product, *space)
            if judged is not None:
                basis, _, left = space
                self.answer, self._dimension = judged, len(basis) if left else np.inf
        return True


def _spaces(
    product: Product, start: np.ndarray, sizes: list[int]
) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Yield orthonormal rows V, the map within their span, H, and what it leads out by, β.

    A V = V H + β v eᵀ with v the next row; β is 0 where A maps the span to itself.
    """
    basis = np.empty((sizes[-1] + 1, start.size))
    matrix = np.zeros((sizes[-1] + 1, sizes[-1]))
    basis[0] = start / np.linalg.norm(start)
    for column in range(sizes[-1]):
        count = column + 1
        image = product(basis[column])
        if not np.isfinite(image).all():
            return
        for _ in range(2):  # once leaves what rounding makes of parts that cancel
            overlap = basis[:count] @ image
            image = image - overlap @ basis[:count]
            matrix[:count, column] += overlap
        left = float(np.linalg.norm(image))
        inner = matrix[:count, :count]
        if count == start.size or left <= 1e-14 * np.linalg.norm(inner):
            yield basis[:count], inner, 0.0
            return
        if count in sizes:
            yield basis[:count], inner, left
        matrix[count, column] = left
        basis[count] = image / left


def _judge(product: Product, basis: np.ndarray, matrix: np.ndarray, left: float) -> Leading | None:
    """Return the eigenvalues that a space holds; None where a larger one may be missing."""
    from scipy.linalg import eig

    values, covectors, vectors = eig(matrix, left=True, right=True)
    norm = float(np.linalg.norm(matrix, 2))
    width = float(np.abs(values - values.mean()).max())
    radii = left * np.abs(vectors[-1])
    order = np.argsort(-np.abs(values), kind="stable")
    solved = radii <= _SOLVED * norm
    if not solved.any():
        return None
    lead = order[solved[order]][0]
    reach = (np.abs(values) + radii)[~solved].max(initial=0.0)
    if reach > np.abs(values[lead]) + _APART * width:
        return None
    kept, residuals = [], []
    for index in order[solved[order]][:_MOST_VALUES]:
        vector = vectors[:, index] @ basis
        vector /= np.linalg.norm(vector)
        image = product(vector.real) + 1j * product(vector.imag)
        residual = float(np.linalg.norm(image - values[index] * vector))
        if residual <= 10 * _SOLVED * norm:
            kept.append(index)
            residuals.append(residual)
    if not kept or kept[0] != lead:
        return None
    cosine = abs(np.vdot(covectors[:, lead], vectors[:, lead]))
    rounding = np.finfo(float).eps * norm * len(basis) ** 0.5
    if cosine * _BLURRED * norm < max(residuals[0], rounding) and norm:
        return None
    error = max(residuals[0], rounding) / cosine + _APART * width
    return Leading(values[kept], residuals[0], error)
