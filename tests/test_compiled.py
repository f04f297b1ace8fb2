"""Compiled programs are known by what they compute."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield import _compiled
from ganfield._compiled import compiled

ONE, TWO = jnp.ones(()), jnp.full((), 2.0)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda x, y: 2 * x, lambda x, y: 2 * y),
        (lambda x, y: x, lambda x, y: y),
        (lambda x, y: (x, x + y), lambda x, y: (y, x + y)),
        (lambda x, y: (x, y), lambda x, y: {"a": x, "b": y}),
        (lambda x, y: x + jnp.arange(9.0), lambda x, y: x + jnp.arange(9.0)[::-1]),
        (
            lambda x, y: jax.pure_callback(lambda x: np.sin(x), x, x),
            lambda x, y: jax.pure_callback(lambda x: np.cos(x), x, x),
        ),
    ],
)
def test_programs_that_differ_are_two(first, second):
    for function in (first, second, first):
        values = compiled(function, ONE, TWO, name="program")(ONE, TWO)
        jax.tree.map(np.testing.assert_array_equal, values, function(ONE, TWO))


def test_the_same_program_is_compiled_once_and_the_oldest_is_forgotten(monkeypatch):
    count = jnp.ones((), int)

    def scaled(scale):  # by a whole number, which is part of the program
        assert compiled(lambda x: scale * x, count, name="scaled")(count) == scale
        return list(_compiled._programs.values())[-1]  # the last that was used

    monkeypatch.setattr(_compiled, "_MOST", 2)
    first = scaled(2)
    assert scaled(3) is not first
    assert scaled(2) is first
    scaled(4)
    assert scaled(2) is first
    assert len(_compiled._programs) == 2
    scaled(5), scaled(6)
    assert scaled(2) is not first


@dataclasses.dataclass
class Line:
    """A field that may change, and has no hash."""

    zero: float
    slope: float = -1.0

    def __call__(self, params, batch=None):
        return gf.Players(self.slope * (params.theta - self.zero), -params.phi)

    def method(self, params, batch=None):
        return self(params, batch)


@pytest.mark.long
@pytest.mark.parametrize("as_method", [False, True])
def test_what_a_field_reads_may_change(as_method):
    line = Line(0.25)
    field = line.method if as_method else line
    for zero, slope in ((0.25, -1.0), (0.5, -1.0), (0.5, 1.0), (0.25, -1.0)):
        line.zero, line.slope = zero, slope
        (point,) = gf.find_equilibria(field, bounds=(-2, 2), num_starts=16).points
        np.testing.assert_allclose(point, (zero, 0.0), atol=1e-9)
        kind = gf.classify(field, gf.Players(zero, 0.0))
        assert kind.kind == ("stable" if slope < 0 else "saddle")
        assert kind.residual == 0
        grid = gf.grid((-1, 1), 4)
        if slope < 0:
            basins = gf.basins(gf.simultaneous(optax.sgd(0.5)), field, grid, num_steps=60)
            np.testing.assert_allclose(basins.attractors, [[zero, 0.0]], atol=1e-3)


@pytest.mark.slow
def test_a_field_with_a_kink_that_moves():
    where = [0.0]

    def field(params, batch=None):
        return gf.Players(-params.theta - jnp.abs(params.theta - where[0]) / 2, -params.phi)

    smooth = []
    for kink in (0.0, 1.0, 0.0):
        where[0] = kink
        smooth.append(gf.classify(field, gf.Players(0.0, 0.0)).smooth)
    assert smooth == [False, True, False]


def test_shapes_are_those_that_a_field_has_now():
    rank = [0]

    def field(params, batch=None):
        return gf.Players(params.theta * jnp.ones((1,) * rank[0]), params.phi)

    gf.field.check_field(field, gf.Players(1.0, 2.0))
    rank[0] = 1
    with pytest.raises(ValueError, match="must have the shape of params"):
        gf.find_equilibria(field, bounds=(-1, 1))
    with pytest.raises(ValueError, match="must have the shape of params"):
        gf.simulate(gf.simultaneous(optax.sgd(0.1)), field, gf.Players(1.0, 2.0), num_steps=1)


def test_batches_are_those_that_a_sampler_draws_now():
    size = [2]

    def sample(key):
        return jnp.ones(size[0])

    for size[0] in (2, 3):

        def field(params, batch):
            assert batch.shape == (size[0],)
            return gf.Players(-params.theta * batch.mean(), params.phi)

        gf.simulation(
            gf.simultaneous(optax.sgd(0.1)),
            field,
            gf.Players(1.0, 2.0),
            key=jax.random.key(0),
            sample=sample,
        )


def test_arrays_that_a_function_reads_are_arguments():
    programs = []
    for scale in (2.5, 3.5):
        factor = jnp.asarray(scale)
        assert compiled(lambda x, factor=factor: factor * x, ONE, name="by")(ONE) == scale
        programs.append(list(_compiled._programs.values())[-1])
    assert programs[0] is programs[1]


@pytest.mark.parametrize(
    "call",
    [
        lambda method, field, point: gf.simulate(method, field, point, num_steps=3).params,
        lambda method, field, point: gf.trajectories(
            method, field, jax.tree.map(lambda x: jnp.full(2, x), point), num_steps=3
        ),
        lambda method, field, point: gf.jacobian(field)(point),
    ],
)
def test_in_a_program_nothing_is_compiled_apart(call):
    """Also of arguments that are known when it is traced."""
    field, method = gf.vector_field(gf.games.bilinear()), gf.simultaneous(optax.sgd(0.1))
    before = list(_compiled._programs)
    program = jax.make_jaxpr(lambda: call(method, field, gf.Players(1.0, 0.5)))()
    assert "scan" in str(program)
    assert list(_compiled._programs) == before


def test_what_is_traced_outside_goes_through():
    def scaled(scale, x):
        return compiled(lambda x: scale * x, x, name="scaled")(x)

    scales = jnp.arange(3.0)
    np.testing.assert_array_equal(jax.vmap(scaled, (0, None))(scales, ONE), scales)
    np.testing.assert_array_equal(jax.vmap(scaled, (None, 0))(ONE, scales), scales)
    assert jax.grad(scaled)(2.0, ONE) == ONE
    assert jax.jit(scaled)(2.0, ONE) == 2


@pytest.mark.long
@pytest.mark.parametrize("call", ["simulate", "paths", "eigenvalues", "classify"])
def test_fresh_functions_leave_nothing_behind(call):
    def field(number):
        slope = 1 + number / 1000
        return lambda p, batch=None: gf.Players(-slope * p.theta - p.phi, p.theta - p.phi)

    point, method = gf.Players(1.0, 0.5), gf.simultaneous(optax.sgd(0.1))
    starts = jax.tree.map(lambda x: jnp.full(3, x), point)
    calls = {
        "simulate": lambda field: gf.simulate(method, field, point, num_steps=3),
        "paths": lambda field: gf.trajectories(method, field, starts, num_steps=3),
        "eigenvalues": lambda field: gf.eigenvalues(field)(point),
        "classify": lambda field: gf.classify(field, point),
    }
    maps = []
    for number in range(160):
        calls[call](field(number))
        if number % 80 == 79:
            maps.append(len(Path("/proc/self/maps").read_text().splitlines()))
    # By then as many programs as are kept are there; each has some ten maps.
    assert maps[1] - maps[0] < 200, maps
