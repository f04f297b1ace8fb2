"""A game: two losses, and where the players start."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ganfield._registry import Registry, name_of, named
from ganfield._tree import negate
from ganfield._types import Players, PyTree
from ganfield.checks import check_scalar

Loss = Callable[[PyTree, PyTree, Any], jax.Array]
"""``loss(theta, phi, batch) -> scalar``, minimised by its player."""

Init = Callable[[jax.Array], Players]
"""``init(key) -> params``."""


def normal_scalars(key: jax.Array) -> Players:
    """Return a standard normal number for each player: where games of two scalars start."""
    return Players(*jax.random.normal(key, (2,)))


class Outputs(NamedTuple):
    """What the players of a GAN show on a batch, without instance noise.

    Attributes:
        real: the real examples.
        fake: what the generator makes.
        logits_real: how real the discriminator takes each real example for, shape (batch,).
        logits_fake: the same of the fakes.
    """

    real: jax.Array
    fake: jax.Array
    logits_real: jax.Array
    logits_fake: jax.Array


class Game(NamedTuple):
    """What is played: each player minimises its own loss of both players' parameters.

    Build one with `general_sum`, `zero_sum`, `joint` or `gan`.

    Attributes:
        losses: ``losses(params, batch=None) -> Players`` of two scalars.
        gradients: ``gradients(params, batch=None) -> Players``, each player's gradient of its own
            loss in its own parameters, (∇θ loss_θ, ∇φ loss_φ). How they are found differs (one
            gradient serves both players of a zero-sum game), what they are does not.
        init: ``init(key) -> Players``, random parameters to start from.
        jacobian: ``jacobian(params) -> (n, n)``, the derivative of v = −gradients by hand, where
            the game has one in closed form.
        equilibria: the known points where v = 0.
        outputs: ``outputs(params, batch) -> Outputs``, of games of a generator against a
            discriminator.
    """

    losses: Callable[..., Players]
    gradients: Callable[..., Players]
    init: Init
    jacobian: Callable[[Players], jax.Array] | None = None
    equilibria: tuple[Players, ...] = ()
    outputs: Callable[..., Outputs] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Players:
        """Raise the ``ValueError`` of whoever takes a game for a field."""
        raise ValueError("field must be a field, got a Game: give gf.vector_field(game)")

    def __repr__(self) -> str:
        return name_of(self.losses, "Game")


GAMES: Registry[Callable[..., Game]] = Registry("game")
"""Name → builder: of games in closed form (`closed_forms`), and of GANs (`gans`)."""


def closed_forms() -> dict[str, Callable[..., Game]]:
    """Return name → builder of the registered games that need no argument: those in closed form.

    Example:
        >>> closed_forms()["bilinear"]()
        bilinear()
    """
    return {name: build for name, build in GAMES.items() if not _needs_arguments(build)}


def gans() -> dict[str, Callable[..., Game]]:
    """Return name → builder of the registered games that are given their networks first.

    Example:
        >>> sorted(gans())[:3]
        ['auxiliary_classifier_gan', 'bigan', 'conditional_gan']
    """
    return {name: build for name, build in GAMES.items() if _needs_arguments(build)}


def _needs_arguments(build: Callable[..., Game]) -> bool:
    parameters = inspect.signature(build).parameters.values()
    return any(parameter.default is parameter.empty for parameter in parameters)


@named
def general_sum(
    loss_theta: Loss,
    loss_phi: Loss,
    init: Init,
    *,
    jacobian: Callable[[Players], jax.Array] | None = None,
    equilibria: tuple[Players, ...] = (),
) -> Game:
    """Return the game of two losses that need have nothing to do with each other.

    Args:
        loss_theta: ``loss_theta(theta, phi, batch) -> scalar``, which θ minimises.
        loss_phi: ``loss_phi(theta, phi, batch) -> scalar``, which φ minimises.
        init: ``init(key) -> Players``.
        jacobian: the closed form of v′, if there is one.
        equilibria: the known points where v = 0.

    Returns:
        A `Game`.

    Raises:
        ValueError: when the losses are traced: one is no scalar.

    Example:
        >>> import ganfield as gf
        >>> game = general_sum(
        ...     lambda theta, phi, batch: theta * phi,
        ...     lambda theta, phi, batch: (phi - theta) ** 2,
        ...     init=lambda key: gf.Players(1.0, 2.0),
        ... )
        >>> gf.vector_field(game)(gf.Players(1.0, 2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(-2., dtype=float32...))
    """
    of_theta = _scalar(loss_theta, "the loss of theta")
    of_phi = _scalar(loss_phi, "the loss of phi")

    def losses(params: Players, batch: Any = None) -> Players:
        theta, phi = params
        return Players(of_theta(theta, phi, batch), of_phi(theta, phi, batch))

    def gradients(params: Players, batch: Any = None) -> Players:
        theta, phi = params
        return Players(
            jax.grad(of_theta, argnums=0)(theta, phi, batch),
            jax.grad(of_phi, argnums=1)(theta, phi, batch),
        )

    return Game(losses, gradients, init, jacobian, equilibria)


@named
def zero_sum(
    loss: Loss,
    init: Init,
    *,
    jacobian: Callable[[Players], jax.Array] | None = None,
    equilibria: tuple[Players, ...] = (),
) -> Game:
    """Return the game in which θ minimises what φ maximises: loss_φ = −loss_θ.

    Args:
        loss: ``loss(theta, phi, batch) -> scalar``, θ's loss.
        init: ``init(key) -> Players``.
        jacobian: the closed form of v′, if there is one.
        equilibria: the known points where v = 0.

    Returns:
        A `Game`.

    Raises:
        ValueError: when the losses are traced: one is no scalar.

    Example:
        >>> import ganfield as gf
        >>> game = zero_sum(lambda theta, phi, batch: theta * phi, lambda key: gf.Players(1.0, 2.0))
        >>> gf.vector_field(game)(gf.Players(1.0, 2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(1., dtype=float32...))
    """
    of_both = _scalar(loss, "the loss")

    def losses(params: Players, batch: Any = None) -> Players:
        value = of_both(params.theta, params.phi, batch)
        return Players(value, -value)

    def gradients(params: Players, batch: Any = None) -> Players:
        theta, phi = jax.grad(of_both, argnums=(0, 1))(params.theta, params.phi, batch)
        return Players(theta, negate(phi))

    return Game(losses, gradients, init, jacobian, equilibria)


@named
def joint(
    losses: Callable[[Players, Any], Players],
    init: Init,
    *,
    jacobian: Callable[[Players], jax.Array] | None = None,
    equilibria: tuple[Players, ...] = (),
) -> Game:
    """Return the game of two losses that share most of their work, as those of a GAN do.

    The shared work is traced and linearised once; two transposes, each of one loss, give the two
    players their gradients.

    Args:
        losses: ``losses(params, batch) -> Players`` of two scalars.
        init: ``init(key) -> Players``.
        jacobian: the closed form of v′, if there is one.
        equilibria: the known points where v = 0.

    Returns:
        A `Game`.

    Raises:
        ValueError: when the losses are traced: one is no scalar.

    Example:
        >>> import ganfield as gf
        >>> def losses(params, batch):
        ...     shared = params.theta * params.phi
        ...     return gf.Players(shared, params.phi**2 - shared)
        >>> game = joint(losses, init=lambda key: gf.Players(1.0, 2.0))
        >>> gf.vector_field(game)(gf.Players(1.0, 2.0))
        Players(theta=Array(-2., dtype=float32...), phi=Array(-3., dtype=float32...))
    """

    def with_default(params: Players, batch: Any = None) -> Players:
        return check_losses(losses(params, batch), what="the loss")

    def gradients(params: Players, batch: Any = None) -> Players:
        values, push = jax.linearize(lambda p: with_default(p, batch), params)

        def of(player: str) -> PyTree:
            # Of one loss alone: a cotangent of 0 for the other would leave zeros that are numbers
            # where a block of J is cut, and nobody could tell (`ganfield.field`, linearize).
            pull = jax.linear_transpose(lambda tangent: getattr(push(tangent), player), params)
            (gradient,) = pull(jnp.ones_like(getattr(values, player)))
            return getattr(gradient, player)

        return Players(of("theta"), of("phi"))

    return Game(with_default, gradients, init, jacobian, equilibria)


def check_losses(values: Any, *, what: str) -> Players:
    """Return `Players` of two losses, or raise a ``ValueError`` unless they are two scalars.

    Args:
        values: what a function returned.
        what: a loss of its, for the message.
    """
    if jax.tree_util.all_leaves([values]) or len(values) != 2:
        raise ValueError(f"{what} must come as gf.Players(theta, phi), got {type(values).__name__}")
    theta, phi = values
    return Players(
        check_scalar(theta, what=f"{what} of theta"), check_scalar(phi, what=f"{what} of phi")
    )


def _scalar(loss: Loss, what: str) -> Loss:
    def checked(theta: PyTree, phi: PyTree, batch: Any) -> jax.Array:
        return check_scalar(loss(theta, phi, batch), what=what)

    return checked
