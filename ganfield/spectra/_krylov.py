"""A Krylov decomposition of a linear map: it grows, is cut back to what is wanted, and grows on."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Product = Callable[[np.ndarray], np.ndarray]


class Kept(NamedTuple):
    """What a Krylov decomposition goes on from.

    Attributes:
        basis: orthonormal rows; one more than the matrix has, where there is a next vector.
        matrix: the map within their span.
        row: how it leads out of the span, along the next vector.
        effort: products that the first start took.
    """

    basis: np.ndarray
    matrix: np.ndarray
    row: np.ndarray
    effort: int


class Ritz(NamedTuple):
    """Eigenvalues within a span.

    Attributes:
        values: θ.
        vectors: their coordinates in the basis, as columns of length 1.
        radii: ‖Au − θu‖, for u of length 1.
        conditions: 1/|y*x| within the span, which that of the whole map is not below.
    """

    values: np.ndarray
    vectors: np.ndarray
    radii: np.ndarray
    conditions: np.ndarray


class Invariant(NamedTuple):
    """A span that a map does not lead out of.

    Attributes:
        rows: its orthonormal basis.
        matrix: the map within it.
    """

    rows: np.ndarray
    matrix: np.ndarray


class Space:
    """A V = V H + v bᵀ, with orthonormal rows V, and v the next of them.

    Attributes:
        basis: V, and v below it.
        matrix: H.
        row: b; 0 where the map does not lead out of the span.
        count: rows of V.
        norm: the longest A v so far, which ‖A‖ is not below.
        products: that were taken.
        alive: which components any product had.
        is_filtered: whether a start is an image, in which eigenvectors of 0 have no part.
    """

    def __init__(
        self,
        product: Product,
        size: int,
        most: int,
        dtype: np.dtype,
        random: np.random.Generator,
        *,
        is_filtered: bool,
    ):
        wide = np.result_type(dtype, float)
        self._product, self._random, self._dtype = product, random, dtype
        self.basis = np.empty((most + 1, size), dtype)
        self.matrix = np.zeros((most, most), wide)
        self.row = np.zeros(most, wide)
        self.alive = np.zeros(size, bool)
        self.count = self.products = 0
        self.norm = 0.0
        self.eps = float(np.finfo(dtype).eps)
        self.is_filtered = is_filtered
        self._is_open = False

    def apply(self, vector: np.ndarray) -> np.ndarray:
        """Return A u, and count it."""
        self.products += 1
        image = np.asarray(self._product(vector), self._dtype)
        if not np.isfinite(image).all():
            raise FloatingPointError
        self.alive |= image != 0
        return image

    def grow(self, count: int) -> bool:
        """Grow to so many rows, and return whether there were as many."""
        while self.count < count:
            if not self._is_open and not self._begin():
                return False
            self._step()
        return True

    def go_on(self, kept: Kept) -> bool:
        """Take what was kept, or return False where it is of another map: then begin from it."""
        count = len(kept.matrix)
        if kept.basis.dtype != self._dtype or count > len(self.row):
            start = np.real(kept.basis[:count]).sum(axis=0).astype(self._dtype)
            self._is_open = self._set_next(start, float(np.linalg.norm(start)))
            return False
        part = self._random.normal(size=count)
        part /= np.linalg.norm(part)
        image = self.apply((part @ kept.basis[:count]).astype(self._dtype))
        said = (kept.matrix @ part) @ kept.basis[:count]
        if len(kept.basis) > count:
            said = said + (kept.row @ part) * kept.basis[count]
        off = np.linalg.norm(image - said)
        if off <= 1e3 * self.eps * np.linalg.norm(image):
            self.count, self._is_open = count, len(kept.basis) > count
            self.basis[: len(kept.basis)] = kept.basis
            self.matrix[:count, :count], self.row[:count] = kept.matrix, kept.row
            self.norm = float(np.linalg.norm(kept.matrix, 2))
            return True
        start = kept.basis[:count].sum(axis=0)
        self._is_open = self._set_next(start, float(np.linalg.norm(start)))
        return False

    def ritz(self) -> Ritz:
        """Return the eigenvalues within the span."""
        from scipy.linalg import eig

        # What rounding alone puts beside the diagonal would make a multiple eigenvalue defective.
        inner = self.matrix[: self.count, : self.count]
        inner = np.where(np.abs(inner) <= 10 * self.eps * self.norm, 0, inner)
        values, covectors, vectors = eig(inner, left=True, right=True)
        cosines = np.abs(np.einsum("ij,ij->j", covectors.conj(), vectors))
        conditions = 1 / np.maximum(cosines, np.finfo(float).tiny)
        return Ritz(values, vectors, np.abs(self.row[: self.count] @ vectors), conditions)

    def cut(self, wanted: np.ndarray, values: np.ndarray) -> None:
        """Cut back to the span that belongs to the wanted ones of the eigenvalues within it."""
        ordered, turn, count = _in_front(self.matrix[: self.count, : self.count], wanted, values)
        row = self.row[: self.count] @ turn
        self._turn(turn[:, :count])
        self.basis[count] = self.basis[self.count]
        self._set(ordered[:count, :count], row[:count])

    def lock(self, wanted: np.ndarray, values: np.ndarray, tolerance: float) -> bool:
        """Cut back to a span that the map does not lead out of, by more than a tolerance.

        Returns:
            Whether there is one; if not, nothing is changed. The next row is a random start.
        """
        ordered, turn, count = _in_front(self.matrix[: self.count, : self.count], wanted, values)
        leads_out = np.linalg.norm((self.row[: self.count] @ turn)[:count])
        if not count or leads_out > tolerance:
            return False
        self._turn(turn[:, :count])
        self._set(ordered[:count, :count], np.zeros(count))
        self._is_open = False
        return True

    def kept(self, wanted: np.ndarray, values: np.ndarray, effort: int) -> Kept:
        """Return the span that belongs to the wanted ones, to go on from."""
        inner = self.matrix[: self.count, : self.count]
        ordered, turn, count = _in_front(inner, wanted, values)
        rows = turn[:, :count].T.astype(self._dtype) @ self.basis[: self.count]
        if self._is_open:
            rows = np.concatenate([rows, self.basis[self.count : self.count + 1]])
        return Kept(rows, ordered[:count, :count], (self.row[: self.count] @ turn)[:count], effort)

    def _set(self, matrix: np.ndarray, row: np.ndarray) -> None:
        self.count = len(row)
        self.matrix[:], self.row[:] = 0, 0
        self.matrix[: self.count, : self.count], self.row[: self.count] = matrix, row

    def _turn(self, turn: np.ndarray) -> None:
        """Make the first rows of the basis those combinations of it; some columns at a time."""
        turn = turn.T.astype(self._dtype)
        for first in range(0, self.basis.shape[1], 4096):
            part = self.basis[: self.count, first : first + 4096]
            self.basis[: len(turn), first : first + 4096] = turn @ part

    def _begin(self) -> bool:
        """Make the next row a random start; False where there is no other direction."""
        size = self.basis.shape[1]
        if self.count == size:
            return False
        start = self._random.normal(size=size).astype(self._dtype)
        length = float(np.linalg.norm(start))
        if self.is_filtered:
            start = self.apply(start / length)
            length = float(np.linalg.norm(start))
        self._is_open = self._set_next(start, length)
        return self._is_open

    def _set_next(self, vector: np.ndarray, length: float) -> bool:
        """Make a vector's part across the span the next row; False where that is rounding."""
        for _ in range(3):
            vector = vector - self._within(vector) @ self.basis[: self.count]
            left = float(np.linalg.norm(vector))
            if left <= 1e2 * self.eps * length:
                return False
            vector, length = vector / left, 0.0
        self.basis[self.count] = vector
        return True

    def _within(self, vector: np.ndarray) -> np.ndarray:
        return np.conj(self.basis[: self.count] @ np.conj(vector))

    def _step(self) -> None:
        last = self.count
        image = self.apply(self.basis[last])
        self.norm = max(self.norm, float(np.linalg.norm(image)))
        self.matrix[last, :last] = self.row[:last]
        self.count = last + 1
        self.row[:] = 0
        for _ in range(2):  # once leaves what rounding makes of parts that cancel
            overlap = self._within(image)
            image = image - overlap @ self.basis[: self.count]
            self.matrix[: self.count, last] += overlap
        left = float(np.linalg.norm(image))
        self._is_open = left > 10 * self.eps * self.norm and self.count < len(image)
        if self._is_open and left < 1e-3 * self.norm:  # whose direction is half rounding
            self._is_open = self._set_next(image / left, 0.0)
        elif self._is_open:
            self.basis[self.count] = image / left
        if self._is_open:
            self.row[last] = left


