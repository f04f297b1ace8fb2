"""Branches and their events, against what is known in closed form."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

ORIGIN = gf.Players(0.0, 0.0)
LINE = gf.Players((-5.0, 5.0), (-1.0, 1.0))


def on_a_line(f):
    """Return knob → the field f(x, knob), with a bystander that decays."""
    return lambda mu: lambda params, batch=None: gf.Players(f(params.theta, mu), -params.phi)


def consensus_of(v):
    return lambda gamma: gf.consensus(v, gamma=gamma)


def said(diagram):
    return [(event.kind, round(event.value, 8)) for event in diagram.events]


@pytest.fixture(scope="module")
def sine():
    v = gf.vector_field(gf.games.sine())
    return gf.branches(consensus_of(v), ORIGIN, (0.0, 4.0), switch=True, original=lambda gamma: v)


@pytest.mark.slow
def test_the_pitchfork_of_the_sine(sine):
    (event,) = sine.events
    assert (event.kind, event.crossing) == ("pitchfork", 1)
    assert event.value == pytest.approx(1, abs=1e-12)
    trivial, born = sine.branches
    np.testing.assert_array_equal(trivial.params.theta, 0)
    np.testing.assert_allclose(
        np.sort(born.eigenvalues.real)[:, 0], -1 - born.values * 1, atol=1e-9
    )
    assert (trivial.values[0], trivial.values[-1]) == (0, 4)
    assert trivial.ends == ("the knob's bounds", "the knob's bounds")
    # Both halves of ±arccos(1/γ), out to the bounds, and 0 at the pitchfork alone.
    assert (born.values[0], born.values[-1]) == (4, 4)
    np.testing.assert_allclose(np.cos(born.params.theta), 1 / born.values, atol=1e-12)
    assert np.sum(np.abs(born.params.theta) < 1e-6) == 1
    assert np.sign(born.params.theta[[0, -1]]).tolist() in ([-1, 1], [1, -1])
    slopes = born.eigenvalues.real.max(axis=1)
    np.testing.assert_allclose(slopes, born.values - 1 / born.values, atol=1e-10)


@pytest.mark.slow
def test_what_the_transform_does_is_spurious(sine):
    trivial, born = sine.branches
    np.testing.assert_array_equal(trivial.spurious, trivial.values > 1)
    assert set(trivial.kinds[trivial.values < 1]) == {"saddle"}
    assert set(trivial.kinds[trivial.values > 1]) == {"stable"}
    np.testing.assert_array_equal(born.spurious, born.values > 1)


def test_a_fold_is_passed():
    start = gf.Players(np.roots([-1 / 3, 0, 1, -2]).real.min(), 0.0)
    diagram = gf.branches(on_a_line(lambda x, mu: mu + x - x**3 / 3), start, (-2.0, 2.0))
    assert [event.kind for event in diagram.events] == ["fold", "fold"]
    np.testing.assert_allclose([e.value for e in diagram.events], [-2 / 3, 2 / 3], atol=1e-12)
    np.testing.assert_allclose([e.params.theta for e in diagram.events], [1, -1], atol=1e-8)
    (branch,) = diagram.branches
    x = branch.params.theta
    np.testing.assert_allclose(x**3 / 3 - x, branch.values, atol=1e-12)
    assert np.all(np.diff(x) > 0)  # turns back twice, and goes on
    assert (branch.values[0], branch.values[-1]) == (-2, 2)


@pytest.mark.slow
def test_a_transcritical_point_and_the_other_branch():
    build = on_a_line(lambda x, mu: mu * x - x**2)
    diagram = gf.branches(build, ORIGIN, (-1.0, 1.0), switch=True)
    assert said(diagram) == [("transcritical", 0)]
    _, other = diagram.branches
    np.testing.assert_allclose(other.params.theta, other.values, atol=1e-12)
    assert sorted(other.values[[0, -1]]) == [-1, 1]
    # From the other branch the first is found.
    back = gf.branches(build, gf.Players(-1.0, 0.0), (-1.0, 1.0), switch=True)
    np.testing.assert_allclose(back.branches[1].params.theta, 0, atol=1e-12)


@pytest.mark.slow
def test_a_crossing_of_bent_branches_is_passed():
    """The logistic map: 0 and 1 − 1/r cross at 1, and the second flips at 3."""

    def build(r):
        def field(params, batch=None):
            x = params.theta
            return gf.Players(r * x * (1 - x) - x, -params.phi / 2)

        return gf.simultaneous(optax.sgd(1.0)), field

    diagram = gf.branches(build, ORIGIN, (0.1, 3.9), value=0.5, switch=True)
    assert said(diagram) == [("transcritical", 1), ("flip", 3)]
    assert diagram.events[1].normal_form.kind == "soft"
    _, other = diagram.branches
    np.testing.assert_allclose(other.params.theta, 1 - 1 / other.values, atol=1e-12)
    assert sorted(other.values[[0, -1]]) == [0.1, 3.9]
    for branch in diagram.branches:
        assert branch.events[0].eigenvalue == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("epsilon", [1e-3, 1e-4, 1e-5, 1e-6])
def test_branches_that_only_come_near_do_not_cross(epsilon):
    """An imperfect pitchfork: ε + μx − x³ has a fold at 3(ε/2)^⅔, and no branch point."""
    start = gf.Players(np.roots([-1, 0, -1, epsilon]).real[-1], 0.0)
    diagram = gf.branches(
        on_a_line(lambda x, mu: epsilon + mu * x - x**3), start, (-1.0, 1.0), switch=True,
        box=gf.Players((-2.0, 2.0), (-1.0, 1.0)), search=[1.0],
    )  # fmt: skip
    (event,) = diagram.events
    assert event.kind == "fold"
    assert event.value == pytest.approx(3 * (epsilon / 2) ** (2 / 3), abs=1e-10)
    whole, turned = diagram.branches
    assert set(whole.kinds) == {"stable"}
    assert (whole.values[0], whole.values[-1]) == (-1, 1)
    assert (turned.values[0], turned.values[-1]) == (1, 1)
    for branch in diagram.branches:
        x = branch.params.theta
        np.testing.assert_allclose(epsilon + branch.values * x - x**3, 0, atol=1e-12)


@pytest.mark.slow
def test_a_search_at_the_value_of_a_fold_finds_its_branch_once():
    diagram = gf.branches(
        on_a_line(lambda x, mu: mu - x**2), gf.Players(1.0, 0.0), (-1.0, 1.0), value=1.0,
        box=gf.Players((-3.0, 3.0), (-1.0, 1.0)), search=[0.0, 0.5], num_starts=8,
    )  # fmt: skip
    assert (len(diagram.branches), said(diagram)) == (1, [("fold", 0)])


@pytest.mark.slow
def test_a_pitchfork_met_from_the_parabola():
    """No eigenvalue changes its sign along it, and the determinant does."""
    build = on_a_line(lambda x, mu: mu * x - x**3)
    diagram = gf.branches(build, gf.Players(1.0, 0.0), (-1.0, 1.0), value=1.0, switch=True)
    assert said(diagram) == [("pitchfork", 0)]
    parabola, line = diagram.branches
    (event,) = parabola.events
    assert event.crossing == 0
    assert parabola.values[event.place] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(line.params.theta, 0, atol=1e-12)
    assert line.values.min() == -1


@pytest.mark.slow
@pytest.mark.parametrize(("a", "b"), [(0.3, 1.2), (1.0, 0.4)])
def test_a_spiral_source_becomes_attracting(a, b):
    def v(params, batch=None):
        theta, phi = params
        return gf.Players(a * theta - b * phi, b * theta + a * phi)

    diagram = gf.branches(consensus_of(v), ORIGIN, (0.0, 2.0))
    (event,) = diagram.events
    assert event.kind == "hopf"
    assert event.value == pytest.approx(a / (a**2 + b**2), abs=1e-12)
    assert event.angle == pytest.approx(b, abs=1e-9)
    assert event.normal_form.kind == "degenerate"
    assert event.normal_form.slope == pytest.approx(-(a**2 + b**2), rel=1e-6)


@pytest.mark.long
def test_the_lattice():
    game = gf.games.lattice()
    v = gf.vector_field(game)
    diagram = gf.branches(
        consensus_of(v), game.equilibria, (0.0, 3.0), box=(-4.2, 4.2), switch=True,
        search=[3.0], original=lambda gamma: v,
    )  # fmt: skip
    kinds = [kind for kind, _ in said(diagram)]
    assert kinds == ["hopf"] + 4 * ["pitchfork"] + 4 * ["fold"]
    values = np.array([event.value for event in diagram.events])
    assert values[0] == pytest.approx(0.8, abs=1e-12)
    np.testing.assert_allclose(values[1:5], 1 / math.sqrt(1.25), atol=1e-12)
    assert np.ptp(values[5:]) < 1e-9  # one orbit of the field's symmetry
    assert values[5] == pytest.approx(1.783, abs=1e-3)
    assert len(diagram.branches) == 9 + 4 + 4
    for branch in diagram.branches:
        for point in zip(branch.values[::20], *(x[::20] for x in branch.params), strict=True):
            gamma, *params = map(float, point)
            with jax.enable_x64(True):
                w = gf.consensus(v, gamma=gamma)(gf.Players(*params))
            np.testing.assert_allclose(w, 0, atol=1e-11)
    with jax.enable_x64(True):
        zeros = gf.find_equilibria(gf.consensus(v, gamma=2.5), bounds=(-4.2, 4.2))
    crossed = sum(
        int(np.sum(np.diff(np.sign(branch.values - 2.5)) != 0)) for branch in diagram.branches
    )
    assert crossed == len(zeros.points)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "value", "angle", "resonance"),
    [
        (gf.extragradient, 1.0, math.pi / 2, "1:4"),
        (gf.optimistic, 1 / math.sqrt(3), math.pi / 3, ""),
    ],
)
def test_methods_on_the_bilinear_game(method, value, angle, resonance):
    v = gf.vector_field(gf.games.bilinear(coupling=2.0))
    diagram = gf.branches(lambda h: (method(optax.sgd(h)), v), ORIGIN, (0.0, 1.0))
    (event,) = diagram.events
    assert (event.kind, event.resonance) == ("neimark-sacker", resonance)
    assert 2 * event.value == pytest.approx(value, abs=1e-12)
    assert event.angle == pytest.approx(angle, abs=1e-9)
    assert event.eigenvalue == pytest.approx(np.exp(1j * angle), abs=1e-9)
    assert event.normal_form.kind == "degenerate"
    assert event.normal_form.reason == "the motion is linear here"


@pytest.mark.long
def test_every_pair_of_a_matrix_game_leaves_at_its_own_step():
    matrix = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    v = gf.vector_field(gf.games.bilinear(coupling=matrix))
    start = gf.Players(np.zeros(3), np.zeros(3))
    diagram = gf.branches(lambda h: (gf.extragradient(optax.sgd(h)), v), start, (0.0, 8.0))
    expected = 1 / np.linalg.svd(matrix.astype(float), compute_uv=False)
    inside = expected[expected < 8]
    assert len(inside) > 1
    np.testing.assert_allclose([event.value for event in diagram.events], inside, rtol=1e-9)


@pytest.mark.long
def test_heavy_ball_against_the_jury_conditions():
    """λ² − (1 + β + hμ)λ + β for each μ of J: of a real μ = −a a flip at ha = 2(1 + β)."""
    a, beta = 0.7, 0.4

    def v(params, batch=None):
        return gf.Players(-a * params.theta, -2.3 * params.phi)

    def build(h):
        return gf.simultaneous(optax.sgd(h, momentum=beta)), v

    diagram = gf.branches(build, ORIGIN, (0.0, 6.0))
    assert [event.kind for event in diagram.events] == ["flip", "flip"]
    expected = [2 * (1 + beta) / slope for slope in (2.3, a)]
    np.testing.assert_allclose([event.value for event in diagram.events], expected, atol=1e-10)
    # Of a complex pair μ: both roots of the polynomial lie inside up to where NumPy says so.
    q = gf.vector_field(gf.games.quadratic(0.5, 0.5, 2.0))
    diagram = gf.branches(lambda h: (build(h)[0], q), ORIGIN, (0.0, 1.0))
    h = diagram.events[0].value
    moduli = np.abs(np.roots([1, -(1 + beta + h * (-0.5 + 2j)), beta]))
    assert diagram.events[0].kind == "neimark-sacker"
    assert moduli.max() == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
def test_the_quadratic_game_and_its_window():
    a, c = 0.5, 2.0
    v = gf.vector_field(gf.games.quadratic(a, a, c))
    (window,) = gf.stable_windows(
        lambda h: (gf.simultaneous(optax.sgd(h)), v), ORIGIN, bounds=(0.0, 1.0)
    )
    assert (window.low, window.before) == (0, None)
    assert window.high == pytest.approx(2 * a / (a**2 + c**2), abs=1e-12)
    assert window.after.kind == "neimark-sacker"
    assert "neimark-sacker, degenerate" in repr(window)


@pytest.mark.slow
def test_windows_where_there_are_several():
    build = on_a_line(lambda x, mu: -x * jnp.sin(mu))
    windows = gf.stable_windows(build, ORIGIN, bounds=(0.5, 12.0))
    pi = math.pi
    ends = [(window.low, window.high) for window in windows]
    np.testing.assert_allclose(ends, [(0.5, pi), (2 * pi, 3 * pi)], atol=1e-9)
    assert windows[0].before is None
    assert windows[1].after.value == pytest.approx(3 * pi)


@pytest.mark.slow
def test_two_events_closer_than_a_step():
    """A window of 0.001 with steps of some 0.01."""
    build = on_a_line(lambda x, mu: 100 * x * (mu - 5) * (mu - 5.001))
    assert [(w.low, w.high) for w in gf.stable_windows(build, ORIGIN, bounds=(4.9, 5.1))] == [
        (pytest.approx(5, abs=1e-10), pytest.approx(5.001, abs=1e-10))
    ]


@pytest.mark.slow
def test_a_ring_is_left_out_by_projection_and_counted():
    def build(mu):
        def field(params, batch=None):
            x = jnp.stack(params)
            return gf.Players(*((mu - jnp.sum(x**2)) * x))

        return field

    diagram = gf.branches(build, gf.Players(0.6, 0.8), (0.1, 2.0), value=1.0)
    (branch,) = diagram.branches
    assert (branch.dimension, diagram.events) == (1, ())
    np.testing.assert_allclose(branch.eigenvalues[:, 0], -2 * branch.values, atol=1e-10)
    np.testing.assert_allclose(np.hypot(*branch.params), np.sqrt(branch.values), atol=1e-12)
    assert set(branch.kinds) == {"stable"}
    # It is born where two eigenvalues of the origin cross at once.
    born = gf.branches(build, ORIGIN, (-1.0, 1.0), switch=True)
    (event,) = born.events
    assert (event.kind, event.crossing) == ("branch point", 2)
    assert event.value == pytest.approx(0, abs=1e-12)
    assert [branch.dimension for branch in born.branches] == [0, 1]  # the ring once
    assert born.branches[1].ends[0] == "the crossing that it is born at"


@pytest.mark.slow
def test_a_closed_branch_is_gone_round_once():
    build = on_a_line(lambda x, mu: mu**2 + x**2 - 1)
    diagram = gf.branches(build, gf.Players(1.0, 0.0), (-2.0, 2.0), value=0.0)
    (branch,) = diagram.branches
    assert branch.ends == ("closed", "closed")
    np.testing.assert_allclose([event.value for event in diagram.events], [-1, 1], atol=1e-12)
    turned = np.unwrap(np.arctan2(branch.params.theta, branch.values))
    assert abs(turned[-1] - turned[0]) == pytest.approx(2 * math.pi, rel=0.05)


@pytest.mark.slow
def test_deflation_finds_what_no_branch_leads_to():
    """Three zeros of a cubic at one value, two of which hang together."""
    build = on_a_line(lambda x, mu: (x + 2) * ((x - 1) ** 2 - mu))
    options = {"box": LINE, "num_starts": 16}
    alone = gf.branches(build, gf.Players(-2.0, 0.0), (0.1, 1.0), **options)
    more = gf.branches(build, gf.Players(-2.0, 0.0), (0.1, 1.0), search=[0.5], **options)
    assert (len(alone.branches), len(more.branches)) == (1, 3)
    ends = sorted(float(branch.params.theta[branch.values == 1][0]) for branch in more.branches)
    np.testing.assert_allclose(ends, [-2, 0, 2], atol=1e-10)


@pytest.mark.slow
def test_one_program_for_all_values_and_branches(caplog):
    def run(scale):
        build = on_a_line(lambda x, mu: scale * mu * x - x**3)
        return gf.branches(build, ORIGIN, (-0.5, 1.0), switch=True)

    def compiled():
        return [m for m in caplog.messages if "XLA compilation" in m and "_branch" in m]

    with jax.log_compiles(), caplog.at_level("WARNING"):
        assert len(run(1.5).branches) == 2
        assert len(compiled()) == 1
        run(1.75)
    assert len(compiled()) == 1


def test_no_event_is_said():
    diagram = gf.branches(on_a_line(lambda x, mu: mu - x), ORIGIN, (0.0, 1.0))
    assert diagram.events == ()
    assert repr(diagram) == "Branches: 1 of equilibria, mu from 0 to 1; no events"
    assert "no events" in repr(diagram.branches[0])
    assert "no events" in diagram._repr_html_()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("f", "end"),
    [
        (lambda x, mu: mu - x - 0.5 * jnp.abs(x - 1), "a kink or a jump of the field"),
        (lambda x, mu: mu - x - 0.05 * jnp.abs(x - 1), "a kink or a jump of the field"),
        (lambda x, mu: mu - x + jnp.where(x > 1, 0.5, 0.0), "a kink or a jump of the field"),
        (lambda x, mu: mu - x + 0 * jnp.sqrt(1 - x), "the field is not finite"),
    ],
)
def test_a_branch_ends_at_a_kink(f, end):
    start = gf.Players(_zero(f), 0.0)
    diagram = gf.branches(on_a_line(f), start, (0.0, 3.0))
    (branch,) = diagram.branches
    assert branch.ends == ("the knob's bounds", end)
    assert branch.params.theta[-1] == pytest.approx(1, abs=1e-4)
    assert diagram.events == ()


def _zero(f):
    """The zero of f at the knob's 0 that lies below the kink, by bisection."""
    low, high = -5.0, 0.9
    with jax.enable_x64(True):
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if float(f(jnp.asarray(middle), 0.0)) > 0 else (low, middle)
    return low


