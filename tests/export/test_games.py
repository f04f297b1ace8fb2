"""Every game, field and method under Node against JAX, in float64.

A run is held against JAX step by step: from each state that JavaScript reached JAX takes the same
step. So over many steps the two part by no more than these differences and what the steps make of
them: sums of 1e-12 times products of the Jacobians' norms, which vanish where runs contract.
"""

import functools
import inspect
import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.export._model import model
from tests.export import node

CLOSED = list(gf.games.closed_forms())
STEPS = 100
WRAPPED = ["lookahead.lead", "averaged.alternating"]
POINTS = np.random.default_rng(0).normal(size=(100, 2))
_WORK = """(()=>{const model=%s;return (points,steps,wanted)=>{
const o=model.sliders.map(s=>s.value),run=(m,f)=>{
  let s=m.init(f,points[0],o);const states=[s];
  for(let k=0;k<steps;k++){s=m.step(f,s,o);states.push(s)}return states};
return [JSON.stringify(model.sliders),model.fields.map(f=>[f.name,f.game,
  points.map(x=>f.value(x,o)),points.map(x=>f.jacobian(x,o)),
  model.methods.filter(m=>wanted.includes(m.optimizer)).map(m=>[m.name,m.optimizer,
    points.map(x=>m.init(f,x,o)),points.map(x=>m.step(f,m.init(f,x,o),o)),run(m,f)])])]}})()"""


def under_node(games, optimizers=("sgd",), **options):
    """Return what Node computes of each game's model: its sliders, and all fields and methods."""
    jobs = [
        (_WORK % model(game, **options), [[POINTS.tolist(), STEPS, [*optimizers]]])
        for game in games
    ]
    results = node.run(jobs)
    assert not any(isinstance(result, str) for result in results), results
    return [result[0] for result in results]


def settings(sliders, of, owner):
    return {x["name"]: x["value"] for x in sliders if x["of"] == of and x["owner"] == owner}


def transformed(name, v, sliders):
    if name == "v":
        return v
    given = settings(sliders, "transform", name)
    if "step_size" in inspect.signature(gf.TRANSFORMS[name]).parameters:
        given["step_size"] = 0.1
    return gf.TRANSFORMS[name](v, **given)


def compiled(fields):
    """Return fields that JAX computes by one program for all of them, w and w′ at once."""

    def both(x, y):
        point = jnp.stack([x, y])
        values = [lambda z, f=field: jnp.stack(f(gf.Players(*z))) for field in fields]
        return jnp.stack([f(point) for f in values]), jnp.stack(
            [jax.jacfwd(f)(point) for f in values]
        )

    both = jax.jit(jax.vmap(both))

    def one(place):
        def at(x, y):
            # Each program is of all points at once, and is compiled once.
            return tuple(part[0, place] for part in both(x[None], y[None]))

        at = jax.custom_batching.custom_vmap(at)

        @at.def_vmap
        def together(size, batched, x, y):
            x, y = (
                z if b else jnp.broadcast_to(z, size) for z, b in zip((x, y), batched, strict=True)
            )
            pad = jnp.zeros(2 * len(POINTS) - size)
            return tuple(
                part[:size, place] for part in both(*(jnp.concatenate([z, pad]) for z in (x, y)))
            ), (True, True)

        @jax.custom_jvp
        def value(x, y):
            return at(x, y)[0]

        @value.defjvp
        def rule(primals, tangents):
            value, matrix = at(*primals)
            return value, matrix[:, 0] * tangents[0] + matrix[:, 1] * tangents[1]

        return lambda params, batch=None: gf.Players(*value(*params)), at

    return [one(place) for place in range(len(fields))]


def assert_close(given, expected, scale, said):
    """Assert that points agree to 1e-12 of their size, and of what they are computed from."""
    given, expected = (np.asarray(x, float).reshape(len(x), -1) for x in (given, expected))
    # A run that flies apart is followed until it is far out of sight.
    known = (np.abs(expected) < 1e150).all(axis=1) & (scale < 1e3)
    apart = np.abs(given[known] - expected[known]).max(axis=1)
    size = np.abs(expected[known]).max(axis=1) + scale[known]
    worst = int(np.argmax(apart - 1e-12 * size))
    assert (apart <= 1e-12 * size).all(), (said, worst, apart[worst] / size[worst])


