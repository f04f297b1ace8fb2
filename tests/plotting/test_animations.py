"""Animations: heads where the runs are, frame by frame, read back from the file."""

import base64
import io
import json
import re

import numpy as np
import pytest
from matplotlib import animation as mpl_animation
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

import ganfield as gf

SIZE = 200
T = np.linspace(0, 1, 5)
ACROSS = gf.Players(-0.8 + 1.6 * T, np.full(5, 0.5))
TWO = {"Euler": ACROSS, "Heun": gf.Players(np.full(5, -0.5), -0.8 + 0.8 * T)}


def square_axes():
    """Return axes that fill a figure of SIZE × SIZE pixels at 100 dpi and show [−1, 1]²."""
    figure = Figure(figsize=(SIZE / 100, SIZE / 100))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    return ax


def save(paths, path, num_frames=5, ax=None, tail=0, **options):
    with gf.plot.style(figure__constrained_layout__use=False):
        ax = square_axes() if ax is None else ax
        animation = gf.plot.animate(paths, ax, bounds=(-1, 1), num_frames=num_frames, tail=tail)
        ax.get_legend().remove()
        gf.plot.save_animation(animation, path, **options)


def frames(path):
    with Image.open(path) as image:
        pictures = []
        for index in range(image.n_frames):
            image.seek(index)
            pictures.append(np.asarray(image.convert("RGB"), float))
    return pictures


def where(frame, color):
    """Return the middle of the pixels of a colour, in data coordinates, and their number."""
    near = np.abs(frame - 255 * np.array(to_rgb(color))).max(axis=-1) <= 6
    rows, columns = np.nonzero(near)
    if not len(rows):
        return None, 0
    height, width = near.shape
    at = np.array([(columns.mean() + 0.5) / width, 1 - (rows.mean() + 0.5) / height])
    return 2 * at - 1, len(rows)


@pytest.mark.long
def test_heads_are_where_the_runs_are(tmp_path):
    save(TWO, tmp_path / "a.gif")
    pictures = frames(tmp_path / "a.gif")
    assert len(pictures) == 5
    for index, frame in enumerate(pictures):
        for color, points in zip(gf.plot.COLORS, TWO.values(), strict=False):
            at, _ = where(frame, color)
            expected = [points.theta[index], points.phi[index]]
            np.testing.assert_allclose(at, expected, atol=2.5 / SIZE)


@pytest.mark.parametrize(("num_frames", "at"), [(3, [0, 2, 4]), (1, [0]), (2, [0, 4])])
def test_frames_are_spread_from_the_first_to_the_last(tmp_path, num_frames, at):
    save({"Euler": ACROSS}, tmp_path / "a.gif", num_frames)
    places = [where(frame, gf.plot.COLORS[0])[0] for frame in frames(tmp_path / "a.gif")]
    np.testing.assert_allclose([x for x, _ in places], ACROSS.theta[at], atol=2.5 / SIZE)


def test_every_run_has_a_head(tmp_path):
    theta = np.array([[-0.5, 0.0, 0.5]] * 2)
    phi = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    save({"Euler": gf.Players(theta, phi)}, tmp_path / "a.gif", num_frames=2)
    for frame, height in zip(frames(tmp_path / "a.gif"), (0, 0.5), strict=True):
        for part, expected in zip(np.split(frame, [75, 125], axis=1), (-0.5, 0, 0.5), strict=True):
            _, count = where(part, gf.plot.COLORS[0])
            assert count > 5, expected
        np.testing.assert_allclose(where(frame, gf.plot.COLORS[0])[0], [0, height], atol=0.03)


