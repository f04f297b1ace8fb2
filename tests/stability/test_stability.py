"""Limits of stability, and the diagram of two hyper-parameters."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.optimize

import ganfield as gf
from tests.stability.bilinear import BILINEAR, ORIGIN, consensus, every

pytestmark = pytest.mark.usefixtures("x64")


def plain(field):
    return lambda step_size: (gf.simultaneous(optax.sgd(step_size)), field)


def along(method, transform=lambda v, h: v):
    """A row of the table: method(sgd(h), h) on a transform of the bilinear game of strength c."""

    def build(h, c):
        v = gf.vector_field(gf.games.bilinear(c))
        return method(optax.sgd(h), h), transform(v, h)

    return build


def root_of_lookahead(num_steps, share):
    def excess(s):
        return abs(1 - share + share * (1 + 1j * s) ** num_steps) - 1

    return scipy.optimize.brentq(excess, 0.05, 2.0, xtol=1e-13)


def of_consensus(c):
    return 2 * GAMMA / (1 + (GAMMA * c) ** 2)


GAMMA = 0.6


NEVER, ALWAYS, HIGH = float("nan"), float("inf"), 4.0
# Every row of the bilinear game's table: name → build(h, c), the limit of h for c.
LIMITS = {
    "simultaneous": (along(lambda sgd, h: gf.simultaneous(sgd)), lambda c: NEVER),
    "alternating": (along(lambda sgd, h: gf.alternating(sgd)), lambda c: NEVER),
    "alternating 2, 3": (
        along(lambda sgd, h: gf.alternating(sgd, theta_steps=2, phi_steps=3)),
        lambda c: NEVER,
    ),
    "proximal point": (along(lambda sgd, h: gf.proximal_point(sgd)), lambda c: ALWAYS),
    "competitive": (along(lambda sgd, h: gf.competitive(sgd)), lambda c: ALWAYS),
    "extragradient": (along(lambda sgd, h: gf.extragradient(sgd)), lambda c: 1 / c),
    "extragradient, twice as far": (  # (1 − 2s²)² + s² = 1
        along(lambda sgd, h: gf.extragradient(sgd, optax.sgd(2 * h))),
        lambda c: np.sqrt(3) / 2 / c,
    ),
    "look-ahead": (
        along(
            lambda sgd, h: gf.simultaneous(sgd),
            lambda v, h: gf.linearized_competitive(v, step_size=h),
        ),
        lambda c: 1 / c,
    ),
    "past extragradient": (
        along(lambda sgd, h: gf.past_extragradient(sgd)),
        lambda c: 1 / np.sqrt(3) / c,
    ),
    "optimistic": (along(lambda sgd, h: gf.optimistic(sgd)), lambda c: 1 / np.sqrt(3) / c),
    "optax's optimistic": (
        along(lambda sgd, h: gf.simultaneous(optax.optimistic_gradient_descent(h))),
        lambda c: 1 / np.sqrt(3) / c,
    ),
    "LEAD(0, h)": (
        along(lambda sgd, h: gf.lead(sgd, momentum=0.0, alignment=h)),
        lambda c: 1 / np.sqrt(3) / c,
    ),
    "second order": (along(lambda sgd, h: gf.runge_kutta(sgd, order=2)), lambda c: NEVER),
    "fourth order": (
        along(lambda sgd, h: gf.runge_kutta(sgd, order=4)),
        lambda c: 2 * np.sqrt(2) / c,
    ),
    "consensus": (
        along(lambda sgd, h: gf.simultaneous(sgd), lambda v, h: gf.consensus(v, gamma=GAMMA)),
        of_consensus,
    ),
    "symplectic": (
        along(
            lambda sgd, h: gf.simultaneous(sgd),
            lambda v, h: gf.symplectic(v, strength=GAMMA, align=False),
        ),
        of_consensus,
    ),
    "decoupled consensus": (
        along(lambda sgd, h: gf.methods.decoupled_consensus(sgd, strength=h * GAMMA)),
        of_consensus,
    ),
    "momentum": (
        along(lambda sgd, h: gf.simultaneous(optax.sgd(h, momentum=-0.5))),
        lambda c: NEVER,
    ),
    "momentum, alternating": (  # λ = −1 at s = 2(1 + β)
        along(lambda sgd, h: gf.alternating(optax.sgd(h, momentum=-0.5))),
        lambda c: 1 / c,
    ),
    "lookahead 5, ½": (
        along(lambda sgd, h: gf.lookahead(gf.simultaneous(sgd))),
        lambda c: root_of_lookahead(5, 0.5) / c,
    ),
    "lookahead 3, 0.3": (
        along(lambda sgd, h: gf.lookahead(gf.simultaneous(sgd), num_steps=3, share=0.3)),
        lambda c: root_of_lookahead(3, 0.3) / c,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("c", [0.8, 1.7])
@pytest.mark.parametrize("name", LIMITS)
def test_limits_on_the_bilinear_game(name, c):
    build, limit = LIMITS[name]
    largest = gf.largest_stable(lambda h: build(h, c), ORIGIN, bounds=(0.0, HIGH), resolution=41)
    np.testing.assert_allclose(largest, min(limit(c), HIGH), rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [(1, 1), (2, 3)])
def test_alternating_steps_leave_the_unit_circle_at_their_limit(moves):
    method = partial(gf.alternating, theta_steps=moves[0], phi_steps=moves[1])
    edge = 2 / np.sqrt(moves[0] * moves[1])
    for s, circles in ((0.5 * edge, True), (edge * (1 - 1e-6), True), (edge * (1 + 1e-6), False)):
        radius = gf.spectral_radius(method(optax.sgd(s)), BILINEAR, ORIGIN).value
        assert (abs(radius - 1) < 1e-9) == circles
        assert circles or radius > 1


@pytest.mark.slow
@pytest.mark.parametrize("c", [0.8, 1.7])
@pytest.mark.parametrize(
    ("name", "best", "least"),
    [
        ("extragradient", lambda c: np.sqrt(0.5) / c, lambda c: 0.75),
        ("look-ahead", lambda c: np.sqrt(0.5) / c, lambda c: 0.75),
        (
            "consensus",
            lambda c: GAMMA / (1 + (GAMMA * c) ** 2),
            lambda c: 1 / (1 + (GAMMA * c) ** 2),
        ),
    ],
)
def test_best_step_sizes_on_the_bilinear_game(name, best, least, c):
    def radius(h):
        return gf.spectral_radius(*LIMITS[name][0](h, c), ORIGIN).value

    np.testing.assert_allclose(radius(best(c)) ** 2, least(c), rtol=0, atol=1e-9)
    assert min(radius(0.99 * best(c)), radius(1.01 * best(c))) > radius(best(c))


@pytest.mark.slow
@pytest.mark.parametrize(("h", "c"), [(0.3, 1.0), (0.5, 1.7)])
def test_the_smallest_gamma_for_a_step_size(h, c):
    # h c² γ² − 2γ + h < 0: γ lies between two roots.
    roots = np.sort(np.roots([h * c**2, -2, h]))
    for side, root in zip(("smallest", "largest"), roots, strict=True):
        edge = gf.largest_stable(
            lambda gamma: consensus(h, gamma, c),
            ORIGIN,
            bounds=(0.0, 8.0),
            side=side,
            resolution=200,
        )
        np.testing.assert_allclose(edge, root, rtol=0, atol=1e-6)


def stable_games(count):
    """General-sum games of 2 + 2 parameters, with a random stable v′."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        matrix = rng.normal(size=(4, 4)) * 3
        for own in (slice(0, 2), slice(2, 4)):
            matrix[own, own] += matrix[own, own].T
        shift = np.linalg.eigvals(matrix).real.max() + rng.uniform(0.1, 1)
        matrix -= shift * np.eye(4)
        (a, b), (c, d) = (np.hsplit(rows, 2) for rows in np.vsplit(matrix, 2))
        game = gf.games.general_sum(
            lambda theta, phi, batch, a=a, b=b: -theta @ (a @ theta / 2 + b @ phi),
            lambda theta, phi, batch, c=c, d=d: -phi @ (c @ theta + d @ phi / 2),
            init=lambda key: None,
        )
        yield matrix, gf.vector_field(game)


