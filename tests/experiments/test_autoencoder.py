"""The autoencoder experiment: its mathematics against closed forms, and one small run."""

import json
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ganfield as gf

NOISE = 0.4


@pytest.fixture
def script(load):
    return load("autoencoder")


@pytest.fixture
def measures(load):
    return load("autoencoder_measures")


def random_params(script, *, tied, seed=0):
    """Parameters with biases away from zero, where nothing cancels."""
    start = script.tie(script.autoencoder(jax.random.key(seed), 7), tied)
    key_hidden, key_output = jax.random.split(jax.random.key(seed + 1))
    return start._replace(
        hidden_bias=jax.random.normal(key_hidden, (7,)),
        output_bias=jax.random.normal(key_output, (2,)),
    )


def learned(script, measures, *, tied):
    return measures.field_of(script.reconstruction(random_params(script, tied=tied), NOISE))


def rotation(theta_rate=-1.0):
    """v = (−φ, θ) + theta_rate·(θ, φ): curl 2 everywhere."""

    def field(params, batch=None):
        theta, phi = params
        return gf.Players(theta_rate * theta - phi, theta + theta_rate * phi)

    return field


@pytest.mark.long
def test_jacobian_is_symmetric_where_weights_are_tied_and_only_there(script, measures, x64):
    points = jax.random.normal(jax.random.key(5), (20, 2))
    tied = measures.jacobians(learned(script, measures, tied=True), points)
    untied = measures.jacobians(learned(script, measures, tied=False), points)
    np.testing.assert_allclose(tied, jnp.swapaxes(tied, 1, 2), atol=1e-14)
    # It is Wᵀ diag(tanh′) W − I, in whatever unit lengths are measured.
    params = random_params(script, tied=True)
    hidden = params.encoder @ points[0] / NOISE + params.hidden_bias
    expected = params.encoder.T @ jnp.diag(1 / jnp.cosh(hidden) ** 2) @ params.encoder - jnp.eye(2)
    np.testing.assert_allclose(tied[0], expected, atol=1e-12)
    assert float(jnp.abs(measures.curl(untied)).min()) > 1e-3


@pytest.mark.slow
def test_nothing_but_the_encoder_moves_a_tied_autoencoder(script):
    params = script.autoencoder(jax.random.key(3), 5)
    x = jnp.array([0.3, -1.2])

    def value(params, tied):
        return script.reconstruction(script.tie(params, tied), NOISE)(x).sum()

    tied, untied = (jax.grad(value)(params, kind) for kind in (True, False))
    np.testing.assert_array_equal(tied.decoder, 0)
    assert float(jnp.abs(untied.decoder).max()) > 0
    np.testing.assert_array_equal(script.tie(params).decoder, params.encoder.T)
    np.testing.assert_array_equal(script.tie(params, False).decoder, params.decoder)


@pytest.mark.slow
def test_curl_and_share_of_rotation_of_linear_fields(measures, x64):
    points = jnp.array([[0.3, -2.0], [1.0, 0.5]])
    matrices = measures.jacobians(rotation(theta_rate=-3.0), points)
    np.testing.assert_allclose(measures.curl(matrices), [2.0, 2.0], rtol=1e-12)
    # J = [[−3, −1], [1, −3]]: ‖A‖² = 2, ‖J‖² = 20.
    np.testing.assert_allclose(measures.rotation_share(matrices), [0.1, 0.1], rtol=1e-12)


@pytest.mark.slow
def test_circulation_of_a_rotation_is_twice_the_area(measures, x64):
    for radius in (0.3, 1.2):
        area = np.pi * radius**2
        assert float(measures.circulation(rotation(), radius)) == pytest.approx(2 * area, rel=1e-12)
        assert float(measures.curl_integral(rotation(), radius)) == pytest.approx(
            2 * area, rel=1e-12
        )


@pytest.mark.slow
def test_stokes_holds_for_a_network(script, measures, x64):
    field = learned(script, measures, tied=False)
    for radius in (0.2, 0.9):
        around = float(measures.circulation(field, radius))
        inside = float(measures.curl_integral(field, radius))
        assert abs(around) > 1e-3
        assert around == pytest.approx(inside, abs=1e-9)
    assert float(measures.circulation(learned(script, measures, tied=True), 0.9)) == pytest.approx(
        0, abs=1e-13
    )


@pytest.mark.slow
def test_posterior_mean_of_two_points_is_a_tanh(measures, x64):
    # E[±a | x] = a tanh(⟨a, x⟩/σ²).
    a = jnp.array([0.7, -0.4])
    mean = measures.posterior_mean(jnp.stack([a, -a]), NOISE)
    for x in jax.random.normal(jax.random.key(2), (10, 2)):
        np.testing.assert_allclose(mean(x), a * jnp.tanh(a @ x / NOISE**2), atol=1e-13)


