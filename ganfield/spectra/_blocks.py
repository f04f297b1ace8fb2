"""Trace, norms and the share of rotation of a Jacobian, by the players' blocks."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from ganfield._html import html_of, html_spread
from ganfield._memory import check_memory
from ganfield._types import Field, Players
from ganfield.checks import check_count
from ganfield.spectra._both_products import (
    BothProducts,
    both_products,
    count_numbers,
    key_of,
    normals,
    signs,
)

_EACH = 5  # products for a probe: one to find large directions, two in those, two beside them


class Estimated(NamedTuple):
    """Numbers, and how far random probes may have put them off.

    Attributes:
        value: a number or an array.
        standard_error: of the same shape; 0 where nothing was random, NaN for a single probe.
    """

    value: np.ndarray
    standard_error: np.ndarray

    def __repr__(self) -> str:
        return _said(np.asarray(self.value), np.asarray(self.standard_error))


class JacobianBlocks(NamedTuple):
    """A Jacobian J = S + A in a few numbers, each an `Estimated`.

    Rows and columns of what is told by blocks are θ, φ: ``norms.value[0, 1]`` is that of J_θφ, by
    which v_θ depends on φ.

    Attributes:
        trace: tr J, the sum of its eigenvalues.
        traces: tr J_θθ and tr J_φφ.
        norm: ‖J‖ in the Frobenius norm.
        norms: ‖J_θθ‖, ‖J_θφ‖ and ‖J_φθ‖, ‖J_φφ‖.
        rotation: ‖A‖²/‖J‖², from 0 (conservative) to 1 (pure rotation); NaN where J = 0.
        rotations: the same of each block: of J_θθ and J_φφ alone, and, in both other places, of
            what couples the players, J_θφ and J_φθ together.
        exact: whether nothing was random.
        num_products: with J, and as many with Jᵀ.
    """

    trace: Estimated
    traces: Estimated
    norm: Estimated
    norms: Estimated
    rotation: Estimated
    rotations: Estimated
    exact: bool
    num_products: int

    def _repr_html_(self) -> str:
        return html_of(self)


def jacobian_blocks(
    field: Field,
    params: Players,
    batch: Any = None,
    *,
    num_probes: int = 16,
    key: jax.Array | None = None,
) -> JacobianBlocks:
    """Return trace, Frobenius norms and share of rotation of J, whole and by players, by products.

    All of them are traces of the form tr M, where uᵀMu is known from Ju and Jᵀu: ‖J‖² = tr JᵀJ, for
    one. The Jacobian of a network has a few large directions and many small ones. So for each
    player some ``num_probes`` directions are found first, in which J is large, and their part of
    the trace is exact; what is left is estimated with ``num_probes`` random vectors of one length,
    orthogonal to them (Hutch++). Their spread gives the standard errors. It takes
    5·``num_probes`` products with J, and as many with Jᵀ, in the precision of the parameters. Where
    the parameters are no more than that, the unit vectors are taken, and nothing is random.

    Args:
        field: ``field(params, batch=None) -> Players``, v or a transform of it.
        params: the point.
        batch: what the field sees; the numbers are those of the Jacobian of this batch.
        num_probes: random vectors for each player.
        key: a typed key for them; by default ``jax.random.key(0)``.

    Returns:
        A `JacobianBlocks`, in NumPy.

    Raises:
        ValueError: an argument is not allowed; the field has no derivatives, a kink at the point,
            or products that are not finite; or the machine has not the memory for the directions.

    References:
        Meyer, Musco, Musco, Woodruff, "Hutch++: Optimal Stochastic Trace Estimation", 2021.
        Epperly, Tropp, Webber, "XTrace", 2024, for vectors of one length.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> blocks = gf.jacobian_blocks(v, gf.Players(0.0, 0.0))
        >>> blocks.trace, blocks.norms, blocks.rotation
        (-2 ± 0, [[1 ± 0, 2 ± 0], [2 ± 0, 1 ± 0]], 0.8 ± 0)
    """
    num_probes, key = check_count(num_probes, argument="num_probes"), key_of(key)
    params, size, _ = count_numbers(field, params, batch)
    itemsize = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params))).itemsize
    if not _is_exact(size, num_probes):
        check_memory(
            num_probes,
            lambda probes: 3 * probes * size * itemsize,
            argument="num_probes must be",
            what=f"the directions of {size} numbers each",
            on_host=True,
        )
    return blocks_of(both_products(field, params, batch, user="jacobian_blocks"), num_probes, key)


def blocks_of(J: BothProducts, num_probes: int, key: jax.Array) -> JacobianBlocks:
    """Return what `jacobian_blocks` does, of a Jacobian that is known by its products."""
    size, split = J.size, J.split
    exact = _is_exact(size, num_probes)
    players = slice(0, split), slice(split, size)
    if exact:
        whole = np.zeros((2, 7))
        for player in (0, 1):
            for unit in range(players[player].start, players[player].stop):
                whole[player] += _forms(J, players, player, np.eye(1, size, unit, J.dtype)[0])
        return _result(_numbers(whole), np.zeros((1, 9)), exact, size)
    sketch_key, probe_key = jax.random.split(key)
    directions = _directions(J, players, num_probes, sketch_key)
    large = np.zeros((2, 7))
    for player, basis in enumerate(directions):
        for direction in basis.T:
            large[player] += _forms(J, players, player, _placed(J, players[player], direction))
    rest = np.zeros((num_probes, 2, 7))
    for number in range(num_probes):
        drawn = normals(jax.random.fold_in(probe_key, number), J)
        for player, basis in enumerate(directions):
            probe = drawn[players[player]]
            if len(basis) > basis.shape[1]:  # The directions are not all that there are.
                probe = probe - basis @ (basis.T @ probe)
                # Of one length, so that what is the same in all directions has no spread.
                probe *= (len(basis) - basis.shape[1]) ** 0.5 / np.linalg.norm(probe)
                placed = _placed(J, players[player], probe)
                rest[number, player] = _forms(J, players, player, placed)
    count = num_probes + sum(basis.shape[1] for basis in directions)
    count += num_probes * sum(len(basis) > basis.shape[1] for basis in directions)
    return _result(_numbers(large), np.stack([*map(_numbers, rest)]), exact, count)


def _is_exact(size: int, num_probes: int) -> bool:
    """Return whether the unit vectors are no more than what probes would take."""
    return size <= _EACH * num_probes


def _placed(J: BothProducts, player: slice, part: np.ndarray) -> np.ndarray:
    """Return a vector of both players' numbers of which one player's are given, and 0 else."""
    vector = np.zeros(J.size, J.dtype)
    vector[player] = part
    return vector


def _directions(
    J: BothProducts, players: tuple[slice, slice], num_probes: int, key: jax.Array
) -> list[np.ndarray]:
    """Return an orthonormal basis, for each player, of directions in which J is large."""
    columns = np.empty((num_probes, J.size), J.dtype)
    for number in range(num_probes):
        # Those that J maps to something large, and those to which it maps something, in turn.
        products = J.both(signs(jax.random.fold_in(key, number), J))
        columns[number] = products[number % 2]
    return [np.linalg.qr(columns[:, player].T)[0] for player in players]


def _forms(
    J: BothProducts, players: tuple[slice, slice], player: int, vector: np.ndarray
) -> np.ndarray:
    """Return the seven quadratic forms whose traces are wanted, at a vector of one player's."""
    pushed, pulled = (product.astype(float) for product in J.both(vector))
    own, other = players[player], players[1 - player]
    turning = (pushed - pulled) / 2
    return np.array(
        [
            vector[own].astype(float) @ pushed[own],
            *(np.sum(part**2) for part in (pushed[own], pulled[own], pushed[other], pulled[other])),
            *(np.sum(part**2) for part in (turning[own], turning[other])),
        ]
    )


