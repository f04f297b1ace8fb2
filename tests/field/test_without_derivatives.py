"""Transforms and products of fields that JAX cannot differentiate."""

import jax
import jax.numpy as jnp
import pytest

import ganfield as gf
from tests.cases import FIELDS, assert_trees_close

START = gf.Players(1.0, 0.4)
VALUES_ALONE = {"identity", "scaled", "clipped"}
BACKWARD = {"consensus", "conservative_relaxation", "jare", "smoothed"}


def smooth(params, batch=None):
    return gf.Players(-params.theta / 4 - params.phi, params.theta - params.phi / 2)


@jax.custom_vjp
def _backwards(params):
    return smooth(params)


_backwards.defvjp(lambda params: (smooth(params), None), lambda _, u: (gf.vjp(smooth)(START, u),))


def backwards_only(params, batch=None):
    return _backwards(params)


def callback(params, batch=None):
    shape = jax.ShapeDtypeStruct((), jnp.float32)
    return jax.pure_callback(smooth, gf.Players(shape, shape), params)


def forwards_only(params, batch=None):
    """A loop whose length is a value has no derivatives backwards."""
    return jax.lax.while_loop(lambda p: p.theta > 1e3, smooth, smooth(params))


@pytest.mark.parametrize("name", gf.FIELDS)
def test_transforms_say_what_they_need(name):
    def transformed(field):
        return gf.FIELDS[name](field, **FIELDS[name])(START)

    expected = transformed(smooth)
    needs = rf"{name} needs (Jacobian–vector|vector–Jacobian) products of the field"
    for field, works in (
        (callback, name in VALUES_ALONE),
        (backwards_only, name in VALUES_ALONE | BACKWARD),
        (forwards_only, name not in BACKWARD | {"symplectic"}),
    ):
        if works:
            assert_trees_close(transformed(field), expected, rtol=1e-6)
        else:
            with pytest.raises(ValueError, match=needs):
                transformed(field)


def test_products_say_what_they_need():
    for call in (
        lambda: gf.jvp(callback)(START, START),
        lambda: gf.jvp(backwards_only)(START, START),
        lambda: gf.vjp(forwards_only)(START, START),
        lambda: gf.jacobian(forwards_only)(START),
        lambda: gf.estimate_rotation(callback)(START, jax.random.key(0)),
    ):
        with pytest.raises(ValueError, match=r"needs .* products of the field"):
            call()
