"""The fields that steps follow, against steps and SciPy's flow."""

import jax
import numpy as np
import optax
import pytest
from scipy.integrate import solve_ivp

import ganfield as gf
from ganfield.field._drift import alternating_drift, simultaneous_drift

pytestmark = pytest.mark.usefixtures("x64")

CASES = {
    "simultaneous": (simultaneous_drift, gf.simultaneous),
    "alternating": (alternating_drift, gf.alternating),
}
GAMES = {
    "quadratic": gf.games.quadratic(1.0, 0.5, 2.0),
    "dirac_gan": gf.games.dirac_gan("standard"),
    "forsaken": gf.games.forsaken(),
    "lattice": gf.games.lattice(),
}


def flow(field, time, start):
    field = jax.jit(field)
    solution = solve_ivp(
        lambda t, x: np.array(field(gf.Players(*x))),
        (0, time),
        np.array(start),
        method="DOP853",
        rtol=1e-13,
        atol=1e-15,
    )
    return solution.y[:, -1]


def one_step_error(method, field, step_size, start):
    method = method(optax.sgd(step_size))
    moved = method.step(field, method.init(start), None)[0].params
    return lambda followed: np.linalg.norm(np.array(moved) - flow(followed, step_size, start))


@pytest.mark.slow
@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("kind", CASES)
def test_halving_the_step_divides_the_error_by_8_and_that_of_the_plain_field_by_4(kind, name):
    drift, method = CASES[kind]
    v, start = gf.vector_field(GAMES[name]), gf.Players(0.7, -0.4)
    errors = {"plain": [], "drift": []}
    for h in (0.02, 0.01):
        error = one_step_error(method, v, h, start)
        errors["plain"].append(error(v))
        errors["drift"].append(error(drift(v, step_size=h)))
    ratio = {name: first / second for name, (first, second) in errors.items()}
    np.testing.assert_allclose([ratio["plain"], ratio["drift"]], [4, 8], rtol=0.06)


def test_who_moves_second_matters():
    # θ first is φ first with the players' names exchanged; the field knows which.
    v, start, h = gf.vector_field(GAMES["forsaken"]), gf.Players(0.7, -0.4), 0.01
    other = one_step_error(
        lambda optimizer: gf.alternating(optimizer, order=("theta", "phi")), v, h, start
    )
    own = one_step_error(gf.alternating, v, h, start)
    w = alternating_drift(v, step_size=h)
    assert other(w) > 20 * own(w)


@pytest.mark.parametrize(("h", "c"), [(0.3, 1.0), (0.2, 2.0)])
def test_bilinear_spectra(h, c):
    v, point = gf.vector_field(gf.games.bilinear(c)), gf.Players(1.0, 0.5)
    jacobian = gf.jacobian(simultaneous_drift(v, step_size=h))(point)
    np.testing.assert_allclose(jacobian, [[h * c**2 / 2, -c], [c, h * c**2 / 2]], rtol=1e-12)
    jacobian = gf.jacobian(alternating_drift(v, step_size=h))(point)
    np.testing.assert_allclose(jacobian, [[-h * c**2 / 2, -c], [c, h * c**2 / 2]], rtol=1e-12)


@pytest.mark.parametrize("drift", [simultaneous_drift, alternating_drift])
def test_bad_arguments_are_refused_at_once(drift):
    with pytest.raises(ValueError, match=r"step_size must be a number ≥ 0, got -1.0"):
        drift(gf.vector_field(gf.games.bilinear()), step_size=-1.0)
