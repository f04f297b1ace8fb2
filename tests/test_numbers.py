"""Numbers that functions hold are arguments of compiled programs, and change no result."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield import _compiled
from ganfield._compiled import compiled
from ganfield._numbers import evaluate, numbers_of
from tests.cases import FORMS as FORMS_OF_GAMES
from tests.cases import GAMES, METHODS, params_of

# XLA of JAX 0.10 multiplies constants, (a·x)·b = (a·b)·x; later ones do not.
MERGES = jax.__version_info__ < (0, 11)


@jax.custom_jvp
def halved(x, a):
    return x / a


@halved.defjvp
def _of_halved(primals, tangents):
    return halved(*primals), tangents[0] / primals[1]


@jax.custom_vjp
def doubled(x):
    return x * 2.5


doubled.defvjp(lambda x: (doubled(x), None), lambda _, g: (g * 2.5,))

FORMS = {
    "product": lambda a, x: a * x,
    "strong": lambda a, x: np.float32(a) * x + np.float64(a),
    "bfloat16": lambda a, x: x.astype(jnp.bfloat16) * jnp.bfloat16(a),
    "used twice": lambda a, x: a * x - jnp.sin(x) / a,
    "divisor": lambda a, x: jax.lax.map(lambda y: (y / a - a / y) / a, x),
    "result": lambda a, x: (x, a),
    "jit": lambda a, x: jax.jit(lambda x: jnp.where(x > a, x, a * x))(x),
    "cond": lambda a, x: jax.lax.cond(x[0] > a, lambda y: a * y, lambda y: y / a, x),
    "switch": lambda a, x: jax.lax.switch(
        jnp.int32(x[0]), [lambda y: y - a, lambda y: a * y, lambda y: y / a], x
    ),
    "while": lambda a, x: jax.lax.while_loop(
        lambda c: c[0] < 3 * a, lambda c: (c[0] + a / 2, c[1] * a), (a, x)
    ),
    "vmapped while": lambda a, x: jax.vmap(
        lambda y: jax.lax.while_loop(
            lambda c: c[0] < 3 * a + y,
            lambda c: (c[0] + a / 2, c[1] * a),
            (y * a, jnp.ones((2, 2))),
        )
    )(x),
    "scan": lambda a, x: jax.lax.scan(lambda c, y: (c * a + y, c - a), a, x, reverse=True),
    "loop": lambda a, x: jax.lax.fori_loop(0, 3, lambda i, c: c * a + i, x),
    "vmapped scan": lambda a, x: jax.vmap(
        lambda y: jax.lax.scan(lambda c, _: (c * a + y, (c, y)), y, None, length=3)
    )(x),
    "custom_jvp": lambda a, x: jax.grad(lambda x: halved(x, a).sum())(x) + jax.nn.softplus(a * x),
    "custom_vjp": lambda a, x: jax.grad(lambda x: doubled(a * x).sum())(x) + doubled(x - a),
    "checkpoint": lambda a, x: jax.grad(lambda x: jax.checkpoint(jnp.sin)(a * x).sum())(x),
    "solve": lambda a, x: jax.scipy.sparse.linalg.cg(lambda y: a * y, x)[0],
    "random": lambda a, x: a * jax.random.normal(jax.random.key(0), x.shape),
    "half": lambda a, x: jnp.abs(x) ** 0.5 + a,
}
NUMBERS = (0.3, 0.7, 1.9)
SHARED = FORMS.keys() - {"solve"}


def fresh(form, number):
    return lambda x: FORMS[form](number, x)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_closures_that_differ_in_numbers_share_a_program_and_results_stay(form):
    x = jnp.linspace(0.1, 2.0, 5)
    before, programs = set(_compiled._programs), []
    for number in NUMBERS:
        values = compiled(fresh(form, number), x, name="form")(x)
        programs.append(list(_compiled._programs)[-1])
        expected = jax.jit(fresh(form, number))(x)
        for value, one in zip(jax.tree.leaves(values), jax.tree.leaves(expected), strict=True):
            assert (value.dtype, value.weak_type) == (one.dtype, one.weak_type)
            if MERGES:
                np.testing.assert_allclose(value, one, rtol=1e-6)
            else:
                np.testing.assert_array_equal(value, one)
    assert before.isdisjoint(programs)
    assert len(set(programs)) == (1 if form in SHARED else len(NUMBERS))


def test_in_float64_too(x64):
    x = jnp.linspace(0.1, 2.0, 5)
    for number in NUMBERS:
        value = compiled(lambda x, a=number: jnp.exp(-a * x), x, name="decay")(x)
        np.testing.assert_allclose(value, np.exp(-number * np.asarray(x)), rtol=1e-15)


def test_what_xla_or_a_shape_hangs_on_stays():
    def function(x):
        y = jnp.abs(x + 1.0) ** 2.5 + 0.0 * x - 1.0
        return jnp.where(y < jnp.inf, y, 3 * jnp.ones(4)[: int(2.0)].sum())

    program = jax.make_jaxpr(function)(1.0).jaxpr
    assert [float(number.val) for number in numbers_of(program)] == [3.0]


def test_each_number_takes_its_own_place():
    def function(x, a=0.5, b=2.5, c=3.5, d=7.0):
        return jax.lax.scan(lambda at, y: (a * at + b * y, at - c), d, x)

    others, x = (0.1, 0.2, 0.3, 0.4), jnp.arange(4.0)
    program, wanted = (
        jax.make_jaxpr(lambda x, values=values: function(x, *values))(x).jaxpr
        for values in ((), others)
    )
    ours, theirs = numbers_of(program), numbers_of(wanted)
    values = {id(a): jnp.float32(b.val) for a, b in zip(ours, theirs, strict=True)}
    outputs = evaluate(program, [], [x], values)
    for value, expected in zip(outputs, function(x, *others), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def slope(a):
    return lambda params, batch=None: gf.Players(-a * params.theta, params.theta - params.phi)


CALLS = {
    "simulate": lambda a: gf.simulate(
        gf.simultaneous(optax.adam(a / 10)), slope(a), gf.Players(1.0, 0.5), num_steps=2
    ),
    "sweep": lambda a: gf.sweep(
        lambda size: gf.simulation(gf.simultaneous(optax.sgd(size)), slope(a), gf.Players(1.0, a)),
        {"size": jnp.array([0.1, 0.2])},
        num_steps=2,
    ),
    "eigenvalues": lambda a: gf.eigenvalues(slope(a))(gf.Players(1.0, 0.5)),
    "classify": lambda a: gf.classify(slope(a), gf.Players(0.0, 0.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_calls_with_fresh_closures_compile_once(call):
    counts = []
    for number in NUMBERS:
        CALLS[call](number)
        counts.append(len(_compiled._programs))
    assert counts[1:] == counts[:-1], counts


@pytest.mark.long
@pytest.mark.parametrize("name", [*FORMS_OF_GAMES, *METHODS])
def test_runs_of_every_game_and_method_are_those_with_the_numbers_in_place(name, monkeypatch):
    case, method = GAMES.get(name, GAMES["sine"]), METHODS.get(name, METHODS["simultaneous"])
    runs = []
    for lift in (True, False):
        if not lift:
            monkeypatch.setattr(_compiled, "numbers_of", lambda program: [])
        runs.append(
            gf.simulate(
                method,
                gf.vector_field(case.game),
                params_of(case),
                num_steps=9,
                key=None if case.sample is None else jax.random.key(0),
                sample=case.sample,
            )
        )
    for value, expected in zip(*map(jax.tree.leaves, runs), strict=True):
        if MERGES:
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-6)
        else:
            np.testing.assert_array_equal(value, expected)
