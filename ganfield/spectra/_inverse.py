"""Eigenvalues in the midst of a spectrum, from solutions of (A − σ)x = u."""

from __future__ import annotations

import numpy as np

from ganfield.spectra._krylov import Invariant, Product
from ganfield.spectra._leading import Leading, Search, leading

_INNER = 200  # products after which a solution begins anew


class UnsolvedError(ArithmeticError):
    """An inner system took more products than there were."""


def nearest(
    product: Product,
    size: int,
    search: Search,
    place: complex,
    random: np.random.Generator,
    dtype: np.dtype,
) -> Leading:
    """Return the eigenvalues of a real map A that are nearest to a number, as `leading` does.

    Those of (A − σ)⁻¹ of largest modulus, by which products with A alone would come last. Each
    product with the inverse is a solution by GMRES, to the precision of what is looked for. The
    vectors are complex where σ is.

    Args:
        product: ``product(u) -> A u``.
        size: the length of u.
        search: for what; its key is not looked at.
        place: σ.
        random: for the starts.
        dtype: of A.

    Raises:
        FloatingPointError: a product is not finite.
        UnsolvedError: products are spent before the answer is there.
    """
    shift = place if place.imag else place.real
    inverse = _Inverse(product, size, shift, search, dtype)

    def values_of(inverses: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return place + 1 / inverses

    wide = np.result_type(dtype, np.complex64 if place.imag else dtype)
    answer = leading(
        inverse,
        size,
        search._replace(key=np.abs, values_of=values_of),
        random,
        wide,
    )
    values, residuals = values_of(answer.values), np.zeros(len(answer.values))
    for index, vector in enumerate(answer.vectors):
        image = inverse.image(vector)
        values[index] = np.vdot(vector, image)
        residuals[index] = np.linalg.norm(image - values[index] * vector)
    rows, matrix = answer.span
    dead = size - np.count_nonzero(inverse.alive)
    return answer._replace(
        values=values,
        residuals=residuals,
        converged=residuals <= 10 * search.tolerance * inverse.norm,
        zeros=max(answer.zeros, dead),
        norm=inverse.norm,
        products=inverse.products,
        span=Invariant(rows, shift * np.eye(len(matrix)) + np.linalg.inv(matrix)),
    )


class _Inverse:
    """(A − σ)⁻¹, which counts the products with A.

    Attributes:
        products: how many.
        norm: that of A, at least.
        alive: which components any of them had.
    """

    def __init__(
        self, product: Product, size: int, shift: complex, search: Search, dtype: np.dtype
    ):
        self._product, self._shift, self._search = product, shift, search
        self._dtype, self._size = dtype, size
        self.products, self.norm, self.alive = 0, 0.0, np.zeros(size, bool)

    def image(self, vector: np.ndarray) -> np.ndarray:
        """Return A u, of a vector that may be complex."""
        if not np.iscomplexobj(vector):
            return self._image(vector)
        if not vector.imag.any():
            return self._image(vector.real).astype(complex)
        return self._image(vector.real) + 1j * self._image(vector.imag)

    def _image(self, vector: np.ndarray) -> np.ndarray:
        if self.products >= self._search.most_products:
            raise UnsolvedError
        self.products += 1
        image = self._product(vector.astype(self._dtype))
        if not np.isfinite(image).all():
            raise FloatingPointError
        length = float(np.linalg.norm(vector))
        self.norm = max(self.norm, float(np.linalg.norm(image)) / (length or 1.0))
        self.alive |= image != 0
        return image

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        from scipy.sparse.linalg import LinearOperator, gmres

        shifted = LinearOperator(
            (self._size, self._size),
            matvec=lambda u: self.image(u.ravel()) - self._shift * u.ravel(),
            dtype=vector.dtype,
        )
        solution, failed = gmres(
            shifted,
            vector,
            rtol=self._search.tolerance,
            restart=min(_INNER, self._size),
            maxiter=self._search.most_products,
        )
        if failed:
            raise UnsolvedError
        return solution
