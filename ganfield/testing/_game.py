"""Is a game's field the field of its losses, and J its Jacobian?"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ganfield._tree import add_scaled, double
from ganfield._types import Players
from ganfield.checks import as_params
from ganfield.field import check_field, jvp, vector_field
from ganfield.games import Game
from ganfield.testing._looks import Finding, blame

_NAMES = ("theta", "phi")
_STEP = 1e-6  # of differences in float64: as much rounding as curvature
_NOT_FINITE = "the losses, the field or its Jacobian are NaN or infinite at these params and batch"


class _Look(NamedTuple):
    """What one look along a direction of one player shows.

    Attributes:
        slopes: of both losses, by differences forwards and backwards, shape ``(2,)`` each.
        along: −⟨v, direction⟩ of each player.
        blocks: for each part of v the norms of J·direction, of the change of v, of their
            difference, and of the difference between the changes forwards and backwards.
    """

    slopes: Players
    along: Players
    blocks: Players


def check_game(
    game: Game,
    params: Players,
    batch: Any = None,
    *,
    key: jax.Array | None = None,
    num_directions: int = 2,
    tolerance: float = 1e-3,
) -> None:
    """Raise a ``ValueError`` unless a game's derivatives are those of its losses.

    Along random directions it compares, by central finite differences in float64,

    - each player's field with the slope of its own loss, and
    - each block of J = v′, by Jacobian–vector products, with the change of v.

    The second finds what the first cannot: with a ``stop_gradient`` on the fakes in the
    discriminator's loss v is right, but the block ∂v_φ/∂θ is cut out of J, and with it out of the
    consensus field and of every spectrum. It costs a few evaluations of v; call it before a run.

    A ReLU's kink between the points of a difference makes it wrong, and a right game must not be
    blamed for that. It shows: the differences to the two sides of the point disagree by twice the
    error. So another look is taken elsewhere, from nearer; a fault is what two looks find where
    both sides agree, or all of eight.

    Args:
        game: the game.
        params: where to look. The comparison is made a random 0.01 away in every parameter, since
            networks whose biases start at 0 begin on the kinks of their ReLUs.
        batch: a batch, as the losses take it.
        key: a typed key for the directions, by default ``jax.random.key(0)``.
        num_directions: how many directions for each player.
        tolerance: the largest relative difference to let pass.

    Raises:
        ValueError: a loss is no scalar; the field is not finite or has not the structure of the
            parameters; a derivative differs. The message says which one, and what to look for.

    Example:
        >>> import jax, ganfield as gf
        >>> def losses(params, batch):
        ...     fake = jax.lax.stop_gradient(params.theta)
        ...     return gf.Players(params.theta * params.phi, (params.phi - fake) ** 2)
        >>> game = gf.games.joint(losses, init=lambda key: gf.Players(1.0, 2.0))
        >>> gf.testing.check_game(game, gf.Players(1.0, 2.0))
        Traceback (most recent call last):
        ...
        ValueError: the block ∂v_phi/∂theta of the game's Jacobian is wrong: ...
    """
    game, params = _without_empty_players(game, as_params(params))
    # A function of its own: JAX keeps the shapes of one that it knows, which may have changed.
    losses = jax.eval_shape(lambda *given: game.losses(*given), params, batch)
    for name, loss in zip(_NAMES, losses, strict=True):
        if getattr(loss, "shape", None) != ():
            raise ValueError(f"the loss of {name} must be a scalar, got {loss}")
    field = vector_field(game)
    check_field(field, params, batch)
    key = jax.random.key(0) if key is None else key
    with jax.enable_x64(True):
        params, batch = double(params), double(batch)
        probe = jax.jit(partial(_probe, game))
        for direction_key in jax.random.split(key, num_directions):
            _check_along(probe, params, batch, direction_key, tolerance)


def _without_empty_players(game: Game, params: Players) -> tuple[Game, Players]:
    """Return the same game with one number that nothing depends on for a player without any.

    A direction of no numbers has no length to divide by.
    """
    given = params
    empty = Players(*(not any(map(jnp.size, jax.tree.leaves(part))) for part in given))
    if not any(empty):
        return game, params

    def back(params: Players) -> Players:
        return Players(
            *(
                old if is_empty else new
                for old, new, is_empty in zip(given, params, empty, strict=True)
            )
        )

    def losses(params: Players, batch: Any = None) -> Players:
        return game.losses(back(params), batch)

    def gradients(params: Players, batch: Any = None) -> Players:
        parts = zip(game.gradients(back(params), batch), params, empty, strict=True)
        return Players(*(jnp.zeros_like(old) if is_empty else new for new, old, is_empty in parts))

    filled = (
        jnp.zeros(()) if is_empty else part for part, is_empty in zip(given, empty, strict=True)
    )
    return Game(losses, gradients, game.init), Players(*filled)


def _check_along(
    probe: Callable[..., _Look], params: Players, batch: Any, key: jax.Array, tolerance: float
) -> None:
    """Look along a direction of each player, elsewhere and from nearer each time."""

    def look(number: int) -> Iterator[Finding]:
        here = jax.random.fold_in(key, number) if number else key
        step = _STEP / 10 ** min(number, 2)
        columns = {
            name: jax.device_get(probe(params, batch, here, jnp.asarray(name == "theta"), step))
            for name in _NAMES
        }
        return _findings(columns, tolerance)

    blame(look)


def _probe(
    game: Game,
    params: Players,
    batch: Any,
    key: jax.Array,
    for_theta: jax.Array,
    step: jax.Array,
) -> _Look:
    """Look along a random direction of one player."""
    field = vector_field(game)
    flat, unravel = ravel_pytree(params)
    away, straight = jax.random.normal(key, (2, flat.size))
    # Biases that start at exactly 0 put ReLUs exactly on their kinks; step off them.
    params = unravel(flat + 1e-2 * away)
    direction = unravel(straight)
    direction = Players(
        optax.tree.scale(jnp.where(for_theta, 1.0, 0.0), direction.theta),
        optax.tree.scale(jnp.where(for_theta, 0.0, 1.0), direction.phi),
    )
    direction = optax.tree.scale(1 / optax.tree.norm(direction), direction)

    def at(distance: jax.Array) -> tuple[Players, Players]:
        moved = add_scaled(params, distance, direction)
        return game.losses(moved, batch), field(moved, batch)

    losses, values = jax.lax.map(at, jnp.array([-step, 0.0, step]))
    slopes, (back, ahead) = (
        jax.tree.map(lambda x: (x[1:] - x[:-1]) / step, losses),
        (jax.tree.map(lambda x, i=i: (x[i + 1] - x[i]) / step, values) for i in (0, 1)),
    )
    here = jax.tree.map(lambda x: x[1], values)
    along = Players(*(-optax.tree.vdot(v, d) for v, d in zip(here, direction, strict=True)))
    product = jvp(field)(params, direction, batch)
    change = jax.tree.map(lambda a, b: (a + b) / 2, back, ahead)
    trees = (product, change, optax.tree.sub(product, change), optax.tree.sub(ahead, back))
    norms = [Players(*map(optax.tree.norm, tree)) for tree in trees]
    return _Look(slopes, along, jax.tree.map(lambda *each: jnp.stack(each), *norms))


def _findings(columns: dict[str, _Look], tolerance: float) -> Iterator[Finding]:
    """Yield what does not fit together in the looks along θ and along φ.

    Raises:
        ValueError: a number is not finite.
    """
    for name, (slopes, along, _) in columns.items():
        back, ahead = map(float, getattr(slopes, name))
        by_differences, by_autodiff = (back + ahead) / 2, float(getattr(along, name))
        if not math.isfinite(by_differences + by_autodiff):
            raise ValueError(_NOT_FINITE)
        error = abs(by_autodiff - by_differences)
        if error > tolerance * max(abs(by_autodiff), abs(by_differences), 1e-6):
            is_rough = abs(ahead - back) > error
            yield Finding(is_rough, _of_slope(name, by_autodiff, by_differences))
    floor = 1e-6 * max(float(norms[1]) for look in columns.values() for norms in look.blocks)
    for column, (_, _, blocks) in columns.items():
        for row, norms in blocks._asdict().items():
            product, change, error, gap = map(float, norms)
            if not math.isfinite(product + change):
                raise ValueError(_NOT_FINITE)
            if not error <= tolerance * max(product, change) + floor:
                yield Finding(gap > error, _of_block(row, column, product, change, error))


def _of_slope(name: str, by_autodiff: float, by_differences: float) -> str:
    return (
        f"the field of {name} is not minus the gradient of its own loss: along a random direction "
        f"the loss has slope {by_differences:.4g} by finite differences, {by_autodiff:.4g} by "
        f"autodiff. Look for a stop_gradient on the way from {name} to its loss, a rounding or a "
        "sampling that autodiff cannot follow, or randomness that does not come from the batch"
    )


def _of_block(row: str, column: str, product: float, change: float, error: float) -> str:
    return (
        f"the block ∂v_{row}/∂{column} of the game's Jacobian is wrong: along a random direction "
        f"its product has norm {product:.4g} by autodiff and {change:.4g} by finite differences of "
        f"v, and they differ by {error:.4g}. Most often a stop_gradient (a 'detach') on the fakes "
        "in the discriminator's loss cuts the block out: v stays right, but consensus and the "
        "spectrum differentiate v. Take it away: v holds each player's gradient in its own "
        "parameters alone, so nothing needs to be stopped"
    )
