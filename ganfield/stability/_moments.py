"""Second moments of the iterates and of the memory of squares, as they settle under noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from scipy import optimize
from scipy.linalg import solve_discrete_lyapunov

from ganfield._compiled import compiled
from ganfield._tree import double
from ganfield._types import Field, Players, PyTree
from ganfield.checks import check_count
from ganfield.field import check_field
from ganfield.methods import Method, check_is_method
from ganfield.stability._noisy_map import NoisyMap, noisy_map

GROUPS = 8  # of batches, whose answers differ by what chance does
_NUMBERS = 2**25  # of all slopes together
_MOST = 2**14  # batches
_LARGEST = 1000  # numbers that move, whose covariance is a matrix
_SLOWEST = 1e-6  # 1 − β: what forgets more slowly (Adafactor in the limit) never settles
_STABLE = 1 - 1e-9
_TOLERANCE = 1e-7  # of the equation of the squares, relative
_LARGE = 1e12  # times the squares that there are
_FEW = 64  # batches that tell what memory is
_SWEEPS = 200  # of the equation of Σ under a noisy Jacobian
_LARGEST_DIRECT = 100  # squares of which a Jacobian is made by differences
Array: TypeAlias = np.ndarray


class Look(NamedTuple):
    """What some batches make of a state: one row for each of them.

    Attributes:
        moved: F of the numbers that move, shape ``(b, d)``.
        slopes: its derivatives in them, M, shape ``(b, d, d)``.
        added: what is added to the squares, F − βn, shape ``(b, k)``.
    """

    moved: Array
    slopes: Array
    added: Array


class Settled(NamedTuple):
    """Where a method settles around a point.

    Attributes:
        squares: the stationary mean of the memory of squares, shape ``(k,)``.
        spread: their relative variance by the noise of batches, shape ``(k,)``.
        slow: that by the motion of the iterates, shape ``(k,)``.
        covariance: Σ, of the numbers that move, shape ``(d, d)``.
        look: what the batches make of that state, the squares at their mean.
        residual: of the equation of the squares, relative.
    """

    squares: Array
    spread: Array
    slow: Array
    covariance: Array
    look: Look
    residual: float


class UnsettledError(ValueError):
    """There is no stationary state at such squares."""


class Closure(NamedTuple):
    """The functions of one equation.

    Attributes:
        look: ``look(squares, spread) -> Look`` over all batches.
        bent: ``bent(squares, root of Σ) -> ½ Σ_k D²(F − βn)[L_k, L_k]``, the mean over batches.
        from_places: ``from_places(squares, z) -> F`` of the numbers that move, batch by batch from
            places beside the point, ``z`` of shape ``(b, d)``.
        decay: β, by which one map multiplies each square, shape ``(k,)``.
    """

    look: Callable[[Array, Array], Look]
    bent: Callable[[Array, Array], Array]
    from_places: Callable[[Array, Array], Array]
    decay: Array


def equation_at(
    method: Method,
    field: Field,
    params: Players,
    sample: Callable[[jax.Array], PyTree],
    num_batches: int | None,
    key: jax.Array,
) -> tuple[NoisyMap, Closure]:
    """Return the random map at a point, and the equation of its moments over drawn batches.

    Raises:
        ValueError: an argument is not allowed, as in `ganfield.noise_floor`.
    """
    check_is_method(method)
    if not callable(sample):
        raise ValueError(
            f"sample must be a function of a key that returns a batch, got {type(sample).__name__}"
        )
    first, second = jax.random.split(key)
    at, batch = double(params, integers=True), jax.eval_shape(sample, first)
    check_field(field, at, batch)
    F = noisy_map(method, field, at, sample, first)
    size = int(F.moving.sum())
    if size > _LARGEST:
        raise ValueError(
            f"params must be few enough for a matrix of their covariance: {size} numbers move, "
            f"and {_LARGEST} are the most"
        )
    wide = size * max(size, sum(leaf.size for leaf in jax.tree.leaves(batch)))
    count = _count(num_batches, _NUMBERS // wide)
    keys = jax.random.split(second, count)
    batches = compiled(jax.vmap(F.draw), keys, name="draw")(keys)
    return F, closure(F, batches, count, max(1, min(count, _NUMBERS // 8 // wide)))


def _count(num_batches: int | None, most: int) -> int:
    if num_batches is None:
        return int(np.clip(most // GROUPS * GROUPS, 64, _MOST))
    count = check_count(num_batches, argument="num_batches", minimum=GROUPS)
    if count % GROUPS:
        raise ValueError(f"num_batches must be a multiple of {GROUPS}, got {num_batches}")
    return count


def closure(F: NoisyMap, batches: PyTree, count: int, chunk_size: int) -> Closure:
    """Return the equation of a random map's moments over given batches.

    Args:
        F: the map.
        batches: those of many F, stacked along a first axis.
        count: how many.
        chunk_size: how many batches at once.
    """
    moving, square = np.flatnonzero(F.moving), np.flatnonzero(F.square)
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

    def look(squares: jax.Array, spread: jax.Array) -> Any:
        before = before_of(squares, spread)

        def one(args: tuple[PyTree, jax.Array]) -> Any:
            batch, own = args

            def move(z: jax.Array) -> jax.Array:
                return F.apply(whole(z, own), batch)

            return move(origin), _jacobian(move, origin)[moving]

        after, slopes = over(one, (batches, before))
        return after[:, moving], slopes, after[:, square] - decay * before_of(squares, spread)

    def bent(squares: jax.Array, root: jax.Array) -> jax.Array:
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

    numbers, matrix = F.point[square], jnp.zeros((len(moving), len(moving)))
    looks = _ready(look, numbers, numbers)
    bends = _ready(bent, numbers, matrix) if len(square) else None
    places = _ready(from_places, numbers, jnp.zeros((count, len(moving))))
    return Closure(
        lambda squares, spread: Look(*map(np.asarray, looks(squares, spread))),
        lambda squares, root: np.asarray(bends(squares, root)) if bends else squares,
        lambda squares, z: np.asarray(places(squares, z)),
        decay,
    )


def _jacobian(function: Callable[[jax.Array], jax.Array], at: jax.Array) -> jax.Array:
    """Return the derivative, shape ``(outputs, inputs)``.

    Not by `jax.jacfwd`, which takes the value to be one for all tangents: a loop of an inner solve
    may carry both together.
    """

    def slope(u: jax.Array) -> jax.Array:
        return jax.jvp(function, (at,), (u,))[1]

    return jax.vmap(slope, out_axes=1)(jnp.eye(at.size, dtype=at.dtype))


def _ready(function: Callable[..., Any], *args: jax.Array) -> Callable[..., Any]:
    return compiled(function, *args, name="moments")


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

            return _jacobian(step, at[square])[square], step(at[square])

        return jax.vmap(under)(some)

    # Under squares so large steps are none, and what is added does not depend on them.
    rows, after = jax.device_get(_ready(slopes, jnp.asarray(1.0))(jnp.asarray(_LARGE)))
    decay = rows[0].diagonal().copy()
    off = np.abs(rows - np.diag(decay)).max(axis=(0, 2), initial=0.0)
    if not (off <= 1e-6).all():
        raise ValueError(
            "method must keep running means of squares, n ← βn + …, and "
            f"state{F.names[square[int(np.argmax(~(off <= 1e-6)))]]} is none"
        )
    still = ~(F.moving | F.square)
    moved = still & (after != np.asarray(F.point)).any(axis=0)
    if moved.any():
        raise ValueError(
            f"method has no stationary state: state{F.names[int(np.argmax(moved))]} keeps the "
            "largest there ever was, as AMSGrad's maximum does"
        )
    return decay


def _at_mean_memory(F: NoisyMap, some: PyTree) -> jax.Array:
    """Return the point with its linear memory where it stays if the parameters do."""
    linear = np.flatnonzero(F.linear)
    if not linear.size:
        return F.point

    none = jax.tree.map(jnp.zeros_like, F.unravel(F.point).params)

    def mean(m: jax.Array) -> jax.Array:
        def both(batch: PyTree) -> jax.Array:  # the noise and the same turned round
            at = F.point.at[linear].set(m)
            turned = F.apply(at, batch, jnp.asarray(-1.0), none)
            return (F.apply(at, batch) + turned)[linear] / 2

        return jax.vmap(both)(some).mean(axis=0)

    here = F.point[linear]
    value, slopes = map(np.asarray, _ready(lambda m: (mean(m), _jacobian(mean, m)), here)(here))
    if not np.isfinite(slopes).all():
        raise ValueError("method must have a derivative at the point, and its is not finite")
    step = np.linalg.lstsq(np.eye(linear.size) - slopes, value - np.asarray(here), rcond=None)[0]
    return F.point.at[linear].add(step)


def covariance_of(look: Look) -> tuple[Array, Array]:
    """Return Σ = E[MΣMᵀ] + Q, the stationary covariance of x ← Mx + noise, and A = E[M].

    Raises:
        UnsettledError: there is none: the mean of the motion, or its mean square, grows.
    """
    mean = look.slopes.mean(axis=0)
    if not (np.isfinite(mean).all() and np.isfinite(look.moved).all()):
        raise UnsettledError("the step is not finite at the point")
    if np.abs(np.linalg.eigvals(mean)).max() >= _STABLE:
        raise UnsettledError("the mean of the iterates leaves the point")
    noise = look.moved - look.moved.mean(axis=0)
    pushed = noise.T @ noise / len(noise)
    apart = look.slopes - mean
    covariance = solve_discrete_lyapunov(mean, pushed)
    if not (np.abs(apart) > 1e-12 * np.abs(mean).max()).any():
        return _symmetric(covariance), mean
    for _ in range(_SWEEPS):
        if not np.isfinite(covariance).all():
            break
        more = np.einsum("bij,jk,blk->il", apart, covariance, apart, optimize=True) / len(apart)
        after = solve_discrete_lyapunov(mean, pushed + more)
        change = np.abs(after - covariance).max()
        covariance = after
        if change <= 1e-10 * np.abs(after).max():
            return _symmetric(covariance), mean
    raise UnsettledError("the mean square distance from the point grows without end")


def settle(equation: Closure, names: list[str]) -> Settled:
    """Solve n = E[F_n] for the squares, with Σ from its own equation at each n.

    Args:
        equation: of `closure`.
        names: of the squares, for messages.

    Raises:
        UnsettledError: no squares solve it, or nothing settles.
        ValueError: squares that nothing moves, or that only grow.
    """
    decay = equation.decay
    if not len(decay):
        look = equation.look(decay, decay)
        return Settled(decay, decay, decay, covariance_of(look)[0], look, 0.0)
    grows = ~((decay > 0) & (decay < 1 - _SLOWEST))
    if grows.any():
        raise ValueError(
            f"method has no stationary state: state{names[int(np.argmax(grows))]} forgets nothing. "
            "Sums, as AdaGrad's, grow as long as the run goes on, Adafactor's means take in ever "
            "more steps, and Yogi's moments go by a sign"
        )

    def residual(logarithms: Array) -> Array:
        return np.log(_aim(equation, np.exp(logarithms))[0]) - logarithms

    logarithms = _begin(equation, names)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        logarithms = _damped(residual, logarithms)
        method = "hybr" if len(decay) <= _LARGEST_DIRECT else "krylov"
        solution = optimize.root(_guarded(residual), logarithms, method=method, tol=1e-9)
        logarithms = solution.x
        left = float(np.abs(_guarded(residual)(logarithms)).max())
    if not left <= _TOLERANCE:
        raise UnsettledError(
            "no second moments are consistent with the spread that they leave: the residual is "
            f"{left:.2g}"
        )
    squares = np.exp(logarithms)
    _, spread, slow, covariance, look = _aim(equation, squares)
    return Settled(squares, spread, slow, covariance, look, left)


def _aim(equation: Closure, squares: Array) -> tuple[Array, Array, Array, Array, Look]:
    """Return where squares go that are held at such values, and what else is known there."""
    decay = equation.decay
    look = equation.look(squares, np.zeros_like(squares))
    covariance, mean = covariance_of(look)
    moved = equation.bent(squares, root_of(covariance))
    spread, slow = _spread(decay, look.added, moved, mean)
    return (look.added.mean(axis=0) + moved) / (1 - decay), spread, slow, covariance, look


def _spread(decay: Array, added: Array, moved: Array, mean: Array) -> tuple[Array, Array]:
    """Return the relative variance of squares, averages of g² over some 1/(1 − β) steps.

    g is the noise of the batch, new at every step, and J times the distance, Gaussian and as slow
    as the motion: with the rate ρ its square is correlated over steps by ρ², ρ⁴ …
    """
    total = np.maximum(added.mean(axis=0) + moved, np.finfo(float).tiny)
    share = np.clip(moved / total, 0, 1)
    white = added.var(axis=0) / total**2 + 4 * share * (1 - share)
    kept = decay * min(float(np.abs(np.linalg.eigvals(mean)).max()), 1.0) ** 2
    slow = 2 * share**2 * (1 + kept) / (1 - kept)
    taken = (1 - decay) / (1 + decay)
    return taken * white, taken * slow


def _begin(equation: Closure, names: list[str]) -> Array:
    """Return logarithms of squares to begin with: those of the noise, large enough to settle."""
    decay = equation.decay
    some = np.ones_like(decay)
    squares = equation.look(some, np.zeros_like(some)).added.mean(axis=0) / (1 - decay)
    if not (squares > 0).any():
        raise ValueError(
            f"sample must bring noise where the method divides by it: state{names[0]} and all "
            "other squares are 0 at the point. Without noise they decay until the steps grow "
            "unstable, so there is no stationary state"
        )
    typical = np.exp(np.log(squares[squares > 0]).mean())
    squares = np.maximum(squares, 1e-3 * typical)
    for _ in range(60):
        try:
            _aim(equation, squares)
            return np.log(squares)
        except UnsettledError as error:
            reason = error
            squares = 4 * squares
    raise reason


def _damped(residual: Callable[[Array], Array], logarithms: Array) -> Array:
    """Return logarithms nearer to the solution, never where nothing settles."""
    step = residual(logarithms) / 2
    for _ in range(40):
        if np.abs(step).max() < 0.1:
            break
        try:
            after = residual(logarithms + np.clip(step, -1, 1)) / 2
        except UnsettledError:
            step = np.clip(step, -1, 1) / 2
            continue
        logarithms, step = logarithms + np.clip(step, -1, 1), after
    return logarithms


def _guarded(residual: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return a residual that says "larger" where nothing settles, as a solver can use."""

    def safe(logarithms: Array) -> Array:
        try:
            return residual(logarithms)
        except UnsettledError:
            return np.full(len(logarithms), 3.0)

    return safe


def root_of(covariance: Array) -> Array:
    """Return L with LLᵀ = Σ."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0))


def _symmetric(matrix: Array) -> Array:
    return (matrix + matrix.T) / 2
