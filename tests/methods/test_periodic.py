"""Periodic training against products of matrices, and against plain loops."""

import jax
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close

pytestmark = pytest.mark.usefixtures("x64")

ORIGIN, START = gf.Players(0.0, 0.0), gf.Players(np.array(0.9), np.array(-0.4))
V = gf.vector_field(gf.games.dirac_gan())


def sgd(step_size):
    return gf.simultaneous(optax.sgd(step_size))


def r1(weight):
    with_r1 = gf.vector_field(gf.games.dirac_gan(penalty="r1", penalty_weight=weight))
    return gf.field.difference(with_r1, V)


def by_hand(step_size, weight, every):
    """The rate of a step of the Dirac-GAN, whose v′ is [[0, −½], [½, −γ]], paid every k steps."""
    plain = np.eye(2) + step_size * np.array([[0, -0.5], [0.5, 0]])
    paid = plain - np.diag([0, step_size * every * weight])
    whole = np.linalg.matrix_power(plain, every - 1) @ paid
    return np.abs(np.linalg.eigvals(whole)).max() ** (1 / every)


# Where γ is small it is lost long before h k γ = 2, where the paid step alone is: at 1.47 and .58.
# What is lost at 20, 49 and 58 is not one step before.
CASES = [(1.0, 19), (1.0, 20), (0.3, 48), (0.3, 49)]


@pytest.mark.long
def test_how_lazy_the_penalty_may_be():
    for weight, every in CASES:
        method = gf.lazy(sgd(0.1), r1(weight), every=every)
        assert method.cycle == every
        radius = gf.spectral_radius(method, V, ORIGIN)
        expected = by_hand(0.1, weight, every)
        np.testing.assert_allclose(radius.rate, expected, rtol=2e-8)
        is_lost = (weight, every) in {(1.0, 20), (0.3, 49)}
        assert (radius.rate > 1) == is_lost == (expected > 1), (weight, every)
    np.testing.assert_allclose(by_hand(0.1, 1.0, 1), 0.95, atol=1e-8)
    np.testing.assert_allclose(by_hand(0.1, 1.0, 16), 0.99415, atol=5e-6)


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 16, 20])
def test_predicted_and_run(every):
    rate = gf.convergence_rate(gf.lazy(sgd(0.1), r1(1.0), every=every), V, ORIGIN)
    assert rate.agree
    assert rate.defective == (every == 1)
    assert (rate.measured > 1) == (every == 20)


@pytest.mark.slow
def test_the_largest_weight_for_a_k():
    def build(weight):
        return gf.lazy(sgd(0.1), r1(weight), every=20), V

    edge = gf.largest_stable(build, ORIGIN, bounds=(0.05, 8.0), resolution=16)
    assert by_hand(0.1, edge - 1e-9, 20) < 1 < by_hand(0.1, edge + 1e-9, 20)


def test_steps_are_those_of_a_loop():
    transforms = [lambda v: gf.consensus(v, gamma=0.5), None, lambda v: gf.scaled(v, theta=0.0)]
    method = gf.periodic(gf.simultaneous(optax.sgd(0.1, momentum=0.5)), transforms)
    state, params, push = method.init(START), START, gf.Players(0.0, 0.0)
    fields = [transforms[0](V), V, transforms[2](V)]
    step = jax.jit(lambda state: method.step(V, state, None))
    for t in range(7):
        state, info = step(state)
        direction = fields[t % 3](params)
        push = jax.tree.map(lambda d, m: d + 0.5 * m, direction, push)
        params = jax.tree.map(lambda x, m: x + 0.1 * m, params, push)
        assert_trees_close(state.params, params, rtol=1e-12)
        assert_trees_close(info.direction, direction, rtol=1e-12)
        assert state.memory.phase == (t + 1) % 3


