"""Eigenvalues and what Lemmas 4, 7 and 9 say of them, on random matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from tests.cases import GAMES, batch_of, mlp_gan, params_of

pytestmark = pytest.mark.usefixtures("x64")


# GANs differ in their losses alone; the examples of the second one's interact.
FEW_GANS = ("gan_standard", "gan_relativistic_average")


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in GAMES if n in FEW_GANS or not n.startswith("gan_")])
def test_eigenvalues_against_numpy(name):
    case = GAMES[name]
    v = gf.vector_field(case.game)
    params, batch = params_of(case), batch_of(case)
    eigenvalues, matrix = jax.jit(
        lambda p: (gf.eigenvalues(v)(p, batch), gf.jacobian(v)(p, batch))
    )(params)
    eigenvalues, expected = np.sort_complex(eigenvalues), np.sort_complex(np.linalg.eigvals(matrix))
    np.testing.assert_allclose(eigenvalues, expected, atol=1e-8)
    assert eigenvalues.dtype == np.complex128


def stable_matrices(count, size=4):
    rng = np.random.default_rng(0)
    for _ in range(count):
        matrix = rng.normal(size=(size, size)) * 3
        shift = np.linalg.eigvals(matrix).real.max() + rng.uniform(0.01, 1)
        yield matrix - shift * np.eye(size)


@pytest.mark.slow
def test_lemma_4_is_the_edge_of_stability():
    for matrix in stable_matrices(200):
        bound = float(gf.max_step_size(np.linalg.eigvals(matrix)))
        assert bound > 0
        for step, stable in ((bound * (1 - 1e-6), True), (bound * (1 + 1e-6), False)):
            radius = np.abs(np.linalg.eigvals(np.eye(4) + step * matrix)).max()
            assert (radius < 1) == stable


def test_lemma_4_as_the_paper_writes_it():
    values = np.linalg.eigvals(next(stable_matrices(1)))
    paper = np.min(1 / np.abs(values.real) * 2 / (1 + (values.imag / values.real) ** 2))
    np.testing.assert_allclose(gf.max_step_size(values), paper, rtol=1e-12)


@pytest.mark.slow
def test_no_step_size_helps_what_is_not_stable():
    assert float(gf.max_step_size(jnp.array([-1.0 + 0j, 0j]))) == 0.0
    assert float(gf.max_step_size(jnp.array([-1.0 + 0j, 1j]))) == 0.0
    assert float(gf.max_step_size(jnp.array([0.5 + 0j]))) == 0.0
    assert np.isnan(gf.max_step_size(jnp.array([-1.0 + 0j, jnp.nan])))
    with pytest.raises(ValueError, match="at least one eigenvalue"):
        gf.max_step_size(jnp.array([]))


def test_consensus_turns_semidefinite_into_definite_and_bounds_the_rotation():
    rng = np.random.default_rng(1)
    for _ in range(50):
        a = rng.normal(size=(3, 3))
        coupling = rng.normal(size=(3, 3))
        zero = np.zeros((3, 3))
        matrix = np.block([[-a @ a.T, -coupling], [coupling.T, zero]])
        for gamma in (0.1, 1.0, 10.0):
            consensus = np.asarray(gf.spectra.approximate_consensus_jacobian(matrix, gamma=gamma))
            assert np.linalg.eigvalsh(consensus + consensus.T).max() < 0  # Lemma 7
            # Lemma 9: |Im/Re| ≤ 1/(ργ), ρ the smallest singular value, so it falls to 0.
            values = np.linalg.eigvals(consensus)
            smallest = np.linalg.svd(matrix, compute_uv=False)[-1]
            assert np.abs(values.imag / values.real).max() <= (1 + 1e-9) / (smallest * gamma)


@pytest.mark.long
def test_mean_jacobian_is_the_mean_of_jacobians():
    case = mlp_gan()
    params = params_of(case)
    batches = jax.vmap(case.sample)(jax.random.split(jax.random.key(0), 3))
    for field in (gf.vector_field(case.game), gf.consensus(gf.vector_field(case.game), gamma=2.0)):
        jacobian = jax.jit(gf.jacobian(field))
        each = [
            jacobian(params, jax.tree.map(lambda leaf, i=i: leaf[i], batches)) for i in range(3)
        ]
        mean = jax.jit(gf.spectra.mean_jacobian(field))(params, batches)
        np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_measured_rate_is_the_spectral_radius():
    # Proposition 3, on the quadratic game under consensus: ‖x‖ shrinks by |λ_max(F′)| a step.
    h, gamma = 0.2, 0.5
    v = gf.vector_field(gf.games.quadratic(0.3, 0.1, 1.0))
    w = gf.consensus(v, gamma=gamma)
    radius = np.abs(1 + h * np.asarray(gf.eigenvalues(w)(gf.Players(0.0, 0.0)))).max()
    run = gf.simulate(
        gf.simultaneous(optax.sgd(h)),
        w,
        gf.Players(1.0, 1.0),
        num_steps=200,
        record=lambda state, info: optax.tree.norm(state.params),
        record_every=100,
    )
    measured = (run.records[2] / run.records[1]) ** (1 / 100)
    np.testing.assert_allclose(measured, radius, rtol=1e-2)


def test_bad_matrices():
    with pytest.raises(ValueError, match="square matrix"):
        gf.spectra.approximate_consensus_jacobian(np.ones((2, 3)), gamma=1.0)
    with pytest.raises(ValueError, match="gamma must be a number ≥ 0"):
        gf.spectra.approximate_consensus_jacobian(np.eye(2), gamma=-1.0)
