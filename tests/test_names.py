"""What games, fields, methods, runs and large pytrees say of themselves."""

import importlib
import inspect
import pydoc
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield._describe import describe, describe_optimizer
from ganfield._registry import registered

V = gf.vector_field(gf.games.bilinear())
START = gf.Players(1.0, 0.0)


def my_field(params, batch=None):
    return V(params, batch)


@pytest.mark.parametrize(
    ("built", "name"),
    [
        (gf.games.dirac_gan("js", penalty="r1"), "dirac_gan('js', penalty='r1')"),
        (gf.games.bilinear(jnp.ones((2, 3))), "bilinear(float32[2,3])"),
        (gf.games.stable_non_minimax(), "stable_non_minimax()"),
        (
            gf.games.unrolled(gf.games.sine(), step_size=0.5),
            "unrolled(sine(), step_size=0.5)",
        ),
        (
            gf.games.gan(gf.networks.mlp(4, 2), gf.networks.mlp(2, 1), penalty="r1"),
            "gan(mlp(4, 2), mlp(2, 1), penalty='r1')",
        ),
        (gf.networks.mlp(4, 2, hidden_sizes=(3, 3)), "mlp(4, 2, hidden_sizes=(3, 3))"),
        (V, "vector_field of bilinear()"),
        (gf.field.identity(V), "vector_field of bilinear()"),
        (gf.conservative_relaxation(V), "conservative_relaxation of bilinear()"),
        (
            gf.jare(gf.consensus(V, gamma=np.float32(2), groups=2), gamma=jnp.array(0.5)),
            "jare(γ=0.5) of consensus(γ=2, groups=2) of bilinear()",
        ),
        (gf.consensus(gamma=1e-3, field=my_field), "consensus(γ=0.001) of my_field"),
        (gf.simultaneous(optax.adam(1e-3)), "simultaneous(adam(0.001))"),
        (gf.alternating(optax.sgd(0.1), phi_steps=5), "alternating(sgd(0.1), phi_steps=5)"),
        (gf.negative_momentum(optax.sgd(0.1)), "negative_momentum(sgd(0.1))"),
        (
            gf.lookahead(gf.extragradient(gf.Players(optax.sgd(0.1), optax.adam(0.2)))),
            "lookahead(extragradient(Players(sgd(0.1), adam(0.2))))",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_built_says_how(built, name):
    assert repr(built) == name


def test_what_nobody_named_says_where_it_is_from():
    method = gf.Method(lambda params: params, my_field)
    assert repr(method) == "Method of my_field"
    assert repr(gf.Game(my_field, my_field, my_field)) == "Game of my_field"


@pytest.mark.parametrize("name", gf.TRANSFORMS)
def test_every_transform_gives_a_field_that_says_what_it_is(name):
    parameters = list(inspect.signature(gf.TRANSFORMS[name]).parameters.values())[1:]
    options = {p.name: 0.5 for p in parameters if p.default is p.empty}
    field = gf.TRANSFORMS[name](V, **options)
    assert repr(field).endswith(" of bilinear()")
    assert "\n" not in repr(field)


@pytest.mark.parametrize("name", [*gf.METHODS, *gf.games.closed_forms()])
def test_every_registered_builder_names_what_it_builds(name):
    arguments = (optax.sgd(0.1),) if name in gf.METHODS else ()
    built = {**gf.METHODS, **gf.GAMES}[name](*arguments)
    assert repr(built) == f"{name}({'sgd(0.1)' if arguments else ''})"


def test_traced_numbers_are_not_named():
    said = []

    def build(gamma):
        said.append(repr(gf.consensus(V, gamma=gamma)))
        said.append(repr(gf.simultaneous(optax.sgd(gamma))))
        return gamma

    jax.jit(build)(0.5)
    assert said == ["consensus(γ=…) of bilinear()", "simultaneous(sgd(…))"]


@pytest.mark.slow
def test_a_named_field_is_a_function_like_any():
    field = gf.consensus(V, gamma=0.5)
    assert {field: 1}[field] == 1
    assert field != gf.consensus(V, gamma=0.5)
    assert list(inspect.signature(field).parameters) == ["params", "batch"]
    traces = []

    def call(field, params):
        traces.append(None)
        return field(params)

    jitted = jax.jit(call, static_argnums=0)
    for _ in range(2):
        assert jitted(field, START) == field(START) == gf.Players(-0.5, 1.0)
    assert len(traces) == 1
    many = jax.vmap(field)(jax.tree.map(lambda x: jnp.full(3, x), START))
    assert many.phi.tolist() == [1.0] * 3


def test_a_builder_keeps_its_signature_and_its_words():
    assert gf.consensus.__module__ == "ganfield.field._consensus"
    assert pydoc.render_doc(gf.consensus, renderer=pydoc.plaintext).count("Return the") >= 1
    with pytest.raises(TypeError, match="gamma"):
        gf.consensus(V)


def test_a_name_is_registered_once():
    registry = {"my_field": gf.consensus}
    with pytest.raises(ValueError, match="'my_field' is registered already"):
        registered(registry)(my_field)


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [
        (optax.sgd(0.1, momentum=0.9, nesterov=True), "sgd(0.1, momentum=0.9, nesterov=True)"),
        (optax.adam(1e-4, b1=0.5), "adam(0.0001, b1=0.5)"),
        (optax.sgd(optax.cosine_decay_schedule(0.1, 5)), "sgd(cosine_decay_schedule)"),
        (gf.numerics_rmsprop(), "rmsprop(0.0001, initial_scale=1, eps=1e-10)"),
        (
            optax.chain(optax.clip_by_global_norm(1.0), optax.rmsprop(1e-3)),
            "chain(clip_by_global_norm(1), rmsprop(0.001))",
        ),
        (optax.chain(optax.sgd(1.0), gf.keep_within(0.5)), "chain(sgd(1), keep_within(0.5))"),
        (optax.chain(optax.sgd(1.0), optax.scale(2.0)), "chain(sgd(1), scale(2))"),
        (optax.GradientTransformation(my_field, my_field), "optimizer"),
        (optax.GradientTransformation(None, None), "optimizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_optimizers_are_known_by_what_they_are_made_of(optimizer, name):
    assert describe_optimizer(optimizer) == name


def aliases():
    """Every optimizer of optax that one number makes."""
    names = set()
    for name in dir(optax):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                optimizer = getattr(optax, name)(0.1)
            except Exception:
                continue
        if isinstance(optimizer, optax.GradientTransformation):
            names.add(name)
    return sorted(names)


def test_no_optimizer_of_optax_is_without_words():
    names = aliases()
    assert len(names) > 50
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = {name: describe_optimizer(getattr(optax, name)(0.1)) for name in names}
    assert [name for name, words in said.items() if words == "optimizer" or "\n" in words] == []
    for name in ("adabelief", "adagrad", "adam", "adamax", "amsgrad", "rmsprop", "sgd", "yogi"):
        assert said[name] == f"{name}(0.1)"


def test_another_value_is_its_kind():
    assert describe(object()) == "object"
    assert describe([1, None, True, "a"]) == "(1, None, True, 'a')"
    assert describe(jnp.tanh) == "tanh"
    assert describe(jax.random.key(0)) == "key"
    donated = jnp.ones(())
    donated.delete()
    assert describe(donated) == "…"


def run(method=None, field=V, **options):
    method = gf.simultaneous(optax.sgd(0.5)) if method is None else method
    return gf.simulate(method, field, START, **{"num_steps": 4, **options})


@pytest.mark.slow
def test_runs_say_what_became_of_them():
    theta = {"record": lambda state, info: state.params.theta, "record_every": 2}
    assert repr(run()) == "Run: 4 steps, finite"
    assert repr(run(**theta)) == "Run: 4 steps, 3 records, finite"
    assert repr(run(gf.simultaneous(optax.sgd(1e30)), **theta)) == (
        "Run: 4 steps, 3 records, stopped at step 2"
    )
    cut = jax.lax.stop_gradient
    stopped = run(gf.competitive(optax.sgd(0.5)), lambda p, batch=None: cut(V(p, batch)))
    assert repr(stopped) == "Run: 4 steps, finite, inner solve failed at step 1"
    sizes = jnp.array([0.1, 0.2, 1e30])
    many = jax.vmap(lambda size: run(gf.simultaneous(optax.sgd(size))))(sizes)
    assert repr(many) == "Run: 4 steps, 1 of 3 stopped at step 2 or later"
    said = []
    jax.jit(lambda size: said.append(repr(run(gf.simultaneous(optax.sgd(size))))))(0.1)
    assert said == ["Run: traced"]


@pytest.mark.slow
def test_sweeps_say_their_grid():
    def build(step_size, gamma):
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulation(method, gf.consensus(V, gamma=gamma), START, record_every=2)

    grid = {"step_size": jnp.array([0.1, 0.2]), "gamma": jnp.array([0.0, 0.5, 1.0])}
    assert repr(gf.sweep(build, grid, num_steps=4)) == "Sweep of 2 × 3 runs: 4 steps, finite"
    fixed = {"step_size": 0.1, "gamma": 0.0}
    assert repr(gf.sweep(build, num_steps=4, fixed=fixed)) == "Sweep of 1 run: 4 steps, finite"


@pytest.mark.parametrize(
    ("unsolved_at", "name"),
    [
        (-1, "Result: finished at step 100"),
        (3, "Result: finished at step 100, inner solve failed at step 3"),
    ],
)
def test_a_result_of_training_says_its_outcome(unsolved_at, name):
    result = gf.training.Result("finished", 100, START, 1.0, 1.0, -1, unsolved_at, "")
    assert repr(result) == name


def test_small_pytrees_are_printed_and_large_ones_counted():
    assert repr(START) == "Players(theta=1.0, phi=0.0)"
    assert repr(gf.Players("a", {1: 2, "b": 3})) == "Players(theta='a', phi={1: 2, 'b': 3})"
    game = gf.games.gan(gf.networks.mlp(16, 2), gf.networks.mlp(2, 1))
    params = game.init(jax.random.key(0))
    said = "1122 float32 in 10 arrays, phi: 881 float32 in 10 arrays"
    assert repr(params) == f"Players(theta: {said})"
    state = gf.simultaneous(optax.sgd(0.1)).init(params)
    assert repr(state) == (
        "State(params: 2003 float32 in 20 arrays, memory: (EmptyState(), EmptyState()))"
    )
    shapes = jax.eval_shape(game.init, jax.random.key(0))
    assert repr(shapes) == repr(params)
    small = gf.State(START, ())
    assert repr(small) == f"State(params={START}, memory=())"


PACKAGES = (
    "spectra",
    "stability",
    "dynamics",
    "dynamics.planes",
    "checks",
    "configuration",
    "data",
    "evaluation",
    "field",
    "games",
    "methods",
    "networks",
    "plotting",
    "reporting",
    "simulate",
    "simulate.sharding",
    "sweeps",
    "testing",
    "training",
)


def public_functions():
    modules = [importlib.import_module(f"ganfield.{package}") for package in PACKAGES]
    members = {m for module in modules for m in vars(module).values() if inspect.isfunction(m)}
    return sorted(members, key=lambda member: member.__qualname__)


@pytest.mark.parametrize("function", public_functions(), ids=lambda function: function.__qualname__)
def test_help_shows_types_by_their_names(function):
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert "numpy._typing" not in text
    assert "Union[" not in text
    for parameter in inspect.signature(function).parameters.values():
        assert len(str(parameter.annotation)) < 60
