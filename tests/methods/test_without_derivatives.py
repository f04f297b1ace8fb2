"""Fields that JAX cannot differentiate, or differentiates to 0: never a silent wrong step."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.rough_fields import START, backwards_only, callback, smooth

pytestmark = pytest.mark.usefixtures("x64")

CROSS = ("competitive", "adaptive_competitive", "follow_the_ridge", "lead")
BUILDERS = {name: gf.METHODS[name] for name in (*CROSS, "decoupled_consensus", "proximal_point")}


def stopped(params, batch=None):
    return jax.lax.stop_gradient(smooth(params))


def stepped(params, batch=None):
    """Piecewise constant: its derivative is 0 wherever it has one."""
    return jax.tree.map(lambda x: jnp.round(4 * x) / 4, smooth(params))


def converged(method, field, start=START):
    """Whether the second step did; LEAD has no past in the first."""
    step = jax.jit(lambda state: method.step(field, state, None))
    state, _ = step(method.init(start))
    return bool(step(state)[1].converged)


@pytest.mark.parametrize("name", [*CROSS, "decoupled_consensus"])
def test_derivatives_that_are_zero_to_jax_alone_are_reported(name):
    method = BUILDERS[name](optax.sgd(0.5))
    assert not converged(method, stopped)
    assert not converged(method, stepped)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
def test_derivatives_that_are_zero_are_no_failure(name):
    method = BUILDERS[name](optax.sgd(0.1))
    decoupled = gf.vector_field(gf.games.quadratic(1.0, 2.0, coupling=0.0))
    assert converged(method, decoupled)
    assert converged(method, lambda params, batch=None: gf.Players(jnp.sin(params.theta), 1.0))
    assert converged(method, smooth)
    # Nor are they on a plateau that a step does not leave.
    assert converged(BUILDERS[name](optax.sgd(1e-3)), stepped, gf.Players(1.01, 0.41))


@pytest.mark.parametrize("name", BUILDERS)
def test_what_cannot_be_differentiated_is_named(name):
    method = BUILDERS[name](optax.sgd(0.1))
    state = method.init(START)
    message = rf"{name} needs .* products of the field, .* extragradient, .* its values alone"
    with pytest.raises(ValueError, match=message):
        method.step(callback, state, None)
    if name == "decoupled_consensus":  # Jᵀv is what a custom_vjp has.
        after, info = method.step(backwards_only, state, None)
        np.testing.assert_allclose(after.params, method.step(smooth, state, None)[0].params)
        assert info.converged
    else:
        with pytest.raises(ValueError, match=message):
            method.step(backwards_only, state, None)
        with pytest.raises(ValueError, match=message):
            gf.simulate(method, backwards_only, START, num_steps=3)


@pytest.mark.parametrize("name", ["extragradient", "runge_kutta", "negative_momentum"])
def test_methods_of_values_alone_need_no_derivative(name):
    method = gf.METHODS[name](optax.sgd(0.1))
    run = gf.simulate(method, callback, START, num_steps=3)
    expected = gf.simulate(method, smooth, START, num_steps=3)
    np.testing.assert_allclose(run.params, expected.params, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "first"), [("competitive", 1), ("lead", 2)])
def test_a_run_says_at_which_step(name, first):
    method = BUILDERS[name](optax.sgd(0.1))

    def unsolved_at(field):
        return int(gf.simulate(method, field, START, num_steps=4).unsolved_at)

    assert unsolved_at(stopped) == first
    assert unsolved_at(smooth) == -1


def cut_by_general_sum():
    return gf.games.general_sum(
        lambda theta, phi, batch: theta * phi,
        lambda theta, phi, batch: (phi - jax.lax.stop_gradient(theta)) ** 2,
        init=None,
    )


def cut_by_joint():
    def losses(params, batch):
        theta, phi = params
        return gf.Players(theta * phi, (phi - jax.lax.stop_gradient(theta)) ** 2)

    return gf.games.joint(losses, init=None)


@pytest.mark.slow
@pytest.mark.parametrize("game", [cut_by_general_sum, cut_by_joint])
def test_one_block_that_is_cut_is_enough(game):
    # The fakes are stopped in the discriminator's loss: v is right, ∂v_φ/∂θ is lost.
    v = gf.vector_field(game())
    assert v(START).phi == pytest.approx(-2 * (START.phi - START.theta))
    for name in CROSS:
        assert not converged(BUILDERS[name](optax.sgd(0.1)), v)


@pytest.mark.slow
def test_a_reported_step_is_the_plain_one():
    plain = gf.simultaneous(optax.sgd(0.5))
    expected = plain.step(smooth, plain.init(START), None)[0].params
    for name in ("competitive", "follow_the_ridge", "decoupled_consensus"):
        method = BUILDERS[name](optax.sgd(0.5))
        point = method.step(stopped, method.init(START), None)[0].params
        np.testing.assert_allclose(point, expected, rtol=1e-12)


@pytest.mark.long
def test_proximal_point_is_judged_by_values():
    # Without derivatives its Newton steps only repeat Δ ← U(v(x + Δ)): right where that contracts.
    small, large = (gf.proximal_point(optax.sgd(h)) for h in (0.05, 1.5))
    point = small.step(stopped, small.init(START), None)[0].params
    expected = small.step(smooth, small.init(START), None)[0].params
    np.testing.assert_allclose(point, expected, rtol=1e-6)
    assert converged(small, stopped)
    assert not converged(large, stopped)
    assert converged(large, smooth)


def test_the_look_costs_nothing_where_derivatives_are_not_cut():
    def evaluations(field):
        calls = []

        def counted(params, batch=None):
            calls.append(None)
            return field(params)

        method = gf.competitive(optax.sgd(0.1))
        jax.eval_shape(lambda s: method.step(counted, s, None), method.init(START))
        return len(calls)

    assert evaluations(stopped) == evaluations(smooth) + 2  # half a V each


def test_a_field_that_fails_by_itself_says_what_it_says():
    def broken(params, batch=None):
        raise TypeError("my own")

    method = gf.competitive(optax.sgd(0.1))
    with pytest.raises(TypeError, match=r"^my own"):
        method.step(broken, method.init(START), None)
    state = method.init(START)
    with pytest.raises(ValueError, match=r"^consensus needs vector–Jacobian products"):
        method.step(gf.consensus(callback, gamma=0.1), state, None)
