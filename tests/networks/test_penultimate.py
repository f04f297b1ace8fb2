"""Penultimate features: what a network's last layer takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import ganfield as gf

KEYS = jax.random.split(jax.random.key(0), 3)
SHAPE = (8, 8, 1)
SMALL = {"num_layers": 2, "width": 2}
dcgan, resnet, mlp = (
    gf.networks.dcgan_discriminator,
    gf.networks.resnet_discriminator,
    gf.networks.mlp,
)


class Own(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(3, 5, rngs=rngs), nnx.Linear(5, 2, rngs=rngs)

    def penultimate(self, x, reference):
        return jnp.tanh(self.first(x))

    def __call__(self, x):
        return self.last(self.penultimate(x, None))


def last_layer(params):
    if "last" in params:
        return params["last"]
    return params["layers"][max(params["layers"])]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda: dcgan(SHAPE, **SMALL), 16),
        (lambda: resnet(SHAPE, batch_norm=True, **SMALL), 16),
        (lambda: mlp(3, 2, hidden_sizes=(4, 5)), 5),
        (lambda: gf.networks.from_nnx(Own, (3,)), 5),
    ],
)
def test_the_last_layer_makes_the_output_of_them(make, size):
    network = make()
    x = jax.random.normal(KEYS[1], (6, *network.input_shape))

    @jax.jit
    def look(x):
        # Biases begin at zero, which would hide one that is added twice.
        params = jax.tree.map(lambda leaf: leaf + 0.1, network.init(KEYS[0]))
        features = [network.penultimate(params, some, x) for some in (x[:2], x)]
        return params, *features, network.evaluate(params, x[:2], x)

    params, features, both, outputs = look(x)
    assert features.shape == (2, size)
    last = last_layer(params)
    expected = np.asarray(features) @ np.asarray(last["kernel"]) + np.asarray(last["bias"])
    np.testing.assert_allclose(outputs, expected, atol=1e-5)
    # An example's features do not depend on those beside it.
    np.testing.assert_allclose(both[:2], features, atol=1e-5)


def test_features_leave_in_the_type_of_the_parameters():
    network = dcgan(SHAPE, batch_norm=False, dtype=jnp.bfloat16, **SMALL)
    params = jax.eval_shape(network.init, KEYS[0])
    x = jax.ShapeDtypeStruct((2, *SHAPE), jnp.float32)
    assert jax.eval_shape(network.penultimate, params, x).dtype == jnp.float32


@pytest.mark.parametrize(
    "make",
    [
        lambda: mlp(2, 1, hidden_sizes=()),
        lambda: gf.networks.dcgan_generator(3, SHAPE, **SMALL),
        lambda: gf.networks.from_linen(linen.Dense(1), (2,)),
        lambda: gf.networks.from_nnx(lambda rngs: nnx.Linear(2, 1, rngs=rngs), (2,)),
    ],
)
def test_networks_without_such_a_layer_are_refused(make):
    network = make()
    with pytest.raises(ValueError, match=r"must have a penultimate layer, and .* has none: take"):
        network.penultimate({}, np.ones((1, *network.input_shape)))


def test_bad_inputs_are_named():
    network = dcgan(SHAPE, **SMALL)
    params = jax.eval_shape(network.init, KEYS[0])
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, 8, 8, 1\)"):
        jax.eval_shape(network.penultimate, params, np.ones(SHAPE))
    with pytest.raises(ValueError, match="reference must be a batch of inputs"):
        jax.eval_shape(network.penultimate, params, np.ones((1, *SHAPE)))
