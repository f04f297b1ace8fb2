"""Figures: what they return, where they draw, and that what they say is so."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import scipy.stats
from matplotlib import pyplot as plt
from matplotlib.animation import FuncAnimation
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.quiver import Quiver
from matplotlib.streamplot import StreamplotSet

import ganfield as gf

EIGENVALUES = np.array([-1 + 2j, -1 - 2j, 0.5 + 0j])


def itself(drawn):
    return drawn


def first(drawn):
    return drawn[0]


def last(drawn):
    return drawn[-1]


POINTS = np.random.default_rng(0).normal(scale=0.3, size=(50, 2))
GRID = gf.Players(*np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 1.0]))
BASINS = SimpleNamespace(
    grid=GRID,
    outcome=np.array([[0, 1, 2], [0, 3, 0]]),
    attractor=np.array([[0, -1, -1], [0, -1, 0]]),
    attractors=np.array([[-1.0, 0.0]]),
)
SADDLE = SimpleNamespace(params=gf.Players(0.5, -0.5), kind="saddle", spurious=None)
STABILITY = SimpleNamespace(
    axes={"step_size": np.array([0.1, 0.5]), "gamma": np.array([0.0, 1.0])},
    spectral_radius=np.array([[1.005, 0.906], [1.118, 0.707]]),
    rate=np.array([[1.005, 0.906], [1.118, 0.707]]),
    share=np.array([[[0.0, 1.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]]),
)
PATH = gf.Players(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 0.2]))


DENSITY = gf.spectra.SpectralDensity(
    "symmetric", np.linspace(-1, 1, 5), np.array([0.0, 0.1, 0.8, 0.1, 0.0]), np.full(5, 0.01),
    0.02, 0.1, np.zeros((2, 3)), np.ones((2, 3)) / 3, 100,
)  # fmt: skip
ALONG = gf.spectra.PathDiagnostics(
    np.array([-0.1, 0.5, 1.1]), np.array([1.0, 0.5, -1.0]), np.array([9.0, 3.0, 0.1]),
    np.array([-0.2, -0.5, np.nan]), np.ones(3), 2.0,
)  # fmt: skip


def turn(params, batch=None):
    """v of the bilinear game."""
    return gf.Players(-params.phi, params.theta)


def draw_field(kind):
    return lambda **to: gf.plot.field(turn, bounds=(-1, 1), kind=kind, density=0.2, **to)


def draw_animation(ax=None):
    """Return the animation, and its head, which says where it is drawn."""
    animation = gf.plot.animate({"a": PATH}, ax)
    assert type(animation) is FuncAnimation
    lines = (ax or plt.gcf().axes[0]).lines
    return animation, next(line for line in lines if line.get_label() == "a")


# Name → how to draw, what that returns, and one artist of what it returns.
DRAW = {
    "curves": (lambda **to: gf.plot.curves([0, 1, 2], [3.0, 1.0, 2.0], **to), Line2D, itself),
    "density": (lambda **to: gf.plot.density(POINTS, **to), AxesImage, itself),
    "spectrum": (lambda **to: gf.plot.spectrum(EIGENVALUES, **to), PathCollection, itself),
    "stream": (draw_field("stream"), StreamplotSet, lambda drawn: drawn.lines),
    "quiver": (draw_field("quiver"), Quiver, itself),
    "trajectory": (lambda **to: gf.plot.trajectory(PATH, label="a", **to), list, first),
    "equilibria": (lambda **to: gf.plot.equilibria([SADDLE], **to), list, first),
    "basins": (lambda **to: gf.plot.basins(BASINS, **to), AxesImage, itself),
    "stability_diagram": (
        lambda **to: gf.plot.stability_diagram(STABILITY, **to),
        QuadMesh,
        itself,
    ),
    "spectral_density": (lambda **to: gf.plot.spectral_density(DENSITY, **to), Line2D, itself),
    "path": (lambda **to: gf.plot.path(ALONG, **to), list, first),
    "animate": (draw_animation, tuple, last),
}


def texts(artist):
    return [text.get_text() for text in artist.axes.texts]


@pytest.mark.parametrize("name", DRAW)
def test_no_axes_means_new_ones(name):
    draw, kind, artist_of = DRAW[name]
    drawn = [draw(), draw(ax=None)]
    assert len(plt.get_fignums()) == 2
    assert [type(result) for result in drawn] == [kind, kind]
    first, second = map(artist_of, drawn)
    assert first.axes is not second.axes
    for artist in (first, second):
        artist.figure.canvas.draw()


@pytest.mark.parametrize("name", DRAW)
def test_axes_that_are_given_are_used_without_pyplot(name, monkeypatch):
    draw, kind, artist_of = DRAW[name]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    monkeypatch.delattr(mpl, "pyplot")
    left, right = Figure().subplots(1, 2)
    drawn = draw(ax=right)
    assert type(drawn) is kind
    artist = artist_of(drawn)
    assert artist.axes is right
    assert artist in right.get_children()
    assert not left.has_data()
    FigureCanvasAgg(right.figure).draw()


@pytest.mark.long
def test_no_backend_is_set(tmp_path):
    code = (
        "import matplotlib as mpl, sys, ganfield as gf; from matplotlib.figure import Figure; "
        "ax = Figure().subplots(); "
        "gf.plot.curves([0, 1], [1, 2], ax); gf.plot.spectrum([1j], ax); "
        "gf.plot.density([[0, 0]], ax); gf.plot.style(dark=True).__enter__(); "
        "v = lambda params, batch: params; path = gf.Players([0.0, 1.0], [0.0, 1.0]); "
        "gf.plot.field(v, ax, bounds=(-1, 1)); gf.plot.trajectory(path, ax, label='a'); "
        "gf.plot.equilibria([], ax); animation = gf.plot.animate({'a': path}, ax, num_frames=2); "
        "gf.plot.save_animation(animation, sys.argv[1], dpi=20); "
        "print(mpl.get_backend(auto_select=False), 'matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.gif")],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "JAX_PLATFORMS": "cpu", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert found.stdout.strip() == "None False"


@pytest.mark.parametrize("name", DRAW)
def test_the_backend_in_use_stays(name):
    plt.switch_backend("svg")
    try:
        drawn = DRAW[name][0]()
        assert mpl.get_backend() == "svg"
        DRAW[name][2](drawn).figure.canvas.draw()
    finally:
        plt.switch_backend("Agg")


def test_curves_draws_the_mean_and_each_seed():
    steps, values = np.array([0, 5, 20]), np.array([[1.0, 3.0], [2.0, 4.0], [0.0, np.nan]])
    line = gf.plot.curves(steps, values, color="C3", linestyle="--", label="loss")
    np.testing.assert_array_equal(line.get_xdata(), steps)
    # A seed that is NaN leaves the mean of the others.
    np.testing.assert_array_equal(line.get_ydata(), [2.0, 3.0, 0.0])
    first, second, mean = line.axes.lines
    assert mean is line
    for seed, drawn in enumerate((first, second)):
        np.testing.assert_array_equal(drawn.get_ydata(), values[:, seed])
        assert drawn.get_alpha() < 1
    assert {x.get_color() for x in line.axes.lines} == {"C3"}
    assert (line.get_linestyle(), first.get_linestyle()) == ("--", "-")
    assert line.get_zorder() > first.get_zorder()
    assert line.axes.get_legend_handles_labels() == ([line], ["loss"])


@pytest.mark.parametrize("values", [[4.0, 5.0], [[4.0], [5.0]]])
def test_curves_draws_one_seed_once(values):
    line = gf.plot.curves([0, 1], values)
    np.testing.assert_array_equal(line.get_ydata(), [4.0, 5.0])
    assert list(line.axes.lines) == [line]


@pytest.mark.parametrize(
    ("steps", "values"), [((3,), (2,)), ((2,), (3, 2)), ((3, 1), (3,)), ((3,), (3, 2, 2)), ((), ())]
)
def test_curves_refuses_shapes_that_do_not_fit(steps, values):
    with pytest.raises(ValueError, match="steps and values must have shapes"):
        gf.plot.curves(np.zeros(steps), np.zeros(values))
    assert plt.get_fignums() == []


def test_curves_that_lie_on_each_other_are_told_apart():
    ax = plt.subplots()[1]
    lines = [gf.plot.curves([0, 1], [[1.0, 1.0], [2.0, 2.0]], ax, label=str(k)) for k in range(4)]
    assert [line.get_color() for line in lines] == ["C0", "C1", "C2", "C3"]
    assert not lines[0].is_dashed()
    dashes = [line._dash_pattern for line in lines]
    assert len({str(pattern) for pattern in dashes}) == 4
    # What is drawn later has gaps, through which what is below shows.
    assert all(line.is_dashed() for line in lines[1:])


@pytest.mark.parametrize("name", [name for name in DRAW if name != "animate"])
def test_layouts_of_matplotlib_do_not_complain(name):
    """Warnings are errors here."""
    draw, _, artist_of = DRAW[name]
    figure = artist_of(draw()).figure
    figure.tight_layout()
    figure.canvas.draw()


def test_density_has_ticks_and_real_data():
    ax = plt.subplots()[1]
    real = np.array([[2.0, 1.0], [-1.0, 0.5]])
    image = gf.plot.density([[0.0, 0.0], [3.0, 0.0]], ax, real=real)
    assert ax.get_xlim() == ax.get_ylim() == pytest.approx((-2.16, 2.16))
    assert 3 <= len(ax.get_xticks()) <= 7
    (dots,) = ax.collections
    np.testing.assert_array_equal(dots.get_offsets(), real)
    assert dots.get_zorder() > image.get_zorder()
    assert ax.get_legend_handles_labels()[1] == ["real"]
    assert texts(image) == ["50% outside"]
    for wrong in (real[0], np.nan * real):
        with pytest.raises(ValueError, match=r"real must be finite numbers of shape \(n, 2\)"):
            gf.plot.density([[0.0, 0.0]], real=wrong)


def test_density_is_the_kernel_estimate():
    # 3 samples at one pixel's centre and 1 at another's, so that binning moves none.
    points = np.array([[0.505, -0.705]] * 3 + [[-0.255, 0.805]])
    image = gf.plot.density(points, bandwidth=0.06)
    assert list(image.get_extent()) == [-1.6, 1.6, -1.6, 1.6]
    assert image.origin == "lower"
    centres = -1.6 + 0.01 * (np.arange(320) + 0.5)
    at = np.stack(np.meshgrid(centres, centres), axis=-1)
    kernels = [scipy.stats.multivariate_normal(point, 0.06**2).pdf(at) for point in points]
    mass = np.sum(kernels, axis=0) * 0.01**2
    drawn = np.asarray(image.get_array()) ** 2
    near = mass > 0.01 * mass.max()
    np.testing.assert_allclose(drawn[near], mass[near], rtol=2e-3)
    np.testing.assert_allclose(drawn.sum(), 4, rtol=1e-6)
    assert texts(image) == []


def test_density_takes_size_and_colours():
    image = gf.plot.density([[0.5, 0.5]], limit=1.0, resolution=41, cmap="Reds")
    assert image.get_array().shape == (41, 41)
    assert image.get_cmap().name == "Reds"
    assert list(image.get_extent()) == [-1, 1, -1, 1]


@pytest.mark.parametrize(
    ("lost", "said"), [(0, []), (1, []), (2, ["1% outside"]), (50, ["25% outside"])]
)
@pytest.mark.parametrize("where", [[1.7, 0.0], [0.0, -5.0]])
def test_density_says_how_much_is_outside(lost, said, where):
    points = np.zeros((200, 2))
    points[:lost] = where
    image = gf.plot.density(points)
    assert texts(image) == said
    np.testing.assert_allclose((np.asarray(image.get_array()) ** 2).sum(), 200 - lost, rtol=1e-6)


def test_density_counts_the_edge_as_inside():
    image = gf.plot.density([[1.6, 1.6], [-1.6, -1.6]])
    assert texts(image) == []
    assert image.get_array()[0, 0] > 0
    assert image.get_array()[-1, -1] > 0


def test_density_draws_nothing_where_all_is_lost():
    image = gf.plot.density(np.full((4, 2), np.nan))
    np.testing.assert_array_equal(image.get_array(), 0)
    assert texts(image) == ["failed: 4 of 4 not finite"]


@pytest.mark.parametrize("lost", [[np.nan, 0.0], [0.0, np.inf]])
def test_density_says_what_failed(lost):
    image = gf.plot.density([[0.0, 0.0], lost, [1.7, 0.0]])
    assert texts(image) == ["failed: 1 of 3 not finite\n33% outside"]


@pytest.mark.parametrize("shape", [(4,), (4, 3), (2, 4, 2), ()])
def test_density_refuses_what_is_not_in_the_plane(shape):
    with pytest.raises(ValueError, match=r"samples must have shape \(n, 2\)"):
        gf.plot.density(np.zeros(shape))
    assert plt.get_fignums() == []


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3)])
def test_spectrum_draws_every_eigenvalue(shape):
    rng = np.random.default_rng(0)
    values = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    points = gf.plot.spectrum(values, color="C2", label="J")
    flat = values.ravel()
    np.testing.assert_allclose(points.get_offsets(), np.stack([flat.real, flat.imag], axis=1))
    assert to_hex(points.get_facecolor()[0]) == to_hex("C2")
    assert points.get_label() == "J"
    assert texts(points) == []


def test_spectrum_draws_the_line_of_stability():
    ax = gf.plot.spectrum(EIGENVALUES).axes
    (axis,) = ax.lines
    np.testing.assert_array_equal(axis.get_xdata(), [0, 0])
    assert list(ax.patches) == []

    ax = gf.plot.spectrum(EIGENVALUES, unit_circle=True).axes
    (circle,) = ax.patches
    assert isinstance(circle, Circle)
    assert (circle.center, circle.radius, circle.get_fill()) == ((0, 0), 1, False)
    assert ax.get_aspect() == 1
    assert list(ax.lines) == []


def test_spectrum_draws_the_circle_of_a_step_size():
    ax = gf.plot.spectrum(EIGENVALUES, step_size=0.4).axes
    (circle,) = ax.patches
    assert (circle.center, circle.radius) == ((-2.5, 0), 2.5)
    assert ax.get_aspect() == 1
    assert 0 < circle.get_facecolor()[3] < 0.3
    # The imaginary axis stays.
    assert len(ax.lines) == 1
    # What is shaded is what Euler's steps contract.
    points = np.random.default_rng(1).uniform(-6, 2, (200, 2))
    inside = circle.contains_points(ax.transData.transform(points))
    np.testing.assert_array_equal(inside, np.abs(1 + 0.4 * (points @ [1, 1j])) < 1)
    assert 0 < inside.sum() < 200


@pytest.mark.parametrize("step_size", [0, -0.1, np.nan, np.inf, 1j, "0.1", [0.1, 0.2], True])
def test_spectrum_refuses_what_is_no_step_size(step_size):
    with pytest.raises(ValueError, match="step_size must be a finite number > 0, got"):
        gf.plot.spectrum(EIGENVALUES, step_size=step_size)
    assert plt.get_fignums() == []


def test_spectrum_has_one_circle():
    with pytest.raises(ValueError, match=r"give one of them, got step_size=0\.1 and unit_circle"):
        gf.plot.spectrum(EIGENVALUES, step_size=0.1, unit_circle=True)
    assert plt.get_fignums() == []


def test_spectrum_of_real_eigenvalues():
    offsets = gf.plot.spectrum([-1.0, 2.0]).get_offsets()
    np.testing.assert_array_equal(offsets, [[-1, 0], [2, 0]])


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((-2, 2, -3, 3), []),
        ((-1, 0.5, -2, 2), []),  # The edge is inside.
        ((-0.9, 0.5, -2, 2), ["2 outside"]),
        ((-1, 0.4, -2, 2), ["1 outside"]),
        ((-1, 0.5, -1.9, 2), ["1 outside"]),
        ((-1, 0.5, -2, 1.9), ["1 outside"]),
        ((5, 6, 5, 6), ["3 outside"]),
    ],
)
def test_spectrum_says_how_many_are_outside(box, said):
    points = gf.plot.spectrum(EIGENVALUES, box=box)
    assert texts(points) == said
    assert points.axes.get_xlim() + points.axes.get_ylim() == box


def test_spectrum_counts_nan_as_outside():
    points = gf.plot.spectrum([0j, complex(np.nan, 0), complex(0, np.inf)], box=(-1, 1, -1, 1))
    assert texts(points) == ["2 outside"]


def test_style_holds_inside_and_ends_outside():
    before = mpl.rcParams.copy()
    with gf.plot.style(font__size=7, **{"lines.linewidth": 3.0}):
        assert mpl.rcParams["font.size"] == 7
        assert mpl.rcParams["lines.linewidth"] == 3.0
        assert not mpl.rcParams["axes.spines.top"]
        cycle = [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]
        assert cycle == list(gf.plot.COLORS)
        line = gf.plot.curves([0, 1], [0, 1])
        assert to_hex(line.get_color()) == gf.plot.COLORS[0].lower()
    assert mpl.rcParams == before


def luminance(color):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one, other):
    """Return WCAG's contrast of two colours, from 1 to 21."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_style_of_dark_figures():
    before = mpl.rcParams.copy()
    with gf.plot.style(dark=True, font__size=7):
        assert mpl.rcParams["font.size"] == 7
        cycle = [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]
        assert cycle == list(gf.plot.DARK_COLORS)
        figure, ax = plt.subplots()
        ground = ax.get_facecolor()
        assert to_hex(ground) == to_hex(figure.get_facecolor())
        assert min(contrast(color, ground) for color in cycle) > 4
        text = (ax.xaxis.label.get_color(), ax.title.get_color(), ax.spines["left"].get_edgecolor())
        assert min(contrast(color, ground) for color in text) > 10
        # Lines and notes that were grey on white.
        noted = gf.plot.spectrum([1j, 5j], ax, box=(-1, 1, -2, 2))
        assert contrast(ax.texts[0].get_color()[:3], ground) > 10
        assert contrast(to_rgb(ax.lines[0].get_color()), ground) > 10
        assert noted.axes.lines[0].get_color()[3] == 0.5
    assert mpl.rcParams == before


