"""What becomes of the noise of a batch over many steps: moments of the iterates by products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from ganfield._types import Players, PyTree
from ganfield.stability._equation import Array, lazily
from ganfield.stability._noisy_map import NoisyMap
from ganfield.stability._remembered import check_squares, check_still, mean_memory
from ganfield.stability._settled import UnsettledError

NUM_CHAINS = 32
NUM_FEW = 64  # batches of which means of products are made
LONGEST = 4096  # products of one chain
_BLOCK = 32  # products between looks
_EARLY = 128  # products after which a tail that will not end is not waited for
_END = 1e-4  # of the mean square that is left in the tail
_GROWN = 1e8  # times the first square


class EndlessError(UnsettledError):
    """What the noise does dies out, but not in time: larger squares would make it slower still."""


class Rows(NamedTuple):
    """What batches make of the point.

    Attributes:
        moved: F of the numbers that move, shape ``(b, d)``.
        added: what is added to the squares, shape ``(b, k)``.
    """

    moved: Array
    added: Array


class Impulses(NamedTuple):
    """Sums over the steps after one.

    Attributes:
        squared: Σ_k ‖z_k‖² of the parameters of each player, shape ``(chains, 2)``.
        moved: what the spread of the iterates adds to the squares, shape ``(chains, k)``.
        places: Σ_k ±z_k, whose covariance is that of the iterates, shape ``(chains, d)``.
        sums: Σ_k z_k, shape ``(chains, d)``.
        num_steps: how many were taken.
        tail: the share of the mean square that is left beyond them.
    """

    squared: Array
    moved: Array
    places: Array
    sums: Array
    num_steps: int
    tail: float


class Linear(NamedTuple):
    """The functions of a linear map that is known by its products. Each is compiled when asked.

    Attributes:
        rows: ``rows(squares) -> Rows`` of all batches.
        slopes: ``slopes(squares, spread, u) -> M u`` of a few batches, shape ``(few, d)``, the
            squares spread round their mean by a relative variance.
        pulled: ``pulled(squares, spread, u) -> E[M]ᵀ u``.
        impulses: ``impulses(squares, spread, starts, num_steps)``, of as many steps as it takes if
            None.
        from_place: ``from_place(squares, z) -> F`` at a place and at the one opposite, for a few
            batches, shape ``(2, few, d)``.
        decay: β of the squares.
        player: which of the numbers that move are of θ, and which of φ, shape ``(2, d)``.
    """

    rows: Callable[[Array], Rows]
    slopes: Callable[[Array, Array, Array], Array]
    pulled: Callable[[Array, Array, Array], Array]
    impulses: Callable[..., Impulses]
    from_place: Callable[[Array, Array], Array]
    decay: Array
    player: Array


def linear_of(F: NoisyMap, batches: PyTree, key: jax.Array) -> Linear:
    """Return the products of a random map at its point.

    A step near the point is x ← Mx + q, with M and q from a batch. What one q becomes is z_0 = q,
    z_k = M_k z_{k−1}, with a new batch for each. So the covariance of the iterates, which solves
    Σ = E[MΣMᵀ] + E[qqᵀ], is Σ_k E[z_k z_kᵀ]: its trace, and what it adds to second moments, are
    sums along chains.

    Args:
        F: the map.
        batches: many, stacked.
        key: for those of the chains, always the same.
    """
    moving, square = np.flatnonzero(F.moving), np.flatnonzero(F.square)
    few = jax.tree.map(lambda leaf: leaf[:NUM_FEW], batches)
    decay = _decay(F, square, few)
    base = _at_mean_memory(F, few)
    origin = base[moving]
    player = np.stack([_is_in(F, f".params.{name}")[moving] for name in Players._fields])
    signs = jax.random.normal(jax.random.key(11), (NUM_FEW, len(square)), base.dtype)
    signs = signs.at[1::2].set(-signs[::2])  # odd parts cancel

    def before_of(squares: jax.Array, spread: jax.Array, sign: jax.Array) -> jax.Array:
        width = jnp.log1p(spread)
        return squares * jnp.exp(jnp.sqrt(width) * sign - width / 2)

    def at(squares: jax.Array, batch: PyTree) -> Callable[[jax.Array], jax.Array]:
        def apply(z: jax.Array) -> jax.Array:
            return F.apply(base.at[moving].set(origin + z).at[square].set(squares), batch)

        return apply

    def rows(squares: jax.Array) -> Any:
        def one(batch: PyTree) -> Any:
            return at(squares, batch)(jnp.zeros_like(origin))

        after = jax.lax.map(one, batches, batch_size=NUM_FEW)
        return after[:, moving], after[:, square] - decay * squares

    def slope(squares: jax.Array, batch: PyTree, z: jax.Array) -> jax.Array:
        return jax.jvp(at(squares, batch), (jnp.zeros_like(z),), (z,))[1]

    def slopes(squares: jax.Array, spread: jax.Array, z: jax.Array) -> jax.Array:
        before = before_of(squares, spread, signs)
        return jax.vmap(slope, in_axes=(0, 0, None))(before, few, z)[:, moving]

    def pulled(squares: jax.Array, spread: jax.Array, u: jax.Array) -> jax.Array:
        def mean(z: jax.Array) -> jax.Array:
            return slopes(squares, spread, z).mean(axis=0)

        return jax.linear_transpose(mean, u)(u)[0]

    def block(carry: Any, first: jax.Array, squares: jax.Array, spread: jax.Array) -> Any:
        def one(carry: Any, key: jax.Array) -> Any:
            z, places, sums, moved = carry
            for_batch, for_sign, for_squares = jax.random.split(key, 3)
            sign = jax.random.rademacher(for_sign, (), z.dtype)
            noise = jax.random.normal(for_squares, squares.shape, z.dtype)
            before, batch = before_of(squares, spread, noise), F.draw(for_batch)
            if len(square):
                apply = at(before, batch)

                def along(y: jax.Array) -> jax.Array:
                    return jax.jvp(apply, (y,), (z,))[1]

                after, twice = jax.jvp(along, (jnp.zeros_like(z),), (z,))
                moved = moved + twice[square] / 2
            else:
                after = slope(squares, batch, z)
            squared = (jnp.asarray(player) * z**2).sum(axis=1)
            return (after[moving], places + sign * z, sums + z, moved), squared

        def step(carry: Any, number: jax.Array) -> Any:
            keys = jax.random.split(jax.random.fold_in(key, number), len(carry[0]))
            return jax.vmap(one)(carry, keys)

        return jax.lax.scan(step, carry, first + jnp.arange(_BLOCK))

    def opposite(squares: jax.Array, z: jax.Array) -> jax.Array:
        def one(sign: jax.Array) -> jax.Array:
            return jax.vmap(lambda batch: at(squares, batch)(sign * z)[moving])(few)

        return jax.lax.map(one, jnp.array([1.0, -1.0]))

    programs: tuple[Callable[..., Any], ...] = (rows, slopes, pulled, block, opposite)
    look, push, pull, advance, beside = map(lazily, programs)

    def impulses(
        squares: Array, spread: Array, starts: Array, num_steps: int | None = None
    ) -> Impulses:
        none = np.zeros_like(starts)
        carry = (starts, none, none, np.zeros((len(starts), len(square))))
        squared, blocks, tail = np.zeros((len(starts), 2)), [], np.inf
        for done in range(0, num_steps or LONGEST, _BLOCK):
            carry, there = advance(carry, np.asarray(done), squares, spread)
            there = np.asarray(there)
            squared = squared + there.sum(axis=0)
            blocks.append(float(there.sum()))
            tail = _tail(blocks, done + _BLOCK)
            if num_steps is None and tail <= _END:
                break
        if not tail <= 10 * _END:
            raise EndlessError(_endless(len(blocks) * _BLOCK))
        _, places, sums, moved = (np.asarray(part) for part in carry)
        return Impulses(squared, moved, places, sums, len(blocks) * _BLOCK, tail)

    return Linear(
        lambda squares: Rows(*map(np.asarray, look(squares))),
        lambda *args: np.asarray(push(*args)),
        lambda *args: np.asarray(pull(*args)),
        impulses,
        lambda *args: np.asarray(beside(*args)),
        decay,
        player,
    )


def _tail(blocks: list[float], done: int) -> float:
    """Return which share of a sum is left, if it goes on as in the last quarter of the blocks.

    Raises:
        UnsettledError: it grows, or cannot end in time: a sum of decays slows down if anything.
    """
    total, last = sum(blocks), blocks[-1]
    if total == 0:
        return 0.0
    if not last <= _GROWN * blocks[0]:
        raise UnsettledError(_endless(done))
    back = max(1, len(blocks) // 4)
    if len(blocks) <= 2 * back:
        return 0.0 if last == 0 else np.inf
    recent, before = sum(blocks[-back:]), sum(blocks[-2 * back : -back])
    ratio = (recent / before) ** (1 / back) if before > 0 else 0.0
    left = last * ratio / (1 - ratio) / total if ratio < 1 else np.inf
    if done >= _EARLY and left > _END:
        ahead = np.log(_END / left) / np.log(ratio) * _BLOCK if ratio < 1 else np.inf
        if not done + ahead <= 2 * LONGEST:
            reason = _endless(done, ratio ** (0.5 / _BLOCK))
            raise EndlessError(reason) if ratio < 1 else UnsettledError(reason)
    return left


def _endless(done: int, rate: float | None = None) -> str:
    slow = "" if rate is None else f" (it is multiplied by {rate:.5f} a step then)"
    return (
        "method must be stable at params, and what the noise of a batch does to the iterates must "
        f"end within {LONGEST} products: after {done} it has not, nor will it{slow}. Along a "
        "continuum of equilibria it never does"
    )


def _is_in(F: NoisyMap, start: str) -> Array:
    return np.array([name.startswith(start) for name in F.names])


def _decay(F: NoisyMap, square: Array, few: PyTree) -> Array:
    """Return β of each square, as `ganfield.stability._equation` does, by products.

    Raises:
        ValueError: a square is no running mean, or what stands still does so only for now.
    """
    batch = jax.tree.map(lambda leaf: leaf[0], few)
    still = np.flatnonzero(~(F.moving | F.square))

    def along(u: jax.Array) -> Any:  # under squares so large that what is added goes by none
        at = F.point.at[square].multiply(1e12)
        after, slope = jax.jvp(lambda n: F.apply(at.at[square].set(n), batch), (at[square],), (u,))
        return slope[square], after[still]

    program = lazily(along)
    decay, after = map(np.asarray, program(np.ones(len(square))))
    probe = np.random.default_rng(0).normal(size=len(square))
    off = np.abs(np.asarray(program(probe)[0]) - decay * probe)
    check_squares(F, square, off)
    check_still(F, still, after)
    return decay


def _at_mean_memory(F: NoisyMap, few: PyTree) -> jax.Array:
    """Return the point with its linear memory where it stays in the mean, if parameters do."""
    linear = np.flatnonzero(F.linear)
    if not linear.size:
        return F.point
    mean = mean_memory(F, few)

    def value_and_slope(m: jax.Array, u: jax.Array) -> Any:
        return jax.jvp(mean, (m,), (u,))

    program, here = lazily(value_and_slope), np.asarray(F.point)[linear]
    size = linear.size
    operator = scipy.sparse.linalg.LinearOperator(
        (size, size), matvec=lambda u: u - np.asarray(program(here, u)[1]), dtype=float
    )
    value = np.asarray(program(here, here)[0])
    step, failed = scipy.sparse.linalg.gmres(
        operator, value - here, rtol=1e-10, atol=1e-14, restart=60, maxiter=10
    )
    if failed or not np.isfinite(step).all():
        raise ValueError("method must have memory that settles at the point, and its does not")
    return F.point.at[linear].add(step)
