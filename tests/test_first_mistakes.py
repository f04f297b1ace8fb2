"""What a reader gets wrong at first: one sentence at every door, before anything is compiled."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.configuration import DATA, OPTIMIZERS, keywords
from ganfield.configuration._options import missing

GAME = gf.games.dirac_gan()
FIELD = gf.vector_field(GAME)
POINT = gf.Players(1.0, 0.5)
METHOD = gf.simultaneous(optax.sgd(0.1))
GRID = gf.grid(gf.Players((-1, 1), (-1, 1)), 2)


def transformed(name):
    transform = gf.TRANSFORMS[name]
    needs = dict.fromkeys(missing({}, keywords(transform)), 0.5)
    return lambda field: transform(field, **needs)


# Name → what takes a field.
DOORS = {
    **{name: transformed(name) for name in gf.TRANSFORMS},
    "jacobian": gf.jacobian,
    "eigenvalues": gf.eigenvalues,
    "jvp": gf.jvp,
    "vjp": gf.vjp,
    "step": lambda field: METHOD.step(field, METHOD.init(POINT), None),
    "simulate": lambda field: gf.simulate(METHOD, field, POINT, num_steps=1),
    "classify": lambda field: gf.classify(field, POINT),
    "original": lambda field: gf.classify(FIELD, POINT, original=field),
    "find_equilibria": lambda field: gf.find_equilibria(field, bounds=(-1, 1)),
    "spectral_radius": lambda field: gf.spectral_radius(METHOD, field, POINT),
    "spectral_density": lambda field: gf.spectral_density(field, POINT, part="symmetric"),
    "jacobian_blocks": lambda field: gf.jacobian_blocks(field, POINT),
    "path_diagnostics": lambda field: gf.path_diagnostics(field, POINT, gf.Players(0.0, 0.0)),
    "convergence_rate": lambda field: gf.convergence_rate(METHOD, field, POINT),
    "largest_stable": lambda field: gf.largest_stable(
        lambda h: (gf.simultaneous(optax.sgd(h)), field), POINT, bounds=(0.0, 1.0)
    ),
    "basins": lambda field: gf.basins(METHOD, field, GRID, num_steps=8),
    "plot": lambda field: gf.plot.field(field, bounds=(-1, 1)),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_game_is_no_field(door):
    with pytest.raises(ValueError, match=r"got a Game: give gf\.vector_field\(game\)"):
        DOORS[door](GAME)


@pytest.mark.parametrize("door", [*gf.TRANSFORMS, "jacobian", "eigenvalues", "jvp", "vjp"])
def test_what_is_no_function_is_no_field(door):
    with pytest.raises(ValueError, match=r"must be a function field\(params, batch\) -> Players"):
        DOORS[door](POINT)


# Name → what takes parameters.
PLACES = {
    "field": FIELD,
    "jacobian": gf.jacobian(FIELD),
    "eigenvalues": gf.eigenvalues(FIELD),
    "consensus": gf.consensus(FIELD, gamma=0.5),
    "init": METHOD.init,
    "simulate": lambda params: gf.simulate(METHOD, FIELD, params, num_steps=2).params,
    "check_game": lambda params: gf.testing.check_game(GAME, params),
    "classify": lambda params: gf.classify(FIELD, params).eigenvalues,
    "spectral_radius": lambda params: gf.spectral_radius(METHOD, FIELD, params).value,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("params", [(1.0, 0.5), {"theta": 1.0, "phi": 0.5}, jnp.ones(2)])
def test_parameters_are_players(place, params):
    with pytest.raises(ValueError, match=r"params must be gf\.Players\(theta, phi\), got"):
        PLACES[place](params)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("typed", [int, np.int64, lambda x: jnp.asarray(x, jnp.int32)])
def test_whole_numbers_are_floats(place, typed):
    whole = gf.Players(typed(1), typed(0))
    given, wanted = PLACES[place](whole), PLACES[place](gf.Players(1.0, 0.0))
    for one, other in zip(*map(jax.tree.leaves, (given, wanted)), strict=True):
        assert np.asarray(one).dtype.kind in "fc"
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_whole_numbers_pass_through_jit_and_products():
    whole, point = gf.Players(1, 2), gf.Players(1.0, 2.0)
    for product in (gf.jvp(FIELD), gf.vjp(FIELD)):
        assert jax.jit(product)(whole, whole) == jax.jit(product)(point, point)


@pytest.mark.parametrize("given", [optax.sgd(0.1), gf.simultaneous, FIELD, None])
def test_what_is_no_method_is_named(given):
    for door in (
        lambda: gf.simulate(given, FIELD, POINT, num_steps=1),
        lambda: gf.spectral_radius(given, FIELD, POINT),
        lambda: gf.convergence_rate(given, FIELD, POINT),
        lambda: gf.basins(given, FIELD, GRID, num_steps=8),
    ):
        with pytest.raises(ValueError, match=r"method must be a Method, such as gf\.simultaneous"):
            door()


@pytest.mark.parametrize(
    ("registry", "name", "said"),
    [
        (gf.METHODS, "optimstic", "unknown method 'optimstic': did you mean 'optimistic'?"),
        (gf.WRAPPERS, "look_ahead", "unknown wrapper 'look_ahead': did you mean 'lookahead'?"),
        (gf.TRANSFORMS, "consenus", "unknown transform 'consenus': did you mean 'consensus'?"),
        (gf.GAMES, "dirac", "unknown game 'dirac': did you mean 'dirac_gan'?"),
        (gf.OBJECTIVES, "standrad", "unknown objective 'standrad': did you mean 'standard'?"),
        (gf.PENALTIES, "R1", "unknown penalty 'R1'"),
        (OPTIMIZERS, "adma", "unknown optimizer 'adma': did you mean 'adam'?"),
        (DATA, "cifar", "unknown data set 'cifar': did you mean 'cifar10'?"),
    ],
)
def test_registries_say_what_they_have(registry, name, said):
    with pytest.raises(KeyError, match="unknown") as error:
        registry[name]
    assert isinstance(error.value, ValueError)
    assert said in str(error.value)
    assert name not in registry
    assert registry.get(name) is None
