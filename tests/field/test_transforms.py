"""Consensus and the conservative field against closed forms, and the minibatch estimators."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import FORMS, GAMES, assert_trees_close, batch_of, mlp_gan, params_of

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_without_gamma_consensus_is_the_field(name):
    case = GAMES[name]
    v = gf.vector_field(case.game)
    params, batch = params_of(case), batch_of(case)
    assert_trees_close(
        gf.consensus(v, gamma=0.0)(params, batch), v(params, batch), rtol=1e-14, atol=0
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_relaxation_is_minus_the_gradient_of_half_the_squared_norm(name):
    case = GAMES[name]
    v = gf.vector_field(case.game)
    params, batch = params_of(case), batch_of(case)
    flat, unravel = ravel_pytree(params)

    @jax.jit
    def half_square(x):
        return 0.5 * jnp.sum(ravel_pytree(v(unravel(x), batch))[0] ** 2)

    step = 1e-6
    expected = [
        -(half_square(flat + step * e) - half_square(flat - step * e)) / (2 * step)
        for e in np.eye(flat.size)
    ]
    pull = ravel_pytree(gf.conservative_relaxation(v)(params, batch))[0]
    np.testing.assert_allclose(pull, expected, rtol=1e-5, atol=1e-8)
    w = gf.consensus(v, gamma=0.3)(params, batch)
    np.testing.assert_allclose(
        ravel_pytree(w)[0], ravel_pytree(v(params, batch))[0] + 0.3 * pull, rtol=1e-12, atol=1e-14
    )


def test_dirac_consensus_gradient_away_from_the_equilibrium():
    # ∂θ ½‖v‖² = θ f′² + φ(θ²+φ²) f′ f″ at t = θφ for the standard objective's twin, the js one,
    # where f(t) = −log(1 + e^−t) after the sign of φ is turned: D(fake) = −t.
    theta, phi = 0.7, -1.3
    t = -theta * phi
    first = 1 / (1 + np.exp(t))
    second = -first * (1 - first)
    by_theta = theta * first**2 - phi * (theta**2 + phi**2) * first * second
    by_phi = phi * first**2 - theta * (theta**2 + phi**2) * first * second
    v = gf.vector_field(gf.games.dirac_gan("js"))
    pull = gf.conservative_relaxation(v)(gf.Players(theta, phi))
    np.testing.assert_allclose([-pull.theta, -pull.phi], [by_theta, by_phi], rtol=1e-12)


@pytest.mark.slow
def test_exact_jacobian_equals_the_approximation_only_where_v_is_zero():
    gamma = 0.8
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    w = gf.consensus(v, gamma=gamma)

    def gap(params):
        approximation = gf.spectra.approximate_consensus_jacobian(
            gf.jacobian(v)(params), gamma=gamma
        )
        return np.abs(gf.jacobian(w)(params) - approximation).max()

    assert gap(gf.Players(0.0, 0.0)) < 1e-14
    assert gap(gf.Players(1.0, 0.5)) > 0.05


@pytest.mark.slow
def test_too_large_a_gamma_attracts_to_an_unstable_zero():
    game = gf.games.general_sum(
        lambda theta, phi, batch: jnp.cos(theta),
        lambda theta, phi, batch: phi**2,
        init=lambda key: None,
    )
    v = gf.vector_field(game)  # v_θ = sin θ
    w = gf.consensus(v, gamma=2.0)
    for theta, of_v, of_w in ((0.0, 1.0, -1.0), (np.pi, -1.0, -3.0)):
        point = gf.Players(theta, 0.0)
        np.testing.assert_allclose(gf.jacobian(v)(point)[0, 0], of_v, atol=1e-12)
        np.testing.assert_allclose(gf.jacobian(w)(point)[0, 0], of_w, atol=1e-12)
    edge = gf.Players(np.arccos(0.5), 0.0)  # sin θ = 2 cos θ sin θ: a zero of w but not of v
    np.testing.assert_allclose(w(edge).theta, 0, atol=1e-12)
    assert abs(float(v(edge).theta)) > 0.8


def test_consensus_keeps_the_plain_gradient_where_the_regulariser_has_none():
    # θ's second parameter enters its loss linearly and alone: ∇½‖v‖² is structurally zero in it.
    game = gf.games.general_sum(
        lambda theta, phi, batch: theta["used"] * phi + 3.0 * theta["alone"],
        lambda theta, phi, batch: -theta["used"] * phi,
        init=lambda key: None,
    )
    params = gf.Players({"used": 1.0, "alone": 2.0}, 1.0)
    v = gf.vector_field(game)
    relaxed = gf.conservative_relaxation(v)(params)
    assert float(relaxed.theta["alone"]) == 0.0
    assert float(gf.consensus(v, gamma=10.0)(params).theta["alone"]) == -3.0


def noisy_game():
    """A game with multiplicative noise, so that the gradient of the plug-in's bias is not zero."""
    return gf.games.zero_sum(
        lambda theta, phi, batch: jnp.mean(batch) * theta * phi + jnp.mean(batch**2) * theta,
        init=lambda key: None,
    )


