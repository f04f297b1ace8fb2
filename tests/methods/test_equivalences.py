"""Methods that are one and the same on bilinear games, as equalities of whole trajectories."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

pytestmark = pytest.mark.usefixtures("x64")
H, GAMMA = 0.23, 0.7
SGD = optax.sgd(H)
PAIRS = {
    "competitive = proximal point": (
        lambda v: (gf.competitive(SGD), v),
        lambda v: (gf.proximal_point(SGD), v),
    ),
    "extragradient = look-ahead(h)": (
        lambda v: (gf.extragradient(SGD), v),
        lambda v: (gf.simultaneous(SGD), gf.linearized_competitive(v, step_size=H)),
    ),
    "consensus = symplectic(γ)": (
        lambda v: (gf.simultaneous(SGD), gf.consensus(v, gamma=GAMMA)),
        lambda v: (gf.simultaneous(SGD), gf.symplectic(v, strength=GAMMA, align=False)),
    ),
    "consensus = JARE": (
        lambda v: (gf.simultaneous(SGD), gf.consensus(v, gamma=GAMMA)),
        lambda v: (gf.simultaneous(SGD), gf.jare(v, gamma=GAMMA)),
    ),
    "optimistic = LEAD(0, h)": (
        lambda v: (gf.optimistic(SGD), v),
        lambda v: (gf.lead(SGD, momentum=0.0, alignment=H), v),
    ),
    "decoupled consensus = consensus": (
        lambda v: (gf.methods.decoupled_consensus(SGD, strength=H * GAMMA), v),
        lambda v: (gf.simultaneous(SGD), gf.consensus(v, gamma=GAMMA)),
    ),
}
GAMES = {"scalar": gf.games.bilinear, "matrix": lambda: gf.games.bilinear(matrix())}


def matrix():
    return jnp.asarray(np.array([[1.0, 0.4, -0.2], [0.3, -0.8, 0.5]]))


def path(build, game):
    method, field = build(gf.vector_field(game))
    start = game.init(jax.random.key(3))
    run = gf.simulate(
        method,
        field,
        start,
        num_steps=40,
        record=lambda state, info: state.params,
        record_every=1,
    )
    assert int(run.unsolved_at) == -1
    return np.concatenate([np.asarray(part).reshape(41, -1) for part in run.records], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("pair", PAIRS)
def test_the_paths_are_equal(pair, game):
    one, other = (path(build, GAMES[game]()) for build in PAIRS[pair])
    assert np.ptp(one) > 0.1
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-8 * np.abs(one).max())


@pytest.mark.long
def test_on_other_games_they_differ():
    game = gf.games.quadratic(1.0, 2.0, 0.5)
    for name, pair in PAIRS.items():
        one, other = (path(build, game) for build in pair)
        if name != "decoupled consensus = consensus":
            assert np.abs(one - other).max() > 1e-3, name
