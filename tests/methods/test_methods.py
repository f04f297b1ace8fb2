"""Steps against the closed forms of the bilinear game, and against single-player optimizers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

import ganfield as gf
from tests.cases import assert_trees_close, mlp_gan, params_of

pytestmark = pytest.mark.usefixtures("x64")


def update_matrix(method, field):
    """The map of one step on scalar players, column by column."""
    columns = [
        method.step(field, method.init(gf.Players(*point)), None)[0].params for point in np.eye(2)
    ]
    return np.stack([np.array(column) for column in columns], axis=-1)


@pytest.mark.parametrize(("h", "c"), [(0.3, 1.0), (0.7, 2.0), (1.5, 0.4)])
def test_bilinear_update_maps(h, c):
    v = gf.vector_field(gf.games.bilinear(c))
    s = h * c
    eigenvalues = np.linalg.eigvals(update_matrix(gf.simultaneous(optax.sgd(h)), v))
    np.testing.assert_allclose(np.abs(eigenvalues) ** 2, 1 + s**2, rtol=1e-12)

    gamma = 0.6
    w = gf.consensus(v, gamma=gamma)
    eigenvalues = np.linalg.eigvals(update_matrix(gf.simultaneous(optax.sgd(h)), w))
    expected = (1 - h * gamma * c**2) ** 2 + s**2
    np.testing.assert_allclose(np.abs(eigenvalues) ** 2, expected, rtol=1e-12)


@pytest.mark.parametrize("order", [("phi", "theta"), ("theta", "phi")])
@pytest.mark.parametrize(("theta_steps", "phi_steps"), [(1, 1), (1, 3), (2, 3)])
def test_bilinear_alternating(order, theta_steps, phi_steps):
    h, c = 0.4, 1.3
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.alternating(optax.sgd(h), theta_steps=theta_steps, phi_steps=phi_steps, order=order)
    matrix = update_matrix(method, v)
    np.testing.assert_allclose(np.linalg.det(matrix), 1, rtol=1e-12)
    np.testing.assert_allclose(np.trace(matrix), 2 - theta_steps * phi_steps * (h * c) ** 2)
    # Who moves first does not see the other's move.
    first_row = order.index("theta") == 0
    np.testing.assert_allclose(matrix[0 if first_row else 1, 0 if first_row else 1], 1.0)


# Other methods look at more than the field's value here, or correct one player's move by another's.
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating])
def test_with_a_frozen_opponent_it_is_the_optimizer_alone(build):
    game = gf.games.quadratic(2.0, 1.0, 0.7)
    optimizer = optax.adam(0.1)
    method = build(gf.Players(optimizer, optax.set_to_zero()))
    state = method.init(gf.Players(1.0, -0.5))
    theta = jnp.asarray(1.0)
    memory = optimizer.init(theta)
    for _ in range(10):
        state, _ = method.step(gf.vector_field(game), state, None)
        updates, memory = optimizer.update(2.0 * theta + 0.7 * (-0.5), memory, theta)
        theta = optax.apply_updates(theta, updates)
    np.testing.assert_allclose(state.params.theta, theta, rtol=1e-12)
    assert float(state.params.phi) == -0.5


def test_alternating_without_a_players_moves_is_the_other_alone():
    game = gf.games.quadratic(2.0, 1.0, 0.7)
    method = gf.alternating(optax.sgd(0.1), theta_steps=0)
    state, info = method.step(gf.vector_field(game), method.init(gf.Players(1.0, -0.5)), None)
    assert float(state.params.theta) == 1.0
    assert float(info.direction.theta) == 0.0
    np.testing.assert_allclose(state.params.phi, -0.5 + 0.1 * (0.7 + 0.5), rtol=1e-12)


def test_the_second_optimizer_is_phis():
    game = gf.games.general_sum(
        lambda theta, phi, batch: -theta, lambda theta, phi, batch: -phi, init=lambda key: None
    )
    method = gf.alternating(optax.sgd(0.1), optax.sgd(0.3))
    state, _ = method.step(gf.vector_field(game), method.init(gf.Players(0.0, 0.0)), None)
    np.testing.assert_allclose(state.params, (0.1, 0.3), rtol=1e-12)


def test_fresh_batches_are_used_in_the_order_of_the_moves():
    game = gf.games.general_sum(
        lambda theta, phi, batch: -theta * batch,
        lambda theta, phi, batch: -phi * batch,
        init=lambda key: gf.Players(0.0, 0.0),
    )
    v = gf.vector_field(game)
    batches = jnp.array([1.0, 10.0, 100.0])

    def end(**settings):
        method = gf.alternating(optax.sgd(1.0), phi_steps=2, **settings)
        shown = batches if method.num_batches == 3 else batches[0]
        return method.step(v, method.init(gf.Players(0.0, 0.0)), shown)[0].params

    assert end() == (100.0, 11.0)
    assert end(order=("theta", "phi")) == (1.0, 110.0)
    assert end(fresh_batches=False) == (1.0, 2.0)


def test_one_optimizer_over_both_players_mixes_what_two_keep_apart():
    game = gf.games.general_sum(
        lambda theta, phi, batch: -3.0 * theta,
        lambda theta, phi, batch: -4.0 * phi,
        init=lambda key: gf.Players(0.0, 0.0),
    )
    v = gf.vector_field(game)
    clipped = optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(1.0))

    def end(optimizer):
        method = gf.simultaneous(optimizer)
        return method.step(v, method.init(gf.Players(0.0, 0.0)), None)[0].params

    np.testing.assert_allclose(end(clipped), (0.6, 0.8), rtol=1e-6)
    np.testing.assert_allclose(end(gf.Players(clipped, clipped)), (1.0, 1.0), rtol=1e-6)


@pytest.mark.long
def test_consensus_without_gamma_moves_like_simultaneous():
    case = mlp_gan()
    v = gf.vector_field(case.game)
    method = gf.simultaneous(gf.numerics_rmsprop(1e-2))

    def end(field):
        return gf.simulate(
            method, field, params_of(case), num_steps=20, key=jax.random.key(3), sample=case.sample
        ).params

    assert_trees_close(end(gf.consensus(v, gamma=0.0)), end(v), rtol=1e-10, atol=1e-14)


def test_numerics_rmsprop_is_tensorflow_1s():
    optimizer = gf.numerics_rmsprop(0.01)
    x, mean_square = 2.0, 1.0
    params = jnp.asarray(x)
    state = optimizer.init(params)
    for _ in range(5):
        gradient = 3 * x**2
        mean_square = 0.9 * mean_square + 0.1 * gradient**2
        x -= 0.01 * gradient / np.sqrt(mean_square + 1e-10)
        updates, state = optimizer.update(3 * params**2, state, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(params, x, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"phi_steps": -1}, "phi_steps must be an integer ≥ 0, got -1"),
        ({"theta_steps": 1.5}, "theta_steps must be an integer ≥ 0, got 1.5"),
        ({"theta_steps": 0, "phi_steps": 0}, "must not both be 0"),
        ({"order": ("theta", "theta")}, r'order must be \("phi", "theta"\) or'),
    ],
)
def test_bad_arguments_of_alternating(arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.alternating(optax.sgd(0.1), **arguments)


def test_one_batch_where_several_are_needed_is_refused():
    case = mlp_gan()
    method = gf.alternating(optax.sgd(0.1))
    with pytest.raises(ValueError, match=r"batch must hold 2 batches, .* that axis is 8"):
        method.step(
            gf.vector_field(case.game),
            method.init(params_of(case)),
            case.sample(jax.random.key(0)),
        )
    with pytest.raises(ValueError, match="phi_optimizer must be left out"):
        gf.alternating(gf.Players(optax.sgd(0.1), optax.sgd(0.1)), optax.sgd(0.1))


DEMANDING = {
    "polyak_sgd": optax.polyak_sgd(),
    "lbfgs": optax.lbfgs(),
    "line_search": optax.chain(optax.sgd(0.1), optax.scale_by_backtracking_linesearch(5)),
    "momo": optax.contrib.momo(),
    "reduce_on_plateau": optax.contrib.reduce_on_plateau(),
    "sophia": optax.contrib.sophia(0.1),
}


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [(name, "polyak_sgd") for name in gf.METHODS] + [("simultaneous", one) for one in DEMANDING],
)
def test_an_optimizer_that_asks_for_a_loss_is_named(name, optimizer):
    method = gf.METHODS[name](DEMANDING[optimizer])
    v = gf.vector_field(gf.games.quadratic())
    batch = jnp.zeros(method.num_batches)
    message = r"^optimizer could not make its update, it raised \w+Error: .* a field has no loss"
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda s: method.step(v, s, batch), method.init(gf.Players(1.0, 1.0)))
