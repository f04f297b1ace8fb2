"""Mixtures: where the modes are, how many points each gets, and how points scatter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.spatial
import scipy.stats

import ganfield as gf


def owners(mixture, samples):
    """The nearest mode of each sample."""
    return np.argmin(scipy.spatial.distance.cdist(samples, mixture.modes), axis=1)


@pytest.mark.parametrize(("num_modes", "radius"), [(1, 1.0), (2, 0.5), (8, 1.0), (25, 3.0)])
def test_ring_modes_are_the_scaled_roots_of_unity(num_modes, radius):
    modes = gf.data.ring(num_modes, radius=radius, std=0.2).modes
    z = (modes[:, 0] + 1j * modes[:, 1]) / radius
    assert modes.shape == (num_modes, 2)
    np.testing.assert_allclose(z**num_modes, 1, atol=1e-12)
    np.testing.assert_allclose(z, z[0] * (z[1] if num_modes > 1 else 1) ** np.arange(num_modes))
    assert len(np.unique(np.round(modes / radius, 6), axis=0)) == num_modes


def test_ring_defaults_are_those_of_the_official_code():
    mixture = gf.data.ring()
    assert mixture.std == 0.01
    np.testing.assert_allclose(np.hypot(*mixture.modes.T), np.ones(8))
    np.testing.assert_allclose(mixture.modes[:3], [[1, 0], [0.5**0.5] * 2, [0, 1]], atol=1e-15)


@pytest.mark.parametrize("num_modes", [0, -1, 2.0, True])
def test_ring_refuses_what_is_no_count(num_modes):
    with pytest.raises(ValueError, match="num_modes must be an integer ≥ 1"):
        gf.data.ring(num_modes)


@pytest.mark.parametrize("size", [1, 7, 8, 13, 512])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_mode_gets_its_share_exactly(size, seed):
    mixture = gf.data.ring()
    samples = mixture.sample(jax.random.key(seed), size)
    assert samples.shape == (size, 2)
    found = owners(mixture, samples)
    assert list(found) == sorted(found)
    counts = np.bincount(found, minlength=8)
    assert counts.sum() == size
    assert counts.min() == size // 8
    assert counts.max() == -(-size // 8)


@pytest.mark.parametrize("size", [1, 7, 12])
@pytest.mark.parametrize(
    "mixture", [gf.data.ring(std=0.01), gf.data.grid(3, std=0.01), gf.data.line(5, std=0.01)]
)
def test_over_many_batches_every_mode_gets_its_share(mixture, size):
    count, batches = len(mixture.modes), 4000
    keys = jax.random.split(jax.random.key(size), batches)
    drawn = np.asarray(jax.jit(jax.vmap(lambda key: mixture.sample(key, size)))(keys))
    owned = owners(mixture, drawn.reshape(batches * size, -1)).reshape(batches, size)
    assert np.all(np.diff(owned, axis=1) >= 0)
    left = size % count
    extra = np.stack([(owned == mode).sum(axis=1) for mode in range(count)], axis=1) - size // count
    assert set(np.unique(extra)) <= {0, 1}
    assert np.all(extra.sum(axis=1) == left)
    # Each mode is one of those with one more in a share left/count of the batches; a statistic
    # with the mean and the 99.9 % quantile of χ² (the counts of one batch exclude each other).
    expected = batches * left / count
    spread = batches * left * (count - left) / (count * (count - 1))
    statistic = np.sum((extra.sum(axis=0) - expected) ** 2) / spread
    assert statistic < scipy.stats.chi2(count - 1).ppf(0.999)
    # Which modes are together varies too: every pair of them is.
    together = extra.T @ extra
    if left >= 2:
        assert np.all(together > 0)


def reference_sample(mixture, key, size):
    """What was drawn when every batch was allotted alike."""
    modes = jnp.asarray(mixture.modes, jnp.result_type(float))
    chosen = modes[np.arange(size) * len(mixture.modes) // size]
    return chosen + mixture.std * jax.random.normal(key, chosen.shape, chosen.dtype)


@pytest.mark.parametrize(
    ("mixture", "size"),
    [
        (gf.data.ring(), 8),
        (gf.data.ring(), 64),
        (gf.data.ring(), 512),
        (gf.data.grid(), 100),
        (gf.data.line(), 35),
        (gf.data.Mixture(np.zeros((1, 2)), 1.0), 7),
    ],
)
def test_sizes_that_the_modes_divide_are_as_ever(mixture, size):
    for seed in range(3):
        key = jax.random.key(seed)
        expected = reference_sample(mixture, key, size)
        assert np.asarray(mixture.sample(key, size)).tobytes() == np.asarray(expected).tobytes()


def test_points_scatter_normally_around_their_modes():
    mixture = gf.data.ring(4, radius=10.0, std=0.3)
    samples = np.asarray(mixture.sample(jax.random.key(0), 4000), float)
    z = (samples - mixture.modes[owners(mixture, samples)]) / 0.3
    for coordinate in z.T:
        assert scipy.stats.kstest(coordinate, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z.T)[0, 1]) < 5 / np.sqrt(len(z))
    assert scipy.stats.kstest((z**2).sum(axis=1), scipy.stats.chi2(2).cdf).pvalue > 1e-3


def test_no_spread_gives_the_modes_in_three_dimensions():
    modes = np.arange(6.0).reshape(2, 3)
    samples = gf.data.Mixture(modes, 0.0).sample(jax.random.key(0), 4)
    np.testing.assert_array_equal(samples, modes[[0, 0, 1, 1]])


@pytest.mark.slow
def test_sample_is_pure():
    mixture = gf.data.ring()
    keys = jax.random.split(jax.random.key(0), 3)
    eager = np.stack([mixture.sample(key, 16) for key in keys])
    jitted = np.stack([jax.jit(mixture.sample, static_argnums=1)(key, 16) for key in keys])
    np.testing.assert_allclose(jitted, eager, rtol=1e-6, atol=1e-7)
    batched = jax.vmap(lambda key: mixture.sample(key, 16))(keys)
    np.testing.assert_allclose(batched, eager, rtol=1e-6, atol=1e-7)
    assert np.all(eager[0] != eager[1])


@pytest.mark.slow
def test_std_may_be_traced():
    def spread(std):
        return gf.data.Mixture(np.zeros((1, 2)), std).sample(jax.random.key(0), 8)

    scale = jnp.array([0.5, 2.0])
    found = jax.vmap(spread)(scale)
    np.testing.assert_allclose(found, scale[:, None, None] * spread(1.0), rtol=1e-6)
    np.testing.assert_allclose(jax.jacfwd(spread)(0.5), spread(1.0), rtol=1e-6)


def test_batches_hold_both_parts_and_do_not_share_noise():
    mixture = gf.data.ring(4, std=1.0)
    sample = gf.data.batch_sampler(mixture, batch_size=3000, latent_size=2)
    batch = sample(jax.random.key(0))
    assert isinstance(batch, gf.Batch)
    assert (batch.real.shape, batch.latent.shape) == ((3000, 2), (3000, 2))
    latent = np.asarray(batch.latent)
    assert scipy.stats.kstest(latent.ravel(), "norm").pvalue > 1e-3
    noise = np.asarray(batch.real) - np.repeat(mixture.modes, 750, axis=0)
    correlation = np.corrcoef(np.hstack([noise, latent]).T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(3000)


@pytest.mark.slow
def test_batch_sampler_is_pure():
    sample = gf.data.batch_sampler(gf.data.ring(), batch_size=9, latent_size=5)
    keys = jax.random.split(jax.random.key(3), 2)
    batched = jax.jit(jax.vmap(sample))(keys)
    for index, key in enumerate(keys):
        for part, whole in zip(sample(key)[:2], batched[:2], strict=True):
            np.testing.assert_allclose(whole[index], part, rtol=1e-6, atol=1e-7)
            assert part.dtype == jnp.float32


@pytest.mark.usefixtures("x64")
def test_float64_reaches_every_part_of_a_batch():
    mixture = gf.data.Mixture(gf.data.ring(3).modes, 0.0)
    batch = gf.data.batch_sampler(mixture, batch_size=3, latent_size=4)(jax.random.key(0))
    assert (batch.real.dtype, batch.latent.dtype) == (jnp.float64, jnp.float64)
    np.testing.assert_allclose(batch.real, mixture.modes, rtol=0, atol=1e-15)
    assert np.any(np.asarray(batch.latent, np.float32) != batch.latent)


@pytest.mark.parametrize(
    ("batch_size", "latent_size", "name"),
    [(0, 1, "batch_size"), (2.5, 1, "batch_size"), (4, 0, "latent_size"), (4, -3, "latent_size")],
)
def test_batch_sampler_refuses_what_is_no_count(batch_size, latent_size, name):
    with pytest.raises(ValueError, match=f"{name} must be an integer ≥ 1"):
        gf.data.batch_sampler(gf.data.ring(), batch_size=batch_size, latent_size=latent_size)


@pytest.mark.parametrize(("side", "spacing"), [(5, 2.0), (2, 0.5), (1, 3.0)])
def test_grid_modes(side, spacing):
    modes = gf.data.grid(side, spacing=spacing).modes
    expected = [
        [spacing * (i - (side - 1) / 2), spacing * (j - (side - 1) / 2)]
        for j in range(side)
        for i in range(side)
    ]
    np.testing.assert_allclose(modes, expected)


def test_grid_defaults_are_those_of_pacgan():
    mixture = gf.data.grid()
    assert mixture.modes.shape == (25, 2)
    assert mixture.std == 0.05
    np.testing.assert_array_equal(np.unique(mixture.modes), [-4, -2, 0, 2, 4])
    assert mixture.sample(jax.random.key(0), 100).shape == (100, 2)


def test_line_is_one_dimensional():
    mixture = gf.data.line(3, spacing=2.0, std=0.1)
    np.testing.assert_array_equal(mixture.modes, [[-2], [0], [2]])
    samples = np.asarray(mixture.sample(jax.random.key(0), 3000), float)
    assert samples.shape == (3000, 1)
    z = (samples - np.repeat(mixture.modes, 1000, axis=0)) / 0.1
    assert scipy.stats.kstest(z.ravel(), "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("build", "argument", "value", "allowed"),
    [
        (gf.data.grid, "num_per_side", 0, "an integer ≥ 1"),
        (gf.data.grid, "spacing", -1.0, "a number ≥ 0"),
        (gf.data.grid, "std", -1.0, "a number ≥ 0"),
        (gf.data.line, "num_modes", 1.5, "an integer ≥ 1"),
        (gf.data.line, "spacing", -1.0, "a number ≥ 0"),
        (gf.data.line, "std", -1.0, "a number ≥ 0"),
    ],
)
def test_grid_and_line_refuse_bad_arguments(build, argument, value, allowed):
    with pytest.raises(ValueError, match=f"{argument} must be {allowed}, got {value}"):
        build(**{argument: value})
