"""Closed orbits of flows: normal forms, SciPy's own integration, and what is none."""

import cmath
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.integrate import solve_ivp

import ganfield as gf
from ganfield.dynamics._limit_cycle_product import log_eigenvalues
from ganfield.dynamics._limit_cycle_rotation import birkhoff

EXACT = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-14}


def well(z):
    """q′ and q″ of the forsaken game, by hand."""
    return z / 2 - 2 * z**3 + z**5, 1 / 2 - 6 * z**2 + 5 * z**4


def forsaken(x):
    (slope, bend), (other, curve) = well(x[0]), well(x[1])
    return [0.45 - x[1] - slope, x[0] - other], -bend - curve


def almost_bilinear(epsilon):
    def field(x):
        return [-x[1], x[0] + epsilon * (x[1] - x[1] ** 3)], epsilon * (1 - 3 * x[1] ** 2)

    return field


# Every game of the registry whose flow has isolated closed orbits, and a start that leads to each.
ZOO = {
    "forsaken, outer": (gf.games.forsaken, forsaken, (1.0, 1.0)),
    "forsaken, inner": (gf.games.forsaken, forsaken, (0.1, 0.4)),
    **{
        f"almost bilinear, {epsilon}": (
            lambda epsilon=epsilon: gf.games.almost_bilinear(epsilon),
            almost_bilinear(epsilon),
            (1.0, 0.3),
        )
        for epsilon in (0.1, 1.0, 3.0, -0.1, -3.0)
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_the_multiplier_is_that_of_the_divergence(name):
    build, by_hand, start = ZOO[name]
    cycle = gf.limit_cycle(gf.vector_field(build()), gf.Players(*start), num_points=8)
    assert cycle.form == "orbit"
    sign = 1 if cycle.kind == "stable" else -1  # the direction in which errors die out

    def rates(_, both):
        value, divergence = by_hand(both[:2])
        return sign * np.array([*value, divergence])

    begin = np.array([cycle.points.theta[0], cycle.points.phi[0]])
    run = solve_ivp(rates, (0, cycle.period), [*begin, 0.0], **EXACT)
    *end, integral = run.y[:, -1]
    np.testing.assert_allclose(end, begin, atol=1e-11)
    # SciPy's own time of the return: across the orbit nothing changes, along it is the speed.
    speed = np.array(by_hand(begin)[0])
    late = sign * (end - begin) @ speed / (speed @ speed)
    assert abs(late) < 1e-10
    np.testing.assert_allclose(np.log(cycle.multipliers[0]), sign * integral, atol=1e-8)
    np.testing.assert_allclose(cycle.exponents, [sign * integral / cycle.period], rtol=1e-8)
    # The points are evenly spaced in time, in the order of the motion.
    third = solve_ivp(rates, (0, cycle.period / 4), [*begin, 0.0], **EXACT).y[:2, -1]
    place = 2 if sign > 0 else 6
    np.testing.assert_allclose(third, [x[place] for x in cycle.points], atol=1e-10)


def normal_form(growth, turn, twist, decay, skew):
    """z′ = z(a + iω − (a + ib)|z|²) in skewed coordinates, and a third that goes by itself.

    |z| = 1 is the cycle, with the period 2π/(ω − b), the multiplier exp(−2aT) across it in the
    plane, and exp(dT) out of it.
    """

    def field(params, batch=None):
        (x, y), height = params
        x = x - skew * y
        square = x**2 + y**2
        slower, faster = growth * (1 - square), turn - twist * square
        x, y = slower * x - faster * y, slower * y + faster * x
        return gf.Players(jnp.stack([x + skew * y, y]), decay * height + 0.3 * square - 0.3)

    return field


@pytest.mark.long
def test_normal_forms_at_random():
    random = np.random.default_rng(0)
    kinds = set()
    for _ in range(16):
        growth, twist, decay = random.uniform(0.05, 0.6, 3) * random.choice([-1, 1], 3)
        turn, skew = random.uniform(1.2, 3.0), random.normal()
        period = 2 * math.pi / (turn - twist)
        angle = random.uniform(0, 2 * math.pi)
        x, y = 1.02 * math.cos(angle), 1.02 * math.sin(angle)
        field = normal_form(growth, turn, twist, decay, skew)
        start = gf.Players(np.array([x + skew * y, y]), 0.01)
        cycle = gf.limit_cycle(field, start, period=1.01 * period, num_points=4)
        assert abs(cycle.period - period) < 1e-9
        expected = np.sort([-2 * growth, decay])[::-1]
        np.testing.assert_allclose(cycle.exponents, expected, rtol=1e-8)
        np.testing.assert_allclose(cycle.multipliers, np.exp(period * expected), rtol=1e-8)
        above = (expected > 0).sum()
        assert cycle.kind == ("stable", "saddle", "unstable")[above]
        kinds.add(cycle.kind)
    assert len(kinds) == 3


@pytest.mark.slow
def test_segments_do_not_matter():
    # Of BifurcationKit's collocation, stability once changed with the mesh.
    field = normal_form(-1.5, 2.0, 0.4, -2.5, 0.5)
    start = gf.Players(np.array([1.0, 0.0]), 0.0)
    period = 2 * math.pi / 1.6
    cycles = [
        gf.limit_cycle(field, start, period=period, num_segments=count, num_points=1)
        for count in (1, 2, 3, 5, 8, 13, 20)
    ]
    for cycle in cycles:
        assert cycle.kind == "saddle"
        # Of e⁺¹² and e⁻¹⁰, both.
        np.testing.assert_allclose(cycle.exponents, [3.0, -2.5], rtol=1e-10)
        assert abs(cycle.period - period) < 1e-9


@pytest.mark.slow
def test_eigenvalues_of_products_at_random():
    random = np.random.default_rng(1)
    for _ in range(200):
        size, count = random.integers(1, 6), random.integers(1, 21)
        frames = np.linalg.qr(random.normal(size=(count, size, size)))[0]
        sizes = np.cumsum(random.uniform(0.1, 1.0, size)) - 2
        has_pair = size > 1 and random.random() < 0.5
        factors, expected = [], np.zeros(size, complex)
        for index, frame in enumerate(frames):
            triangle = np.triu(random.normal(size=(size, size)), 1) / 2
            logs = np.where(random.random(size) < 0.5, 0, 1j * np.pi) + sizes
            if has_pair:
                logs[:2] = sizes[0] + np.array([1j, -1j]) * random.uniform(-3, 3)
            np.fill_diagonal(triangle, np.exp(logs).real)
            if has_pair:
                turn = np.exp(logs[0])
                triangle[0, 1], triangle[1, 0] = -turn.imag, turn.imag
            expected += logs
            factors.append(frames[(index + 1) % count] @ triangle @ frame.T)
        logs = log_eigenvalues(factors)
        left = list(expected)
        for log in logs:  # moduli down to e⁻⁴⁰, each to its own digits
            nearest = min(left, key=lambda each: abs(cmath.exp(log - each) - 1))
            assert abs(cmath.exp(log - nearest) - 1) < 1e-7
            left.remove(nearest)


@pytest.mark.parametrize("frequency", [0.1, 1 / math.pi, 2.0])
def test_weighted_means_of_quasi_periodic_values(frequency):
    # The mean of exp(cos) over a turn is the Bessel function I₀(1).
    values = np.exp(np.cos(2 * np.pi * math.sqrt(2) * frequency * np.arange(4000)))
    np.testing.assert_allclose(birkhoff(values), np.i0(1.0), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("game", "period"),
    [
        (gf.games.bilinear(2.0), "3.14159"),
        (gf.games.dirac_gan("js"), r"12\.\d+"),
        (gf.games.bilinear(jnp.array([[1.0, 0.5], [0.0, 1.0]])), None),
    ],
)
def test_families_are_refused(game, period):
    start = gf.Players(1.0, 0.0)
    if period is None:  # Two planes, each with a family, and tori between them.
        left, singular, _ = np.linalg.svd([[1.0, 0.5], [0.0, 1.0]])
        start, period = gf.Players(left[:, 0], np.zeros(2)), f"{2 * math.pi / singular[0]:.5f}"
    with pytest.raises(ValueError, match=rf"a family of closed orbits .* a period of {period}"):
        gf.limit_cycle(gf.vector_field(game), start)


@pytest.mark.slow
def test_starts_that_lead_to_none_say_where_they_lead():
    damped = gf.vector_field(gf.games.quadratic(1.0, 0.5, 2.0))
    with pytest.raises(
        ValueError, match=r"forwards in time the flow comes to rest .* the flow leaves"
    ):
        gf.limit_cycle(damped, gf.Players(1.0, 0.7))
    with pytest.raises(ValueError, match=r"forwards in time the flow rests where it starts"):
        gf.limit_cycle(damped, gf.Players(0.0, 0.0))
    with pytest.raises(ValueError, match=r"period must be near that of a closed orbit .* got 2"):
        gf.limit_cycle(damped, gf.Players(1.0, 0.7), period=2.0)


@pytest.mark.slow
def test_what_basins_finds_is_polished():
    v = gf.vector_field(gf.games.almost_bilinear(0.5))
    method = gf.simultaneous(optax.sgd(0.05))
    (rough,) = gf.basins(method, v, gf.grid((-2, 2), 6), num_steps=2000).cycles
    orbit = gf.limit_cycle(v, rough)
    assert orbit.kind == "stable"
    np.testing.assert_allclose(rough.period * 0.05, orbit.period, rtol=0.02)
    circle = gf.limit_cycle(v, rough, method=method)
    assert (circle.form, circle.kind) == ("circle", "stable")
    np.testing.assert_allclose(circle.period, rough.period, rtol=1e-3)
    radius = np.hypot(*circle.points).mean()
    np.testing.assert_allclose(radius, rough.radius, rtol=5e-3)
    # And goes on from one value of ε to the next.
    later = gf.limit_cycle(gf.vector_field(gf.games.almost_bilinear(0.55)), orbit)
    assert later.kind == "stable"
    assert orbit.multipliers[0].real > later.multipliers[0].real > 0


@pytest.mark.parametrize(
    ("start", "options", "message"),
    [
        (
            (1.0, 0.0),
            {},
            r"start must be gf\.Players\(theta, phi\), one of the cycles .* got tuple",
        ),
        (gf.Players(1.0, 0.0), {"period": -1.0}, "period must be a finite number > 0, got -1"),
        (gf.Players(1.0, 0.0), {"num_points": 0}, "num_points must be an integer ≥ 1, got 0"),
        (gf.Players(1.0, 0.0), {"num_segments": 0}, "num_segments must be an integer ≥ 1, got 0"),
        (gf.Players(np.ones(2), 0.0), {}, "the loss must be a scalar"),
        (gf.Players(1.0, 0.0), {"method": "sgd"}, "method must be a Method"),
        (gf.Players(np.nan, 0.0), {}, "start must be a point where the field is finite"),
    ],
)
def test_bad_arguments_are_refused(start, options, message):
    v = gf.vector_field(gf.games.forsaken())
    with pytest.raises(ValueError, match=message):
        gf.limit_cycle(v, start, **options)


@pytest.mark.slow
def test_one_program_for_all_values_of_a_field(caplog):
    def cycle(epsilon):
        v = gf.vector_field(gf.games.almost_bilinear(epsilon))
        return gf.limit_cycle(v, gf.Players(1.0, 0.0), num_points=4)

    cycle(0.3)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        cycle(0.4)
    assert not [each for each in caplog.messages if "Finished XLA compilation" in each]
