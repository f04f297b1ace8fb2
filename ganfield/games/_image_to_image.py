"""Image-to-image translation (pix2pix): from an image to the one that belongs to it."""

from __future__ import annotations

import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_not_negative
from ganfield.games._adversarial import (
    NetworkLike,
    Seen,
    adversarial,
    check_networks,
    output_shape,
)
from ganfield.games._base import GAMES, Game
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def image_to_image(
    generator: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective = "standard",
    *,
    l1_weight: ArrayLike = 100.0,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the game of G(θ, source) against D(φ, example ⊕ source), on paired batches.

    ⊕ appends the channels of the source to those of the example. The losses are the objective's,
    and θ's has λ · mean |real − fake| added, the mean over examples, pixels and channels. As λ → ∞
    G(source) is the median of what belongs to a source, pixel by pixel; the objective is what makes
    it choose. G is deterministic: the paper finds that a noise at its input is not heeded.

    Args:
        generator: maps a source to an example.
        discriminator: maps an example with the source's channels after its own to one logit.
        objective: as `gan`.
        l1_weight: λ ≥ 0. May be traced, and is then not checked.
        penalty: as `gan`; of the slope in the example alone.
        penalty_weight: as `gan`.
        instance_noise: as `gan`; the sources get none.

    Returns:
        A `Game` on `Batch` (real, latent), whose ``latent``, the generator's inputs, are the
        sources, as `ganfield.data.pair_sampler` draws them. Vectors are translated as images are.

    Raises:
        ValueError: as `gan`; the sides of examples and of sources differ; the weight is negative.

    Reference:
        Isola, Zhu, Zhou, Efros, "Image-to-Image Translation with Conditional Adversarial Networks",
        2017.

    Example:
        >>> import jax, ganfield as gf
        >>> game = image_to_image(gf.networks.mlp(3, 2), gf.networks.mlp(2 + 3, 1), l1_weight=10.0)
        >>> batch = gf.Batch(real=jax.numpy.ones((8, 2)), latent=jax.numpy.ones((8, 3)))
        >>> gf.testing.check_game(game, game.init(jax.random.key(0)), batch)
    """
    check_not_negative(l1_weight, argument="l1_weight")
    made, source = output_shape(generator), tuple(generator.input_shape)
    if not source or made[:-1] != source[:-1]:
        raise ValueError(
            "generator must make examples with the sides of the sources, so that the discriminator "
            f"sees both, got {made} of {source}"
        )
    check_networks(
        generator,
        discriminator,
        num_outputs=1,
        outputs="one logit",
        num_classes=source[-1],
        appended="with the source appended",
    )

    def finish(values: Players, seen: Seen) -> Players:
        apart = jnp.mean(jnp.abs(seen.real - seen.fake))
        return values._replace(theta=values.theta + jnp.asarray(l1_weight, apart.dtype) * apart)

    return adversarial(
        generator,
        discriminator,
        objective,
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        generator_input=lambda batch: batch.latent,
        discriminator_input=lambda examples, batch: jnp.concatenate(
            [examples, batch.latent.astype(examples.dtype)], axis=-1
        ),
        finish=finish,
    )
