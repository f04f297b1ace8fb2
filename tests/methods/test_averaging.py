"""Averages against the recorded path and the closed form of the bilinear game."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close

pytestmark = pytest.mark.usefixtures("x64")

START = gf.Players(np.array(0.9), np.array(-0.4))  # float64 even where JAX has it not yet


def path(method, field, num_steps):
    """The average at the end, and all points from the start on."""
    run = gf.simulate(
        method,
        field,
        START,
        num_steps=num_steps,
        record=lambda state, info: state.params,
        record_every=1,
    )
    return np.array(gf.methods.average_of(run.state)), np.array(run.records).T


@pytest.mark.slow
@pytest.mark.parametrize("decay", [None, 0.0, 0.9])
def test_the_average_of_the_points_after_the_steps(decay):
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    method = gf.averaged(gf.alternating(optax.adam(0.1)), decay=decay)
    for num_steps in (1, 2, 25):
        average, points = path(method, v, num_steps)
        weights = (1.0 if decay is None else decay) ** np.arange(num_steps)[::-1]
        expected = weights @ points[1:] / weights.sum()
        np.testing.assert_allclose(average, expected, rtol=1e-12)


@pytest.mark.slow
def test_exponential_average_is_optaxs_with_bias_correction():
    decay = 0.95
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    average, points = path(gf.averaged(gf.simultaneous(optax.sgd(0.3)), decay=decay), v, 10)
    ema = optax.ema(decay, debias=True)
    state = ema.init(jnp.zeros(2))
    for point in points[1:]:
        expected, state = ema.update(jnp.asarray(point), state)
    np.testing.assert_allclose(average, expected, rtol=1e-12)


def test_before_the_first_step_it_is_the_start():
    method = gf.averaged(gf.simultaneous(optax.sgd(0.1)))
    assert_trees_close(gf.methods.average_of(method.init(START)), START, rtol=0)


@pytest.mark.slow
def test_the_motion_is_the_same():
    v = gf.vector_field(
        gf.games.zero_sum(lambda theta, phi, batch: batch * theta * phi, init=lambda key: None)
    )
    inner = gf.alternating(optax.adam(0.01), phi_steps=2)
    method = gf.averaged(inner, decay=0.9)
    assert method.num_batches == inner.num_batches == 3
    settings = {"num_steps": 4, "key": jax.random.key(2), "sample": jax.random.normal}
    state = gf.simulate(method, v, START, **settings).state
    expected = gf.simulate(inner, v, START, **settings).state
    assert_trees_close(state.params, expected.params, rtol=1e-12)
    assert_trees_close(state.memory.inner, expected.memory, rtol=1e-12)


@pytest.mark.parametrize("num_steps", [400, 1600])
def test_on_the_bilinear_game_circles_average_out_and_spirals_do_not(num_steps):
    h = 0.1
    v = gf.vector_field(gf.games.bilinear())
    # φ' = φ + hθ, θ' = θ − hφ'; and both at once.
    alternating = np.array([[1 - h**2, -h], [h, 1.0]])
    simultaneous = np.array([[1.0, -h], [h, 1.0]])
    for build, M in ((gf.alternating, alternating), (gf.simultaneous, simultaneous)):
        average, _ = path(gf.averaged(build(optax.sgd(h))), v, num_steps)
        geometric = M @ (np.eye(2) - np.linalg.matrix_power(M, num_steps))
        expected = geometric @ np.linalg.solve(np.eye(2) - M, np.array(START)) / num_steps
        np.testing.assert_allclose(average, expected, rtol=1e-8, atol=1e-12)
        if build is gf.alternating:
            # ‖Σ Mᵗx‖ is bounded: the mean falls as 1/t.
            assert np.linalg.norm(average) < 25 / num_steps
        else:
            assert np.linalg.norm(average) > 0.1


@pytest.mark.slow
def test_decay_may_be_swept():
    v = gf.vector_field(gf.games.quadratic())

    def build(decay):
        method = gf.averaged(gf.simultaneous(optax.sgd(0.1)), decay=decay)
        return gf.simulation(method, v, START, record_every=5)

    swept = gf.sweep(build, {"decay": jnp.array([0.5, 0.9])}, num_steps=5)
    means = gf.methods.average_of(swept.run.state)
    for index, decay in enumerate((0.5, 0.9)):
        method = gf.averaged(gf.simultaneous(optax.sgd(0.1)), decay=decay)
        expected, _ = path(method, v, 5)
        np.testing.assert_allclose([means.theta[index], means.phi[index]], expected, rtol=1e-12)


def test_float32_parameters_have_a_float32_average():
    method = gf.averaged(gf.simultaneous(optax.sgd(0.1)), decay=0.9)
    state = method.init(jax.tree.map(jnp.float32, START))
    state, _ = method.step(gf.vector_field(gf.games.bilinear()), state, None)
    assert {leaf.dtype for leaf in gf.methods.average_of(state)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("decay", [1.0, -0.1, float("nan")])
def test_bad_decays_are_refused(decay):
    with pytest.raises(ValueError, match=r"decay must be a number in \[0, 1\) or None, got"):
        gf.averaged(gf.simultaneous(optax.sgd(0.1)), decay=decay)


def test_a_state_without_an_average_is_refused():
    state = gf.simultaneous(optax.sgd(0.1)).init(START)
    with pytest.raises(ValueError, match="state must be that of a method made by averaged"):
        gf.methods.average_of(state)


@pytest.mark.long
def test_the_count_is_no_coordinate_of_the_update_map():
    inner = gf.extragradient(optax.sgd(0.5))
    v, origin = gf.vector_field(gf.games.bilinear()), gf.Players(0.0, 0.0)
    alone = gf.spectral_radius(inner, v, origin).value
    for decay in (None, 0.5):
        radius = gf.spectral_radius(gf.averaged(inner, decay=decay), v, origin)
        np.testing.assert_allclose(radius.value, alone, rtol=1e-9)
        assert radius.fixed_point_residual == 0


@pytest.mark.parametrize("wrap", gf.WRAPPERS.values())
def test_what_is_no_method_of_this_form_is_refused(wrap):
    with pytest.raises(ValueError, match=r"method must be a Method, .* got GradientTransformation"):
        wrap(optax.sgd(0.1))
    own = gf.Method(lambda params: (params,), lambda field, state, batch: (state, None))
    with pytest.raises(ValueError, match=r"method must keep a gf\.State.* its init returns tuple"):
        wrap(own).init(gf.Players(0.0, 0.0))
