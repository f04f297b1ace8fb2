"""One battery for all: every registered game, and every registered method, ready to run."""

import inspect
from typing import Any, NamedTuple, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

import ganfield as gf


class Case(NamedTuple):
    game: gf.Game
    sample: Any  # sample(key) -> batch, or None


def mlp_gan(objective="standard"):
    generator = gf.networks.mlp(3, 2, hidden_sizes=(4,), activation=jnp.tanh)
    discriminator = gf.networks.mlp(2, 1, hidden_sizes=(4,), activation=jnp.tanh)
    sample = gf.data.batch_sampler(gf.data.ring(std=0.1), batch_size=8, latent_size=3)
    return Case(gf.games.gan(generator, discriminator, objective), sample)


GAMES = {name: Case(build(), None) for name, build in gf.games.closed_forms().items()} | {
    "matrix": Case(gf.games.bilinear(jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])), None),
    **{f"gan_{objective}": mlp_gan(objective) for objective in gf.OBJECTIVES},
}

SIZE, CLASSES, EXAMPLES = 2, 3, 4


def small_gans(**settings):
    """Return every GAN that is registered, of the smallest networks; all play on one batch."""

    def net(inputs, outputs):
        return gf.networks.mlp(inputs, outputs, hidden_sizes=(3,), activation=jnp.tanh)

    named, told = net(SIZE, 1 + CLASSES), net(SIZE + CLASSES, 1)
    generator, labelled = net(SIZE, SIZE), net(SIZE + CLASSES, SIZE)
    return {
        "gan": gf.games.gan(generator, net(SIZE, 1), **settings),
        "conditional_gan": gf.games.conditional_gan(labelled, told, CLASSES, **settings),
        "auxiliary_classifier_gan": gf.games.auxiliary_classifier_gan(
            labelled, named, CLASSES, **settings
        ),
        "info_gan": gf.games.info_gan(
            labelled, named, num_categories=2, num_continuous=1, **settings
        ),
        "semi_supervised_gan": gf.games.semi_supervised_gan(
            generator, net(SIZE, CLASSES), CLASSES, **settings
        ),
        "bigan": gf.games.bigan(generator, generator, net(2 * SIZE, 1), **settings),
        "image_to_image": gf.games.image_to_image(
            generator, net(2 * SIZE, 1), l1_weight=1.0, **settings
        ),
    }


def batch_of_gans(key, size=EXAMPLES):
    keys = jax.random.split(key, 4)
    real, latent = (jax.random.normal(each, (size, SIZE)) for each in keys[:2])
    label = jax.random.randint(keys[2], (size,), 0, CLASSES)
    return gf.Batch(real, latent, label, jax.random.split(keys[3], size))


GANS = {name: Case(game, batch_of_gans) for name, game in small_gans().items()}

FORMS = (*gf.games.closed_forms(), "matrix", "gan_standard")
"""One of each form: objectives share all but the losses, whose J `test_gan_options` compares."""

PLANE_GAMES = tuple(gf.games.closed_forms())
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

SOLVERS = tuple(
    name
    for name, build in gf.METHODS.items()
    if "max_iterations" in inspect.signature(build).parameters
)
"""Those with an inner solve, which take long to compile."""

BUILDERS = gf.METHODS | gf.WRAPPERS | gf.TRANSFORMS | gf.games.closed_forms()

# Where the derived values show too little.
CHOSEN = {
    ("adaptive_competitive", "epsilon"): (1e-5, 1e-2),
    ("symplectic", "epsilon"): (0.1, 5.0),
}


def is_number(parameter):
    """Whether a parameter takes a number, which may be traced: all that are `ArrayLike`."""
    annotation = parameter.annotation
    if isinstance(annotation, str):
        return "ArrayLike" in annotation
    return set(get_args(ArrayLike)) <= set(get_args(annotation))


def two_values(name, option, default):
    """Return a builder's default of a number, or ½ where there is none, and another value."""
    if (name, option) in CHOSEN:
        return CHOSEN[name, option]
    if option == "tolerance":
        return default, 1e-3
    if default in (None, inspect.Parameter.empty):
        return 0.5, 0.2
    return (default, default / 2) if default else (default, 0.3)


TRACED = {
    name: {
        option: two_values(name, option, parameter.default)
        for option, parameter in inspect.signature(build).parameters.items()
        if is_number(parameter)
    }
    for name, build in BUILDERS.items()
}
"""Name → option → two values: every number of every builder, all of which may be traced."""

TRANSFORMS = {name: {o: pair[1] for o, pair in TRACED[name].items()} for name in gf.TRANSFORMS}
"""Name → options with which a transform does something."""


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
    actual_leaves, expected_leaves = jax.tree.leaves(actual), jax.tree.leaves(expected)
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(actual_leaves, expected_leaves, strict=True):
        np.testing.assert_allclose(a, b, **tolerance)
