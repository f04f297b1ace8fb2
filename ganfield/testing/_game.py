"""Is a game's field the field of its losses, and J its Jacobian?"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from ganfield._tree import add_scaled, double
from ganfield._types import Players
from ganfield.field import check_field, jvp, vector_field
from ganfield.games import Game

_NAMES = ("theta", "phi")


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

    Args:
        game: the game.
        params: where to look. The comparison is made a random 0.01 away in every parameter, since
            networks whose biases start at 0 begin on the kinks of their ReLUs.
        batch: a batch, as the losses take it.
        key: a typed key for the directions, by default ``jax.random.key(0)``.
        num_directions: how many directions for each player.
        tolerance: the largest relative difference to let pass. The kinks of ReLU networks cost
            some accuracy.

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
    losses = jax.eval_shape(game.losses, params, batch)
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
            columns = {
                column: probe(params, batch, direction_key, jnp.asarray(column == "theta"))
                for column in _NAMES
            }
            _judge(jax.device_get(columns), tolerance)


def _probe(
    game: Game, params: Players, batch: Any, key: jax.Array, for_theta: jax.Array
) -> tuple[Players, Players, Players]:
    """Look along a random direction of one player.

    Returns:
        The slopes of both losses, by finite differences; −⟨v, direction⟩ of each player; and for
        each part of v the norms of (the error of J·direction, J·direction, the change of v).
    """
    step = 1e-6
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

    distances = jnp.array([-step, step, 0.0])
    losses, values = jax.lax.map(at, distances)
    slopes, change = jax.tree.map(lambda x: (x[1] - x[0]) / (2 * step), (losses, values))
    here = jax.tree.map(lambda x: x[2], values)
    along = Players(*(-optax.tree.vdot(v, d) for v, d in zip(here, direction, strict=True)))
    product = jvp(field)(params, direction, batch)
    trees = (optax.tree.sub(product, change), product, change)
    norms = [Players(*map(optax.tree.norm, tree)) for tree in trees]
    return slopes, along, jax.tree.map(lambda *each: jnp.stack(each), *norms)


def _judge(columns: dict[str, Any], tolerance: float) -> None:
    """Raise a ``ValueError`` if what `_probe` found along θ or φ does not fit together."""
    for name, (slopes, along, _) in columns.items():
        by_differences, by_autodiff = float(getattr(slopes, name)), float(getattr(along, name))
        if not math.isfinite(by_differences + by_autodiff):
            raise ValueError(
                "the losses or the field are NaN or infinite at these params and batch"
            )
        _check_slope(name, by_autodiff, by_differences, tolerance)
    floor = 1e-6 * max(float(norms[2]) for _, _, blocks in columns.values() for norms in blocks)
    for column, (_, _, blocks) in columns.items():
        for row, norms in blocks._asdict().items():
            error, product, change = map(float, norms)
            _check_block(row, column, error, product, change, floor, tolerance)


def _check_slope(name: str, by_autodiff: float, by_differences: float, tolerance: float) -> None:
    scale = max(abs(by_autodiff), abs(by_differences), 1e-6)
    if abs(by_autodiff - by_differences) > tolerance * scale:
        raise ValueError(
            f"the field of {name} is not minus the gradient of its own loss: along a random "
            f"direction the loss has slope {by_differences:.4g} by finite differences, "
            f"{by_autodiff:.4g} by autodiff. Look for a stop_gradient on the way from {name} to "
            "its loss, a rounding or a sampling that autodiff cannot follow, or randomness that "
            "does not come from the batch"
        )


def _check_block(
    row: str, column: str, error: float, product: float, change: float, floor: float, limit: float
) -> None:
    if error <= limit * max(product, change) + floor:
        return
    raise ValueError(
        f"the block ∂v_{row}/∂{column} of the game's Jacobian is wrong: along a random direction "
        f"its product has norm {product:.4g} by autodiff and {change:.4g} by finite differences of "
        f"v, and they differ by {error:.4g}. Most often a stop_gradient (a 'detach') on the fakes "
        "in the discriminator's loss cuts the block out: v stays right, but consensus and the "
        "spectrum differentiate v. Take it away: v holds each player's gradient in its own "
        "parameters alone, so nothing needs to be stopped"
    )
