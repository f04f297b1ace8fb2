"""Consensus outside of the optimizer, against consensus inside."""

import jax
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import assert_trees_close

pytestmark = pytest.mark.usefixtures("x64")
START = gf.Players(0.8, -0.4)


def end(method, field, num_steps=30):
    run = jax.jit(lambda: gf.simulate(method, field, START, num_steps=num_steps).params)
    return run()


@pytest.mark.slow
@pytest.mark.parametrize("game", ["bilinear", "dirac_gan", "forsaken"])
def test_with_sgd_it_is_consensus(game):
    h, gamma = 0.2, 0.7
    v = gf.vector_field(gf.GAMES[game]())
    coupled = end(gf.simultaneous(optax.sgd(h)), gf.consensus(v, gamma=gamma))
    decoupled = end(gf.methods.decoupled_consensus(optax.sgd(h), strength=h * gamma), v)
    assert_trees_close(decoupled, coupled, rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_an_optimizer_does_not_rescale_the_regulariser(scale):
    # Adam's first step is h·sign(v), whatever the size of v; the regulariser is −s·Jᵀv as it is.
    v = gf.vector_field(gf.games.bilinear(scale))
    method = gf.methods.decoupled_consensus(optax.adam(0.1, eps=0.0), strength=0.01)
    state, _ = method.step(v, method.init(START), None)
    expected = np.array(START) + 0.1 * np.sign([0.4, 0.8]) - 0.01 * scale**2 * np.array(START)
    np.testing.assert_allclose(np.array(state.params), expected, rtol=1e-9)


def test_weights_stay_clipped():
    optimizer = optax.chain(optax.sgd(0.5), gf.keep_within(0.3))
    state = gf.methods.decoupled_consensus(optimizer).init(START)
    v = gf.vector_field(gf.games.bilinear())
    for _ in range(5):
        state, _ = gf.methods.decoupled_consensus(optimizer).step(v, state, None)
        assert max(abs(float(x)) for x in state.params) <= 0.3 + 1e-12


def test_negative_strength_is_refused():
    with pytest.raises(ValueError, match="strength must be a number ≥ 0, got -1"):
        gf.methods.decoupled_consensus(optax.sgd(0.1), strength=-1)
