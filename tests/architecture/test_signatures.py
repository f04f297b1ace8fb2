"""What help shows of a function can be read: types by their names."""

import inspect

import pytest

import ganfield as gf
from ganfield.analysis import planes

UNIONS = ("numpy.bool", "numpy._typing", "Callable[..., ganfield")


def shown(module):
    for name, member in vars(module).items():
        is_its_own = getattr(member, "__module__", "").startswith(module.__name__)
        if inspect.isfunction(member) and is_its_own and not name.startswith("_"):
            yield name, str(inspect.signature(member))


@pytest.mark.parametrize("module", [gf.analysis, gf.data, gf.evaluation, gf.plot, planes])
def test_help_shows_types_by_their_names(module):
    signatures = dict(shown(module))
    assert len(signatures) > 5
    assert {name: s for name, s in signatures.items() if any(u in s for u in UNIONS)} == {}


def test_curves_take_what_is_like_an_array():
    assert "steps: 'ArrayLike'" in str(inspect.signature(gf.plot.curves))
