"""Markers of equilibria: each where it is, and its kind told without colour."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

import ganfield as gf

KINDS = ("stable", "unstable", "saddle", "centre", "undecided", "none")


def found(theta, phi, kind, spurious=None):
    return SimpleNamespace(params=gf.Players(theta, phi), kind=kind, spurious=spurious)


def shape(markers):
    """Return what is seen in a print in grey: the outline and whether it is filled."""
    (path,) = markers.get_paths()
    filled = to_hex(markers.get_facecolor()[0]) != to_hex(markers.axes.get_facecolor())
    return np.round(path.vertices, 6).tobytes(), filled


def test_points_are_where_they_are():
    given = [found(0.0, 1.0, "stable"), found(2.0, 3.0, "saddle", False), found(4, 5, "stable")]
    stable, saddle = gf.plot.equilibria(iter(given))
    np.testing.assert_array_equal(stable.get_offsets(), [[0, 1], [4, 5]])
    np.testing.assert_array_equal(saddle.get_offsets(), [[2, 3]])
    assert (stable.get_label(), saddle.get_label()) == ("stable", "saddle")
    assert stable.axes is saddle.axes
    assert (stable.axes.get_xlabel(), stable.axes.get_ylabel()) == ("θ", "φ")


@pytest.mark.parametrize("dark", [False, True])
def test_kinds_differ_without_colour(dark):
    given = [found(i, 0, kind) for i, kind in enumerate(KINDS)]
    given += [found(8, 0, "stable", True), found(9, 0, "saddle", True)]
    with gf.plot.style(dark=dark):
        drawn = gf.plot.equilibria(given)
        drawn[0].figure.canvas.draw()
    assert len({shape(markers) for markers in drawn}) == len(given)
    labels = [markers.get_label() for markers in drawn]
    assert labels == [*KINDS[:-1], "no equilibrium", "spurious attractor", "spurious"]
    by_label = dict(zip(labels, map(shape, drawn), strict=True))
    (circle, filled), (open_circle, empty) = by_label["stable"], by_label["unstable"]
    assert (filled, empty) == (True, False)
    assert circle == open_circle


def test_the_outline_stands_out_from_the_ground():
    for markers in gf.plot.equilibria([found(i, 0, kind) for i, kind in enumerate(KINDS)]):
        assert to_hex(markers.get_edgecolor()[0]) != to_hex(markers.axes.get_facecolor())
        assert markers.get_path_effects()  # The rim of the ground's colour.


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_spurious_is_a_star_whatever_its_kind(kind):
    (markers,) = gf.plot.equilibria([found(1.0, 2.0, kind, True)])
    assert markers.get_label() == ("spurious attractor" if kind == "stable" else "spurious")
    np.testing.assert_array_equal(markers.get_offsets(), [[1, 2]])


@pytest.mark.parametrize("number", [float, np.float64, jnp.float32, np.array, jnp.asarray])
def test_numbers_of_any_kind(number):
    (markers,) = gf.plot.equilibria([found(number(0.5), number(-1.0), "centre")])
    np.testing.assert_array_equal(markers.get_offsets(), [[0.5, -1]])


def test_a_legend_names_a_kind_once():
    _, ax = plt.subplots()
    first = gf.plot.equilibria([found(0, 0, "stable"), found(1, 0, "saddle")], ax)
    gf.plot.equilibria([found(0, 1, "stable"), found(1, 1, "centre")], ax)
    handles, labels = ax.get_legend_handles_labels()
    assert labels == ["stable", "saddle", "centre"]
    assert handles[:2] == first


@pytest.mark.parametrize("empty", [[], (), iter([])])
def test_nothing_is_drawn_for_none(empty):
    _, ax = plt.subplots()
    assert gf.plot.equilibria(empty, ax) == []
    assert not ax.collections


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (found(0, 0, "stabel"), "unknown kind 'stabel': did you mean 'stable'"),
        (found(0, 0, "spurious"), "unknown kind 'spurious'"),
        (found(np.zeros(2), np.zeros(2), "stable"), "Players of two numbers, got .* in element 1"),
        (found({"w": 1.0}, 1.0, "stable"), "params must be Players of two numbers"),
        (
            SimpleNamespace(params=np.zeros(2), kind="stable", spurious=None),
            "params must be Players of two numbers",
        ),
    ],
)
def test_what_has_no_place_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.equilibria([found(0, 0, "saddle"), given])
    assert plt.get_fignums() == []
