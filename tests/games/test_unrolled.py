"""Unrolled games against closed forms, against unrolling by hand, and as games."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.games._unrolled import unrolled
from tests.cases import assert_trees_close, batch_of, mlp_gan, params_of

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("num_steps", [0, 1, 3])
@pytest.mark.parametrize(("h", "c"), [(0.3, 1.0), (0.4, 2.0)])
def test_bilinear(num_steps, h, c):
    s = num_steps * h * c
    game = unrolled(gf.games.bilinear(c), num_steps=num_steps, step_size=h)
    eigenvalues = gf.eigenvalues(gf.vector_field(game))(gf.Players(0.3, -0.2))
    root = np.sqrt(s**2 - 1 + 0j)
    expected = np.sort_complex([c * (-s + root), c * (-s - root)])
    np.testing.assert_allclose(np.sort_complex(eigenvalues), expected, atol=1e-9)


@pytest.mark.parametrize("num_steps", [1, 4])
def test_quadratic(num_steps):
    # φ_K = r^K φ + qθ with r = 1 − hb, q = (c/b)(1 − r^K), and c − bq = c r^K.
    a, b, c, h = 0.7, 0.5, 2.0, 0.3
    power = (1 - h * b) ** num_steps
    q = c / b * (1 - power)
    expected = np.array([[-(a + c * q + c * power * q), -c * power**2], [c, -b]])
    game = unrolled(gf.games.quadratic(a, b, c), num_steps=num_steps, step_size=h)
    jacobian = gf.jacobian(gf.vector_field(game))(gf.Players(0.3, -0.2))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-12)


def test_far_unrolled_it_is_the_game_against_the_best_answer():
    # max_φ of the loss is ½(a + c²/b)θ².
    a, b, c = 0.7, 0.5, 2.0
    game = unrolled(gf.games.quadratic(a, b, c), num_steps=200, step_size=0.3)
    direction = gf.vector_field(game)(gf.Players(0.3, 5.0)).theta
    np.testing.assert_allclose(direction, -(a + c**2 / b) * 0.3, rtol=1e-9)


@pytest.mark.long
def test_a_gan_unrolled_by_hand():
    case = mlp_gan()
    params, batch = params_of(case), batch_of(case)
    game = unrolled(case.game, num_steps=2, step_size=0.5)

    def loss(theta):
        phi = params.phi
        for _ in range(2):
            slope = jax.grad(lambda p, t=theta: case.game.losses(gf.Players(t, p), batch).phi)(phi)
            phi = jax.tree.map(lambda p, g: p - 0.5 * g, phi, slope)
        return case.game.losses(gf.Players(theta, phi), batch).theta

    expected, slope = jax.jit(jax.value_and_grad(loss))(params.theta)
    losses = jax.jit(game.losses)(params, batch)
    np.testing.assert_allclose(losses.theta, expected, rtol=1e-12)
    np.testing.assert_allclose(losses.phi, case.game.losses(params, batch).phi, rtol=1e-12)
    gradients = jax.jit(game.gradients)(params, batch)
    assert_trees_close(gradients.theta, slope, rtol=1e-9, atol=1e-14)
    assert_trees_close(gradients.phi, case.game.gradients(params, batch).phi, rtol=1e-9, atol=1e-14)


@pytest.mark.long
def test_it_is_a_game():
    game = unrolled(gf.games.dirac_gan("standard"), num_steps=3, step_size=0.2)
    gf.testing.check_game(game, game.init(jax.random.key(0)))
    assert game.equilibria == ()
    run = gf.simulate(
        gf.alternating(optax.sgd(0.2)), gf.vector_field(game), gf.Players(1.0, 1.0), num_steps=300
    )
    assert optax.tree.norm(run.params) < 1e-3  # steps on the game itself circle


def test_general_sum_games_may_have_their_equilibria_elsewhere():
    # φ's answer is θ, and θ's loss −φ: without influence θ would rest at 0.
    game = gf.games.general_sum(
        lambda theta, phi, batch: theta**2 / 2 - phi,
        lambda theta, phi, batch: (phi - theta) ** 2 / 2,
        init=lambda key: gf.Players(0.0, 0.0),
        equilibria=(gf.Players(0.0, 0.0),),
    )
    game = unrolled(game, num_steps=1, step_size=0.5)
    v = gf.vector_field(game)
    np.testing.assert_allclose(v(gf.Players(0.0, 0.0)), (0.5, 0.0), atol=1e-15)
    np.testing.assert_allclose(v(gf.Players(0.5, 0.5)), (0.0, 0.0), atol=1e-15)


def test_the_step_size_may_be_traced():
    @jax.jit
    @jax.vmap
    def slope(h):
        return gf.vector_field(unrolled(gf.games.bilinear(), num_steps=1, step_size=h))(
            gf.Players(1.0, 0.0)
        ).theta

    sizes = jnp.array([0.1, 0.5])
    np.testing.assert_allclose(slope(sizes), -2 * sizes, rtol=1e-12)


def test_bad_arguments_are_refused_at_once():
    with pytest.raises(ValueError, match=r"num_steps must be an integer ≥ 0, got -1"):
        unrolled(gf.games.bilinear(), num_steps=-1, step_size=0.1)
    with pytest.raises(ValueError, match=r"step_size must be a number ≥ 0, got -0.1"):
        unrolled(gf.games.bilinear(), step_size=-0.1)
