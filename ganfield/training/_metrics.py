"""What is measured on the way, among it the early signs of failure."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax

from ganfield._types import Batch, Field, Players
from ganfield.games import Game

# A probability of 99 % is a logit of log 99.
_SURE = 4.59511985013459
_SATURATED = 0.95
_VANISHING = 0.01
_COLLAPSED = 0.25


def measuring(game: Game, field: Field) -> Callable[[Players, Batch], dict[str, jax.Array]]:
    """Return ``measure(params, batch) -> dict``, numbers of one batch, to be compiled.

    - ``loss_theta``, ``loss_phi``: what the players minimise.
    - ``norm_v_theta``, ``norm_v_phi``: ‖v_θ‖ and ‖v_φ‖ of the game's own field v, whatever is
      made of it.
    - ``norm_grad_L``: ‖Jᵀv‖, the gradient's norm of L = ½‖v‖².
    - ``accuracy_real``, ``accuracy_fake``: the share of real examples with D > 0, of fake ones with
      D < 0. Near ½ the discriminator can no longer tell.
    - ``saturated``: the share of all examples that D has right with a probability above 99 %. Near
      1 a minimax generator learns nothing.
    - ``diversity``: the mean distance between two fakes over that between two real examples. Where
      the generator collapses it falls towards 0.

    D is read as a logit, which for Wasserstein's and similar objectives it is not: accuracies and
    ``saturated`` then say little.
    """
    if game.outputs is None:
        raise ValueError(f"game must be one of gf.games.gans(), with outputs, got {game!r}")
    outputs = game.outputs

    def measure(params: Players, batch: Batch) -> dict[str, jax.Array]:
        losses = game.losses(params, batch)
        value, pullback = jax.vjp(lambda p: field(p, batch), params)
        (gradient,) = pullback(value)
        real, fake, real_logits, fake_logits = outputs(params, batch)
        right = jnp.concatenate([real_logits, -fake_logits])
        return {
            "loss_theta": losses.theta,
            "loss_phi": losses.phi,
            "norm_v_theta": optax.tree.norm(value.theta),
            "norm_v_phi": optax.tree.norm(value.phi),
            "norm_grad_L": optax.tree.norm(gradient),
            "accuracy_real": jnp.mean(real_logits > 0),
            "accuracy_fake": jnp.mean(fake_logits < 0),
            "saturated": jnp.mean(right > _SURE),
            "diversity": _mean_distance(fake) / _mean_distance(real),
        }

    return measure


def warnings_of(metrics: Mapping[str, float], first: Mapping[str, float]) -> list[str]:
    """Return the early signs of failure that a row shows.

    - ``saturated``: more than 95 % of all examples are right with a probability above 99 %;
    - ``vanishing``: ‖v_θ‖ is below 1 % of what it was at the start;
    - ``collapse``: the fakes' mean distance is below a quarter of the real examples'.

    They are signs: an untrained generator, too, makes fakes that are all alike.

    Args:
        metrics: what `measuring` measured.
        first: the same at step 0.

    Example:
        >>> first = {"norm_v_theta": 1.0}
        >>> warnings_of({"saturated": 1.0, "norm_v_theta": 0.001, "diversity": 0.9}, first)
        ['saturated', 'vanishing']
    """
    signs = {
        "saturated": metrics["saturated"] > _SATURATED,
        "vanishing": metrics["norm_v_theta"] < _VANISHING * first["norm_v_theta"],
        "collapse": metrics["diversity"] < _COLLAPSED,
    }
    return [name for name, holds in signs.items() if holds]


def _mean_distance(examples: jax.Array) -> jax.Array:
    """Return the mean Euclidean distance of two different examples."""
    flat = examples.reshape(len(examples), -1)
    flat = flat - jnp.mean(flat, axis=0)
    products = flat @ flat.T
    squares = jnp.diagonal(products)
    apart = squares[:, None] + squares[None, :] - 2 * products
    return jnp.sum(jnp.sqrt(jnp.maximum(apart, 0))) / max(len(flat) * (len(flat) - 1), 1)
