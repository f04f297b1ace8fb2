"""One battery for all: every registered game, and every registered method, ready to run."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

import ganfield as gf


class Case(NamedTuple):
    game: gf.Game
    sample: Any  # sample(key) -> batch, or None


def mlp_gan(objective="standard"):
    generator = gf.networks.mlp(3, 2, hidden_sizes=(4,), activation=jnp.tanh)
    discriminator = gf.networks.mlp(2, 1, hidden_sizes=(4,), activation=jnp.tanh)
    sample = gf.data.batch_sampler(gf.data.ring(std=0.1), batch_size=8, latent_size=3)
    return Case(gf.games.gan(generator, discriminator, objective), sample)


GAMES = {name: Case(build(), None) for name, build in gf.GAMES.items()} | {
    "matrix": Case(gf.games.bilinear(jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])), None),
    **{f"gan_{objective}": mlp_gan(objective) for objective in gf.OBJECTIVES},
}

METHODS = {name: build(optax.sgd(0.1)) for name, build in gf.METHODS.items()}
"""Every registered method; these meet every game."""

VARIANTS = {
    **{f"{name}_adam": build(optax.adam(0.1)) for name, build in gf.METHODS.items()},
    **{
        f"{name}_per_player": build(gf.Players(optax.sgd(0.1), optax.rmsprop(0.01)))
        for name, build in gf.METHODS.items()
    },
    **{name: build(METHODS["alternating"]) for name, build in gf.WRAPPERS.items()},
    "alternating_shared": gf.alternating(optax.sgd(0.1), fresh_batches=False),
    "alternating_5_to_1": gf.alternating(optax.sgd(0.1), phi_steps=5),
    "alternating_theta_first": gf.alternating(optax.sgd(0.1), order=("theta", "phi")),
    "extragradient_fresh": gf.extragradient(optax.sgd(0.1), fresh_batches=True),
    "extragradient_two_sizes": gf.extragradient(optax.sgd(0.1), optax.sgd(0.2)),
    "past_extragradient_two_sizes": gf.past_extragradient(optax.sgd(0.1), optax.adam(0.2)),
    "runge_kutta_2": gf.runge_kutta(optax.sgd(0.1), order=2),
    "lead_preconditioned_adam": gf.lead(optax.adam(0.1), preconditioned=True),
    "averaged_exponentially": gf.averaged(METHODS["simultaneous"], decay=0.9),
}
"""The same with other optimizers and options; these meet the quadratic game."""

FIELDS = {
    "identity": {},
    "consensus": {"gamma": 0.5},
    "conservative_relaxation": {},
    "jare": {"gamma": 0.5},
    "smoothed": {"gamma": 0.5},
    "symplectic": {},
    "look_ahead": {"step_size": 0.1},
    "scaled": {"theta": 0.5},
    "clipped": {"max_norm": 0.7},
    "simultaneous_drift": {"step_size": 0.1},
    "alternating_drift": {"step_size": 0.1},
}


def params_of(case, seed=0):
    """Random parameters, in float64 where that is enabled."""
    params = case.game.init(jax.random.key(seed))
    return jax.tree.map(lambda leaf: leaf.astype(jnp.result_type(float)), params)


def batch_of(case, seed=1):
    return None if case.sample is None else case.sample(jax.random.key(seed))


def step_batch(case, method, seed=1):
    """The batch that one step of a method takes."""
    if case.sample is None:
        return None
    key = jax.random.key(seed)
    if method.num_batches == 1:
        return case.sample(key)
    return jax.vmap(case.sample)(jax.random.split(key, method.num_batches))


def assert_trees_close(actual, expected, **tolerance):
    import numpy as np

    actual_leaves, expected_leaves = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(actual_leaves, expected_leaves, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)
