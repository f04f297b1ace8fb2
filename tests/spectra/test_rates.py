"""Rates predicted and measured, the window, defective eigenvalues, and verdicts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("x64")]

ORIGIN = gf.Players(0.0, 0.0)


def linear(matrix):
    def field(params, batch=None):
        moved = jnp.asarray(matrix) @ jnp.stack(params)
        return gf.Players(*moved)

    return field


# Name → J, step size, whether a Jordan block leads.
MATRICES = {
    "Jordan": ([[-1.0, 1.0], [0.0, -1.0]], 0.1, True),
    "nearly": ([[-1.0, 1.0], [0.0, -1.001]], 0.1, True),
    "apart": ([[-1.0, 1.0], [0.0, -3.0]], 0.1, False),
    "equal": ([[-1.0, 0.0], [0.0, -1.0]], 0.1, False),
    "pair": ([[-1.0, 5.0], [-5.0, -1.0]], 0.05, False),
}


@pytest.mark.parametrize("name", MATRICES)
def test_defective_eigenvalues_are_flagged(name):
    matrix, h, defective = MATRICES[name]
    rate = gf.convergence_rate(gf.simultaneous(optax.sgd(h)), linear(matrix), ORIGIN)
    moduli = np.abs(np.linalg.eigvals(np.eye(2) + h * np.array(matrix)))
    np.testing.assert_allclose(rate.predicted, moduli.max(), rtol=1e-7)
    assert (rate.defective, rate.agree) == (defective, True)
    assert ("defective" in repr(rate)) == defective
    # As the power of the matrix has it, over the window that is told.
    first, last = rate.window
    away = np.asarray(jax.random.normal(jax.random.key(0), (2,), float))
    steps = np.arange(first, last + 1)
    powers = (np.linalg.matrix_power(np.eye(2) + h * np.array(matrix), k) for k in steps)
    gaps = [np.linalg.norm(power @ away) for power in powers]
    fitted = np.exp(np.polyfit(steps, np.log(gaps), 1)[0])
    np.testing.assert_allclose([rate.measured, rate.expected], fitted, rtol=1e-6)


NEARER = {
    # Its step goes by the length of parameters, and below 10⁻⁶ by 10⁻⁶.
    "length": optax.fromage(0.005),
    # ε = 10⁻¹⁰ inside the root, beside a share of the square of a distance of 10⁻⁴.
    "moments": optax.rmsprop(1e-6, decay=0.999, eps=1e-10, eps_in_sqrt=True),
}


@pytest.mark.parametrize("name", NEARER)
def test_a_run_begins_where_the_step_is_linear(name):
    rate = gf.convergence_rate(
        gf.simultaneous(NEARER[name]), linear([[-0.6, 0.8], [-0.8, -0.5]]), ORIGIN
    )
    assert rate.agree, rate
    assert rate.distance < 1e-4
    assert "from 1e-0" in repr(rate)


def test_the_dirac_gan_with_the_penalty_that_makes_it_defective():
    # λ² + γλ + 1/4 has the double root −1/2 for γ = 1: k steps leave (1 + ck)·0.95ᵏ.
    v = gf.vector_field(gf.games.dirac_gan(penalty="r1", penalty_weight=1.0))
    rate = gf.convergence_rate(gf.simultaneous(optax.sgd(0.1)), v, ORIGIN)
    np.testing.assert_allclose(rate.predicted, 0.95, atol=1e-7)
    assert rate.defective
    assert rate.agree
    first, last = rate.window
    lag = np.log(last / first) / (last - first)
    np.testing.assert_allclose(np.log(rate.measured / rate.predicted), lag, rtol=0.15)


def test_a_scale_on_which_the_step_is_linear_is_looked_for():
    # Linear within a scale alone, to which a run from 1e-4 never comes.
    def linear_within(scale):
        def field(params, batch=None):
            far = (params.theta**2 + params.phi**2) / scale**2
            return jax.tree.map(lambda x: -x * (1 + far / (1 + far)), params)

        return field

    method = gf.simultaneous(optax.sgd(1e-3))
    rate = gf.convergence_rate(method, linear_within(1e-5), ORIGIN)
    np.testing.assert_allclose([rate.predicted, rate.measured], 1 - 1e-3, rtol=1e-5)
    assert rate.agree
    assert rate.distance < 1e-5
    with pytest.raises(ValueError, match="kink or a jump"):
        gf.convergence_rate(method, linear_within(1e-9), ORIGIN)


def test_a_point_from_which_the_step_leads_away_has_no_rate():
    v = gf.vector_field(gf.games.bilinear())
    method = gf.simultaneous(optax.sgd(0.1))
    with pytest.raises(ValueError, match="params must be a fixed point of the method, and there"):
        gf.convergence_rate(method, v, gf.Players(0.0, 0.3))
    shifted = gf.vector_field(gf.games.quadratic(1.0, 1.0, 0.0))

    def around(params, batch=None):
        return shifted(gf.Players(params.theta - 3.0, params.phi))

    decayed = gf.simultaneous(optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.1)))
    with pytest.raises(ValueError, match="as by weight decay"):
        gf.convergence_rate(decayed, around, gf.Players(3.0, 0.0))
