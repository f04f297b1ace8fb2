"""Many paths at once against one run for each."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close

BILINEAR = gf.vector_field(gf.games.bilinear())
STARTS = gf.Players(jnp.array([1.0, 2.0, -0.5]), jnp.array([0.0, 1.0, 0.5]))


def one_by_one(method, field, starts, **settings):
    """Runs, one after the other, stacked along the second axis."""
    count = jax.tree.leaves(starts)[0].shape[0]
    runs = [
        gf.simulate(
            method,
            field,
            jax.tree.map(lambda x, i=i: x[i], starts),
            record=lambda state, info: state.params,
            **settings,
        ).records
        for i in range(count)
    ]
    return jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "every"), [(gf.simultaneous, 1), (gf.alternating, 3), (gf.optimistic, 3)]
)
def test_a_loop_over_starts(build, every):
    method = build(optax.adam(0.1))
    settings = {"num_steps": 6, "record_every": every}
    paths = gf.trajectories(method, BILINEAR, STARTS, **settings)
    assert paths.theta.shape == (1 + 6 // every, 3)
    np.testing.assert_array_equal(paths.theta[0], STARTS.theta)
    assert_trees_close(
        paths, one_by_one(method, BILINEAR, STARTS, **settings), rtol=1e-5, atol=1e-6
    )


@pytest.mark.slow
def test_all_starts_see_the_same_batches():
    def field(params, batch):
        return gf.Players({"w": batch - params.theta["w"]}, batch.sum() - params.phi)

    starts = gf.Players({"w": jnp.arange(6.0).reshape(2, 3)}, jnp.arange(2.0))
    method = gf.alternating(optax.sgd(0.1))  # two batches a step
    settings = {
        "num_steps": 4,
        "record_every": 2,
        "key": jax.random.key(7),
        "sample": lambda key: jax.random.normal(key, (3,)),
    }
    paths = gf.trajectories(method, field, starts, **settings)
    assert paths.theta["w"].shape == (3, 2, 3)
    assert_trees_close(paths, one_by_one(method, field, starts, **settings), rtol=1e-5, atol=1e-6)


def test_what_diverges_ends_in_nan_and_the_others_go_on():
    def field(params, batch=None):
        return gf.Players(params.theta**2, -params.phi)

    starts = gf.Players(jnp.array([3.0, -0.5]), jnp.array([1.0, 1.0]))
    paths = gf.trajectories(gf.simultaneous(optax.sgd(1.0)), field, starts, num_steps=20)
    finite = np.isfinite(paths.theta[:, 0])
    stop = int(np.argmin(finite))
    assert 2 < stop < 12
    assert finite[:stop].all()
    for leaf in paths:  # of both players, from the first failure on
        assert np.isnan(leaf[stop:, 0]).all()
        assert np.isfinite(leaf[:, 1]).all()


def test_integers_become_floats_and_float64_stays():
    method = gf.simultaneous(optax.sgd(0.5))
    starts = gf.Players(np.array([1, 2]), np.array([0, 0]))
    paths = gf.trajectories(method, BILINEAR, starts, num_steps=2)
    assert paths.theta.dtype == jnp.float32
    np.testing.assert_allclose(paths.theta[-1], [0.75, 1.5])
    with jax.enable_x64(True):
        wide = gf.trajectories(method, BILINEAR, gf.Players(*map(np.float64, starts)), num_steps=2)
    assert wide.theta.dtype == np.float64


def test_jit_and_grad_go_through():
    method = gf.simultaneous(optax.sgd(0.1))

    def end(starts):
        return gf.trajectories(method, BILINEAR, starts, num_steps=3).theta[-1].sum()

    slopes = jax.jit(jax.grad(end))(STARTS)
    # The map is (I + hJ)³, the same for all.
    power = np.linalg.matrix_power(np.eye(2) + 0.1 * np.array([[0, -1], [1, 0]]), 3)
    np.testing.assert_allclose(slopes, np.repeat(power[0][:, None], 3, axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("starts", "arguments", "message"),
    [
        (gf.Players(1.0, 2.0), {}, "starts must be Players of arrays with the starts along"),
        (gf.Players(jnp.ones(2), jnp.ones(3)), {}, r"theta=\(2,\), phi=\(3,\)"),
        (gf.Players(jnp.ones(0), jnp.ones(0)), {}, "starts must be"),
        (STARTS, {"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        (STARTS, {"sample": lambda key: None}, "key must be given with sample"),
    ],
)
def test_bad_arguments(starts, arguments, message):
    method = gf.simultaneous(optax.sgd(0.1))
    with pytest.raises(ValueError, match=message):
        gf.trajectories(method, BILINEAR, starts, **({"num_steps": 4} | arguments))
