"""Eigenvalues of a field's Jacobian, and the step size that they allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._types import ArrayLike, Field, Players
from ganfield.checks import check_count, check_not_negative, leading_size
from ganfield.field import check_dense, jacobian
from ganfield.spectra._krylov_eigenvalues import krylov_eigenvalues
from ganfield.spectra._listening import listening
from ganfield.spectra._smooth import check_smooth
from ganfield.spectra._targets import key_of


def eigenvalues(
    field: Field,
    *,
    chunk_size: int = 16,
    num: int | None = None,
    target: str | complex = "largest_real",
) -> Callable[..., jax.Array]:
    """Return the spectrum of a field's Jacobian, or its leading eigenvalues.

    An equilibrium attracts the flow x′ = field(x) when every real part is negative; how fast the
    flow turns round it, the imaginary parts say. The matrix is dense: n parameters need n² numbers
    and some 25 n³ operations. Ctrl-C is heard meanwhile; LAPACK itself goes on until the process
    ends.

    Args:
        field: ``field(params, batch=None) -> Players``.
        chunk_size: as in `ganfield.jacobian`.
        num: how many, without the matrix (`ganfield.krylov_eigenvalues`, which tells how far to
            believe each). If None all are found, with it.
        target: of so many, which, as in `ganfield.krylov_eigenvalues`.

    Returns:
        ``spectrum(params, batch=None) -> (n,)`` complex array, in no particular order, or
        ``(num,)``, what is wanted most first. It raises a ``ValueError`` where the field has a
        kink, at which eigenvalues mean nothing, or the machine has not the memory; of a number of
        eigenvalues, where those are not sure. In compiled or batched code, where numbers are not
        known, all are found and neither is looked at.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 3.

    Example:
        >>> import ganfield as gf
        >>> v = gf.vector_field(gf.games.quadratic(coupling=2.0))
        >>> gf.eigenvalues(v)(gf.Players(0.0, 0.0)).round(3)
        Array([-1.+2.j, -1.-2.j], dtype=complex64)
        >>> gf.eigenvalues(v, num=1, target="largest_imaginary")(gf.Players(0.0, 0.0)).round(3)
        Array([-1.+2.j], dtype=complex64)
    """
    if num is not None:
        return _leading(field, check_count(num, argument="num"), target)
    matrix = jacobian(field, chunk_size=chunk_size)

    def spectrum(params: Players, batch: Any = None) -> jax.Array:
        check_dense(params, copies=7)  # with LAPACK's and those that look for kinks, as measured
        J = matrix(params, batch)
        if isinstance(J, jax.core.Tracer):
            return jnp.linalg.eigvals(J)
        check_smooth(field, params, batch, J)
        return listening(jnp.linalg.eigvals, J)

    return spectrum


def _leading(field: Field, num: int, target: str | complex) -> Callable[..., jax.Array]:
    jacobian(field)  # says what is no field
    key_of(target)

    def spectrum(params: Players, batch: Any = None) -> jax.Array:
        answer = krylov_eigenvalues(field, params, batch, num=num, target=target)
        if not answer.complete:
            raise ValueError(
                f"num must be a number of eigenvalues that products tell apart, got {num}: "
                f"{np.count_nonzero(answer.converged)} of them converged in {answer.products} "
                "products, and others may be missing; gf.krylov_eigenvalues gives what there is, "
                "and goes on from it (max_products, start)"
            )
        return jnp.asarray(answer.eigenvalues)

    return spectrum


def max_step_size(eigenvalues: ArrayLike) -> jax.Array:
    """Return the bound on h below which simultaneous steps converge near an equilibrium.

    x ← x + h·v(x) converges locally if abs(1 + hλ) < 1 for every eigenvalue λ of v′, that is if

        h < min over λ of (1/abs(Re λ)) · 2/(1 + (Im λ/Re λ)²) = −2 Re λ/abs(λ)².

    Args:
        eigenvalues: eigenvalues of v′ at the equilibrium, any shape.

    Returns:
        The bound, a scalar ≥ 0. It is 0 where some eigenvalue has a real part ≥ 0: then no step
        size will do. It is NaN where an eigenvalue is NaN.

    Raises:
        ValueError: there is no eigenvalue.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, Lemma 4.

    Example:
        >>> import jax.numpy as jnp
        >>> max_step_size(jnp.array([-1 + 3j, -1 - 3j]))  # 2·1/10
        Array(0.2, dtype=float32)
        >>> max_step_size(jnp.array([1j, -1j]))
        Array(0., dtype=float32)
    """
    values = jnp.ravel(jnp.asarray(eigenvalues))
    if values.size == 0:
        raise ValueError("eigenvalues must hold at least one eigenvalue, got none")
    left = ~(values.real >= 0)
    size = jnp.where(left, jnp.abs(values) ** 2, 1)
    return jnp.min(jnp.where(left, -2 * values.real / size, 0))


def mean_jacobian(field: Field, *, chunk_size: int = 16) -> Callable[..., jax.Array]:
    """Return the Jacobian of a field, averaged over several minibatches.

    Args:
        field: ``field(params, batch) -> Players``.
        chunk_size: as in `ganfield.jacobian`.

    Returns:
        ``matrix(params, batches) -> (n, n)``, where ``batches`` holds them along a new first axis
        of every leaf. They are gone through one by one.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> game = gf.games.zero_sum(
        ...     lambda theta, phi, batch: theta * phi * jnp.mean(batch), lambda key: None
        ... )
        >>> batches = jnp.array([[1.0, 2.0], [3.0, 6.0]])
        >>> gf.spectra.mean_jacobian(gf.vector_field(game))(gf.Players(0.0, 0.0), batches)
        Array([[ 0., -3.],
               [ 3.,  0.]], dtype=float32)
    """
    matrix = jacobian(field, chunk_size=chunk_size)

    def mean(params: Players, batches: Any) -> jax.Array:
        count = leading_size(batches) or 1
        check_dense(params, copies=count + 1, what=f"the Jacobians of {count} batches")
        return jnp.mean(jax.lax.map(lambda batch: matrix(params, batch), batches), axis=0)

    return mean


def approximate_consensus_jacobian(jacobian: ArrayLike, *, gamma: ArrayLike) -> jax.Array:
    """Return J − γJᵀJ, which the Jacobian w′ of the consensus field equals where v = 0.

    Elsewhere w′ has a further term −γ(∂Jᵀ)v; ``gf.jacobian(gf.consensus(v, gamma=gamma))`` has it.

    Args:
        jacobian: J = v′, shape (n, n).
        gamma: γ ≥ 0.

    Returns:
        J − γJᵀJ, shape (n, n).

    Raises:
        ValueError: J is not square, or γ negative.

    Reference:
        Mescheder, Nowozin, Geiger, "The Numerics of GANs", 2017, section 4.

    Example:
        >>> import jax.numpy as jnp, ganfield as gf
        >>> J = jnp.array([[0.0, -1.0], [1.0, 0.0]])
        >>> gf.spectra.approximate_consensus_jacobian(J, gamma=0.5)
        Array([[-0.5, -1. ],
               [ 1. , -0.5]], dtype=float32)
    """
    check_not_negative(gamma, argument="gamma")
    matrix = jnp.asarray(jacobian)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"jacobian must be a square matrix, got shape {matrix.shape}")
    return matrix - gamma * matrix.T @ matrix