@pytest.mark.slow
def test_groups_estimate_the_gradient_without_bias():
    v = gf.vector_field(noisy_game())
    params = gf.Players(0.8, -0.4)
    batch_size, num_batches = 4, 200_000
    batches = 0.5 + jax.random.normal(jax.random.key(0), (num_batches, batch_size))
    # E v is the field at the moments of the batch: E x = ½, E x² = 5/4.
    expected_v = gf.games.zero_sum(
        lambda theta, phi, batch: 0.5 * theta * phi + 1.25 * theta, init=lambda key: None
    )
    truth = np.asarray(gf.conservative_relaxation(gf.vector_field(expected_v))(params))

    def mean_and_error(groups):
        field = jax.vmap(gf.conservative_relaxation(v, groups=groups), in_axes=(None, 0))
        estimates = np.asarray(jax.jit(field)(params, batches))
        return estimates.mean(axis=1), estimates.std(axis=1) / np.sqrt(num_batches)

    for groups in (2, 4):
        mean, error = mean_and_error(groups)
        assert np.all(np.abs(mean - truth) < 5 * error), groups
    mean, error = mean_and_error(1)
    assert np.any(np.abs(mean - truth) > 20 * error)
    assert np.all(mean_and_error(4)[1] <= mean_and_error(2)[1])