def _in_front(
    matrix: np.ndarray, wanted: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return a Schur form T with the wanted eigenvalues in front, Z with H Z = Z T, and how many.

    Args:
        matrix: H.
        wanted: which of ``values``. Of a pair of a real matrix both are.
        values: the eigenvalues of H, as another program found them.
    """
    from scipy.linalg import lapack, schur
    from scipy.optimize import linear_sum_assignment

    real = matrix.dtype.kind == "f"
    form, turn = schur(matrix, output="real" if real else "complex")
    if real:
        off = np.sqrt(np.abs(np.diag(form, 1)) * np.abs(np.diag(form, -1)))
        imaginary = np.zeros(len(form))
        imaginary[:-1] += off
        imaginary[1:] -= off
        own = np.diag(form) + 1j * imaginary
    else:
        own = np.diag(form)
    rows, columns = linear_sum_assignment(np.abs(own[:, None] - values))
    chosen = np.zeros(len(form), bool)
    chosen[rows] = wanted[columns]
    sort = lapack.dtrsen if real else lapack.ztrsen
    if real:
        pairs = np.flatnonzero(np.diag(form, -1))
        both = chosen[pairs] | chosen[pairs + 1]
        chosen[pairs] = chosen[pairs + 1] = both
    size = len(form)
    sizes = {"liwork": max(1, size)} if real else {}
    ordered, turn, *_, failed = sort(chosen.astype(np.int32), form, turn, job="N", **sizes)
    # Two eigenvalues may be too close to change places.
    return ordered, turn, 0 if failed else int(chosen.sum())
