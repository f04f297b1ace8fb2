"""All methods on all toy games: the same starts, step sizes and budget for each."""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import ganfield as gf
from comparison_dynamics import Dynamics

REACHED = 1e-3  # a point counts as reached below this distance
FLOOR = 1e-10  # below this distance rounding takes over


class Zoo(NamedTuple):
    """All games of two numbers, as one game whose number is a traced value.

    Attributes:
        names: of the games.
        game: ``game(number) -> Game``.
        equilibria: the known ones of each game, shape ``(games, most, 2)``, the last repeated.
    """

    names: tuple[str, ...]
    game: Callable[[jax.Array], gf.Game]
    equilibria: np.ndarray


class Row(NamedTuple):
    """What a method did on one game, at its best step size.

    Attributes:
        step_size: the one whose runs ended nearest to an equilibrium, in the median over starts.
        at_edge: whether it is the first or the last that was tried.
        distance: that median.
        reached: the share of starts that came within 10⁻³.
        predicted: the factor per V by which the update map says that the distance shrinks, at the
            equilibrium that the median run ended nearest to; NaN where it does not say.
        measured: the same of the runs, over the second half of the budget or until rounding.
        stopped: the share of starts from which a run became infinite or NaN.
        unsolved: the share of starts from which an inner solve missed its tolerance at some step.
    """

    step_size: float
    at_edge: bool
    distance: float
    reached: float
    predicted: float
    measured: float
    stopped: float
    unsolved: float


def zoo(names: Iterable[str] = tuple(gf.games.closed_forms())) -> Zoo:
    """Return registered games, each with its default arguments."""
    games = {name: gf.GAMES[name]() for name in names}
    most = max(len(game.equilibria) for game in games.values())
    equilibria = np.stack([_padded(game.equilibria, most) for game in games.values()])

    def chosen(of: str) -> Callable[..., gf.Players]:
        parts = [getattr(game, of) for game in games.values()]
        branches = [lambda p, f=part: gf.Players(*map(jnp.asarray, f(p))) for part in parts]
        # Below jit, so that it is traced once for all its places in a step.
        return jax.jit(lambda number, params: jax.lax.switch(number, branches, params))

    losses, gradients = chosen("losses"), chosen("gradients")

    def game(number: jax.Array) -> gf.Game:
        return gf.Game(
            lambda params, batch=None: losses(number, params),
            lambda params, batch=None: gradients(number, params),
            next(iter(games.values())).init,
        )

    return Zoo(tuple(games), game, equilibria)


def _padded(points: tuple[gf.Players, ...], count: int) -> np.ndarray:
    known = np.array([[float(x) for x in point] for point in points])
    return known[np.minimum(np.arange(count), len(known) - 1)]


