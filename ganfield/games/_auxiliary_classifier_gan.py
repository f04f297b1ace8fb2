"""Auxiliary-classifier GAN: D also names the class, and both players want that right."""

from __future__ import annotations

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_count, check_not_negative
from ganfield.games._adversarial import (
    NetworkLike,
    Seen,
    add_to_both,
    adversarial,
    check_generator_input,
    check_networks,
)
from ganfield.games._base import GAMES, Game
from ganfield.games._labels import append_one_hot, class_entropy, labels_of
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def auxiliary_classifier_gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    num_classes: int,
    objective: str | Objective = "standard",
    *,
    class_weight: ArrayLike = 1.0,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the AC-GAN: G(θ, latent ⊕ class) against a D(φ, example) that also names the class.

    D gives 1 + K numbers: the logit of being real, which the objective and the penalty see, and the
    logits of the classes. Both losses get the same term added, ``class_weight`` times the
    cross-entropy of the classes of the real examples plus that of the fakes. The fakes of a batch
    get the batch's labels, each the one of the real example at its place.

    Args:
        generator: maps (latent_size + num_classes,) features to an example.
        discriminator: maps an example to 1 + num_classes numbers.
        num_classes: K ≥ 2.
        objective: as `gan`.
        class_weight: ≥ 0. May be traced, and is then not checked.
        penalty: as `gan`.
        penalty_weight: as `gan`.
        instance_noise: as `gan`.

    Returns:
        A `Game` on `Batch` (real, latent, label). To make examples of a class, apply the generator
        to ``append_one_hot(latent, label, num_classes)``.

    Raises:
        ValueError: as `conditional_gan`; a weight is negative.

    Reference:
        Odena, Olah, Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs", 2017.

    Example:
        >>> import jax, ganfield as gf
        >>> game = auxiliary_classifier_gan(gf.networks.mlp(4 + 3, 2), gf.networks.mlp(2, 1 + 3), 3)
        >>> batch = gf.Batch(
        ...     jax.numpy.ones((8, 2)), jax.numpy.ones((8, 4)), jax.numpy.arange(8) % 3
        ... )
        >>> gf.testing.check_game(game, game.init(jax.random.key(0)), batch)
    """
    num_classes = check_count(num_classes, argument="num_classes", minimum=2)
    check_not_negative(class_weight, argument="class_weight")
    check_generator_input(generator, num_classes)
    check_networks(
        generator,
        discriminator,
        num_outputs=1 + num_classes,
        outputs="one logit of being real and one for each class",
    )

    def finish(values: Players, seen: Seen) -> Players:
        label = labels_of(seen.batch, num_classes)
        of_real, of_fake = seen.of_real[:, 1:], seen.of_fake[:, 1:]
        entropies = class_entropy(of_real, label) + class_entropy(of_fake, label)
        return add_to_both(values, class_weight, entropies)

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
        discriminator_input=lambda examples, batch: examples,
        finish=finish,
    )
