"""Where a method settles under minibatch noise: closed forms, second derivations, and real runs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import fsolve

import ganfield as gf

ORIGIN = gf.Players(0.0, 0.0)
J = np.array([[-1.0, 2.0], [-2.0, -1.0]])
DEVIATIONS = np.array([1.0, 0.5])


def linear(matrix=J):
    """A field of two numbers with noise that is added."""
    matrix = jnp.asarray(matrix)

    def field(params, noise):
        v = matrix @ jnp.stack([params.theta, params.phi]) + noise
        return gf.Players(v[0], v[1])

    return field


def gaussian(deviations=DEVIATIONS):
    return lambda key: jnp.asarray(deviations) * jax.random.normal(key, (2,))


def floor_of(optimizer, field=None, sample=None, method=gf.simultaneous, **options):
    field, sample = field or linear(), sample or gaussian()
    return gf.noise_floor(method(optimizer), field, ORIGIN, sample=sample, **options)


@pytest.mark.slow
def test_plain_steps_solve_a_lyapunov_equation():
    h = 0.1
    floor = floor_of(optax.sgd(h))
    expected = solve_discrete_lyapunov(np.eye(2) + h * J, h**2 * np.diag(DEVIATIONS**2))
    assert floor.mean_square == pytest.approx(np.trace(expected), abs=4 * floor.mean_square_error)
    assert 0 < floor.mean_square_error < 0.02 * floor.mean_square
    np.testing.assert_allclose(floor.covariance, expected, atol=0.03 * expected.max())
    assert floor.rate == pytest.approx(abs(1 + h * complex(-1, 2)), rel=1e-12)
    assert floor.rate_error < 1e-12
    assert floor.decay == 0
    np.testing.assert_allclose(floor.players, np.diag(floor.covariance), rtol=1e-12)
    assert floor.bend < 1e-12
    with pytest.raises(ValueError, match="num_runs must be given"):
        _ = floor.agrees


@pytest.mark.slow
def test_heavy_ball_has_its_closed_form():
    h, beta, a = 0.1, 0.6, 2.0
    floor = floor_of(optax.sgd(h, momentum=beta), linear(-a * np.eye(2)), gaussian([1.0, 1.0]))
    variance = h * (1 + beta) / (a * (1 - beta) * (2 * (1 + beta) - h * a))
    assert floor.mean_square == pytest.approx(2 * variance, abs=4 * floor.mean_square_error)
    assert floor.rate == pytest.approx(np.sqrt(beta), rel=1e-9)  # complex roots


@pytest.mark.slow
def test_averages_are_no_motion_and_lookahead_is_one_map():
    mean = floor_of(optax.sgd(0.1), method=lambda o: gf.averaged(gf.simultaneous(o), decay=0.9))
    plain = abs(1 + 0.1 * complex(-1, 2))
    assert mean.rate == pytest.approx(plain, rel=1e-9)
    assert mean.decay == pytest.approx(0.9, rel=1e-9)
    slow = floor_of(optax.sgd(0.1), method=lambda o: gf.lookahead(gf.simultaneous(o), num_steps=3))
    whole = abs((1 + (1 + 0.1 * complex(-1, 2)) ** 3) / 2) ** (1 / 3)
    assert slow.rate == pytest.approx(whole, rel=1e-9)


# Root mean square distances of 64 to 512 runs of Adam with β₁ = .5, β₂ = .999, made elsewhere.
RUNS = {0.001: (0.0270, 0.0277), 0.01: (0.0891, 0.0895), 0.1: (0.3930, 0.3930), 1: (3.891, 3.891)}


@pytest.mark.long
@pytest.mark.parametrize("step_size", RUNS)
def test_adam_settles_where_runs_do(step_size):
    floor = floor_of(optax.adam(step_size, b1=0.5, b2=0.999))
    low, high = RUNS[step_size]
    chance = 4 * floor.mean_square_error / (2 * floor.distance)
    assert 0.985 * low - chance < floor.distance < 1.015 * high + chance
    assert floor.residual < 1e-7
    assert floor.decay == pytest.approx(0.999)


@pytest.mark.slow
def test_rmsprop_beside_a_second_derivation():
    h, deviations = 0.2, np.array([1.0, 0.5])

    def unknown(logarithms):
        root = np.exp(logarithms / 2)
        M = np.eye(2) + h * J / root[:, None]
        return solve_discrete_lyapunov(M, np.diag((h * deviations / root) ** 2))

    def equation(logarithms):
        seen_by_both = np.diag(deviations**2) + J @ unknown(logarithms) @ J.T
        return np.log(np.diag(seen_by_both)) - logarithms

    solution = fsolve(equation, np.log([2.0, 1.0]), xtol=1e-10)
    floor = floor_of(optax.rmsprop(h, decay=0.9999, eps=1e-12))
    expected = np.trace(unknown(solution))
    assert floor.mean_square == pytest.approx(expected, rel=2e-3, abs=4 * floor.mean_square_error)
    second = jax.tree.leaves(floor.state.memory)[-2:]
    np.testing.assert_allclose(np.asarray(second), np.exp(solution), rtol=0.05)
    # The state can be lent, and the update map at the mean of the noise has the same rate.
    radius = gf.spectral_radius(
        gf.simultaneous(optax.rmsprop(h, decay=0.9999, eps=1e-12)),
        linear(),
        ORIGIN,
        state=floor.state,
        batch=np.zeros(2),
        progress=False,
    )
    moving = np.sort(np.abs(radius.eigenvalues))[:2]
    np.testing.assert_allclose(moving, floor.rate, rtol=1e-3)


AGREE = {
    "adam": (gf.simultaneous, optax.adam(0.01, b1=0.5, b2=0.99)),
    "rmsprop": (gf.simultaneous, optax.rmsprop(0.01, decay=0.9)),
    "alternating": (gf.alternating, gf.numerics_rmsprop(0.02)),
    "extragradient": (gf.extragradient, optax.adam(0.05, b1=0.5, b2=0.99)),
    "optimistic": (gf.optimistic, optax.rmsprop(0.02, decay=0.95)),
    "fresh": (lambda o: gf.extragradient(o, fresh_batches=True), optax.rmsprop(0.02, decay=0.95)),
}


@pytest.mark.long
@pytest.mark.parametrize("name", AGREE)
def test_runs_do_as_predicted(name):
    method, optimizer = AGREE[name]
    floor = floor_of(optimizer, method=method, num_runs=64)
    assert floor.agrees, floor
    wrong = floor._replace(rate=1 - 1.2 * (1 - floor.rate))
    assert not wrong.agrees
    assert not floor._replace(mean_square=3 * floor.mean_square).agrees


def rademacher(key):
    signs = jax.random.rademacher(key, (2,), float)
    return jnp.stack([signs[0], 0.6 * signs[0] + 0.8 * signs[1]])  # correlated, not Gaussian


@pytest.mark.long
@pytest.mark.parametrize("sample", [rademacher, gaussian([1.0, 0.0])], ids=["correlated", "one"])
def test_noise_of_other_kinds(sample):
    floor = floor_of(optax.adam(0.02, b1=0.5, b2=0.99), sample=sample, num_runs=64)
    assert floor.agrees, floor


@pytest.mark.slow
def test_noise_in_the_jacobian_widens_the_spread():
    # x ← x − h(1 + σξ)x + hη: Var = h²/(1 − (1 − h)² − h²σ²).
    def field(params, noise):
        return gf.Players(
            *(-(1 + 2 * noise[0]) * x + n for x, n in zip(params, noise[1:], strict=True))
        )

    def sample(key):
        return jax.random.rademacher(key, (3,), float)

    floor = floor_of(optax.sgd(0.2), field, sample)
    expected = 2 * 0.04 / (1 - 0.64 - 0.04 * 4)
    assert floor.mean_square == pytest.approx(expected, rel=0.03)


REFUSED = {
    "sign": (optax.sign_sgd(0.01), "step along a sign"),
    "lion": (optax.lion(0.01), "step along a sign"),
    "adagrad": (optax.adagrad(0.01), "forgets nothing. Sums, as AdaGrad"),
    "adafactor": (optax.adafactor(0.01), "take in ever more steps|not finite"),
    "amsgrad": (optax.amsgrad(0.01), "nu_max"),
    "adamax": (optax.adamax(0.01), "must keep running means of squares"),
    "yogi": (optax.yogi(0.01), "Yogi's moments go by a sign"),
    "adadelta": (optax.adadelta(0.01), "must keep running means of squares"),
    "schedule": (optax.sgd(optax.linear_schedule(0.1, 0.0, 10**6)), "as in a schedule"),
    "steep": (optax.sgd(2.0), "leaves the point"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_stationary_state_says_why(name):
    optimizer, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        floor_of(optimizer)


@pytest.mark.slow
def test_a_step_by_the_length_of_parameters_that_are_zero():
    with pytest.raises(ValueError, match=r"nearly linear over the spread .* length of parameters"):
        floor_of(optax.lars(0.01), linear(-np.eye(2)))
    with pytest.raises(ValueError, match=r"noise moves them 1.5 times .* length of parameters"):
        floor_of(optax.fromage(0.005), sample=gaussian([0.1, 0.05]))


@pytest.mark.slow
def test_runs_that_would_not_settle_are_not_measured():
    assert floor_of(optax.sgd(1e-4)).rate == pytest.approx(1 - 1e-4, rel=1e-6)
    with pytest.raises(ValueError, match=r"num_runs must be 0 .* would take 2.3e\+04 steps"):
        floor_of(optax.sgd(1e-4), num_runs=8)


@pytest.mark.slow
def test_what_the_noise_must_be():
    with pytest.raises(ValueError, match="sample must bring noise"):
        floor_of(optax.adam(0.01), sample=lambda key: jnp.zeros(2))
    still = floor_of(optax.sgd(0.1), sample=lambda key: jnp.zeros(2))
    assert still.mean_square == 0
    with pytest.raises(ValueError, match=r"equilibrium of the mean .*standard errors"):
        floor_of(optax.sgd(0.1), sample=lambda key: 1 + 0.1 * jax.random.normal(key, (2,)))


def test_arguments_are_checked_before_anything_runs():
    method = gf.simultaneous(optax.sgd(0.1))
    with pytest.raises(ValueError, match="sample must be a function of a key"):
        gf.noise_floor(method, linear(), ORIGIN, sample=np.zeros(2))
    with pytest.raises(ValueError, match="num_runs must be a multiple of 8, got 3"):
        floor_of(optax.sgd(0.1), num_runs=3)
    with pytest.raises(ValueError, match="method must be a Method"):
        floor_of(optax.sgd(0.1), method=lambda optimizer: optimizer)


@pytest.mark.slow
def test_num_batches_is_checked():
    with pytest.raises(ValueError, match="num_batches must be a multiple of 8, got 12"):
        floor_of(optax.sgd(0.1), num_batches=12)
    large = gf.Players(jnp.zeros(600), jnp.zeros(600))
    with pytest.raises(ValueError, match="1200 numbers move, and 1000 are the most"):
        gf.mean_square_radius(
            gf.simultaneous(optax.sgd(0.1)),
            lambda p, b: jax.tree.map(lambda x: b - x, p),
            large,
            sample=lambda key: jax.random.normal(key, ()),
        )


@pytest.mark.slow
@pytest.mark.parametrize(("step_size", "spread"), [(0.1, 2.0), (0.3, 1.0), (0.5, 3.0)])
def test_the_mean_square_of_a_noisy_curvature(step_size, spread):
    def field(params, noise):
        return gf.Players(*(-(1 + spread * noise) * x for x in params))

    radius = gf.mean_square_radius(
        gf.simultaneous(optax.sgd(step_size)),
        field,
        ORIGIN,
        sample=lambda key: jax.random.normal(key, ()),
    )
    expected = (1 - step_size) ** 2 + step_size**2 * spread**2
    # The variance of 16384 draws is known to a few per cent of √(2/16384).
    assert radius == pytest.approx(expected, abs=5 * step_size**2 * (spread**2 + spread) / 90)


@pytest.mark.slow
def test_the_mean_square_of_a_noisy_rotation():
    c, spread, h = 1.0, 0.5, 0.2

    def field(params, noise):
        coupling = c + spread * noise
        return gf.Players(-coupling * params.phi, coupling * params.theta)

    radius = gf.mean_square_radius(
        gf.simultaneous(optax.sgd(h)),
        field,
        ORIGIN,
        sample=lambda key: jax.random.rademacher(key, (), float),
    )
    assert radius == pytest.approx(1 + h**2 * (c**2 + spread**2), abs=1e-3)


@pytest.mark.slow
def test_the_largest_step_that_is_stable_in_the_mean_square():
    def field(params, noise):
        return gf.Players(*(-(1 + 2 * noise) * x for x in params))

    options = {
        "bounds": (0.01, 2.5),
        "resolution": 16,
        "sample": lambda key: jax.random.rademacher(key, (), float),
    }
    value = gf.largest_stable(lambda h: (gf.simultaneous(optax.sgd(h)), field), ORIGIN, **options)
    # (1 − h)² + 4h² = 1 at h = 2/5; of the mean it would be 2. Signs of 1024 draws nearly cancel.
    assert value == pytest.approx(0.4, rel=0.15)
    with pytest.raises(ValueError, match="without second moments where sample is given"):
        gf.largest_stable(lambda h: (gf.simultaneous(optax.adam(h)), field), ORIGIN, **options)


@pytest.mark.slow
def test_the_mean_square_without_the_matrix(monkeypatch):
    def field(params, noise):
        return jax.tree.map(lambda x: -x * (1 + noise), params)

    def radius():
        at = gf.Players(jnp.zeros(2), jnp.zeros(2))
        return gf.mean_square_radius(
            gf.simultaneous(optax.sgd(0.3, momentum=0.5)),
            field,
            at,
            sample=lambda key: jax.random.normal(key, (2,)),
            num_batches=64,
        )

    dense = radius()
    monkeypatch.setattr("ganfield.stability._mean_square._DENSE", 0)
    assert radius() == pytest.approx(dense, rel=1e-9)
    monkeypatch.setattr("ganfield.stability._mean_square._SOLVED", 1e-30)
    with pytest.raises(ValueError, match="where the mean square radius is told by products"):
        radius()