def test_a_branch_ends_at_the_box():
    build = on_a_line(lambda x, mu: mu - x)
    (branch,) = gf.branches(build, ORIGIN, (0.0, 3.0), box=(-1, 1)).branches
    assert branch.ends == ("the knob's bounds", "the box of parameters")
    assert 0.9 < branch.params.theta.max() <= 1


def test_a_degenerate_point_makes_no_event():
    diagram = gf.branches(on_a_line(lambda x, mu: -(x**3)), ORIGIN, (0.0, 1.0))
    assert diagram.events == ()
    assert set(diagram.branches[0].kinds) == {"undecided"}


@pytest.mark.slow
def test_larger_fields():
    """120 parameters, one of whose eigenvalues crosses; the columns are made in two lots."""
    slopes = -np.linspace(1, 2, 119)
    mix = np.linalg.qr(np.random.default_rng(1).normal(size=(120, 120)))[0]

    def build(mu):
        def field(params, batch=None):
            y = mix.T @ jnp.concatenate(params)
            w = jnp.concatenate([(mu - 0.3) * y[:1] - y[:1] ** 3, slopes * y[1:]])
            return gf.Players(*jnp.split(mix @ w, [50]))

        return field

    start = gf.Players(np.zeros(50), np.zeros(70))
    diagram = gf.branches(build, start, (0.0, 1.0))
    assert said(diagram) == [("pitchfork", 0.3)]
    assert diagram.branches[0].params.phi.shape[1:] == (70,)


