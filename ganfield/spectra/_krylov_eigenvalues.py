"""Leading eigenvalues of a field's Jacobian, or of an update map's, from products alone."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._compiled import is_tracing
from ganfield._html import html_of
from ganfield._memory import check_memory
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count, check_positive, lookup
from ganfield.spectra._inverse import UnsolvedError, nearest
from ganfield.spectra._krylov import Kept, Product
from ganfield.spectra._leading import Leading, Search, leading, rows_of
from ganfield.spectra._left import left_of
from ganfield.spectra._linear_map import LinearMap, linear_map
from ganfield.spectra._targets import key_of
from ganfield.spectra._update_map import UpdateMap
from ganfield.spectra._work import Progress, Work, begin, watched

_VECTORS = {"none": 0, "right": 1, "both": 2}
_ZEROS = {"apart": True, "listed": False}
_MOST_PRODUCTS = 3000
_TOLERANCE = {4: 1e-5, 8: 1e-12}  # by the bytes of a float


class KrylovEigenvalues(NamedTuple):
    """Leading eigenvalues, and how far each is to be believed.

    Attributes:
        eigenvalues: the one that is wanted most first, of a pair that above the real line. Shape
            ``(num,)``, complex, as are all that follow for each.
        residuals: ‖Jx − λx‖ for the right vector of length 1, measured: λ is an eigenvalue of a
            matrix that is not further from J than this.
        conditions: 1/|y*x| for vectors of length 1: by how much more than the residual λ may be
            off. Without left vectors it is that within the space that was searched, which J's is
            not below (where that space is not all).
        converged: whether the residual is within the tolerance.
        complete: whether a second start found nothing that is wanted more, and nothing that has
            not converged may be. False says that such eigenvalues may be missing.
        zeros: how many eigenvalues are 0 to rounding, at least; all, where ``complete`` came of a
            space that is the whole range. They are not among the others unless there are too few.
        products: with J, and with Jᵀ for left vectors.
        norm: ‖J‖, at least.
        tolerance: the largest residual of what has converged, as a share of the norm.
        right: right vectors of length 1, as a pytree like the parameters with a new first axis (a
            matrix with a row for each, of an update map); None unless asked for.
        left: left vectors y, y*J = λy*, likewise.
        left_residuals: ‖Jᵀȳ − λȳ‖; None without them.
        kept: what ``start=`` goes on from, some 2 ``num`` vectors.
    """

    eigenvalues: np.ndarray
    residuals: np.ndarray
    conditions: np.ndarray
    converged: np.ndarray
    complete: bool
    zeros: int
    products: int
    norm: float
    tolerance: float
    right: PyTree = None
    left: PyTree = None
    left_residuals: np.ndarray | None = None
    kept: Kept | None = None

    def __repr__(self) -> str:
        few = ", ".join(f"{value:.6g}" for value in self.eigenvalues[:6])
        more = ", …" if len(self.eigenvalues) > 6 else ""
        parts = [f"{np.count_nonzero(self.converged)} of {len(self.converged)} converged"]
        if not self.complete:
            parts.append("others that are wanted more may be missing")
        if self.zeros:
            parts.append(f"at least {self.zeros} eigenvalues are 0")
        parts.append(f"conditions up to {self.conditions.max(initial=1.0):.2g}")
        parts.append(f"{self.products} products")
        return f"KrylovEigenvalues: {few}{more}; {'; '.join(parts)}"

    def _repr_html_(self) -> str:
        return html_of(self)


def krylov_eigenvalues(
    field: Field | UpdateMap | LinearMap,
    params: Players | jax.Array | None = None,
    batch: Any = None,
    *,
    num: int,
    target: str | complex = "largest_real",
    vectors: str = "none",
    zeros: str = "apart",
    tolerance: float | None = None,
    starts: int = 2,
    max_products: int = _MOST_PRODUCTS,
    start: KrylovEigenvalues | None = None,
    key: jax.Array | None = None,
    progress: Progress = True,
) -> KrylovEigenvalues:
    """Return leading eigenvalues of a field's Jacobian J, from products Ju, without the matrix.

    The Krylov–Schur method, in the precision of the parameters, with vectors on the host. Multiple
    eigenvalues are found as often as they are there, by further starts across what is found. What
    is returned has a measured residual and a condition, and says itself whether others may be
    missing; it is never a guess without a word.

    Args:
        field: ``field(params, batch=None) -> Players``, transformed or not (of the consensus field
            it is the exact w′), or an update map (`ganfield.update_map`), whose F′ takes the place
            of J. For the mean over minibatches take `ganfield.spectra.mean_field`.
        params: the point. Of an update map: a vector, by default that which it was made at.
        batch: what the field sees.
        num: how many eigenvalues.
        target: which are wanted most: "largest_modulus", "largest_real", "smallest_real",
            "largest_imaginary" (of either sign), "unit_circle" (those nearest to it), or a number,
            for those nearest to it. In the midst of a spectrum, where products alone do not tell
            them in as many as two bases have vectors, an inner system is solved for each of a few.
        vectors: "none", "right", or "both" for left ones too, which take as many products with Jᵀ.
        zeros: "apart": eigenvalues that are 0 to rounding, hundreds in a network of ReLUs, are
            counted and not listed, unless there are not as many others. "listed": they are
            eigenvalues like all.
        tolerance: the largest residual of what counts as converged, as a share of ‖J‖; 10⁻¹² in
            float64 and 10⁻⁵ in float32, whose products err by some 10⁻⁶.
        starts: 2, or 1 to leave out the second start, and half of the products; then multiple
            eigenvalues are found once, and ``complete`` is False.
        max_products: after how many products to return what there is.
        start: what this function returned: the search goes on from there. At another point, as in
            the course of a training, its vectors are where it begins.
        key: a typed key for the starts; by default ``jax.random.key(0)``.
        progress: as in `ganfield.spectral_radius`.

    Returns:
        A `KrylovEigenvalues`.

    Raises:
        ValueError: an argument is not allowed; there are fewer than ``num`` parameters; the field
            has a kink at the point; its derivative there is not finite; the machine has not the
            memory for the vectors.

    Reference:
        Stewart, "A Krylov–Schur algorithm for large eigenproblems", SIAM J. Matrix Anal. Appl.,
        2002. Targets as in SLEPc (Hernandez, Roman, Vidal, 2005).

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.arange(1.0, 5.0))))
        >>> origin = gf.Players(jnp.zeros(4), jnp.zeros(4))
        >>> found = gf.krylov_eigenvalues(v, origin, num=2, target="largest_imaginary")
        >>> found.eigenvalues.imag.round(4), found.complete
        (array([ 4., -4.]), True)
    """
    num = check_count(num, argument="num")
    wanted, listed = key_of(target), lookup(_ZEROS, zeros, argument="zeros")
    kind = lookup(_VECTORS, vectors, argument="vectors")
    starts = check_count(starts, argument="starts", maximum=2)
    max_products = check_count(max_products, argument="max_products")
    if start is not None and not isinstance(start, KrylovEigenvalues):
        raise ValueError(
            f"start must be what krylov_eigenvalues returned, or None, got {type(start).__name__}"
        )
    if is_tracing():
        raise ValueError(
            "krylov_eigenvalues must be called outside of jax.jit, vmap and grad: it decides by "
            "numbers how it goes on"
        )
    map_ = field if isinstance(field, LinearMap) else linear_map(field, params, batch)
    if num > map_.size:
        raise ValueError(f"num must be at most the number of parameters, {map_.size}, got {num}")
    if start is not None and start.kept is not None and start.kept.basis.shape[1] != map_.size:
        raise ValueError(
            f"start must be of as many parameters, {map_.size}, got {start.kept.basis.shape[1]}"
        )
    share = tolerance
    if share is None:
        share = _TOLERANCE[map_.dtype.itemsize]
    share = check_positive(share, argument="tolerance")
    rows = rows_of(map_.size, num)
    memory = (rows + 1) * map_.size * map_.dtype.itemsize
    check_memory(
        num,
        lambda n: (rows_of(map_.size, n) + 1) * map_.size * map_.dtype.itemsize,
        argument="num must be",
        what=f"a basis of {rows} vectors of {map_.size} numbers",
        on_host=True,
    )
    work = Work(map_.size, max_products, math.nan, False, memory, map_.name, "krylov_eigenvalues")
    begin(progress, work)
    key = jax.random.key(0) if key is None else key
    random = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    product = map_.product
    product(np.ones(map_.size, map_.dtype))
    began = time.perf_counter()
    product(np.ones(map_.size, map_.dtype))
    work = work._replace(seconds=time.perf_counter() - began)
    search = Search(num, wanted, share, starts, listed, max_products)
    with watched(progress, work) as tick:
        count = itertools.count(1)
        map_.check()

        def counted(multiply: Callable[[np.ndarray], np.ndarray]) -> Callable:
            def multiplied(vector: np.ndarray) -> np.ndarray:
                image = multiply(vector)
                tick(next(count))
                return image

            return multiplied

        def find(multiply: Product, place: complex, kept: Kept | None) -> Leading:
            most = max_products if rows == map_.size or named else min(2 * rows, max_products)
            first = search._replace(most_products=most)
            answer = leading(multiply, map_.size, first, random, map_.dtype, kept)
            if answer.complete or most == max_products:
                return answer
            rest = search._replace(most_products=max_products - answer.products)
            inner = nearest(multiply, map_.size, rest, place, random, map_.dtype)
            return inner._replace(products=inner.products + answer.products)

        named = isinstance(target, str)
        place = 0j if named else complex(target)
        try:
            answer = find(counted(product), place, start and start.kept)
            result = _result(answer, num, share)
            if kind:
                result = result._replace(right=map_.tree(answer.vectors))
            if kind == 2:
                transposed = counted(map_.transposed)
                other = find(transposed, place.conjugate(), None)
                pairs = left_of(answer, other, transposed)
                result = result._replace(
                    left=map_.tree(pairs.left),
                    left_residuals=pairs.residuals,
                    conditions=pairs.conditions,
                    products=answer.products + other.products + pairs.products,
                )
        except UnsolvedError as error:
            raise ValueError(
                f"target must be a number whose nearest eigenvalues {max_products} products tell "
                f"apart (max_products), got {target}: of a crowd of eigenvalues round it only the "
                "matrix knows (gf.eigenvalues)"
            ) from error
        except FloatingPointError as error:
            raise ValueError(
                f"params must be a point where {map_.name} is finite, and a product with it is not"
            ) from error
    return result


def _result(answer: Leading, num: int, share: float) -> KrylovEigenvalues:
    return KrylovEigenvalues(
        answer.values.astype(complex),
        answer.residuals,
        answer.conditions,
        answer.converged,
        answer.complete and bool(answer.converged.all()),
        answer.zeros,
        answer.products,
        answer.norm,
        share,
        kept=answer.kept,
    )
