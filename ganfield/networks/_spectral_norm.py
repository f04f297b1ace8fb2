"""The largest singular value of a kernel, with exact derivatives of every order."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def spectral_norm(kernel: jax.Array) -> jax.Array:
    """Return σ, the largest singular value of a kernel as a matrix (all axes but the last, last).

    A pure function of the kernel. Layers divide by it, W/σ(W), and the Jacobian of a field then has
    σ's own derivatives in it, of first and second order; they follow from the eigenvector of the
    smaller Gram matrix by perturbation theory, and no iteration is differentiated. Training code
    usually keeps a vector u from step to step, takes σ = uᵀWv and holds u and v fixed. That gives
    the right gradient once u has converged, but not the right J: how u and v turn with W is missing
    from it, and so from consensus and from every spectrum.

    W/σ(W) does not depend on the length of W. So v has no component along a normalised kernel,
    ⟨W, v_W⟩ = 0, and only the biases and kernels that are not normalised can change the length of
    the output. σ has no derivative where the two largest singular values are equal, and W/σ(W) is
    NaN for W = 0.

    For a convolution this is the norm of the reshaped kernel, as in the reference, and not that of
    the convolution as a linear map of images.

    Args:
        kernel: (…, features).

    Returns:
        σ, a scalar.

    Reference:
        Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial
        Networks", 2018.

    Example:
        >>> spectral_norm(jnp.diag(jnp.array([3.0, 4.0]))).round(3)
        Array(4., dtype=float32)
    """
    matrix = kernel.reshape(-1, kernel.shape[-1])
    matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    # There is no eigh of bfloat16 or float16.
    matrix = matrix.astype(jnp.promote_types(kernel.dtype, jnp.float32))
    return jnp.sqrt(_largest(matrix.T @ matrix)[0]).astype(kernel.dtype)


@jax.custom_jvp
def _largest(gram: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the largest eigenvalue λ of a symmetric matrix G and its unit eigenvector q."""
    values, vectors = jnp.linalg.eigh(gram)
    return values[-1], vectors[:, -1]


@_largest.defjvp
def _largest_jvp(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[tuple[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
    # dλ = qᵀ dG q, and (λ − G) dq = dG q − dλ q with q ⟂ dq. JAX's own rule for eigh divides by
    # the differences of all eigenvalues, though only those to the largest matter here.
    (gram,), (change,) = primals, tangents
    value, vector = _largest(gram)
    turned = change @ vector
    d_value = vector @ turned
    matrix = value * (jnp.eye(gram.shape[0], dtype=gram.dtype) + jnp.outer(vector, vector)) - gram
    d_vector = jnp.linalg.solve(matrix, turned - d_value * vector)
    return (value, vector), (d_value, d_vector)
