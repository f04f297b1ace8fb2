"""What minibatches make of a method's state, as the functions of an equation for its moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count, check_not_empty
from ganfield.field import check_field
from ganfield.methods import Method, check_is_method
from ganfield.spectra import jacobian_at
from ganfield.stability._noisy_map import NoisyMap, noisy_map
from ganfield.stability._remembered import check_squares, check_still, mean_memory

GROUPS = 8  # of batches, whose answers differ by what chance does
_NUMBERS = 2**25  # of all slopes together
_MOST = 2**14  # batches
LARGEST = 1000  # numbers that move, whose covariance is a matrix
_MANY = 4096  # batches, of more numbers than that
_LARGE = 1e12  # times the squares that there are
_FEW = 64  # batches that tell what memory is
Array: TypeAlias = np.ndarray


class Steps(NamedTuple):
    """What some batches make of a state: one row for each of them.

    Attributes:
        moved: F of the numbers that move, shape ``(b, d)``.
        slopes: its derivatives in them, M, shape ``(b, d, d)``.
        added: what is added to the squares, F − βn, shape ``(b, k)``.
    """

    moved: Array
    slopes: Array
    added: Array


class Equation(NamedTuple):
    """The functions of one equation. Each is compiled when it is first asked.

    Attributes:
        steps: ``steps(squares, spread) -> Steps`` of all batches, with the squares spread round
            their mean by a relative variance.
        from_spread: ``from_spread(squares, root) -> ½ Σ_k D²(F − βn)[L_k, L_k]``, what the spread
            of the iterates, of covariance LLᵀ, adds to the squares; the mean over batches.
        from_places: ``from_places(squares, z) -> F`` of the numbers that move, batch by batch from
            places beside the point, ``z`` of shape ``(b, d)``.
        decay: β, by which one map multiplies each square, shape ``(k,)``.
        names: of the squares, for messages.
    """

    steps: Callable[[Array, Array], Steps]
    from_spread: Callable[[Array, Array], Array]
    from_places: Callable[[Array, Array], Array]
    decay: Array
    names: tuple[str, ...]


def drawn(
    method: Method,
    field: Field,
    params: Players,
    sample: Callable[[jax.Array], PyTree],
    num_batches: int | None,
    key: jax.Array,
    *,
    largest: int | None = LARGEST,
) -> tuple[NoisyMap, PyTree]:
    """Return the random map at a point, and batches for many of it, stacked.

    More than ``largest`` numbers that move are refused; None for as many as there are.

    Raises:
        ValueError: an argument is not allowed, as in `ganfield.noise_floor`.
    """
    check_is_method(method)
    if not callable(sample):
        raise ValueError(
            f"sample must be a function of a key that returns a batch, got {type(sample).__name__}"
        )
    first, second = jax.random.split(key)
    check_not_empty(params, argument="params")
    at, batch = double(params, integers=True), jax.eval_shape(sample, first)
    check_field(field, at, batch)
    F = noisy_map(method, field, at, sample, first)
    size = int(F.moving.sum())
    if largest is not None and size > largest:
        raise ValueError(
            f"params must be few enough for a matrix of their covariance: {size} numbers move, "
            f"and {largest} are the most"
        )
    width = _width(F, batch)
    most = _NUMBERS // width if size <= LARGEST else min(_MANY, _NUMBERS * size // width)
    count = _count(num_batches, most)
    keys = jax.random.split(second, count)
    return F, compiled(jax.vmap(F.draw), keys, name="draw")(keys)


def _width(F: NoisyMap, batch: PyTree) -> int:
    """Return about how many numbers the slopes under a batch take to compute."""
    size = int(F.moving.sum())
    return size * max(size, sum(leaf.size for leaf in jax.tree.leaves(batch)))


def _count(num_batches: int | None, most: int) -> int:
    if num_batches is None:
        return int(np.clip(most // GROUPS * GROUPS, 64, _MOST))
    count = check_count(num_batches, argument="num_batches", minimum=GROUPS)
    if count % GROUPS:
        raise ValueError(f"num_batches must be a multiple of {GROUPS}, got {num_batches}")
    return count


def equation_of(F: NoisyMap, batches: PyTree) -> Equation:
    """Return the equation of a random map's moments over given batches.

    Args:
        F: the map.
        batches: of `drawn`.
    """
    moving, square = np.flatnonzero(F.moving), np.flatnonzero(F.square)
    count = jax.tree.leaves(batches)[0].shape[0]
    one_batch = jax.eval_shape(lambda rows: jax.tree.map(lambda row: row[0], rows), batches)
    chunk_size = max(1, min(count, _NUMBERS // 8 // _width(F, one_batch)))
    signs = jax.random.normal(jax.random.key(11), (count, len(square)), F.point.dtype)
    signs = signs.at[1::2].set(-signs[: count // 2 * 2 : 2])  # odd parts cancel
    some = jax.tree.map(lambda leaf: leaf[:_FEW], batches)
    decay = _decay(F, square, some)
    base = _at_mean_memory(F, some)

    def whole(z: jax.Array, squares: jax.Array) -> jax.Array:
        return base.at[moving].set(z).at[square].set(squares)

    origin = base[moving]

    def over(function: Callable[[Any], Any], rows: Any) -> Any:
        if chunk_size >= count:
            return jax.vmap(function)(rows)
        return jax.lax.map(function, rows, batch_size=chunk_size)

    def before_of(squares: jax.Array, spread: jax.Array) -> jax.Array:
        width = jnp.log1p(spread)
        return squares * jnp.exp(jnp.sqrt(width) * signs - width / 2)

    def steps(squares: jax.Array, spread: jax.Array) -> Any:
        before = before_of(squares, spread)

        def one(args: tuple[PyTree, jax.Array]) -> Any:
            batch, own = args

            def move(z: jax.Array) -> jax.Array:
                return F.apply(whole(z, own), batch)

            return move(origin), jacobian_at(move, origin)[moving]

        after, slopes = over(one, (batches, before))
        return after[:, moving], slopes, after[:, square] - decay * before

    def from_spread(squares: jax.Array, root: jax.Array) -> jax.Array:
        def one(batch: PyTree) -> jax.Array:
            def added(z: jax.Array) -> jax.Array:
                return F.apply(whole(z, squares), batch)[square]

            def twice(u: jax.Array) -> jax.Array:
                def once(z: jax.Array) -> jax.Array:
                    return jax.jvp(added, (z,), (u,))[1]

                return jax.jvp(once, (origin,), (u,))[1]

            return jax.vmap(twice)(root.T).sum(axis=0) / 2

        return over(one, batches).mean(axis=0)

    def from_places(squares: jax.Array, places: jax.Array) -> jax.Array:
        def one(args: tuple[PyTree, jax.Array]) -> jax.Array:
            batch, z = args
            return F.apply(whole(origin + z, squares), batch)[moving]

        return over(one, (batches, places))

    names = tuple(F.names[index] for index in square)
    look, spread_out, at_places = map(lazily, (steps, from_spread, from_places))
    return Equation(
        lambda squares, spread: Steps(*map(np.asarray, look(squares, spread))),
        lambda squares, root: np.asarray(spread_out(squares, root)) if names else squares,
        lambda squares, z: np.asarray(at_places(squares, z)),
        decay,
        names,
    )


def lazily(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of arrays that is compiled when it is first called."""
    programs: list[Callable[..., Any]] = []

    def call(*args: Array) -> Any:
        if not programs:
            programs.append(compiled(function, *args, name=function.__name__))
        return programs[0](*args)

    return call