@pytest.mark.long
def test_exact_field_is_the_gradient_of_the_smoothed_log_density(measures, x64):
    points = jax.random.normal(jax.random.key(1), (50, 2))
    field = measures.field_of(measures.posterior_mean(points, NOISE))
    log_p = measures.log_density(points, NOISE)
    near = jax.random.normal(jax.random.key(2), (10, 2))
    scores = jax.vmap(jax.grad(log_p))(near)
    np.testing.assert_allclose(measures.at(field, near), NOISE**2 * scores, atol=1e-12)
    assert float(measures.rotation_share(measures.jacobians(field, near)).max()) < 1e-25
    # And that density is one: it adds up to 1.
    x, y = np.meshgrid(*2 * [np.linspace(-7, 7, 141)])
    total = np.sum(np.exp(jax.vmap(log_p)(np.stack([x.ravel(), y.ravel()], axis=1)))) * 0.1**2
    assert total == pytest.approx(1, abs=1e-8)


def test_relative_error(measures):
    truth = jnp.array([[3.0, 0.0], [0.0, 4.0]])
    assert float(measures.relative_error(1.1 * truth, truth)) == pytest.approx(0.1, rel=1e-5)


def test_noise_has_the_asked_for_size(script):
    points = jnp.array([[0.0, 0.0], [5.0, 5.0]])
    clean, corrupted = script.noisy(jax.random.key(0), points, 0.3, 4000)
    assert float(jnp.std(corrupted - clean)) == pytest.approx(0.3, rel=0.03)
    assert float(jnp.mean(clean)) == pytest.approx(2.5, abs=0.2)


@pytest.mark.slow
def test_zeros_of_a_field_with_a_missing_one_show_in_the_index(measures):
    # θ′ = 1 − θ² has a stable and an unstable zero in the plane's φ′ = −φ: a node and a saddle.
    def field(params, batch=None):
        return gf.Players(1 - params.theta**2, -params.phi)

    zeros = measures.zeros_of(field)
    assert sorted(zero.kind for zero in zeros) == ["saddle", "stable"]
    ((name, _, said),) = measures.zero_rows({"some": zeros})
    assert "some" in name
    assert said == "1, 1, 0; 0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": ()}, "seeds must not be empty"),
        ({"seeds": (2**32,)}, "each of seeds must be an integer from 0"),
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        ({"hidden_size": 0}, "hidden_size must be an integer ≥ 1, got 0"),
        ({"noise": 0.0}, "noise must be a number > 0, got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be a number ≥ 0"),
        ({"resolution": 1}, "resolution must be an integer ≥ 2, got 1"),
    ],
)
def test_bad_arguments_are_refused(script, arguments, message):
    with pytest.raises(ValueError, match=message):
        script.checked(script.Config(**arguments))


@pytest.mark.long
def test_small_run_from_end_to_end(script, drawn, tmp_path, capsys, monkeypatch):
    # The search, tested above, would take half of the time.
    zero = SimpleNamespace(params=gf.Players(0.5, 0.3), kind="stable", spurious=None)
    monkeypatch.setattr(script, "zeros_of", lambda field: [zero])
    config = script.Config(
        seeds=(0, 1),
        num_steps=400,
        num_records=4,
        hidden_size=16,
        batch_size=64,
        num_points=100,
        resolution=12,
        output=tmp_path,
    )
    script.main(config)
    assert "share of rotation, untied" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"autoencoder.png", "autoencoder.json"}
    saved = json.loads((tmp_path / "autoencoder.json").read_text())
    assert saved["config"]["num_steps"] == 400
    assert saved["versions"]["jax"]
    untied, tied, exact = (saved["results"][name] for name in ("untied", "tied", "exact"))
    assert np.shape(untied["curves"]["relative_error"]) == (2, 4)
    # Training brings the field nearer to the exact one.
    for result in (untied, tied):
        errors = np.array(result["curves"]["relative_error"])
        assert (errors[:, -1] < errors[:, 0]).all()
    assert min(untied["share_near"]) > 1e-6
    assert max(tied["share_near"]) < 1e-25
    assert exact["share_near"] < 1e-25
    np.testing.assert_allclose(untied["circulation"], untied["curl_integral"], atol=1e-7)
    *fields, curls, training, circles = drawn("autoencoder")[:6]
    for ax, name in zip(fields, ("untied", "tied", "exact"), strict=True):
        assert ax.get_title().startswith(name)
        assert ax.collections
    assert curls.collections[0].get_array().shape == (12, 12)
    share = {line.get_label(): line.get_ydata() for line in training.lines}["rotation, untied"]
    np.testing.assert_allclose(share, np.mean(untied["curves"]["rotation_share"], axis=0))
    around = [line.get_ydata() for line in circles.lines]
    np.testing.assert_array_equal(around[:2], untied["circulation"])
    np.testing.assert_array_equal(around[2:5], [*tied["circulation"], exact["circulation"]])
    np.testing.assert_array_equal(around[5:], untied["curl_integral"])