V = gf.vector_field(gf.games.bilinear())
KINKED = on_a_line(lambda x, mu: mu - jnp.abs(x))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((consensus_of(V), ORIGIN, (1.0, 0.0)), {}, r"bounds must be \(low, high\)"),
        ((consensus_of(V), ORIGIN, LINE), {}, "bounds must be one pair"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"value": 2.0}, "value must be within the bounds"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"search": [2.0]}, "search must be within"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"search": [1.0]}, "box must be given with search"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"max_points": 0}, "max_points must be an integer"),
        ((consensus_of(V), [], (0.0, 1.0)), {}, "start must be an equilibrium, or several"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"value": "a"}, "value must be a number, got 'a'"),
        ((consensus_of(V), ORIGIN, (0.0, 1.0)), {"search": 1.0}, "search must be a list of values"),
        ((consensus_of(V), None, (0.0, 1.0)), {}, r"start must be gf.Players\(theta, phi\), or s"),
        ((consensus_of(V), [(0, 0)], (0.0, 1.0)), {}, r"must be gf.Players\(theta, phi\), got tup"),
        ((None, ORIGIN, (0.0, 1.0)), {}, "build must be a function of the knob, got None"),
        ((lambda mu: V if mu >= 0 else 1, ORIGIN, (0.0, 1.0)), {}, "build must take a traced val"),
        (
            (lambda mu: gf.consensus(V, gamma=float(mu)), ORIGIN, (0.0, 1.0)), {},
            "build must take a traced value",
        ),
        ((lambda mu: (1, 2), ORIGIN, (0.0, 1.0)), {}, r"build must return a field, or \(method"),
        ((lambda mu: None, ORIGIN, (0.0, 1.0)), {}, "build must return a field"),
        ((KINKED, ORIGIN, (0.0, 1.0)), {}, "start must be a point where the field has one deriv"),
        (
            (consensus_of(V), ORIGIN, (0.0, 1.0)), {"original": 1.0},
            "original must be a function of the knob, got 1.0",
        ),
        (
            (consensus_of(V), gf.Players(1.0, 0.5), (0.0, 1.0)), {},
            (
                r"start must be an equilibrium for the knob's value 0, .* got Players\(theta=1.0, "
                r"phi=0.5\) with a residual of 1.12; the nearest one that Newton's method leads to "
                r"is Players\(theta=0.0, phi=0.0\)"
            ),
        ),
        (
            (on_a_line(lambda x, mu: 1 + x**2), ORIGIN, (0.0, 1.0)), {},
            "with a residual of 1; Newton's method finds none from there",
        ),
        (
            (consensus_of(V), [ORIGIN, gf.Players(np.zeros(2), 0.0)], (0.0, 1.0)), {},
            r"start.theta must have the shape of the first start",
        ),
    ],
)  # fmt: skip
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        gf.branches(*arguments, **options)


@pytest.mark.slow
def test_a_method_whose_moments_fade_to_nothing_is_refused():
    def build(h):
        return gf.simultaneous(optax.adam(h)), gf.vector_field(gf.games.quadratic())

    with pytest.raises(ValueError, match="params must be a point where the update map has a deriv"):
        gf.branches(build, ORIGIN, (0.0, 1.0))
