"""One battery for all: every registered game, and every registered method, ready to run."""

import inspect
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

PLANE_GAMES = tuple(gf.GAMES)
"""Those of two numbers."""


def plane_field(names=PLANE_GAMES):
    """Return the field of several games of two numbers: its batch is the number of the game.

    So one compiled program meets all of them; where the number is known there is one.
    """
    fields = [gf.vector_field(GAMES[name].game) for name in names]

    def field(params, number):
        if not isinstance(number, jax.core.Tracer):
            return fields[int(number)](params)
        branches = [lambda p, v=v: jax.tree.map(jnp.asarray, v(p)) for v in fields]
        return jax.lax.switch(number, branches, params)

    return field


METHODS = {name: build(optax.sgd(0.1)) for name, build in gf.METHODS.items()}
"""Every registered method; these meet every game."""

OPTIMIZERS = {
    "adam": optax.adam(0.1),
    "per_player": gf.Players(optax.sgd(0.1), optax.rmsprop(0.01)),
}

VARIANTS = {
    **{
        f"{name}_{with_optimizer}": build(optimizer)
        for name, build in gf.METHODS.items()
        for with_optimizer, optimizer in OPTIMIZERS.items()
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
"""The same with other optimizers and options; these meet the games of two numbers."""

TRANSFORMS = {
    "identity": {},
    "consensus": {"gamma": 0.5},
    "conservative_relaxation": {},
    "jare": {"gamma": 0.5},
    "smoothed": {"gamma": 0.5},
    "symplectic": {},
    "linearized_competitive": {"step_size": 0.1},
    "scaled": {"theta": 0.5},
    "clipped": {"max_norm": 0.7},
    "simultaneous_drift": {"step_size": 0.1},
    "alternating_drift": {"step_size": 0.1},
}


SOLVERS = tuple(
    name
    for name, build in gf.METHODS.items()
    if "max_iterations" in inspect.signature(build).parameters
)
"""Those with an inner solve, which take long to compile."""

TRACED = {
    "negative_momentum": {"momentum": (-0.5, 0.2)},
    "lead": {"momentum": (0.5, 0.2), "alignment": (0.6, 0.1)},
    "competitive": {"tolerance": (1e-6, 1e-3)},
    "adaptive_competitive": {
        "decay": (0.9, 0.5),
        "epsilon": (1e-5, 1e-2),
        "tolerance": (1e-6, 1e-3),
    },
    "proximal_point": {"tolerance": (1e-6, 1e-3)},
    "follow_the_ridge": {"damping": (0.0, 0.3), "tolerance": (1e-6, 1e-3)},
    "decoupled_consensus": {"strength": (0.1, 0.3)},
    "lookahead": {"share": (0.5, 0.2)},
    "averaged": {"decay": (0.9, 0.5)},
    "consensus": {"gamma": (0.5, 2.0)},
    "jare": {"gamma": (0.5, 2.0)},
    "smoothed": {"gamma": (0.5, 2.0)},
    "symplectic": {"strength": (1.0, 0.5), "epsilon": (0.1, 5.0)},
    "linearized_competitive": {"step_size": (0.1, 0.4)},
    "scaled": {"theta": (0.5, 2.0), "phi": (1.0, 3.0)},
    "clipped": {"max_norm": (0.1, 0.7)},
    "simultaneous_drift": {"step_size": (0.1, 0.4)},
    "alternating_drift": {"step_size": (0.1, 0.4)},
    "bilinear": {"coupling": (1.0, 2.0)},
    "quadratic": {
        "theta_curvature": (1.0, 0.5),
        "phi_curvature": (1.0, 0.3),
        "coupling": (1.0, 2.0),
    },
    "dirac_gan": {"penalty_weight": (1.0, 0.5), "instance_noise": (0.0, 0.4)},
    "covariance": {"sigma": (1.0, 2.0)},
    "gaussian_mean": {"mean": (1.0, -0.5)},
    "almost_bilinear": {"epsilon": (0.1, 0.6)},
    "lattice": {"coupling": (0.5, 0.1)},
}
"""Name → option → two values: every number of every builder, all of which may be traced."""


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