def test_style_ends_after_an_error():
    before = mpl.rcParams.copy()
    with pytest.raises(KeyError, match=r"no\.such"), gf.plot.style(no__such=1):
        pass
    with pytest.raises(ZeroDivisionError), gf.plot.style(font__size=5):
        _ = 1 / 0
    assert mpl.rcParams == before


def test_colours_differ():
    for colors in (gf.plot.COLORS, gf.plot.DARK_COLORS):
        assert len({to_hex(color) for color in colors}) == len(colors) == 7


def test_a_number_between_two_that_are_none_is_a_dot():
    line = gf.plot.curves(np.arange(5), [1.0, np.nan, 2.0, 3.0, np.nan])
    assert (line.get_marker(), line.get_markevery()) == (".", [0])
    assert gf.plot.curves([0, 1], [1.0, 2.0]).get_marker() == "None"


@pytest.mark.parametrize(
    ("values", "scale"),
    [([1.0, 31.0], "log"), ([1.0, 29.0], "linear"), ([0.0, 31.0], "linear"),
     ([np.nan, np.nan], "linear"), ([-1.0, 31.0], "linear"), ([1.0, np.nan, 31.0], "log")],
)  # fmt: skip
def test_what_differs_much_has_a_logarithmic_axis(values, scale):
    line = gf.plot.curves(np.arange(len(values)), values)
    gf.plot.log_where_wide(line.axes)
    assert line.axes.get_yscale() == scale
