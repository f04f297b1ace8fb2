"""Conditional GAN: both players are told the class."""

from __future__ import annotations

from ganfield._registry import registered
from ganfield._types import ArrayLike
from ganfield.checks import check_count
from ganfield.games._adversarial import (
    NetworkLike,
    adversarial,
    check_generator_input,
    check_networks,
)
from ganfield.games._base import GAMES, Game
from ganfield.games._labels import append_one_hot, labels_of
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def conditional_gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    num_classes: int,
    objective: str | Objective = "standard",
    *,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the game of G(θ, latent ⊕ class) against D(φ, example ⊕ class), on labelled batches.

    ⊕ appends the one-hot code of the class along the last axis: features to a vector, planes to an
    image (`append_one_hot`). The fakes of a batch get the batch's labels, each the one of the real
    example at its place; so classes are as frequent among fakes as among real examples, and the
    penalties between real and fake stay within a class.

    Args:
        generator: maps (latent_size + num_classes,) features to an example.
        discriminator: maps an example with num_classes more features, or channels, to one logit.
        num_classes: K ≥ 2.
        objective: as `gan`.
        penalty: as `gan`.
        penalty_weight: as `gan`.
        instance_noise: as `gan`; the classes get none.

    Returns:
        A `Game` on `Batch` (real, latent, label). To make examples of a class, apply the generator
        to ``append_one_hot(latent, label, num_classes)``.

    Raises:
        ValueError: as `gan`; the generator's inputs are no vectors longer than num_classes. When
            the losses are traced: the batch has no labels, or no integers of shape (batch,).

    Reference:
        Mirza, Osindero, "Conditional Generative Adversarial Nets", 2014.

    Example:
        >>> import jax, ganfield as gf
        >>> game = conditional_gan(gf.networks.mlp(4 + 3, 2), gf.networks.mlp(2 + 3, 1), 3)
        >>> batch = gf.Batch(jax.numpy.ones((8, 2)), jax.numpy.ones((8, 4)))
        >>> game.losses(game.init(jax.random.key(0)), batch)
        Traceback (most recent call last):
        ...
        ValueError: label (in a game Batch.label, which gf.data.batch_sampler fills with
        labels=True) must hold 8 integers from 0 to 2, one for each example, got None
    """
    num_classes = check_count(num_classes, argument="num_classes", minimum=2)
    check_generator_input(generator, num_classes)
    check_networks(
        generator,
        discriminator,
        num_outputs=1,
        outputs="one logit",
        num_classes=num_classes,
        appended="with the classes appended",
    )
    return adversarial(
        generator,
        discriminator,
        objective,
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        num_code=num_classes,
        generator_input=lambda batch: append_one_hot(
            batch.latent, labels_of(batch, num_classes), num_classes
        ),
        discriminator_input=lambda examples, batch: append_one_hot(
            examples, labels_of(batch, num_classes), num_classes
        ),
    )
