"""Planes: orthonormal axes, coordinates, and what each kind of plane promises."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.flatten_util import ravel_pytree

import ganfield as gf

ORIGIN = gf.Players(jnp.arange(3.0), {"a": jnp.ones((2, 2)), "b": jnp.asarray(0.5)})
ZERO = gf.Players(jnp.zeros(2), jnp.zeros(2))


def flat(params):
    return np.asarray(ravel_pytree(params)[0], float)


def check(plane, origin):
    """Orthonormal axes of the origin's structure, and coordinates that undo lift."""
    assert jax.tree.structure(plane.first) == jax.tree.structure(origin)
    axes = np.stack([flat(plane.first), flat(plane.second)])
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-6)
    np.testing.assert_allclose(flat(plane.origin), flat(origin), rtol=1e-6)
    here = plane.coordinates(plane.lift(gf.Players(0.3, -0.7)))
    np.testing.assert_allclose(here, (0.3, -0.7), atol=1e-5)
    for leaf in jax.tree.leaves(plane):
        assert jnp.issubdtype(leaf.dtype, jnp.floating)


def projector(plane):
    axes = np.stack([flat(plane.first), flat(plane.second)])
    return axes.T @ axes


def linear(matrix):
    """The field x ↦ Mx of four numbers, two for each player."""

    def field(params, batch=None):
        value = jnp.asarray(matrix, params.theta.dtype) @ jnp.concatenate(params)
        return gf.Players(value[:2], value[2:])

    return field


@pytest.mark.slow
def test_random_planes_point_everywhere():
    total = np.zeros((8, 8))
    for seed in range(60):
        plane = gf.planes.random(ORIGIN, jax.random.key(seed))
        check(plane, ORIGIN)
        total += projector(plane)
    # On average a plane holds 2 of 8 parts of every direction.
    np.testing.assert_allclose(np.diag(total) / 60, 2 / 8, atol=0.1)
    assert np.abs(total / 60 - np.diag(np.diag(total)) / 60).max() < 0.1


@pytest.mark.slow
def test_integers_are_numbers_here():
    for plane in (
        gf.planes.random(gf.Players(np.zeros(3, int), 1), jax.random.key(0)),
        gf.planes.through(gf.Players(1, 2), gf.Players(3, 0), gf.Players(1, 1)),
        gf.planes.principal(gf.Players(np.array([0, 1, 0, 5]), np.array([1, 0, 0, 2]))),
        gf.planes.eigenvectors(lambda p, batch=None: gf.Players(-p.phi, p.theta), gf.Players(1, 2)),
    ):
        check(plane, plane.origin)
        # Cut to integers, an axis of length 1 would be 0 in every coordinate but one.
        for part in plane:
            assert {leaf.dtype for leaf in jax.tree.leaves(part)} == {np.dtype("float32")}
        axes = np.stack([ravel_pytree(axis)[0] for axis in plane[1:]])
        np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-6)


def test_through_two_directions_of_any_length():
    first, second = (gf.Players(jnp.array(x), y) for x, y in (([1e-9, 0.0], 1e-9), ([0, 0.0], 1e3)))
    plane = gf.planes.through(gf.Players(jnp.ones(2), 1.0), first, second)
    check(plane, gf.Players(jnp.ones(2), 1.0))
    np.testing.assert_allclose(flat(plane.first), np.array([1, 0, 1]) / np.sqrt(2), atol=1e-6)
    # The second keeps its part at right angles, and its sign.
    np.testing.assert_allclose(flat(plane.second), np.array([-1, 0, 1]) / np.sqrt(2), atol=1e-6)