def _decay(F: NoisyMap, square: Array, some: PyTree) -> Array:
    """Return β, by which each square is multiplied in a step before anything is added to it.

    Raises:
        ValueError: a square is no running mean, or what stands still does so only for now.
    """

    def slopes(share: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = F.point.at[square].multiply(share)

        def under(batch: PyTree) -> tuple[jax.Array, jax.Array]:
            def step(n: jax.Array) -> jax.Array:
                return F.apply(at.at[square].set(n), batch)

            return jacobian_at(step, at[square])[square], step(at[square])

        return jax.vmap(under)(some)

    # Under squares so large steps are none, and what is added does not depend on them.
    rows, after = jax.device_get(lazily(slopes)(jnp.asarray(_LARGE)))
    decay = rows[0].diagonal().copy()
    off = np.abs(rows - np.diag(decay)).max(axis=(0, 2), initial=0.0)
    check_squares(F, square, off)
    still = np.flatnonzero(~(F.moving | F.square))
    for each in after:
        check_still(F, still, each[still])
    return decay


def _at_mean_memory(F: NoisyMap, some: PyTree) -> jax.Array:
    """Return the point with its linear memory where it stays if the parameters do."""
    linear = np.flatnonzero(F.linear)
    if not linear.size:
        return F.point
    mean = mean_memory(F, some)

    def value_and_slopes(m: jax.Array) -> tuple[jax.Array, jax.Array]:
        return mean(m), jacobian_at(mean, m)

    here = F.point[linear]
    value, slopes = map(np.asarray, lazily(value_and_slopes)(here))
    if not np.isfinite(slopes).all():
        raise ValueError("method must have a derivative at the point, and its is not finite")
    step = np.linalg.lstsq(np.eye(linear.size) - slopes, value - np.asarray(here), rcond=None)[0]
    return F.point.at[linear].add(step)
