"""Update maps under the optimizers of optax: right, or refused with the reason."""

from functools import partial

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


def decayed_signs(h):
    return optax.chain(optax.scale_by_sign(), optax.add_decayed_weights(0.1), optax.scale(-h))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [optax.sign_sgd, optax.lion, optax.rprop, decayed_signs])
@pytest.mark.parametrize("h", [0.3, 1e-6])
def test_steps_that_jump_at_the_point_have_no_rate(optimizer, h):
    with pytest.raises(ValueError, match="where the update map is continuous"):
        gf.spectral_radius(*along(optimizer)(h), ORIGIN)


@pytest.mark.slow
def test_a_diagram_and_a_limit_refuse_them_too():
    with pytest.raises(ValueError, match="where the update map is continuous"):
        gf.largest_stable(along(optax.lion), ORIGIN, bounds=(0.0, 6.0))
    with pytest.raises(ValueError, match="where the update map is continuous"):
        gf.stability_diagram(
            lambda h, c: along(optax.sign_sgd)(h), {"h": [0.1, 0.2], "c": [1.0, 2.0]}, ORIGIN
        )


JUMPY = {
    "kinked ahead": lambda g: jnp.where(g > 0, g, 2 * g),
    "capped": lambda g: jnp.maximum(g, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("h", [0.3, 1e-6])
@pytest.mark.parametrize("name", JUMPY)
def test_a_kink_of_a_users_own_optimizer_is_on_the_scale_of_its_step(name, h):
    def optimizer(h):
        kinked = optax.stateless(lambda g, p: jax.tree.map(JUMPY[name], g))
        return optax.chain(kinked, optax.sgd(h, momentum=0.5))

    with pytest.raises(ValueError, match="the method's step has a kink there, as a clip"):
        gf.spectral_radius(*along(optimizer)(h), ORIGIN)


@pytest.mark.slow
@pytest.mark.parametrize("place", [0.0, 0.5])
def test_a_box_or_a_trust_ratio_at_the_point_is_a_kink(place):
    def field(params, batch=None):
        return gf.Players(place - params.theta, -params.phi)

    at = gf.Players(place, 0.0)
    boxed = gf.simultaneous(optax.chain(optax.sgd(0.1), gf.keep_within(0.5)))
    if place:
        with pytest.raises(ValueError, match="the method's step has a kink there"):
            gf.convergence_rate(boxed, field, at)
    else:
        assert gf.convergence_rate(boxed, field, at).agree
        with pytest.raises(ValueError, match="the method's step has a kink there"):
            gf.convergence_rate(gf.simultaneous(optax.lars(0.1)), field, at)


@pytest.mark.slow
def test_a_kink_of_the_field_is_said_to_be_its_own():
    def field(params, batch=None):
        return gf.Players(-jnp.abs(params.theta) - params.theta, -params.phi)

    method = gf.simultaneous(optax.sgd(1e-3))
    for call in (
        lambda: gf.spectral_radius(method, field, ORIGIN),
        lambda: gf.convergence_rate(method, field, ORIGIN),
        lambda: gf.largest_stable(
            lambda h: (gf.simultaneous(optax.sgd(h)), field), ORIGIN, bounds=(0.0, 1.0)
        ),
    ):
        with pytest.raises(ValueError, match="the field has one derivative, and it has a kink"):
            call()


@pytest.mark.slow
def test_noise_of_its_own_is_refused():
    for h in (0.1, 1e-4):
        method = gf.simultaneous(optax.noisy_sgd(h, key=jax.random.key(0)))
        with pytest.raises(ValueError, match=r"draws noise of its own .by .memory.*rng_key"):
            gf.spectral_radius(method, V, ORIGIN)


FADING = {
    "rmsprop": optax.rmsprop,
    "numerics": gf.methods.numerics_rmsprop,
    "adabelief": optax.adabelief,
    "adamax": optax.adamax,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FADING)
def test_second_moments_that_fade_leave_no_fixed_point(name):
    build = along(FADING[name])
    for call in (
        lambda: gf.spectral_radius(*build(0.1), ORIGIN),
        lambda: gf.largest_stable(build, ORIGIN, bounds=(0.1, 6.0), resolution=8),
    ):
        with pytest.raises(ValueError, match=r"it has none|has none: .* gf\.noise_floor\("):
            call()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "size"),
    [
        (lambda h: optax.rmsprop(h, eps=1e-2), 0.1),
        (gf.methods.numerics_rmsprop, 1e-5),
        (lambda h: optax.adam(h, b1=0.0, eps_root=1e-2, eps=0.0), 0.1),
        (lambda h: optax.adadelta(h, eps=1e-2), 1.0),
    ],
    ids=["rmsprop", "numerics", "adam", "adadelta"],
)
def test_where_epsilon_is_large_enough_a_run_settles(optimizer, size):
    # In the end all that is divided by is ε: x ← x + (h/size)·Jx, and counts correct nothing.
    share = 0.3
    method = gf.simultaneous(optimizer(share * size))
    J = np.asarray(gf.jacobian(V)(ORIGIN))
    expected = np.abs(np.linalg.eigvals(np.eye(2) + share * J)).max()
    radius = gf.spectral_radius(method, V, ORIGIN)
    np.testing.assert_allclose(radius.rate, expected, rtol=1e-9)
    assert radius.decay > 0.85
    assert not radius.held
    rate = gf.convergence_rate(method, V, ORIGIN, distance=1e-6)
    assert rate.agree
    np.testing.assert_allclose(rate.predicted, expected, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating, gf.extragradient])
