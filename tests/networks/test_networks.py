"""Networks against forward passes written in NumPy, and what may not become a network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from flax import linen, nnx

import ganfield as gf
from tests.cases import assert_trees_close

ACTIVATIONS = {
    "relu": (jax.nn.relu, lambda x: np.maximum(x, 0)),
    "tanh": (jnp.tanh, np.tanh),
}


def layers_of(params):
    layers = params["layers"]
    return [layers[index] for index in range(len(layers))]


def forward(params, x, activation):
    """The perceptron in NumPy, in float64."""
    for index, layer in enumerate(layers_of(params)):
        x = activation(x) if index else x
        x = x @ np.asarray(layer["kernel"], float) + np.asarray(layer["bias"], float)
    return x


def perturbed(params, seed=0):
    """Parameters whose biases are not zero, so that a lost bias shows."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda p: p + jnp.asarray(rng.normal(size=p.shape), p.dtype), params)


def assert_plain(tree):
    if type(tree) is dict:
        for branch in tree.values():
            assert_plain(branch)
    else:
        assert isinstance(tree, jax.Array)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("hidden_sizes", [(), (5,), (4, 7, 3)])
def test_mlp_is_the_forward_pass(name, hidden_sizes):
    activation, by_hand = ACTIVATIONS[name]
    network = gf.networks.mlp(3, 2, hidden_sizes=hidden_sizes, activation=activation)
    params = perturbed(network.init(jax.random.key(0)))
    x = np.random.default_rng(1).normal(size=(6, 3))
    y = network.apply(params, jnp.asarray(x))
    assert y.shape == (6, 2)
    assert y.dtype == jnp.float32
    np.testing.assert_allclose(y, forward(params, x, by_hand), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_mlp_is_the_forward_pass_in_float64(name):
    activation, by_hand = ACTIVATIONS[name]
    network = gf.networks.mlp(3, 2, hidden_sizes=(8, 8), activation=activation)
    params = network.init(jax.random.key(0))
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float64")}
    params = perturbed(params)
    x = np.random.default_rng(1).normal(size=(6, 3))
    y = network.apply(params, jnp.asarray(x))
    assert y.dtype == jnp.float64
    np.testing.assert_allclose(y, forward(params, x, by_hand), rtol=1e-12, atol=1e-13)


def test_mlp_built_before_float64_is_enabled_has_float64_parameters():
    network = gf.networks.mlp(3, 2, hidden_sizes=(4,))
    with jax.enable_x64(True):
        params = perturbed(network.init(jax.random.key(0)))
        assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {np.dtype("float64")}
        x = np.random.default_rng(1).normal(size=(6, 3))
        expected = forward(params, x, ACTIVATIONS["relu"][1])
        np.testing.assert_allclose(network.apply(params, jnp.asarray(x)), expected, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_mlp_gradient_is_that_of_backpropagation_by_hand():
    network = gf.networks.mlp(3, 1, hidden_sizes=(4,), activation=jnp.tanh)
    params = perturbed(network.init(jax.random.key(0)))
    x = np.random.default_rng(1).normal(size=(6, 3))
    gradient = jax.grad(lambda p: network.apply(p, jnp.asarray(x)).sum())(params)
    first, last = ({k: np.asarray(v) for k, v in layer.items()} for layer in layers_of(params))
    hidden = np.tanh(x @ first["kernel"] + first["bias"])
    back = (1 - hidden**2) * last["kernel"][:, 0]
    of_first, of_last = layers_of(gradient)
    np.testing.assert_allclose(of_last["bias"], [6.0], rtol=1e-12)
    np.testing.assert_allclose(of_last["kernel"], hidden.sum(axis=0)[:, None], rtol=1e-12)
    np.testing.assert_allclose(of_first["bias"], back.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(of_first["kernel"], x.T @ back, rtol=1e-12)


def test_default_is_the_network_of_the_ring_experiment():
    params = gf.networks.mlp(16, 2).init(jax.random.key(0))
    shapes = [layer["kernel"].shape for layer in layers_of(params)]
    assert shapes == [(16, 16)] * 4 + [(16, 2)]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 4 * (16 * 16 + 16) + 16 * 2 + 2


@pytest.mark.parametrize(("a", "b"), [(200, 60), (30, 300)])
def test_kernels_begin_glorot_uniform_and_biases_at_zero(a, b):
    params = gf.networks.mlp(a, 2, hidden_sizes=(b,)).init(jax.random.key(0))
    first, last = layers_of(params)
    for layer, ends in ((first, (a, b)), (last, (b, 2))):
        limit = np.sqrt(6 / sum(ends))
        values = np.ravel(layer["kernel"])
        assert layer["kernel"].shape == ends
        assert np.abs(values).max() <= limit
        uniform = scipy.stats.uniform(-limit, 2 * limit)
        assert scipy.stats.kstest(values, uniform.cdf).pvalue > 1e-3
        np.testing.assert_array_equal(layer["bias"], np.zeros(ends[1]))


NETWORKS = {
    "mlp": lambda: gf.networks.mlp(3, 2, hidden_sizes=(4,)),
    "nnx": lambda: gf.networks.from_nnx(lambda rngs: nnx.Linear(3, 2, rngs=rngs), (3,)),
    "linen": lambda: gf.networks.from_linen(
        linen.Sequential([linen.Dense(4), jnp.tanh, linen.Dense(2)]), (3,)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_plain_nested_dicts_that_the_key_decides(name):
    network = NETWORKS[name]()
    params = network.init(jax.random.key(0))
    assert type(params) is dict
    assert_plain(params)
    assert network.input_shape == (3,)
    assert_trees_close(network.init(jax.random.key(0)), params, rtol=0)
    other = network.init(jax.random.key(1))
    assert any(
        np.any(np.asarray(a) != b)
        for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(other), strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_init_and_apply_are_pure(name):
    network = NETWORKS[name]()
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(jax.random.key(1), (5, 3))
    each = [network.init(key) for key in keys]
    stacked = jax.vmap(network.init)(keys)
    outputs = jax.vmap(network.apply, in_axes=(0, None))(stacked, x)
    for index, params in enumerate(each):
        eager = network.apply(params, x)
        assert_trees_close(jax.tree.map(lambda p, i=index: p[i], stacked), params, rtol=1e-6)
        assert_trees_close(jax.jit(network.init)(keys[index]), params, rtol=1e-6)
        np.testing.assert_allclose(outputs[index], eager, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(jax.jit(network.apply)(params, x), eager, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_examples_do_not_see_each_other(name):
    network = NETWORKS[name]()
    params = perturbed(network.init(jax.random.key(0)))
    x = jax.random.normal(jax.random.key(1), (5, 3))
    alone = np.concatenate([network.apply(params, row[None]) for row in x])
    np.testing.assert_allclose(network.apply(params, x), alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_from_nnx_is_the_module():
    network = gf.networks.from_nnx(
        lambda rngs: nnx.Sequential(nnx.Linear(3, 4, rngs=rngs), nnx.LayerNorm(4, rngs=rngs)),
        input_shape=[3],
    )
    params = perturbed(network.init(jax.random.key(0)))
    linear, norm = params["layers"][0], params["layers"][1]
    x = np.random.default_rng(0).normal(size=(6, 3))
    y = x @ np.asarray(linear["kernel"]) + np.asarray(linear["bias"])
    y = (y - y.mean(axis=1, keepdims=True)) / np.sqrt(y.var(axis=1, keepdims=True) + 1e-6)
    y = y * np.asarray(norm["scale"]) + np.asarray(norm["bias"])
    np.testing.assert_allclose(network.apply(params, jnp.asarray(x)), y, rtol=1e-4, atol=1e-4)
    assert network.input_shape == (3,)


def test_from_nnx_ties_weights_that_the_module_shares():
    class Twice(nnx.Module):
        def __init__(self, rngs):
            self.first = nnx.Linear(2, 2, rngs=rngs)
            self.second = self.first

        def __call__(self, x):
            return self.second(self.first(x))

    network = gf.networks.from_nnx(Twice, input_shape=(2,))
    params = perturbed(network.init(jax.random.key(0)))
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 6
    kernel, bias = (np.asarray(params["first"][name]) for name in ("kernel", "bias"))
    x = np.arange(6.0).reshape(3, 2)
    expected = (x @ kernel + bias) @ kernel + bias
    np.testing.assert_allclose(network.apply(params, jnp.asarray(x)), expected, rtol=1e-4)


def test_from_linen_is_the_module():
    network = gf.networks.from_linen(linen.Dense(4), input_shape=[3])
    params = perturbed(network.init(jax.random.key(0)))
    x = np.random.default_rng(0).normal(size=(6, 3))
    expected = x @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
    np.testing.assert_allclose(
        network.apply(params, jnp.asarray(x)), expected, rtol=1e-4, atol=1e-5
    )
    assert network.input_shape == (3,)


@pytest.mark.usefixtures("x64")
def test_float64_modules_stay_float64():
    for network in (
        gf.networks.from_nnx(
            lambda rngs: nnx.Linear(3, 2, param_dtype=jnp.float64, rngs=rngs), (3,)
        ),
        gf.networks.from_linen(linen.Dense(2, param_dtype=jnp.float64), (3,)),
    ):
        params = perturbed(network.init(jax.random.key(0)))
        x = np.random.default_rng(0).normal(size=(6, 3))
        y = network.apply(params, jnp.asarray(x))
        assert y.dtype == jnp.float64
        expected = x @ np.asarray(params["kernel"]) + np.asarray(params["bias"])
        np.testing.assert_allclose(y, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "construct",
    [
        lambda rngs: nnx.BatchNorm(2, rngs=rngs),
        lambda rngs: nnx.BatchNorm(2, use_running_average=True, rngs=rngs),
        lambda rngs: nnx.Sequential(nnx.Linear(2, 2, rngs=rngs), nnx.BatchNorm(2, rngs=rngs)),
        lambda rngs: nnx.Dropout(0.5, rngs=rngs),
    ],
)
def test_from_nnx_refuses_state_that_is_no_parameter(construct):
    with pytest.raises(ValueError, match="module whose only state is parameters"):
        gf.networks.from_nnx(construct, input_shape=(2,))


@pytest.mark.parametrize("use_running_average", [False, True])
def test_from_linen_refuses_running_statistics(use_running_average):
    norm = linen.BatchNorm(use_running_average=use_running_average)
    for module in (norm, linen.Sequential([linen.Dense(2), norm.clone()])):
        with pytest.raises(ValueError, match=r"got \['batch_stats', 'params'\]"):
            gf.networks.from_linen(module, input_shape=(2,))


@pytest.mark.parametrize(
    ("sizes", "hidden_sizes", "name"),
    [
        ((0, 1), (4,), "input_size"),
        ((2.0, 1), (4,), "input_size"),
        ((True, 1), (4,), "input_size"),
        ((2, -1), (4,), "output_size"),
        ((2, "1"), (4,), "output_size"),
        ((2, 1), (4, 0), "hidden_sizes"),
        ((2, 1), (4.5,), "hidden_sizes"),
    ],
)
def test_mlp_refuses_sizes_that_are_not_positive(sizes, hidden_sizes, name):
    with pytest.raises(ValueError, match=f"{name} must be an integer ≥ 1"):
        gf.networks.mlp(*sizes, hidden_sizes=hidden_sizes)


def test_registry_builds_by_name():
    assert gf.NETWORKS is gf.networks.NETWORKS
    image, small = (8, 8, 1), {"width": 2, "num_layers": 1}
    for name, build in gf.NETWORKS.items():
        if name == "mlp":
            sizes, options = (3, 2), {}
        else:
            sizes, options = ((3, image) if "generator" in name else (image, 2)), small
        network = build(*sizes, **options)
        x = jnp.ones((4, *network.input_shape))
        params = jax.eval_shape(network.init, jax.random.key(0))
        expected = image if "generator" in name else (8, 8, 2) if name == "unet" else (2,)
        assert jax.eval_shape(network.apply, params, x).shape == (4, *expected), name


class Scaling(nnx.Module):
    """A module with a constant of its own, held in one of several ways."""

    def __init__(self, way, rngs):
        self.linear = nnx.Linear(2, 1, rngs=rngs)
        constant = jnp.array([2.0, 3.0])
        self.scale = lambda x: x * constant
        if way == "attribute":
            self.constant = constant
            self.scale = None
        elif way == "numpy":
            self.constant = np.array([2.0, 3.0], np.float32)
            self.scale = None
        elif way == "list":
            self.several = nnx.List([constant])

    def __call__(self, x):
        return self.linear(self.scale(x) if self.scale else x * self.constant)


@pytest.mark.parametrize("way", ["closure", "attribute", "numpy", "list"])
def test_constants_of_a_constructor_stay(way):
    network = gf.networks.from_nnx(lambda rngs: Scaling(way, rngs), (2,))
    params = network.init(jax.random.key(0))
    assert set(params) == {"linear"}
    x = jnp.array([[1.0, 2.0], [0.5, -1.0]])
    expected = x * jnp.array([2.0, 3.0]) @ params["linear"]["kernel"] + params["linear"]["bias"]
    for apply in (network.apply, jax.jit(network.apply)):
        np.testing.assert_allclose(apply(params, x), expected, rtol=1e-6)
    # Also where a network is made inside of compiled code.
    inside = jax.jit(
        lambda x: gf.networks.from_nnx(lambda rngs: Scaling(way, rngs), (2,)).apply(params, x)
    )
    np.testing.assert_allclose(inside(x), expected, rtol=1e-6)


class Last(nnx.Module):
    """The last output of a recurrent network."""

    def __init__(self, cell, rngs):
        self.rnn = nnx.RNN(cell(2, 3, rngs=rngs), rngs=rngs)

    def __call__(self, x):
        return self.rnn(x)[:, -1]


class Dropping(nnx.Module):
    """A layer with dropout after it."""

    def __init__(self, deterministic, rngs):
        self.linear = nnx.Linear(2, 1, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, deterministic=deterministic, rngs=rngs)

    def __call__(self, x):
        return self.dropout(self.linear(x))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("construct", "shape"),
    [
        (lambda rngs: Last(nnx.LSTMCell, rngs), (4, 2)),
        (lambda rngs: Last(nnx.GRUCell, rngs), (4, 2)),
        (lambda rngs: Dropping(True, rngs), (2,)),
    ],
)
def test_random_numbers_that_are_never_drawn_are_no_matter(construct, shape):
    network = gf.networks.from_nnx(construct, shape)
    params = network.init(jax.random.key(0))
    x = jnp.ones((5, *shape))
    reference = construct(nnx.Rngs(jax.random.key(0)))
    np.testing.assert_allclose(jax.jit(network.apply)(params, x), reference(x), rtol=1e-5)


@pytest.mark.slow
def test_embeddings_take_integers():
    network = gf.networks.from_nnx(lambda rngs: nnx.Embed(5, 2, rngs=rngs), ())
    assert network.apply(network.init(jax.random.key(0)), jnp.arange(4)).shape == (4, 2)


class Alone(nnx.Module):
    """A module that takes one example, and no batch."""

    def __init__(self, rngs):
        self.linear = nnx.Linear(2, 1, rngs=rngs)

    def __call__(self, x):
        return self.linear(x.reshape(2))


class Told(linen.Module):
    """A module whose call takes more than the input."""

    @linen.compact
    def __call__(self, x, train):
        return linen.Dense(1)(x)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (
            lambda: gf.networks.from_nnx(lambda rngs: Dropping(False, rngs), (2,)),
            "which draws no random",
        ),
        (lambda: gf.networks.from_nnx(Alone, (2,)), "module cannot be applied to a batch of two"),
        (
            lambda: gf.networks.from_nnx(lambda rngs: nnx.Linear(3, 1, rngs=rngs), (2,)),
            r"batch of two inputs, shape \(2, 2\)",
        ),
        (lambda: gf.networks.from_nnx(lambda rngs: jnp.tanh, (2,)), "a module of Flax NNX, got"),
        (lambda: gf.networks.from_nnx(lambda rngs: linen.Dense(1), (2,)), "Flax NNX, got Dense"),
        (
            lambda: gf.networks.from_nnx(
                lambda rngs: nnx.Sequential(lambda x: x.sum(), nnx.Param), (2,)
            ),
            "of two inputs|to as many outputs",
        ),
        (lambda: gf.networks.from_linen(jnp.tanh, (2,)), "module must be one of Flax Linen, got"),
        (lambda: gf.networks.from_linen(Told(), (2,)), "the module cannot be initialised with an"),
        (
            lambda: gf.networks.from_linen(linen.Dropout(0.5, deterministic=False), (2,)),
            "the module cannot be initialised|collection",
        ),
        (
            lambda: gf.networks.from_linen(
                linen.Sequential([linen.Dense(1), jnp.ravel, jnp.sum]), (2,)
            ),
            r"a batch to as many outputs, .* shape \(2, 2\), it makes",
        ),
    ],
)
def test_modules_that_are_no_networks_are_refused(build, said):
    with pytest.raises(ValueError, match=said):
        build()


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        gf.networks.mlp(16, 2),
        gf.networks.from_linen(linen.Dense(2), (16,)),
        gf.networks.dcgan_discriminator((8, 8, 1), num_layers=2, width=2),
    ],
)
def test_one_example_is_no_batch(network):
    params = network.init(jax.random.key(0))
    one = jnp.ones(network.input_shape)
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, .* one, x\[None\]"):
        network.apply(params, one)
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, "):
        jax.eval_shape(network.apply, params, jnp.ones((3, *network.input_shape[:-1], 5)))
    with pytest.raises(ValueError, match=r"x must have the shape \(batch, "):
        network.evaluate(params, one, one)
    assert network.apply(params, one[None]).shape[0] == 1
    # Batches of batches are mapped over.
    several = jax.eval_shape(
        jax.vmap(network.apply, in_axes=(None, 0)), params, jnp.ones((3, 4, *network.input_shape))
    )
    assert several.shape[:2] == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_spectral_norm_of_small_types(dtype):
    kernel = jnp.diag(jnp.array([3.0, 4.0], dtype))
    sigma = gf.networks.spectral_norm(kernel)
    assert sigma.dtype == dtype
    np.testing.assert_allclose(float(sigma), 4.0, rtol=1e-2)
    assert jax.grad(gf.networks.spectral_norm)(kernel).dtype == dtype
