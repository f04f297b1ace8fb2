"""Networks of tokens, and numbers that are no real ones."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen

import ganfield as gf
from ganfield.field._field import check_plane_field


class Tokens(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(1)(linen.Embed(5, 3)(x).reshape(x.shape[0], -1))


@pytest.mark.slow
def test_linen_modules_of_tokens():
    network = gf.networks.from_linen(Tokens(), (4,))
    params = network.init(jax.random.key(0))
    assert network.apply(params, jnp.zeros((6, 4), int)).shape == (6, 1)


def test_complex_values_and_batches_are_refused():
    start = gf.Players(jnp.ones(()), jnp.ones(()))
    turned = gf.Players(jnp.ones(()), 1j * jnp.ones(()))
    with pytest.raises(ValueError, match=r"field\(params, batch\)\.phi must hold no complex"):
        gf.field.check_field(lambda params, batch: turned, start)
    with pytest.raises(ValueError, match="batch must hold no complex numbers, got complex64"):
        gf.field.check_field(lambda params, batch: params, start, 1j * jnp.ones(3))


def test_shapes_of_the_plane_are_those_that_a_field_has_now():
    rank = [0]

    def field(params, batch=None):
        return gf.Players(params.theta * jnp.ones((1,) * rank[0]), params.phi)

    check_plane_field(field, purpose="a map")
    rank[0] = 1
    with pytest.raises(ValueError, match="a map needs a field of two numbers"):
        check_plane_field(field, purpose="a map")
