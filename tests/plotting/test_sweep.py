"""Sweeps drawn along their axes: means, spreads, marks, maps, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_rgb

import ganfield as gf

STEPS = np.array([0, 10, 20])
SIZES, GAMMAS, SEEDS = np.array([0.1, 0.2, 0.4]), np.array([0.0, 1.0]), np.arange(4)


def result(stopped=(), unsolved=(), done=None, method=False):
    """Return runs whose quantity is step · h + 100 γ + seed: its means are known."""
    names = np.array(["one", "two"])
    axes = {"step_size": SIZES, "method" if method else "gamma": names if method else GAMMAS}
    axes |= {"seed": SEEDS}
    t, h, gamma, seed = np.meshgrid(STEPS, SIZES, GAMMAS, SEEDS, indexing="ij")
    values = t * h + 100 * gamma + seed
    at = np.full(values.shape[1:], -1)
    failed = at.copy()
    for place in stopped:
        at[place] = 15
        values[(2, *place)] = np.nan
    for place in unsolved:
        failed[place] = 5
    run = SimpleNamespace(steps=STEPS, stopped_at=at, unsolved_at=failed, records={"loss": values})
    drawn = gf.Sweep(run, 1.0, 1.0, axes, done)
    return drawn, values


def marks(ax):
    return [
        (tuple(offset), size)
        for drawn in ax.collections
        if isinstance(drawn, PathCollection) and drawn.get_offsets().size
        for offset, size in zip(np.asarray(drawn.get_offsets()), drawn.get_sizes(), strict=True)
    ]


def test_lines_are_means_and_bands_a_deviation():
    lines = gf.plot.sweep(result()[0], "loss")
    ax = lines[0].axes
    assert [line.get_label() for line in lines] == ["γ = 0", "γ = 1"]
    for line, gamma in zip(lines, GAMMAS, strict=True):
        np.testing.assert_allclose(line.get_xdata(), SIZES)
        np.testing.assert_allclose(line.get_ydata(), 20 * SIZES + 100 * gamma + 1.5)
    band = next(each for each in ax.collections if isinstance(each, PolyCollection))
    heights = band.get_paths()[0].vertices[:, 1]
    deviation = np.std(SEEDS, ddof=1)
    assert heights.min() == pytest.approx(20 * 0.1 + 1.5 - deviation)
    assert heights.max() == pytest.approx(20 * 0.4 + 1.5 + deviation)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step size h", "loss, mean over seed")
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.1", "0.2", "0.4"]
    assert marks(ax) == []


def test_stopped_runs_are_left_out_and_marked():
    some = [(0, 1, 2), (2, 1, 0), (2, 1, 1), (2, 1, 2), (2, 1, 3)]
    lines = gf.plot.sweep(result(some, unsolved=[(1, 0, 0)])[0], "loss")
    kept = [0, 1, 3]
    expected = [20 * 0.1 + 100 + np.mean(kept), 20 * 0.2 + 100 + 1.5, np.nan]
    np.testing.assert_allclose(lines[1].get_ydata(), expected)
    ax = lines[0].axes
    at = {x: size for (x, _), size in marks(ax)}
    assert set(at) == {0.1, 0.2, 0.4}
    assert at[0.1] < at[0.4]  # one of four, all four
    named = ["γ = 0", "γ = 1", "some runs stopped", "some inner solves failed"]
    assert ax.get_legend_handles_labels()[1] == named
    low, high = ax.get_xlim()
    assert low < 0.1
    assert high > 0.4  # where there is no point of a line, but a mark


def test_along_the_steps():
    lines = gf.plot.sweep(result([(0, 1, 2)])[0], "loss", x="step", lines="gamma")
    np.testing.assert_allclose(lines[0].get_xdata(), STEPS)
    np.testing.assert_allclose(lines[0].get_ydata(), STEPS * SIZES.mean() + 1.5)
    h, seed = np.meshgrid(SIZES, SEEDS, indexing="ij")
    last = (20 * h + 100 + seed)[~((h == 0.1) & (seed == 2))].mean()
    np.testing.assert_allclose(lines[1].get_ydata()[[0, 2]], [101.5, last])
    assert [place[0] for place, _ in marks(lines[0].axes)] == [15]
    assert lines[0].axes.get_ylabel() == "loss, mean over step size h, seed"


def test_a_map_holds_the_means():
    some = [(2, 1, seed) for seed in range(4)] + [(0, 0, 3)]
    image = gf.plot.sweep(result(some)[0], "loss", x="gamma", y="step_size")
    assert isinstance(image, QuadMesh)
    shown = image.get_array()
    expected = 20 * SIZES[:, None] + 100 * GAMMAS + 1.5
    expected[0, 0] = 20 * 0.1 + 1.0
    np.testing.assert_allclose(shown.filled(np.nan)[:2], expected[:2])
    assert shown.mask.tolist() == [[False, False], [False, False], [False, True]]
    ax = image.axes
    assert {place for place, _ in marks(ax)} == {(1.0, 0.4), (0.0, 0.1)}
    image.figure.canvas.draw()
    red, green, blue, _ = image.to_rgba(shown)[2, 1]
    assert max(red, green, blue) - min(red, green, blue) < 0.05
    assert image.to_rgba(shown)[1, 1, :3] == pytest.approx(to_rgb(gf.plot.COLORS[0]), abs=0.02)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("γ", "step size h")
    assert ax.get_title() == "loss, mean over seed"


def test_choices_lie_side_by_side():
    ax = gf.plot.sweep(result(method=True)[0], "loss", x="method", lines="step_size")[0].axes
    assert [text.get_text() for text in ax.get_xticklabels()] == ["one", "two"]
    assert {line.get_linestyle() for line in ax.lines[:3]} == {"None"}
    image = gf.plot.sweep(result(method=True)[0], "loss", x="step_size", y="method")
    assert [text.get_text() for text in image.axes.get_yticklabels()] == ["one", "two"]


def test_what_is_not_done_does_not_count():
    done = np.ones((3, 2, 4), bool)
    done[0, 0, 3] = False
    lines = gf.plot.sweep(result(done=done)[0], "loss")
    assert lines[0].get_ydata()[0] == pytest.approx(20 * 0.1 + 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "gama"}, "unknown axis, x, 'gama': did you mean 'gamma'"),
        ({"x": "gamma", "lines": "gamma"}, "x, y and lines must be different axes"),
        ({"y": "gamma", "lines": "step_size"}, "a map has no lines: give y or lines"),
        ({"x": "step", "y": "gamma"}, "unknown axis, x, 'step'"),
        ({"quantity": "los"}, "unknown record 'los': did you mean 'loss'"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        gf.plot.sweep(result()[0], **arguments)
    assert plt.get_fignums() == []


def test_arrays_are_no_quantity():
    sweep = result()[0]
    sweep.run.records["many"] = np.zeros((3, 3, 2, 4, 5))
    with pytest.raises(ValueError, match=r"one number for each run, and 'many' is .* \(5,\)"):
        gf.plot.sweep(sweep, "many")
