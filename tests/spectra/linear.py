"""Fields whose Jacobians are known without the library."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

import ganfield as gf
from ganfield.spectra._both_products import BothProducts
from tests.cases import GAMES, PLANE_GAMES


def linear(params, matrix):
    """v(x) = Mx, whose batch is its matrix: one program meets all matrices of a size."""
    flat, unravel = ravel_pytree(params)
    return unravel(matrix @ flat)


def multiplied(_field, params, matrix, *, user):
    """Stand in for `both_products` where the field is `linear`: hundreds of calls, untraced."""
    split = sum(leaf.size for leaf in jax.tree.leaves(params.theta))
    return BothProducts(len(matrix), split, np.dtype(float), lambda u: (matrix @ u, matrix.T @ u))


def together(params, batch=None):
    """Play all games of two numbers beside each other: one number of each player for each game."""
    fields = [gf.vector_field(GAMES[name].game) for name in PLANE_GAMES]
    numbers = zip(*params, strict=True)
    values = [field(gf.Players(*each)) for field, each in zip(fields, numbers, strict=True)]
    return gf.Players(*map(jnp.stack, zip(*values, strict=True)))


def somewhere(seed):
    """A point for `together`."""
    return gf.Players(*jnp.asarray(np.random.default_rng(seed).normal(size=(2, len(PLANE_GAMES)))))


def jacobian_of(field, params, batch=None):
    """The Jacobian by JAX's own function."""
    flat, unravel = ravel_pytree(params)
    return np.asarray(
        jax.jit(jax.jacfwd(lambda x: ravel_pytree(field(unravel(x), batch))[0]))(flat)
    )


def zeros(theta, phi):
    """Players of so many numbers, θ's in two arrays."""
    first = theta // 3
    return gf.Players({"a": jnp.zeros(first), "b": jnp.zeros((theta - first, 1))}, jnp.zeros(phi))


def game_like(rng, theta, phi, decay=1.0):
    """A matrix with symmetric blocks of one's own, and couplings that are nearly opposite."""
    size = theta + phi
    scale = decay ** np.arange(size)
    matrix = (rng.normal(size=(size, size)) * scale) @ rng.normal(size=(size, size)) / size
    for block in (slice(0, theta), slice(theta, size)):
        matrix[block, block] += matrix[block, block].T
    matrix[theta:, :theta] = -matrix[:theta, theta:].T + 0.3 * matrix[theta:, :theta]
    return matrix
