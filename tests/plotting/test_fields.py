"""Fields in the plane: what is drawn is the field, and what is not finite is seen."""

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import LogNorm, Normalize
from matplotlib.patches import PathPatch

import ganfield as gf

WIDE = gf.Players((-1.0, 3.0), (-2.0, 2.0))


def turn(params, batch=None):
    """v of the bilinear game: the flow circles round (0, 0) against the clock."""
    return gf.Players(-params.phi, params.theta)


def bend(params, batch=None):
    """A field that tells θ from φ: its paths are the parabolas φ = θ²/2 + c."""
    return gf.Players(jnp.ones_like(params.theta), params.theta)


def half(params, batch=None):
    """A field that is NaN where θ < −0.5."""
    return gf.Players(jnp.sqrt(params.theta + 0.5) + 1, 0 * params.phi)


def patches(ax):
    return [patch for patch in ax.patches if isinstance(patch, PathPatch)]


def centres(low, high, count):
    return low + (high - low) * (np.arange(count) + 0.5) / count


@pytest.mark.parametrize("field", [turn, bend])
def test_arrows_are_the_field(field):
    arrows = gf.plot.field(field, bounds=WIDE, kind="quiver", resolution=6)
    theta, phi = np.meshgrid(centres(-1, 3, 6), centres(-2, 2, 6))
    np.testing.assert_allclose(arrows.XY, np.stack([theta.ravel(), phi.ravel()], 1), atol=1e-12)
    value = field(gf.Players(theta, phi))
    speed = np.hypot(*value)
    np.testing.assert_allclose(arrows.U, (value.theta / speed).ravel(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(arrows.V, (value.phi / speed).ravel(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.ravel(arrows.get_array()), speed.ravel(), rtol=1e-5)
    # The direction is that of the data, whatever the axes' shape.
    assert (arrows.angles, arrows.pivot) == ("xy", "middle")


def test_arrows_are_as_long_as_their_cells_allow():
    arrows = gf.plot.field(turn, bounds=gf.Players((-2, 2), (-1, 1)), kind="quiver", resolution=8)
    assert arrows.N == 8 * 4  # Square cells.
    assert arrows.scale == pytest.approx(8 / 0.8)
    assert arrows.scale_units == "width"


@pytest.mark.parametrize(
    ("field", "constant"),
    [(turn, lambda x, y: np.hypot(x, y)), (bend, lambda x, y: y - x**2 / 2)],
)
def test_streamlines_are_paths_of_the_field(field, constant):
    drawn = gf.plot.field(field, bounds=(-2, 2), density=0.5)
    pieces = np.array(drawn.lines.get_segments())
    assert len(pieces) > 100
    # Along every piece what the flow conserves stays, up to the integrator's error.
    start, end = (constant(*pieces[:, i].T) for i in (0, 1))
    np.testing.assert_allclose(start, end, atol=0.01)
    assert np.median(np.abs(start - end)) < 1e-4
    # Pieces run along the field, and not against it.
    middle, step = pieces.mean(axis=1), pieces[:, 1] - pieces[:, 0]
    value = np.stack(jax.vmap(field)(gf.Players(*jnp.asarray(middle.T))), axis=1)
    along = np.sum(value * step, axis=1)
    assert np.all(along >= 0)
    assert (along > 0).mean() > 0.8  # Pieces of no length join two halves of a line.
    # The colour is the speed at the start of a piece.
    speed = np.hypot(*jax.vmap(field)(gf.Players(*jnp.asarray(pieces[:, 0].T))))
    np.testing.assert_allclose(drawn.lines.get_array(), speed, atol=0.01)


@pytest.mark.parametrize(("log", "kind"), [(False, Normalize), (True, LogNorm)])
@pytest.mark.parametrize("drawing", ["stream", "quiver"])
def test_colour_is_speed(log, kind, drawing):
    drawn = gf.plot.field(
        turn, bounds=(-2, 2), kind=drawing, log_speed=log, resolution=11, density=0.2
    )
    norm = (drawn if drawing == "quiver" else drawn.lines).norm
    assert type(norm) is kind
    # The corner is a grid point; for arrows it is so too, of the finer grid.
    assert norm.vmax == pytest.approx(np.hypot(2, 2), rel=1e-6)
    # At (0, 0) the speed is 0, whose logarithm is not shown, but that of the next grid points.
    step = 4 / 10 if drawing == "stream" else 4 / 44
    assert norm.vmin == pytest.approx(step if log else 0, rel=1e-5)


def test_log_speed_spans_four_decades_at_most():
    drawn = gf.plot.field(
        lambda params, batch: gf.Players(jnp.exp(10 * params.theta), 0 * params.phi),
        bounds=(-2, 2),
        log_speed=True,
    )
    assert drawn.lines.norm.vmax / drawn.lines.norm.vmin == pytest.approx(1e4)
    assert np.min(drawn.lines.get_array()) >= 0.999 * drawn.lines.norm.vmin


@pytest.mark.parametrize("kind", ["stream", "quiver"])
@pytest.mark.parametrize("log", [False, True])
def test_a_field_of_zeros_is_drawn(kind, log):
    drawn = gf.plot.field(
        lambda params, batch: gf.Players(0.0, 0.0), bounds=(-1, 1), kind=kind, log_speed=log
    )
    artist = drawn if kind == "quiver" else drawn.lines
    artist.figure.canvas.draw()
    if kind == "quiver":
        np.testing.assert_array_equal([drawn.U, drawn.V], 0)  # no arrow points anywhere
    else:
        assert not artist.get_segments()  # nothing flows
    assert patches(artist.axes) == []  # and zero is a number, not a gap


@pytest.mark.parametrize("kind", ["stream", "quiver"])
def test_what_is_not_finite_is_hatched(kind):
    drawn = gf.plot.field(half, bounds=(-1, 1), kind=kind, density=0.3)
    ax = (drawn if kind == "quiver" else drawn.lines).axes
    (region,) = patches(ax)
    assert region.get_hatch()
    assert region.get_linewidth() > 0
    assert ax.get_legend_handles_labels() == ([region], ["not finite"])
    # It ends half-way between two grid points, and reaches the border.
    box = region.get_path().get_extents()
    np.testing.assert_allclose([box.x0, box.y0, box.y1], [-1, -1, 1])
    assert box.x1 == pytest.approx(-0.5, abs=0.04)
    if kind == "quiver":
        kept = np.ma.masked_array(drawn.U, drawn.Umask).compressed()
        assert len(kept) == 15 * 20  # Five of twenty columns are left of −0.5.
        assert np.min(drawn.XY[~drawn.Umask, 0]) > -0.5
    else:
        assert np.array(drawn.lines.get_segments())[..., 0].min() > -0.5 - 0.02
    ax.figure.canvas.draw()


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
@pytest.mark.parametrize("part", ["theta", "phi"])
@pytest.mark.parametrize("kind", ["stream", "quiver"])
def test_one_bad_grid_point_is_seen(kind, part, bad):
    def field(params, batch):
        hole = (params.theta == 0) & (params.phi == 0)
        value = gf.Players(jnp.float32(1), jnp.float32(2))
        return value._replace(**{part: jnp.where(hole, bad, 1.0)})

    drawn = gf.plot.field(field, bounds=(-1, 1), kind=kind, resolution=21, density=0.2)
    (region,) = patches((drawn if kind == "quiver" else drawn.lines).axes)
    box = region.get_path().get_extents()
    centre, size = [box.x0 + box.x1, box.y0 + box.y1], [box.width, box.height]
    np.testing.assert_allclose(centre, 0, atol=1e-9)
    step = 2 / 20 if kind == "stream" else 2 / 84
    np.testing.assert_allclose(size, step, rtol=1e-6)


@pytest.mark.slow
def test_a_hole_in_a_region_stays_open():
    def ring(params, batch):
        radius = jnp.hypot(params.theta, params.phi)
        bad = (radius > 0.5) & (radius < 0.9)
        return gf.Players(jnp.where(bad, jnp.nan, 1.0), 0.0)

    drawn = gf.plot.field(ring, bounds=(-1, 1))
    (region,) = patches(drawn.lines.axes)
    area = np.pi * (0.9**2 - 0.5**2)
    seen = _pixels(drawn.lines.axes, region)
    assert seen == pytest.approx(area / 4, rel=0.05)


def _pixels(ax, region):
    """Return the share of the axes that a patch alone colours."""
    region.set(facecolor="red", hatch=None, edgecolor="none", zorder=10)
    figure = ax.figure
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())
    red = (pixels[..., 0] > 200) & (pixels[..., 1] < 50)
    box = ax.get_window_extent()
    return red.sum() / (box.width * box.height)


@pytest.mark.parametrize("kind", ["stream", "quiver"])
def test_a_field_that_is_finite_nowhere_is_all_hatched(kind):
    drawn = gf.plot.field(
        lambda params, batch: gf.Players(jnp.nan, 0.0), bounds=WIDE, kind=kind, log_speed=True
    )
    ax = (drawn if kind == "quiver" else drawn.lines).axes
    (region,) = patches(ax)
    np.testing.assert_allclose(region.get_path().get_extents().extents, [-1, -2, 3, 2])
    ax.figure.canvas.draw()


def test_a_legend_says_not_finite_once():
    _, ax = plt.subplots()
    for kind in ("stream", "quiver"):
        gf.plot.field(half, ax, bounds=(-1, 1), kind=kind, density=0.2)
    assert ax.get_legend_handles_labels()[1] == ["not finite"]
    assert len(patches(ax)) == 2


def test_a_finite_field_has_no_hatch():
    drawn = gf.plot.field(turn, bounds=(-1, 1))
    assert patches(drawn.lines.axes) == []
    assert drawn.lines.axes.get_legend_handles_labels() == ([], [])


@pytest.mark.parametrize("scale", [1e30, 1e-30])
@pytest.mark.parametrize("kind", ["stream", "quiver"])
def test_directions_need_no_scale(kind, scale):
    drawn = gf.plot.field(
        lambda params, batch: gf.Players(-scale * params.phi, scale * params.theta),
        bounds=(-2, 2),
        kind=kind,
        density=0.3,
    )
    plain = gf.plot.field(turn, bounds=(-2, 2), kind=kind, density=0.3)
    if kind == "stream":
        drawn, plain = (np.array(each.lines.get_segments()) for each in (drawn, plain))
        assert drawn.shape == plain.shape
        np.testing.assert_allclose(drawn, plain, atol=1e-3)
    else:
        np.testing.assert_allclose(drawn.U, plain.U, atol=1e-6)


@pytest.mark.slow
def test_numbers_near_the_largest_are_drawn(x64):
    drawn = gf.plot.field(
        lambda params, batch: gf.Players(-1e300 * params.phi, 1e300 * params.theta), bounds=(-2, 2)
    )
    drawn.lines.figure.canvas.draw()
    assert len(drawn.lines.get_segments()) > 100


def test_the_batch_is_handed_on():
    batch = {"by": jnp.array([3.0, 4.0])}
    arrows = gf.plot.field(
        lambda params, batch: gf.Players(batch["by"][0], batch["by"][1]),
        bounds=(-1, 1),
        kind="quiver",
        batch=batch,
    )
    np.testing.assert_allclose(arrows.U, 0.6, rtol=1e-6)
    np.testing.assert_allclose(arrows.V, 0.8, rtol=1e-6)


@pytest.mark.parametrize(
    ("bounds", "aspect"),
    [
        ((-1, 1), 1),
        (gf.Players((0, 4), (0, 1)), 1),
        (gf.Players((0, 1), (0, 4)), 1),
        (gf.Players((0, 4.1), (0, 1)), "auto"),
        (gf.Players((0, 1), (0, 4.1)), "auto"),
    ],
)
def test_axes_show_the_bounds(bounds, aspect):
    ax = gf.plot.field(turn, bounds=bounds, density=0.2).lines.axes
    theta, phi = bounds if isinstance(bounds, gf.Players) else (bounds, bounds)
    assert (ax.get_xlim(), ax.get_ylim()) == (theta, phi)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ", "φ")
    assert ax.get_aspect() == aspect


def test_names_of_axes_stay():
    _, ax = plt.subplots()
    ax.set_xlabel("weight")
    gf.plot.field(turn, ax, bounds=(-1, 1), density=0.2)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "φ")


@pytest.mark.parametrize("dark", [False, True])
def test_the_usual_colours_are_seen_on_the_ground(dark):
    with gf.plot.style(dark=dark):
        drawn = gf.plot.field(turn, bounds=(-1, 1), density=0.2)
        colours = drawn.lines.get_cmap()(np.linspace(0, 1, 20))[:, :3]
        ground = np.array(drawn.lines.axes.get_facecolor()[:3])
    weights = np.array([0.2126, 0.7152, 0.0722])
    away = np.abs((colours - ground) @ weights)
    assert away.min() > 0.2
    assert np.all(np.diff(away) > 0)  # The faster, the stronger; so it is in a print in grey.


def test_a_colour_map_that_is_given_is_used():
    assert gf.plot.field(turn, bounds=(-1, 1), cmap="cividis").lines.get_cmap().name == "cividis"
    given = mpl.colormaps["magma"]
    arrows = gf.plot.field(turn, bounds=(-1, 1), cmap=given, kind="quiver")
    assert arrows.get_cmap() == given


def raises(params, batch=None):
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (gf.vector_field(gf.games.bilinear(jnp.eye(2))), "raised .*"),
        (raises, "raised KeyError: 'weights'"),
        (lambda params, batch: (params.theta, params.phi), r"returned \(\(\), \(\)\)"),
        (lambda params, batch: params.theta, r"returned \(\) as shapes"),
        (
            lambda params, batch: gf.Players(jnp.zeros(3), params.phi),
            r"returned Players\(theta=\(3,\), phi=\(\)\)",
        ),
        (lambda params, batch: gf.Players(params, params), "returned Players"),
        (lambda params, batch: gf.Players({}, (params.phi, params.phi)), "returned Players"),
    ],
)
def test_a_field_of_more_numbers_is_refused(field, said):
    wanted = r"2-D plot needs a field of two numbers; for a game of more parameters take a plane "
    wanted += r"through a point, gf\.planes\.on_plane\(field, plane\) with a plane .*" + said
    with pytest.raises(ValueError, match=wanted):
        gf.plot.field(field, bounds=(-1, 1))
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "streams"}, r"unknown kind 'streams': did you mean 'stream'\?"),
        ({"bounds": (1, -1)}, r"bounds must be \(low, high\)"),
        ({"bounds": (0, np.inf)}, r"bounds must be \(low, high\)"),
        ({"resolution": 1}, "resolution must be an integer ≥ 2, got 1"),
        ({"resolution": 9.5}, "resolution must be an integer ≥ 2"),
    ],
)
def test_arguments_are_checked_first(given, said):
    with pytest.raises(ValueError, match=said):
        gf.plot.field(turn, **({"bounds": (-1, 1)} | given))
    assert plt.get_fignums() == []
