"""Transforms and products of fields that JAX cannot differentiate."""

import jax
import pytest

import ganfield as gf
from tests.cases import TRANSFORMS, assert_trees_close
from tests.rough_fields import START, backwards_only, callback, forwards_only, smooth

VALUES_ALONE = {"identity", "scaled", "clipped"}
BACKWARD = {"consensus", "conservative_relaxation", "jare", "smoothed"}


@pytest.mark.parametrize("name", gf.TRANSFORMS)
def test_transforms_say_what_they_need(name):
    def transformed(field):
        return gf.TRANSFORMS[name](field, **TRANSFORMS[name])(START)

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
        lambda: gf.field.estimate_rotation(callback)(START, jax.random.key(0)),
    ):
        with pytest.raises(ValueError, match=r"needs .* products of the field"):
            call()
