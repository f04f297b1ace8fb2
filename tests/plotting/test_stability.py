"""The diagram of stability: pixels, colours, the two edges, and what is refused."""

from types import SimpleNamespace

import numpy as np
import optax
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.contour import ContourSet

import ganfield as gf

ROWS, COLUMNS = np.linspace(0.1, 1.5, 8), np.linspace(0.0, 2.0, 11)


def result(radius=None, rows=ROWS, columns=COLUMNS, names=("step_size", "gamma"), **changes):
    """Return consensus on the bilinear game, in closed form, with runs that agree with it."""
    h, gamma = np.meshgrid(rows, columns, indexing="ij")
    radius = np.hypot(1 - h * gamma, h) if radius is None else radius
    converged = (radius < 1).astype(float)
    parts = {
        "axes": dict(zip(names, (rows, columns), strict=True)),
        "spectral_radius": radius,
        "rate": radius**2,
        "share": np.stack([converged, 0 * converged, 1 - converged]),
    }
    return SimpleNamespace(**(parts | changes))


def contours(image):
    return [drawn for drawn in image.axes.collections if isinstance(drawn, ContourSet)]


def points_of(contour):
    return np.concatenate([path.vertices for path in contour.get_paths()])


QUANTITIES = {
    "spectral_radius": lambda r: r.spectral_radius,
    "rate": lambda r: r.rate,
    "converged": lambda r: r.share[0],
    "cycling": lambda r: r.share[1],
    "diverged": lambda r: r.share[2],
}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_the_image_holds_the_quantity(quantity):
    image = gf.plot.stability_diagram(result(), quantity=quantity)
    assert isinstance(image, QuadMesh)
    np.testing.assert_array_equal(image.get_array(), QUANTITIES[quantity](result()))
    image.figure.colorbar(image)
    image.figure.canvas.draw()


def test_outcomes_have_the_names_of_the_analysis():
    assert list(QUANTITIES)[2:] == list(gf.stability.OUTCOMES[:3])


def test_what_is_seen_lies_at_its_values():
    """Read the colours back from the drawn figure: the first axis is vertical."""
    image = gf.plot.stability_diagram(result())
    image.figure.canvas.draw()
    pixels = np.asarray(image.figure.canvas.buffer_rgba())
    shown = image.to_rgba(image.get_array())
    for row, column in [(0, 0), (7, 0), (0, 9), (6, 10)]:
        x, y = image.axes.transData.transform((COLUMNS[column], ROWS[row])).astype(int)
        x, y = np.clip(x, 0, pixels.shape[1] - 1), len(pixels) - 1 - y
        np.testing.assert_allclose(pixels[y, x + 3] / 255, shown[row, column], atol=0.02)
    assert (image.axes.get_xlabel(), image.axes.get_ylabel()) == ("γ", "step size h")
    np.testing.assert_allclose(image.axes.get_xlim(), (-0.1, 2.1))
    np.testing.assert_allclose(image.axes.get_ylim(), (0.0, 1.6))


def test_colours_part_at_1():
    image = gf.plot.stability_diagram(result())
    blue, middle, orange = (to_rgb(colour) for colour in image.to_rgba([0.71, 1.0, 1.29]))
    assert middle == pytest.approx((1, 1, 1), abs=0.02)
    assert blue[2] > 2 * blue[0]
    assert orange[0] > 2 * orange[2]
    # Beyond the ends the colours stay, and the bar says so.
    np.testing.assert_array_equal(image.to_rgba([0.0, 9.0]), image.to_rgba([0.7, 1.3]))
    assert image.cmap.colorbar_extend == "both"
    near = gf.plot.stability_diagram(result(1 + 0.01 * (result().spectral_radius - 1)))
    assert near.norm.vmax < 1.01
    share = gf.plot.stability_diagram(result(), quantity="converged")
    assert (share.norm.vmin, share.norm.vmax) == (0, 1)


def test_what_is_stable_by_little_is_seen_beside_what_flies_apart():
    radius = result().spectral_radius
    stable = radius < 1
    image = gf.plot.stability_diagram(result(np.where(stable, 1 + 1e-3 * (radius - 1), 9 * radius)))
    shown = image.to_rgba(image.get_array())[stable]
    # Most of it is blue, the colour of the farthest tenth.
    assert np.mean(shown[:, 0] < 0.9) > 0.8
    assert shown[:, 0].min() == pytest.approx(0, abs=0.01)
    bar = image.figure.colorbar(image)
    bar.ax.figure.canvas.draw()
    ticks = [tick for tick in bar.get_ticks() if image.norm.vmin <= tick <= image.norm.vmax]
    assert sum(tick < 1 for tick in ticks) >= 2
    assert sum(tick > 1 for tick in ticks) >= 2
    assert 1 in ticks
    labels = [label.get_text() for label in bar.ax.get_yticklabels()]
    assert len(set(labels)) == len(labels)
    # As high on the bar as on the map.
    np.testing.assert_allclose(image.norm([1 - 5e-9, 1, image.norm.vmax]), [0.5, 0.5, 1], atol=1e-4)
    back = image.norm.inverse(image.norm([image.norm.vmin, 1.0, 1.2]))
    np.testing.assert_allclose(back, [image.norm.vmin, 1.0, 1.2], rtol=1e-12)


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_one_side_alone_has_its_scale(radius):
    image = gf.plot.stability_diagram(result(np.full((8, 11), radius)))
    assert image.norm.vmin + image.norm.vmax == pytest.approx(2)
    image.figure.colorbar(image)
    image.figure.canvas.draw()