def test_adams_rate_is_that_of_the_parameters_and_its_decay_another(build):
    h, b1, b2 = 0.02, 0.5, 0.999
    method = build(optax.adam(h, b1=b1, b2=b2))
    state = gf.simulate(method, V, gf.Players(0.3, -0.2), num_steps=40).state
    radius = gf.spectral_radius(method, V, ORIGIN, state=state)
    assert radius.held
    np.testing.assert_allclose(radius.decay, b2, rtol=1e-12)
    assert radius.value == max(radius.rate, radius.decay)
    assert "second moments held" in repr(radius)
    rate = gf.convergence_rate(method, V, ORIGIN, state=state)
    assert (rate.agree, rate.held, rate.predicted) == (True, True, radius.rate)
    # The run's own momentum is none of the point's.
    moved = jax.tree.map_with_path(
        lambda path, x: x + 3.0 if "mu" in jax.tree_util.keystr(path) else x, state
    )
    other = gf.spectral_radius(method, V, ORIGIN, state=moved)
    np.testing.assert_allclose(other.rate, radius.rate, rtol=1e-12)
    if build is not gf.simultaneous:
        return
    # (x, m) ← (x + D⁻¹m′, m′), m′ = b₁m + (1 − b₁)hJx, with the bias corrections of the state.
    (adam, *_), _ = jax.tree.flatten(state.memory, is_leaf=lambda x: hasattr(x, "nu"))
    count = int(adam.count) + 1
    nu = np.concatenate([np.ravel(x) for x in adam.nu])
    scale = h / (1 - b1**count) / (np.sqrt(b2 * nu / (1 - b2**count)) + 1e-8)
    D, J = np.diag(scale), np.asarray(gf.jacobian(V)(ORIGIN))
    gain = (1 - b1) * J
    joint = np.block([[np.eye(2) + D @ gain, b1 * D], [gain, b1 * np.eye(2)]])
    np.testing.assert_allclose(radius.rate, np.abs(np.linalg.eigvals(joint)).max(), rtol=1e-9)


@pytest.mark.slow
def test_without_the_matrix_the_two_are_apart_too():
    method = gf.simultaneous(optax.adam(0.02))
    state = gf.simulate(method, V, gf.Players(0.3, -0.2), num_steps=40).state
    dense, products = (
        gf.spectral_radius(method, V, ORIGIN, state=state, dense_limit=limit) for limit in (400, 0)
    )
    np.testing.assert_allclose(products.rate, dense.rate, rtol=1e-9)
    np.testing.assert_allclose(products.decay, dense.decay, rtol=1e-9)


