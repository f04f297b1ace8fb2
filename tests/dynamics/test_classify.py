"""Kinds, optimality and spuriousness against prescribed spectra and the definitions themselves."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import mlp_gan, params_of

ORIGIN = gf.Players(0.0, 0.0)
QUADRATIC = {  # curvatures and coupling: kind, local Nash, local minimax
    "stable spiral": ((1.0, 1.0, 2.0), "stable", True, True),
    "stable node": ((1.0, 3.0, 0.125), "stable", True, True),
    "unstable spiral": ((-1.0, -1.0, 2.0), "unstable", False, False),
    "saddle": ((-1.0, 1.0, 0.5), "saddle", False, False),
    "centre": ((0.0, 0.0, 2.0), "centre", None, None),
    "centre with curvature": ((1.0, -1.0, 2.0), "centre", False, False),
    "damped for one": ((0.0, 1.0, 2.0), "stable", None, True),
    "a zero": ((1.0, 0.0, 0.0), "undecided", None, None),
    "stable, no minimax": ((6.0, -2.0, 4.0), "stable", False, False),
    "unstable minimax": ((-6.0, 2.0, 4.0), "unstable", False, True),
}


def classified(game_or_field, point, **options):
    """Classify a point to a field, or to the field of a game, whose losses are known then."""
    if isinstance(game_or_field, gf.Game):
        options = {"game": game_or_field, **options}
        game_or_field = gf.vector_field(game_or_field)
    return gf.classify(game_or_field, point, **options)


def one_number(function, slope=-1.0):
    """A field of which φ's part is linear, and θ's given."""
    return lambda params, batch=None: gf.Players(function(params.theta), slope * params.phi)


@pytest.mark.parametrize("name", QUADRATIC)
def test_quadratic_games(name):
    (a, b, c), kind, nash, minimax = QUADRATIC[name]
    verdict = classified(gf.games.quadratic(a, b, c), ORIGIN)
    assert (verdict.kind, verdict.local_nash, verdict.local_minimax) == (kind, nash, minimax)
    assert verdict.spurious is None
    assert verdict.smooth
    assert verdict.residual == 0
    matrix = np.array([[-a, -c], [c, -b]])
    np.testing.assert_allclose(
        np.sort_complex(verdict.eigenvalues), np.sort_complex(np.linalg.eigvals(matrix)), atol=1e-7
    )
    np.testing.assert_allclose(verdict.rotation, 2 * c**2 / np.sum(matrix**2), rtol=1e-12)
    assert verdict.kind in gf.dynamics.KINDS
    assert verdict.eigenvalues.dtype == complex
    # Lemma 4 by brute force: the largest step size at which ‖(1 + hJ)ⁿ x‖ stays bounded.
    sizes = np.linspace(1e-3, 5, 5000)
    radii = np.abs(np.linalg.eigvals(np.eye(2) + sizes[:, None, None] * matrix)).max(axis=1)
    largest = sizes[radii < 1].max(initial=0.0) if kind == "stable" else 0.0
    np.testing.assert_allclose(verdict.max_step_size, largest, atol=2e-3)


def local_optimality(game, point, radius=1e-3):
    """Nash and minimax by the losses at points nearby, without a derivative."""
    steps = radius * np.linspace(-1, 1, 41)
    fine = radius * np.linspace(-10, 10, 4001)
    with jax.enable_x64(True):
        x, y = (jnp.asarray(p, float) for p in point)
        losses = jax.jit(jax.vmap(lambda theta, phi: game.losses(gf.Players(theta, phi)).theta))
        here = float(losses(x[None], y[None])[0])
        nash = bool((losses(x + steps, y + 0 * steps) >= here).all())
        nash &= bool((losses(x + 0 * steps, y + steps) <= here).all())
        # θ against the best of φ's answers in the neighbourhood.
        answers = jax.vmap(lambda t: losses(jnp.full(fine.shape, t), y + fine).max())(x + steps)
    best = np.asarray(answers)
    inner = bool(best[20] <= here + 1e-12 * (1 + abs(here)))  # φ has no better answer
    return nash, inner and bool((best >= best[20]).all())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two_attractors", "unstable_minimax", "stable_non_minimax"])
def test_optimality_against_its_definition(name):
    game = gf.GAMES[name]()
    for point in game.equilibria:
        verdict = classified(game, point)
        assert (verdict.local_nash, verdict.local_minimax) == local_optimality(game, point), point


@pytest.mark.long
def test_two_of_four_attractors_are_no_nash_equilibria():
    game = gf.games.two_attractors()
    verdicts = [classified(game, point) for point in game.equilibria]
    assert [f.kind for f in verdicts].count("stable") == 4
    assert [f.kind for f in verdicts].count("saddle") == 5
    assert [f.local_nash for f in verdicts if f.kind == "stable"] == [False, True, False, True]


@pytest.mark.slow
def test_local_minimax_is_for_zero_sum_games_only():
    def game(loss_theta, loss_phi):
        return gf.games.general_sum(loss_theta, loss_phi, init=lambda key: ORIGIN)

    def minimax(*losses):
        return classified(game(*losses), ORIGIN).local_minimax

    # Both losses are 0 at the point, and the players do not meet; it is no zero-sum game.
    assert minimax(lambda t, p, b: t**2, lambda t, p, b: p**2) is None
    assert minimax(lambda t, p, b: t**2 - p**2, lambda t, p, b: p**2 - t**2) is True
    assert minimax(lambda t, p, b: t**2 - p**2, lambda t, p, b: p**2 - t**2 + 3.0) is True
    assert minimax(lambda t, p, b: t * p, lambda t, p, b: t * p) is None


SINE_POINTS = [(0.0, "stable", True), (math.pi, "stable", False), (math.acos(0.5), "saddle", True)]


@pytest.mark.parametrize(("theta", "kind", "spurious"), SINE_POINTS)
def test_sine_under_a_large_gamma(theta, kind, spurious):
    v = gf.vector_field(gf.games.sine())
    verdict = classified(gf.consensus(v, gamma=2.0), gf.Players(theta, 0.0), original=v)
    assert (verdict.kind, verdict.spurious) == (kind, spurious)


# c = ½: the source attracts from γ = 1/(1 + c²) = .8 on, the saddle from 1/√(1 + c²) = .894 on.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("gamma", "source", "saddle"),
    [(0.6, "unstable", "saddle"), (0.85, "stable", "saddle"), (1.5, "stable", "stable")],
)
def test_lattice_thresholds(gamma, source, saddle):
    game = gf.games.lattice(coupling=0.5)
    w = gf.consensus(gf.vector_field(game), gamma=gamma)
    for (k, m), kind in {(0, 0): source, (1, 0): saddle, (1, 1): "stable"}.items():
        point = gf.Players(k * math.pi, m * math.pi)
        verdict = gf.classify(w, point, original=gf.vector_field(game), game=game)
        assert verdict.kind == kind
        assert verdict.spurious == (kind == "stable" and (k, m) != (1, 1))
        assert verdict.local_nash == ((k, m) == (1, 1))


@pytest.mark.slow
def test_what_is_spurious_and_what_is_not():
    game = gf.games.bilinear()
    v = gf.vector_field(game)
    for options in ({}, {"game": game}):
        verdict = classified(gf.consensus(v, gamma=0.5), ORIGIN, original=v, **options)
        assert (verdict.kind, verdict.spurious, verdict.local_nash) == ("stable", False, None)
    saddle = gf.vector_field(gf.games.quadratic(-1.0, 1.0, 0.5))
    verdict = classified(gf.conservative_relaxation(saddle), ORIGIN, original=saddle)
    assert (verdict.kind, verdict.spurious, verdict.local_nash) == ("stable", True, False)
    assert "repels" in verdict.reason
    # A point that is no zero of w is no spurious one either.
    verdict = classified(gf.consensus(v, gamma=0.5), gf.Players(1.0, 0.0), original=v)
    assert (verdict.kind, verdict.spurious) == ("none", False)


def clipped(limit):
    """θ meets the limit of φ's weight just where φ is clipped: a zero at (0, limit)."""
    return gf.games.zero_sum(
        lambda theta, phi, batch: theta * (jnp.clip(phi, -limit, limit) - limit),
        init=lambda key: ORIGIN,
    )


