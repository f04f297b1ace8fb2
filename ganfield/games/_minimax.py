"""Where minimax points and the field's attractors differ: two quadratic games."""

from __future__ import annotations

from ganfield._registry import registered
from ganfield.games._base import GAMES, Game
from ganfield.games._quadratic import quadratic


@registered(GAMES)
def unstable_minimax() -> Game:
    """Return the zero-sum game loss_θ = −3θ² − φ² + 4θφ, whose minimax point v leaves.

    (0, 0) is a local minimax point: φ's best answer is φ = 2θ, and with it the loss is θ². But
    v = (6θ − 4φ, 4θ − 2φ), whose Jacobian has the double eigenvalue 2, so v repels.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Reference:
        Wang, Zhang, Ba, "On Solving Minimax Optimization Locally: A Follow-the-Ridge Approach",
        2020.

    Example:
        >>> import ganfield as gf
        >>> gf.jacobian(gf.vector_field(gf.games.unstable_minimax()))(gf.Players(0.0, 0.0))
        Array([[ 6., -4.],
               [ 4., -2.]], dtype=float32)
    """
    return quadratic(theta_curvature=-6.0, phi_curvature=2.0, coupling=4.0)


@registered(GAMES)
def stable_non_minimax() -> Game:
    """Return the zero-sum game loss_θ = 3θ² + φ² + 4θφ, in which v attracts to no minimax point.

    (0, 0) is no local minimax point: the loss, which φ maximises, is convex in φ. But
    v = (−6θ − 4φ, 4θ + 2φ), whose Jacobian has the double eigenvalue −2, so v attracts.

    Returns:
        A `Game` with its Jacobian and its equilibrium (0, 0).

    Reference:
        Wang, Zhang, Ba, "On Solving Minimax Optimization Locally: A Follow-the-Ridge Approach",
        2020.

    Example:
        >>> import ganfield as gf
        >>> gf.jacobian(gf.vector_field(gf.games.stable_non_minimax()))(gf.Players(0.0, 0.0))
        Array([[-6., -4.],
               [ 4.,  2.]], dtype=float32)
    """
    return quadratic(theta_curvature=6.0, phi_curvature=-2.0, coupling=4.0)
