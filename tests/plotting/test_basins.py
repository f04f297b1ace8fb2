"""Basins: each start in the colour of where it ends."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle

import ganfield as gf

CONVERGED, CYCLE, DIVERGED, UNDECIDED = range(4)


def result(outcome, attractor, attractors, bounds=((-2.0, 2.0), (-1.0, 1.0))):
    outcome = np.array(outcome)
    rows, columns = outcome.shape
    theta, phi = np.linspace(*bounds[0], columns), np.linspace(*bounds[1], rows)
    return SimpleNamespace(
        grid=gf.Players(*np.meshgrid(theta, phi)),
        outcome=outcome,
        attractor=np.array(attractor),
        attractors=np.reshape(np.array(attractors, float), (-1, 2)),
    )


def sectors(count):
    """Return a result with as many attractors, each with two columns of its own."""
    attractor = np.tile(np.repeat(np.arange(count), 2), (3, 1))
    points = np.stack([np.linspace(-2, 2, count), np.zeros(count)], axis=1)
    return result(0 * attractor, attractor, points)


def colours(image):
    """Return every pixel's colour as the image shows it."""
    return image.to_rgba(image.get_array())


SIX = result([[0, 0, 1], [2, 3, 0]], [[0, 1, -1], [-1, -1, 1]], [[-2, -1], [0, -1]])


def test_pixels_have_the_colours_of_the_legend():
    image = gf.plot.basins(SIX)
    np.testing.assert_array_equal(image.get_array(), [[0, 1, 2], [3, 4, 1]])
    handles, labels = image.axes.get_legend_handles_labels()
    assert labels == ["attractor 1", "attractor 2", "limit cycle", "diverged", "undecided"]
    shown = colours(image)
    at = {0: (0, 0), 1: (0, 1), 2: (0, 2), 3: (1, 0), 4: (1, 1)}
    for index, handle in enumerate(handles):
        assert to_hex(handle.get_facecolor()) == to_hex(shown[at[index]])
    np.testing.assert_array_equal(shown[1, 2], shown[0, 1])
    assert len({to_hex(handle.get_facecolor()) for handle in handles}) == 5


def test_pixels_are_centred_on_their_starts():
    image = gf.plot.basins(SIX)
    np.testing.assert_allclose(image.get_extent(), [-3, 3, -2, 2])
    assert image.origin == "lower"
    ax = image.axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ", "φ")
    assert ax.get_aspect() == 1


def test_what_is_seen_lies_where_it_starts():
    """Read the colours back from the drawn figure."""
    image = gf.plot.basins(sectors(3))
    figure, ax = image.figure, image.axes
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    for theta, column in [(-1.9, 0), (-1.0, 1), (0.1, 3), (1.5, 5)]:
        x, y = ax.transData.transform((theta, 0.5)).astype(int)
        np.testing.assert_allclose(
            pixels[len(pixels) - 1 - y, x] / 255, colours(image)[0, column], atol=1 / 128
        )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 14, 15, 30, 40])
def test_attractors_differ(count, dark):
    with gf.plot.style(dark=dark):
        image = gf.plot.basins(sectors(count))
    handles, _ = image.axes.get_legend_handles_labels()
    looks = [(to_hex(handle.get_facecolor()), handle.get_hatch()) for handle in handles]
    assert len(set(looks)) == len(looks) == count
    assert not any(hatch for _, hatch in looks[:7])
    assert all(hatch for _, hatch in looks[7:])
    # What the legend shows hatched is so in the image.
    hatched = [patch for patch in image.axes.patches if isinstance(patch, PathPatch)]
    assert len(hatched) == max(0, count - 7)


@pytest.mark.parametrize(("outcome", "hatch"), [(CYCLE, False), (DIVERGED, True)])
def test_hatches_tell_outcomes_in_grey(outcome, hatch):
    image = gf.plot.basins(result([[outcome, 0], [0, 0]], [[-1, 0], [0, 0]], [[0, 0]]))
    found = [patch for patch in image.axes.patches if isinstance(patch, PathPatch)]
    assert len(found) == hatch
    for patch in found:
        box = patch.get_path().get_extents()
        np.testing.assert_allclose([box.x0, box.y0, box.x1, box.y1], [-2, -1, 0, 0])


