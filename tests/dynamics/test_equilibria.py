"""Zeros of fields: registered ones, those that SciPy finds, and fields that make it hard."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import root

import ganfield as gf

PLANAR = [name for name in gf.games.closed_forms() if name != "two_attractors"]


def coordinates(equilibria):
    return np.array([(float(p.theta), float(p.phi)) for p in equilibria.points]).reshape(-1, 2)


def nearest(points, point):
    return np.abs(points - np.array([float(x) for x in point])).max(axis=1).min()


def check(equilibria, field, bounds):
    """What must hold of any answer."""
    assert equilibria.hits.shape == equilibria.residuals.shape == (len(equilibria.points),)
    assert (equilibria.hits >= 1).all()
    assert equilibria.hits.sum() <= equilibria.num_converged <= equilibria.num_starts
    with jax.enable_x64(True):
        for point, residual in zip(equilibria.points, equilibria.residuals, strict=True):
            value = field(jax.tree.map(jnp.asarray, point))
            np.testing.assert_allclose(np.hypot(*value), residual, atol=1e-12)
            assert residual < 1e-8
            for leaf, (low, high) in zip(point, gf.checks.check_bounds(bounds), strict=True):
                assert leaf.dtype == np.float64
                assert low - 1e-6 <= leaf <= high + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANAR)
def test_registered_zeros_and_no_other(name):
    game = gf.GAMES[name]()
    v = gf.vector_field(game)
    equilibria = gf.find_equilibria(v, bounds=(-4, 4))
    check(equilibria, v, (-4, 4))
    points = coordinates(equilibria)
    assert len(points) == len(game.equilibria)
    for known in game.equilibria:
        assert nearest(points, known) < 1e-6
    # Sorted by θ, then φ.
    np.testing.assert_array_equal(np.lexsort(points.round(6).T[::-1]), np.arange(len(points)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["forsaken", "lattice", "sine", "covariance"])
def test_consensus_keeps_all_zeros(name):
    game = gf.GAMES[name]()
    w = gf.consensus(gf.vector_field(game), gamma=0.6)
    equilibria = gf.find_equilibria(w, bounds=(-4, 4))
    check(equilibria, w, (-4, 4))
    for known in game.equilibria:
        assert nearest(coordinates(equilibria), known) < 1e-6


@pytest.mark.long
def test_two_attractors_as_scipy_finds_them():
    game = gf.games.two_attractors()
    bounds = (-20, 20)
    v = gf.vector_field(game)
    equilibria = gf.find_equilibria(v, bounds=bounds)
    check(equilibria, v, bounds)

    def by_hand(x, y):
        decay = np.exp(-(x**2 + y**2) / 100)
        first, second = 0.15 * x**2 + y, 0.25 * y**2 + x
        p = first**2 + second**2
        p_x, p_y = 0.6 * x * first + 2 * second, 2 * first + y * second
        return decay * (p_x - 0.02 * x * p), -decay * (p_y - 0.02 * y * p)

    # Cells in which both components change sign, polished one by one.
    axis = np.linspace(-20.03, 20.01, 401)
    values = by_hand(*np.meshgrid(axis, axis))
    changes = []
    for value in values:
        corners = np.stack([value[i : i + 400, j : j + 400] for i in (0, 1) for j in (0, 1)])
        changes.append((corners.min(axis=0) <= 0) & (corners.max(axis=0) >= 0))
    zeros = []
    for row, column in np.argwhere(changes[0] & changes[1]):
        start = axis[[column, row]] + 0.05
        solved = root(lambda x: by_hand(*x), start, tol=1e-12)
        if solved.success and np.abs(solved.x - start).max() < 0.2:
            zeros.append(solved.x)
    zeros = np.unique(np.round(zeros, 6), axis=0)
    assert len(zeros) == len(equilibria.points) == 9
    for zero in zeros:
        assert nearest(coordinates(equilibria), zero) < 1e-5

    w = gf.consensus(v, gamma=0.6)
    more = gf.find_equilibria(w, bounds=bounds)
    check(more, w, bounds)
    assert len(more.points) > 9
    for zero in zeros:
        assert nearest(coordinates(more), zero) < 1e-5


@pytest.mark.slow
def test_zeros_that_consensus_adds():
    w = gf.consensus(gf.vector_field(gf.games.sine()), gamma=2.0)
    equilibria = gf.find_equilibria(w, bounds=gf.Players((-4, 4), (-1, 1)), num_starts=256)
    third = math.acos(0.5)
    expected = [-math.pi, -third, 0.0, third, math.pi]
    np.testing.assert_allclose(coordinates(equilibria)[:, 0], expected, atol=1e-8)
    np.testing.assert_allclose(coordinates(equilibria)[:, 1], 0.0, atol=1e-8)


def field_of(theta, phi=lambda p: p.phi):
    return lambda params, batch=None: gf.Players(theta(params), phi(params))


@pytest.mark.parametrize(
    ("theta", "zeros"),
    [
        (lambda p: p.theta - 3, []),
        (lambda p: p.theta - 2, [2.0]),
        (lambda p: p.theta**2 + 1, []),
        (lambda p: p.theta**3, [0.0]),
        (lambda p: p.theta**2 - 2 * p.theta + 1, [1.0]),
        (lambda p: jnp.abs(p.theta - 1) - 0.5, [0.5, 1.5]),
        (lambda p: jnp.sqrt(p.theta) - 0.5, [0.25]),
        (lambda p: jnp.log(p.theta), [1.0]),
        (lambda p: jnp.sqrt(p.theta - 5), []),
        (lambda p: 1.0, []),
        (lambda p: jnp.sign(p.theta), []),
    ],
)
def test_hard_fields(theta, zeros):
    equilibria = gf.find_equilibria(field_of(theta), bounds=(-2, 2), num_starts=256)
    points = coordinates(equilibria)
    assert points.shape == (len(zeros), 2)
    np.testing.assert_allclose(points[:, 0], zeros, atol=2e-5)
    np.testing.assert_allclose(points[:, 1], 0.0, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "bounds"),
    [
        (gf.vector_field(gf.games.matching_pennies()), (-40, 40)),
        (
            lambda p, batch=None: jax.tree.map(
                lambda x: x * jnp.exp(-(p.theta**2) - p.phi**2), gf.Players(p.theta, p.phi)
            ),
            (-10, 10),
        ),
    ],
)
def test_where_a_field_dies_away_it_is_not_zero(field, bounds):
    # Far out both are far below any tolerance relative to the median.
    equilibria = gf.find_equilibria(field, bounds=bounds, num_starts=4096)
    np.testing.assert_allclose(coordinates(equilibria), [[0.0, 0.0]], atol=1e-9)
    equilibria = gf.find_equilibria(field_of(lambda p: jnp.exp(-p.theta)), bounds=(-40, 40))
    assert equilibria.points == ()


@pytest.mark.slow
def test_separation_is_a_share_of_the_width():
    v = field_of(lambda p: (p.theta - 1) * (p.theta - 1.001))
    assert len(gf.find_equilibria(v, bounds=(-2, 2), separation=1e-3).points) == 1
    assert len(gf.find_equilibria(v, bounds=(-2, 2), separation=1e-4).points) == 2


@pytest.mark.slow
def test_the_same_key_gives_the_same_answer_and_another_the_same_zeros():
    v = gf.vector_field(gf.games.lattice())
    first, again = (gf.find_equilibria(v, bounds=(-4, 4), num_starts=512) for _ in range(2))
    np.testing.assert_array_equal(coordinates(first), coordinates(again))
    np.testing.assert_array_equal(first.hits, again.hits)
    hits = {tuple(first.hits)}
    for seed in (1, 2):
        other = gf.find_equilibria(v, bounds=(-4, 4), num_starts=512, key=jax.random.key(seed))
        np.testing.assert_allclose(coordinates(other), coordinates(first), atol=1e-9)
        hits.add(tuple(other.hits))
    assert len(hits) > 1


@pytest.mark.slow
def test_a_line_of_zeros_and_a_plane_of_them():
    line = field_of(lambda p: p.theta + p.phi, lambda p: 2 * (p.theta + p.phi))
    equilibria = gf.find_equilibria(line, bounds=(-2, 2), num_starts=32)
    assert list(equilibria.dimensions) == [1]
    assert len(equilibria.members[0]) > 10
    np.testing.assert_allclose(coordinates(equilibria).sum(axis=1), 0.0, atol=1e-9)
    still = field_of(lambda p: 0 * p.theta, lambda p: 0 * p.phi)
    everywhere = gf.find_equilibria(still, bounds=(-2, 2), num_starts=32)
    assert list(everywhere.dimensions) == [2]
    assert len(everywhere.members[0]) == 32


@pytest.mark.long
def test_players_of_other_shapes():
    coupling = jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [0.0, 0.3, 1.0]])
    template = gf.Players(np.zeros(3, int), jnp.zeros(3))
    v = gf.vector_field(gf.games.bilinear(coupling))
    (point,) = gf.find_equilibria(v, bounds=(-3, 3), template=template, num_starts=64).points
    np.testing.assert_allclose(point, np.zeros((2, 3)), atol=1e-8)
    # A player without parameters.
    equilibria = gf.find_equilibria(
        lambda p, batch=None: gf.Players(jnp.sin(p.theta), ()),
        bounds=gf.Players((-4, 4), (0, 1)),
        template=gf.Players(0.0, ()),
    )
    thetas = [float(p.theta) for p in equilibria.points]
    np.testing.assert_allclose(thetas, [-math.pi, 0, math.pi], atol=1e-9)
    # Two continua, W antisymmetric and V a root of Σ times a rotation, or one with a reflection.
    sigma = np.array([[2.0, 0.5], [0.5, 1.0]])
    game = gf.games.covariance(sigma)
    equilibria = gf.find_equilibria(
        gf.vector_field(game), bounds=(-2, 2), template=game.equilibria[0], num_starts=64
    )
    assert sorted(np.sign(np.linalg.det(point.theta)) for point in equilibria.points) == [-1, 1]
    assert equilibria.dimensions.tolist() == [2, 2]
    members = np.concatenate(equilibria.members)
    assert len(members) > 10
    for theta, phi in members.reshape(-1, 2, 2, 2):
        np.testing.assert_allclose(theta @ theta.T, sigma, atol=1e-6)
        np.testing.assert_allclose(phi + phi.T, 0.0, atol=1e-6)


@pytest.mark.slow
def test_the_batch_is_seen():
    def field(params, batch):
        return gf.Players(params.theta - batch["shift"].mean(), params.phi * batch["labels"].sum())

    batch = {"shift": jnp.array([0.5, 1.0], jnp.float32), "labels": jnp.array([1, 2])}
    (point,) = gf.find_equilibria(field, bounds=(-2, 2), batch=batch, num_starts=16).points
    np.testing.assert_allclose(point, (0.75, 0.0), atol=1e-12)


CLIPPED = gf.field.clipped(gf.vector_field(gf.games.bilinear()), max_norm=1e-3)


@pytest.mark.slow
def test_where_the_norm_is_constant_a_known_point_is_a_start():
    lost = gf.find_equilibria(CLIPPED, bounds=(-2, 2), num_starts=64)
    assert lost.points == ()
    assert lost.reason.startswith("of 64 starts 64 stopped where the field is not zero and no step")
    known = [gf.Players(0.0, 0.0), gf.Players(9, 9.0)]
    zeros = gf.find_equilibria(CLIPPED, bounds=(-2, 2), num_starts=64, known=known)
    check(zeros, CLIPPED, (-2, 2))
    np.testing.assert_array_equal(coordinates(zeros), [[0.0, 0.0]])
    assert (zeros.num_starts, zeros.reason) == (64, "")


@pytest.mark.slow
def test_a_known_point_that_is_no_zero_adds_none():
    zeros = gf.find_equilibria(
        field_of(lambda p: p.theta**2 + 1), bounds=(-2, 2), known=[gf.Players(0.0, 0.0)]
    )
    assert zeros.points == ()


@pytest.mark.parametrize(
    ("theta", "said"),
    [
        (lambda p: p.theta - 3, "of 32 starts 32 ended at a zero outside of the bounds"),
        (lambda p: p.theta**2 + 1, "came to no zero in 100 steps"),
        (lambda p: jnp.sqrt(p.theta - 5), "of 32 starts 32 stayed where the field is not finite"),
        (lambda p: jnp.exp(-20 * p.theta), "32 went far out, where the field dies away"),
    ],
)
def test_a_search_that_fails_says_why(theta, said):
    zeros = gf.find_equilibria(field_of(theta), bounds=(-2, 2), num_starts=32)
    assert zeros.points == ()
    assert said in zeros.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bounds": (1, -1)}, r"bounds must be \(low, high\)"),
        ({"num_starts": 0}, "num_starts must be an integer ≥ 1, got 0"),
        ({"tolerance": -1.0}, "tolerance must be a number ≥ 0"),
        ({"separation": float("nan")}, "separation must be a number ≥ 0"),
        ({"template": gf.Players((), ())}, "template must hold at least one number"),
        ({"template": gf.Players(jnp.zeros(2), 0.0)}, "must have the shape of params"),
        ({"known": [gf.Players(jnp.zeros(2), 0.0)]}, "known.* must have the shape of template"),
    ],
)
def test_bad_arguments(arguments, message):
    def field(params, batch=None):
        return jax.tree.map(lambda x: jnp.sum(x), params)

    with pytest.raises(ValueError, match=message):
        gf.find_equilibria(field, **({"bounds": (-1, 1)} | arguments))
