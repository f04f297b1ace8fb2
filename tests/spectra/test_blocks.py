"""Trace, norms and rotation by blocks against NumPy, exact and estimated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf
from ganfield import _memory
from tests.cases import batch_of, mlp_gan, params_of
from tests.rough_fields import START, backwards_only
from tests.spectra.linear import (
    game_like,
    jacobian_of,
    linear,
    multiplied,
    somewhere,
    together,
    zeros,
)
from tests.spectra.test_densities import cut

NAMES = ("trace", "traces", "norm", "norms", "rotation", "rotations")


def dense(matrix, split):
    """What `gf.jacobian_blocks` should say, from the matrix."""
    parts = slice(0, split), slice(split, None)
    blocks = [[matrix[row, column] for column in parts] for row in parts]
    turning = (matrix - matrix.T) / 2
    coupled = [np.linalg.norm(half[parts[0], parts[1]]) ** 2 for half in (turning, matrix)]
    coupled[1] += np.linalg.norm(blocks[1][0]) ** 2
    with np.errstate(invalid="ignore"):
        own = [
            np.linalg.norm(turning[part, part]) ** 2 / np.linalg.norm(matrix[part, part]) ** 2
            for part in parts
        ]
        both = np.float64(2 * coupled[0]) / coupled[1]
        rotation = np.linalg.norm(turning) ** 2 / np.linalg.norm(matrix) ** 2
    return {
        "trace": np.trace(matrix),
        "traces": [np.trace(blocks[0][0]), np.trace(blocks[1][1])],
        "norm": np.linalg.norm(matrix),
        "norms": [[np.linalg.norm(block) for block in row] for row in blocks],
        "rotation": rotation,
        "rotations": [[own[0], both], [both, own[1]]],
    }


def assert_exact(blocks, matrix, split, atol=1e-10):
    expected = dense(matrix, split)
    for name in NAMES:
        value, error = getattr(blocks, name)
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=atol, err_msg=name)
        assert np.shape(error) == np.shape(value)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_small_jacobians_are_exact():
    rng = np.random.default_rng(0)
    for theta, phi in ((3, 4), (1, 6), (7, 0), (0, 7)):
        for _ in range(5):
            matrix = rng.normal(size=(7, 7)) * 10.0 ** rng.uniform(-3, 3)
            blocks = gf.jacobian_blocks(linear, zeros(theta, phi), matrix)
            assert_exact(blocks, matrix, theta)
            assert blocks.exact
            assert blocks.num_products == 7
            assert not any(np.nan_to_num(getattr(blocks, name).standard_error).any()
                           for name in NAMES)  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_games_of_two_numbers():
    params = somewhere(0)
    blocks = gf.jacobian_blocks(together, params)
    assert_exact(blocks, jacobian_of(together, params), params.theta.size)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_a_network():
    case = mlp_gan()
    params, batch, field = params_of(case), batch_of(case), gf.vector_field(case.game)
    matrix = jacobian_of(field, params, batch)
    split = sum(leaf.size for leaf in jax.tree.leaves(params.theta))
    assert_exact(gf.jacobian_blocks(field, params, batch), matrix, split)
    few = gf.jacobian_blocks(field, params, batch, num_probes=6)
    assert not few.exact
    value, error = few.rotation
    assert abs(value - gf.field.helmholtz(matrix).rotation) < 4 * error


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_few_large_directions_are_found_exactly():
    """Of rank 2 + 2, which 8 directions hold: nothing is left for the probes."""
    rng = np.random.default_rng(2)
    for theta, phi in ((30, 40), (3, 67)):
        for _ in range(3):
            matrix = rng.normal(size=(70, 2)) @ rng.normal(size=(2, 70))
            blocks = gf.jacobian_blocks(linear, zeros(theta, phi), matrix, num_probes=8)
            assert not blocks.exact
            assert_exact(blocks, matrix, theta, atol=1e-8)
            errors = [getattr(blocks, name).standard_error for name in NAMES]
            assert all(np.all(error < 1e-8) for error in errors)
    assert blocks.num_products == 8 + 3 + 8 + 8  # θ's three directions are all there are


@pytest.mark.long
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("decay", [1.0, 0.8])
def test_error_bars_cover(decay, monkeypatch):
    """Over 200 matrices, with slow and with quick decay of singular values."""
    monkeypatch.setattr("ganfield.spectra._blocks.both_products", multiplied)
    rng = np.random.default_rng(3)
    deviations = {name: [] for name in NAMES}
    for seed in range(200):
        matrix = game_like(rng, 30, 40, decay)
        blocks = gf.jacobian_blocks(
            linear, zeros(30, 40), matrix, num_probes=10, key=jax.random.key(seed)
        )
        expected = dense(matrix, 30)
        for name in NAMES:
            value, error = getattr(blocks, name)
            # Shares of rotation of symmetric blocks are 0, and their errors rounding.
            known = np.asarray(expected[name]) > 1e-12 if name == "rotations" else True
            off = np.where(known, (value - expected[name]) / error, 0.0)
            deviations[name].append(off)
    for name, each in deviations.items():
        off = np.stack(each).reshape(200, -1)
        off = off[:, off.any(axis=0)]
        covered = np.mean(np.abs(off) <= scipy.stats.t.ppf(0.975, 9), axis=0)
        assert covered.min() > 0.9, name
        # Neither wider than need be, nor to one side.
        assert 0.75 < np.sqrt(np.mean(off**2)) < 1.4, name
        assert np.abs(off.mean(axis=0)).max() < 0.35, name


@pytest.mark.slow
def test_closed_forms():
    ones = gf.Players(jnp.ones(60), jnp.ones(60))
    turning = gf.jacobian_blocks(gf.vector_field(gf.games.bilinear(jnp.eye(60))), ones)
    assert not turning.exact
    np.testing.assert_allclose(turning.rotation, [1, 0], atol=1e-6)
    np.testing.assert_allclose(turning.norm, [120**0.5, 0], atol=1e-4)
    np.testing.assert_allclose(turning.trace, [0, 0], atol=1e-4)
    assert np.isnan(turning.rotations.value[0, 0])

    def gradient(params, batch=None):
        return jax.grad(lambda p: jnp.sum(jnp.sin(p.theta) * p.phi) - jnp.sum(p.phi**4))(params)

    still = gf.jacobian_blocks(gradient, ones)
    np.testing.assert_allclose(still.rotation, [0, 0], atol=1e-6)
    assert (still.trace.value < 0).all()


@pytest.mark.slow
def test_sums_of_blocks_and_what_is_random():
    matrix = game_like(np.random.default_rng(5), 20, 40).astype(np.float32)

    def blocks(**options):
        return gf.jacobian_blocks(linear, zeros(20, 40), matrix, **{"num_probes": 4} | options)

    first = blocks()
    np.testing.assert_allclose(np.sum(first.traces.value), first.trace.value, rtol=1e-12)
    squares = np.sum(first.norms.value**2)
    np.testing.assert_allclose(squares, first.norm.value**2, rtol=1e-12)
    assert blocks().norm == first.norm
    assert blocks(key=jax.random.key(1)).norm != first.norm
    alone = blocks(num_probes=1)
    assert np.isnan(alone.norm.standard_error)
    assert np.isfinite(alone.norm.value)
    assert blocks(num_probes=12).exact
    assert "±" in repr(first.norms)
    assert "JacobianBlocks" in first._repr_html_()


@pytest.mark.slow
def test_no_square_overflows():
    matrix = np.full((4, 4), 1e30, np.float32)
    blocks = gf.jacobian_blocks(linear, zeros(2, 2), matrix)
    np.testing.assert_allclose(blocks.norm.value, 4e30, rtol=1e-6)
    assert blocks.rotation.value == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_probes": 0}, "num_probes must be an integer ≥ 1, got 0"),
        ({"key": 1}, "key must be a typed key"),
        ({"params": gf.Players((), ())}, "params must hold at least one number"),
        ({"field": gf.games.sine()}, "got a Game: give gf.vector_field"),
        ({"field": cut}, "a derivative that is cut"),
        ({"field": backwards_only, "params": START}, "jacobian_blocks needs Jacobian–vector"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        gf.jacobian_blocks(**{"field": lambda p, batch=None: p, "params": START} | options)


def test_memory_is_asked_for_first(monkeypatch):
    monkeypatch.setattr(_memory, "free_memory", lambda: 2.0**25)
    wide = gf.Players(np.zeros(200_000, np.float32), np.zeros(200_000, np.float32))
    with pytest.raises(ValueError, match=r"num_probes must be at most 6 here, got 16: the direct"):
        gf.jacobian_blocks(lambda p, batch=None: p, wide)