@pytest.mark.long
def test_lemma_4_on_random_games():
    at = gf.Players(jnp.zeros(2), jnp.zeros(2))
    for matrix, field in stable_games(4):
        np.testing.assert_allclose(gf.jacobian(field)(at), matrix, atol=1e-12)
        bound = float(gf.max_step_size(np.linalg.eigvals(matrix)))
        largest = gf.largest_stable(plain(field), at, bounds=(0.0, 1.3 * bound))
        np.testing.assert_allclose(largest, bound, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b", "c"), [(1.0, 1.0, 2.0), (0.3, 0.0, 1.5), (2.0, 0.5, 0.1)])
def test_lemma_4_on_quadratic_games(a, b, c):
    v = gf.vector_field(gf.games.quadratic(a, b, c))
    bound = float(gf.max_step_size(gf.eigenvalues(v)(ORIGIN)))
    largest = gf.largest_stable(plain(v), ORIGIN, bounds=(0.0, 5.0))
    np.testing.assert_allclose(largest, bound, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [(1, 1), (2, 1), (1, 3)])
def test_on_the_unit_circle_nothing_is_stable(moves):
    # Alternating steps on the bilinear game, and exactly at the value where eigenvalues meet at −1.
    def build(step_size):
        method = gf.alternating(optax.sgd(step_size), theta_steps=moves[0], phi_steps=moves[1])
        return method, BILINEAR

    edge = 2 / np.sqrt(moves[0] * moves[1])
    for high, resolution in ((4.0, 64), (2 * edge, 65)):
        largest = gf.largest_stable(build, ORIGIN, bounds=(0.0, high), resolution=resolution)
        assert np.isnan(largest)


@pytest.mark.slow
def test_bounds_that_are_stable_are_returned():
    v = gf.vector_field(gf.games.quadratic())
    assert gf.largest_stable(plain(v), ORIGIN, bounds=(0.0, 0.5)) == 0.5
    assert gf.largest_stable(plain(v), ORIGIN, bounds=(0.25, 4.0), side="smallest") == 0.25
    assert np.isnan(gf.largest_stable(plain(BILINEAR), ORIGIN, bounds=(0.0, 0.5)))


@pytest.mark.slow
def test_batches_reach_every_move():
    def field(params, batch):
        return gf.Players(-batch * params.theta - params.phi, params.theta - batch * params.phi)

    for build in (gf.simultaneous, gf.alternating):
        largest = gf.largest_stable(
            lambda h, build=build: (build(optax.sgd(h)), field),
            ORIGIN,
            batch=np.float32(2),
            bounds=(0.0, 3.0),
        )
        matrix = np.array([[-2.0, -1.0], [1.0, -2.0]])

        def radius(h, build=build, matrix=matrix):
            first = np.diag([0, 1]) if build is gf.alternating else np.eye(2)
            step = (np.eye(2) + h * (np.eye(2) - first) @ matrix) @ (np.eye(2) + h * first @ matrix)
            return np.abs(np.linalg.eigvals(step)).max()

        assert radius(largest * (1 - 1e-6)) < 1 < radius(largest * (1 + 1e-6))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bounds": (1.0, 0.0)}, "bounds must be"),
        ({"bounds": gf.Players((0.0, 1.0), (0.0, 1.0))}, "bounds must be one pair"),
        ({"bounds": (0.0, 1.0), "side": "biggest"}, "unknown side 'biggest'"),
        ({"bounds": (0.0, 1.0), "resolution": 1}, "resolution must be an integer ≥ 2"),
        ({"bounds": (0.0, 1.0), "num_steps": 0}, "num_steps must be an integer ≥ 1"),
        ({"bounds": (0.0, 1.0), "moments": "all"}, "unknown moments"),
    ],
)
def test_bad_arguments_of_the_limit(options, said):
    with pytest.raises(ValueError, match=said):
        gf.largest_stable(plain(BILINEAR), ORIGIN, **options)