@pytest.mark.long
def test_two_groups_are_the_product_of_two_half_batches():
    case = mlp_gan()
    v = jax.jit(gf.vector_field(case.game))
    params, batch = params_of(case), batch_of(case)
    halves = [jax.tree.map(lambda leaf, start=s: leaf[start::2], batch) for s in (0, 1)]
    first, second = (v(params, half) for half in halves)
    expected = jax.tree.map(
        lambda a, b: -(a + b) / 2,
        gf.vjp(v)(params, second, halves[0]),
        gf.vjp(v)(params, first, halves[1]),
    )
    product = gf.conservative_relaxation(v, groups=2)(params, batch)
    assert_trees_close(product, expected, rtol=1e-10, atol=1e-14)
    # Without batch statistics the first term is v of the whole batch, whatever the groups.
    assert_trees_close(
        gf.consensus(v, gamma=0.0, groups=4)(params, batch), v(params, batch), rtol=1e-10
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": -1.0}, r"gamma must be a number ≥ 0, got -1.0"),
        ({"gamma": np.array([1.0, -2.0])}, r"gamma must be a number ≥ 0"),
        ({"gamma": float("nan")}, r"gamma must be a number ≥ 0, got nan"),
        ({"gamma": 1.0, "groups": 0}, r"groups must be an integer ≥ 1, got 0"),
        ({"gamma": 1.0, "groups": 1.5}, r"groups must be an integer ≥ 1, got 1.5"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.consensus(gf.vector_field(gf.games.bilinear()), **arguments)


def test_groups_must_divide_the_batch():
    case = mlp_gan()
    w = gf.consensus(gf.vector_field(case.game), gamma=1.0, groups=3)
    with pytest.raises(ValueError, match=r"groups=3 and batch size 8"):
        jax.eval_shape(w, params_of(case), batch_of(case))
    w = gf.consensus(gf.vector_field(gf.games.bilinear()), gamma=1.0, groups=2)
    with pytest.raises(ValueError, match=r"groups=2 and no such length"):
        w(gf.Players(1.0, 1.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMS)
def test_jare_adds_the_gradient_of_the_others_norm(name):
    case = GAMES[name]
    v = gf.vector_field(case.game)
    params, batch, gamma = params_of(case), batch_of(case), 0.7
    flat, unravel = ravel_pytree(params)
    theta_size = ravel_pytree(params.theta)[0].size

    @jax.jit
    def half_squares(x):
        value = v(unravel(x), batch)
        return jnp.stack([0.5 * jnp.sum(ravel_pytree(part)[0] ** 2) for part in value])

    step = 1e-6
    slopes = np.stack(
        [
            (half_squares(flat + step * e) - half_squares(flat - step * e)) / (2 * step)
            for e in np.eye(flat.size)
        ],
        axis=-1,
    )
    others = np.concatenate([slopes[1, :theta_size], slopes[0, theta_size:]])
    field = gf.jare(v, gamma=gamma)
    direction = ravel_pytree(field(params, batch))[0]
    expected = np.asarray(ravel_pytree(v(params, batch))[0]) - gamma * others
    np.testing.assert_allclose(direction, expected, rtol=1e-5, atol=1e-8)
    jitted = jax.jit(lambda gamma: gf.jare(v, gamma=gamma)(params, batch))(gamma)
    np.testing.assert_allclose(ravel_pytree(jitted)[0], direction, rtol=1e-8, atol=1e-12)
    assert_trees_close(gf.jare(v, gamma=0.0)(params, batch), v(params, batch), rtol=1e-14, atol=0)


def test_jare_is_consensus_without_the_players_own_curvature():
    point = gf.Players(0.3, -0.8)
    bilinear = gf.vector_field(gf.games.bilinear(1.5))
    expected = gf.consensus(bilinear, gamma=0.4)(point)
    assert_trees_close(gf.jare(bilinear, gamma=0.4)(point), expected, rtol=1e-14)
    # With it, −γJᵀJ's own part is missing: v′ − γ·(c² on the diagonal, ca and −cb across).
    a, b, c, gamma = 2.0, 3.0, 0.5, 0.4
    v = gf.vector_field(gf.games.quadratic(a, b, c))
    J = np.array([[-a, -c], [c, -b]])
    across = np.array([[0, -c], [c, 0]])
    jacobian = gf.jacobian(gf.jare(v, gamma=gamma))(point)
    np.testing.assert_allclose(jacobian, J - gamma * across.T @ J, rtol=1e-12)


@pytest.mark.slow
def test_jare_keeps_dtypes_and_goes_with_a_player_of_no_parameters():
    def field(params, batch=None):
        return jax.tree.map(lambda x: -(x**2), params)

    params = gf.Players(jnp.ones(2, jnp.bfloat16), jnp.ones((), jnp.float32))
    direction = jax.vmap(gf.jare(field, gamma=0.5))(jax.tree.map(lambda x: x[None], params))
    assert [leaf.dtype for leaf in direction] == [jnp.bfloat16, jnp.float32]
    assert gf.jare(field, gamma=0.5)(gf.Players(3.0, ())) == gf.Players(-9.0, ())
    with pytest.raises(ValueError, match="gamma must be a number ≥ 0, got -1"):
        gf.jare(field, gamma=-1)
