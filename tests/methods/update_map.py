"""The linear map of a step on everything that a state remembers."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree


def update_jacobian(method, field, state, num_steps=1):
    """The Jacobian of so many steps in the floats of the state: parameters and memory."""
    leaves, structure = jax.tree.flatten(state)
    inexact = [jnp.issubdtype(leaf.dtype, jnp.inexact) for leaf in leaves]

    def floats(tree):
        return [x for x, kept in zip(jax.tree.leaves(tree), inexact, strict=True) if kept]

    flat, unravel = ravel_pytree(floats(state))

    def advance(x):
        given = iter(unravel(x))
        after = [next(given) if kept else x for x, kept in zip(leaves, inexact, strict=True)]
        after = jax.tree.unflatten(structure, after)
        for _ in range(num_steps):
            after, _ = method.step(field, after, None)
        return ravel_pytree(floats(after))[0]

    return np.asarray(jax.jit(jax.jacobian(advance))(flat))


def assert_eigenvalues(matrix, expected, tolerance=1e-9):
    """Compare two spectra as sets: the best partner of each is close."""
    found = list(np.linalg.eigvals(matrix))
    assert len(found) == len(expected)
    for value in expected:
        nearest = int(np.argmin(np.abs(np.array(found) - value)))
        np.testing.assert_allclose(found.pop(nearest), value, rtol=0, atol=tolerance)


def both_signs(of_z, s_values):
    """The eigenvalues that a rule gives on z = ±is, for each s."""
    signed = [sign * 1j * s for s in s_values for sign in (1, -1)]
    return np.concatenate([np.atleast_1d(of_z(z)) for z in signed])
