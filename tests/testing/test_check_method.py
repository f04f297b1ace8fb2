"""The contract check of methods: what keeps it passes, and each broken rule is named."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import batch_of, mlp_gan, params_of


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [
        gf.simultaneous(optax.chain(optax.sgd(0.1), gf.keep_within(5.0))),
        gf.simultaneous(optax.sgd(0.1, momentum=0.9)),
        gf.alternating(gf.Players(optax.sgd(0.1), gf.numerics_rmsprop(0.01)), phi_steps=2),
        gf.alternating(optax.adam(0.1), theta_steps=0, fresh_batches=False),
        gf.simultaneous(optax.add_noise(0.0, 0.5, jax.random.key(0))),  # with a key in its state
    ],
    ids=["kept within", "momentum", "rmsprop", "still", "key"],
)
def test_others_pass(method):
    gf.testing.check_method(method)


@pytest.mark.long
@pytest.mark.parametrize("build", [gf.simultaneous, gf.alternating])
def test_fields_with_batches(build):
    case = mlp_gan()
    field = gf.vector_field(case.game)
    with jax.enable_x64(False):
        params, batch = params_of(case), batch_of(case)
    gf.testing.check_method(build(optax.sgd(0.1)), field=field, params=params, batch=batch)


def plain(
    *,
    init=lambda params: gf.State(params, ()),
    move=lambda params, direction: jax.tree.map(lambda x, d: x + 0.1 * d, params, direction),
    memory=lambda memory: memory,
    result=lambda state, info: (state, info),
):
    """A plain method, with some of its parts changed."""

    def step(field, state, batch):
        direction = field(state.params, batch)
        after = gf.State(move(state.params, direction), memory(state.memory))
        return result(after, gf.Info(direction))

    return gf.Method(init, step)


def started_with(start, **changes):
    return plain(init=lambda params: gf.State(params, start()), **changes)


@pytest.mark.slow
def test_the_plain_method_passes_also_as_a_pair():
    gf.testing.check_method(plain())
    gf.testing.check_method((plain().init, plain().step))
    gf.testing.check_method(started_with(lambda: jnp.zeros((), int), memory=lambda m: m + 1))


def move_by(size):
    def move(params, direction):
        return jax.tree.map(lambda x, d: x + size(x, d) * d, params, direction)

    return plain(move=move)


class Bare(NamedTuple):
    weights: gf.Players


class Plain:
    def __init__(self, params):
        self.params = params


calls = itertools.count()


def unbatched(x, d):
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return jax.pure_callback(lambda v: 0.1 * np.ones_like(v), shape, jax.lax.stop_gradient(x))


BROKEN = {
    "no state": (plain(init=Bare), r"init\(params\) must give a state, gf.State.* got Bare"),
    "no namedtuple": (plain(init=Plain), r"init\(params\) must give a state.* got Plain"),
    "init changes the structure": (
        plain(init=lambda params: gf.State(tuple(params), ())),
        r"init\(params\)\.params must have the structure of params",
    ),
    "init changes a dtype": (
        plain(init=lambda p: gf.State(jax.tree.map(lambda x: x.astype(jnp.float16), p), ())),
        r"params\.theta must have the shape and dtype of params, float32\[\], got float16\[\]",
    ),
    "init raises": (
        plain(init=lambda params: params.psi),
        r"init\(params\) must run, on the quadratic game in float32: it raised AttributeError",
    ),
    "no pair": (plain(result=lambda state, info: state.params.theta), "step.* must return a pair"),
    "no state after": (
        plain(result=lambda state, info: ((), info)),
        "must give a state, .* got tuple",
    ),
    "no info": (plain(result=lambda state, info: (state, 1.0)), r"must be gf.Info\(direction\)"),
    "no direction": (
        plain(result=lambda state, info: (state, gf.Info(info.direction.theta))),
        "the direction of step's Info must have the structure of params",
    ),
    "no boolean": (
        plain(result=lambda state, info: (state, info._replace(converged=1e-3))),
        "converged of step's Info must be one boolean, got 0.001",
    ),
    "half precision": (
        plain(move=lambda p, d: jax.tree.map(lambda x, y: (x + y).astype(jnp.float16), p, d)),
        r"dtype of params, float32\[\], got float16\[\]. Make constants",
    ),
    "single precision": (
        plain(move=lambda p, d: jax.tree.map(lambda x, y: (x + y).astype(jnp.float32), p, d)),
        r"params\.theta must have the shape and dtype of params, float64\[3\], got float32\[3\]",
    ),
    "a shape that grows": (
        started_with(lambda: jnp.zeros(1), memory=lambda m: jnp.concatenate([m, m])),
        r"leaf \.memory was float32\[1\] before the step and float32\[2\] after it",
    ),
    "a structure that grows": (
        plain(memory=lambda m: (*m, jnp.zeros(()))),
        "a step must keep the state's structure: .* Let init make all that step fills",
    ),
    "a dtype that changes": (
        started_with(lambda: jnp.zeros((), int), memory=lambda m: m + 0.5),
        r"the state's leaf \.memory was int32\[\] before the step and float32\[\] after it",
    ),
    "a weak type that hardens": (
        started_with(lambda: 0.0, memory=lambda m: m + jnp.ones(())),
        r"types, weak ones too.* \.memory of float32\[\] was weak before .* strong after it",
    ),
    "a counter outside": (
        move_by(lambda x, d: 0.01 * next(calls)),
        "a step must be a pure function, .* differs by .*Look for state outside of State",
    ),
    "a branch on a number": (
        move_by(lambda x, d: 0.1 if jnp.sum(d) > 0 else 0.2),
        "must be traceable by jax.jit, .*TracerBoolConversionError.* use jnp.where",
    ),
    "a branch on tracing": (
        move_by(lambda x, d: 0.1 if isinstance(d, jax.core.Tracer) else 0.2),
        r"jit must equal eager, .* leaf \.params\.theta differs by",
    ),
    "a callback": (move_by(unbatched), "vmap must equal one by one, .* it raised"),
    "a division by 0": (
        move_by(lambda x, d: 0.1 / (x - x)),
        "numbers must stay finite, .* Look for a division by what may be 0",
    ),
    "a pull": (
        plain(move=lambda p, d: jax.tree.map(lambda x: x + 0.1 * (1 - x), p)),
        "a method must stay where the field is 0, .* three steps moved a parameter by 0.271",
    ),
    "no direction at rest": (
        move_by(lambda x, d: 0.1 / jnp.sqrt(jnp.sum(d**2))),
        "a method must stay where the field is 0, .* by nan",
    ),
    "a stopped gradient": (
        plain(
            move=lambda p, d: jax.tree.map(lambda x, y: x + 0.1 * jax.lax.stop_gradient(y), p, d)
        ),
        "derivatives must go through a step, .* Look for a stop_gradient",
    ),
    "a loop without a transpose": (
        move_by(
            lambda x, d: jax.lax.while_loop(lambda s: s > 0.1, lambda s: s / 2, jnp.sum(x * 0 + 1))
        ),
        "derivatives must go through a step, forwards and backwards, .* it raised ValueError",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_rule_is_named(name):
    method, said = BROKEN[name]
    with pytest.raises(ValueError, match=said):
        gf.testing.check_method(method)


def test_a_scan_that_is_no_loop(monkeypatch):
    # Nothing but a scan itself tells a scan from a loop of compiled steps.
    scan = jax.lax.scan

    def short(body, carry, xs, length):
        return scan(body, carry, xs, length=length - 1)

    monkeypatch.setattr(jax.lax, "scan", short)
    with pytest.raises(ValueError, match="a scan must equal a loop, on the quadratic game"):
        gf.testing.check_method(plain())


def drifting(memory, update):
    """An optax transformation that halves updates, with a memory of its own."""
    return optax.GradientTransformation(
        lambda params: memory(params),
        lambda updates, state, params=None: (
            jax.tree.map(lambda u: -0.1 * u, updates),
            update(state, updates),
        ),
    )


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (
            drifting(lambda p: jnp.zeros((), jnp.int32), lambda s, u: s * 0.9 + 1),
            r"leaf \.memory was int32\[\] .* float32\[\] after .* of an optax transformation",
        ),
        (
            drifting(lambda p: None, lambda s, u: u),
            "a step must keep the state's structure",
        ),
        (
            drifting(lambda p: {"scale": 1.0}, lambda s, u: {"scale": jnp.float32(1)}),
            r"leaf \.memory\['scale'\] of float32\[\] was weak before the step and strong",
        ),
    ],
)
def test_optax_transformations_are_told(optimizer, said):
    with pytest.raises(ValueError, match=said):
        gf.testing.check_method(gf.simultaneous(optimizer))
    honest = drifting(lambda p: jnp.zeros((), jnp.int32), lambda s, u: s + 1)
    gf.testing.check_method(gf.simultaneous(honest))


@pytest.mark.slow
def test_where_the_given_field_is_zero_the_method_must_stay():
    v = gf.vector_field(gf.games.dirac_gan())
    pull = BROKEN["a pull"][0]
    gf.testing.check_method(pull, field=v, params=gf.Players(0.5, 0.5))
    with pytest.raises(ValueError, match="must stay where the field is 0, on the field given"):
        gf.testing.check_method(pull, field=v, params=gf.Players(0.0, 0.0))


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (optax.sgd, {}, r"method must be gf.Method\(init, step\), or a pair of functions"),
        ((1, 2), {}, "method must be gf.Method"),
        (plain()._replace(num_batches=0), {}, "num_batches must be an integer ≥ 1, got 0"),
        (plain(), {"params": gf.Players(0.0, 0.0)}, "field and params must be given together"),
        (plain(), {"field": lambda p, b: p}, "field and params must be given together"),
        (
            plain(),
            {"field": lambda p, b: p.theta, "params": gf.Players(1.0, 2.0)},
            r"field\(params, batch\) must have the structure of params",
        ),
    ],
)
def test_bad_arguments(method, options, said):
    with pytest.raises(ValueError, match=said):
        gf.testing.check_method(method, **options)