KINKS = {
    "penalty": (gf.games.dirac_gan("indicator", penalty="wgan_gp"), ORIGIN),
    "penalty of noisy": (gf.games.dirac_gan("standard", penalty="wgan_gp"), ORIGIN),
    "clip": (clipped(0.5), gf.Players(0.0, 0.5)),
    "clip float32": (clipped(0.1), gf.Players(jnp.float32(0.0), jnp.float32(0.1))),
    "abs": (one_number(jnp.abs), ORIGIN),
    "relu": (one_number(jax.nn.relu), ORIGIN),
    "relu and more": (one_number(lambda x: -x - 0.01 * jax.nn.relu(x)), ORIGIN),
    "large": (one_number(lambda x: 1e6 * jnp.abs(x)), ORIGIN),
    "odd jump": (one_number(jnp.sign), ORIGIN),
    "jump": (one_number(lambda x: jnp.where(x > 0, 1.0, 0.0) - x), ORIGIN),
    "off the axes": (
        lambda params, batch=None: gf.Players(
            -params.theta - jax.nn.relu(jnp.minimum(params.theta, params.phi)), -params.phi
        ),
        ORIGIN,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_undecided(name):
    verdict = classified(*KINKS[name])
    assert not verdict.smooth
    assert verdict.kind == "undecided"
    assert math.isnan(verdict.max_step_size)
    assert "kink" in verdict.reason


SMOOTH = {
    "off the clip": (clipped(0.5), gf.Players(0.0, 0.5 - 1e-4)),
    "beyond the clip": (clipped(0.5), gf.Players(0.3, 0.5 + 1e-4)),
    "tanh": (one_number(lambda x: -jnp.tanh(1e3 * x)), ORIGIN),
    "tanh where it bends": (one_number(lambda x: -jnp.tanh(1e3 * x)), gf.Players(7e-4, 0.0)),
    "logistic": (one_number(lambda x: 0.5 - jax.nn.sigmoid(5e3 * x)), ORIGIN),
    "waves": (one_number(lambda x: -jnp.sin(100 * x)), ORIGIN),
    "crest": (one_number(lambda x: 1 - jnp.cos(100 * x)), ORIGIN),
    "far out": (one_number(lambda x: -jnp.sin(x)), gf.Players(2 * math.pi * 1e4, 0.0)),
    "waves far out": (one_number(lambda x: -jnp.sin(10 * x)), gf.Players(200 * math.pi, 0.0)),
    "cube": (one_number(lambda x: -(x**3)), ORIGIN),
    "constant": (one_number(lambda x: 0 * x), ORIGIN),
    "once": (one_number(lambda x: -x - x * jnp.abs(x)), ORIGIN),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_steep_is_not_a_kink(name):
    assert classified(*SMOOTH[name]).smooth


@pytest.mark.slow
def test_zero_within_tolerance():
    # x − 1 = 10⁻⁴: a zero to a tolerance of 10⁻⁴·‖J‖·(1 + max |x|), and not to a tenth of that.
    v = one_number(lambda x: 1 - x)
    near = gf.Players(1.0001, 0.0)
    assert classified(v, near).kind == "none"
    assert classified(v, near, tolerance=1e-5).kind == "none"
    assert classified(v, near, tolerance=1e-4).kind == "stable"
    # Re λ = −10⁻⁴ beside ‖J‖ = 1.
    slow = gf.games.quadratic(1e-4, 1e-4, 1.0)
    assert classified(slow, ORIGIN).kind == "stable"
    assert classified(slow, ORIGIN, tolerance=1e-3).kind == "centre"
    verdict = classified(gf.games.quadratic(1.0, 1e-8, 0.0), ORIGIN)
    assert (verdict.kind, verdict.local_nash) == ("undecided", None)


@pytest.mark.parametrize("number", [np.float32, jnp.float32, float, np.float64])
def test_numbers_of_any_type(number):
    verdict = classified(gf.games.sine(), gf.Players(number(math.pi), 0))
    assert verdict.kind == "stable"
    assert verdict.params.theta.dtype == np.float64
    assert isinstance(verdict.params.theta, np.ndarray | np.float64)
    assert jnp.ones(1).dtype == jnp.float32  # and float64 is left off


def test_no_zero_is_none_and_says_so():
    verdict = classified(gf.games.bilinear(), gf.Players(3.0, 4.0))
    assert verdict.kind == "none"
    np.testing.assert_allclose(verdict.residual, 5.0)
    assert "its norm is 5" in verdict.reason
    assert (verdict.local_nash, verdict.local_minimax) == (False, False)


@pytest.mark.long
def test_players_of_many_and_of_no_parameters():
    zero = gf.Players(jnp.zeros(3), jnp.zeros(3))
    verdict = classified(gf.games.bilinear(jnp.diag(jnp.array([1.0, 2.0, 3.0]))), zero)
    assert (verdict.kind, verdict.eigenvalues.shape) == ("centre", (6,))
    for params in (gf.Players(0.5, ()), gf.Players((), 0.5)):
        alone = classified(lambda p, batch=None: jax.tree.map(lambda x: 1 - 2 * x, p), params)
        assert (alone.kind, alone.local_nash, alone.rotation) == ("stable", True, 0.0)
    with pytest.raises(ValueError, match="params must hold at least one number"):
        classified(lambda p, batch=None: p, gf.Players((), ()))


@pytest.mark.long
def test_a_gan_of_two_networks_on_a_batch():
    case = mlp_gan()
    batch = case.sample(jax.random.key(0))
    params = params_of(case)
    verdict = classified(case.game, params, batch=batch)
    assert verdict.kind == "none"
    assert verdict.smooth  # tanh
    residual = optax.tree.norm(jax.jit(gf.vector_field(case.game))(params, batch))
    np.testing.assert_allclose(verdict.residual, residual, rtol=1e-5)
    assert verdict.eigenvalues.shape == (sum(leaf.size for leaf in jax.tree.leaves(params)),)


@pytest.mark.parametrize(
    ("field", "arguments", "message"),
    [
        (gf.games.sine(), {"tolerance": -1.0}, "tolerance must be a number ≥ 0, got -1.0"),
        (one_number(jnp.sqrt), {}, "params must be a point where the field and its Jacobian"),
        (lambda p, batch: p.theta, {}, "must have the structure of params"),
    ],
)
def test_bad_arguments(field, arguments, message):
    with pytest.raises(ValueError, match=message):
        classified(field, ORIGIN, **arguments)


@pytest.mark.slow
def test_doubts_are_told_as_doubts():
    # Half-stable: J fades with the point, and what a rounding leaves of it decides nothing.
    def folded(params, batch=None):
        return gf.Players(-(params.theta**2), -(params.phi**2))

    assert classified(folded, gf.Players(7e-17, 7e-17)).kind == "undecided"

    # v repels by its cubic term alone, which the eigenvalues do not see.
    def cubic(params, batch=None):
        return gf.Players(-params.theta, params.phi**3)

    def mended(params, batch=None):
        return gf.Players(-params.theta, params.phi**3 - params.phi)

    origin = gf.Players(0.0, 0.0)
    verdict = classified(mended, origin, original=cubic)
    assert (verdict.kind, verdict.spurious) == ("stable", None)

    # Without coupling a field alone does not show a zero-sum game.
    assert classified(lambda p, b=None: gf.Players(-p.theta, -p.phi), origin).local_minimax is None
