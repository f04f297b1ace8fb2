"""From two networks to a game."""

from __future__ import annotations

from ganfield._registry import registered
from ganfield._types import ArrayLike
from ganfield.games._adversarial import NetworkLike, adversarial, check_networks
from ganfield.games._base import GAMES, Game
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective = "standard",
    *,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the game of a generator θ against a discriminator φ, on `Batch` (real, latent).

    With fake = G(θ, latent), the losses are ``objective(D(φ, real), D(φ, fake))``, and φ's has the
    penalty added, times its weight. Real and fake examples pass through the discriminator in two
    calls, so batch statistics stay apart.

    Random numbers come from ``batch.key``, so that the field is a pure function: the batch's keys
    say which noise it is, and a batch drawn anew has new noise.

    Args:
        generator: maps latent variables to examples.
        discriminator: maps examples to one logit each.
        objective: a name in `ganfield.OBJECTIVES`, or a function of
            (logits_real, logits_fake), each of shape (batch,), that returns `Players` of losses.
        penalty: a name in `ganfield.PENALTIES`, a function of (score, real, fake, key) as they
            are, or None. θ's gradient does not pay it, but v_φ depends on θ through it.
        penalty_weight: γ ≥ 0. May be traced, and is then not checked.
        instance_noise: standard deviation σ ≥ 0 of Gaussian noise on what the discriminator sees,
            real and fake; the penalty is taken there too. May be traced, and is then not checked.

    Returns:
        A `Game` whose parameters are those of the two networks. A penalty costs its own pullback
        and the gradient of that in φ: as much as v again, or more.

    Raises:
        ValueError: the objective or the penalty is not registered; the weight or the noise is
            negative; the discriminator cannot take what the generator makes; the discriminator
            gives more than one logit for an example. Shapes are checked here, abstractly: nothing
            is computed or compiled. When the losses are traced: the batch has no keys, and noise
            or random points need them.

    Reference:
        Goodfellow et al., "Generative Adversarial Nets", 2014; instance noise: Sønderby, Caballero,
        Theis, Shi, Huszár, "Amortised MAP Inference for Image Super-resolution", 2017.

    Example:
        >>> import jax, ganfield as gf
        >>> game = gf.games.gan(
        ...     gf.networks.mlp(16, 2), gf.networks.mlp(2, 1), objective="standard", penalty="r1"
        ... )
        >>> params = game.init(jax.random.key(0))
        >>> sum(leaf.size for leaf in jax.tree.leaves(params))
        2003
    """
    check_networks(generator, discriminator, num_outputs=1, outputs="one logit")
    return adversarial(
        generator,
        discriminator,
        objective,
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        generator_input=lambda batch: batch.latent,
        discriminator_input=lambda examples, batch: examples,
    )
