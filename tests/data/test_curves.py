"""Curves: where their points lie, how they are spread, and the noise round them."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf

KEY = jax.random.key(0)
BUILDERS = {"two_moons": gf.data.two_moons, "spiral": gf.data.spiral}


@pytest.mark.slow
def test_moons_are_half_circles():
    points = np.asarray(gf.data.two_moons(std=0.0).sample(KEY, 2000), float)
    upper, lower = points[:1000], points[1000:]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, atol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, atol=1e-6)
    assert upper[:, 1].min() >= -1e-6
    assert lower[:, 1].max() <= 0.5 + 1e-6
    # Uniform along the arcs, and independent of each other.
    places = [np.arctan2(*upper.T[::-1]) / np.pi, np.arctan2(*(lower - [1, 0.5]).T[::-1]) / -np.pi]
    for place in places:
        assert scipy.stats.kstest(place, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(*places)[0, 1]) < 5 / np.sqrt(1000)


@pytest.mark.slow
@pytest.mark.parametrize(("num_arms", "turns", "radius"), [(1, 1.5, 1.0), (3, 0.7, 2.5)])
def test_spiral_arms(num_arms, turns, radius):
    spiral = gf.data.spiral(num_arms, turns=turns, radius=radius, std=0.0)
    points = np.asarray(spiral.sample(KEY, 900 * num_arms), float).reshape(num_arms, 900, 2)
    for k, arm in enumerate(points):
        z = arm[:, 0] + 1j * arm[:, 1]
        away = np.abs(z)
        expected = away * np.exp(2j * np.pi * (turns * away / radius + k / num_arms))
        np.testing.assert_allclose(z, expected, atol=1e-5 * radius)
        assert scipy.stats.kstest((away / radius) ** 2, "uniform").pvalue > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_every_arc_gets_its_share(size):
    curves = gf.data.Curves((lambda t: jnp.stack([t, t], 1), lambda t: 5 + jnp.stack([t, t], 1)), 0)
    points = np.asarray(curves.sample(KEY, size))
    assert points.shape == (size, 2)
    upper = points[:, 0] >= 5
    assert list(upper) == sorted(upper)
    assert upper.sum() in (size // 2, -(-size // 2))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("count", [2, 3])
def test_over_many_batches_every_arc_gets_its_share(count, size):
    def arc(shift):
        return lambda t: jnp.stack([t + shift, t], axis=1)

    curves = gf.data.Curves(tuple(arc(2.0 * k) for k in range(count)), 0.0)
    batches = 2000
    keys = jax.random.split(KEY, batches)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: curves.sample(key, size)))(keys))
    owned = (drawn[..., 0] // 2).astype(int)
    assert np.all(np.diff(owned, axis=1) >= 0)
    extra = np.stack([(owned == k).sum(axis=1) for k in range(count)], axis=1) - size // count
    assert np.all(extra.sum(axis=1) == size % count)
    share = extra.mean(axis=0)
    expected = (size % count) / count
    assert np.all(np.abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / batches))
    # The place along the arc does not depend on which arc it is.
    places = drawn[..., 1].ravel()
    for k in range(count):
        assert scipy.stats.kstest(places[owned.ravel() == k], "uniform").pvalue > 1e-3


def reference_sample(curves, key, size):
    """What was drawn when every batch was allotted alike."""
    key_place, key_noise = jax.random.split(key)
    count = len(curves.arcs)
    owner = np.arange(size) * count // size
    places = jax.random.uniform(key_place, (size,))
    points = jnp.concatenate([arc(places[owner == i]) for i, arc in enumerate(curves.arcs)])
    return points + curves.std * jax.random.normal(key_noise, points.shape, points.dtype)


def spiral_arm(start, place, turns=1.5, radius=1.0):
    """An arm as it was, of numbers that are no leaves."""
    root = jnp.sqrt(place)
    angle = 2 * math.pi * (turns * root + start)
    return (radius * root)[:, None] * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [6, 96])
def test_sizes_that_the_arcs_divide_are_as_ever(size):
    moons = gf.data.two_moons()
    arms = tuple(functools.partial(spiral_arm, k / 3) for k in range(3))
    for curves, before in ((moons, moons), (gf.data.spiral(3), gf.data.Curves(arms, 0.02))):
        sample = jax.jit(curves.sample, static_argnums=1)
        reference = jax.jit(functools.partial(reference_sample, before), static_argnums=1)
        for draw, expected in ((curves.sample, functools.partial(reference_sample, before)),
                               (sample, reference)):  # fmt: skip
            bits = [np.asarray(each(KEY, size)).tobytes() for each in (draw, expected)]
            assert bits[0] == bits[1]


@pytest.mark.long
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_curves_are_a_pytree_of_numbers(build):
    curves = build()
    leaves, structure = jax.tree.flatten(curves)
    assert all(isinstance(leaf, float) for leaf in leaves)
    assert structure == jax.tree.structure(build())
    sample = jax.jit(lambda curves, key: curves.sample(key, 9))
    for given in (curves, jax.tree.unflatten(structure, leaves)):
        np.testing.assert_allclose(sample(given, KEY), curves.sample(KEY, 9), rtol=1e-5, atol=1e-6)
    assert sample._cache_size() == 1
    wide = jax.vmap(lambda std: build(std=std).sample(KEY, 9))(jnp.array([0.0, 0.5]))
    np.testing.assert_allclose(wide[1], build(std=0.5).sample(KEY, 9), rtol=1e-5, atol=1e-5)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), build(std=0.0), build(std=0.5))
    both = jax.vmap(lambda curves: curves.sample(KEY, 9))(stacked)
    np.testing.assert_allclose(both, wide, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_noise_is_normal_and_not_shared(build):
    size, std = 3000, 0.3
    noise = np.asarray(build(std=std).sample(KEY, size) - build(std=0.0).sample(KEY, size))
    for coordinate in noise.T / std:
        assert scipy.stats.kstest(coordinate, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise.T)[0, 1]) < 5 / np.sqrt(size)


@pytest.mark.slow
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_sample_is_pure(build):
    curves = build()
    keys = jax.random.split(KEY, 3)
    eager = np.stack([curves.sample(key, 9) for key in keys])
    batched = jax.jit(jax.vmap(lambda key: curves.sample(key, 9)))(keys)
    np.testing.assert_allclose(batched, eager, rtol=1e-5, atol=1e-6)
    assert np.all(eager[0] != eager[1])
    assert batched.dtype == jnp.float32


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_float64_and_batches(build):
    batch = gf.data.batch_sampler(build(), batch_size=6, latent_size=3)(KEY)
    assert (batch.real.shape, batch.latent.shape) == ((6, 2), (6, 3))
    assert batch.real.dtype == jnp.float64


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="std must be a number ≥ 0, got -1"):
        gf.data.two_moons(std=-1)
    with pytest.raises(ValueError, match="num_arms must be an integer ≥ 1, got 0"):
        gf.data.spiral(0)
    for argument in ("turns", "radius", "std"):
        with pytest.raises(ValueError, match=f"{argument} must be a number ≥ 0, got -1.0"):
            gf.data.spiral(**{argument: -1.0})
    with pytest.raises(ValueError, match="size must be an integer ≥ 1"):
        gf.data.spiral().sample(KEY, 0)
    for empty in (gf.data.Curves((), 0.1), gf.data.Mixture(np.zeros((0, 2)), 0.1)):
        with pytest.raises(ValueError, match="at least one mode or arc, got none"):
            empty.sample(KEY, 3)
