"""The words that every part of the library shares."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import jax

from ganfield._summarize import summarize

PyTree: TypeAlias = Any

ArrayLike: TypeAlias = jax.typing.ArrayLike
"""A number or an array. With ``from __future__ import annotations`` help shows it by this name."""


class Players(NamedTuple):
    """One thing for each of the two players.

    Parameters, fields, losses, optimizers and per-player settings all have this shape. In a GAN
    game ``theta`` belongs to the generator and ``phi`` to the discriminator.

    Attributes:
        theta: what belongs to the first player (any pytree).
        phi: what belongs to the second player (any pytree).

    Example:
        >>> import jax
        >>> jax.tree.map(lambda x: 2 * x, Players(theta=1.0, phi=(2.0, 3.0)))
        Players(theta=2.0, phi=(4.0, 6.0))
    """

    theta: Any
    phi: Any

    def __repr__(self) -> str:
        return summarize(self)


class Batch(NamedTuple):
    """A minibatch of a GAN game.

    Attributes:
        real: real examples, shape ``(batch, *example_shape)``.
        latent: the generator's inputs, shape ``(batch, *latent_shape)``.
        label: the class of each real example, integers of shape ``(batch,)``, for games that are
            played with labels.
        key: a typed key for each example, shape ``(batch,)``, for games that draw random numbers
            (instance noise, random points between real and fake). So the field stays a pure
            function, and a batch is split or sharded with its randomness.
    """

    real: jax.Array
    latent: jax.Array
    label: jax.Array | None = None
    key: jax.Array | None = None


Field: TypeAlias = Callable[..., Players]
"""``field(params, batch=None) -> Players``: the direction in which the players move."""

Sampler: TypeAlias = Callable[[jax.Array], PyTree]
"""``sample(key) -> batch``: a pure function of a typed key."""
