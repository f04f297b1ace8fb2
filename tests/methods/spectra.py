"""Spectra of update maps, compared with roots."""

import jax
import numpy as np

import ganfield as gf


def update_jacobian(method, field, state, **options):
    """The Jacobian of `gf.update_map` at a state."""
    update = gf.update_map(method, field, state, **options)
    return np.asarray(jax.jit(update.jacobian)(update.point))


def assert_eigenvalues(matrix, expected, tolerance=1e-9):
    """Compare two spectra as sets: the best partner of each is close."""
    remaining = list(np.linalg.eigvals(matrix))
    assert len(remaining) == len(expected)
    for value in expected:
        nearest = int(np.argmin(np.abs(np.array(remaining) - value)))
        np.testing.assert_allclose(remaining.pop(nearest), value, rtol=0, atol=tolerance)


def both_signs(of_z, s_values):
    """The eigenvalues that a rule gives on z = ±is, for each s."""
    signed = [sign * 1j * s for s in s_values for sign in (1, -1)]
    return np.concatenate([np.atleast_1d(of_z(z)) for z in signed])