@pytest.mark.slow
def test_without_a_derivative_there_is_no_limit():
    with pytest.raises(
        ValueError, match=r"has a derivative, and it is not finite there\. Adam has none"
    ):
        gf.largest_stable(
            lambda h: (gf.simultaneous(optax.adam(h)), BILINEAR), ORIGIN, bounds=(0.0, 1.0)
        )


@pytest.mark.slow
def test_a_state_lends_its_second_moments():
    # With all second moments held at ν a step is x + h·v/√ν: Lemma 4 for h/√ν.
    game = gf.games.quadratic(1.0, 2.0, 1.5)
    v, origin, nu = gf.vector_field(game), gf.Players(0.0, 0.0), 0.09

    def optimizer(step_size):
        return optax.rmsprop(step_size, decay=1.0, eps=0.0, eps_in_sqrt=False)

    state = gf.simultaneous(optimizer(0.1)).init(origin)
    state = jax.tree.map(lambda x: jnp.full_like(x, nu, float) if x.ndim == 0 else x, state)
    largest = gf.largest_stable(
        lambda h: (gf.simultaneous(optimizer(h)), v),
        origin,
        bounds=(0.0, 1.0),
        state=state,
        moments="frozen",
    )
    expected = float(gf.max_step_size(gf.eigenvalues(v)(origin))) * nu**0.5
    assert largest == pytest.approx(expected, abs=1e-6)


