"""What every game of a generator against a discriminator is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike, Batch, Players, PyTree
from ganfield.checks import check_examples, check_not_negative, check_scalar, lookup
from ganfield.games._base import Game, check_losses, joint
from ganfield.games._keys import check_keys, fold, normal_like
from ganfield.games._objectives import OBJECTIVES, Objective
from ganfield.games._penalties import PENALTIES, Penalty

REAL_NOISE, FAKE_NOISE, PENALTY, CODE = range(4)
"""Uses of an example's key, each with random numbers of its own."""


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


def adversarial(
    generator: NetworkLike,
    discriminator: NetworkLike,
    objective: str | Objective,
    *,
    penalty: str | Penalty | None,
    penalty_weight: ArrayLike,
    instance_noise: ArrayLike,
    num_code: int = 0,
    generator_input: Callable[[Batch], jax.Array],
    discriminator_input: Callable[[jax.Array, Batch], jax.Array],
    auxiliary: Callable[[jax.Array, jax.Array, Batch], jax.Array] | None = None,
) -> Game:
    """Return the game in which θ's fakes and the real examples pass through φ.

    The first output of the discriminator is the logit that the objective and the penalty see.

    Args:
        generator: θ's network.
        discriminator: φ's network.
        objective: name or function.
        penalty: name, function or None.
        penalty_weight: of the penalty, in φ's loss.
        instance_noise: standard deviation of what is added to real and to fake.
        num_code: how many features ``generator_input`` appends to the latent variables.
        generator_input: ``generator_input(batch)``.
        discriminator_input: ``discriminator_input(examples, batch)``.
        auxiliary: ``auxiliary(outputs_real, outputs_fake, batch) -> scalar``, added to both losses.
    """
    score = objective
    if not callable(score):
        score = lookup(OBJECTIVES, str(score), argument="objective")
    slope = penalty
    if slope is not None and not callable(slope):
        slope = lookup(PENALTIES, str(slope), argument="penalty")
    check_not_negative(penalty_weight, argument="penalty_weight")
    check_not_negative(instance_noise, argument="instance_noise")
    noiseless = isinstance(instance_noise, float | int) and instance_noise == 0
    shape = tuple(generator.input_shape)
    latent_shape = (shape[0] - num_code,) if num_code else shape

    def examples(theta: PyTree, batch: Batch) -> tuple[jax.Array, jax.Array]:
        """Return real and fake as the discriminator sees them. The fakes are not detached."""
        _check_is_batch(batch)
        check_examples(batch.latent, latent_shape, argument="batch.latent", taker="the generator")
        real, fake = batch.real, generator.apply(theta, generator_input(batch))
        _check_real(real, np.shape(fake)[1:])
        if noiseless:
            return real, fake
        keys = check_keys(batch.key, num_examples=len(real), purpose="instance noise")

        def noisy(x: jax.Array, use: int) -> jax.Array:
            return x + jnp.asarray(instance_noise, x.dtype) * normal_like(fold(keys, use), x)

        return noisy(real, REAL_NOISE), noisy(fake, FAKE_NOISE)

    def judge(phi: PyTree, x: jax.Array, batch: Batch) -> jax.Array:
        """Return the discriminator's outputs, shape (batch, outputs)."""
        outputs = discriminator.apply(phi, discriminator_input(x, batch))
        return outputs.reshape(len(outputs), -1)

    def losses(params: Players, batch: Batch) -> Players:
        real, fake = examples(params.theta, batch)
        of_fake, of_real = judge(params.phi, fake, batch), judge(params.phi, real, batch)
        values = check_losses(score(of_real[:, 0], of_fake[:, 0]), what="the objective's loss")
        if auxiliary is not None:
            shared = auxiliary(of_real, of_fake, batch)
            values = Players(values.theta + shared, values.phi + shared)
        if slope is None:
            return values
        keys = fold(batch.key, PENALTY)
        paid = slope(lambda x: judge(params.phi, x, batch)[:, 0], real, fake, keys)
        paid = jnp.asarray(check_scalar(paid, what="the penalty"))
        return values._replace(phi=values.phi + jnp.asarray(penalty_weight, paid.dtype) * paid)

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(generator.init(key_theta), discriminator.init(key_phi))

    return joint(losses, init)


def _check_is_batch(batch: Batch) -> None:
    if not (hasattr(batch, "real") and hasattr(batch, "latent")):
        raise ValueError(
            "batch must be a gf.Batch(real, latent), such as gf.data.batch_sampler makes, got "
            f"{type(batch).__name__}"
        )


def _check_real(real: jax.Array, shape: tuple[int, ...]) -> None:
    check_examples(real, shape, argument="batch.real", taker="the discriminator")
    if not jnp.issubdtype(jnp.result_type(real), jnp.floating):
        raise ValueError(
            "batch.real must hold floating-point numbers, as the fakes are, got "
            f"{jnp.result_type(real)}: bring pixels to [−1, 1] first"
        )


def check_networks(
    generator: NetworkLike,
    discriminator: NetworkLike,
    *,
    num_outputs: int,
    outputs: str,
    num_classes: int = 0,
    appended: str = "",
) -> None:
    """Raise a ``ValueError`` unless the discriminator can take what the generator makes.

    Args:
        generator: θ's network.
        discriminator: φ's network.
        num_outputs: how many numbers the discriminator must give for an example.
        outputs: what they are, in words.
        num_classes: how many features are appended to an example before φ sees it.
        appended: how that is said.
    """
    made = output_shape(generator)
    wanted = (*made[:-1], made[-1] + num_classes) if made else made
    if wanted != tuple(discriminator.input_shape):
        raise ValueError(
            f"generator makes examples of shape {made}{appended and f', {wanted} {appended}'}, but "
            f"discriminator takes examples of shape {tuple(discriminator.input_shape)}"
        )
    judged = output_shape(discriminator)
    if judged != (num_outputs,) and not (num_outputs == 1 and judged == ()):
        raise ValueError(
            f"discriminator must give {outputs} for an example, shape ({num_outputs},), got shape "
            f"{judged}"
        )


def output_shape(network: NetworkLike) -> tuple[int, ...]:
    """Return the shape of one output of a network, found without computing it."""
    example = jax.ShapeDtypeStruct((2, *network.input_shape), jnp.zeros(()).dtype)
    result = jax.eval_shape(lambda x: network.apply(network.init(jax.random.key(0)), x), example)
    return tuple(result.shape[1:])


def check_generator_input(generator: NetworkLike, num_code: int) -> None:
    """Raise a ``ValueError`` unless the generator takes latent variables and a code after them."""
    shape = tuple(generator.input_shape)
    if len(shape) != 1 or shape[0] <= num_code:
        raise ValueError(
            f"generator must take the latent variables and {num_code} features of the code after "
            f"them, shape (latent_size + {num_code},), got inputs of shape {shape}"
        )
