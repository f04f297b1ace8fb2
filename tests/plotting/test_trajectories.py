"""Paths of runs: all of what is finite, one name, and nothing that starts unseen."""

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import ganfield as gf

NAN, INF = np.nan, np.inf


def marks(ax, marker):
    """Return the points that have a marker, in order of drawing."""
    lines = [line for line in ax.lines if line.get_marker() == marker]
    return np.concatenate([line.get_xydata() for line in lines] or [np.empty((0, 2))])


def squares(ax):
    """Return the open squares and the filled ones."""
    found = {True: [], False: []}
    for line in ax.lines:
        if line.get_marker() == "s":
            filled = to_hex(line.get_markerfacecolor()) == to_hex(line.get_markeredgecolor())
            found[filled] += line.get_xydata().tolist()
    return found[False], found[True]


def test_one_run():
    theta, phi = np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, -1.0])
    (line,) = gf.plot.trajectory(gf.Players(theta, phi), label="Euler")
    np.testing.assert_array_equal(line.get_xydata(), [[0, 0], [1, 0.5], [2, -1]])
    assert squares(line.axes) == ([[0, 0]], [[2, -1]])
    assert len(marks(line.axes, "x")) == 0
    assert line.axes.get_legend_handles_labels() == ([line], ["Euler"])
    assert (line.axes.get_xlabel(), line.axes.get_ylabel()) == ("θ", "φ")


def test_several_runs_have_one_entry_and_one_colour():
    theta = jnp.arange(12.0).reshape(4, 3)
    lines = gf.plot.trajectory(gf.Players(theta, -theta), label="Euler", linestyle="--")
    for run, line in enumerate(lines):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([theta, -theta], -1)[:, run])
    ax = lines[0].axes
    assert ax.get_legend_handles_labels() == ([lines[0]], ["Euler"])
    assert {line.get_color() for line in ax.lines} == {lines[0].get_color()}
    assert {line.get_linestyle() for line in lines} == {"--"}
    assert squares(ax) == ([[0, 0], [1, -1], [2, -2]], [[9, -9], [10, -10], [11, -11]])


def test_each_call_takes_the_next_colour():
    points = gf.Players(np.arange(6.0).reshape(2, 3), np.zeros((2, 3)))
    with gf.plot.style():
        _, ax = plt.subplots()
        drawn = [gf.plot.trajectory(points, ax, label=label) for label in "abc"]
    assert tuple(lines[-1].get_color() for lines in drawn) == gf.plot.COLORS[:3]
    (line, *_) = gf.plot.trajectory(points, ax, label="d", color="0.2")
    assert line.get_color() == "0.2"


def test_what_is_not_finite_is_cut_and_crossed():
    theta = np.array([[0.0, 1.0, 2.0], [0.1, 1.1, 2.1], [NAN, 1.2, 2.2], [0.3, INF, 2.3]])
    phi = np.array([[0.0, 0.0, 0.0], [0.0, NAN, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    lines = gf.plot.trajectory(gf.Players(theta, phi), label="Euler")
    # The second run is NaN in φ alone; what comes after is no part of a run.
    expected = [[[0, 0], [0.1, 0]], [[1, 0]], [[2, 0], [2.1, 0], [2.2, 0], [2.3, 0.5]]]
    assert [line.get_xydata().tolist() for line in lines] == expected
    ax = lines[0].axes
    assert marks(ax, "x").tolist() == [[0.1, 0], [1, 0]]
    assert squares(ax) == ([[0, 0], [1, 0], [2, 0]], [[2.3, 0.5]])
    assert ax.get_legend_handles_labels()[1] == ["Euler"]


def test_bounds_cut_paths_and_not_points():
    points = gf.Players(np.array([0.0, 1.0, 50.0, 1e30]), np.array([1.0, 0.0, 3.0, -1e300]))
    (line,) = gf.plot.trajectory(points, label="Euler", bounds=gf.Players((0, 2), (-1, 1)))
    ax = line.axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 2), (-1, 1))  # A start may be on the edge.
    assert len(line.get_xydata()) == 4
    assert line.get_clip_on()
    ax.figure.canvas.draw()


def test_axes_that_show_a_field_stay_as_they_are():
    _, ax = plt.subplots()
    gf.plot.field(lambda params, batch: params, ax, bounds=(-1, 1), kind="quiver")
    gf.plot.trajectory(gf.Players(np.array([0.0, 9.0]), np.array([0.0, 9.0])), ax, label="Euler")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-1, 1))