DAMPED = gf.consensus(BILINEAR, gamma=0.5)  # simultaneous steps are stable up to 0.8


def multi_steps(h):
    return optax.MultiSteps(optax.sgd(h), 3).gradient_transformation()


def scheduled(schedule):
    return lambda h: optax.chain(optax.scale_by_schedule(schedule), optax.sgd(h))


# Name → optimizer(h), the limit of h: a sum of k steps is one of length k·h, a mean one of h.
COUNTING = {
    "mean of three": (multi_steps, 0.8),
    "sum of two": (every(2), 0.4),
    "sum of three": (every(3), 0.8 / 3),
    "constant": (scheduled(optax.constant_schedule(0.5)), 1.6),
    "in turn": (scheduled(lambda count: jnp.where(count % 2 == 0, 2.0, 0.0)), 0.4),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTING)
def test_limits_of_optimizers_that_count(name):
    optimizer, limit = COUNTING[name]

    def build(h):
        return gf.simultaneous(optimizer(h)), DAMPED

    value = gf.largest_stable(build, ORIGIN, bounds=(0.0, 2.0))
    np.testing.assert_allclose(value, limit, rtol=0, atol=1e-6)
    # As runs have it.
    for h, near in ((0.97 * limit, True), (1.03 * limit, False)):
        end = gf.simulate(*build(h), gf.Players(1.0, 0.0), num_steps=600).params
        assert (np.hypot(*end) < 0.5) == near


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (optax.linear_schedule(1.0, 0.1, 10_000), r"count, which does not repeat within 128"),
        (optax.cosine_decay_schedule(1.0, 1_000_000), r"count, which does not repeat"),
        (optax.piecewise_constant_schedule(1.0, {5_000: 2.0}), r"something else much later"),
        (optax.linear_schedule(0.0, 1.0, 20), "give the state of a run that is past its first"),
    ],
    ids=["linear", "cosine", "late", "warm-up"],
)
def test_a_schedule_has_no_one_map(schedule, said):
    def build(h):
        return gf.simultaneous(scheduled(schedule)(h)), DAMPED

    with pytest.raises(ValueError, match=said):
        gf.largest_stable(build, ORIGIN, bounds=(0.0, 2.0))
    with pytest.raises(ValueError, match=said):
        gf.spectral_radius(*build(0.1), ORIGIN)


@pytest.mark.slow
def test_past_its_warm_up_a_schedule_is_one_map():
    def build(h):
        return gf.simultaneous(scheduled(optax.linear_schedule(0.0, 1.0, 20))(h)), DAMPED

    state = gf.simulate(*build(0.1), ORIGIN, num_steps=20).state
    value = gf.largest_stable(build, ORIGIN, bounds=(0.0, 2.0), state=state)
    np.testing.assert_allclose(value, 0.8, rtol=0, atol=1e-6)


@pytest.mark.long
def test_several_steps_of_what_counts_must_be_whole_periods():
    method = gf.simultaneous(every(2)(0.1))
    one, two = (gf.spectral_radius(method, DAMPED, ORIGIN, num_steps=n) for n in (None, 4))
    np.testing.assert_allclose(two.rate, one.rate, rtol=1e-12)
    np.testing.assert_allclose(one.value, np.hypot(1 - 0.1, 0.2), rtol=1e-12)
    F = gf.update_map(method, DAMPED, method.init(ORIGIN))
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(F.jacobian(F.point))).max(), one.value)
    with pytest.raises(ValueError, match="num_steps must be a multiple of the 6 steps after which"):
        gf.spectral_radius(method, DAMPED, ORIGIN, num_steps=3)