def _numbers(forms: np.ndarray) -> np.ndarray:
    """Return what is wanted of the forms of both players.

    Two traces; the squares of the blocks' norms, each as the mean of its rows' and its columns';
    the squares of those of A_θθ, A_φφ and A_θφ.
    """
    (trace_1, right_1, left_1, out_1, in_1, own_1, cross_1) = forms[0]
    (trace_2, right_2, left_2, out_2, in_2, own_2, cross_2) = forms[1]
    norms = (right_1 + left_1) / 2, (in_1 + out_2) / 2, (out_1 + in_2) / 2, (right_2 + left_2) / 2
    return np.array([trace_1, trace_2, *norms, own_1, own_2, (cross_1 + cross_2) / 2])


def _result(large: np.ndarray, rest: np.ndarray, exact: bool, count: int) -> JacobianBlocks:
    """Return what exact parts and probes of the rest add up to."""
    each = large + rest
    traces, norms, turning = each[:, :2], each[:, 2:6], each[:, 6:] * [1, 1, 2]
    coupling = norms[:, 1] + norms[:, 2]
    shares = [
        _share(turning[:, 0], norms[:, 0], exact),
        _share(turning[:, 2], coupling, exact),
        _share(turning[:, 1], norms[:, 3], exact),
    ]
    by_block = np.array([[shares[0], shares[1]], [shares[1], shares[2]]])
    return JacobianBlocks(
        _mean(traces.sum(axis=1), exact),
        _mean(traces, exact),
        _root(norms.sum(axis=1), exact),
        _root(norms.reshape(-1, 2, 2), exact),
        Estimated(*map(np.asarray, _share(turning.sum(axis=1), norms.sum(axis=1), exact))),
        Estimated(by_block[..., 0], by_block[..., 1]),
        exact,
        count,
    )


def _mean(each: np.ndarray, exact: bool) -> Estimated:
    mean = each.mean(axis=0)
    if exact:
        return Estimated(mean, np.zeros_like(mean))
    if len(each) == 1:
        return Estimated(mean, np.full_like(mean, np.nan))
    return Estimated(mean, each.std(axis=0, ddof=1) / len(each) ** 0.5)


def _root(each: np.ndarray, exact: bool) -> Estimated:
    """Return the root of the mean, with its error to first order."""
    mean, error = _mean(each, exact)
    root = np.sqrt(mean)
    return Estimated(root, np.divide(error, 2 * root, out=np.zeros_like(error), where=root > 0))


def _share(part: np.ndarray, whole: np.ndarray, exact: bool) -> tuple[float, float]:
    """Return the ratio of the means, with its error to first order."""
    size = whole.mean()
    if not size > 0:
        return float("nan"), 0.0 if exact else float("nan")
    share = part.mean() / size
    return float(share), float(_mean(part - share * whole, exact).standard_error / size)


def _said(value: np.ndarray, error: np.ndarray) -> str:
    if value.ndim == 0:
        return html_spread(float(value), float(error))
    return f"[{', '.join(_said(*each) for each in zip(value, error, strict=True))}]"