def test_a_tail_fades():
    """Look at the collection of pieces itself."""
    ax = square_axes()
    animation = gf.plot.animate({"Euler": ACROSS}, ax, bounds=(-1, 1), num_frames=5, tail=3)
    (trace,) = ax.collections
    assert len(trace.get_segments()) == 0  # Nothing is behind the first record.
    *_, last = animation.new_frame_seq()
    animation._draw_frame(last)
    pieces = np.array(trace.get_segments())
    np.testing.assert_allclose(pieces[:, 0, 0], ACROSS.theta[1:4])
    np.testing.assert_allclose(pieces[:, 1, 0], ACROSS.theta[2:5])
    np.testing.assert_allclose(trace.get_color()[:, 3], [1 / 3, 2 / 3, 1])
    finish(animation)


def finish(animation):
    """Matplotlib warns of animations that nobody has seen."""
    animation._draw_was_started = True


def test_a_usual_tail_is_a_tenth():
    ax = square_axes()
    theta = np.linspace(-1, 1, 40)
    animation = gf.plot.animate({"Euler": gf.Players(theta, theta)}, ax, num_frames=2)
    animation._draw_frame(1)
    assert len(ax.collections[0].get_segments()) == 4
    finish(animation)


def test_a_run_that_is_lost_leaves_a_cross():
    ax = square_axes()
    theta = np.array([[0.0, 0.5], [0.1, 0.6], [np.nan, 0.7], [0.3, 0.8]])
    animation = gf.plot.animate({"Euler": gf.Players(theta, 0 * theta)}, ax, num_frames=4, tail=2)
    head, cross = ax.lines
    (trace,) = ax.collections
    for index, crosses, pieces in [(1, 0, 2), (2, 1, 3), (3, 1, 2)]:
        animation._draw_frame(index)
        assert np.isfinite(head.get_xdata()).sum() == 2 - crosses
        np.testing.assert_array_equal(cross.get_xdata(), [0.1][:crosses])
        assert len(trace.get_segments()) == pieces
    finish(animation)


def test_a_legend_stays_in_its_place():
    _, ax = plt.subplots()
    animation = gf.plot.animate(TWO, ax, num_frames=2)
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["Euler", "Heun"]
    ax.figure.canvas.draw()
    assert legend.get_window_extent().y0 >= ax.get_window_extent().y1  # No run comes there.
    before = legend.get_window_extent().bounds
    animation._draw_frame(1)
    ax.figure.canvas.draw()
    assert legend.get_window_extent().bounds == before
    colors = {line.get_color() for line in ax.lines if not line.get_label().startswith("_")}
    assert len(colors) == 2


def test_free_axes_show_all_points():
    _, ax = plt.subplots()
    theta = np.array([0.0, 3.0, np.nan])
    animation = gf.plot.animate({"Euler": gf.Players(theta, -theta)}, ax, num_frames=2)
    assert ax.get_xlim()[0] < 0 < 3 < ax.get_xlim()[1] < 4
    assert ax.get_ylim()[0] < -3 < 0 < ax.get_ylim()[1]
    ax.figure.canvas.draw()
    del animation


@pytest.mark.slow
def test_axes_with_limits_keep_them():
    _, ax = plt.subplots()
    gf.plot.field(lambda params, batch: params, ax, bounds=(-1, 1), kind="quiver")
    animation = gf.plot.animate({"Euler": gf.Players(9 * T, 9 * T)}, ax, num_frames=2)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-1, 1))
    ax.figure.canvas.draw()
    del animation


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"paths": {}}, "paths must hold at least one label"),
        ({"paths": {"a": ACROSS, "b": gf.Players(T[:3], T[:3])}}, "got {'a': 5, 'b': 3}"),
        ({"paths": {"a": gf.Players(T, T[:3])}}, r"paths\['a'\] must be Players of two arrays"),
        ({"paths": {"_a": ACROSS}}, "label must say"),
        ({"bounds": (-0.5, 1)}, r"paths\['a'\] must start within the bounds.*\(-0\.8, 0\.5\)"),
        ({"bounds": 3}, r"bounds must be \(low, high\)"),
        ({"num_frames": 0}, "num_frames must be an integer ≥ 1"),
        ({"tail": -1}, "tail must be an integer ≥ 0"),
    ],
)
def test_what_cannot_be_animated_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.animate(**({"paths": {"a": ACROSS}} | given))
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("fps", "each"), [(20, 50), (10, 100), (12.5, 80), (1000, 10)])
def test_a_gif_has_the_speed_asked_for(tmp_path, fps, each):
    save({"Euler": ACROSS}, tmp_path / "a.gif", fps=fps)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        assert image.info["duration"] == each