def compare(
    what: Dynamics,
    games: Zoo,
    step_sizes: np.ndarray,
    starts: np.ndarray,
    budget: int,
    cost: float,
    predictable: bool = True,
) -> tuple[dict[str, Row], float]:
    """Return what a method does on every game, and seconds per run and step, compiled once.

    Args:
        what: the method.
        games: from `zoo`.
        step_sizes: those to choose from, the same for every method.
        starts: shape ``(starts, 2)``, relative to the game's first equilibrium.
        budget: V of a run.
        cost: of a step.
        predictable: whether the update map says how fast it converges.
    """
    cycle = what(games.game(jnp.zeros((), int)), optax.sgd, 0.1)[0].cycle
    num_steps = steps_within(budget, cost, 2 * cycle)

    def run(game: jax.Array, step_size: jax.Array, start: jax.Array) -> gf.stability.Approach:
        method, field = what(games.game(game), optax.sgd, step_size)
        known = jnp.asarray(games.equilibria)[game]
        place = gf.Players(*(known[0] + start))
        return gf.stability.approach(method, field, place, known, num_steps=num_steps, floor=FLOOR)

    def predict(game: jax.Array, step_size: jax.Array, point: jax.Array) -> jax.Array:
        method, field = what(games.game(game), optax.sgd, step_size)
        begin = method.init(gf.Players(point[0], point[1]))
        # Past a first step that differs from later ones: at rest, where the field is 0.
        state = jax.lax.fori_loop(0, cycle, lambda _, s: method.step(_rest, s, None)[0], begin)
        F = gf.update_map(method, field, state)
        return jnp.abs(jnp.linalg.eigvals(F.jacobian(F.point))).max() ** (1 / cycle)

    # Game after game, so that a step is a step of one game and not of all.
    @jax.jit
    def runs(sizes: jax.Array, starts: jax.Array) -> Any:
        each = jax.vmap(jax.vmap(run, in_axes=(None, None, 0)), in_axes=(None, 0, None))
        return jax.lax.map(lambda game: each(game, sizes, starts), jnp.arange(len(games.names)))

    @jax.jit
    def radii(sizes: jax.Array, points: jax.Array) -> jax.Array:
        each = jax.vmap(jax.vmap(predict, in_axes=(None, None, 0)), in_axes=(None, 0, None))
        return jax.lax.map(lambda of: each(of[0], sizes, of[1]), (jnp.arange(len(points)), points))

    program = runs.lower(jnp.asarray(step_sizes), jnp.asarray(starts)).compile()
    began = time.perf_counter()
    approaches = jax.block_until_ready(program(jnp.asarray(step_sizes), jnp.asarray(starts)))
    taken = num_steps * len(games.names) * len(step_sizes) * len(starts)
    seconds = (time.perf_counter() - began) / taken
    predicted = np.full((len(games.names), len(step_sizes), games.equilibria.shape[1]), np.nan)
    if predictable:
        predicted = np.asarray(radii(jnp.asarray(step_sizes), jnp.asarray(games.equilibria)))
    every = jax.tree.map(np.asarray, approaches)
    rows = {
        name: _best(
            np.asarray(step_sizes),
            jax.tree.map(lambda part, i=i: part[i], every),
            predicted[i],
            num_steps,
            cost,
        )
        for i, name in enumerate(games.names)
    }
    return rows, seconds


def _rest(params: gf.Players, batch: Any = None) -> gf.Players:
    del batch
    return jax.tree.map(jnp.zeros_like, params)


def steps_within(budget: int, cost: float, multiple: int) -> int:
    """Return how many steps of such a cost a budget allows, a multiple of a number and not 0."""
    return max(int(budget / cost) // multiple, 1) * multiple


def _best(
    step_sizes: np.ndarray,
    runs: gf.stability.Approach,
    radii: np.ndarray,
    num_steps: int,
    cost: float,
) -> Row:
    """Return the row of the best step size.

    Args:
        step_sizes: shape ``(sizes,)``.
        runs: distances, ``(sizes, starts, equilibria)``, and unsolved steps, ``(sizes, starts)``.
        radii: of the update map, shape ``(sizes, equilibria)``.
        num_steps: of a run.
        cost: of a step.
    """
    far = np.where(np.isfinite(runs.end), runs.end, np.inf)
    nearest = far.argmin(axis=-1)[..., None]
    gap = np.take_along_axis(far, nearest, axis=-1)[..., 0]
    median = np.sort(gap, axis=1)[:, gap.shape[1] // 2]
    # Among step sizes that end below the floor the fastest counts.
    last = np.sort(np.take_along_axis(runs.above, nearest, axis=-1)[..., 0], axis=1)
    order = np.lexsort((last[:, gap.shape[1] // 2], np.maximum(median, FLOOR)))
    best = int(order[0])
    approach = gf.stability.Approach(*(part[best] for part in runs))
    factor = gf.stability.observed_rate(approach, num_steps=num_steps, floor=FLOOR).rate
    factor = np.take_along_axis(factor, nearest[best], axis=-1)[:, 0]
    typical = int(np.argsort(gap[best], kind="stable")[gap.shape[1] // 2])
    return Row(
        float(step_sizes[best]),
        best in (0, len(step_sizes) - 1),
        float(median[best]),
        float(np.mean(gap[best] < REACHED)),
        float(radii[best, nearest[best, typical, 0]] ** (1 / cost)),
        float(factor[typical] ** (1 / cost)),
        float(np.mean(~np.isfinite(runs.end[best]).all(axis=-1))),
        float(np.mean(runs.unsolved[best] > 0)),
    )
