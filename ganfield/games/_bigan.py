"""BiGAN: the generator's inverse is learnt beside it, by judging examples with their codes."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import registered
from ganfield._types import ArrayLike, Batch, Players, PyTree
from ganfield.checks import check_count
from ganfield.games._adversarial import (
    NetworkLike,
    adversarial,
    check_shapes,
    objective_of,
    output_shape,
)
from ganfield.games._base import GAMES, Game
from ganfield.games._labels import append_features
from ganfield.games._objectives import Objective
from ganfield.games._penalties import Penalty


@registered(GAMES)
def bigan(
    generator: NetworkLike,
    encoder: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective = "standard",
    *,
    noise_size: int = 0,
    penalty: str | Penalty | None = None,
    penalty_weight: ArrayLike = 10.0,
    instance_noise: ArrayLike = 0.0,
) -> Game:
    """Return the game in which D(φ, x ⊕ z) tells (x, E(x)) from (G(z), z); θ is both G and E.

    With r = D(real, E(real)) and f = D(G(z), z), φ's loss is that of objective(r, f), and θ's is
    that of objective(r, f) plus that of objective(−f, −r), where the pairs have changed their
    places: G wants its pairs taken for real, and E its own for fake. With "js" or "wasserstein" the
    game is zero-sum. ⊕ appends features to vectors, and planes to images.

    **Deterministic** G and E, both linear, on Gaussian data: v = 0 where G makes the data's
    covariance and E = G⁻¹, for every rotation of z, and for every D = (x − Gz)ᵀP(x − Gz), P
    symmetric, which is 0 and has no slope on all pairs. With x and z of n numbers that is a
    continuum of n(n − 1)/2 + n(n + 1)/2 = n² dimensions (a line, P alone, with n = 1).

    **Noise** makes maps of distributions of G and E: with ``noise_size`` m both are given m more
    standard normal numbers, which D does not see. Then E(x) draws from the posterior of z, for
    Gaussians N(Gᵀ(GGᵀ + SSᵀ)⁻¹x, I − Gᵀ(GGᵀ + SSᵀ)⁻¹G) with x = Gz + Sε.

    Args:
        generator: maps (latent_size + noise_size,) features to an example.
        encoder: maps an example with noise_size more features, or planes, to (latent_size,).
        discriminator: maps an example with latent_size more features, or planes, to one logit.
        objective: as `gan`, and one whose φ loses the same by (r, f) as by (−f, −r): all but
            "fgan_kl", "fgan_reverse_kl" and "fgan_pearson".
        noise_size: m ≥ 0.
        penalty: as `gan`, of the slope in the pair (x, z).
        penalty_weight: as `gan`.
        instance_noise: as `gan`, added to the pairs.

    Returns:
        A `Game` on `Batch` (real, latent), whose latent variables are latent_size features and then
        m of noise for G and m for E. θ is ``{"generator": …, "encoder": …}``.

    Raises:
        ValueError: as `gan`; what the networks take and give does not fit; the objective is not
            symmetric.

    Reference:
        Donahue, Krähenbühl, Darrell, "Adversarial Feature Learning", 2017; Dumoulin, Belghazi,
        Poole, Mastropietro, Lamb, Arjovsky, Courville, "Adversarially Learned Inference", 2017.

    Example:
        >>> import jax, ganfield as gf
        >>> mlp = gf.networks.mlp
        >>> game = bigan(mlp(3, 2), mlp(2, 3), mlp(2 + 3, 1))
        >>> params = game.init(jax.random.key(0))
        >>> sorted(params.theta)
        ['encoder', 'generator']
        >>> batch = gf.Batch(*jax.random.normal(jax.random.key(1), (2, 8, 3)))
        >>> gf.testing.check_game(game, params, batch._replace(real=batch.real[:, :2]))
    """
    noise_size = check_count(noise_size, argument="noise_size", minimum=0)
    made, code = output_shape(generator), output_shape(encoder)
    if len(code) != 1:
        raise ValueError(f"encoder must give latent variables, shape (latent_size,), got {code}")
    (latent_size,) = code

    def appended(count: int) -> tuple[int, ...]:
        return (*made[:-1], made[-1] + count)

    check_shapes(
        ("generator", (latent_size + noise_size,), generator.input_shape, "the latent variables"),
        ("encoder", appended(noise_size), encoder.input_shape, "examples, with noise"),
        ("discriminator", appended(latent_size), discriminator.input_shape, "examples with codes"),
    )
    check_shapes(("discriminator", (1,), output_shape(discriminator) or (1,), ""), verb="give")
    both = _Both(generator, encoder)
    size = math.prod(made)

    def join(
        params: Players, batch: Batch, real: jax.Array, fake: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        latent, _, noise = jnp.split(batch.latent, [latent_size, latent_size + noise_size], axis=1)
        inferred = encoder.apply(params.theta["encoder"], append_features(real, noise))
        return _pair(real, inferred), _pair(fake, latent)

    def discriminator_input(pairs: jax.Array, batch: Batch) -> jax.Array:
        del batch
        return append_features(pairs[:, :size].reshape(-1, *made), pairs[:, size:])

    return adversarial(
        both,
        discriminator,
        _of_both(objective_of(objective)),
        penalty=penalty,
        penalty_weight=penalty_weight,
        instance_noise=instance_noise,
        num_code=-noise_size,
        generator_input=lambda batch: batch.latent[:, : latent_size + noise_size],
        discriminator_input=discriminator_input,
        join=join,
    )


class _Both(NamedTuple):
    """θ's two networks, which makes examples as the generator does."""

    generator: NetworkLike
    encoder: NetworkLike

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.generator.input_shape)

    def init(self, key: jax.Array) -> PyTree:
        of_generator, of_encoder = jax.random.split(key)
        return {
            "generator": self.generator.init(of_generator),
            "encoder": self.encoder.init(of_encoder),
        }

    def apply(self, theta: PyTree, x: jax.Array) -> jax.Array:
        return self.generator.apply(theta["generator"], x)


def _pair(examples: jax.Array, codes: jax.Array) -> jax.Array:
    """Return pairs as vectors, so that a slope is one in x and z, and not in planes of z."""
    return jnp.concatenate([examples.reshape(len(examples), -1), codes], axis=1)


def _of_both(objective: Objective) -> Objective:
    """Return the objective in which θ also has the real pairs in its hands."""
    with jax.ensure_compile_time_eval():  # A game may be built while a program is traced.
        real, fake = jnp.array([0.5, -1.0, 2.0]), jnp.array([1.5, -0.25, -2.0])
        here, there = objective(real, fake).phi, objective(-fake, -real).phi
    if not np.allclose(here, there, atol=1e-5):
        raise ValueError(
            "objective must be one whose φ loses the same by logits (r, f) as by (−f, −r), since "
            f"real and fake pairs change places for θ, got {_name(objective)}"
        )

    def losses(logits_real: jax.Array, logits_fake: jax.Array) -> Players:
        values = objective(logits_real, logits_fake)
        changed = objective(-logits_fake, -logits_real)
        return Players(values.theta + changed.theta, values.phi)

    return losses


def _name(objective: Objective) -> str:
    return getattr(objective, "__name__", repr(objective))
