"""Update maps and spectral radii, against closed forms of the bilinear game and against runs."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf
from tests.cases import mlp_gan, params_of
from tests.spectra.closed_forms import (
    CLOSED_FORMS,
    MOMENTUM,
    ORIGIN,
    largest_root,
)

pytestmark = pytest.mark.usefixtures("x64")


QUADRATIC = gf.vector_field(gf.games.quadratic(0.5, 0.2, 1.0))


SIZES = (0.1, 0.5, 0.9, 1.4)


@pytest.mark.parametrize("s", SIZES)
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(name, s):
    build, transform, radius = CLOSED_FORMS[name]
    c = 1.7
    v = gf.vector_field(gf.games.bilinear(c))
    field = v if transform is None else transform(v)
    measured = gf.spectral_radius(build(optax.sgd(s / c)), field, ORIGIN)
    np.testing.assert_allclose(measured.value, radius(s, c), rtol=0, atol=1e-9)
    assert measured.rate == measured.value
    assert (measured.residual, measured.fixed_point_residual) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("beta", [-0.5, 0.3, 0.9])
@pytest.mark.parametrize("name", MOMENTUM)
def test_momentum(name, beta):
    build, closed_form = MOMENTUM[name]
    for s in SIZES[:3]:
        method = build(optax.sgd(s, momentum=beta))
        radius = gf.spectral_radius(method, gf.vector_field(gf.games.bilinear()), ORIGIN).value
        np.testing.assert_allclose(radius, closed_form(beta)(s, 1), rtol=0, atol=1e-9)
        assert name == "alternating" or radius > 1
    # The optimizer's memory is part of the state.
    assert gf.update_map(method, QUADRATIC, method.init(ORIGIN)).point.shape == (4,)


def test_negative_momentum_on_record():
    v = gf.vector_field(gf.games.bilinear())
    radius = gf.spectral_radius(gf.alternating(optax.sgd(0.5, momentum=-0.5)), v, ORIGIN)
    np.testing.assert_allclose(radius.value, 0.9625, atol=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("s", [0.1, 0.3, 0.45, 0.6, 0.9])
def test_optimistic_steps_are_past_their_first(s):
    # Optax has a flag for the first step, which has no past: with it held F would be 1 + is.
    method = gf.simultaneous(optax.optimistic_gradient_descent(s))
    radius = gf.spectral_radius(method, gf.vector_field(gf.games.bilinear()), ORIGIN)
    z = 1j * s
    np.testing.assert_allclose(radius.value, largest_root(1, -(1 + 2 * z), z), rtol=0, atol=1e-9)
    assert (radius.value < 1) == (s < 1 / np.sqrt(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["simultaneous", "alternating 2, 3", "consensus"])
def test_matrix_games_are_those_of_their_singular_values(name):
    build, transform, radius = CLOSED_FORMS[name]
    matrix = np.random.default_rng(0).normal(size=(3, 4))
    v = gf.vector_field(gf.games.bilinear(jnp.asarray(matrix)))
    field = v if transform is None else transform(v)
    at = gf.Players(jnp.zeros(3), jnp.zeros(4))
    h = 0.11
    measured = gf.spectral_radius(build(optax.sgd(h)), field, at)
    singular = np.linalg.svd(matrix, compute_uv=False)
    expected = max(1, *(radius(h * c, c) for c in singular))  # φ has one dimension to spare
    np.testing.assert_allclose(measured.value, expected, rtol=0, atol=1e-9)
    assert measured.eigenvalues.shape == (7,)


def optimistic_radius(s):
    return largest_root(1, -(1 + 2j * s), 1j * s)


# Name → method(h), ρ(s): methods with memories, flags and inner solves of their own.
FURTHER = {
    "extragradient": (
        lambda h: gf.extragradient(optax.sgd(h)),
        lambda s: np.sqrt(1 - s**2 + s**4),
    ),
    "extragradient, two sizes": (
        lambda h: gf.extragradient(optax.sgd(h), optax.sgd(2 * h)),
        lambda s: np.hypot(1 - 2 * s**2, s),
    ),
    "past extragradient": (
        lambda h: gf.past_extragradient(optax.sgd(h)),
        optimistic_radius,
    ),
    "optimistic": (lambda h: gf.optimistic(optax.sgd(h)), optimistic_radius),
    "lead": (lambda h: gf.lead(optax.sgd(h), momentum=0.0, alignment=h), optimistic_radius),
    "second order": (
        lambda h: gf.runge_kutta(optax.sgd(h), order=2),
        lambda s: np.sqrt(1 + s**4 / 4),
    ),
    "fourth order": (
        lambda h: gf.runge_kutta(optax.sgd(h), order=4),
        lambda s: np.sqrt(1 - s**6 / 72 + s**8 / 576),
    ),
    "competitive": (
        lambda h: gf.competitive(optax.sgd(h), tolerance=1e-12),
        lambda s: 1 / np.hypot(1, s),
    ),
    "proximal point": (
        lambda h: gf.proximal_point(optax.sgd(h), tolerance=1e-12),
        lambda s: 1 / np.hypot(1, s),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", FURTHER)
def test_closed_forms_of_further_methods(name):
    build, radius = FURTHER[name]
    v = gf.vector_field(gf.games.bilinear(2.0))
    for s in (0.3, 0.8):
        measured = gf.spectral_radius(build(s / 2), v, ORIGIN)
        np.testing.assert_allclose(measured.value, radius(s), rtol=0, atol=1e-9)
        assert measured.fixed_point_residual == 0


@pytest.mark.long
@pytest.mark.parametrize("name", ["competitive", "proximal_point", "follow_the_ridge"])
def test_inner_solves_have_derivatives(name):
    # Also on the bilinear game, where following the ridge has nothing to solve with.
    method = gf.METHODS[name](optax.sgd(0.2))
    for field in (QUADRATIC, gf.vector_field(gf.games.bilinear())):
        F = gf.update_map(method, field, method.init(gf.Players(0.3, -0.4)))
        expected = by_differences(jax.jit(F.apply), F.point, step=1e-3)
        np.testing.assert_allclose(jax.jit(F.jacobian)(F.point), expected, atol=1e-4)


@pytest.mark.slow
def test_lookahead_over_its_cycle():
    method = gf.lookahead(gf.simultaneous(optax.sgd(0.5)), num_steps=4, share=0.3)
    v = gf.vector_field(gf.games.bilinear())
    radius = gf.spectral_radius(method, v, ORIGIN)
    expected = abs(0.7 + 0.3 * (1 + 0.5j) ** 4)
    np.testing.assert_allclose(radius.value, expected, rtol=0, atol=1e-9)


def run_state(method, field, start=ORIGIN, num_steps=7):
    return gf.simulate(method, field, start, num_steps=num_steps).state


def by_differences(apply, point, step=1e-6):
    columns = [
        (apply(point + e) - apply(point - e)) / (2 * step) for e in step * np.eye(len(point))
    ]
    return np.stack(columns, axis=1)


OPTIMIZERS = {
    "sgd": optax.sgd(0.2),
    "momentum": optax.sgd(0.2, momentum=0.7),
    "rmsprop": optax.rmsprop(0.1),
    "adam": optax.adam(0.1),
    "clipped": optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(0.2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("moments", ["moving", "frozen"])
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_jacobian_against_finite_differences(optimizer, build, moments):
    method = build(OPTIMIZERS[optimizer])
    field = gf.vector_field(gf.games.dirac_gan())
    state = run_state(method, field, gf.Players(0.8, -0.6))
    F = gf.update_map(method, field, state, num_steps=2, moments=moments)
    matrix = jax.jit(F.jacobian)(F.point)
    expected = by_differences(jax.jit(F.apply), F.point)
    np.testing.assert_allclose(matrix, expected, rtol=2e-5, atol=1e-8)

    u, w = np.random.default_rng(0).normal(size=(2, F.point.size))
    np.testing.assert_allclose(F.jvp(F.point, u), matrix @ u, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(F.vjp(F.point, w), matrix.T @ w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("optimizer", "floats"), [("sgd", 2), ("rmsprop", 4), ("adam", 6)])
def test_what_moves_and_what_is_held(optimizer, floats):
    method = gf.simultaneous(OPTIMIZERS[optimizer])
    state = run_state(method, QUADRATIC, gf.Players(0.8, -0.6))
    F = gf.update_map(method, QUADRATIC, state)
    assert F.point.shape == (floats,)
    # The map is one step, in the state's own order, but counts stay.
    after, _ = method.step(QUADRATIC, state, None)
    moved = F.unravel(F.apply(F.point))
    assert jax.tree.structure(moved) == jax.tree.structure(state)
    for leaf, old, new in zip(*map(jax.tree.leaves, (moved, state, after)), strict=True):
        held = jnp.issubdtype(new.dtype, jnp.integer)
        np.testing.assert_allclose(leaf, old if held else new, rtol=1e-14)
        assert leaf.dtype == new.dtype

    frozen = gf.update_map(method, QUADRATIC, state, moments="frozen")
    assert frozen.point.shape == (2,)
    mapped = frozen.unravel(frozen.apply(frozen.point))
    np.testing.assert_allclose(np.stack(mapped.params), np.stack(after.params), rtol=1e-14)
    for ours, theirs in zip(*map(jax.tree.leaves, (mapped.memory, state.memory)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_rmsprop_at_an_equilibrium_is_a_preconditioned_step():
    # With v = 0, n ← bn moves by itself, and x ← x + h·Jx/√(b·n).
    h, b = 0.1, 0.9
    method = gf.simultaneous(optax.rmsprop(h, decay=b, eps=0.0))
    state = run_state(method, QUADRATIC, gf.Players(0.8, -0.6))
    nu = np.concatenate([np.ravel(x) for x in jax.tree.leaves(state.memory)])
    matrix = np.array([[-0.5, -1.0], [1.0, -0.2]])
    step = np.eye(2) + h * np.diag(1 / np.sqrt(b * nu)) @ matrix
    expected = np.linalg.eigvals(step)
    frozen = gf.spectral_radius(method, QUADRATIC, ORIGIN, state=state, moments="frozen")
    np.testing.assert_allclose(np.sort_complex(frozen.eigenvalues), np.sort_complex(expected))
    assert frozen.fixed_point_residual == 0
    moving = gf.spectral_radius(method, QUADRATIC, ORIGIN, state=state)
    np.testing.assert_allclose(
        np.sort_complex(moving.eigenvalues), np.sort_complex([*expected, b, b]), rtol=1e-9
    )
    np.testing.assert_allclose(moving.fixed_point_residual, (1 - b) * np.linalg.norm(nu))


@pytest.mark.slow
def test_adam_at_an_equilibrium_has_momentum_and_decay():
    h, b1, b2, eps = 0.1, 0.5, 0.9, 1e-8
    method = gf.simultaneous(optax.adam(h, b1=b1, b2=b2, eps=eps))
    state = run_state(method, QUADRATIC, gf.Players(0.8, -0.6), num_steps=9)
    adam = state.memory[0]
    count = int(adam.count) + 1
    nu = np.stack(adam.nu)
    root = np.sqrt(b2 * nu / (1 - b2**count)) + eps
    matrix = np.array([[-0.5, -1.0], [1.0, -0.2]])
    # m ← b₁m − (1 − b₁)Jx; x ← x − h·m/(root·(1 − b₁ⁿ)); Adam descends −v.
    of_x, of_m = -(1 - b1) * matrix, b1 * np.eye(2)
    scale = -h * np.diag(1 / root) / (1 - b1**count)
    joint = np.block([[np.eye(2) + scale @ of_x, scale @ of_m], [of_x, of_m]])
    radius = gf.spectral_radius(
        method,
        QUADRATIC,
        ORIGIN,
        state=state._replace(memory=(adam._replace(mu=ORIGIN), *state.memory[1:])),
    )
    # A pair of conjugates and its copy with the last bit off: compare as polynomials.
    np.testing.assert_allclose(
        np.poly(radius.eigenvalues), np.poly([*np.linalg.eigvals(joint), b2, b2]), rtol=1e-8
    )


@pytest.mark.long
def test_no_second_moments_no_derivative():
    for optimizer in (optax.adam(0.1), optax.rmsprop(0.1, eps_in_sqrt=False)):
        method = gf.simultaneous(optimizer)
        for limit in (0, 400):
            v = gf.vector_field(gf.games.bilinear(jnp.eye(3)))
            at = gf.Players(jnp.zeros(3), jnp.zeros(3))
            with pytest.raises(
                ValueError, match=r"second moments are 0, .* give the state of a run"
            ):
                gf.spectral_radius(method, v, at, dense_limit=limit)


class Slow(NamedTuple):
    params: gf.Players
    since: jax.Array


def every_third_step_half_way_back(h):
    """A lookahead of its own, with a counter."""
    base = gf.simultaneous(optax.sgd(h))

    def init(params):
        return base.init(params)._replace(
            memory=Slow(gf.Players(*map(jnp.asarray, params)), jnp.zeros((), int))
        )

    def step(field, state, batch):
        moved, info = base.step(field, base.init(state.params), batch)
        slow, since = state.memory
        since = (since + 1) % 3
        due = since == 0
        half = jax.tree.map(lambda a, b: (a + b) / 2, slow, moved.params)
        params, slow = (
            jax.tree.map(lambda a, b: jnp.where(due, a, b), half, other)
            for other in (moved.params, slow)
        )
        return gf.State(params, Slow(slow, since)), info

    return gf.Method(init, step, cycle=3)


@pytest.mark.long
def test_a_method_that_counts_needs_its_cycle():
    s = 0.5
    v = gf.vector_field(gf.games.bilinear())
    method = every_third_step_half_way_back(s)
    expected = abs(0.5 + 0.5 * (1 + 1j * s) ** 3)
    for cycle, power in ((3, 1), (6, 2)):
        radius = gf.spectral_radius(method, v, ORIGIN, num_steps=cycle)
        np.testing.assert_allclose(radius.value, expected**power, rtol=0, atol=1e-9)
        np.testing.assert_allclose(radius.rate, expected ** (1 / 3), rtol=0, atol=1e-9)
    rate = gf.convergence_rate(method, v, ORIGIN)
    counting = gf.simultaneous(optax.chain(optax.apply_every(2), optax.sgd(0.1)))
    both = gf.convergence_rate(counting, QUADRATIC, ORIGIN)
    assert both.measured == pytest.approx(both.predicted, rel=2e-3)
    np.testing.assert_allclose(rate[:2], expected ** (1 / 3), rtol=1e-3)


@pytest.mark.slow
def test_several_steps_are_a_power_of_one():
    for build in (gf.simultaneous, gf.alternating):
        method = build(optax.sgd(0.3, momentum=0.2))
        one = gf.update_map(method, QUADRATIC, method.init(ORIGIN))
        three = gf.update_map(method, QUADRATIC, method.init(ORIGIN), num_steps=3)
        power = np.linalg.matrix_power(one.jacobian(one.point), 3)
        np.testing.assert_allclose(three.jacobian(three.point), power, atol=1e-14)


@pytest.mark.slow
def test_float32_and_numbers_typed_by_hand():
    with jax.enable_x64(False):
        method = gf.simultaneous(optax.sgd(0.5))
        v = gf.vector_field(gf.games.bilinear())
        F = gf.update_map(method, v, method.init(ORIGIN))
        assert F.point.dtype == F.apply(F.point).dtype == np.float32
        # The spectral radius is taken in float64 all the same, from any state.
        for at in (ORIGIN, gf.Players(0, 0), gf.Players(jnp.zeros(()), jnp.zeros(()))):
            for state in (None, method.init(ORIGIN)):
                radius = gf.spectral_radius(method, v, at, state=state).value
                np.testing.assert_allclose(radius, np.sqrt(1.25), rtol=0, atol=1e-14)


@pytest.mark.slow
def test_a_state_lends_its_memory_and_not_its_place():
    method = gf.simultaneous(optax.sgd(0.3))
    v = gf.vector_field(gf.games.dirac_gan())
    state = run_state(method, v, gf.Players(2.0, 1.0))
    alone, lent = (gf.spectral_radius(method, v, ORIGIN, state=s) for s in (None, state))
    assert lent.value == alone.value
    assert lent.fixed_point_residual == 0
    with pytest.raises(ValueError, match=r"state\.params.* must have the shape of params"):
        gf.spectral_radius(method, v, gf.Players(np.zeros(2), 0.0), state=state)


def test_away_from_a_fixed_point_the_residual_says_so():
    method = gf.simultaneous(optax.sgd(0.3))
    v = gf.vector_field(gf.games.bilinear(2.0))
    radius = gf.spectral_radius(method, v, gf.Players(1.0, 2.0))
    np.testing.assert_allclose(radius.fixed_point_residual, 0.3 * 2 * np.sqrt(5), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating])
def test_batches(build):
    # Each of the moves of a step sees the batch.
    case = mlp_gan()
    v = gf.vector_field(case.game)
    at = params_of(case)
    one = build(optax.sgd(0.1))
    batch = case.sample(jax.random.key(3))
    F = gf.update_map(one, v, one.init(at), batch=batch)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * one.num_batches), batch)
    after, _ = one.step(v, one.init(at), batch if one.num_batches == 1 else stacked)
    expected, _ = ravel_pytree(after.params)
    np.testing.assert_allclose(F.apply(F.point), expected, rtol=1e-12)
    assert one.num_batches == {gf.simultaneous: 1, gf.alternating: 2}[build]


def test_labels_and_keys_in_a_batch_stay_what_they_are():
    batch = {"scale": np.float32(2), "label": np.arange(3), "key": jax.random.key(0)}

    def field(params, batch):
        assert batch["label"].dtype == np.arange(3).dtype
        assert jnp.issubdtype(batch["key"].dtype, jax.dtypes.prng_key)
        scale = batch["scale"]
        return gf.Players(-scale * params.phi, scale * params.theta)

    radius = gf.spectral_radius(gf.simultaneous(optax.sgd(0.25)), field, ORIGIN, batch=batch)
    np.testing.assert_allclose(radius.value, np.sqrt(1.25), rtol=0, atol=1e-12)


RATES = {
    "quadratic": (gf.games.quadratic(0.3, 0.2, 1.0), 0.2),
    "r1": (gf.games.dirac_gan(penalty="r1", penalty_weight=0.3), 0.2),
    "noise": (gf.games.dirac_gan(instance_noise=0.6), 0.2),
    "bilinear": (gf.games.bilinear(), 0.3),
    "minimax": (gf.games.unstable_minimax(), 0.02),
}


STEPS = {
    "simultaneous": lambda h: gf.simultaneous(optax.sgd(h)),
    "alternating": lambda h: gf.alternating(optax.sgd(h)),
    "alternating 1, 2": lambda h: gf.alternating(optax.sgd(h), phi_steps=2),
    "momentum": lambda h: gf.alternating(optax.sgd(h, momentum=-0.3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", STEPS)
@pytest.mark.parametrize("name", RATES)
def test_predicted_and_measured_rates(name, method):
    game, h = RATES[name]
    rate = gf.convergence_rate(STEPS[method](h), gf.vector_field(game), game.equilibria[0])
    # Where it turns while it spirals out, the distance swings, and the run is soon over.
    tolerance = 2e-2 if name == "minimax" else 2e-3
    np.testing.assert_allclose(rate.measured, rate.predicted, rtol=tolerance)


@pytest.mark.long
@pytest.mark.parametrize("decay", [None, 0.999])
@pytest.mark.parametrize("around", [False, True, None])
def test_the_rate_of_an_averaged_method_is_that_of_its_points(decay, around):
    # With so long a past the average's own decay is slower than the points'.
    v = gf.vector_field(gf.games.quadratic(0.6, 0.5, 0.3))
    inner = gf.simultaneous(optax.sgd(0.2, momentum=0.3))
    method = gf.averaged(inner, decay=decay)
    method, inner = (gf.lookahead(m) if around else m for m in (method, inner))
    if around is None:  # a step that is one compiled call
        method = method._replace(step=jax.jit(method.step, static_argnums=0))
    state = run_state(method, v, num_steps=500)
    alone = gf.convergence_rate(inner, v, ORIGIN)
    averaged = gf.convergence_rate(method, v, ORIGIN, state=state)
    assert averaged.predicted == pytest.approx(alone.predicted, rel=1e-12)
    assert averaged.measured == pytest.approx(averaged.predicted, rel=2e-3)
    # The map of the whole state has the average's decay too, apart.
    radius = gf.spectral_radius(method, v, ORIGIN, state=state)
    assert radius.value > 0.95 > alone.predicted
    assert radius.decay > 0.99
    assert radius.rate == pytest.approx(alone.predicted, rel=1e-12)
    assert not radius.held


@pytest.mark.slow
def test_rates_of_what_diverges_are_taken_while_it_is_near():
    # The Dirac-GAN's field is weaker far away: a long run out there is slower.
    v = gf.vector_field(gf.games.dirac_gan())
    rate = gf.convergence_rate(gf.simultaneous(optax.sgd(0.5)), v, ORIGIN, num_steps=800)
    np.testing.assert_allclose(rate.predicted, np.sqrt(1 + 0.25**2), rtol=1e-12)
    np.testing.assert_allclose(rate.measured, rate.predicted, rtol=1e-3)


@pytest.mark.slow
def test_a_run_that_is_over_has_no_rate():
    v = gf.vector_field(gf.games.quadratic(1.0, 1.0, 0.0))
    rate = gf.convergence_rate(gf.simultaneous(optax.sgd(1.0)), v, ORIGIN)
    assert rate.predicted == 0
    assert np.isnan(rate.measured)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda m: gf.update_map(m, QUADRATIC, m.init(ORIGIN), num_steps=0), "num_steps must be"),
        (
            lambda m: gf.update_map(m, QUADRATIC, m.init(ORIGIN), moments="freezing"),
            "unknown moments 'freezing': did you mean 'frozen'",
        ),
        (lambda m: gf.spectral_radius(m, QUADRATIC, ORIGIN, num_steps=0), "num_steps must be"),
        (lambda m: gf.spectral_radius(m, QUADRATIC, ORIGIN, moments="no"), "unknown moments"),
        (lambda m: gf.spectral_radius(m, QUADRATIC, ORIGIN, dense_limit=-1), "dense_limit must be"),
        (lambda m: gf.convergence_rate(m, QUADRATIC, ORIGIN, num_steps=7), "integer ≥ 8, got 7"),
        (lambda m: gf.convergence_rate(m, QUADRATIC, ORIGIN, distance=0.0), "number > 0, got 0.0"),
        (lambda m: gf.convergence_rate(m, QUADRATIC, ORIGIN, distance=np.inf), "distance must be"),
    ],
)
def test_bad_arguments(call, said):
    with pytest.raises(ValueError, match=said):
        call(gf.simultaneous(optax.sgd(0.1)))
