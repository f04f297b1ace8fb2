"""The densities experiment: its mathematics against closed forms, and one small run."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

import ganfield as gf


@pytest.fixture
def script(load):
    return load("densities")


@pytest.fixture
def truth(load):
    return load("densities_truth")


def gaussians(truth, m):
    return truth.Case((0.0, 0.0), 1.0, m)


def two_modes(truth, m=0.4):
    return truth.Case((-2.0, 1.5), 0.6, m)


def traced(case):
    return jax.tree.map(jnp.asarray, case._replace(means=jnp.array(case.means)))


def test_divergence_of_equal_densities_is_zero_and_of_distant_ones_log_2(truth):
    assert truth.jsd(gaussians(truth, 0.0)) == pytest.approx(0, abs=1e-14)
    assert truth.jsd(gaussians(truth, 30.0)) == pytest.approx(np.log(2), abs=1e-10)


def test_divergence_of_near_densities_is_an_eighth_of_the_information(truth):
    # JSD(p_0, p_m) = m²/8 · I + O(m⁴), with the Fisher information I = 1 of a mean.
    m = 0.01
    assert truth.jsd(gaussians(truth, m)) == pytest.approx(m**2 / 8, rel=1e-4)


@pytest.mark.parametrize("m", [0.0, 1.0, 3.0])
def test_value_at_the_optimal_discriminator_is_2_jsd_minus_log_4(truth, x64, m):
    for case in (gaussians(truth, m), two_modes(truth, m)):
        optimum = truth.judge_optimal(traced(case))
        assert float(optimum["value"]) == pytest.approx(2 * truth.jsd(case) - np.log(4), abs=1e-9)


def test_generators_part_of_the_value(truth, x64):
    # E_q log(1 − D*) = KL(q ‖ (p + q)/2) − log 2, by SciPy.
    def integrand(x):
        p, q = norm.pdf(x), norm.pdf(x, 1.5)
        return q * np.log(q / (p + q))

    expected = integrate.quad(integrand, -12, 14, epsabs=1e-12)[0]
    optimum = truth.judge_optimal(traced(gaussians(truth, 1.5)))
    assert float(optimum["loss"]) == pytest.approx(expected, abs=1e-10)


@pytest.mark.slow
def test_discriminator_is_optimal_where_it_knows_the_generator(truth, x64):
    case = traced(two_modes(truth))
    game = gf.games.gan(truth.GENERATOR, truth.optimal_discriminator(case), "js")
    v = jax.jit(truth.expectation(gf.vector_field(game), case))
    assert abs(float(v(gf.Players(case.m, case.m)).phi)) < 1e-12
    assert abs(float(v(gf.Players(case.m, case.m + 0.1)).phi)) > 1e-3
    # No bump of the logit helps either: p(1 − D*) = q D* at every x.
    x = np.linspace(-4, 4, 9)
    p = (norm.pdf(x, -2.0, 0.6) + norm.pdf(x, 1.5, 0.6)) / 2
    share = jax.nn.sigmoid(truth.optimal_logit(case)(x))
    np.testing.assert_allclose(share, p / (p + norm.pdf(x, 0.4, 1.0)), rtol=1e-11)


def test_minimax_gradient_at_the_optimum_is_that_of_the_divergence(truth, x64):
    # By the envelope theorem, D* may stand still while m moves.
    m, step = 1.3, 1e-4
    ahead, behind = (truth.jsd(gaussians(truth, m + sign * step)) for sign in (1, -1))
    optimum = truth.judge_optimal(traced(gaussians(truth, m)))
    assert float(optimum["js"]) == pytest.approx(2 * (ahead - behind) / (2 * step), abs=1e-6)


@pytest.mark.long
def test_slopes_add_up_to_m_and_the_minimax_one_falls_as_a_gaussian(truth, x64):
    m = 12.0
    optimum = truth.judge_optimal(traced(gaussians(truth, m)))
    assert float(optimum["js"] + optimum["standard"]) == pytest.approx(m, rel=1e-12)
    tail = np.sqrt(np.pi / 2) * np.exp(-(m**2) / 8)
    assert float(optimum["js"]) == pytest.approx(tail, rel=0.05)


def test_at_equal_densities_the_discriminator_is_a_half(truth, x64):
    case = traced(gaussians(truth, 0.0))
    np.testing.assert_allclose(truth.optimal_logit(case)(jnp.linspace(-3, 3, 5)), 0, atol=1e-15)
    optimum = truth.judge_optimal(case)
    assert float(optimum["value"]) == pytest.approx(-np.log(4), abs=1e-14)
    assert float(optimum["js"]) == pytest.approx(0, abs=1e-14)


def test_nodes_are_of_both_modes_and_of_the_latent(truth, x64):
    batch, weights = truth.nodes(two_modes(truth))
    real, latent = batch.real.ravel(), batch.latent.ravel()
    assert float(weights.sum()) == pytest.approx(1, abs=1e-14)
    assert float(weights @ real) == pytest.approx(-0.25, abs=1e-12)
    assert float(weights @ (real + 0.25) ** 2) == pytest.approx(0.6**2 + 1.75**2, abs=1e-12)
    assert float(weights @ latent**4) == pytest.approx(3, abs=1e-12)


@pytest.mark.slow
def test_errors_of_a_logit_that_is_off_by_a_constant(truth, x64):
    case = traced(gaussians(truth, 2.0))
    best = truth.optimal_logit(case)
    errors = truth.logit_errors(case, lambda x: best(x) + 0.5)
    for name in ("logit_rms", "logit_max_seen", "logit_max_unseen"):
        assert float(errors[name]) == pytest.approx(0.5, abs=1e-12)
    # The sigmoid is steepest, and turns 0.5 into most, where the two logits straddle 0.
    most = 2 / (1 + np.exp(-0.25)) - 1
    assert float(errors["probability_max_seen"]) == pytest.approx(most, abs=1e-4)


def test_errors_weigh_both_densities(truth, x64):
    # A logit that is off by x: the mean of x² is ½(1 + (1 + m²)).
    case = traced(gaussians(truth, 2.0))
    best = truth.optimal_logit(case)
    errors = truth.logit_errors(case, lambda x: best(x) + x)
    assert float(errors["logit_rms"]) == pytest.approx(np.sqrt(3), abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": ()}, "seeds must not be empty"),
        ({"num_steps": 0}, "num_steps must be an integer ≥ 1, got 0"),
        ({"separations": (-1.0,)}, "separations must be a number ≥ 0"),
        ({"separations": (0.0,)}, "one of separations must be > 0"),
        ({"shown": 1.7}, "shown must be one of separations"),
        ({"learning_rate": -1.0}, "learning_rate must be a number ≥ 0"),
        ({"hidden_sizes": (0,)}, "hidden_sizes must be an integer ≥ 1"),
    ],
)
def test_bad_arguments_are_refused(script, arguments, message):
    with pytest.raises(ValueError, match=message):
        script.checked(script.Config(**arguments))


@pytest.mark.long
def test_small_run_from_end_to_end(script, drawn, tmp_path, capsys):
    config = script.Config(
        separations=(0.0, 1.0, 3.0),
        shown=1.0,
        seeds=(0, 1),
        num_steps=300,
        batch_size=128,
        hidden_sizes=(8,),
        output=tmp_path,
    )
    script.main(config)
    assert "at a trained D" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"densities.png", "densities.json"}
    saved = json.loads((tmp_path / "densities.json").read_text())
    assert saved["versions"]["jax"]
    optimal, trained = saved["optimal"], saved["trained"]
    theory = 2 * np.array(optimal["jsd"]) - np.log(4)
    np.testing.assert_allclose(optimal["value"], theory, atol=1e-9)
    # No discriminator does better than D*, and a trained one comes near.
    shortfall = theory[:, None] - trained["value"]
    assert shortfall.shape == (4, 2)
    assert (shortfall > 0).all()
    assert (shortfall < 0.05).all()
    one, two, value, slopes = drawn("densities")[:4]
    for ax in (one, two):
        labels = [line.get_label() for line in ax.lines]
        assert labels[:2] == ["log p/q, the logit of D*", "trained D, each seed"]
        assert len(labels) == 1 + 2
    shown = {line.get_label(): line.get_ydata() for line in value.lines}
    np.testing.assert_allclose(shown["2 JSD − log 4"], theory[:3])
    first_seed = np.array(trained["value"])[:3, 0]
    np.testing.assert_array_equal(shown["at a trained D, each seed"], first_seed)
    shown = {line.get_label(): line.get_ydata() for line in slopes.lines}
    assert shown["minimax, at D*"][-1] == pytest.approx(optimal["js"][2])
    assert shown["non-saturating, at D*"][-1] == pytest.approx(optimal["standard"][2])