def test_a_gif_has_the_size_asked_for(tmp_path):
    save({"Euler": ACROSS}, tmp_path / "A.GIF", num_frames=2, dpi=50)
    with Image.open(tmp_path / "A.GIF") as image:
        assert (image.format, image.size) == ("GIF", (100, 100))


@pytest.mark.slow
def test_heads_keep_their_colours_on_a_field(tmp_path):
    """Pillow's usual choice of 256 colours, by area, changes those of heads by up to 60 of 255."""
    paths = {str(index): gf.Players(0.2 * index - 0.6 + 0 * T, 0 * T) for index in range(7)}
    with gf.plot.style(figure__constrained_layout__use=False):
        ax = square_axes()
        gf.plot.field(lambda params, batch: params, ax, bounds=(-1, 1))
        save(paths, tmp_path / "a.gif", num_frames=1, ax=ax)
    (frame,) = frames(tmp_path / "a.gif")
    assert min(where(frame, color)[1] for color in gf.plot.COLORS) > 5
    # The figure can tell: with the usual choice some head is lost.
    ax.figure.savefig(tmp_path / "a.png", dpi=100)
    with Image.open(tmp_path / "a.png") as image:
        usual = np.asarray(image.convert("RGB").quantize().convert("RGB"), float)
    assert min(where(usual, color)[1] for color in gf.plot.COLORS) == 0


def test_a_dark_figure_is_saved_dark(tmp_path):
    with gf.plot.style(dark=True):
        _, ax = plt.subplots(figsize=(1, 1))
        ground = np.array(to_rgb(ax.get_facecolor())) * 255
        animation = gf.plot.animate({"Euler": ACROSS}, ax, num_frames=2)
        gf.plot.save_animation(animation, tmp_path / "a.gif", dpi=60)
    np.testing.assert_allclose(frames(tmp_path / "a.gif")[0][1, 1], ground, atol=3)


def test_a_folder_is_made(tmp_path):
    save({"Euler": ACROSS}, tmp_path / "deep" / "er" / "a.gif", num_frames=1)
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["a.gif"]