def states(method, rows):
    """Return rows of numbers as states of a method, side by side."""
    shapes = jax.eval_shape(method.init, gf.Players(jnp.zeros(()), jnp.zeros(())))
    leaves, structure = jax.tree.flatten(shapes)
    columns = np.array([[node.numbers(x) for x in row] for row in rows]).reshape(len(rows), -1).T
    typed = [jnp.asarray(c).astype(x.dtype) for c, x in zip(columns, leaves, strict=True)]
    return structure.unflatten(typed)


def flat(state):
    return np.stack([np.asarray(leaf, float) for leaf in jax.tree.leaves(state)], axis=1)


def check_fields(game, result, *, optimizers=None):
    """Hold all of a game's fields, and all methods along them, against JAX."""
    sliders, fields = json.loads(result[0]), result[1]
    v = gf.vector_field(game)
    x, y = jnp.asarray(POINTS).T
    ours = compiled([transformed(name, v, sliders) for name, *_ in fields])
    whole = [jax.vmap(at)(x, y) for _, at in ours]
    own = [name for name, *_ in fields].index("v")
    # What w and w′ are computed from: v, and products of v and v′.
    size = np.linalg.norm(whole[own][0], axis=1)
    size = size + np.linalg.norm(whole[own][1].reshape(-1, 4), axis=1) * (1 + size)
    for (name, _, values, jacobians, steps), (field, _), (value, slope) in zip(
        fields, ours, whole, strict=True
    ):
        assert_close([*map(node.numbers, values)], value, size, name)
        assert_close([*map(node.numbers, jacobians)], slope, size * (1 + size), name)
        assert len(steps) >= len(optimizers or ("sgd",))
        for method_name, optimizer, begins, ends, run in steps:
            rule = (optimizers or {"sgd": optax.sgd})[optimizer](0.1)
            given = settings(sliders, "method", method_name)
            wrapper, _, inner = method_name.rpartition(".")
            share = {"share": given.pop("share")} if wrapper == "lookahead" else {}
            method = gf.METHODS[inner](rule, **given)
            method = gf.WRAPPERS[wrapper](method, **share) if wrapper else method
            before = states(method, [*begins, *run[:-1]])
            after = jax.vmap(lambda s, m=method, f=field: m.step(f, s, None)[0])(before)
            expected = flat(after)
            reached = flat(states(method, [*ends, *run[1:]]))
            start = flat(jax.vmap(method.init)(gf.Players(x, y)))
            assert_close(flat(states(method, begins)), start, 0 * size, name)
            assert_close(reached, expected, np.abs(flat(before)).max(axis=1), (name, method_name))


@pytest.mark.long
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("names", [CLOSED[:5], CLOSED[5:9], CLOSED[9:]])
def test_every_game_field_and_method(names):
    games = [gf.GAMES[name]() for name in names]
    for game, result in zip(games, under_node(games), strict=True):
        check_fields(game, result)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_a_game_along_v_and_consensus():
    game = gf.games.lattice()
    wanted = {"transforms": ["consensus"], "methods": ["simultaneous", "lead", *WRAPPED]}
    (result,) = under_node([game], optimizers=["sgd"], **wanted)
    assert [field[0] for field in result[1]] == ["v", "consensus"]
    check_fields(game, result)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_every_optimizer_with_every_method():
    optimizers = {
        "sgd": optax.sgd,
        "momentum": functools.partial(optax.sgd, momentum=0.9),
        "rmsprop": optax.rmsprop,
        "adam": optax.adam,
    }
    game = gf.games.dirac_gan("standard", penalty="r1", penalty_weight=0.5)
    (result,) = under_node([game], optimizers=[*optimizers], transforms=["consensus"])
    check_fields(game, result, optimizers=optimizers)
