"""All methods on all toy games: the same starts, step sizes and budget for each."""

import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from comparison_dynamics import Dynamics

import ganfield as gf

REACHED = 1e-3  # a point counts as reached below this distance
FLOOR = 1e-10  # below this distance rounding takes over


class Zoo(NamedTuple):
    """All games of two numbers, as one game whose number is a traced value.

    Attributes:
        names: of the games.
        field: ``field(game) -> v`` for the game's number.
        equilibria: the known ones of each game, shape ``(games, most, 2)``, the last repeated.
    """

    names: tuple[str, ...]
    field: Any
    equilibria: np.ndarray


class Row(NamedTuple):
    """What a method did on one game, at its best step size.

    Attributes:
        step_size: the one whose runs ended nearest to an equilibrium, in the median over starts.
        distance: that median.
        reached: the share of starts that came within 10⁻³.
        predicted: the factor per gradient evaluation by which the update map says that the distance
            shrinks, at the equilibrium that the median run ended nearest to.
        measured: the same of the runs, over the second half of the budget or until rounding.
    """

    step_size: float
    distance: float
    reached: float
    predicted: float
    measured: float


def zoo() -> Zoo:
    """Return the registered games, each with its default arguments."""
    games = {name: build() for name, build in gf.GAMES.items()}
    fields = [gf.vector_field(game) for game in games.values()]
    most = max(len(game.equilibria) for game in games.values())
    equilibria = np.stack([_padded(game.equilibria, most) for game in games.values()])

    def field(number: jax.Array) -> gf.Field:
        def v(params: gf.Players, batch: Any = None) -> gf.Players:
            branches = [lambda p, f=f: gf.Players(*map(jnp.asarray, f(p))) for f in fields]
            return jax.lax.switch(number, branches, params)

        return v

    return Zoo(tuple(games), field, equilibria)


def _padded(points: tuple[gf.Players, ...], count: int) -> np.ndarray:
    known = np.array([[float(x) for x in point] for point in points])
    return known[np.minimum(np.arange(count), len(known) - 1)]


def compare(
    what: Dynamics,
    games: Zoo,
    step_sizes: np.ndarray,
    starts: np.ndarray,
    budget: int,
    iterations: int,
) -> tuple[dict[str, Row], float]:
    """Return what a method does on every game, and seconds per run and step, compiled once.

    Args:
        what: the method.
        games: from `zoo`.
        step_sizes: those to choose from, the same for every method.
        starts: shape ``(starts, 2)``, relative to the game's first equilibrium.
        budget: gradient evaluations of a run.
        iterations: how many an inner solve takes on two numbers.
    """
    cost = what.cost_with(iterations)
    half = budget // cost // 2

    def built(game: jax.Array, step_size: jax.Array) -> tuple[gf.Method, gf.Field]:
        return what.build(games.field(game), optax.sgd, step_size)

    def run(game: jax.Array, step_size: jax.Array, start: jax.Array) -> tuple[Any, ...]:
        method, field = built(game, step_size)
        known = jnp.asarray(games.equilibria)[game]

        def gaps(state: gf.State) -> jax.Array:
            return jnp.linalg.norm(jnp.stack(state.params) - known, axis=-1)

        def body(carry: Any, _: None) -> tuple[Any, None]:
            state, above = carry
            state = method.step(field, state, None)[0]
            return (state, above + (gaps(state) > FLOOR)), None

        place = known[0] + start
        begin = (method.init(gf.Players(place[0], place[1])), jnp.zeros(len(known), int))
        middle, _ = jax.lax.scan(body, begin, None, length=half)
        end, _ = jax.lax.scan(body, middle, None, length=half)
        return gaps(begin[0]), gaps(middle[0]), gaps(end[0]), end[1]

    def predict(game: jax.Array, step_size: jax.Array, point: jax.Array) -> jax.Array:
        method, field = built(game, step_size)
        begin = method.init(gf.Players(point[0], point[1]))
        state = begin
        for _ in range(method.cycle):  # past a first step that differs from later ones
            state, _ = method.step(field, state, None)
        state = state._replace(params=begin.params)
        F = gf.update_map(method, field, state)
        return jnp.abs(jnp.linalg.eigvals(F.jacobian(F.point))).max() ** (1 / method.cycle)

    def on_grid(function: Any, of_game: int | None) -> Any:
        inner = jax.vmap(function, in_axes=(None, None, 0))
        inner = jax.vmap(inner, in_axes=(None, 0, None))
        return jax.jit(jax.vmap(inner, in_axes=(0, None, of_game)))

    numbers, sizes = jnp.arange(len(games.names)), jnp.asarray(step_sizes)
    program = on_grid(run, None).lower(numbers, sizes, jnp.asarray(starts)).compile()
    began = time.perf_counter()
    found = jax.block_until_ready(program(numbers, sizes, jnp.asarray(starts)))
    steps = 2 * half * len(games.names) * len(step_sizes) * len(starts)
    seconds = (time.perf_counter() - began) / steps
    radii = np.asarray(on_grid(predict, 0)(numbers, sizes, jnp.asarray(games.equilibria)))
    runs = [np.asarray(part) for part in found]
    rows = {
        name: _best(np.asarray(step_sizes), [part[i] for part in runs], radii[i], half, cost)
        for i, name in enumerate(games.names)
    }
    return rows, seconds


def _best(
    step_sizes: np.ndarray, runs: list[np.ndarray], radii: np.ndarray, half: int, cost: int
) -> Row:
    """Return the row of the best step size.

    Args:
        step_sizes: shape ``(sizes,)``.
        runs: distances from each equilibrium at the start, half-way and at the end, and after how
            many steps they were last above the floor, each ``(sizes, starts, equilibria)``.
        radii: of the update map, shape ``(sizes, equilibria)``.
        half: steps of half a run.
        cost: of a step.
    """
    first, middle, end, above = runs
    far = np.where(np.isfinite(end), end, np.inf)
    nearest = far.argmin(axis=-1)[..., None]
    gap = np.take_along_axis(far, nearest, axis=-1)[..., 0]
    middle_of_runs = np.sort(gap, axis=1)[:, gap.shape[1] // 2]
    # Among step sizes that end below the floor the fastest counts.
    last = np.sort(np.take_along_axis(above, nearest, axis=-1)[..., 0], axis=1)
    order = np.lexsort((last[:, gap.shape[1] // 2], np.maximum(middle_of_runs, FLOOR)))
    best = int(order[0])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        over_half = (end[best] / middle[best]) ** (1 / half)
        to_floor = (FLOOR / first[best]) ** (1 / np.maximum(above[best], 1))
    factor = np.where(above[best] < 2 * half, to_floor, over_half)
    factor = np.take_along_axis(factor, nearest[best], axis=-1)[:, 0]
    typical = int(np.argsort(gap[best], kind="stable")[gap.shape[1] // 2])
    return Row(
        float(step_sizes[best]),
        float(middle_of_runs[best]),
        float(np.mean(gap[best] < REACHED)),
        float(radii[best, nearest[best, typical, 0]] ** (1 / cost)),
        float(factor[typical] ** (1 / cost)),
    )
