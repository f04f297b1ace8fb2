"""Unrolled games: the generator plays against the discriminator of some steps later."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ganfield._registry import named
from ganfield._tree import add_scaled, strong
from ganfield._types import ArrayLike, Players, PyTree
from ganfield.checks import check_count, check_not_negative, check_scalar
from ganfield.games._base import Game


@named
def unrolled(game: Game, *, num_steps: int = 5, step_size: ArrayLike) -> Game:
    """Return the game in which θ's loss is taken after φ has made some more steps.

    From φ₀ = φ, φ descends its own loss, φ_{k+1} = φ_k − h∇_φ loss_φ(θ, φ_k), all on the batch at
    hand. θ's loss becomes loss_θ(θ, φ_K), and its gradient follows how φ_K depends on θ; φ's loss
    stays. With K → ∞, θ plays against φ's best answer.

    In a zero-sum game the equilibria stay. In others θ gains the influence it has on φ's answer,
    which may move them, so the new game names none. On the bilinear game with s = hc its field has
    the eigenvalues −Ksc ± c√(K²s² − 1).

    Args:
        game: the game to unroll.
        num_steps: K ≥ 0; 0 is the game itself.
        step_size: h ≥ 0. May be traced, and is then not checked.

    Returns:
        A `Game`, without a closed form of its Jacobian. θ's gradient costs K more of φ's, and the
        way back through them, with memory in proportion to K.

    Raises:
        ValueError: ``num_steps`` is no integer ≥ 0; h is negative.

    Reference:
        Metz, Poole, Pfau, Sohl-Dickstein, "Unrolled Generative Adversarial Networks", 2017.

    Example:
        >>> import ganfield as gf
        >>> game = unrolled(gf.games.bilinear(), num_steps=1, step_size=0.5)
        >>> gf.vector_field(game)(gf.Players(1.0, 2.0))  # θ meets φ₁ = 2.5, and shares in it
        Players(theta=Array(-3., dtype=float32...), phi=Array(1., dtype=float32...))
    """
    num_steps = check_count(num_steps, argument="num_steps", minimum=0)
    check_not_negative(step_size, argument="step_size")

    def answer(theta: PyTree, phi: PyTree, batch: Any) -> PyTree:
        def body(phi: PyTree, _: None) -> tuple[PyTree, None]:
            slope = game.gradients(Players(theta, phi), batch).phi
            return add_scaled(phi, -jnp.asarray(step_size), slope), None

        return jax.lax.scan(body, phi, None, length=num_steps)[0]

    def of_theta(theta: PyTree, phi: PyTree, batch: Any) -> jax.Array:
        value = game.losses(Players(theta, answer(theta, phi, batch)), batch).theta
        return check_scalar(value, what="the loss of theta")

    def losses(params: Players, batch: Any = None) -> Players:
        theta, phi = strong(params)
        return Players(of_theta(theta, phi, batch), game.losses(params, batch).phi)

    def gradients(params: Players, batch: Any = None) -> Players:
        theta, phi = strong(params)
        return Players(jax.grad(of_theta)(theta, phi, batch), game.gradients(params, batch).phi)

    return Game(losses, gradients, game.init)
