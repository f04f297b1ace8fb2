"""Fields made from fields. Each takes any field and returns one with the same signature."""

from typing import Any

import jax
import jax.numpy as jnp

from ganfield._tree import add_scaled, negate
from ganfield._types import Field, Players, PyTree
from ganfield.errors import check_count, check_not_negative, leading_size


def consensus(field: Field, *, gamma: jax.typing.ArrayLike, groups: int = 1) -> Field:
    """Return the consensus field w = v − γ∇L, where L = ½‖E v‖² and ∇L = Jᵀv.

    Zeros of v are zeros of w, and at them w′ = J − γJᵀJ. Where J is negative semidefinite and
    invertible (at a local Nash equilibrium, say) this is negative definite: the second term moves
    eigenvalues away from the imaginary axis. Elsewhere w′ has a further term −γ(∂Jᵀ)v. Too large a
    γ makes attractors that are no equilibria: unstable zeros of v that w attracts (v = sin x, γ = 2
    at x = 0), and zeros of w where v is not zero, Jᵀv = v/γ.

    **Minibatches.** L is not a mean over examples, so the value of a batch of B independent ones is
    biased upwards, by tr Cov(v)/2B. ``groups=m`` splits the batch into m groups with means v_g and
    takes

        L ≈ (‖Σ v_g‖² − Σ ‖v_g‖²) / (2m(m−1)),

    which has no bias, and a variance that falls as m grows: m = 2 is the product of two half
    batches, ½⟨v₁, v₂⟩; m = B is the U-statistic over examples. ``groups=1`` is the paper's
    plug-in, ½‖v‖² of the whole batch. That there is no bias needs groups of one distribution:
    independent examples, or a batch sorted by strata (classes, modes) whose sizes m divides, since
    group g holds the examples g, g + m, g + 2m, …

    Under batch normalisation examples interact: each group then has statistics of its own, and the
    first term too becomes the mean of the groups' fields. Without it that mean is v itself.

    **Preconditioning.** An optimizer such as RMSProp divides w as a whole, so the γ that acts is
    not the γ of the theory; plain gradient steps keep it.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        gamma: γ ≥ 0; 10 in the paper's experiments. May be traced, and is then not checked.
        groups: m ≥ 1. It must divide the batch size.

    Returns:
        w, ``field(params, batch=None) -> Players``. It costs V + one vector–Jacobian product.

    Raises:
        ValueError: γ is negative; ``groups`` is no positive integer, or (when w is traced) does
            not divide the length of the batch's first axis.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 4. On the bias: Huszár,
        "GANs are Broken in More than One Way", 2017.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> gf.eigenvalues(gf.consensus(v, gamma=0.5))(gf.Players(0.0, 0.0)).round(3)
        Array([-0.5+1.j, -0.5-1.j], dtype=complex64)
    """
    check_not_negative(gamma, argument="gamma")
    groups = check_count(groups, argument="groups")

    def consensus_field(params: Players, batch: Any = None) -> Players:
        value, gradient = _value_and_norm_gradient(field, params, batch, groups)
        return add_scaled(value, -jnp.asarray(gamma), gradient)

    return consensus_field


def conservative_relaxation(field: Field, *, groups: int = 1) -> Field:
    """Return the field −∇L of L = ½‖E v‖², a gradient field that decreases ‖v‖.

    Its Jacobian is symmetric, so nothing circles; but every zero of v with an invertible J
    attracts, the saddles and maxima of the players' losses too, and it also rests where Jᵀv = 0 and
    v is not.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        groups: how L is estimated from a batch, as in `consensus`.

    Returns:
        −∇L, ``field(params, batch=None) -> Players``. It costs V + one vector–Jacobian product.

    Raises:
        ValueError: as `consensus`, for ``groups``.

    Reference:
        Huszár, "GANs are Broken in More than One Way", 2017; Hamiltonian gradient descent in
        Abernethy, Lai, Wibisono, 2019.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> gf.conservative_relaxation(v)(gf.Players(1.0, 2.0))
        Players(theta=Array(-1., dtype=float32...), phi=Array(-2., dtype=float32...))
    """
    groups = check_count(groups, argument="groups")

    def relaxation_field(params: Players, batch: Any = None) -> Players:
        return negate(_value_and_norm_gradient(field, params, batch, groups)[1])

    return relaxation_field


