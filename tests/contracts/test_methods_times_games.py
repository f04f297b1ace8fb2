"""Every registered method on every registered game: the contract that all of them keep."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import GAMES, METHODS, VARIANTS, assert_trees_close, params_of, step_batch

TOY_GAMES = [name for name, case in GAMES.items() if case.game.equilibria]
# The five objectives share everything but the losses; one stands for them where compiling is slow.
FEW_GAMES = [*TOY_GAMES, "gan_standard"]
ALL_METHODS = METHODS | VARIANTS
PAIRS = [(game, method) for game in FEW_GAMES for method in METHODS]
PAIRS += [("quadratic", method) for method in VARIANTS]


def describe(tree):
    return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)


@pytest.mark.parametrize(("game_name", "method_name"), PAIRS)
def test_contract(game_name, method_name):
    case, method = GAMES[game_name], ALL_METHODS[method_name]
    field = gf.vector_field(case.game)
    batch = step_batch(case, method)
    state = method.init(params_of(case))

    eager_state, eager_info = method.step(field, state, batch)
    traces = []

    @jax.jit
    def step(state, batch):
        traces.append(None)
        return method.step(field, state, batch)

    after, info = step(state, batch)

    # jit = eager, and a step keeps structures, shapes and dtypes.
    assert_trees_close(after, eager_state, rtol=1e-5, atol=1e-6)
    assert_trees_close(info, eager_info, rtol=1e-5, atol=1e-6)
    assert describe(after) == describe(state)
    assert describe(info.direction) == describe(state.params)

    # The second step compiles nothing.
    twice, _ = step(after, batch)
    assert len(traces) == 1

    # scan = Python loop.
    scanned, _ = jax.lax.scan(lambda s, _: (step(s, batch)[0], None), state, None, length=2)
    assert_trees_close(scanned, twice, rtol=1e-5, atol=1e-6)

    # vmap = loop.
    starts = [method.init(params_of(case, seed)) for seed in (0, 1)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)
    together = jax.vmap(lambda s: method.step(field, s, batch)[0])(stacked)
    for index, start in enumerate(starts):
        alone = step(start, batch)[0]
        one = jax.tree.map(lambda leaf, i=index: leaf[i], together)
        assert_trees_close(one, alone, rtol=1e-5, atol=1e-6)

    # Gradients flow through a step.
    def reach(params):
        moved, _ = method.step(field, state._replace(params=params), batch)
        return optax.tree.norm(moved.params, squared=True)

    assert np.isfinite(optax.tree.norm(jax.grad(reach)(state.params)))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("method_name", ALL_METHODS)
def test_float64_stays_float64(method_name):
    case, method = GAMES["gan_standard"], ALL_METHODS[method_name]
    state = method.init(params_of(case))
    field, batch = gf.vector_field(case.game), step_batch(case, method)
    after, _ = jax.eval_shape(lambda s: method.step(field, s, batch), state)
    assert {leaf.dtype for leaf in jax.tree.leaves(after.params)} == {np.dtype("float64")}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("game_name", "method_name"), [pair for pair in PAIRS if pair[0] in TOY_GAMES]
)
def test_an_equilibrium_is_a_fixed_point(game_name, method_name):
    game, method = GAMES[game_name].game, ALL_METHODS[method_name]
    field = gf.vector_field(game)
    for point in game.equilibria:
        after, _ = method.step(field, method.init(point), None)
        assert_trees_close(after.params, point, atol=1e-7)


@pytest.mark.parametrize("name", gf.METHODS)
def test_hyper_parameters_may_be_traced(name):
    game = gf.games.quadratic()

    @jax.jit
    @jax.vmap
    def end(step_size):
        method = gf.METHODS[name](optax.sgd(step_size))
        return gf.simulate(
            method, gf.vector_field(game), gf.Players(1.0, 1.0), num_steps=5
        ).params.theta

    sizes = jnp.array([0.1, 0.2])
    for step_size, found in zip(sizes, end(sizes), strict=True):
        method = gf.METHODS[name](optax.sgd(float(step_size)))
        alone = gf.simulate(method, gf.vector_field(game), gf.Players(1.0, 1.0), num_steps=5)
        np.testing.assert_allclose(found, alone.params.theta, rtol=1e-6)


@pytest.mark.parametrize("name", gf.METHODS)
def test_signatures_say_the_same_thing_with_the_same_name(name):
    method = gf.METHODS[name](optax.sgd(0.1))
    assert next(iter(inspect.signature(gf.METHODS[name]).parameters)) == "optimizer"
    assert list(inspect.signature(method.init).parameters) == ["params"]
    assert list(inspect.signature(method.step).parameters) == ["field", "state", "batch"]


@pytest.mark.parametrize("name", gf.FIELDS)
def test_transforms_take_and_give_fields(name):
    parameters = inspect.signature(gf.FIELDS[name]).parameters
    first, *others = parameters.values()
    assert first.name == "field"
    assert all(other.kind is inspect.Parameter.KEYWORD_ONLY for other in others)


@pytest.mark.parametrize("name", gf.METHODS)
def test_what_is_no_optimizer_is_refused(name):
    with pytest.raises(ValueError, match=r"optimizer must be an optax .*, got float: 0.1"):
        gf.METHODS[name](0.1)
    with pytest.raises(ValueError, match="optimizer must be an optax transformation"):
        gf.METHODS[name](gf.Players(optax.sgd(0.1), "adam"))