@pytest.mark.slow
def test_coordinates_of_records_and_of_points_off_the_plane():
    plane = gf.planes.random(ORIGIN, jax.random.key(0))
    shape = (5, 4)
    keys = iter(jax.random.split(jax.random.key(1), 3))
    records = jax.tree.map(lambda x: jax.random.normal(next(keys), shape + x.shape), ORIGIN)
    coordinates = plane.coordinates(records)
    assert np.shape(coordinates) == (2, *shape)
    for index in np.ndindex(shape):
        one = jax.tree.map(lambda x, i=index: x[i], records)
        axes = np.stack([flat(plane.first), flat(plane.second)])
        expected = axes @ (flat(one) - flat(ORIGIN))
        np.testing.assert_allclose([x[index] for x in coordinates], expected, atol=1e-5)
    # Under jit, with the plane as an argument.
    jitted = jax.jit(lambda plane, x: plane.coordinates(x))(plane, records)
    np.testing.assert_allclose(jitted, coordinates, atol=1e-5)
    # A step at right angles to the plane changes nothing.
    path = jax.vmap(plane.lift)(gf.Players(jnp.arange(3.0), -jnp.arange(3.0)))
    np.testing.assert_allclose(plane.coordinates(path), ([0, 1, 2], [0, -1, -2]), atol=1e-5)


@pytest.mark.parametrize("given", [False, True])
def test_principal_plane_against_the_singular_vectors(given):
    rng = np.random.default_rng(0)
    path = jax.tree.map(lambda x: jnp.asarray(rng.normal(size=(20, *x.shape))), ORIGIN)
    end = jax.tree.map(lambda x: x[-1], path)
    plane = gf.planes.principal(path, ORIGIN) if given else gf.planes.principal(path)
    check(plane, ORIGIN if given else end)
    rows = np.stack([flat(jax.tree.map(lambda x, i=i: x[i], path)) for i in range(20)])
    axes = np.linalg.svd(rows - flat(plane.origin))[2][:2]
    np.testing.assert_allclose(projector(plane), axes.T @ axes, atol=1e-5)
    np.testing.assert_allclose(abs(axes[0] @ flat(plane.first)), 1, atol=1e-5)


