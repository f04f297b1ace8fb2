"""Each rule of the tables against JAX, on random and on special values, in one Node process."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ganfield.export import javascript
from ganfield.export._indexing import INDEXING
from ganfield.export._movement import MOVEMENTS
from ganfield.export._reductions import REDUCTIONS
from ganfield.export._rules import TABLE
from ganfield.jaxpr import STRUCTURES
from tests.export import node

RNG = np.random.default_rng(0)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.5, -7.0, np.inf, -np.inf, np.nan)
EXTREME = (1e-9, -1e-150, 1e150, 1e-290, 2.0**31, -(2.0**40), 710.0, -745.5, 0.3, 1.2)
FLOATS = np.array([*SPECIAL, *EXTREME, *RNG.normal(size=20), *(10 * RNG.normal(size=8))])
INTS = np.array(
    [
        0,
        1,
        -1,
        2,
        7,
        -7,
        31,
        32,
        33,
        2**31 - 1,
        -(2**31),
        65536,
        123456789,
        *RNG.integers(-99, 99, 9),
    ],
    np.int32,
)
BOOLS = np.array([False, True])


def pairs(values, others=None):
    """Return all pairs as two arrays."""
    left, right = np.meshgrid(values, values if others is None else others)
    return left.reshape(-1), right.reshape(-1)


ONE = (FLOATS,)
UNIT = (np.clip(FLOATS, -1, 1),)
TWO = pairs(FLOATS)
THREE = tuple(RNG.choice(FLOATS[~np.isnan(FLOATS)], (3, 60)))
# Primitive → what it is called by, and on what; several where types differ.
ELEMENTWISE = {
    "abs": [(lax.abs, ONE), (lax.abs, (INTS,))],
    "acos": [(lax.acos, UNIT)],
    "acosh": [(lax.acosh, ONE)],
    "add": [(lax.add, TWO), (lax.add, pairs(INTS)), (lax.add, pairs(INTS.astype(np.uint32)))],
    "add_any": [(lambda x, y: jax.grad(lambda z: (z * y + z * x).sum())(x), THREE[:2])],
    "and": [(lax.bitwise_and, pairs(BOOLS)), (lax.bitwise_and, pairs(INTS))],
    "asin": [(lax.asin, UNIT)],
    "asinh": [(lax.asinh, ONE)],
    "atan": [(lax.atan, ONE)],
    "atan2": [(lax.atan2, TWO)],
    "atanh": [(lax.atanh, UNIT)],
    "cbrt": [(lax.cbrt, ONE)],
    "ceil": [(lax.ceil, ONE)],
    "clamp": [(lax.clamp, THREE), (lax.clamp, (*pairs(INTS), pairs(INTS)[0] + 5))],
    "clz": [(lax.clz, (INTS,))],
    "convert_element_type": [
        (lambda x, to=to: lax.convert_element_type(x, to), (values,))
        for values in (FLOATS, INTS, BOOLS, INTS.astype(np.int64) * 1000)
        for to in ("float32", "float64", "int32", "int64", "bool")
    ],
    "copy": [(jnp.array, ONE)],
    "cos": [(lax.cos, ONE)],
    "cosh": [(lax.cosh, ONE)],
    "div": [(lax.div, TWO), (lax.div, pairs(INTS)), (lax.div, pairs(INTS.astype(np.int64)))],
    "eq": [(lax.eq, TWO), (lax.eq, pairs(BOOLS))],
    "erf": [(lax.erf, ONE)],
    "erf_inv": [(lax.erf_inv, UNIT), (lax.erf_inv, (RNG.uniform(-1, 1, 40),))],
    "erfc": [(lax.erfc, ONE)],
    "exp": [(lax.exp, ONE)],
    "exp2": [(lax.exp2, ONE)],
    "expm1": [(lax.expm1, ONE)],
    "floor": [(lax.floor, ONE)],
    "ge": [(lax.ge, TWO)],
    "gt": [(lax.gt, TWO)],
    "integer_pow": [
        *[(lambda x, n=n: lax.integer_pow(x, n), ONE) for n in (-3, -1, 0, 1, 2, 3, 6, 7)],
        (lambda x: lax.integer_pow(x, 3), (INTS,)),
    ],
    "is_finite": [(lax.is_finite, ONE)],
    "le": [(lax.le, TWO)],
    "log": [(lax.log, ONE)],
    "log1p": [(lax.log1p, ONE)],
    "log2": [(getattr(lax, "log2", jnp.log2), ONE)],
    "logistic": [(lax.logistic, ONE)],
    "lt": [(lax.lt, TWO)],
    "max": [(lax.max, TWO), (lax.max, pairs(INTS))],
    "min": [(lax.min, TWO), (lax.min, pairs(INTS))],
    "mul": [(lax.mul, TWO), (lax.mul, pairs(INTS)), (lax.mul, pairs(INTS.astype(np.uint32)))],
    "ne": [(lax.ne, TWO), (lax.ne, pairs(BOOLS))],
    "neg": [(lax.neg, ONE), (lax.neg, (INTS,))],
    "not": [(lax.bitwise_not, (BOOLS,)), (lax.bitwise_not, (INTS,))],
    "one_minus_square": [(getattr(lax, "one_minus_square", lambda x: (1 - x) * (1 + x)), ONE)],
    "or": [(lax.bitwise_or, pairs(BOOLS)), (lax.bitwise_or, pairs(INTS))],
    "pow": [(lax.pow, TWO), (lax.pow, pairs(FLOATS, INTS[:9]))],
    "reduce_precision": [(lambda x: lax.reduce_precision(x, 11, 52), ONE)],
    "rem": [(lax.rem, TWO), (lax.rem, pairs(INTS))],
    "round": [
        (lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), ONE),
        (lambda x: lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), ONE),
    ],
    "rsqrt": [(lax.rsqrt, ONE)],
    "select_n": [
        (lax.select_n, (*pairs(BOOLS, FLOATS), pairs(BOOLS, FLOATS[::-1])[1])),
        (lambda i, x, y: lax.select_n(i, x, y, x + y), (np.arange(60) % 3, *THREE[:2])),
    ],
    "shift_left": [(lax.shift_left, pairs(INTS))],
    "shift_right_arithmetic": [(lax.shift_right_arithmetic, pairs(INTS))],
    "shift_right_logical": [(lax.shift_right_logical, pairs(INTS))],
    "sign": [(lax.sign, ONE), (lax.sign, (INTS,))],
    "sin": [(lax.sin, ONE)],
    "sinh": [(lax.sinh, ONE)],
    "sqrt": [(lax.sqrt, ONE)],
    "square": [(lax.square, ONE)],
    "sub": [(lax.sub, TWO), (lax.sub, pairs(INTS))],
    "tan": [(lax.tan, ONE)],
    "tanh": [(lax.tanh, ONE)],
    "xor": [(lax.bitwise_xor, pairs(BOOLS)), (lax.bitwise_xor, pairs(INTS))],
}
NO_FUNCTION = {"copy_p", "name", "optimization_barrier", "sharding_constraint"}
"""Primitives without a function of their own: they change nothing."""
NOT_ALWAYS = ("add_any", "convert_element_type", "copy", "log2", "one_minus_square")
"""Primitives that are not in every program that asks for them, or in older versions of JAX."""
SMALL, LARGE = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 6))
LONG = RNG.normal(size=40)


def one_hot(x, i):
    row = x.at[i]
    return (
        row.set(2.0),
        row.add(1.0),
        row.multiply(3.0),
        row.max(0.1),
        row.min(0.1),
        x.at[i, 0].set(7),
    )


# What works on whole arrays, small ones that are written out and large ones that are looped over.
OF_ARRAYS = {
    "argmax": [(lambda x: (jnp.argmax(x), jnp.argmax(x, 0)), SMALL), (jnp.argmax, LONG)],
    "argmin": [(lambda x: (jnp.argmin(x), jnp.argmin(x, 1)), SMALL)],
    "argmax of NaN": [(jnp.argmax, np.array([1.0, np.nan, 3.0, np.nan]))],
    "broadcast_in_dim": [
        (lambda x: jnp.broadcast_to(x[:, None, :], (2, 5, 3)) + 1, SMALL),
        (lambda x: jnp.broadcast_to(x[:, None, :], (4, 2, 6)) * x[0, 0], LARGE),
    ],
    "concatenate": [
        (lambda x: jnp.concatenate([x, 2 * x, jnp.ones((1, 3))]), SMALL),
        (lambda x: jnp.concatenate([x, 2 * x, x[:1], jnp.ones((1, 6))]) * 2, LARGE),
    ],
    "cummax": [(lambda x: lax.cummax(x, 1), SMALL)],
    "cummin": [(lambda x: lax.cummin(x, 0, reverse=True), LARGE)],
    "cumprod": [(lambda x: lax.cumprod(x, 1), LARGE)],
    "cumsum": [(lambda x: lax.cumsum(x, 1, reverse=True), SMALL), (jnp.cumsum, LONG)],
    "dot_general": [
        (lambda x: x @ x.T, SMALL),
        (lambda x: (x @ x.T) @ jnp.tanh(x), LARGE),
        (lambda x: jnp.einsum("bij,bkj->bik", x.reshape(2, 4, 3), x.reshape(2, 4, 3)[::-1]), LARGE),
        (lambda x: x @ x + (2 * x) @ jnp.arange(40.0), LONG),
    ],
    "dynamic_slice": [
        (lambda x, i: lax.dynamic_slice(x, (i, i), (2, 1)), LARGE, 1),
        (lambda x, i: lax.dynamic_slice(x + 1, (i, 0), (3, 6)) * 2, LARGE, 9),
        (lambda x, i: lax.dynamic_slice(x.T, (0, i), (6, 2)), LARGE, -3),
    ],
    "dynamic_update_slice": [
        (lambda x, i: lax.dynamic_update_slice(x, jnp.ones((2, 2)), (i, 1)), LARGE, 1),
        (lambda x, i: lax.dynamic_update_slice(x, x[:1] * 2, (i, i)), SMALL, 5),
    ],
    "expand_dims": [(lambda x: lax.expand_dims(x, (0, 2)), SMALL)],
    "gather": [
        (lambda x, i: (x[i], x[:, i], x[i, i], x[1 - i]), LARGE, 1),
        (lambda x: x[jnp.array([1, 0, 1])][:, jnp.array([2, 0])], SMALL),
        (lambda x, i: x[jnp.array([0, 1, 3]) * i], LARGE, 1),
        (lambda x, i: jnp.take(x, jnp.array([0, 9]) + i), LONG, 35),
        (lambda x: x.at[jnp.array([1, 7])].get(mode="fill", fill_value=jnp.nan), SMALL),
    ],
    "pad": [
        (lambda x: jnp.pad(x, 1, constant_values=3.0), SMALL),
        (lambda x: lax.pad(x, x[0, 0], ((1, -1, 0), (0, 2, 1))), LARGE),
    ],
    "reduce_and": [(lambda x: ((x > 0).all(), (x > -9).all(0)), LARGE)],
    "reduce_max": [(lambda x: (x.max(), x.max(0)), SMALL), (lambda x: (x.max(), x.max(1)), LARGE)],
    "reduce_min": [(lambda x: (x.min(), x.min(0)), LARGE)],
    "reduce_or": [(lambda x: ((x > 9).any(), (x > 1).any(1)), LARGE)],
    "reduce_prod": [(lambda x: (x.prod(), x.prod(0)), LARGE)],
    "reduce_sum": [
        (lambda x: (x.sum(), x.sum(0), x.sum(1)), SMALL),
        (lambda x: ((x * x).sum(), x.sum(0), jnp.exp(x).sum(1)), LARGE),
        (lambda x: jnp.tanh(x).sum() + (x > 0).sum(), LONG),
    ],
    "reshape": [(lambda x: x.reshape(3, 2), SMALL), (lambda x: x.reshape(2, 12) + 1, LARGE)],
    "rev": [(lambda x: x[::-1, ::-1] * 2, SMALL), (lambda x: x[:, ::-1] * 2, LARGE)],
    "scatter": [(one_hot, LARGE, 1), (one_hot, SMALL, 5), (one_hot, SMALL, -1)],
    "slice": [(lambda x: x[:, 1:], SMALL), (lambda x: x[1::2, ::-2] * 2, LARGE)],
    "split": [(lambda x: jnp.split(x, 3, axis=1), SMALL), (lambda x: jnp.split(x, 2), LARGE)],
    "squeeze": [(lambda x: x[None, :, None].squeeze() + 1, SMALL)],
    "stack": [(lambda x: jnp.stack([x, -x]), SMALL), (lambda x: jnp.stack([x, -x], 1), LARGE)],
    "transpose": [(lambda x: x.T * 2, SMALL), (lambda x: x.T * 2 + x.reshape(6, 4), LARGE)],
    "unstack": [(lambda x: list(x), SMALL)],
}
STRUCTURED = {
    "jit": [(jax.jit(jnp.sin), 1.0)],
    "custom derivatives": [(lambda x: jax.nn.relu(x) + jax.nn.gelu(x, approximate=False), LONG)],
    "checkpoint": [(jax.grad(jax.checkpoint(lambda x: jnp.sin(x) * x)), 1.0)],
    "cond": [
        (lambda x: lax.cond(x > 0, lambda y: (y, 2 * y), lambda y: (-y, y + 1), x), 1.0),
        (lambda x: lax.cond(x > 0, lambda y: (y, 2 * y), lambda y: (-y, y + 1), x), -2.0),
        (lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, lambda y: y[::-1]], x), 5, LONG),
        (lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, lambda y: y[::-1]], x), -1, LONG),
    ],
    "while": [
        (lambda x: lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * x), (0, x)), 1.5),
        (
            lambda x: lax.while_loop(lambda c: c.sum() < 99, lambda c: jnp.flip(c) * 1.5, abs(x)),
            LONG,
        ),
        (lambda x: lax.while_loop(lambda c: c[0] < 3.0, lambda c: (c[1], c[0] + 1), (x, x)), 0.5),
    ],
    "scan": [
        (lambda x: lax.scan(lambda c, a: (c * a, (c + a, c > 0)), x[0], x), LONG),
        (lambda x: lax.scan(lambda c, a: (c @ a, c), x[0] @ x, jnp.stack([x, x.T])), LARGE[:, :4]),
        (lambda x: lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=7)[0], LONG),
        (
            lambda x: lax.scan(lambda c, a: ((c[1], c[0] + a), c[0]), (0.0, 1.0), x, reverse=True),
            LONG,
        ),
        (jax.grad(lambda x: lax.scan(lambda c, a: (jnp.sin(c * a), c), x[0], x)[0]), LONG[:5]),
        (lambda x: lax.fori_loop(0, 3, lambda i, c: c.at[i].set(c.sum()), x), LONG),
    ],
    "linear solve": [
        (lambda x: lax.custom_linear_solve(lambda y: x * y, 2 * x, lambda m, b: b / x), 3.0),
    ],
}


def check(found, expected, said):
    for leaf, value in zip(found, jax.tree.leaves(expected), strict=True):
        value = np.asarray(value, float).reshape(-1)
        np.testing.assert_allclose(node.numbers(leaf).reshape(-1), value, rtol=1e-13, err_msg=said)


def test_every_rule_has_a_case():
    of_one = TABLE.keys() - NO_FUNCTION
    assert of_one == ELEMENTWISE.keys()
    of_many = MOVEMENTS | REDUCTIONS.keys() | INDEXING.keys()
    scatters = {name for name in of_many if name.startswith("scatter")}
    assert of_many - scatters <= OF_ARRAYS.keys()
    assert scatters == {"scatter"} | {
        f"scatter{mark}{how}" for mark in "-_" for how in ("add", "max", "min", "mul")
    }
    assert {"cond", "while", "scan"} <= STRUCTURED.keys() & {*STRUCTURES}


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_elements_are_those_of_jax():
    cases = [(name, *case) for name, several in ELEMENTWISE.items() for case in several]
    jobs = []
    for name, function, operands in cases:
        assert name in NOT_ALWAYS or name in str(
            jax.make_jaxpr(function)(*(x[0] for x in operands))
        )
        one = javascript(function, *(x[0] for x in operands))
        jobs.append((one, [[x.item() for x in row] for row in zip(*operands, strict=True)]))
        jobs.append((javascript(function, *operands), [[x.tolist() for x in operands]]))
    results = node.run(jobs)
    for number, (name, function, operands) in enumerate(cases):
        expected = np.asarray(function(*map(jnp.asarray, operands)))
        with np.errstate(all="ignore"):
            tiny = np.abs(expected.astype(float)) < 1e-307  # XLA flushes what is smaller to 0.
        for found in (results[2 * number], results[2 * number + 1][0]):
            values = np.array([node.numbers(each) for each in found])
            np.testing.assert_allclose(
                np.where(tiny, 0, values),
                np.where(tiny, 0, expected.astype(float)),
                rtol=1e-13,
                err_msg=f"{name} {jobs[2 * number][0]} {operands[0].dtype}",
            )


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_arrays_loops_and_branches_are_those_of_jax():
    cases = [case for table in (OF_ARRAYS, STRUCTURED) for each in table.values() for case in each]
    jobs = []
    for function, *given in cases:
        text = javascript(lambda *x, f=function: jax.tree.leaves(f(*x)), *given)
        jobs.append(
            (text, [[np.asarray(x).reshape(-1).tolist() if np.ndim(x) else x for x in given]])
        )
    for (function, *given), (text, _), result in zip(cases, jobs, node.run(jobs), strict=True):
        expected = function(*map(jnp.asarray, given))
        assert isinstance(result, list), (result, text)
        leaves = [result[0]] if len(jax.tree.leaves(expected)) == 1 else result[0]
        check(leaves, expected, text)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (jnp.sort, "no rule for the primitive 'sort', from .*test_primitives.py|jnp.max, jnp.min"),
        (lambda x: jax.pure_callback(np.sin, x, x), "'pure_callback'.*JAX's operations"),
        (lambda x: (x * 1j).imag, "primitive '.*' of complex128 numbers"),
        (lambda x: x.astype(jnp.bfloat16), "'convert_element_type' of bfloat16 numbers"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(function, said):
    with pytest.raises(ValueError, match=said):
        javascript(function, np.ones(3))


def test_float32_examples_are_float64_and_constants_are_folded():
    text = javascript(lambda x: x * jnp.sqrt(jnp.full((), 4.0)) * (3.0 / 4.0), jnp.float32(1.0))
    assert text == "(a)=>a*2*0.75"
    assert javascript(lambda x: (jnp.sin(x), 2.0), 1.0) == "(a)=>[Math.sin(a),2]"


def test_what_is_computed_twice_is_written_once_and_what_nobody_needs_not_at_all():
    def function(x):
        jnp.sort(jnp.stack([x, x]))
        return jnp.sin(x) * jnp.sin(x) + jnp.cos(x)

    assert javascript(function, 1.0) == "(a)=>{const b=Math.sin(a);return b*b+Math.cos(a)}"
