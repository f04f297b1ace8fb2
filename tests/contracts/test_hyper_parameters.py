"""Signatures of all builders, and their numbers under `jax.jit` and `jax.vmap`."""

import inspect

import jax
import jax.numpy as jnp
import optax
import pytest

import ganfield as gf
from tests.cases import BUILDERS, METHODS, TRACED, assert_trees_close, is_number

QUADRATIC = gf.vector_field(gf.games.quadratic(1.0, 0.5, 2.0))
START = gf.Players(1.0, 0.7)


def assert_traced_values_are_values(function, options):
    """Call a function with traced numbers, several points at once, and with Python's."""
    points = [{name: pair[i] for name, pair in options.items()} for i in (0, 1)]
    alone = [points[0] | {name: points[1][name]} for name in options]  # one option at a time
    rows = [*points, *alone]
    stacked = {name: jnp.array([float(row[name]) for row in rows]) for name in options}
    traced = jax.jit(jax.vmap(lambda point: function(**point)))(stacked)
    for i, point in enumerate(points):
        one = jax.tree.map(lambda leaf, i=i: leaf[i], traced)
        assert_trees_close(one, function(**point), rtol=1e-5, atol=1e-6)
    for i, name in enumerate(options, start=2):
        change = optax.tree.norm(jax.tree.map(lambda leaf, i=i: leaf[i] - leaf[0], traced))
        # Each does something; so few numbers are solved for in as many steps with any tolerance.
        assert name == "tolerance" or change > 1e-4, name


@pytest.mark.parametrize("name", BUILDERS)
def test_floats_of_builders_may_be_traced(name):
    parameters = inspect.signature(BUILDERS[name]).parameters
    floats = {option for option, p in parameters.items() if isinstance(p.default, float)}
    assert floats <= {option for option, p in parameters.items() if is_number(p)}


def end(method):
    """Where a few steps lead, compiled."""
    return gf.simulate(method, QUADRATIC, START, num_steps=6).params


@pytest.mark.slow
@pytest.mark.parametrize("name", gf.METHODS)
def test_methods_take_traced_numbers(name):
    def run(step_size, beta, **options):
        return end(gf.METHODS[name](optax.sgd(step_size, momentum=beta), **options))

    of_optimizer = {"step_size": (0.05, 0.1), "beta": (0.2, -0.1)}
    assert_traced_values_are_values(run, of_optimizer | TRACED[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", gf.WRAPPERS)
def test_wrappers_take_traced_numbers(name):
    def run(step_size, **options):
        method = gf.WRAPPERS[name](gf.alternating(optax.sgd(step_size)), **options)
        state = gf.simulate(method, QUADRATIC, START, num_steps=6).state
        return gf.methods.average_of(state) if name == "averaged" else state.params

    assert_traced_values_are_values(run, {"step_size": (0.05, 0.1)} | TRACED[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in gf.TRANSFORMS if TRACED[name]])
def test_fields_take_traced_numbers(name):
    v = gf.vector_field(gf.games.forsaken())  # the symplectic field's sign depends on ε in it
    at = gf.Players(jnp.asarray(1.0), jnp.asarray(0.7))
    assert_traced_values_are_values(
        lambda **options: gf.TRANSFORMS[name](v, **options)(at), TRACED[name]
    )


@pytest.mark.parametrize("name", [name for name in gf.games.closed_forms() if TRACED[name]])
def test_games_take_traced_numbers(name):
    given = {"penalty": "r1"} if name == "dirac_gan" else {}
    at = gf.Players(jnp.asarray(1.0), jnp.asarray(0.7))
    assert_traced_values_are_values(
        lambda **options: gf.vector_field(gf.GAMES[name](**given, **options))(at), TRACED[name]
    )


@pytest.mark.slow
def test_optimizers_take_traced_numbers():
    def run(kept_within, learning_rate, step_size):
        theta = optax.chain(optax.sgd(step_size), gf.keep_within(kept_within))
        return end(gf.simultaneous(gf.Players(theta, gf.numerics_rmsprop(learning_rate))))

    options = {"kept_within": (0.9, 0.5), "learning_rate": (0.01, 0.1), "step_size": (0.05, 0.1)}
    assert_traced_values_are_values(run, options)


@pytest.mark.parametrize("name", gf.METHODS)
def test_signatures_say_the_same_thing_with_the_same_name(name):
    method = METHODS[name]
    assert next(iter(inspect.signature(gf.METHODS[name]).parameters)) == "optimizer"
    assert list(inspect.signature(method.init).parameters) == ["params"]
    assert list(inspect.signature(method.step).parameters) == ["field", "state", "batch"]


@pytest.mark.parametrize("name", gf.TRANSFORMS)
def test_transforms_take_and_give_fields(name):
    parameters = inspect.signature(gf.TRANSFORMS[name]).parameters
    first, *others = parameters.values()
    assert first.name == "field"
    assert all(other.kind is inspect.Parameter.KEYWORD_ONLY for other in others)


@pytest.mark.parametrize("name", gf.METHODS)
def test_what_is_no_optimizer_is_refused(name):
    with pytest.raises(ValueError, match=r"optimizer must be an optax .*, got float: 0.1"):
        gf.METHODS[name](0.1)
    with pytest.raises(ValueError, match="optimizer must be an optax transformation"):
        gf.METHODS[name](gf.Players(optax.sgd(0.1), "adam"))
