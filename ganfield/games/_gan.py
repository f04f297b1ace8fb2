"""From two networks to a game."""

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp

from ganfield._types import Batch, Players, PyTree
from ganfield.errors import lookup
from ganfield.games._base import Game, joint
from ganfield.games._objectives import OBJECTIVES, Objective


class NetworkLike(Protocol):
    """What a GAN needs of a network; `ganfield.networks.Network` has it."""

    @property
    def init(self) -> Callable[[jax.Array], PyTree]:
        """``init(key) -> params``."""

    @property
    def apply(self) -> Callable[[PyTree, jax.Array], jax.Array]:
        """``apply(params, x) -> y``, examples along the first axis of both."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one input."""


def gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective = "standard",
) -> Game:
    """Return the game of a generator θ against a discriminator φ, on `Batch` (real, latent).

    With fake = G(θ, latent), the losses are ``objective(D(φ, real), D(φ, fake))``. Real and fake
    examples pass through the discriminator in two calls, so batch statistics stay apart.

    Args:
        generator: maps latent variables to examples.
        discriminator: maps examples to one logit each.
        objective: a name in `ganfield.OBJECTIVES`, or a function of
            (logits_real, logits_fake) that returns `Players` of losses.

    Returns:
        A `Game` whose parameters are those of the two networks.

    Raises:
        ValueError: the objective is not registered; the discriminator cannot take what the
            generator makes; the discriminator gives more than one logit for an example. Shapes are
            checked here, abstractly: nothing is computed or compiled.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", 2014.

    Example:
        >>> import jax, ganfield as gf
        >>> game = gf.games.gan(
        ...     gf.networks.mlp(16, 2), gf.networks.mlp(2, 1), objective="standard"
        ... )
        >>> params = game.init(jax.random.key(0))
        >>> sum(leaf.size for leaf in jax.tree.leaves(params))
        2003
    """
    score = objective if callable(objective) else None
    if score is None:
        score = lookup(OBJECTIVES, str(objective), argument="objective")
    made = output_shape(generator)
    if made != tuple(discriminator.input_shape):
        raise ValueError(
            f"generator makes examples of shape {made}, but discriminator takes examples of shape "
            f"{tuple(discriminator.input_shape)}"
        )
    judged = output_shape(discriminator)
    if judged not in ((), (1,)):
        raise ValueError(
            f"discriminator must give one logit for an example, shape (1,), got shape {judged}"
        )

    def losses(params: Players, batch: Batch) -> Players:
        fake = generator.apply(params.theta, batch.latent)
        logits_fake = discriminator.apply(params.phi, fake)
        logits_real = discriminator.apply(params.phi, batch.real)
        return score(logits_real, logits_fake)

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(generator.init(key_theta), discriminator.init(key_phi))

    return joint(losses, init)


def output_shape(network: NetworkLike) -> tuple[int, ...]:
    """Return the shape of one output of a network, found without computing it."""
    example = jax.ShapeDtypeStruct((2, *network.input_shape), jnp.zeros(()).dtype)
    result = jax.eval_shape(lambda x: network.apply(network.init(jax.random.key(0)), x), example)
    return tuple(result.shape[1:])