@pytest.mark.parametrize("dark", [False, True])
def test_unknown_is_grey(dark):
    with gf.plot.style(dark=dark):
        radius = result().spectral_radius
        radius[0, 0] = np.nan
        image = gf.plot.stability_diagram(result(radius))
        red, green, blue, alpha = image.to_rgba(image.get_array())[0, 0]
        middle = image.to_rgba([1.0])[0, :3]
    assert max(red, green, blue) - min(red, green, blue) < 0.05
    assert alpha == 1
    assert np.abs(middle - [red, green, blue]).min() > 0.2
    nothing = gf.plot.stability_diagram(result(np.full((8, 11), np.nan)), quantity="rate")
    nothing.figure.canvas.draw()


def test_edges_lie_where_they_should():
    rows, columns = np.linspace(0.02, 1.5, 60), np.linspace(0.0, 3.0, 70)
    image = gf.plot.stability_diagram(result(rows=rows, columns=columns))
    predicted, measured = contours(image)
    gamma, h = points_of(predicted).T
    np.testing.assert_allclose(h, 2 * gamma / (1 + gamma**2), atol=2e-3)
    # The share jumps from one pixel to the next.
    gamma, h = points_of(measured).T
    np.testing.assert_allclose(h, 2 * gamma / (1 + gamma**2), atol=0.05)
    labels = image.axes.get_legend_handles_labels()[1]
    assert labels == ["predicted", "measured"]
    assert [line.get_linestyle() for line in image.axes.get_legend_handles_labels()[0]] == [
        "-",
        "--",
    ]
    gf.plot.stability_diagram(result(), image.axes)
    assert image.axes.get_legend_handles_labels()[1] == labels


@pytest.mark.parametrize("radius", [np.full((8, 11), 0.9), np.full((8, 11), 1.1)])
def test_no_edge_no_line(radius):
    image = gf.plot.stability_diagram(result(radius))
    assert contours(image) == []
    assert image.axes.get_legend_handles_labels() == ([], [])


def test_the_unit_circle_is_no_edge():
    # 1 but for rounding, on either side: alternating steps on the bilinear game.
    rounded = 1 + 1e-15 * np.random.default_rng(0).normal(size=(8, 11))
    assert contours(gf.plot.stability_diagram(result(rounded, share=np.zeros((3, 8, 11))))) == []
    rounded[:, :5] = 0.5
    predicted = contours(gf.plot.stability_diagram(result(rounded)))[0]
    np.testing.assert_allclose(points_of(predicted)[:, 0], COLUMNS[5], atol=1e-6)


@pytest.mark.slow
def test_axes_of_factors_are_logarithmic():
    rows, columns = np.geomspace(0.01, 1.0, 7), np.linspace(0.1, 1.0, 5)
    ax = gf.plot.stability_diagram(result(rows=rows, columns=columns)).axes
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
    # Half a factor beyond the outermost values.
    factor = (rows[1] / rows[0]) ** 0.5
    np.testing.assert_allclose(ax.get_ylim(), (rows[0] / factor, rows[-1] * factor))
    assert contours(ax.collections[0])
    for other in ([0.0, 1.0, 10.0], [1.0, 10.0], [1.0, 1.0001, 1.00020001], [1.0, 2.0, 5.0]):
        ax = gf.plot.stability_diagram(result(rows=np.array(other))).axes
        assert ax.get_yscale() == "linear"


def test_labels():
    ax = gf.plot.stability_diagram(result(names=("step_size", "momentum"))).axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("momentum", "step size h")
    ax = plt.subplots()[1]
    ax.set_xlabel("mine")
    gf.plot.stability_diagram(result(names=("β", "gamma")), ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("mine", "β")


@pytest.mark.slow
def test_a_diagram_of_the_analysis():
    v = gf.vector_field(gf.games.bilinear())

    def build(step_size, gamma):
        return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)

    diagram = gf.stability_diagram(
        build,
        {"step_size": np.array([0.2, 0.8]), "gamma": np.array([0.0, 1.0])},
        gf.Players(0.0, 0.0),
        num_starts=2,
        num_steps=60,
    )
    image = gf.plot.stability_diagram(diagram, quantity="rate")
    np.testing.assert_allclose(
        image.get_array(), [[1.04**0.5, 0.68**0.5], [1.64**0.5, 0.68**0.5]], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"axes": {"a": ROWS}}, "axes must be two names with two or more rising values"),
        ({"axes": {"a": ROWS[:1], "b": COLUMNS}}, "two or more rising values"),
        ({"axes": {"a": ROWS[::-1], "b": COLUMNS}}, "two or more rising values"),
        ({"axes": {"a": ROWS, "b": np.full(11, np.nan)}}, "two or more rising values"),
        ({"rate": np.ones((11, 8))}, r"must have shapes \(8, 11\).*got \(8, 11\), \(11, 8\)"),
        ({"share": np.ones((8, 11))}, r"and \(3, 8, 11\), as the axes have it"),
    ],
)
def test_results_that_do_not_fit_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.stability_diagram(result(**given))
    assert plt.get_fignums() == []


def test_unknown_quantities_are_refused():
    with pytest.raises(ValueError, match="unknown quantity 'rates': did you mean 'rate'"):
        gf.plot.stability_diagram(result(), quantity="rates")
    assert plt.get_fignums() == []
