"""The leading eigenvalues of a linear map, known by its products, and what is sure of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ganfield.spectra._krylov import Invariant, Kept, Product, Ritz, Space
from ganfield.spectra._targets import Key

MOST_ROWS = 300  # of a basis; the eigenvalues of twice as large a matrix take eight times as long
_WHOLE = 600  # numbers whose whole space may be its span
MOST_NUMBERS = 2**27  # in it: a gigabyte in float64
_SMALL = 100  # numbers whose whole space is looked at once
_FIRST = 30  # rows after which a space is looked at
_WIDER = 1.5  # from one look to the next
_REACH = 0.1  # of the spread of what is wanted: how far an eigenvalue that is not found may reach


class Leading(NamedTuple):
    """Eigenvalues of a map, those that are wanted most first.

    Attributes:
        values: all that were found, and of those wanted that were not what they may be.
        vectors: of length 1, as rows.
        residuals: ‖Au − λu‖, by a product.
        conditions: 1/|y*x| within the space; the map's are not smaller.
        converged: whether a residual is within the tolerance.
        complete: whether nothing that is wanted more is likely to be missing.
        zeros: how many eigenvalues are 0, at least.
        norm: that of the map, at least.
        products: that were taken.
        kept: to go on from.
        span: of the wanted ones, of a pair both.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    conditions: np.ndarray
    converged: np.ndarray
    complete: bool
    zeros: int
    norm: float
    products: int
    kept: Kept
    span: Invariant


class Search(NamedTuple):
    """What is looked for, and how long.

    Attributes:
        num: how many eigenvalues.
        key: how much each is wanted.
        tolerance: the largest residual, as a share of the map's norm.
        starts: 1, or 2 for a second one that has to find nothing more.
        apart: whether eigenvalues 0 are counted and not listed, as long as there are others.
        most_products: after which it ends.
        rows: how many the basis may have before it is cut back; of small maps, all.
        more: how many more than ``num`` are listed, where they were found too.
        values_of: the eigenvalues of the map that is meant, where the one that is given is its
            inverse about a number.
    """

    num: int
    key: Key
    tolerance: float
    starts: int = 2
    apart: bool = True
    most_products: int = 3000
    rows: int = MOST_ROWS
    more: int = 0
    values_of: Callable[[np.ndarray], np.ndarray] | None = None


