"""InfoGAN: part of the generator's input is a code that can be read off what it makes."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._types import ArrayLike, Batch, Players
from ganfield.checks import check_count, check_not_negative
from ganfield.games._adversarial import (
    CODE,
    NetworkLike,
    Seen,
    add_to_both,
    adversarial,
    check_generator_input,
    check_networks,
)
from ganfield.games._base import GAMES, Game
from ganfield.games._keys import check_keys, fold
from ganfield.games._labels import append_one_hot, class_entropy
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def info_gan(
    generator: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective = "standard",
    *,
    num_categories: int = 0,
    num_continuous: int = 0,
    information_weight: ArrayLike = 1.0,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return InfoGAN: G(θ, latent ⊕ code) against a D(φ, example) that also guesses the code.

    The code of a fake is a category, uniform among K and one-hot, and C numbers uniform in
    [−1, 1); it is drawn with the example's key. D gives 1 + K + C numbers: the logit of being real,
    the logits of the categories, and the means of the numbers. Both losses get the same term added,
    ``information_weight`` times

        mean −log Q(category | fake) + mean ½‖numbers − means(fake)‖²,

    which up to constants is minus the lower bound E log Q(code | fake) + H(code) of the mutual
    information of code and fake, Q Gaussian with variance 1 in the numbers.

    Args:
        generator: maps (latent_size + K + C,) features to an example.
        discriminator: maps an example to 1 + K + C numbers.
        objective: as `gan`.
        num_categories: K, 0 or ≥ 2.
        num_continuous: C ≥ 0.
        information_weight: ≥ 0. May be traced, and is then not checked.
        penalty: as `gan`.
        penalty_weight: as `gan`.
        instance_noise: as `gan`.

    Returns:
        A `Game` on `Batch` (real, latent, key=keys). To make examples of a code, append it to the
        latent variables: the category's one-hot first, then the numbers.

    Raises:
        ValueError: as `gan`; the code is empty, or sizes do not fit it; a weight is negative. When
            the losses are traced: the batch has no typed key for each example.

    Reference:
        Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, "InfoGAN: Interpretable Representation
        Learning by Information Maximizing Generative Adversarial Nets", 2016.

    Example:
        >>> import jax, ganfield as gf
        >>> generator, discriminator = gf.networks.mlp(4 + 3, 2), gf.networks.mlp(2, 1 + 3)
        >>> game = info_gan(generator, discriminator, num_categories=2, num_continuous=1)
        >>> batch = gf.Batch(
        ...     jax.numpy.ones((8, 2)),
        ...     jax.numpy.ones((8, 4)),
        ...     key=jax.random.split(jax.random.key(1), 8),
        ... )
        >>> gf.testing.check_game(game, game.init(jax.random.key(0)), batch)
    """
    num_categories = check_count(num_categories, argument="num_categories", minimum=0)
    num_continuous = check_count(num_continuous, argument="num_continuous", minimum=0)
    num_code = num_categories + num_continuous
    if num_categories == 1 or num_code == 0:
        raise ValueError(
            "the code must have num_categories ≥ 2, num_continuous ≥ 1 or both, got "
            f"num_categories={num_categories} and num_continuous={num_continuous}"
        )
    check_not_negative(information_weight, argument="information_weight")
    check_generator_input(generator, num_code)
    check_networks(
        generator,
        discriminator,
        num_outputs=1 + num_code,
        outputs="one logit of being real and one number for each feature of the code",
    )

    def code_of(batch: Batch) -> tuple[jax.Array, jax.Array]:
        """Return the category, shape (batch,), and the numbers, (batch, num_continuous)."""
        keys = check_keys(batch.key, num_examples=len(batch.latent), purpose="the code of info_gan")
        dtype = jnp.result_type(batch.latent)

        def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            of_category, of_numbers = jax.random.split(key)
            return (
                jax.random.randint(of_category, (), 0, max(num_categories, 1)),
                jax.random.uniform(of_numbers, (num_continuous,), dtype, -1, 1),
            )

        return jax.vmap(draw)(fold(keys, CODE))

    def generator_input(batch: Batch) -> jax.Array:
        category, numbers = code_of(batch)
        latent = batch.latent
        if num_categories:
            latent = append_one_hot(latent, category, num_categories)
        return jnp.concatenate([latent, numbers], axis=1)

    def finish(values: Players, seen: Seen) -> Players:
        category, numbers = code_of(seen.batch)
        guessed, means = jnp.split(seen.of_fake[:, 1:], [num_categories], axis=1)
        surprise = jnp.mean(jnp.sum((numbers - means) ** 2, axis=1)) / 2
        if num_categories:
            surprise += class_entropy(guessed, category)
        return add_to_both(values, information_weight, surprise)

    return adversarial(
        generator,
        discriminator,
        objective,
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        num_code=num_code,
        generator_input=generator_input,
        discriminator_input=lambda examples, batch: examples,
        finish=finish,
    )
