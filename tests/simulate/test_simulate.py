"""One run: scan = loop, batches, records, stops, and refusals before compilation."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close, mlp_gan, params_of


def theta_of(state, info):
    return state.params.theta


# The scan does not know the method; the contract tests make the same comparison for every one.
@pytest.mark.long
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating, gf.extragradient])
def test_scan_is_a_python_loop(build):
    case = mlp_gan()
    v, key, params = gf.vector_field(case.game), jax.random.key(5), params_of(case)
    method = build(optax.adam(0.01))
    run = gf.simulate(method, v, params, num_steps=6, key=key, sample=case.sample)
    state = method.init(params)
    for step in range(6):
        step_key = jax.random.fold_in(key, step)
        if method.num_batches == 1:
            batch = case.sample(step_key)
        else:
            each = [case.sample(k) for k in jax.random.split(step_key, method.num_batches)]
            batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
        state, _ = method.step(v, state, batch)
    assert_trees_close(run.state, state, rtol=1e-4, atol=1e-6)
    assert int(run.stopped_at) == -1


@pytest.mark.slow
def test_records_are_those_of_shorter_runs():
    v = gf.vector_field(gf.games.dirac_gan())
    method = gf.simultaneous(optax.sgd(0.3))
    start = gf.Players(1.0, 0.5)
    run = gf.simulate(method, v, start, num_steps=12, record=theta_of, record_every=4)
    np.testing.assert_array_equal(run.steps, [0, 4, 8, 12])
    expected = [1.0] + [gf.simulate(method, v, start, num_steps=n).params.theta for n in (4, 8, 12)]
    np.testing.assert_allclose(run.records, expected, rtol=1e-6)


def test_info_of_no_step_is_nan_and_then_the_direction():
    v = gf.vector_field(gf.games.bilinear())
    run = gf.simulate(
        gf.simultaneous(optax.sgd(0.5)),
        v,
        gf.Players(1.0, 2.0),
        num_steps=1,
        record=lambda state, info: info.direction,
    )
    np.testing.assert_array_equal(run.records.theta, [np.nan, -2.0])
    np.testing.assert_array_equal(run.records.phi, [np.nan, 1.0])


@pytest.mark.slow
def test_jit_vmap_and_grad_go_through():
    v = gf.vector_field(gf.games.quadratic())

    def end(step_size):
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulate(method, v, gf.Players(1.0, 0.0), num_steps=3).params.theta

    sizes = jnp.array([0.1, 0.2])
    mapped = jax.jit(jax.vmap(end))(sizes)
    np.testing.assert_allclose(mapped, [end(0.1), end(0.2)], rtol=1e-6)
    slope = (end(0.1 + 1e-2) - end(0.1 - 1e-2)) / 2e-2
    np.testing.assert_allclose(jax.grad(end)(0.1), slope, rtol=1e-2)


def test_progress_is_called_after_every_record():
    calls = []
    gf.simulate(
        gf.simultaneous(optax.sgd(0.5)),
        gf.vector_field(gf.games.bilinear()),
        gf.Players(1.0, 0.0),
        num_steps=4,
        record=theta_of,
        record_every=2,
        progress=lambda step, record: calls.append((int(step), float(record))),
    )
    jax.effects_barrier()
    assert sorted(calls) == [(2, 0.75), (4, -0.4375)]  # (1 + i/2)⁴


def exploding():
    """θ doubles its size each step until float32 ends, at step 128."""
    game = gf.games.general_sum(
        lambda theta, phi, batch: -(theta**2) / 2,
        lambda theta, phi, batch: 0.0 * phi,
        init=lambda key: gf.Players(1.0, 1.0),
    )
    return gf.vector_field(game), gf.simultaneous(optax.sgd(1.0)), gf.Players(1.0, 1.0)


def test_a_run_that_leaves_the_numbers_says_when_and_keeps_what_was():
    field, method, start = exploding()
    run = gf.simulate(method, field, start, num_steps=200, record=theta_of, record_every=20)
    assert int(run.stopped_at) == 128
    np.testing.assert_array_equal(run.records[:7], 2.0 ** np.arange(0, 121, 20))
    assert np.all(np.isnan(run.records[7:]))
    # The state is that of the last record before the stop.
    assert float(run.params.theta) == 2.0**120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        ({"num_steps": 10, "record_every": 0}, "record_every must be an integer ≥ 1, got 0"),
        ({"num_steps": 10, "sample": lambda key: None}, "key must be given with sample"),
    ],
)
def test_bad_arguments(arguments, message):
    v = gf.vector_field(gf.games.bilinear())
    with pytest.raises(ValueError, match=message):
        gf.simulate(gf.simultaneous(optax.sgd(0.1)), v, gf.Players(1.0, 1.0), **arguments)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (lambda params, batch: (params.theta, params.phi), "must have the structure of params"),
        (
            lambda params, batch: gf.Players(params.theta[:1], params.phi),
            r"field\(params, batch\).theta must have the shape of params, \(2,\), got \(1,\)",
        ),
    ],
)
def test_a_field_of_another_structure_is_refused(field, message):
    params = gf.Players(jnp.ones(2), jnp.ones(2))
    with pytest.raises(ValueError, match=message):
        gf.simulate(gf.simultaneous(optax.sgd(0.1)), field, params, num_steps=1)


@pytest.mark.slow
def test_the_first_step_that_was_not_solved_is_remembered():
    plain = gf.simultaneous(optax.sgd(0.1))

    def step(field, state, batch):
        after, info = plain.step(field, state, batch)
        return after, info._replace(converged=jnp.abs(state.params.theta) < 1.05)

    unsure = gf.Method(plain.init, step)
    v = gf.vector_field(gf.games.bilinear())
    run = gf.simulate(unsure, v, gf.Players(1.0, 0.0), num_steps=100)
    path = gf.trajectories(plain, v, gf.Players(np.ones(1), np.zeros(1)), num_steps=100).theta
    first = 1 + int(np.argmax(np.abs(path[:, 0]) >= 1.05))
    assert int(run.unsolved_at) == first
    assert int(run.stopped_at) == -1
    assert int(gf.simulate(plain, v, gf.Players(1.0, 0.0), num_steps=100).unsolved_at) == -1


NETWORKS = gf.networks.mlp(4, 2), gf.networks.mlp(2, 1)


def by_hand(params, batch):
    """Losses that know nothing of shapes."""
    fake = jnp.tanh(batch.latent @ params.theta)
    return gf.Players(-jnp.mean(fake @ params.phi), jnp.mean((fake - batch.real) @ params.phi))


@pytest.mark.parametrize(
    ("game", "said"),
    [
        (
            gf.games.gan(*NETWORKS),
            r"batch.latent must have the shape \(batch, 4\), .* got \(8, 3\)",
        ),
        (
            gf.games.joint(by_hand, lambda key: gf.Players(jnp.ones((4, 2)), jnp.ones(2))),
            (
                r"on the batch .real \(8, 2\), .latent \(8, 3\) and the params .theta \(4, 2\), "
                r".phi \(2,\): TypeError: dot_general requires contracting"
            ),
        ),
        (
            gf.games.joint(
                lambda p, b: gf.Players(jnp.mean(b.real * b.latent), jnp.mean(p.phi)),
                lambda key: gf.Players(jnp.ones((4, 2)), jnp.ones(2)),
            ),
            r"on the batch .real \(8, 2\), .latent \(8, 3\) and .* [Ii]ncompatible shapes",
        ),
    ],
)
def test_a_batch_that_does_not_fit_is_named(game, said):
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=8, latent_size=3)
    with pytest.raises(ValueError, match=said):
        gf.simulate(
            gf.simultaneous(optax.sgd(0.1)),
            gf.vector_field(game),
            game.init(jax.random.key(0)),
            num_steps=1,
            key=jax.random.key(0),
            sample=sample,
        )


def test_a_run_that_has_no_batches_says_so():
    game = gf.games.joint(by_hand, lambda key: gf.Players(jnp.ones((4, 2)), jnp.ones(2)))
    params = game.init(jax.random.key(0))
    with pytest.raises(ValueError, match=r"on no batch \(batch=None\) and the params") as error:
        gf.simulate(gf.simultaneous(optax.sgd(0.1)), gf.vector_field(game), params, num_steps=1)
    assert isinstance(error.value.__cause__, AttributeError)


@pytest.mark.parametrize("optimizer", [optax.adam, optax.rmsprop, gf.numerics_rmsprop])
def test_an_overflow_in_the_memory_alone_stops_a_run(optimizer):
    def field(params, batch=None):  # finite, and its square is not, from the third step on
        return gf.Players(jnp.where(params.phi > 1.5, 1e25, 1.0), jnp.ones(()))

    method = gf.simultaneous(gf.Players(optimizer(1e-3), optax.sgd(1.0)))
    run = gf.simulate(method, field, gf.Players(0.0, 0.0), num_steps=9, record_every=3)
    assert run.stopped_at == 3
    assert np.isfinite(jax.tree.leaves(run.params)).all()


def test_what_is_infinite_from_the_start_stops_nothing():
    def init(params):
        return (jnp.inf, optax.sgd(0.1).init(params))

    def update(direction, memory, params=None):
        update, inner = optax.sgd(0.1).update(direction, memory[1], params)
        return update, (memory[0], inner)

    method = gf.simultaneous(optax.GradientTransformation(init, update))
    run = gf.simulate(method, lambda p, b: p, gf.Players(0.0, 1.0), num_steps=2)
    assert run.stopped_at == -1
