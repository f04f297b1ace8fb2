"""What comes after an equilibrium: coefficients in closed form, and cycles that are run."""

import math

import jax
import numpy as np
import optax
import pytest
from scipy.integrate import solve_ivp

import ganfield as gf
from tests.dynamics import families

ORIGIN = gf.Players(0.0, 0.0)


def one_step(build):
    """Return knob → simultaneous steps of length 1, x ← x + field(x)."""
    return lambda mu: (gf.simultaneous(optax.sgd(1.0)), build(mu))


@pytest.mark.slow
@pytest.mark.parametrize("kind", families.LINES)
@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 7), marks=pytest.mark.long)])
def test_drawn_families_on_a_line(kind, seeds):
    for seed in seeds:
        drawn = families.on_a_line(kind, seed)
        diagram = gf.branches(drawn.build, drawn.start, (0.0, 1.0), value=drawn.value, switch=True)
        assert [event.kind for event in diagram.events] == [kind], seed
        assert diagram.events[0].value == pytest.approx(drawn.event, abs=1e-9), seed
        assert len(diagram.branches) == (1 if kind == "fold" else 2), seed
        assert diagram.events[0].normal_form is None


def check(events, drawn, coefficients, seed):
    """Hold the events of several families against what each is known to have."""
    forms, known = [event.normal_form for event in events], drawn.numbers
    np.testing.assert_allclose([e.value for e in events], drawn.event, atol=1e-9, err_msg=str(seed))
    given = np.array([form.coefficient for form in forms])
    np.testing.assert_allclose(given, coefficients, rtol=1e-5, err_msg=str(seed))
    assert [form.kind for form in forms] == ["soft" if x < 0 else "hard" for x in coefficients]
    growth = [form.growth for form in forms]
    np.testing.assert_allclose(growth, known["growth"], rtol=1e-4, err_msg=str(seed))
    np.testing.assert_array_equal([form.side for form in forms], known["side"])


@pytest.mark.slow
@pytest.mark.parametrize("is_map", [False, True])
@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 4), marks=pytest.mark.long)])
def test_drawn_families_that_turn(is_map, seeds):
    """Eight families a seed."""
    for seed in seeds:
        drawn = families.turning(seed, is_map=is_map)
        build = one_step(drawn.build) if is_map else drawn.build
        events = gf.branches(build, drawn.start, (0.0, 1.0)).events
        assert {event.kind for event in events} == {"neimark-sacker" if is_map else "hopf"}, seed
        c, omega, pace = (drawn.numbers[name] for name in ("c", "omega", "pace"))
        check(events, drawn, c.real / (1 if is_map else omega), seed)
        np.testing.assert_allclose([event.angle for event in events], omega, atol=1e-8)
        whole = [event.normal_form.complex_coefficient for event in events]
        np.testing.assert_allclose(whole, c, rtol=1e-5, atol=1e-5 * np.abs(c).max())
        slopes = [event.normal_form.slope for event in events]
        np.testing.assert_allclose(slopes, pace, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 4), marks=pytest.mark.long)])
def test_drawn_families_that_flip(seeds):
    """Eight families a seed."""
    for seed in seeds:
        drawn = families.flipping(seed)
        events = gf.branches(one_step(drawn.build), drawn.start, (0.0, 1.0)).events
        assert {(event.kind, event.angle) for event in events} == {("flip", math.pi)}, seed
        check(events, drawn, -drawn.numbers["c"], seed)


@pytest.mark.slow
def test_the_cycle_beyond_a_soft_point_is_as_large_as_predicted():
    """Dirac-GAN with R1 under simultaneous steps: det F′ = 1 − hγ + h²/4 is 1 at h = 4γ."""
    gamma = 0.05
    v = gf.vector_field(gf.games.dirac_gan(penalty="r1", penalty_weight=gamma))

    def build(h):
        return gf.simultaneous(optax.sgd(h)), v

    (window,) = gf.stable_windows(build, ORIGIN, bounds=(0.0, 0.5))
    event = window.after
    assert event.value == pytest.approx(4 * gamma, abs=1e-9)
    assert (event.normal_form.kind, event.normal_form.side) == ("soft", 1)

    def radius(beyond):
        h = event.value + beyond
        theta, phi = 0.9 * event.normal_form.growth * math.sqrt(beyond), 0.0
        places = []
        for step in range(60_000):
            # −v of the standard objectives, by hand: both players' slopes are σ(−θφ).
            slope = 1 / (1 + math.exp(theta * phi)), 1 / (1 + math.exp(-theta * phi))
            theta, phi = theta + h * slope[0] * phi, phi - h * (slope[1] * theta + gamma * phi)
            if step >= 40_000:
                places.append((theta, phi))
        return float(np.sqrt(np.mean(np.sum((places - np.mean(places, axis=0)) ** 2, axis=1))))

    near, far = radius(0.0025), radius(0.01)
    assert near == pytest.approx(event.normal_form.growth * math.sqrt(0.0025), rel=0.02)
    assert far / near == pytest.approx(2, rel=0.03)


@pytest.mark.slow
def test_the_cycle_before_a_hard_point():
    """Of the lattice under consensus: it repels, so that time runs backwards to see it."""
    v = gf.vector_field(gf.games.lattice())
    (event,) = gf.branches(lambda gamma: gf.consensus(v, gamma=gamma), ORIGIN, (0.5, 1.0)).events
    form = event.normal_form
    assert (event.kind, form.kind, form.side) == ("hopf", "hard", 1)
    beyond = 0.004
    w = jax.jit(gf.consensus(v, gamma=event.value + beyond))
    with jax.enable_x64(True):
        path = solve_ivp(
            lambda t, x: -np.asarray(w(gf.Players(*x))), (0, 800),
            [0.9 * form.growth * math.sqrt(beyond), 0.0], rtol=1e-8, atol=1e-10,
            t_eval=np.linspace(700, 800, 4000),
        )  # fmt: skip
    measured = np.sqrt(np.mean(np.sum(path.y**2, axis=0)))
    assert measured == pytest.approx(form.growth * math.sqrt(beyond), rel=0.02)


@pytest.mark.slow
def test_what_is_not_defined_is_not_made_up():
    """Two pairs at once, and a 1:3 resonance."""
    v = gf.vector_field(gf.games.bilinear(coupling=np.eye(2)))
    start = gf.Players(np.zeros(2), np.zeros(2))
    (event,) = gf.branches(lambda h: (gf.extragradient(optax.sgd(h)), v), start, (0.0, 2.0)).events
    assert (event.crossing, event.normal_form.kind) == (4, "undefined")
    assert event.normal_form.reason == "4 eigenvalues cross at once"
    assert math.isnan(event.normal_form.growth)
    angle = 2 * math.pi / 3
    # λ = 1 + h(−a ± ic) with modulus 1 and that angle at h = 1.
    a, c = 1 - math.cos(angle), math.sin(angle)
    with jax.enable_x64(True):
        q = gf.vector_field(gf.games.quadratic(a, a, c))
    (event,) = gf.branches(lambda h: (gf.simultaneous(optax.sgd(h)), q), ORIGIN, (0.0, 2.0)).events
    assert (event.resonance, event.normal_form.kind) == ("1:3", "undefined")
    assert "1:3" in event.normal_form.reason
