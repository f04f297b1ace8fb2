"""The diagram of two hyper-parameters, against closed forms."""

import jax
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.stability.bilinear import BILINEAR, ORIGIN, consensus, every

pytestmark = pytest.mark.usefixtures("x64")


AXES = {"step_size": np.array([0.05, 0.2, 0.8, 1.5]), "gamma": np.array([0.0, 0.5, 2.0])}


@pytest.fixture(scope="module")
def diagram():
    return gf.stability_diagram(consensus, AXES, ORIGIN, num_starts=5, num_steps=300)


@pytest.mark.slow
def test_diagram_against_the_closed_form(diagram):
    h, gamma = np.meshgrid(*AXES.values(), indexing="ij")
    radius = np.hypot(1 - h * gamma, h)
    assert list(diagram.axes) == ["step_size", "gamma"]
    np.testing.assert_allclose(diagram.spectral_radius, radius, rtol=0, atol=1e-12)
    # The field is linear and its eigenvalues a pair: every run shrinks by the radius in each step.
    slow = radius**300 > 1e-10
    np.testing.assert_allclose(diagram.rate[slow], radius[slow], rtol=1e-9)
    np.testing.assert_allclose(diagram.rate, radius, rtol=0.2)
    assert slow.sum() > 5
    assert (~slow).sum() > 2


def test_outcomes_are_those_of_the_rates(diagram):
    change = diagram.spectral_radius**300
    assert diagram.share.shape == (3, 4, 3)
    assert gf.stability.OUTCOMES[:3] == ("converged", "cycling", "diverged")
    for row, expected in enumerate(
        (change < 0.01, (change >= 0.01) & (change <= 100), change > 100)
    ):
        np.testing.assert_array_equal(diagram.share[row], expected)
        assert expected.any()


@pytest.mark.slow
@pytest.mark.parametrize("chunk_size", [1, 5, 1000])
def test_chunks_change_nothing(diagram, chunk_size):
    other = gf.stability_diagram(
        consensus, AXES, ORIGIN, num_starts=5, num_steps=300, chunk_size=chunk_size
    )
    for name in ("spectral_radius", "share", "rate"):
        np.testing.assert_allclose(getattr(other, name), getattr(diagram, name), rtol=1e-9)


@pytest.mark.long
def test_diagram_of_momentum_and_of_a_field_that_is_not_linear():
    dirac = gf.vector_field(gf.games.dirac_gan())

    def build(step_size, momentum):
        return gf.alternating(optax.sgd(step_size, momentum=momentum)), dirac

    axes = {"step_size": [0.5, 1.5], "momentum": [-0.5, 0.5]}
    chart = gf.stability_diagram(build, axes, ORIGIN, distance=0.01, num_starts=6, num_steps=1000)
    for i, h in enumerate(axes["step_size"]):
        for j, beta in enumerate(axes["momentum"]):
            expected = gf.spectral_radius(build(h, beta)[0], dirac, ORIGIN).value
            np.testing.assert_allclose(chart.spectral_radius[i, j], expected, rtol=1e-9)
    np.testing.assert_allclose(chart.share.sum(axis=0), 1)
    assert (chart.share[0] == 1).tolist() == [[True, False], [True, False]]
    np.testing.assert_allclose(chart.rate[:, 0], chart.spectral_radius[:, 0], rtol=1e-2)


@pytest.mark.slow
def test_rate_of_what_overflows_is_unknown():
    axes = {"step_size": [50.0], "gamma": [0.0, 0.019]}
    chart = gf.stability_diagram(consensus, axes, ORIGIN, num_starts=3, num_steps=400)
    np.testing.assert_array_equal(chart.share[2], 1)
    assert np.isnan(chart.rate).all()


@pytest.mark.long
def test_starts_come_from_the_key():
    def build(step_size, gamma):
        v = gf.vector_field(gf.games.two_attractors())
        return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)

    axes = {"step_size": [0.05], "gamma": [0.1]}
    rates = [
        gf.stability_diagram(build, axes, ORIGIN, num_starts=3, num_steps=20, key=key).rate
        for key in (None, jax.random.key(0), jax.random.key(1))
    ]
    assert rates[0] == rates[1] != rates[2]


