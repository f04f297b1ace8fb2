"""The step of a run on its way, against closed forms; leading eigenvalues against LAPACK."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf
from ganfield.spectra import moving_map, snapshot

J = np.array([[-1.0, 2.0], [-2.0, -0.5]])


def linear(params, batch=None):
    del batch
    v = jnp.asarray(J) @ jnp.stack([params.theta, params.phi])
    return gf.Players(v[0], v[1])


def state_of(method, steps=3, start=(1.0, -0.5)):
    return gf.simulate(method, linear, gf.Players(*start), num_steps=steps).state


def matrix(method, state):
    F = moving_map(method, linear, state)
    return np.asarray(F.jacobian(F.point))


def test_plain_steps():
    method = gf.simultaneous(optax.sgd(0.1))
    np.testing.assert_allclose(matrix(method, state_of(method)), np.eye(2) + 0.1 * J, atol=1e-6)


def test_momentum_moves_with_the_parameters():
    """x ← x + h m, m ← βm + v: eigenvalues μ with μ² − (1 + β + hλ)μ + β = 0."""
    method = gf.simultaneous(optax.sgd(0.1, momentum=0.6))
    values = np.linalg.eigvals(matrix(method, state_of(method)))
    expected = [np.roots([1, -(1.6 + 0.1 * each), 0.6]) for each in np.linalg.eigvals(J)]
    np.testing.assert_allclose(
        np.sort_complex(values), np.sort_complex(np.ravel(expected)), atol=1e-5
    )


def test_second_moments_are_held_as_the_run_has_them():
    """x ← x + h v/√n′ with n′ = βn + (1 − β)v²: the derivative of v/√n′ is βn/n′^1.5."""
    h, beta = 0.01, 0.9
    method = gf.simultaneous(optax.rmsprop(h, decay=beta, eps=0.0, eps_in_sqrt=True))
    state = state_of(method)
    (n,) = [each.nu for each in jax.tree.leaves(state.memory, is_leaf=lambda x: hasattr(x, "nu"))
            if hasattr(each, "nu")]  # fmt: skip
    n, v = np.array(jax.tree.leaves(n)), np.array(jax.tree.leaves(linear(state.params)))
    after = beta * n + (1 - beta) * v**2
    slope = beta * n / after**1.5
    np.testing.assert_allclose(matrix(method, state), np.eye(2) + h * slope[:, None] * J, atol=1e-5)
    # RMSProp's own decay is an eigenvalue of the whole map, and none of these.
    whole = gf.update_map(method, linear, state)
    assert whole.point.size == 4


def test_adam_has_four_modes_and_not_six():
    method = gf.simultaneous(optax.adam(0.01, b1=0.5))
    state = state_of(method)
    F = moving_map(method, linear, state)
    assert F.point.size == 4
    back = F.unravel(F.point)
    for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)
    after = method.step(linear, state, None)[0]
    moved = jax.tree.leaves(F.unravel(F.apply(F.point)).params)
    np.testing.assert_allclose(moved, jax.tree.leaves(after.params), rtol=1e-6)
    u = jnp.arange(1.0, 5.0)
    np.testing.assert_allclose(F.jvp(F.point, u), F.jacobian(F.point) @ u, rtol=1e-5)
    np.testing.assert_allclose(F.vjp(F.point, u), u @ F.jacobian(F.point), rtol=1e-5)


def test_an_average_is_no_mode():
    method = gf.averaged(gf.simultaneous(optax.sgd(0.1)), decay=0.9)
    np.testing.assert_allclose(matrix(method, state_of(method)), np.eye(2) + 0.1 * J, atol=1e-6)


@pytest.mark.slow
def test_a_snapshot_is_what_lapack_says():
    key = jax.random.split(jax.random.key(0), 3)
    size = 12
    matrices = [jax.random.normal(each, (size, size)) / 3 for each in key]

    def loss(theta, phi, batch):
        del batch
        return theta @ matrices[0] @ phi + theta @ (matrices[1] @ theta) - phi @ (matrices[2] @ phi)

    v = gf.vector_field(gf.games.zero_sum(loss, init=lambda key: None))
    w = gf.consensus(v, gamma=0.3)
    method = gf.simultaneous(optax.rmsprop(1e-2))
    with jax.enable_x64(True):
        at = gf.Players(*jax.random.normal(key[0], (2, size)))
        state = gf.simulate(method, w, at, num_steps=5).state
        shot = snapshot(method, v, state, field=w, num=2)
        dense = {
            name: np.linalg.eigvals(np.asarray(gf.jacobian(each)(state.params)))
            for name, each in (("v", v), ("w", w))
        }
        F = moving_map(method, w, state)
        dense["step"] = np.linalg.eigvals(np.asarray(F.jacobian(F.point)))
    for name, values in dense.items():
        wanted = np.abs(values) if name == "step" else values.real
        best = np.sort(wanted)[::-1][:2]
        given = getattr(shot, name).eigenvalues
        np.testing.assert_allclose(np.abs(given) if name == "step" else given.real, best, rtol=1e-8)
    for name in ("v", "w"):
        given = getattr(shot, f"{name}_turning").eigenvalues.imag
        np.testing.assert_allclose(np.abs(given), np.abs(dense[name].imag).max(), rtol=1e-8)
    assert shot.radius == pytest.approx(np.abs(dense["step"]).max(), rel=1e-8)
    for blocks, field in ((shot.v_blocks, v), (shot.w_blocks, w)):
        with jax.enable_x64(True):
            matrix = np.asarray(gf.jacobian(field)(state.params))
        share = np.linalg.norm((matrix - matrix.T) / 2) ** 2 / np.linalg.norm(matrix) ** 2
        value, error = blocks.rotation
        assert 0 < error < 0.2 * share
        assert abs(value - share) < 4 * error
    each = sum(part.products for _, part in shot.parts())
    assert shot.products == each + 2 * (shot.v_blocks.num_products + shot.w_blocks.num_products)
    assert shot.stable == (shot.radius <= 1)


def test_without_a_transform_there_is_no_w():
    method = gf.simultaneous(optax.sgd(0.1))
    shot = snapshot(method, linear, state_of(method), num=5)
    assert shot.w is None
    assert shot.w_blocks is None
    # A has ±2 beside its diagonal; J is small enough for the unit vectors, so nothing is random.
    share, error = shot.v_blocks.rotation
    assert (share, error) == (pytest.approx(8 / 9.25), 0)
    assert "rotation 0.8649 ± 0" in repr(shot)
    assert shot.w_turning is None
    assert [name for name, _ in shot.parts()] == ["v", "v_turning", "step"]
    assert len(shot.v.eigenvalues) == 2
    assert shot.stable
