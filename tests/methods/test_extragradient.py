"""Extragradient, from the past too, and optimistic steps, against closed forms and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import assert_eigenvalues, both_signs, update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

MATRIX = np.array([[1.0, 2.0, 0.5], [0.5, -1.0, 3.0], [0.0, 0.7, 1.1]])
START = gf.Players(np.array(0.9), np.array(-0.4))  # float64 even where JAX has it not yet


def after_one_step(method, field, params):
    return method.step(field, method.init(params), None)[0]


def extragradient_roots(z):
    return 1 + z + z**2


def optimistic_roots(z):
    return np.roots([1, -(1 + 2 * z), z])


RULES = {
    "extragradient": (gf.extragradient, extragradient_roots, 1.0),
    "past_extragradient": (gf.past_extragradient, optimistic_roots, 1 / np.sqrt(3)),
    "optimistic": (gf.optimistic, optimistic_roots, 1 / np.sqrt(3)),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("s", [0.2, 0.45, np.sqrt(0.5), 1.3])
def test_bilinear_eigenvalues(name, s):
    build, roots, limit = RULES[name]
    c = 1.7
    v = gf.vector_field(gf.games.bilinear(c))
    method = build(optax.sgd(s / c))
    matrix = update_jacobian(method, v, after_one_step(method, v, START))
    assert_eigenvalues(matrix, both_signs(roots, [s]))
    assert (np.abs(np.linalg.eigvals(matrix)).max() < 1) == (s < limit)


@pytest.mark.parametrize("name", RULES)
def test_step_sizes_up_to_the_limit_converge(name):
    build, _, limit = RULES[name]
    v = gf.vector_field(gf.games.bilinear(1.0))

    def radius(s):
        method = build(optax.sgd(s))
        matrix = update_jacobian(method, v, after_one_step(method, v, START))
        return np.abs(np.linalg.eigvals(matrix)).max()

    assert radius(0.999 * limit) < 1 < radius(1.001 * limit)


@pytest.mark.parametrize("name", RULES)
def test_matrix_bilinear_eigenvalues_run_over_the_singular_values(name):
    build, roots, _ = RULES[name]
    game, h = gf.games.bilinear(jnp.asarray(MATRIX)), 0.13
    v = gf.vector_field(game)
    method = build(optax.sgd(h))
    state = after_one_step(method, v, gf.Players(jnp.arange(3.0), jnp.ones(3)))
    s_values = h * np.linalg.svd(MATRIX, compute_uv=False)
    assert_eigenvalues(update_jacobian(method, v, state), both_signs(roots, s_values))


def test_extragradient_contracts_as_fast_as_its_eigenvalues_say():
    s = np.sqrt(0.5)
    v = gf.vector_field(gf.games.bilinear())
    run = gf.simulate(gf.extragradient(optax.sgd(s)), v, START, num_steps=40)
    expected = np.sqrt(0.75) ** 40 * np.linalg.norm(START)
    np.testing.assert_allclose(np.linalg.norm(run.params), expected, rtol=1e-9)


@pytest.mark.parametrize(("h", "ahead"), [(0.3, 0.3), (0.3, 0.8), (0.7, 0.1)])
def test_extragradient_with_two_step_sizes(h, ahead):
    c = 1.2
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.extragradient(optax.sgd(h), optax.sgd(ahead))
    eigenvalues = np.linalg.eigvals(update_jacobian(method, v, method.init(START)))
    expected = (1 - h * ahead * c**2) ** 2 + (h * c) ** 2
    np.testing.assert_allclose(np.abs(eigenvalues) ** 2, expected, rtol=1e-9)


@pytest.mark.parametrize(("h", "ahead"), [(0.3, 0.3), (0.3, 0.6)])
def test_past_extragradient_with_two_step_sizes(h, ahead):
    # (x, v½) → (x + hv½', v½') with v½' = J(x + h_e v½).
    c = 1.2
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.past_extragradient(optax.sgd(h), optax.sgd(ahead))
    matrix = update_jacobian(method, v, after_one_step(method, v, START))
    expected = [
        np.linalg.eigvals([[1 + h * j, h * ahead * j], [j, ahead * j]]) for j in (1j * c, -1j * c)
    ]
    assert_eigenvalues(matrix, np.concatenate(expected))


def test_every_player_extrapolates_with_a_step_size_of_its_own():
    game = gf.games.quadratic(0.7, 0.4, 1.3)
    v = gf.vector_field(game)
    method = gf.extragradient(gf.Players(optax.sgd(0.1), optax.sgd(0.3)))
    J = np.asarray(gf.jacobian(v)(START))
    H = np.diag([0.1, 0.3])
    expected = np.eye(2) + H @ J @ (np.eye(2) + H @ J)
    jacobian = update_jacobian(method, v, method.init(START))
    np.testing.assert_allclose(jacobian, expected, rtol=1e-12, atol=1e-14)


def descend(optimizer, direction, memory, params):
    updates, memory = optimizer.update(jax.tree.map(jnp.negative, direction), memory, params)
    return optax.apply_updates(params, updates), memory


def adam_memory(state):
    return state.memory.optimizer[0]


@pytest.mark.slow
def test_extragradient_with_adam_advances_the_moments_once_a_step():
    adam = optax.adam(0.05, b1=0.5, b2=0.9)
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    method = gf.extragradient(adam)
    state, params, memory = method.init(START), START, adam.init(START)
    for _ in range(6):
        state, info = method.step(v, state, None)
        half, _ = descend(adam, v(params), memory, params)
        direction = v(half)
        params, memory = descend(adam, direction, memory, params)
        assert_trees_close(info.direction, direction, rtol=1e-13)
    assert_trees_close(state.params, params, rtol=1e-13)
    assert_trees_close(adam_memory(state), memory[0], rtol=1e-13)
    assert int(adam_memory(state).count) == 6


@pytest.mark.parametrize("build", [gf.extragradient, gf.past_extragradient])
def test_an_extrapolation_of_its_own_remembers_what_it_sees(build):
    adam, ahead = optax.adam(0.05), optax.adam(0.2, b1=0.3)
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    method = build(adam, ahead)
    state, params = method.init(START), START
    memory, own, past = adam.init(START), ahead.init(START), None
    for _ in range(5):
        state, _ = method.step(v, state, None)
        shown = v(params) if past is None or build is gf.extragradient else past
        half, own = descend(ahead, shown, own, params)
        past = v(half)
        params, memory = descend(adam, past, memory, params)
    assert_trees_close(state.params, params, rtol=1e-13)
    assert_trees_close(state.memory.extrapolation, own, rtol=1e-13)
    assert int(adam_memory(state).count) == int(state.memory.extrapolation[0].count) == 5


def test_batches_of_the_two_evaluations():
    game = gf.games.general_sum(  # v = batch · x
        lambda theta, phi, batch: -batch * theta**2 / 2,
        lambda theta, phi, batch: -batch * phi**2 / 2,
        init=lambda key: None,
    )
    v = gf.vector_field(game)
    start = gf.Players(1.0, 2.0)

    def end(method, batch):
        return np.array(method.step(v, method.init(start), batch)[0].params)

    same, fresh = (
        gf.extragradient(optax.sgd(1.0)),
        gf.extragradient(optax.sgd(1.0), fresh_batches=True),
    )
    assert (same.num_batches, fresh.num_batches) == (1, 2)
    # x + b₂(x + b₁x)
    np.testing.assert_allclose(end(same, jnp.array(3.0)), [13.0, 26.0])
    np.testing.assert_allclose(end(fresh, jnp.array([3.0, 10.0])), [41.0, 82.0])


def test_fresh_batches_are_drawn_by_the_simulation_and_one_is_refused():
    v = gf.vector_field(
        gf.games.zero_sum(
            lambda theta, phi, batch: jnp.mean(batch) * theta * phi, init=lambda key: None
        )
    )

    def sample(key):
        return jax.random.normal(key, (3,))

    method = gf.extragradient(optax.sgd(0.1), fresh_batches=True)
    key = jax.random.key(5)
    run = gf.simulate(method, v, START, num_steps=1, key=key, sample=sample)
    first, second = map(sample, jax.random.split(jax.random.fold_in(key, 0)))
    half = jax.tree.map(lambda x, d: x + 0.1 * d, START, v(START, first))
    expected = jax.tree.map(lambda x, d: x + 0.1 * d, START, v(half, second))
    assert_trees_close(run.params, expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"batch must hold 2 batches, .* that axis is 3"):
        method.step(v, method.init(START), first)


def test_past_extragradient_starts_like_extragradient():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    optimizer = optax.adam(0.1)
    one, other = gf.past_extragradient(optimizer), gf.extragradient(optimizer)
    state, expected = after_one_step(one, v, START), after_one_step(other, v, START)
    assert_trees_close(state.params, expected.params, rtol=1e-14)
    # Not even with a history of zeros would the second step be right.
    assert_trees_close(state.memory.previous, v(_half(v, START)), rtol=1e-12)


def _half(v, params):
    adam = optax.adam(0.1)
    return descend(adam, v(params), adam.init(params), params)[0]


@pytest.mark.slow
def test_extrapolated_points_follow_the_optimistic_rule():
    # y' − y = h(2v(y) − v(y of the step before)) for y = x + hv(y of the step before).
    h = 0.2
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    past = gf.past_extragradient(optax.sgd(h))
    state = after_one_step(past, v, START)

    def move(params, direction):
        return jax.tree.map(lambda x, d: x + h * d, params, direction)

    points = []
    for _ in range(6):
        points.append(move(state.params, state.memory.previous))
        state, _ = past.step(v, state, None)
    optimistic = gf.optimistic(optax.sgd(h))
    memory = optimistic.init(START).memory._replace(
        previous=v(move(START, v(START))), first=jnp.zeros((), bool)
    )
    follower = gf.State(points[0], memory)
    for point in points[1:]:
        follower, _ = optimistic.step(v, follower, None)
        assert_trees_close(follower.params, point, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [optax.sgd(0.3), optax.adam(0.1)], ids=["sgd", "adam"])
def test_the_first_optimistic_step_is_a_simultaneous_one(optimizer):
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    state = after_one_step(gf.optimistic(optimizer), v, START)
    expected = after_one_step(gf.simultaneous(optimizer), v, START)
    assert_trees_close(state.params, expected.params, rtol=1e-15)


def end(method, field, num_steps=12):
    return gf.simulate(method, field, START, num_steps=num_steps).params


def test_optimistic_gradient_steps_are_optaxs():
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    ours = end(gf.optimistic(optax.sgd(0.3)), v)
    optaxs = end(gf.simultaneous(optax.optimistic_gradient_descent(0.3)), v)
    assert_trees_close(ours, optaxs, rtol=1e-13)


@pytest.mark.slow
def test_optimistic_adam_is_another_method_than_optaxs():
    h = 0.1
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    daskalakis = end(gf.simultaneous(optax.optimistic_adam_v2(h, nesterov=False)), v)
    normalised = optax.scale_by_adam()
    params, memory, past = START, normalised.init(START), None
    for _ in range(12):
        r, memory = normalised.update(v(params), memory)
        past = r if past is None else past
        params = jax.tree.map(lambda x, new, old: x + h * (2 * new - old), params, r, past)
        past = r
    assert_trees_close(daskalakis, params, rtol=1e-12)

    def gap(method):
        other = end(method, v)
        return max(abs(float(a - b)) for a, b in zip(daskalakis, other, strict=True))

    assert gap(gf.simultaneous(optax.optimistic_adam_v2(h))) > 1e-3
    assert gap(gf.optimistic(optax.adam(h))) > 1e-3


@pytest.mark.parametrize(
    ("method", "evaluations"),
    [
        (gf.extragradient(optax.adam(0.1)), 10),
        (gf.past_extragradient(optax.adam(0.1)), 6),
        (gf.optimistic(optax.adam(0.1)), 5),
    ],
    ids=["extragradient", "past_extragradient", "optimistic"],
)
def test_evaluations_of_five_steps(method, evaluations):
    v = gf.vector_field(gf.games.bilinear())
    calls = []

    def counted(params, batch=None):
        jax.debug.callback(lambda: calls.append(None))
        return v(params, batch)

    @jax.jit
    def run(state):
        return jax.lax.scan(
            lambda s, _: (method.step(counted, s, None)[0], None), state, None, length=5
        )[0]

    jax.block_until_ready(run(method.init(START)))
    jax.effects_barrier()
    assert len(calls) == evaluations
