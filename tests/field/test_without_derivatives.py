"""Transforms and products of fields that JAX cannot differentiate."""

import re

import jax
import pytest

import ganfield as gf
from tests.cases import TRANSFORMS, assert_trees_close
from tests.rough_fields import START, backwards_only, callback, forwards_only, smooth

FIELDS = {"values": callback, "backwards": backwards_only, "forwards": forwards_only}
# What of them these work on; of others it is only asked that they say what they need.
WORK = (
    {name: set(FIELDS) for name in ("identity", "scaled", "clipped")}
    | {name: {"backwards"} for name in ("consensus", "conservative_relaxation", "jare", "smoothed")}
    | {name: {"forwards"} for name in ("simultaneous_drift", "alternating_drift")}
    | {"linearized_competitive": {"forwards"}, "symplectic": set()}
)


@pytest.mark.parametrize("name", gf.TRANSFORMS)
def test_transforms_say_what_they_need(name):
    def transformed(field):
        return gf.TRANSFORMS[name](field, **TRANSFORMS[name])(START)

    expected = transformed(smooth)
    needs = rf"{name} needs (Jacobian–vector|vector–Jacobian) products of the field"
    works = set()
    for kind, field in FIELDS.items():
        said = None
        try:
            value = transformed(field)
        except ValueError as error:
            said = str(error)
        if said is None:
            assert_trees_close(value, expected, rtol=1e-6)
            works.add(kind)
        else:
            assert re.search(needs, said), kind
    assert works == WORK.get(name, works)


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
