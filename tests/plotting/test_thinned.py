"""Long paths, thinned by what is seen of them; and runs, which say what failed in them."""

import numpy as np
import pytest

import ganfield as gf

TURN = 0.1 * np.arange(20_001)
CIRCLE = gf.Players(np.cos(TURN), np.sin(TURN))


def drawn(points, **options):
    """The vertices of the first line, and the lengths of what joins them."""
    (line, *_) = gf.plot.trajectory(points, label="some", bounds=(-2, 2), **options)
    vertices = np.asarray(line.get_xydata(), float)
    lengths = np.linalg.norm(np.diff(vertices, axis=0), axis=1)
    return vertices[np.isfinite(vertices[:, 0])], lengths[np.isfinite(lengths)], line


@pytest.mark.parametrize(("max_points", "longest"), [(None, 0.1001), (300, 0.2001)])
def test_a_circle_stays_a_circle(max_points, longest):
    vertices, lengths, line = drawn(CIRCLE, max_points=max_points)
    # A step of the path is a chord of 0.1; one across the circle is none that it ever took.
    assert lengths.max() < longest
    assert len(vertices) <= (max_points or 10_000)
    assert line.get_label() == f"some\n{len(vertices):,} of 20,001 points"
    # All round it, and to its ends.
    angles = np.sort(np.arctan2(vertices[:, 1], vertices[:, 0]))
    assert np.diff(angles).max() < longest + 0.01
    np.testing.assert_array_equal(vertices[0], [1, 0])


def test_all_that_is_left_out_lies_beside_what_is_drawn():
    radius = np.linspace(1.02, 1.0, len(TURN))
    path = radius[:, None] * np.stack(CIRCLE, axis=1)
    vertices, _, _ = drawn(gf.Players(*path.T))
    assert len(vertices) < 20_001
    far = [np.abs(vertices - point).max(axis=1).min() for point in path[::97]]
    assert max(far) <= 4 / 1000


def test_a_spike_is_not_thinned_away():
    flat, spike = np.linspace(-1, 1, 20_001), np.zeros(20_001)
    spike[12_345] = 1.0
    for most in (None, 50):
        vertices, _, _ = drawn(gf.Players(flat, spike), max_points=most)
        assert len(vertices) <= (most or 5000)
        if most is None:
            assert vertices[:, 1].max() == 1


def test_a_path_that_goes_far_away_is_drawn_to_its_end():
    theta = 1.001 ** np.arange(20_001.0)
    vertices, _, _ = drawn(gf.Players(theta, np.zeros_like(theta)))
    assert vertices[-1, 0] == theta[-1]


def run(unsolved_at, stopped_at):
    steps = np.arange(0, 50, 10)
    records = gf.Players(np.linspace(0, 1, 5)[:, None] + [0, 0.1], np.zeros((5, 2)))
    return gf.Run(None, steps, records, np.array(stopped_at), np.array(unsolved_at))


def test_what_comes_after_a_failed_solve_is_dotted_and_said():
    first, second, third = gf.plot.trajectory(run([-1, 12], [-1, -1]), label="ridge")
    assert [line.get_linestyle() for line in (first, second, third)] == ["-", "-", ":"]
    assert first.get_label() == "ridge\n1 of 2 inner solve failed at step 12 or later"
    # Step 12 lies between the records of 10 and 20.
    np.testing.assert_allclose(second.get_xdata(), [0.1, 0.35])
    np.testing.assert_allclose(third.get_xdata(), [0.35, 0.6, 0.85, 1.1])


def test_a_run_that_stopped_is_said():
    (line, *_) = gf.plot.trajectory(run([-1, -1], [41, 35]), label="Euler")
    assert line.get_label() == "Euler\n2 of 2 stopped at step 35 or later"
    motion = gf.plot.animate({"Euler": run([1, -1], [-1, -1])}, bounds=(-2, 2), num_frames=2)
    (said,) = motion._fig.axes[0].get_legend().get_texts()
    assert said.get_text() == "Euler\n1 of 2 inner solve failed at step 1 or later"
    motion._draw_was_started = True  # It need not play.
