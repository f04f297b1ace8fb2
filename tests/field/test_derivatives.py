"""v, Ju, Jᵀu and J of every game against float64 finite differences of the losses and of v."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import FORMS, GAMES, TRANSFORMS, batch_of, params_of

pytestmark = pytest.mark.usefixtures("x64")
STEP = 1e-6


def flat_functions(case, field):
    """The losses and a field as functions of one flat vector, and where to evaluate them."""
    batch = batch_of(case)
    flat, unravel = ravel_pytree(params_of(case))
    losses = jax.jit(lambda x: jnp.stack(case.game.losses(unravel(x), batch)))
    value = jax.jit(lambda x: ravel_pytree(field(unravel(x), batch))[0])
    return losses, value, flat, unravel, batch


def differences(function, flat):
    """Central differences, one column for each coordinate."""
    columns = [
        (function(flat + STEP * unit) - function(flat - STEP * unit)) / (2 * STEP)
        for unit in np.eye(flat.size)
    ]
    return np.stack(columns, axis=-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", GAMES)
def test_field_is_minus_each_players_own_gradient(name):
    case = GAMES[name]
    losses, value, flat, unravel, _ = flat_functions(case, gf.vector_field(case.game))
    theta_size = ravel_pytree(unravel(flat).theta)[0].size
    slopes = differences(losses, flat)
    expected = -np.concatenate([slopes[0, :theta_size], slopes[1, theta_size:]])
    np.testing.assert_allclose(value(flat), expected, rtol=1e-6, atol=1e-8)


# The first two meet every form of a game; what is left to the others does not depend on the game.
EVERY_GAME = ("identity", "consensus")
FEW_GAMES = ("quadratic", "dirac_gan", "lattice", "gan_standard")
PAIRS = [(name, transform) for name in FORMS for transform in EVERY_GAME]
PAIRS += [(name, other) for name in FEW_GAMES for other in TRANSFORMS if other not in EVERY_GAME]


def tier(name, transform):
    """Third derivatives of two networks compile for several seconds."""
    is_long = name == "gan_standard" and transform not in EVERY_GAME
    return pytest.mark.long if is_long else pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "transform"), [pytest.param(*pair, marks=tier(*pair)) for pair in PAIRS]
)
def test_jacobian_against_finite_differences(name, transform):
    case = GAMES[name]
    field = gf.TRANSFORMS[transform](gf.vector_field(case.game), **TRANSFORMS[transform])
    _, value, flat, unravel, batch = flat_functions(case, field)
    expected = differences(value, flat)
    vector = np.random.default_rng(0).normal(size=flat.size)

    @jax.jit
    def derivatives(params, direction):
        return (
            gf.jacobian(field, chunk_size=5)(params, batch),
            gf.jvp(field)(params, direction, batch),
            gf.vjp(field)(params, direction, batch),
        )

    jacobian, forward, backward = derivatives(unravel(flat), unravel(vector))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ravel_pytree(forward)[0], expected @ vector, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(ravel_pytree(backward)[0], expected.T @ vector, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_jacobian_orders_theta_before_phi_and_keeps_shapes_apart():
    params = gf.Players(theta={"b": jnp.ones(2), "a": jnp.ones(1)}, phi=jnp.ones((1, 2)))

    def field(params, batch=None):
        flat = ravel_pytree(params)[0]
        return ravel_pytree(params)[1](jnp.arange(25.0).reshape(5, 5) @ flat)

    jacobian = gf.jacobian(field)(params)
    np.testing.assert_array_equal(jacobian, np.arange(25.0).reshape(5, 5))


@pytest.mark.long
def test_jacobian_does_not_depend_on_the_chunk():
    case = GAMES["gan_standard"]
    v = gf.vector_field(case.game)
    params, batch = params_of(case), batch_of(case)
    whole = gf.jacobian(v, chunk_size=1000)(params, batch)
    for chunk_size in (1, 7):
        jacobian = gf.jacobian(v, chunk_size=chunk_size)(params, batch)
        np.testing.assert_allclose(jacobian, whole, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="chunk_size must be an integer ≥ 1, got 0"):
        gf.jacobian(v, chunk_size=0)
