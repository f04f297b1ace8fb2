"""The minibatch experiment: its closed forms against every batch there is, and a small run."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf

GAMMA = 0.7
PARAMS = gf.Players(0.8, 0.4)


@pytest.fixture
def minibatch(load):
    return load("minibatch")


@pytest.fixture
def truth(load):
    return load("minibatch_truth")


def three_pairs():
    """Three pairs (real, latent) without any symmetry."""
    real, latent = np.array([0.3, 1.1, -1.7]), np.array([1.2, -0.4, 0.9])
    return gf.Batch(jnp.asarray(real)[:, None], jnp.asarray(latent)[:, None])


def field_of(truth):
    return gf.vector_field(truth.game_of("standard"))


def over_all_batches(minibatch, truth, batch_size, groups):
    """Both estimates from each of the 3^B batches, which are equally likely."""
    indices = np.array(list(itertools.product(range(3), repeat=batch_size)))
    batches = jax.vmap(lambda index: minibatch.take(three_pairs(), index))(indices)
    both = minibatch.estimates(field_of(truth), GAMMA, groups)
    return jax.device_get(jax.jit(jax.vmap(both, in_axes=(None, 0)))(PARAMS, batches))


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("batch_size", "groups"), [(2, 1), (2, 2), (4, 1), (4, 2), (4, 4)])
def test_mean_and_variance_over_all_batches_are_the_closed_forms(
    minibatch, truth, batch_size, groups
):
    field, population = field_of(truth), three_pairs()
    estimates = over_all_batches(minibatch, truth, batch_size, groups)
    each = truth.kernels(field, PARAMS, population, GAMMA)
    for name, kernel in each.items():
        known = truth.moments(kernel)
        bias = truth.exact_bias(known, batch_size, groups)
        np.testing.assert_allclose(estimates[name].mean(axis=0), known.truth + bias, rtol=1e-10)
        variance = truth.exact_variance(known, batch_size, groups)
        np.testing.assert_allclose(estimates[name].var(axis=0).sum(), variance, rtol=1e-10)

    # The same truth and bias by automatic differentiation of the whole population's field.
    v = truth.flat(field(PARAMS, population))
    w = truth.flat(gf.consensus(field, gamma=GAMMA)(PARAMS, population))
    weight = 1 / (2 * batch_size) if groups == 1 else 0.0
    trace, slope = jax.value_and_grad(
        lambda params: truth.trace_covariance(field, params, population)
    )(PARAMS)
    np.testing.assert_allclose(estimates["value"].mean(), v @ v / 2 + weight * trace, rtol=1e-10)
    expected = w - GAMMA * weight * truth.flat(slope)
    np.testing.assert_allclose(estimates["direction"].mean(axis=0), expected, rtol=1e-10)
    if groups == 1:
        assert float(jnp.linalg.norm(truth.flat(slope))) > 0.1


@pytest.mark.usefixtures("x64")
def test_trace_of_the_covariance_by_numpy(truth):
    real, latent = (np.asarray(part)[:, 0] for part in three_pairs()[:2])
    theta, phi = PARAMS
    fake = theta * latent
    real_side, fake_side = (1 / (1 + np.exp(phi * x**2)) for x in (real, fake))
    v_theta = fake_side * phi * 2 * theta * latent**2
    v_phi = real_side * real**2 - (1 - fake_side) * fake**2
    trace = truth.trace_covariance(field_of(truth), PARAMS, three_pairs())
    np.testing.assert_allclose(trace, v_theta.var() + v_phi.var(), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_consensus_follows_the_gradient_of_the_value_that_is_studied(minibatch, truth, groups):
    field = field_of(truth)
    batch = minibatch.take(three_pairs(), jnp.array([0, 2, 1, 1, 2, 2, 0, 1]))
    slope = jax.jit(jax.grad(minibatch.half_square_norm(field, groups)))(PARAMS, batch)
    relaxed = gf.conservative_relaxation(field, groups=groups)(PARAMS, batch)
    np.testing.assert_allclose(truth.flat(relaxed), -truth.flat(slope), rtol=1e-10)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_variance_of_the_value_is_that_of_the_covariance_matrix(truth):
    field, population = field_of(truth), truth.population_of(32)
    examples = jax.tree.map(lambda leaf: leaf[:, None], population)
    v = np.stack(jax.vmap(lambda one: field(PARAMS, one))(examples), axis=1)
    mean, sigma = v.mean(axis=0), np.cov(v.T, bias=True)
    known = truth.moments(truth.kernels(field, PARAMS, population, GAMMA)["value"])
    for size, m in ((8, 2), (64, 4), (64, 64)):
        pairs = m / (2 * (m - 1)) * np.trace(sigma @ sigma) / size**2
        expected = mean @ sigma @ mean / size + pairs
        np.testing.assert_allclose(truth.exact_variance(known, size, m), expected, rtol=1e-10)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_displaced_points_move_as_first_order_theory_says(truth):
    field, population = field_of(truth), truth.population_of(32)
    weights = jnp.linspace(0.0, 1e-4, 3)
    points, residuals = truth.displaced_points(field, population, GAMMA, weights)
    assert residuals.max() < 1e-12
    np.testing.assert_allclose(points[0], [1.0, 0.0], atol=1e-12)
    # w′ δ = γ weight ∇tr Cov at the equilibrium, where w′ = J − γJᵀJ.
    j = gf.jacobian(field)(truth.EQUILIBRIUM, population)
    slope = jax.grad(lambda p: truth.trace_covariance(field, p, population))(gf.Players(1.0, 0.0))
    expected = np.linalg.solve(j - GAMMA * j.T @ j, GAMMA * weights[-1] * truth.flat(slope))
    np.testing.assert_allclose(points[-1] - points[0], expected, rtol=2e-3)
    assert expected[0] < 0  # the generator's scale shrinks


@pytest.mark.long
def test_a_small_run_writes_figure_and_numbers(minibatch, drawn, tmp_path, capsys):
    config = minibatch.Config(
        population=32,
        batch_sizes=(2, 4),
        detailed=(4,),
        num_examples=2**12,
        batch_size=8,
        num_seeds=4,
        num_steps=200,
        output=tmp_path,
    )
    minibatch.main(config)
    said = capsys.readouterr().out
    assert "expected" in said
    assert "mean end point" in said
    result = json.loads((tmp_path / "minibatch.json").read_text())
    assert result["config"]["num_seeds"] == 4
    assert result["versions"]["jax"]
    assert [(row["batch_size"], row["groups"]) for row in result["estimates"]] == [
        (2, 1), (2, 2), (4, 1), (4, 2), (4, 4)
    ]  # fmt: skip
    plug_in = result["estimates"][2]["value"]
    assert plug_in["bias"][0] == pytest.approx(plug_in["exact_bias"][0], rel=0.5)
    assert result["agreement"]["largest_bias_z"] < 6
    ends = result["trajectories"]["end_points"]
    assert ends["1"]["expected"][0] < 0.95
    assert ends["8"]["expected"] == [1.0, 0.0]
    bias, _, _, _, paths, places = drawn("minibatch")
    sizes, exact = bias.lines[0].get_data()
    assert sizes.tolist() == [2, 4]
    value = plug_in["exact_bias"][0] / plug_in["truth"][0]
    assert exact[1] == pytest.approx(value)
    means = {line.get_label(): line.get_xydata() for line in paths.lines}
    for groups, path in result["trajectories"]["mean_paths"].items():
        np.testing.assert_array_equal(means[f"mean, m = {groups}"], path)
    assert [len(cloud.get_offsets()) for cloud in places.collections] == [4, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_sizes": (2, 12)}, "batch_sizes must be powers of two, got"),
        ({"batch_size": 1}, "batch_size must be an integer ≥ 2, got 1"),
        ({"detailed": (16,)}, "detailed must be some of the batch sizes"),
        ({"num_examples": 512}, "must make two batches or more of every size"),
        ({"gamma": -1.0}, "gamma must be a number ≥ 0, got -1.0"),
        ({"objective": "standart"}, "unknown objective 'standart': did you mean 'standard'"),
    ],
)
def test_bad_arguments_are_refused(minibatch, arguments, message):
    with pytest.raises(ValueError, match=message):
        minibatch.checked(minibatch.Config(**arguments))


@pytest.mark.long
def test_a_zero_that_cannot_be_followed_is_an_error(minibatch, truth):
    # With γ = 3 and the minimax losses the bias of four examples leaves no zero near (1, 0).
    config = minibatch.Config(gamma=3.0, objective="js", batch_size=4)
    with jax.enable_x64(True):
        field = gf.vector_field(truth.game_of("js"))
        with pytest.raises(ValueError, match="gamma and batch_size must leave"):
            minibatch.locus(config, field, truth.population_of(256))