# Eigenvalues −.1, −.2 ± i, −3; mixed by a change of basis that is not orthogonal.
BASIS = np.array([[1, 0.3, 0, 0.2], [0, 1, -0.4, 0], [0.5, 0, 1, 0], [0, 0.1, 0.2, 1]])
MIXED = np.array([[-0.1, 0, 0, 0], [0, -0.2, -1, 0], [0, 1, -0.2, 0], [0, 0, 0, -3.0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "spectrum"),
    [("most_rotating", [-0.2 - 1j, -0.2 + 1j]), ("least_stable", [-3.0, -0.1])],
)
def test_planes_of_eigenvectors_are_invariant(pair, spectrum):
    matrix = BASIS @ MIXED @ np.linalg.inv(BASIS)
    field = linear(matrix)
    plane = gf.planes.eigenvectors(field, ZERO, pair=pair)
    check(plane, ZERO)
    inside = projector(plane)
    np.testing.assert_allclose((np.eye(4) - inside) @ matrix @ inside, 0.0, atol=1e-5)
    eigenvalues = gf.eigenvalues(gf.planes.on_plane(field, plane))(gf.Players(0.0, 0.0))
    np.testing.assert_allclose(np.sort_complex(eigenvalues), spectrum, atol=1e-4)
    share = gf.planes.out_of_plane(field, plane)
    np.testing.assert_allclose(
        jax.vmap(share)(gf.Players(jnp.ones(2), jnp.arange(2.0))), 0, atol=1e-5
    )


def test_a_double_eigenvalue_with_one_eigenvector_spans_no_plane():
    v = gf.vector_field(gf.games.bilinear(jnp.eye(2)))
    check(gf.planes.eigenvectors(v, ZERO), ZERO)  # ±i twice, with two eigenvectors each
    lone = linear(np.array([[-1.0, 0, 0, 0], [0, -2, -1, 0], [0, 1, -2, 0], [1, 0, 0, -1.0]]))
    with pytest.raises(ValueError, match="origin must be a point where the least_stable"):
        gf.planes.eigenvectors(lone, ZERO, pair="least_stable")


def test_on_plane_and_out_of_plane_are_the_parts_of_the_field():
    matrix = np.random.default_rng(1).normal(size=(4, 4))
    field, plane = linear(matrix), gf.planes.random(ZERO, jax.random.key(3))
    here = gf.Players(0.5, -2.0)
    value = matrix @ flat(plane.lift(here))
    inside = gf.planes.on_plane(field, plane)(here)
    axes = np.stack([flat(plane.first), flat(plane.second)])
    np.testing.assert_allclose(inside, axes @ value, rtol=1e-5)
    expected = np.linalg.norm(value - axes.T @ axes @ value) / np.linalg.norm(value)
    np.testing.assert_allclose(gf.planes.out_of_plane(field, plane)(here), expected, rtol=1e-5)
    assert np.isnan(gf.planes.out_of_plane(field, plane)(gf.Players(0.0, 0.0)))


def test_a_plane_shows_the_batch_and_can_be_mapped():
    def field(params, batch):
        return optax.tree.scale(batch, params)

    plane = gf.planes.through(
        ZERO,
        gf.Players(jnp.array([1.0, 0]), jnp.zeros(2)),
        gf.Players(jnp.zeros(2), jnp.array([0, 1.0])),
    )
    grid = gf.grid((-1, 1), 3)
    values = jax.jit(jax.vmap(jax.vmap(gf.planes.on_plane(field, plane), (0, None)), (0, None)))(
        grid, 3.0
    )
    np.testing.assert_allclose(values, 3 * np.asarray(grid), atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: p.random(gf.Players(1.0, ()), jax.random.key(0)), "at least two parameters"),
        (lambda p: p.random(gf.Players((), ()), jax.random.key(0)), "at least two parameters"),
        (lambda p: p.through(ZERO, ZERO, ZERO), "first and second must span a plane"),
        (
            lambda p: p.through(ZERO, gf.Players(jnp.ones(2), ZERO.phi), gf.Players(2.0, 1.0)),
            r"second\.theta must have the shape of origin, \(2,\), got \(\)",
        ),
        (
            lambda p: p.through(gf.Players(0.0, 0.0), gf.Players(1.0, 2.0), gf.Players(-2.0, -4.0)),
            "first and second must span a plane",
        ),
        (
            lambda p: p.through(gf.Players(0.0, 0.0), gf.Players(np.nan, 2.0), gf.Players(1.0, 0)),
            "first and second must be finite",
        ),
        (lambda p: p.principal(gf.Players(1.0, 2.0)), "path must be Players with the records"),
        (lambda p: p.principal(gf.Players(jnp.ones(3), jnp.ones(4))), "path must be Players"),
        (lambda p: p.principal(gf.Players(jnp.arange(3.0), jnp.arange(3.0))), "must span a plane"),
        (lambda p: p.principal(gf.Players(jnp.ones(3), jnp.ones(3))), "path must span a plane"),
        (lambda p: p.principal(gf.Players(jnp.array([1, np.nan]), jnp.ones(2))), "must be finite"),
        (
            lambda p: p.eigenvectors(linear(np.eye(4)), ZERO, pair="rotating"),
            "did you mean 'most_rot",
        ),
        (
            lambda p: p.eigenvectors(lambda x, batch=None: x, gf.Players(1.0, ())),
            "origin must have at least two parameters, got 1",
        ),
        (
            lambda p: p.eigenvectors(lambda x, batch=None: x, gf.Players((), ())),
            "origin must have at least two parameters, got 0",
        ),
        (
            lambda p: p.eigenvectors(lambda x, batch=None: jax.tree.map(jnp.sqrt, x), ZERO),
            "Jacobian is finite",
        ),
    ],
)
def test_bad_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build(gf.planes)


def test_coordinates_of_other_parameters_are_refused():
    plane = gf.planes.random(ORIGIN, jax.random.key(0))
    with pytest.raises(ValueError, match="params must have the structure of origin"):
        plane.coordinates(gf.Players(1.0, 2.0))
    other = gf.Players(jnp.zeros(4), ORIGIN.phi)
    with pytest.raises(ValueError, match=r"of the shapes of origin's, .* got \(4,\) for \(3,\)"):
        plane.coordinates(other)
