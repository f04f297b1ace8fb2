"""Learning a covariance: a Wasserstein GAN with a linear generator, without sampling."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ganfield._registry import registered
from ganfield._types import ArrayLike, Players
from ganfield.checks import check_array, concrete
from ganfield.games._base import GAMES, Game, zero_sum


@registered(GAMES)
def covariance(sigma: ArrayLike = 1.0) -> Game:
    """Return the zero-sum game min over V, max over W of tr Wᵀ(Σ − VVᵀ).

    It is the expected Wasserstein GAN of data x ~ N(0, Σ), generator Vz with z ~ N(0, I) and
    discriminator xᵀWx; V is θ and W is φ. v = ((W + Wᵀ)V, Σ − VVᵀ).

    The equilibria listed are (L, 0) and (−L, 0) with LLᵀ = Σ, L the Cholesky factor; (LQ, 0) is one
    for every orthogonal Q, and so is (LQ, W) for every antisymmetric W. There the eigenvalues of v′
    are ±i√(2(σᵢ + σⱼ)) for i ≤ j, with σ those of Σ, and n(n−1) zeros; ±2i√σ where Σ is a number.
    Nothing but rotation: simultaneous steps spiral out.

    Args:
        sigma: Σ, a positive number (both players are then scalars) or a symmetric positive definite
            matrix, shape (n, n) (both players then have that shape). May be traced, and its values
            are then not checked.

    Returns:
        A `Game` with its Jacobian and two of its equilibria.

    Raises:
        ValueError: Σ is neither a positive number nor a symmetric positive definite matrix.

    Reference:
        Daskalakis, Ilyas, Syrgkanis, Zeng, "Training GANs with Optimism", 2018.

    Example:
        >>> import ganfield as gf
        >>> game = gf.games.covariance(sigma=4.0)
        >>> gf.eigenvalues(gf.vector_field(game))(game.equilibria[0]).round(3)
        Array([0.+4.j, 0.-4.j], dtype=complex64)
    """
    check_array(sigma, argument="sigma")
    shape = np.shape(sigma)
    known = concrete(sigma)
    if shape and (len(shape) != 2 or shape[0] != shape[1]):
        raise ValueError(f"sigma must be a number or a square matrix, got shape {shape}")
    if known is not None and not _positive_definite(known):
        raise ValueError(
            "sigma must be a positive number or a symmetric positive definite matrix, "
            f"got {sigma!r}"
        )
    matrix = jnp.asarray(sigma, jnp.result_type(float, sigma))
    size = shape[0] if shape else 1

    def loss(theta: jax.Array, phi: jax.Array, batch: None) -> jax.Array:
        del batch
        return jnp.vdot(phi, matrix - (theta @ theta.T if shape else theta**2))

    def init(key: jax.Array) -> Players:
        key_theta, key_phi = jax.random.split(key)
        return Players(
            jax.random.normal(key_theta, shape, matrix.dtype),
            jax.random.normal(key_phi, shape, matrix.dtype),
        )

    def jacobian(params: Players) -> jax.Array:
        # In ravel order vec(AXB) = (A ⊗ Bᵀ) vec X, and vec Xᵀ = swap · vec X.
        theta, phi = (jnp.reshape(x, (size, size)) for x in params)
        eye = jnp.eye(size)
        swap = jnp.einsum("il,jk->ijkl", eye, eye).reshape(size**2, size**2)
        both = jnp.eye(size**2) + swap
        return jnp.block(
            [
                [jnp.kron(phi + phi.T, eye), jnp.kron(eye, theta.T) @ both],
                [-both @ jnp.kron(eye, theta), jnp.zeros((size**2, size**2))],
            ]
        )

    factor = jnp.linalg.cholesky(matrix) if shape else jnp.sqrt(matrix)
    zero = jnp.zeros(shape, matrix.dtype)
    equilibria = (Players(factor, zero), Players(-factor, zero))
    return zero_sum(loss, init, jacobian=jacobian, equilibria=equilibria)


def _positive_definite(sigma: np.ndarray) -> bool:
    square = np.atleast_2d(sigma).astype(float)
    if not np.all(np.isfinite(square)) or not np.allclose(square, square.T):
        return False
    return bool(np.linalg.eigvalsh(square).min() > 0)
