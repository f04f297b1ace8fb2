"""Consensus: the field, and the gradient that makes it small."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ganfield._registry import registered
from ganfield._tree import add_scaled
from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_count, check_not_negative
from ganfield.field._field import TRANSFORMS
from ganfield.field._square_norm import value_and_norm_gradient


@registered(TRANSFORMS)
def consensus(field: Field, *, gamma: ArrayLike, groups: int = 1) -> Field:
    """Return the consensus field (ConOpt) w = v − γ∇L, where L = ½‖E v‖² and ∇L = Jᵀv.

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
        value, gradient = value_and_norm_gradient(field, params, batch, groups, user="consensus")
        return add_scaled(value, -jnp.asarray(gamma), gradient)

    return consensus_field
