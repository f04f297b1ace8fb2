"""Densities of eigenvalues and fields along a path, as they are drawn."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

import ganfield as gf

POINTS = np.linspace(-3, 3, 61)


def density(part="symmetric", error=0.01, quadrature_error=0.02):
    values = np.exp(-(POINTS**2) / 2) / (2 * np.pi) ** 0.5
    nodes = np.array([[-1.0, 1.0]])
    return gf.spectra.SpectralDensity(
        part, POINTS, values, np.full(61, error), quadrature_error, 0.1, nodes, nodes**2 / 2, 1000
    )


def along(norm=(4.0, 2.0, 1.0)):
    return gf.spectra.PathDiagnostics(
        np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, -1.0]), np.array(norm),
        np.array([-0.5, np.nan, 0.5]), np.ones(3), 1.0,
    )  # fmt: skip


def test_a_density_has_its_band():
    shown = density()
    line = gf.plot.spectral_density(shown, color="C3", label="S")
    np.testing.assert_array_equal(line.get_xdata(), POINTS)
    np.testing.assert_array_equal(line.get_ydata(), shown.density)
    (band,) = line.axes.collections
    corners = band.get_paths()[0].vertices
    top = [corners[corners[:, 0] == x, 1].max() for x in POINTS]
    np.testing.assert_allclose(top, shown.density + 2 * 0.01 + 0.02)
    assert line.get_color() == "C3"
    assert line.axes.get_legend_handles_labels()[1] == ["S"]
    assert line.axes.get_xlabel() == "λ of S = (J + Jᵀ)/2"
    # One eigenvalue of a thousand shows.
    alone = 1 / (1000 * 0.1 * (2 * np.pi) ** 0.5)
    assert alone / 20 < line.axes.get_ylim()[0] < alone


def test_two_densities_share_axes():
    ax = plt.subplots()[1]
    first, second = (gf.plot.spectral_density(density("antisymmetric"), ax) for _ in range(2))
    assert first.get_color() != second.get_color()
    assert ax.get_xlabel() == "ω, iω of A = (J − Jᵀ)/2"
    assert ax.get_ylim()[1] > density().density.max()


def test_a_single_probe_has_no_band():
    line = gf.plot.spectral_density(density(error=np.nan))
    line.figure.canvas.draw()
    assert len(line.axes.collections) == 0


def test_a_path_has_two_axes():
    path = along()
    lines = gf.plot.path(path)
    cosine, gradient, norm = lines
    np.testing.assert_array_equal(cosine.get_ydata(), path.cosine)
    np.testing.assert_array_equal(gradient.get_ydata(), path.gradient_cosine)
    np.testing.assert_array_equal(norm.get_ydata(), path.norm)
    assert cosine.axes is gradient.axes is not norm.axes
    assert norm.axes.get_yscale() == "linear"
    assert norm.axes.spines["right"].get_visible()
    assert len({line.get_color() for line in lines}) == 3
    cosine.axes.legend(handles=lines)
    assert [line.get_label() for line in gf.plot.path(path, gradient=False)] == [
        "cosine of v and the path", "‖v‖",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("norm", "scale"), [((1.0, 1e-3, 1.0), "log"), ((1.0, 0.0, 1.0), "linear")]
)
def test_a_wide_norm_is_logarithmic(norm, scale):
    assert gf.plot.path(along(norm))[-1].axes.get_yscale() == scale