def jare(field: Field, *, gamma: jax.typing.ArrayLike) -> Field:
    """Return v − γJ_oᵀv: each player also makes the other's gradient small, but not its own.

    J_o holds the blocks of J across the players, so that θ moves along v_θ − γ∇_θ½‖v_φ‖², and φ
    along v_φ − γ∇_φ½‖v_θ‖². Zeros of v are zeros of it, and where the players have no curvature of
    their own it is `consensus`. The norms are those of the batch at hand, with the bias that
    `consensus` describes.

    Args:
        field: v, ``field(params, batch=None) -> Players``.
        gamma: γ ≥ 0; 10 in the paper's experiments. May be traced, and is then not checked.

    Returns:
        ``field(params, batch=None) -> Players``. It costs V + two vector–Jacobian products.

    Raises:
        ValueError: γ is negative.

    Reference:
        Nie, Patel, "Towards a Better Understanding and Regularization of GAN Training Dynamics",
        2019 (JARE).

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(1.0, 1.0, coupling=2.0))
        >>> gf.jacobian(gf.jare(v, gamma=0.5))(gf.Players(0.0, 0.0))  # own curvature 1 → 3
        Array([[-3., -1.],
               [ 1., -3.]], dtype=float32)
    """
    check_not_negative(gamma, argument="gamma")

    def jare_field(params: Players, batch: Any = None) -> Players:
        value, pullback = jax.vjp(lambda p: field(p, batch), params)
        zeros = jax.tree.map(jnp.zeros_like, value)
        (of_phi,) = pullback(Players(zeros.theta, value.phi))
        (of_theta,) = pullback(Players(value.theta, zeros.phi))
        return add_scaled(value, -jnp.asarray(gamma), Players(of_phi.theta, of_theta.phi))

    return jare_field


def identity(field: Field) -> Field:
    """Return the field itself, so that "no transform" has a name.

    Args:
        field: ``field(params, batch=None) -> Players``.

    Returns:
        The same object.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.bilinear())
        >>> identity(v) is v
        True
    """
    return field


def _value_and_norm_gradient(
    field: Field, params: Players, batch: PyTree, groups: int
) -> tuple[Players, Players]:
    """Return v and the estimate of ∇½‖E v‖² that ``groups`` asks for."""
    if groups == 1:
        value, pullback = jax.vjp(lambda p: field(p, batch), params)
        return value, pullback(value)[0]
    split = _split(batch, groups)
    values, pullback = jax.vjp(lambda p: jax.vmap(field, in_axes=(None, 0))(p, split), params)
    # ∇(‖Σ v_g‖² − Σ ‖v_g‖²)/(2m(m−1)) = Σ_g J_gᵀ (Σ_{h≠g} v_h) / (m(m−1))
    others = jax.tree.map(lambda v: (v.sum(0) - v) / (groups * (groups - 1)), values)
    return jax.tree.map(lambda v: v.mean(0), values), pullback(others)[0]


def _split(batch: PyTree, groups: int) -> PyTree:
    size = leading_size(batch)
    if size is None or size % groups:
        raise ValueError(
            f"groups must divide the batch size, the length of the first axis of every leaf of the "
            f"batch: got groups={groups} and "
            f"{'no such length' if size is None else f'batch size {size}'}"
        )
    return jax.tree.map(
        lambda leaf: leaf.reshape(size // groups, groups, *leaf.shape[1:]).swapaxes(0, 1), batch
    )
