"""Closed orbits in the plane: line styles by kind, one entry of the legend for each."""

import numpy as np
import pytest

import ganfield as gf


def cycle(form, kind, points):
    none = np.zeros(0)
    return gf.dynamics.LimitCycle(points, 1.0, form, kind, none, none, float("nan"), 0.0)


CIRCLE = gf.Players(np.cos(np.arange(5.0)), np.sin(np.arange(5.0)))


def test_kinds_and_forms():
    given = [cycle("orbit", kind, CIRCLE) for kind in ("stable", "unstable", "unstable")]
    given += [cycle("cycle", "saddle", CIRCLE), cycle("circle", "stable", CIRCLE)]
    lines = gf.plot.cycles(given)
    assert [line.get_linestyle() for line in lines] == ["-", "--", "--", "-", "None"]
    labels = lines[0].axes.get_legend_handles_labels()[1]
    assert labels == ["stable orbit", "unstable orbit", "saddle cycle", "stable circle"]
    assert [len(line.get_xdata()) for line in lines] == [6, 6, 6, 6, 5]  # all but a circle close
    assert lines[3].get_markerfacecolor() != lines[3].get_color()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([CIRCLE], "cycles must be LimitCycles, got Players as element 0"),
        (
            cycle("orbit", "stable", gf.Players(np.ones((5, 2)), np.ones(5))),
            "cycles must be of games of two numbers, and element 0 is not",
        ),
    ],
)
def test_what_has_no_place_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        gf.plot.cycles(given)
