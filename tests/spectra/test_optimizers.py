"""Update maps under the optimizers of optax: right, or refused with the reason."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

import ganfield as gf

pytestmark = pytest.mark.usefixtures("x64")

ORIGIN = gf.Players(0.0, 0.0)
V = gf.vector_field(gf.games.quadratic(0.6, 0.5, 0.8))
INJECTED = optax.inject_hyperparams(optax.sgd)
PLAIN = gf.largest_stable(lambda h: (gf.simultaneous(optax.sgd(h)), V), ORIGIN, bounds=(0.0, 6.0))
# Name → optimizer(h), by how much less of h it takes.
STANDING = {
    "injected": (INJECTED, 1.0),
    "in turn": (lambda h: optax.MultiSteps(INJECTED(h), 3).gradient_transformation(), 1.0),
    "if finite": (lambda h: optax.apply_if_finite(INJECTED(h), 3), 1.0),
    "adagrad": (optax.adagrad, np.sqrt(0.1 + 1e-7)),
}


def along(optimizer):
    return lambda h: (gf.simultaneous(optimizer(h)), V)


@pytest.mark.long
@pytest.mark.parametrize("name", STANDING)
def test_memory_that_stands_still_is_no_motion(name):
    optimizer, share = STANDING[name]
    value = gf.largest_stable(along(optimizer), ORIGIN, bounds=(0.0, 6.0), resolution=32)
    np.testing.assert_allclose(value, share * PLAIN, rtol=1e-5)
    method = along(optimizer)(0.1)[0]
    rate = gf.convergence_rate(method, V, ORIGIN)
    assert rate.measured == pytest.approx(rate.predicted, rel=2e-3)
    assert gf.spectral_radius(method, V, ORIGIN).rate == pytest.approx(rate.predicted, rel=1e-9)


@pytest.mark.slow
def test_without_the_matrix_what_stands_still_is_left_out_too():
    method = gf.simultaneous(INJECTED(0.1))
    dense, products = (
        gf.spectral_radius(method, V, ORIGIN, dense_limit=limit).rate for limit in (400, 0)
    )
    assert products == pytest.approx(dense, rel=1e-9)


@pytest.mark.slow
def test_memory_that_decays_does_not_stand_still_where_steps_are_steep():
    # Second moments of next to nothing, as in a run: 1/√n is 10¹⁰, and 10⁻⁹ of that is no rounding.
    method = gf.simultaneous(optax.rmsprop(0.1, decay=0.9, eps=0.0))
    state = jax.tree.map(lambda leaf: jnp.full_like(leaf, 1e-20), method.init(ORIGIN))
    radius = gf.spectral_radius(method, V, ORIGIN, state=state._replace(params=ORIGIN))
    assert np.isclose(radius.eigenvalues, 0.9, rtol=0, atol=1e-9).sum() == 2


@pytest.mark.slow
def test_a_state_that_holds_the_hyper_parameter_is_refused():
    build = along(INJECTED)
    state = gf.simulate(*build(0.1), ORIGIN, num_steps=2).state
    with pytest.raises(ValueError, match="state must leave the hyper-parameter to build"):
        gf.largest_stable(build, ORIGIN, bounds=(0.0, 6.0), state=state)


@pytest.mark.long
def test_sums_in_another_precision_are_lent():
    method = gf.simultaneous(optax.MultiSteps(optax.sgd(0.1), 3).gradient_transformation())
    state = gf.simulate(method, V, gf.Players(0.3, -0.2), num_steps=4).state
    lent, own = (gf.spectral_radius(method, V, ORIGIN, state=s).rate for s in (state, None))
    assert lent == pytest.approx(own, rel=1e-5)


@pytest.mark.slow
def test_floats_that_count_have_no_one_map():
    method = gf.simultaneous(optax.contrib.schedule_free_sgd(0.1))
    with pytest.raises(ValueError, match="depends on floats of its memory that count"):
        gf.spectral_radius(method, V, ORIGIN)


@pytest.mark.parametrize("optimizer", [optax.sign_sgd, optax.lion])
def test_steps_that_jump_at_the_point_have_no_rate(optimizer):
    with pytest.raises(ValueError, match="where the update map is continuous"):
        gf.largest_stable(along(optimizer), ORIGIN, bounds=(0.0, 6.0))