def test_long_paths_are_thinned_to_their_ends():
    theta = np.arange(1001.0)
    points = gf.Players(theta, np.where(theta < 900, theta, NAN))
    (line,) = gf.plot.trajectory(points, label="Euler", max_points=30)
    at = line.get_xdata()
    assert (len(at), at[0], at[-1]) == (30, 0, 899)
    assert np.ptp(np.diff(at)) <= 1
    (line,) = gf.plot.trajectory(points, label="Euler")
    assert len(line.get_xdata()) == 900


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ((-1, 1), r"θ in \[-1\.0, 1\.0\] and φ in \[-1\.0, 1\.0\]: 2 of 3 do not.*\(1\.5, 0\)"),
        (
            gf.Players((-2, 2), (-1, 1)),
            r"θ in \[-2\.0, 2\.0\] and φ in .*: 1 of 3 do not.*\(0, -3\)",
        ),
    ],
)
def test_a_start_out_of_bounds_is_refused(bounds, said):
    points = gf.Players(np.array([[0.0, 1.5, 0.0]] * 2), np.array([[0.0, 0.0, -3.0]] * 2))
    with pytest.raises(ValueError, match="points must start within the bounds, " + said):
        gf.plot.trajectory(points, label="Euler", bounds=bounds)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (np.zeros((3, 2)), "got ndarray"),
        ((np.zeros(3), np.zeros(3)), "got tuple"),
        (gf.Players(np.zeros(3), np.zeros(2)), r"got shapes \(3,\) and \(2,\)"),
        (gf.Players(np.zeros((3, 1)), np.zeros(3)), r"got shapes \(3, 1\) and \(3,\)"),
        (gf.Players(np.zeros((3, 2, 2)), np.zeros((3, 2, 2))), r"got shapes \(3, 2, 2\) and"),
        (gf.Players(1.0, 2.0), r"got shapes \(\) and \(\)"),
        (gf.Players(np.zeros(0), np.zeros(0)), r"got shapes \(0,\) and \(0,\)"),
        (gf.Players(np.zeros((3, 0)), np.zeros((3, 0))), r"got shapes \(3, 0\) and"),
        (gf.Players({"w": 1}, {"w": 1}), "got Players of dict and dict"),
        (gf.Players([[1.0], [2.0, 3.0]], [1.0]), "got Players of list and list"),
    ],
)
def test_other_shapes_are_refused(points, said):
    wanted = r"points must be Players of two arrays of one shape, \(records,\) or \(records, k\), "
    with pytest.raises(ValueError, match=wanted + said):
        gf.plot.trajectory(points, label="Euler")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_start_that_is_not_finite_is_refused(bad):
    points = gf.Players(np.array([[0.0, bad], [0.0, 0.0]]), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"points must start at finite numbers.*start of run 1"):
        gf.plot.trajectory(points, label="Euler")


@pytest.mark.parametrize("label", ["", " ", "_hidden", None, 3])
def test_a_label_that_no_legend_shows_is_refused(label):
    points = gf.Players(np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match="label must say what drew the paths"):
        gf.plot.trajectory(points, label=label)


def test_there_must_be_a_label():
    with pytest.raises(TypeError, match="label"):
        gf.plot.trajectory(gf.Players(np.zeros(2), np.zeros(2)))


def test_points_that_are_given_stay():
    theta = np.array([0.0, NAN, 1.0])
    gf.plot.trajectory(gf.Players(theta, theta), Figure().subplots(), label="Euler")
    np.testing.assert_array_equal(theta, [0.0, NAN, 1.0])