def test_several_penalties_have_a_k_each():
    one, other = r1(0.4), gf.field.difference(gf.consensus(V, gamma=0.3), V)
    method = gf.lazy(gf.lazy(sgd(0.1), one, every=2), other, every=3)
    assert method.cycle == 6
    state, params = method.init(START), START
    step = jax.jit(lambda state: method.step(V, state, None)[0])
    values = jax.jit(lambda params: [field(params) for field in (V, one, other)])
    for t in range(8):
        state, times = step(state), (1, 2 * (t % 2 == 0), 3 * (t % 3 == 0))
        for value, number in zip(values(params), times, strict=True):
            params = jax.tree.map(lambda x, d, n=number: x + 0.1 * n * d, params, value)
        assert_trees_close(state.params, params, rtol=1e-12)


@pytest.mark.slow
def test_where_the_period_begins_does_not_matter():
    v = gf.vector_field(gf.games.quadratic(0.3, 0.2, 2.0))
    damped = [lambda v: gf.consensus(v, gamma=2.0), None, None, None]
    rates, states = [], []
    for first in range(4):
        method = gf.periodic(sgd(0.2), damped[first:] + damped[:first])
        rates.append(gf.spectral_radius(method, v, ORIGIN).rate)
        states.append(method.init(ORIGIN))
    np.testing.assert_allclose(rates, rates[0], rtol=1e-9)
    # Nor where in it a run is that lends its state.
    run = gf.simulate(method, v, START, num_steps=6)
    lent = gf.spectral_radius(method, v, ORIGIN, state=run.state)
    assert run.state.memory.phase == 2
    np.testing.assert_allclose(lent.rate, rates[0], rtol=1e-9)
    # A run goes on in the phase where it was.
    state, step = run.state, jax.jit(lambda state: method.step(v, state, None)[0])
    for _ in range(5):
        state = step(state)
    whole = gf.simulate(method, v, START, num_steps=11)
    assert_trees_close(state.params, whole.params, rtol=1e-12)


def test_every_step_is_the_plain_method_and_lookahead_goes_round_it():
    w = gf.consensus(V, gamma=0.5)
    method = gf.lazy(sgd(0.1), gf.field.difference(w, V), every=1)
    ends = [gf.simulate(m, f, START, num_steps=5).params for m, f in ((method, V), (sgd(0.1), w))]
    assert_trees_close(*ends, rtol=1e-12)
    assert gf.lookahead(gf.lazy(sgd(0.1), w, every=4), num_steps=6).cycle == 12
    assert gf.lazy(gf.lookahead(sgd(0.1), num_steps=6), w, every=4).cycle == 12
    assert gf.lazy(gf.alternating(optax.sgd(0.1)), w, every=2).num_batches == 2


def test_their_names():
    method = gf.lazy(sgd(0.1), r1(2.0), every=4)
    penalty = "difference(other=vector_field of dirac_gan()) of dirac_gan(penalty='r1', "
    assert repr(method).startswith(f"lazy(simultaneous(sgd(0.1)), {penalty}")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gf.lazy(sgd(0.1), V, every=0), "every must be an integer ≥ 1, got 0"),
        (lambda: gf.lazy(sgd(0.1), 0.1, every=2), "extra must be a field, .* got float"),
        (lambda: gf.lazy(sgd(0.1), sgd(0.1), every=2), "extra must be a field, .* got Method"),
        (lambda: gf.lazy(V, V, every=2), "method must be a Method"),
        (lambda: gf.periodic(sgd(0.1), []), r"transforms must be one or more .* got \[\]"),
        (lambda: gf.periodic(sgd(0.1), [None, 1.0]), r"transforms must be .* got \[None, 1.0\]"),
        (lambda: gf.periodic(sgd(0.1), gf.consensus), "transforms must be one or more functions"),
        (lambda: gf.field.difference(V, gf.games.bilinear()), "vector_field"),
        (lambda: gf.field.difference(V, 1.0), "field must be a function"),
    ],
)
def test_bad_arguments_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
