"""Weight clipping inside an optimizer against clipping by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_it_clips_after_the_step(dtype):
    rng = np.random.default_rng(0)
    params = {"a": jnp.asarray(rng.normal(size=(4, 3)), dtype), "b": jnp.asarray(0.2, dtype)}
    updates = {"a": jnp.asarray(rng.normal(size=(4, 3)), dtype), "b": jnp.asarray(-3.0, dtype)}
    clip = gf.keep_within(0.5)
    clipped, _ = clip.update(updates, clip.init(params), params)
    after = optax.apply_updates(params, clipped)
    expected = jax.tree.map(lambda p, u: jnp.clip(p + u, -0.5, 0.5), params, updates)
    for one, other in zip(jax.tree.leaves(after), jax.tree.leaves(expected), strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(
            np.asarray(one, float), np.asarray(other, float), atol=4 * float(jnp.finfo(dtype).eps)
        )


@pytest.mark.parametrize("build", gf.METHODS.values())
def test_only_the_player_that_has_it_is_clipped(build):
    clipped = optax.chain(optax.rmsprop(0.1), gf.keep_within(0.25))
    method = build(gf.Players(optax.sgd(0.5), clipped))
    run = gf.simulate(
        method,
        gf.vector_field(gf.games.bilinear()),
        gf.Players(jnp.array(2.0), jnp.array(5.0)),  # starts beyond the limit
        num_steps=40,
        record=lambda state, info: state.params,
        record_every=1,
    )
    assert np.abs(run.records.phi[1:]).max() <= 0.25 * (1 + 1e-5)
    assert np.abs(run.records.phi).min() < 0.25  # it leaves the wall again
    assert np.abs(run.records.theta).max() > 1


def test_the_limit_may_be_traced_and_swept():
    def constant(params, batch=None):
        return jax.tree.map(jnp.ones_like, params)

    def end(limit):
        method = gf.simultaneous(optax.chain(optax.sgd(1.0), gf.keep_within(limit)))
        return gf.simulate(method, constant, gf.Players(0.0, 0.0), num_steps=3).params.theta

    limits = jnp.array([0.0, 0.5, 2.0, jnp.inf])
    np.testing.assert_allclose(jax.jit(jax.vmap(end))(limits), [0.0, 0.5, 2.0, 3.0])


def test_python_numbers_pass():
    clip = gf.keep_within(1)
    clipped, _ = clip.update(
        gf.Players(1.0, -3.0), clip.init(gf.Players(0.5, 1.0)), gf.Players(0.5, 1.0)
    )
    np.testing.assert_allclose(clipped, (0.5, -2.0))


@pytest.mark.parametrize("limit", [-1.0, float("nan"), None, "1"])
def test_what_is_no_limit_is_refused(limit):
    with pytest.raises(ValueError, match="limit must be a number ≥ 0, got"):
        gf.keep_within(limit)


def test_parameters_are_needed():
    clip = gf.keep_within(1.0)
    with pytest.raises(ValueError, match="params must be given to keep_within's update"):
        clip.update(jnp.ones(2), clip.init(jnp.ones(2)))