@pytest.mark.parametrize(
    ("axes", "options", "said"),
    [
        ({"step_size": [0.1]}, {}, "axes must be two names"),
        ({"step_size": 0.1, "gamma": [0.1]}, {}, "one-dimensional arrays of finite numbers"),
        ({"step_size": [0.1], "gamma": []}, {}, "axes must be two names"),
        ({"step_size": [0.1], "gamma": [np.nan]}, {}, "of finite numbers"),
        ({"step_size": ["a"], "gamma": [0.1]}, {}, "of finite numbers"),
        ([0.1, 0.2], {}, r"axes must be two names .*got \[0.1, 0.2\]"),
        (
            AXES,
            {"num_steps": 5},
            "num_steps must be a multiple of two cycles of the method, 2, got 5",
        ),
        (AXES, {"num_starts": 0}, "num_starts must be an integer"),
        (AXES, {"chunk_size": 0}, "chunk_size must be an integer"),
        (AXES, {"distance": 0.0}, "distance must be a finite number > 0"),
        (AXES, {"moments": "all"}, "unknown moments"),
    ],
)
def test_bad_arguments_of_the_diagram(axes, options, said):
    with pytest.raises(ValueError, match=said):
        gf.stability_diagram(consensus, axes, ORIGIN, **options)


@pytest.mark.slow
def test_a_diagram_of_what_counts():
    def build(step_size, gamma):
        return gf.simultaneous(every(2)(step_size)), gf.consensus(BILINEAR, gamma=gamma)

    axes = {"step_size": [0.1, 0.3], "gamma": [0.5, 1.0]}
    diagram = gf.stability_diagram(build, axes, ORIGIN, num_starts=2, num_steps=100)
    h, gamma = np.meshgrid(*axes.values(), indexing="ij")
    expected = np.hypot(1 - 2 * h * gamma, 2 * h) ** 0.5
    np.testing.assert_allclose(diagram.spectral_radius, expected, rtol=0, atol=1e-9)


@pytest.mark.slow
def test_a_diagram_over_keys_and_seeds():
    """Games drawn by a key: the radius is that of the bilinear game of that strength."""
    keys = jax.random.split(jax.random.key(0), 3)
    strengths = np.array([1 + float(jax.random.uniform(key)) for key in keys])
    sizes, gammas = np.array([0.2, 0.6]), np.array([0.1, 0.5])

    def build(step_size, key, gamma=0.5):
        v = gf.vector_field(gf.games.bilinear(1 + jax.random.uniform(key)))
        return gf.simultaneous(optax.sgd(step_size)), gf.consensus(v, gamma=gamma)

    def radius(h, c, gamma):  # of 1 + h (−γc² ± ic)
        return np.hypot(1 - h * gamma * c**2, h * c)

    arguments = {"num_starts": 2, "num_steps": 60}
    diagram = gf.stability_diagram(build, {"step_size": sizes, "key": keys}, ORIGIN, **arguments)
    expected = radius(sizes[:, None], strengths, 0.5)
    np.testing.assert_allclose(diagram.spectral_radius, expected, rtol=1e-9)
    assert diagram.axes["key"].tolist() == [0, 1, 2]
    assert gf.plot.stability_diagram(diagram).axes.get_xlabel() == "key"

    axes = {"step_size": sizes, "gamma": gammas, "key": keys}
    diagram = gf.stability_diagram(build, axes, ORIGIN, **arguments)
    expected = radius(sizes[:, None, None], strengths, gammas[:, None])
    np.testing.assert_allclose(diagram.spectral_radius, expected, rtol=1e-9)
    assert diagram.share.shape == (3, 2, 2, 3)
    image = gf.plot.stability_diagram(diagram)
    np.testing.assert_allclose(image.get_array(), np.median(expected, axis=2), rtol=1e-9)
    image = gf.plot.stability_diagram(diagram, quantity="converged")
    np.testing.assert_allclose(image.get_array(), diagram.share[0].mean(axis=2))