def rows_of(size: int, num: int, rows: int = MOST_ROWS) -> int:
    """Return how many rows the basis has at most."""
    if size <= _WHOLE:
        return size
    return min(size, max(rows, 3 * num + 20), max(_FIRST + 3 * num, MOST_NUMBERS // size))


def leading(
    product: Product,
    size: int,
    search: Search,
    random: np.random.Generator,
    dtype: np.dtype | type = float,
    kept: Kept | None = None,
) -> Leading:
    """Return the eigenvalues that are wanted most, of a linear map A.

    The Krylov–Schur method. A space grows until as many eigenvalues as are wanted have converged,
    and none of the others, each a disc whose radius is its residual (but at most a tenth of the
    spread of what is wanted), reaches beyond the last of them. It is cut back only where there is
    no more room, for that may lose an eigenvalue among many of nearly its rank. Then what has
    converged is kept, and a random start across it takes as many products again: it finds further
    copies of a multiple eigenvalue, and what the first start missed. That goes on until a start
    finds nothing. A space that A maps to itself is no failure but the same: another start.

    Args:
        product: ``product(u) -> A u``, of arrays of ``dtype``.
        size: the length of u.
        search: for what.
        random: for the starts.
        dtype: float or complex, of either precision.
        kept: what an earlier call kept. Of another map it is a start.

    Raises:
        FloatingPointError: a product is not finite.

    Reference:
        Stewart, "A Krylov–Schur algorithm for large eigenproblems", 2002.
    """
    is_filtered = search.apart and search.values_of is None
    most = rows_of(size, search.num, search.rows)
    space = Space(product, size, most, np.dtype(dtype), random, is_filtered=is_filtered)
    effort, complete, best = 0, False, None
    if kept is not None and space.go_on(kept):
        effort = kept.effort
    began, locked = space.products, 0
    first = size if size <= _SMALL else max(_FIRST, 2 * search.num + 10)
    if search.values_of is not None:  # few are near, and a product is dear
        first = 2 * search.num + 6
    while True:
        most, left = len(space.row), search.most_products - space.products
        active = max(first, int(_WIDER * (space.count - locked)), space.count - locked + 10)
        ends = not space.grow(min(locked + active, most, space.count + max(left, 1)))
        look = _Look(space, search)
        if ends or space.count == size:
            if space.is_filtered and space.count < size and look.num_converged < search.num:
                space.is_filtered = False  # there are not as many but 0
                continue
            complete = True
            break
        spent = space.products - began
        if look.is_settled and (not effort or spent >= effort or look.next_is_found(locked)):
            keys = look.keys_of_best
            if search.starts == 1:
                break
            if best is not None and np.all(keys <= best + look.margin):
                complete = True
                break
            if space.lock(look.converged, look.ritz.values, 10 * look.tolerance):
                effort, best, locked = max(effort, spent), keys, space.count
                began = space.products
                continue
        if space.products >= search.most_products:
            break
        if space.count == most:
            if 5 * np.count_nonzero(look.converged) > 4 * most:
                break
            space.cut(look.to_keep(most // 2), look.ritz.values)
    return _answer(space, look, search, complete, ends, effort)


class _Look:
    """What a space says of the eigenvalues that are wanted."""

    def __init__(self, space: Space, search: Search):
        self.ritz: Ritz = space.ritz()
        self.search = search
        values, radii = self.ritz.values, self.ritz.radii
        norm = max(space.norm, float(np.abs(values).max(initial=0.0)))
        self.norm, self.tolerance = norm, search.tolerance * norm
        self.margin = 100 * self.tolerance
        self.converged = radii <= self.tolerance
        # 0 to rounding, by its condition; of a Jordan block of 0 it is the root of that.
        eps = 10 * space.eps
        blur = np.minimum(eps * self.ritz.conditions, 30 * eps**0.5) * norm
        if search.values_of is None:
            self.is_zero = self.converged & (np.abs(values) <= blur)
        else:
            meant = np.abs(search.values_of(values))
            self.is_zero = self.converged & (meant * np.abs(values) <= eps**0.5)
        self.keys = search.key(values)
        listed = ~(self.is_zero & search.apart)
        # Pairs stay together, the one above the real line first.
        above, away = -np.imag(values), -np.abs(np.imag(values))
        rank = np.lexsort((above, -np.real(values), away, -self.keys, ~listed))
        last = np.where(listed, ~self.converged, 2)[rank]
        self.order = rank[np.argsort(last, kind="stable")]
        self.num_converged = int(np.count_nonzero(self.converged & listed))
        self._rank = rank

    @property
    def keys_of_best(self) -> np.ndarray:
        return self.keys[self.order[: self.search.num]]

    @property
    def is_settled(self) -> bool:
        """Whether all that are wanted have converged, and no other may be wanted more."""
        if self.num_converged < self.search.num:
            return False
        last = self.keys_of_best[-1] + self.margin
        reach = np.minimum(self.ritz.radii, _REACH * np.ptp(self.keys))
        return not np.any(~self.converged & (self.keys + reach > last))

    def next_is_found(self, locked: int) -> bool:
        """Whether of those that are not locked the one that is wanted most has converged."""
        return bool(self.converged[self._rank[: locked + 1]].all())

    def to_keep(self, count: int) -> np.ndarray:
        """Return which stay where there is room for so many: what has converged, and the best."""
        keep = self.converged.copy()
        for index in self._rank:
            if np.count_nonzero(keep) >= count:
                break
            keep[index] = True
        return keep


def _answer(
    space: Space, look: _Look, search: Search, complete: bool, ends: bool, effort: int
) -> Leading:
    num = min(search.num + search.more, max(search.num, look.num_converged))
    chosen = look.order[:num]
    values = look.ritz.values[chosen]
    vectors = look.ritz.vectors[:, chosen].T @ space.basis[: space.count]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    residuals = np.zeros(num)
    is_real = space.basis.dtype.kind == "f"
    for index, (value, vector) in enumerate(zip(values, vectors, strict=True)):
        if is_real and index and value == values[index - 1].conj() != value:
            residuals[index] = residuals[index - 1]
            continue
        if is_real:
            image = space.apply(vector.real.astype(space.basis.dtype)).astype(complex)
            if value.imag:
                image += 1j * space.apply(vector.imag.astype(space.basis.dtype))
        else:
            image = space.apply(vector.astype(space.basis.dtype))
        residuals[index] = np.linalg.norm(image - value * vector)
    met, size = int(np.count_nonzero(look.is_zero)), len(space.alive)
    dead = size - int(np.count_nonzero(space.alive))
    # Where starts are images, what was met is beside the dead, which no start has.
    beside = met + (size - space.count if ends else dead)
    zeros = beside if space.is_filtered else max(met, dead)
    wanted = look.to_keep(2 * search.num)
    alone = np.zeros(len(wanted), bool)
    alone[chosen[: search.num]] = True
    span = space.kept(alone, look.ritz.values, 0)
    return Leading(
        values,
        vectors,
        residuals,
        look.ritz.conditions[chosen],
        residuals <= 10 * look.tolerance,
        complete,
        zeros,
        look.norm,
        space.products,
        space.kept(wanted, look.ritz.values, effort),
        Invariant(span.basis[: len(span.matrix)], span.matrix),
    )
