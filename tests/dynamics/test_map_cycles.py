"""Cycles and invariant circles of methods: closed forms, and plain loops."""

import math

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

pytestmark = pytest.mark.slow


def moved_to(image):
    """The method whose step is the map x ↦ image(x), and its field."""

    def field(params, batch=None):
        return gf.Players(
            *(jnp.asarray(a) - b for a, b in zip(image(*params), params, strict=True))
        )

    return gf.simultaneous(optax.sgd(1.0)), field


def henon(a, b=0.3):
    return moved_to(lambda x, y: (1 - a * x**2 + y, b * x))


def two_cycle(a, b=0.3):
    """The two points of Hénon's map that change places, and the trace of its square's Jacobian."""
    roots = np.roots([a**2, -a * (1 - b), (1 - b) ** 2 - a])
    return roots, 4 * ((1 - b) ** 2 - a) + 2 * b


def test_henon():
    method, field = henon(0.7)
    cycle = gf.limit_cycle(field, gf.Players(0.1, 0.1), method=method)
    roots, trace = two_cycle(0.7)
    assert (cycle.form, cycle.kind, cycle.period) == ("cycle", "stable", 2)
    np.testing.assert_allclose(np.sort(cycle.points.theta), np.sort(roots), atol=1e-13)
    np.testing.assert_allclose(cycle.points.phi, 0.3 * cycle.points.theta[::-1], atol=1e-13)
    np.testing.assert_allclose(cycle.multipliers, np.roots([1, -trace, 0.09]), rtol=1e-12)
    np.testing.assert_allclose(cycle.multipliers, [-0.12 + 0.27495454j, -0.12 - 0.27495454j])
    # At a = 1 it has split into four, and is found by its period.
    method, field = henon(1.0)
    four = gf.limit_cycle(field, gf.Players(0.1, 0.1), method=method)
    assert (four.kind, four.period, np.unique(four.points.theta.round(9)).size) == ("stable", 4, 4)
    # The points of the two are no fixed points, and no fixed point is a cycle.
    roots, trace = two_cycle(1.0)
    start = gf.Players(roots[0] + 1e-3, 0.3 * roots[1])
    for period in (2, 6):  # six steps are three times round
        two = gf.limit_cycle(field, start, method=method, period=period)
        np.testing.assert_allclose(np.sort(two.points.theta), np.sort(roots), atol=1e-13)
        np.testing.assert_allclose(two.multipliers, np.roots([1, -trace, 0.09]), rtol=1e-12)
        assert (two.kind, two.period) == ("saddle", 2)
    with pytest.raises(ValueError, match="period must be that of a cycle near start, got 1, from"):
        gf.limit_cycle(field, gf.Players(0.5, 0.2), method=method, period=1)


@pytest.mark.parametrize(
    ("turn", "twist", "growth", "skew"),
    [(0.7, 0.3, 0.1, 0.5), (2.6, -0.4, 0.2, -1.0), (-0.05, 0.1, 0.02, 0.0)],
)
def test_the_normal_form_of_a_neimark_sacker_bifurcation(turn, twist, growth, skew):
    # z ↦ z e^{i(ω + b|z|²)}(1 + μ − |z|²) has the circle |z|² = μ, turned by ω + bμ.
    def image(x, y):
        x = x - skew * y
        square = x**2 + y**2
        angle, factor = turn + twist * square, 1 + growth - square
        cos, sin = factor * jnp.cos(angle), factor * jnp.sin(angle)
        x, y = cos * x - sin * y, sin * x + cos * y
        return x + skew * y, y

    method, field = moved_to(image)
    circle = gf.limit_cycle(field, gf.Players(0.3, 0.1), method=method)
    rotation = abs(turn + twist * growth) / (2 * math.pi)
    rotation = min(rotation, 1 - rotation)
    assert (circle.form, circle.kind) == ("circle", "stable")
    assert abs(circle.rotation - rotation) < 1e-10
    np.testing.assert_allclose(circle.period, 1 / rotation, rtol=1e-8)
    np.testing.assert_allclose(circle.exponents, [math.log(1 - 2 * growth)], rtol=1e-8)
    theta, phi = circle.points
    np.testing.assert_allclose(np.hypot(theta - skew * phi, phi), math.sqrt(growth), atol=1e-9)


def test_momentum_is_part_of_the_map():
    # A loop in NumPy of heavy-ball steps on the almost bilinear game, and its turns counted.
    step_size, momentum, epsilon = 0.1, 0.5, 0.4
    method = gf.simultaneous(optax.sgd(step_size, momentum=momentum))
    v = gf.vector_field(gf.games.almost_bilinear(epsilon))
    circle = gf.limit_cycle(v, gf.Players(1.0, 0.0), method=method)
    x, y, push, pull, angles = 1.0, 0.0, 0.0, 0.0, []
    for step in range(40_000):
        push = -y + momentum * push
        pull = x + epsilon * (y - y**3) + momentum * pull
        x, y = x + step_size * push, y + step_size * pull
        if step >= 1000:
            angles.append(math.atan2(y, x))
    counted = np.ptp(np.unwrap(angles)) / (2 * math.pi) / (len(angles) - 1)
    assert circle.kind == "stable"
    assert circle.exponents.size == 3  # across the circle, in a state of four numbers
    np.testing.assert_allclose(circle.rotation, counted, atol=5e-6)


def test_a_lazy_penalty_that_is_too_lazy_ends_in_a_cycle():
    v = gf.vector_field(gf.games.dirac_gan())
    penalty = gf.field.difference(gf.vector_field(gf.games.dirac_gan(penalty="r1")), v)
    method = gf.lazy(gf.simultaneous(optax.sgd(0.1)), penalty, every=20)
    cycle = gf.limit_cycle(v, gf.Players(0.1, 0.0), method=method)
    assert cycle.period % 20 == 0
    run = gf.simulate(method, v, gf.Players(0.1, 0.0), num_steps=4000)
    away = np.hypot(cycle.points.theta - run.params.theta, cycle.points.phi - run.params.phi)
    assert away.min() < 1e-4


def test_families_are_refused():
    v = gf.vector_field(gf.games.bilinear())
    for step_size, what in (
        (0.3, "invariant circles: .* 20.8649"),
        (1.0, "closed orbits .* of 6 "),
    ):
        method = gf.alternating(optax.sgd(step_size))
        with pytest.raises(ValueError, match=f"there is a family of {what}"):
            gf.limit_cycle(v, gf.Players(1.0, 0.0), method=method)


def test_starts_that_lead_to_none_say_where_they_lead():
    v, start = gf.vector_field(gf.games.bilinear()), gf.Players(1.0, 0.0)
    with pytest.raises(ValueError, match=r"and from there it comes to rest at \["):
        gf.limit_cycle(v, start, method=gf.extragradient(optax.sgd(0.5)))
    with pytest.raises(ValueError, match="and from there it leaves"):
        gf.limit_cycle(v, start, method=gf.simultaneous(optax.sgd(0.5)))
    method = gf.lookahead(gf.simultaneous(optax.sgd(0.5)), num_steps=5)
    with pytest.raises(ValueError, match=r"multiple of the 5 steps after which .* got 7"):
        gf.limit_cycle(v, start, method=method, period=7)
    with pytest.raises(ValueError, match=r"period must be an integer ≥ 1, got 2\.5"):
        gf.limit_cycle(v, start, method=method, period=2.5)
    with pytest.raises(ValueError, match="num_segments must be left out with a method"):
        gf.limit_cycle(v, start, method=method, num_segments=3)
