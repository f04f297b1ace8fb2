"""Bifurcation diagrams: stretches by what they are, events where they are."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import ganfield as gf

KINDS = ("fold", "pitchfork", "transcritical", "branch point", "hopf", "flip", "neimark-sacker")


def diagram(events=(), spurious=None):
    """One branch over 0, …, 4: stable up to 2, where something may happen, and then a saddle."""
    values = np.arange(5.0)
    branch = SimpleNamespace(
        values=values,
        params=gf.Players(values**2, np.stack([values, -values], axis=1)),
        kinds=np.array(
            ["stable", "stable", "undecided" if events else "saddle", "saddle", "saddle"]
        ),
        spurious=spurious,
        events=tuple(
            SimpleNamespace(kind=kind, value=2.0, place=2, resonance=resonance)
            for kind, resonance in events
        ),
    )
    return SimpleNamespace(branches=(branch,), events=branch.events, knob="gamma")


def test_stretches_meet_at_the_event():
    stable, unstable, event = gf.plot.branches(diagram([("hopf", "")]))
    np.testing.assert_array_equal(stable.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(unstable.get_xdata(), [2, 3, 4])
    assert (stable.get_linestyle(), unstable.get_linestyle()) == ("-", "--")
    assert (stable.get_label(), unstable.get_label()) == ("stable", "unstable")
    np.testing.assert_array_equal(event.get_xydata(), [[2, 4]])
    assert event.get_label() == "Hopf"
    assert (stable.axes.get_xlabel(), stable.axes.get_ylabel()) == ("γ", "parameter 0")


def test_what_is_spurious_has_a_colour_of_its_own():
    spurious = np.array([False, False, False, True, True])
    stable, unstable = gf.plot.branches(diagram(spurious=spurious))[::2]
    assert to_hex(stable.get_color()) != to_hex(unstable.get_color())
    assert unstable.get_label() == "spurious, unstable"


@pytest.mark.parametrize(
    ("ordinate", "height"),
    [(0, 16), (1, 4), (2, -4), (lambda point: point.theta + point.phi[1], 12)],
)
def test_any_coordinate_or_function_is_the_ordinate(ordinate, height):
    *_, last = gf.plot.branches(diagram(), ordinate=ordinate)
    np.testing.assert_array_equal(last.get_xydata()[-1], [4, height])


@pytest.mark.parametrize("dark", [False, True])
def test_events_differ_without_colour(dark):
    _, ax = plt.subplots()
    with gf.plot.style(dark=dark):
        drawn = gf.plot.branches(diagram([(kind, "1:4") for kind in KINDS]), ax)[2:]
        looks = {(line.get_marker(), to_hex(line.get_markerfacecolor())) for line in drawn}
        assert len(looks) == len(KINDS)
        assert ax.texts[0].get_text() == "1 : 4"
        assert len({line.get_label() for line in drawn}) == len(KINDS)


def test_rounding_does_not_fill_the_axis():
    given = diagram()
    given.branches[0].params = gf.Players(1e-170 * np.arange(5.0), np.zeros(5))
    line = gf.plot.branches(given)[0]
    assert not line.get_ydata().any()
    assert line.axes.get_ylabel() == "θ"


def test_a_parameter_that_is_not_there():
    with pytest.raises(ValueError, match="ordinate must be an integer from 0 to 2, got 3"):
        gf.plot.branches(diagram(), ordinate=3)
    assert plt.get_fignums() == []
