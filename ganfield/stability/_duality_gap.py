"""What each player would still gain if the other one stood still."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._compiled import compiled
from ganfield._html import html_of
from ganfield._tree import strong
from ganfield._types import Players, PyTree, Sampler
from ganfield.checks import as_params, check_count
from ganfield.field import vector_field
from ganfield.games import Game
from ganfield.methods import Optimizer
from ganfield.methods._base import ascend, per_player


class DualityGap(NamedTuple):
    """What each player gains alone.

    Attributes:
        gain_theta: by how much the first player's loss falls in its steps against a frozen second.
        gain_phi: the same of the second player.
    """

    gain_theta: float
    gain_phi: float

    @property
    def gap(self) -> float:
        """Return the sum of both gains: of a zero-sum game 0 at an equilibrium alone."""
        return self.gain_theta + self.gain_phi

    def __repr__(self) -> str:
        gains = f"θ gains {self.gain_theta:.4g}, φ {self.gain_phi:.4g}"
        return f"DualityGap: {self.gap:.4g} ({gains})"

    def _repr_html_(self) -> str:
        return html_of(self)


def duality_gap(
    game: Game,
    params: Players,
    batch: Any = None,
    *,
    num_steps: int,
    optimizer: Optimizer | Players,
    sample: Sampler | None = None,
    key: jax.Array | None = None,
) -> DualityGap:
    """Return what each player gains in k steps of its own against the other, which stands still.

    With θ* and φ* what k steps make of θ and of φ, from copies,

        gain_θ = loss_θ(θ, φ) − loss_θ(θ*, φ),    gain_φ = loss_φ(θ, φ) − loss_φ(θ, φ*).

    Of a zero-sum game and best responses the sum is the duality gap, max L(θ, ·) − min L(·, φ).
    With k steps it is a lower bound where steps descend, and 0 at a stationary point. Under
    minibatches gains are taken on a batch that no step saw, and may be negative. Few steps see
    little, and where no best response is (as in the bilinear game) the gap grows with k: compare
    only gaps of one k and one optimizer.

    Args:
        game: what is played.
        params: where.
        batch: what all steps and losses see, if ``sample`` is None.
        num_steps: k.
        optimizer: an optax transformation, or `Players` of two; its memory is fresh.
        sample: ``sample(key) -> batch``: each step sees another batch, the losses one of their own.
        key: a typed key, for those batches.

    Returns:
        A `DualityGap`, traced where ``params`` are.

    Raises:
        ValueError: ``game`` is no game, ``num_steps`` no positive integer, or ``sample`` comes
            without ``key``.

    Reference:
        Grnarova et al., "A Domain Agnostic Measure for Monitoring and Evaluating GANs", 2019.

    Example:
        >>> import optax, ganfield as gf
        >>> game = gf.games.bilinear()  # losses θφ and −θφ
        >>> gf.duality_gap(game, gf.Players(1.0, 2.0), num_steps=5, optimizer=optax.sgd(0.1))
        DualityGap: 2.5 (θ gains 2, φ 0.5)
    """
    if not isinstance(game, Game):
        raise ValueError(
            f"game must be a Game, whose losses are compared, got {type(game).__name__}"
        )
    num_steps = check_count(num_steps, argument="num_steps")
    if sample is not None and key is None:
        raise ValueError("key must be given with sample, for example jax.random.key(0)")
    params = strong(as_params(params))
    optimizers = per_player(optimizer)

    def at(index: jax.Array) -> PyTree:
        if sample is None or key is None:
            return batch
        return sample(jax.random.fold_in(key, index))

    def gains(params: Players) -> tuple[jax.Array, jax.Array]:
        def body(copies: Copies, index: jax.Array) -> tuple[Copies, None]:
            return alone(game, optimizers, params, copies, at(index)), None

        copies = jax.lax.scan(body, copies_of(optimizers, params), jnp.arange(num_steps))[0]
        return gains_of(game, params, copies, at(jnp.int32(num_steps)))

    found = compiled(gains, params, name="_gains")(params)
    if any(isinstance(gain, jax.core.Tracer) for gain in found):
        return DualityGap(*found)
    return DualityGap(*(float(np.asarray(gain)) for gain in found))


class Copies(NamedTuple):
    """What the players make of themselves, each alone, and their optimizers' memories."""

    params: Players
    memory: Players


def copies_of(optimizers: Players, params: Players) -> Copies:
    """Return the players before their own steps."""
    memory = (each.init(own) for each, own in zip(optimizers, params, strict=True))
    return Copies(params, strong(Players(*memory)))


def alone(
    game: Game, optimizers: Players, params: Players, copies: Copies, batch: PyTree
) -> Copies:
    """Return the players after a step of each against the other as it was."""
    field = vector_field(game)
    moved = []
    for name in Players._fields:
        own = getattr(copies.params, name)
        direction = getattr(field(params._replace(**{name: own}), batch), name)
        memory = getattr(copies.memory, name)
        moved.append(ascend(getattr(optimizers, name), direction, memory, own))
    return Copies(*(Players(*parts) for parts in zip(*moved, strict=True)))


def gains_of(
    game: Game, params: Players, copies: Copies, batch: PyTree
) -> tuple[jax.Array, jax.Array]:
    """Return how far each player's loss fell."""
    before = game.losses(params, batch)
    theta = game.losses(params._replace(theta=copies.params.theta), batch).theta
    phi = game.losses(params._replace(phi=copies.params.phi), batch).phi
    return before.theta - theta, before.phi - phi
