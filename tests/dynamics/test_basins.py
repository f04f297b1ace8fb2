"""Where starts end: closed forms of linear maps, an integrated limit cycle, and odd grids."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import ganfield as gf

CONVERGED, CYCLE, DIVERGED, UNDECIDED = range(4)
BILINEAR = gf.vector_field(gf.games.bilinear())
SQUARE = gf.grid((-1.5, 1.5), 12)


def descent(step_size):
    return gf.simultaneous(optax.sgd(step_size))


def spiral(modulus, step_size=0.1):
    """The quadratic field that steps of this size multiply by this modulus."""
    curvature = (1 - math.sqrt(modulus**2 - step_size**2)) / step_size
    return gf.vector_field(gf.games.quadratic(curvature, curvature, 1.0))


@pytest.mark.slow
def test_the_edge_of_a_spurious_basin():
    # Under γ = 2 the basins of 0 and π meet at arccos ½.
    w = gf.consensus(gf.vector_field(gf.games.sine()), gamma=2.0)
    grid = gf.grid(gf.Players((-0.5, 3.6), (-1.0, 1.0)), 42)
    regions = gf.basins(descent(0.2), w, grid, num_steps=400)
    assert (regions.outcome == CONVERGED).all()
    np.testing.assert_allclose(regions.attractors[:, 0], [math.pi, 0.0], atol=1e-5)
    to_pi = regions.attractors[regions.attractor][..., 0] > 1
    cell = 4.1 / 41
    for row_theta, row in zip(np.asarray(grid.theta), to_pi, strict=True):
        assert (np.diff(row.astype(int)) >= 0).all()
        assert abs(row_theta[np.argmax(row)] - cell / 2 - math.acos(0.5)) <= cell
    # φ does not matter.
    assert (to_pi == to_pi[0]).all()


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.1, 1.0, 1.9, 1.999])
def test_alternating_on_the_bilinear_game_circles_for_ever(size):
    method = gf.alternating(optax.sgd(size))
    regions = gf.basins(method, BILINEAR, SQUARE, escape=1000.0)
    assert (regions.outcome == CYCLE).all()
    assert (regions.attractor == -1).all()
    assert regions.attractors.shape == (0, 2)
    # The map has determinant 1 and trace 2 − s².
    expected = 2 * math.pi / math.acos(1 - size**2 / 2)
    np.testing.assert_allclose(regions.period, expected, rtol=3e-3)
    assert regions.cycles == ()  # one closed orbit for each start
    # The start and its mirror image are on one orbit, and twice as far means twice the radius.
    np.testing.assert_allclose(regions.radius, regions.radius[::-1, ::-1], rtol=1e-2)


@pytest.mark.long
def test_orbits_on_coarse_grids_are_no_limit_cycles():
    for resolution in (3, 5):
        regions = gf.basins(gf.alternating(optax.sgd(1.0)), BILINEAR, gf.grid((-1, 1), resolution))
        assert regions.cycles == ()
        # Started in the centre, where it rests; but the centre takes nothing back.
        assert regions.outcome[resolution // 2, resolution // 2] == UNDECIDED


@pytest.mark.parametrize("size", [0.02, 0.1])
def test_simultaneous_on_the_bilinear_game_grows_by_its_closed_form(size):
    regions = gf.basins(descent(size), BILINEAR, SQUARE, num_steps=1000)
    start = np.hypot(*SQUARE)
    growth = (1 + size**2) ** 500
    escapes = start * growth > 10 * np.hypot(1.5, 1.5)
    np.testing.assert_array_equal(regions.outcome, np.where(escapes, DIVERGED, UNDECIDED))
    kept = ~escapes
    np.testing.assert_allclose(
        np.hypot(*regions.ends)[kept], (start * growth)[kept], rtol=1e-3, atol=0
    )


@pytest.mark.long
def test_a_limit_cycle_against_an_integrated_one():
    epsilon = 0.2
    v = gf.vector_field(gf.games.almost_bilinear(epsilon))

    def flow(time, x):
        return [-x[1], x[0] + epsilon * (x[1] - x[1] ** 3)]

    path = solve_ivp(flow, (0, 400), [1.0, 0.0], rtol=1e-9, atol=1e-9, dense_output=True)
    times = np.linspace(200, 400, 200_001)
    theta, phi = path.sol(times)
    crossings = times[1:][(phi[:-1] < 0) & (phi[1:] >= 0)]
    period = np.diff(crossings).mean()
    turn = (times >= crossings[0]) & (times < crossings[-1])
    radius = math.sqrt(np.mean(theta[turn] ** 2 + phi[turn] ** 2))

    h = 0.05
    regions = gf.basins(gf.alternating(optax.sgd(h)), v, gf.grid((-2, 2), 10), num_steps=8000)
    assert (regions.outcome == CYCLE).all()
    (cycle,) = regions.cycles
    np.testing.assert_allclose(cycle.centre, 0.0, atol=1e-3)
    np.testing.assert_allclose(cycle.radius, radius, rtol=5e-3)
    np.testing.assert_allclose(cycle.period * h, period, rtol=5e-3)
    assert cycle.share == 1.0
    # Euler's steps push out: r′ = ε(r/2 − 3r³/8) + hr/2 rests at √(4/3 · (1 + h/ε)).
    regions = gf.basins(descent(h), v, gf.grid((-2, 2), 10), num_steps=8000)
    (cycle,) = regions.cycles
    np.testing.assert_allclose(cycle.radius, math.sqrt(4 / 3 * (1 + h / epsilon)), rtol=1e-2)


@pytest.mark.slow
def test_an_attractor_beside_a_limit_cycle():
    # The forsaken equilibrium attracts from near by, the cycle round it from everywhere else.
    v = gf.vector_field(gf.games.forsaken())
    regions = gf.basins(descent(0.01), v, gf.grid((-1.6, 1.6), 16), num_steps=12_000)
    np.testing.assert_allclose(regions.attractors, [[0.0780, 0.4119]], atol=2e-3)
    (cycle,) = regions.cycles
    assert cycle.share == (regions.outcome == CYCLE).mean() > 0.9
    # The edge between the two is a cycle that repels: nearly on it a start takes its time.
    assert (regions.outcome == CONVERGED).any()
    assert (regions.outcome == UNDECIDED).mean() < 0.02
    assert not (regions.outcome == DIVERGED).any()


@pytest.mark.long
def test_to_and_fro():
    # The multiplier of θ is 1 − 2·1 = −1 and that of φ 1 − 2·0.3 = 0.4.
    v = gf.vector_field(gf.games.quadratic(1.0, 0.3, 0.0))
    regions = gf.basins(descent(2.0), v, SQUARE)
    assert (regions.outcome == CYCLE).all()
    np.testing.assert_allclose(regions.period, 2.0, rtol=1e-4)
    np.testing.assert_allclose(regions.radius, np.abs(SQUARE.theta), rtol=1e-4)
    assert regions.cycles == ()  # each |θ| has its own
    assert (gf.basins(descent(1.9), v, SQUARE).outcome == CONVERGED).all()


@pytest.mark.slow
def test_to_and_fro_between_two_points_that_attract():
    # x ← x − 2.2 tanh x ends between ±r with 2r = 2.2 tanh r.
    def field(params, batch=None):
        return gf.Players(-jnp.tanh(params.theta), -0.5 * params.phi)

    regions = gf.basins(descent(2.2), field, gf.grid((-1.5, 1.5), 12))
    (cycle,) = regions.cycles
    radius = brentq(lambda r: 2 * r - 2.2 * math.tanh(r), 0.1, 2.0)
    np.testing.assert_allclose(cycle.centre, 0.0, atol=1e-3)
    np.testing.assert_allclose(cycle[1:4], (radius, 2.0, 1.0), rtol=1e-3)


@pytest.mark.long
def test_slow_is_not_for_ever():
    for modulus, outcome in ((0.9995, UNDECIDED), (0.99995, UNDECIDED), (0.98, CONVERGED)):
        regions = gf.basins(descent(0.1), spiral(modulus), SQUARE, num_steps=1000)
        assert (regions.outcome == outcome).all()
    # 4 % in num_steps is the documented limit, and the orbits are not taken for a limit cycle.
    regions = gf.basins(descent(0.1), spiral(1 - 2e-5), SQUARE, num_steps=1000)
    assert (regions.outcome == CYCLE).all()
    assert regions.cycles == ()
    regions = gf.basins(descent(0.1), spiral(0.9995), SQUARE, num_steps=40_000)
    assert (regions.outcome == CONVERGED).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        gf.simultaneous(optax.sgd(0.1, momentum=0.5)),
        gf.simultaneous(gf.Players(optax.sgd(0.1), optax.adam(0.02))),
        gf.alternating(optax.sgd(0.1, momentum=0.5), phi_steps=2),
    ],
)
@pytest.mark.parametrize("batch", [1.0, np.float64(1.0), jnp.ones(())])
def test_methods_with_memory_and_with_batches(method, batch):
    def field(params, batch):
        return gf.Players(batch - params.theta, -params.phi)

    regions = gf.basins(method, field, gf.grid((-2, 2), 4), batch=batch)
    assert (regions.outcome == CONVERGED).all()
    np.testing.assert_allclose(regions.attractors, [[1.0, 0.0]], atol=1e-3)


@pytest.mark.slow
def test_nan_and_constant_fields():
    def half(params, batch=None):  # undefined for θ < 0
        return gf.Players(1 - jnp.sqrt(params.theta), -params.phi)

    grid = gf.grid((-2, 2), 4)
    regions = gf.basins(descent(0.5), half, grid)
    expected = np.where(np.asarray(grid.theta) < 0, DIVERGED, CONVERGED)
    np.testing.assert_array_equal(regions.outcome, expected)

    def constant(speed):
        return lambda params, batch=None: gf.Players(speed + 0 * params.theta, 0 * params.phi)

    assert (gf.basins(descent(1.0), constant(1.0), grid).outcome == DIVERGED).all()
    assert (gf.basins(descent(1.0), constant(1e-2), grid).outcome == UNDECIDED).all()
    still = gf.basins(descent(1.0), constant(0.0), grid)
    assert (still.outcome == UNDECIDED).all()  # at rest everywhere, and drawn nowhere
    assert still.attractors.shape == (0, 2)


@pytest.mark.long
def test_what_rests_without_being_drawn_is_no_attractor():
    # A start on a source or a saddle stays there; where a field dies away everything stays.
    lattice = gf.vector_field(gf.games.lattice())
    regions = gf.basins(descent(0.1), lattice, gf.grid((-4, 4), 9), num_steps=400)
    np.testing.assert_allclose(np.abs(regions.attractors), np.pi, atol=1e-4)
    assert len(regions.attractors) == 4
    assert (regions.outcome[4, 4], regions.attractor[4, 4]) == (UNDECIDED, -1)

    fading = gf.vector_field(gf.games.two_attractors())
    regions = gf.basins(descent(0.01), fading, gf.grid((-40, 40), 20), num_steps=400)
    assert len(regions.attractors) <= 4
    known = np.array(gf.games.two_attractors().equilibria)
    for point in regions.attractors:
        gaps = np.linalg.norm(known - point, axis=1)
        assert gaps.min() < 0.2  # the diagonal is 113, and rest means a thousandth of it
        assert gf.classify(fading, gf.Players(*known[gaps.argmin()])).kind == "stable"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (1, 1), (2, 5), (7,)])
@pytest.mark.parametrize("dtype", [int, np.float32, np.float64])
def test_grids_of_any_shape(shape, dtype):
    v = gf.vector_field(gf.games.quadratic())
    grid = gf.Players(np.ones(shape, dtype), np.zeros(shape, dtype))
    areas = gf.basins(descent(0.3), v, grid, num_steps=100)
    for array in (areas.outcome, areas.attractor, areas.period, areas.radius, *areas.ends):
        assert np.shape(array) == shape
    assert (areas.outcome == CONVERGED).all()
    np.testing.assert_allclose(areas.attractors, [[0.0, 0.0]], atol=1e-6)


@pytest.mark.slow
def test_no_tolerance_is_allowed():
    regions = gf.basins(descent(0.3), gf.vector_field(gf.games.quadratic()), SQUARE, tolerance=0)
    assert (regions.outcome == CONVERGED).all()


@pytest.mark.slow
def test_basins_of_a_plane_in_a_larger_game():
    v = gf.vector_field(gf.games.bilinear(jnp.diag(jnp.array([1.0, 3.0]))))
    zero = gf.Players(jnp.zeros(2), jnp.zeros(2))
    plane = gf.planes.eigenvectors(v, zero)
    field = gf.planes.on_plane(gf.consensus(v, gamma=0.2), plane)
    regions = gf.basins(descent(0.1), field, gf.grid((-1, 1), 5))
    assert (regions.outcome == CONVERGED).all()
    np.testing.assert_allclose(regions.attractors, [[0.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize(
    ("grid", "arguments", "message"),
    [
        (np.ones((2, 3)), {}, "grid must be Players of two arrays of one shape"),
        ((np.ones(3), np.ones(3)), {}, "grid must be Players"),
        (gf.Players(np.ones(3), np.ones(2)), {}, r"shapes \[\(3,\), \(2,\)\]"),
        (gf.Players(np.ones((0, 2)), np.ones((0, 2))), {}, "grid must be Players"),
        (gf.Players(np.array([1.0, np.nan]), np.ones(2)), {}, "grid must be finite"),
        (SQUARE, {"num_steps": 7}, "num_steps must be an integer ≥ 8, got 7"),
        (SQUARE, {"tolerance": -1}, "tolerance must be a number ≥ 0, got -1"),
        (SQUARE, {"escape": float("nan")}, "escape must be a number ≥ 0, got nan"),
    ],
)
def test_bad_arguments(grid, arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.basins(descent(0.1), BILINEAR, grid, **arguments)


def test_a_field_of_more_than_two_numbers_is_refused():
    def field(params, batch=None):
        return jax.tree.map(lambda x: jnp.stack([x, x]), params)

    with pytest.raises(ValueError, match="needs a field of two numbers"):
        gf.basins(descent(0.1), field, SQUARE)
