"""Semi-supervised GAN: D names K classes, and fakes as one more, from few labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players, PyTree
from ganfield.checks import check_count, check_not_negative, lookup
from ganfield.games._adversarial import NetworkLike, Seen, adversarial, check_networks
from ganfield.games._base import GAMES, Game
from ganfield.games._labels import check_label, known_entropy
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty

GENERATOR_LOSSES = ("feature_matching", "adversarial")


@registered(GAMES)
def semi_supervised_gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    num_classes: int,
    objective: str | Objective = "standard",
    *,
    generator_loss: str = "feature_matching",
    features: Callable[[PyTree, jax.Array], jax.Array] | None = None,
    class_weight: ArrayLike = 1.0,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the game in which D(φ, example) tells K classes and fakes apart, by few labels.

    D gives K logits l, and the fakes' logit is 0: P(class k | x) = exp l_k / (1 + Σ exp l) and
    P(fake | x) = 1 / (1 + Σ exp l). So the logit of being real is logsumexp l, which the objective
    and the penalty see, and the classes of what is real are softmax l. φ's loss is

        objective(logsumexp l(real), logsumexp l(fake)) + class_weight · mean −log softmax l[label],

    the mean over the examples with a label alone. With "standard" that is the cross-entropy of all
    K + 1 classes, the paper's. Nothing is exponentiated but differences from the largest logit.

    With "adversarial", θ's loss is the objective's; with "feature_matching" it is
    ‖mean f(real) − mean f(fake)‖², f the features. There the examples of a batch interact: groups
    of consensus match each its own means.

    Where every class and every fake has a density, the best D is l_k = log(π_k p_k / q): the
    posterior of the classes, π their shares, and of the fakes, as many as real examples.

    Args:
        generator: maps latent variables to examples.
        discriminator: maps an example to num_classes logits.
        num_classes: K ≥ 2.
        objective: as `gan`.
        generator_loss: "feature_matching" or "adversarial".
        features: ``features(phi, examples) -> (batch, n)``, of examples without instance noise.
            None for what D's last layer takes (`ganfield.networks.Network.penultimate`), and for
            D's outputs where it has no such layer.
        class_weight: ≥ 0. May be traced, and is then not checked.
        penalty: as `gan`, of the slope of logsumexp l.
        penalty_weight: as `gan`.
        instance_noise: as `gan`.

    Returns:
        A `Game` on `Batch` (real, latent, label), where the label −1 says that there is none, as
        `ganfield.data.few_labels` has it. The classifier is ``discriminator.apply(phi, x)``.

    Raises:
        ValueError: as `gan`; the loss of the generator is neither of these, the weight is negative,
            D does not give num_classes logits. When the losses are traced: the batch has no labels,
            or those that are known hold what is neither a class nor −1, or −1 alone.

    Reference:
        Salimans, Goodfellow, Zaremba, Cheung, Radford, Chen, "Improved Techniques for Training
        GANs", 2016, section 5.

    Example:
        >>> import jax, ganfield as gf
        >>> game = semi_supervised_gan(gf.networks.mlp(4, 2), gf.networks.mlp(2, 3), 3)
        >>> batch = gf.Batch(jax.numpy.ones((4, 2)), jax.numpy.ones((4, 4)))
        >>> labelled = batch._replace(label=jax.numpy.array([2, -1, -1, 0]))
        >>> params = game.init(jax.random.key(0))
        >>> gf.testing.check_game(game, params, labelled)
        >>> game.losses(params, batch._replace(label=jax.numpy.array([2, -1, -1, 3])))
        Traceback (most recent call last):
        ...
        ValueError: label (in a game Batch.label, which gf.data.batch_sampler fills with
        labels=True) must hold 4 integers from 0 to 2, or −1 for an example without a label, one for
        each example, got values from -1 to 3
    """
    num_classes = check_count(num_classes, argument="num_classes", minimum=2)
    lookup(dict.fromkeys(GENERATOR_LOSSES), generator_loss, argument="generator_loss")
    check_not_negative(class_weight, argument="class_weight")
    check_networks(
        generator, discriminator, num_outputs=num_classes, outputs="one logit for each class"
    )

    def finish(values: Players, seen: Seen) -> Players:
        label = seen.batch.label
        check_label(label, num_examples=len(seen.real), num_classes=num_classes, lowest=-1)
        entropy = known_entropy(seen.of_real, jnp.asarray(label))
        theta = values.theta
        if generator_loss == "feature_matching":
            look = _penultimate(discriminator) if features is None else features
            real, fake = (
                jnp.mean(look(seen.params.phi, x).reshape(len(x), -1), axis=0)
                for x in (seen.real, seen.fake)
            )
            theta = jnp.sum((real - fake) ** 2)
        return Players(theta, values.phi + jnp.asarray(class_weight, entropy.dtype) * entropy)

    return adversarial(
        generator,
        discriminator,
        objective,
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        generator_input=lambda batch: batch.latent,
        discriminator_input=lambda examples, batch: examples,
        logit=lambda outputs: jax.nn.logsumexp(outputs, axis=1),
        finish=finish,
    )


def _penultimate(discriminator: NetworkLike) -> Callable[[PyTree, jax.Array], jax.Array]:
    hidden: Any = getattr(discriminator, "hidden", None)
    if hidden is None:
        return discriminator.apply
    # Batch norm has the statistics of the examples, as in `apply`.
    return lambda phi, x: hidden(phi, x, x)
