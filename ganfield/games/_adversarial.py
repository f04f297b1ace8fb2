"""What every game of a generator against a discriminator is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike, Batch, Players, PyTree
from ganfield.checks import check_examples, check_not_negative, check_scalar, lookup
from ganfield.games._base import Game, Outputs, check_losses, joint
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


Join = Callable[[Players, Batch, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]
"""``join(params, batch, real, fake) -> (real, fake)``: what the discriminator judges."""


class Seen(NamedTuple):
    """What there is to make losses of.

    Attributes:
        params: the players'.
        batch: the batch.
        real: the real examples, without instance noise.
        fake: the fakes, not detached.
        of_real: the discriminator's outputs on real examples, shape (batch, outputs).
        of_fake: the same on fakes.
    """

    params: Players
    batch: Batch
    real: jax.Array
    fake: jax.Array
    of_real: jax.Array
    of_fake: jax.Array


def first_output(outputs: jax.Array) -> jax.Array:
    """Return the first of the discriminator's outputs, shape (batch,)."""
    return outputs[:, 0]


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
    join: Join | None = None,
    logit: Callable[[jax.Array], jax.Array] = first_output,
    finish: Callable[[Players, Seen], Players] | None = None,
) -> Game:
    """Return the game in which θ's fakes and the real examples pass through φ.

    Args:
        generator: θ's network.
        discriminator: φ's network.
        objective: name or function.
        penalty: name, function or None.
        penalty_weight: of the penalty, in φ's loss.
        instance_noise: standard deviation of what is added to real and to fake.
        num_code: how many features ``generator_input`` appends to the latent variables; fewer than
            0 where it takes as many away.
        generator_input: ``generator_input(batch)``.
        discriminator_input: ``discriminator_input(examples, batch)``.
        join: what is judged, with noise and penalties, instead of the examples themselves.
        logit: of the discriminator's outputs, what the objective and the penalty see.
        finish: ``finish(losses, seen) -> losses``, what else there is to the objective's losses.
    """
    score = objective_of(objective)
    slope = penalty
    if slope is not None and not callable(slope):
        slope = lookup(PENALTIES, str(slope), argument="penalty")
    check_not_negative(penalty_weight, argument="penalty_weight")
    check_not_negative(instance_noise, argument="instance_noise")
    noiseless = isinstance(instance_noise, float | int) and instance_noise == 0
    shape = tuple(generator.input_shape)
    latent_shape = (shape[0] - num_code,) if num_code else shape

    def examples(theta: PyTree, batch: Batch) -> tuple[jax.Array, jax.Array]:
        _check_is_batch(batch)
        check_examples(batch.latent, latent_shape, argument="batch.latent", taker="the generator")
        fake = generator.apply(theta, generator_input(batch))
        _check_real(batch.real, np.shape(fake)[1:])
        return batch.real, fake

    def noisy(x: jax.Array, batch: Batch, use: int) -> jax.Array:
        if noiseless:
            return x
        keys = check_keys(batch.key, num_examples=len(x), purpose="instance noise")
        return x + jnp.asarray(instance_noise, x.dtype) * normal_like(fold(keys, use), x)

    def judge(phi: PyTree, x: jax.Array, batch: Batch) -> jax.Array:
        """Return the discriminator's outputs, shape (batch, outputs)."""
        outputs = discriminator.apply(phi, discriminator_input(x, batch))
        return outputs.reshape(len(outputs), -1)

    def losses(params: Players, batch: Batch) -> Players:
        real, fake = examples(params.theta, batch)
        judged = (real, fake) if join is None else join(params, batch, real, fake)
        noisy_real, noisy_fake = (
            noisy(x, batch, use) for x, use in zip(judged, (REAL_NOISE, FAKE_NOISE), strict=True)
        )
        of_fake, of_real = (
            judge(params.phi, noisy_fake, batch),
            judge(params.phi, noisy_real, batch),
        )
        values = check_losses(score(logit(of_real), logit(of_fake)), what="the objective's loss")
        if finish is not None:
            values = finish(values, Seen(params, batch, real, fake, of_real, of_fake))
        if slope is None:
            return values
        keys = fold(batch.key, PENALTY)
        paid = slope(lambda x: logit(judge(params.phi, x, batch)), noisy_real, noisy_fake, keys)
        paid = jnp.asarray(check_scalar(paid, what="the penalty"))
        return values._replace(phi=values.phi + jnp.asarray(penalty_weight, paid.dtype) * paid)

    def outputs(params: Players, batch: Batch) -> Outputs:
        real, fake = examples(params.theta, batch)
        judged = (real, fake) if join is None else join(params, batch, real, fake)
        return Outputs(real, fake, *(logit(judge(params.phi, x, batch)) for x in judged))

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(generator.init(key_theta), discriminator.init(key_phi))

    return joint(losses, init)._replace(outputs=outputs)


def add_to_both(values: Players, weight: ArrayLike, term: jax.Array) -> Players:
    """Return the losses with the same term, times its weight, added to each."""
    shared = jnp.asarray(weight, term.dtype) * term
    return Players(values.theta + shared, values.phi + shared)


def objective_of(given: str | Objective) -> Objective:
    """Return an objective, by its name or as it is."""
    return given if callable(given) else lookup(OBJECTIVES, str(given), argument="objective")


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


def check_shapes(
    *asked: tuple[str, tuple[int, ...], tuple[int, ...], str], verb: str = "take"
) -> None:
    """Raise a ``ValueError`` unless each network takes, or gives, what it must.

    Args:
        asked: for each its name, the shape that it must take, the one that it takes, and of what.
        verb: "take" or "give".
    """
    for name, wanted, given, what in asked:
        if tuple(given) != wanted:
            of = f"{what}, " if what else ""
            raise ValueError(f"{name} must {verb} {of}shape {wanted}, got {tuple(given)}")


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
