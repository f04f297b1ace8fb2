"""Negative momentum against the roots of the bilinear game."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close
from tests.methods.spectra import assert_eigenvalues, update_jacobian

pytestmark = pytest.mark.usefixtures("x64")

ORIGIN = gf.Players(0.0, 0.0)


@pytest.mark.parametrize(("beta", "s"), [(-0.5, 0.5), (-0.2, 1.55), (-0.8, 0.41), (0.3, 0.7)])
@pytest.mark.parametrize("alternate", [True, False])
def test_bilinear_eigenvalues(beta, s, alternate):
    # x(t+1) = (1 + β)x(t) − βx(t−1) + the other's pull, of this step or of the one before:
    # (x − 1)²(x − β)² + s²x² or, where φ's move is seen at once, s²x³.
    c = 1.7
    v = gf.vector_field(gf.games.bilinear(c))
    method = gf.negative_momentum(optax.sgd(s / c), momentum=beta, alternate=alternate)
    pull = np.zeros(5)
    pull[1 if alternate else 2] = s**2
    roots = np.roots(np.poly([1, 1, beta, beta]) + pull)
    matrix = update_jacobian(method, v, method.init(ORIGIN))
    assert_eigenvalues(matrix, roots)
    stable = alternate and beta < 0 and s < 2 * (1 + beta)
    assert (np.abs(roots).max() < 1) == stable


def test_the_number_of_the_table():
    v = gf.vector_field(gf.games.bilinear())
    method = gf.negative_momentum(optax.sgd(0.5))
    matrix = update_jacobian(method, v, method.init(ORIGIN))
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(matrix)).max(), 0.9625, atol=5e-5)


@pytest.mark.parametrize("alternate", [True, False])
def test_with_plain_steps_it_is_optaxs_heavy_ball(alternate):
    v = gf.vector_field(gf.games.dirac_gan("standard"))
    build = gf.alternating if alternate else gf.simultaneous

    def end(method):
        return gf.simulate(method, v, gf.Players(0.9, -0.4), num_steps=10).params

    betas = gf.Players(-0.3, -0.6)
    point = end(gf.negative_momentum(optax.sgd(0.2), momentum=betas, alternate=alternate))
    expected = end(build(gf.Players(*(optax.sgd(0.2, momentum=beta) for beta in betas))))
    assert_trees_close(point, expected, rtol=1e-12)


def test_the_optimizer_has_the_last_word():
    method = gf.negative_momentum(optax.chain(optax.sgd(1.0), gf.keep_within(0.5)))
    run = gf.simulate(
        method,
        gf.vector_field(gf.games.bilinear()),
        gf.Players(0.4, 0.4),
        num_steps=20,
        record=lambda state, info: state.params,
        record_every=1,
    )
    assert float(jnp.max(jnp.abs(jnp.stack(run.records)))) <= 0.5


def test_momentum_may_be_traced_and_bad_ones_are_refused():
    v = gf.vector_field(gf.games.bilinear())

    def end(beta):
        method = gf.negative_momentum(optax.sgd(0.5), momentum=beta)
        return gf.simulate(method, v, gf.Players(1.0, 0.0), num_steps=5).params.theta

    ends = jax.jit(jax.vmap(end))(jnp.array([-0.5, -0.1]))
    np.testing.assert_allclose(ends, [end(-0.5), end(-0.1)], rtol=1e-12)
    with pytest.raises(ValueError, match=r"momentum must be a number in \(−1, 1\), got -1.0"):
        gf.negative_momentum(optax.sgd(0.1), momentum=gf.Players(-0.5, -1.0))