@pytest.mark.slow
def test_the_largest_step_is_no_multiple_of_another_runs():
    build = along(optax.adam)
    state = gf.simulate(*build(0.02), gf.Players(0.3, -0.2), num_steps=10).state
    with pytest.raises(ValueError, match=r"a multiple of that\. moments='frozen' holds"):
        gf.largest_stable(build, ORIGIN, bounds=(0.0, 1.0), state=state)


@pytest.mark.slow
def test_momentum_that_does_not_begin_at_rest_is_put_there():
    # Yogi's moments begin at 1e-6, the first one too.
    radius = gf.spectral_radius(gf.simultaneous(optax.yogi(1e-4)), V, ORIGIN)
    assert radius.fixed_point_residual < 1e-15
    D = 1e-4 / (1e-3 + 1e-3)
    J = np.asarray(gf.jacobian(V)(ORIGIN))
    gain = 0.1 * J
    joint = np.block([[np.eye(2) + D * gain, 0.9 * D * np.eye(2)], [gain, 0.9 * np.eye(2)]])
    np.testing.assert_allclose(radius.rate, np.abs(np.linalg.eigvals(joint)).max(), rtol=1e-9)


@pytest.mark.long
def test_what_is_smooth_is_never_refused_and_a_kink_always():
    rng = np.random.default_rng(0)
    for seed in range(200):
        inner, outer, slant = rng.normal(size=(5, 4)), rng.normal(size=(4, 5)), rng.normal(size=4)
        scale, h = 10 ** rng.uniform(-3, 3), 10 ** rng.uniform(-6, 0)
        at = rng.normal(size=4) * 10 ** rng.uniform(-2, 1)
        shift = outer @ np.tanh(inner @ at)

        def field(params, batch=None, *, kink=0.0, parts=(inner, outer, slant, scale, at, shift)):
            inner, outer, slant, scale, at, shift = map(jnp.asarray, parts)
            x = jnp.concatenate(params)
            bend = kink * slant * jnp.abs(slant @ (x - at))
            value = scale * (outer @ jnp.tanh(inner @ x) - shift + bend)
            return gf.Players(value[:2], value[2:])

        point = gf.Players(jnp.asarray(at[:2]), jnp.asarray(at[2:]))
        method = gf.simultaneous(optax.sgd(h / scale, momentum=0.5))
        assert gf.spectral_radius(method, field, point).rate > 0, seed
        with pytest.raises(ValueError, match="has a kink"):
            gf.spectral_radius(method, partial(field, kink=jnp.asarray(1.0)), point)


METHODS = dict(gf.METHODS) | {
    "lookahead": lambda optimizer: gf.lookahead(gf.simultaneous(optimizer)),
    "averaged": lambda optimizer: gf.averaged(gf.simultaneous(optimizer)),
}


@pytest.mark.long
@pytest.mark.parametrize("name", METHODS)
def test_every_method_with_second_moments_held(name):
    method = METHODS[name](optax.adam(0.02, b1=0.5))
    state = gf.simulate(method, V, gf.Players(0.3, -0.2), num_steps=40).state
    rate = gf.convergence_rate(method, V, ORIGIN, state=state)
    assert (rate.agree, rate.held) == (True, True), rate


PLAIN_OPTIMIZERS = ("adam", "adamax", "adamw", "amsgrad", "adabelief", "nadam", "radam", "yogi")
STATELESS = ("sgd", "optimistic_gradient_descent", "adagrad", "adadelta", "fromage")


@pytest.mark.long
@pytest.mark.parametrize("name", PLAIN_OPTIMIZERS + STATELESS)
def test_optimizers_of_optax_agree_with_their_runs(name):
    method = gf.simultaneous(getattr(optax, name)(0.05))
    state = None
    if name in PLAIN_OPTIMIZERS:
        state = gf.simulate(method, V, gf.Players(0.3, -0.2), num_steps=40).state
    assert gf.convergence_rate(method, V, ORIGIN, state=state).agree