def test_attractors_are_marked_and_numbered():
    image = gf.plot.basins(SIX)
    marked = np.concatenate([markers.get_offsets() for markers in image.axes.collections])
    np.testing.assert_array_equal(marked, SIX.attractors)
    texts = image.axes.texts
    assert [(text.get_text(), text.get_position()) for text in texts] == [
        ("1", (-2, -1)),
        ("2", (0, -1)),
    ]
    assert all(text.get_clip_on() for text in texts)


def test_one_attractor_needs_no_number():
    image = gf.plot.basins(sectors(1))
    assert image.axes.get_legend_handles_labels()[1] == ["attractor"]
    assert [text.get_text() for text in image.axes.texts if text.get_text()] == []


@pytest.mark.parametrize("outcome", [CYCLE, DIVERGED, UNDECIDED])
def test_no_attractor_at_all(outcome):
    image = gf.plot.basins(result(np.full((2, 2), outcome), np.full((2, 2), -1), []))
    names = {CYCLE: "limit cycle", DIVERGED: "diverged", UNDECIDED: "undecided"}
    assert image.axes.get_legend_handles_labels()[1] == [names[outcome]]
    image.figure.canvas.draw()


def test_what_the_legend_copies_is_not_seen():
    image = gf.plot.basins(SIX)
    entries = [patch for patch in image.axes.patches if isinstance(patch, Rectangle)]
    assert len(entries) == 5
    image.figure.canvas.draw()
    for entry in entries:
        assert not entry.get_in_layout()
        assert entry.get_clip_on()
        assert not image.axes.bbox.overlaps(entry.get_window_extent())
    legend = image.axes.legend()
    assert [patch.get_visible() for patch in legend.get_patches()] == [True] * 5


def replaced(**changes):
    return SimpleNamespace(**(vars(SIX) | changes))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (replaced(outcome=np.zeros((3, 2), int)), r"one shape.*got \(2, 3\), \(2, 3\), \(3, 2\)"),
        (replaced(attractor=np.zeros(6, int)), r"one shape \(rows, columns\).*\(6,\)"),
        (result([[0, 0]], [[0, 0]], [0, 0]), "two or more of each"),
        (replaced(outcome=np.full((2, 3), 4)), r"outcome must hold numbers from 0 to 3, got \[4\]"),
        (replaced(attractor=np.full((2, 3), 2)), r"attractor must hold rows of the 2 .*got \[2\]"),
        (replaced(attractor=np.full((2, 3), -1)), r"where the outcome is 0, got \[-1\]"),
        (replaced(grid=gf.Players(*SIX.grid[::-1])), "grid must have even steps"),
        (replaced(grid=gf.Players(-SIX.grid.theta, SIX.grid.phi)), "θ rising along rows"),
        (replaced(grid=gf.Players(SIX.grid.theta, SIX.grid.phi * np.nan)), "even steps"),
        (replaced(grid=gf.Players(SIX.grid.theta**3 + SIX.grid.theta + np.array([0, 0.3, 0]),
                                  SIX.grid.phi)), "even steps"),
    ],
)  # fmt: skip
def test_results_that_do_not_fit_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.basins(given)
    assert plt.get_fignums() == []


def test_a_grid_in_float32_is_even_enough():
    theta = np.linspace(-2, 2, 301, dtype=np.float32)
    grid = gf.Players(*np.meshgrid(theta, theta))
    image = gf.plot.basins(
        SimpleNamespace(
            grid=grid,
            outcome=np.full(grid.theta.shape, CYCLE),
            attractor=np.full(grid.theta.shape, -1),
            attractors=np.zeros((0, 2)),
        )
    )
    assert image.get_array().shape == (301, 301)