def test_a_file_is_whole_or_not_there(tmp_path):
    target = tmp_path / "a.gif"
    target.write_text("old")
    figure = Figure(figsize=(1, 1))
    folders = []

    def draw(index):
        folders.append(sorted(path.suffix for path in tmp_path.iterdir()))
        if index == 2:
            raise RuntimeError("lost")
        return []

    broken = mpl_animation.FuncAnimation(figure, draw, frames=4, init_func=list)
    with pytest.raises(RuntimeError, match="lost"):
        gf.plot.save_animation(broken, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    assert folders
    save({"Euler": ACROSS}, target)
    assert len(frames(target)) == 5
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", ["a.webm", "a", "a.gif.png", ".gif"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"path must end in \.gif, \.html or \.mp4, got"):
        gf.plot.save_animation(None, tmp_path / name)


def test_mp4_without_ffmpeg_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(mpl_animation.writers, "is_available", lambda name: False)
    with pytest.raises(ValueError, match=r"must end in \.gif.*\.mp4 needs ffmpeg, which is not"):
        gf.plot.save_animation(None, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_page_has_all_frames_and_asks_no_network(tmp_path):
    save(TWO, tmp_path / "a.html", fps=8)
    page = (tmp_path / "a.html").read_text("utf-8")
    pictures = json.loads(re.search(r"frames = (\[.*?\])", page).group(1))
    assert len(pictures) == 5
    for index, picture in enumerate(pictures):
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            at, _ = where(np.asarray(image.convert("RGB"), float), gf.plot.COLORS[0])
        np.testing.assert_allclose(at, [ACROSS.theta[index], 0.5], atol=2.5 / SIZE)
    assert "wait = 125;" in page
    assert "http" not in page
    assert "%" not in page.replace("100%", "").replace("+ 1) % frames", "")


REAL = np.array([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.5]])
CLOUDS = np.stack([REAL[:2] * share for share in (0.0, 0.5, 3.0)])


def test_samples_are_dots_on_fixed_axes():
    ax = square_axes()
    animation = gf.plot.animate_samples(CLOUDS, ax, real=REAL, steps=[0, 10, 20])
    real, dots = ax.collections
    np.testing.assert_array_equal(real.get_offsets(), REAL)
    assert real.get_zorder() < dots.get_zorder()
    limits = (*ax.get_xlim(), *ax.get_ylim())
    assert -limits[0] == limits[1] == -limits[2] == limits[3] > 2
    (text,) = ax.texts
    said = ["step 0", "step 10", "step 20\n100% outside"]
    for index, expected in enumerate(said):
        drawn = animation._draw_frame(index)
        np.testing.assert_array_equal(dots.get_offsets(), CLOUDS[index])
        assert text.get_text() == expected
        assert (*ax.get_xlim(), *ax.get_ylim()) == limits
    # Nothing joins a record to the next.
    assert ax.lines[:] == []
    assert drawn is None
    assert [each.get_text() for each in ax.get_legend().get_texts()] == ["real", "generated"]
    ax.figure.canvas.draw()
    # The legend is above the axes, where no sample lies.
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1
    finish(animation)


def test_samples_that_are_lost_are_counted():
    clouds = CLOUDS.copy()
    clouds[1, 0, 1] = np.nan
    ax = square_axes()
    animation = gf.plot.animate_samples(clouds, ax, num_frames=2)
    # The last finite record is what the axes show.
    assert ax.get_xlim()[1] == pytest.approx(6 * 1.08)
    assert ax.texts[0].get_text() == "record 0"
    animation._draw_frame(1)
    assert ax.texts[0].get_text() == "record 2"
    finish(animation)
    animation = gf.plot.animate_samples(clouds, square_axes(), limit=1.5)
    animation._draw_frame(1)
    (dots,) = animation._fig.axes[0].collections
    np.testing.assert_array_equal(dots.get_offsets(), clouds[1, 1:])
    assert animation._fig.axes[0].texts[0].get_text() == "record 1\nfailed: 1 of 2 not finite"
    finish(animation)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"samples": CLOUDS[0]}, r"samples must have shape \(records, n, 2\), got \(2, 2\)"),
        ({"samples": CLOUDS[:0]}, r"got \(0, 2, 2\)"),
        ({"samples": np.full((1, 2, 2), np.nan)}, "a record that is finite, or limit"),
        ({"real": REAL[0]}, r"real must be finite numbers of shape \(n, 2\), .*\(2,\)"),
        ({"real": REAL + np.inf}, "real must be finite numbers"),
        ({"steps": [0, 1]}, r"steps must have shape \(3,\), .*got \(2,\)"),
        ({"limit": 0}, "limit must be a finite number > 0"),
        ({"num_frames": 0}, "num_frames must be an integer ≥ 1"),
    ],
)
def test_samples_that_cannot_be_animated_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.animate_samples(**({"samples": CLOUDS} | given))
    assert plt.get_fignums() == []


@pytest.mark.parametrize("option", ["fps", "dpi"])
@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "20"])
def test_numbers_are_checked(tmp_path, option, value):
    with pytest.raises(ValueError, match=f"{option} must be a finite number > 0"):
        gf.plot.save_animation(None, tmp_path / "a.gif", **{option: value})


def test_a_folder_that_is_none_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="the folder of path must be a folder that can be written"):
        gf.plot.save_animation(None, tmp_path / "file" / "a.gif")
