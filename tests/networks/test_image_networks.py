"""The networks for images: sizes by hand, forward passes in NumPy, batch norm, types, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import ganfield as gf
from tests.cases import assert_trees_close
from tests.networks.test_convolution import by_loops, transposed_by_loops

dcgan_generator, dcgan_discriminator = gf.networks.dcgan_generator, gf.networks.dcgan_discriminator
resnet_generator, resnet_discriminator = (
    gf.networks.resnet_generator,
    gf.networks.resnet_discriminator,
)


def size_of(network):
    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(network.init, KEY)))


def shapes_of(network):
    leaves = jax.tree_util.tree_leaves_with_path(jax.eval_shape(network.init, KEY))
    return {".".join(str(getattr(k, "key", k)) for k in path): leaf.shape for path, leaf in leaves}


KEY = jax.random.key(0)
# The official networks at 32×32×3 with width 64 and 256 latent variables, summed by hand. A 5×5
# convolution from a to b features has 25ab weights, and b biases or (under batch norm) b shifts.
# dcgan4, G: 256 → 2·2·512; 512 → 256 → 128 → 64 → 3
DCGAN4_G = 256 * 2048 + 2048 + 25 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 256 + 128 + 64 + 3
# dcgan4, D: 3 → 64 → 128 → 256 → 512; 2·2·512 → 1
DCGAN4_D = 25 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + 64 + 128 + 256 + 512 + 2048 + 1
# dcgan3, G: 256 → 4·4·256; 256 → 128 → 64 → 3
DCGAN3_G = 256 * 4096 + 4096 + 25 * (256 * 128 + 128 * 64 + 64 * 3) + 128 + 64 + 3
# dcgan3, D: 3 → 64 → 128 → 256; 4·4·256 → 1
DCGAN3_D = 25 * (3 * 64 + 64 * 128 + 128 * 256) + 64 + 128 + 256 + 4096 + 1
# dcgan4_nobn_cf, G: 256 → 2·2·64; 64 → 64 → 64 → 64 → 3. D: 3 → 64 → 64 → 64 → 64; 256 → 1
CF_G = 256 * 256 + 256 + 25 * (3 * 64 * 64 + 64 * 3) + 3 * 64 + 3
CF_D = 25 * (3 * 64 + 3 * 64 * 64) + 4 * 64 + 256 + 1
OFFICIAL = {
    # dcgan4's base has its 2048 biases, and one shift for each of 512 channels besides.
    "dcgan4": ({}, DCGAN4_G + 512, DCGAN4_D),
    "dcgan4_nobn": ({"batch_norm": False}, DCGAN4_G, DCGAN4_D),
    "dcgan4_nobn_cf": ({"batch_norm": False, "growing": False}, CF_G, CF_D),
    # dcgan3's base has one shift for each of 4096 units, in place of its biases.
    "dcgan3": ({"num_layers": 3}, DCGAN3_G, DCGAN3_D),
    "dcgan3_nobn": ({"num_layers": 3, "batch_norm": False}, DCGAN3_G, DCGAN3_D),
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_dcgan_has_as_many_parameters_as_the_official_one(name):
    options, of_generator, of_discriminator = OFFICIAL[name]
    assert size_of(dcgan_generator(256, (32, 32, 3), **options)) == of_generator
    assert size_of(dcgan_discriminator((32, 32, 3), **options)) == of_discriminator


def test_sums_by_hand_are_these():
    # 526,336 + 25·172,224 + 451, and 25·172,224 + 960 + 2,049
    assert (DCGAN4_G, DCGAN4_D) == (4_832_387, 4_308_609)
    assert (CF_G, CF_D) == (377_987, 312_513)


def residual(features, inner):
    """Weights and biases of a residual branch."""
    return 9 * 2 * features * inner + inner + features


@pytest.mark.slow
def test_resnet_has_as_many_parameters_as_the_official_one():
    f = 8
    # resnet at 64×64, widths as dcgan4: G 16 → 4·4·8f; 8f → 4f → 2f → f → 3, three branches.
    generator = 16 * 128 * f + 128 * f + 25 * (32 + 8 + 2) * f * f + 7 * f + 25 * f * 3 + 3
    generator += sum(residual(n * f, n * f // 2) for n in (4, 2, 1))
    assert size_of(resnet_generator(16, (64, 64, 3), width=f)) == generator
    discriminator = 25 * (3 * f + (2 + 8 + 32) * f * f) + 15 * f + 4 * 4 * 8 * f + 1
    discriminator += sum(residual(n * f, n * f // 2) for n in (1, 2, 4, 8))
    assert size_of(resnet_discriminator((64, 64, 3), width=f)) == discriminator
    # resnet_cf: every width f, and the discriminator's first branch has f features inside.
    constant = 16 * 16 * f + 16 * f + 3 * (25 * f * f + f) + 25 * f * 3 + 3
    constant += 3 * residual(f, f // 2)
    assert size_of(resnet_generator(16, (64, 64, 3), width=f, growing=False)) == constant
    constant = 25 * (3 * f + 3 * f * f) + 4 * f + 16 * f + 1
    constant += residual(f, f) + 3 * residual(f, f // 2)
    assert size_of(resnet_discriminator((64, 64, 3), width=f, growing=False)) == constant


def test_layers_have_the_official_shapes():
    shapes = shapes_of(dcgan_generator(256, (32, 32, 3)))
    assert shapes == {
        "first.kernel": (256, 2 * 2 * 512),
        "first.bias": (2048,),
        "first_norm.shift": (512,),
        "layers.0.kernel": (5, 5, 512, 256),
        "layers.1.kernel": (5, 5, 256, 128),
        "layers.2.kernel": (5, 5, 128, 64),
        "layers.3.kernel": (5, 5, 64, 3),
        "layers.3.bias": (3,),
        "norms.0.shift": (256,),
        "norms.1.shift": (128,),
        "norms.2.shift": (64,),
    }
    shapes = shapes_of(dcgan_discriminator((32, 32, 3), num_layers=3))
    assert shapes == {
        "layers.0.kernel": (5, 5, 3, 64),
        "layers.0.bias": (64,),
        "layers.1.kernel": (5, 5, 64, 128),
        "layers.2.kernel": (5, 5, 128, 256),
        "norms.0.shift": (128,),
        "norms.1.shift": (256,),
        "last.kernel": (4 * 4 * 256, 1),
        "last.bias": (1,),
    }


@pytest.mark.slow
def test_kernels_begin_glorot_uniform_and_the_rest_at_zero():
    params = dcgan_generator(16, (8, 8, 3), num_layers=2, width=8).init(KEY)
    for kernel, ends in (
        (params["first"]["kernel"], 16 + 64),
        (params["layers"][0]["kernel"], 600),
    ):
        limit = np.sqrt(6 / ends)  # A tap reaches 25·(16 + 8) = 600 features.
        uniform = scipy.stats.uniform(-limit, 2 * limit)
        assert scipy.stats.kstest(np.ravel(kernel), uniform.cdf).pvalue > 1e-3
    for leaf in jax.tree.leaves(params):
        assert np.ndim(leaf) > 1 or not np.any(leaf)


def perturbed(params, seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda p: p + jnp.asarray(rng.normal(size=p.shape), p.dtype) / 5, params)


def lrelu(x):
    return np.maximum(x, 0.2 * x)


def normalise(x, shift):
    axes = tuple(range(1, x.ndim))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    column = np.asarray(shift).reshape(-1, *[1] * (x.ndim - 1))
    return (x - mean) / np.sqrt(variance + 1e-3) + column


def biased(x, layer):
    return x + np.asarray(layer["bias"]).reshape(-1, *[1] * (x.ndim - 1))


def dcgan_by_hand(params, z, sides, num_layers):
    """The generator in NumPy, features first and examples last, with batch norm."""
    x = np.asarray(params["first"]["kernel"]).T @ z.T
    activation = lrelu
    if num_layers == 3:  # each unit by itself, before the image
        activation, x = lambda x: np.maximum(x, 0), normalise(x, params["first_norm"]["shift"])
    else:
        x = biased(x, params["first"])
    x = x.reshape(*sides, -1, len(z)).transpose(2, 0, 1, 3)
    if num_layers != 3:
        x = normalise(x, params["first_norm"]["shift"])
    for index in range(num_layers - 1):
        x = transposed_by_loops(activation(x), np.asarray(params["layers"][index]["kernel"]))
        x = normalise(x, params["norms"][index]["shift"])
    last = params["layers"][num_layers - 1]
    x = biased(transposed_by_loops(activation(x), np.asarray(last["kernel"])), last)
    return np.tanh(x).transpose(3, 1, 2, 0)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("num_layers", [2, 3])
def test_dcgan_generator_is_the_forward_pass(num_layers):
    shape = (2**num_layers, 2 * 2**num_layers, 2)
    network = dcgan_generator(3, shape, num_layers=num_layers, width=2)
    params = perturbed(network.init(KEY))
    z = np.random.default_rng(1).normal(size=(4, 3))
    expected = dcgan_by_hand(params, z, (1, 2), num_layers)
    y = jax.jit(network.apply)(params, jnp.asarray(z))
    assert y.shape == (4, *shape)
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_dcgan_discriminator_is_the_forward_pass():
    network = dcgan_discriminator((8, 4, 2), 3, num_layers=2, width=2)
    params = perturbed(network.init(KEY))
    images = np.random.default_rng(1).normal(size=(4, 8, 4, 2))
    first, second, last = *(params["layers"][i] for i in range(2)), params["last"]
    x = images.transpose(3, 1, 2, 0)
    x = lrelu(biased(by_loops(x, np.asarray(first["kernel"]), 2), first))
    x = by_loops(x, np.asarray(second["kernel"]), 2)
    x = lrelu(normalise(x, params["norms"][0]["shift"]))
    flat = x.transpose(3, 1, 2, 0).reshape(4, -1)
    expected = flat @ np.asarray(last["kernel"]) + np.asarray(last["bias"])
    y = jax.jit(network.apply)(params, jnp.asarray(images))
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)


def block_by_hand(x, block, resample):
    x = biased(resample(x, np.asarray(block["resample"]["kernel"])), block["resample"])
    inner = biased(by_loops(lrelu(x), np.asarray(block["narrow"]["kernel"]), 1), block["narrow"])
    outer = by_loops(lrelu(inner), np.asarray(block["widen"]["kernel"]), 1)
    return x + 0.1 * biased(outer, block["widen"])


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
def test_resnet_is_the_forward_pass():
    generator = resnet_generator(3, (4, 4, 1), num_layers=2, width=2)
    discriminator = resnet_discriminator((4, 4, 1), num_layers=2, width=2)
    theta, phi = (perturbed(network.init(KEY)) for network in (generator, discriminator))
    z = np.random.default_rng(1).normal(size=(3, 3))
    x = biased(np.asarray(theta["first"]["kernel"]).T @ z.T, theta["first"])
    x = lrelu(x.reshape(1, 1, -1, 3).transpose(2, 0, 1, 3))
    x = block_by_hand(x, theta["blocks"][0], transposed_by_loops)
    last = theta["last"]
    x = np.tanh(biased(transposed_by_loops(lrelu(x), np.asarray(last["kernel"])), last))
    images = x.transpose(3, 1, 2, 0)
    made = jax.jit(generator.apply)(theta, jnp.asarray(z))
    np.testing.assert_allclose(made, images, rtol=1e-10, atol=1e-12)
    for index in range(2):
        x = block_by_hand(
            lrelu(x) if index else x, phi["blocks"][index], lambda x, k: by_loops(x, k, 2)
        )
    flat = lrelu(x).transpose(3, 1, 2, 0).reshape(3, -1)
    logits = flat @ np.asarray(phi["last"]["kernel"]) + np.asarray(phi["last"]["bias"])
    np.testing.assert_allclose(
        jax.jit(discriminator.apply)(phi, made), logits, rtol=1e-10, atol=1e-12
    )


SMALL = {"num_layers": 2, "width": 2}
PAIRS = {
    "dcgan": (dcgan_generator, dcgan_discriminator),
    "resnet": (resnet_generator, resnet_discriminator),
}


def pair(name, **options):
    generator, discriminator = PAIRS[name]
    options = SMALL | options
    return generator(3, (4, 4, 1), **options), discriminator((4, 4, 1), **options)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PAIRS)
def test_both_convolutions_give_the_same_field_and_consensus_field(name):
    batch = gf.Batch(
        jax.random.normal(jax.random.key(1), (4, 4, 4, 1)),
        jax.random.normal(jax.random.key(2), (4, 3)),
    )
    fields = []
    for convolution in ("patches", "xla"):
        game = gf.games.gan(*pair(name, batch_norm=True, convolution=convolution))
        params = perturbed(game.init(KEY))
        v = gf.vector_field(game)
        # Jᵀv once; the residual network, which compiles slowly, has its second derivatives in
        # those of its parts.
        fields.append(jax.jit(gf.consensus(v, gamma=2.0) if name == "dcgan" else v))
    patches, xla = (field(params, batch) for field in fields)
    assert_trees_close(patches, xla, rtol=1e-9, atol=1e-12)


@pytest.mark.long
@pytest.mark.usefixtures("x64")
def test_v_with_batch_norm_is_a_pure_function_with_an_exact_jacobian():
    game = gf.games.gan(*pair("dcgan"))
    params = perturbed(game.init(KEY))
    batch = gf.Batch(
        jax.random.normal(jax.random.key(1), (5, 4, 4, 1)),
        jax.random.normal(jax.random.key(2), (5, 3)),
    )
    v = jax.jit(gf.vector_field(game))
    assert_trees_close(v(params, batch), v(params, batch), rtol=0)
    direction = jax.tree.map(jnp.cos, params)
    exact = jax.jit(gf.jvp(v))(params, direction, batch)
    h = 1e-6
    plus, minus = (
        v(jax.tree.map(lambda p, d, s=s: p + s * h * d, params, direction), batch) for s in (1, -1)
    )
    difference = jax.tree.map(lambda a, b: (a - b) / (2 * h), plus, minus)
    assert_trees_close(exact, difference, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", PAIRS)
def test_evaluation_takes_its_statistics_from_the_reference(name):
    for network in pair(name, batch_norm=True):
        params = perturbed(network.init(KEY))
        draw = np.random.default_rng(0).normal
        reference, x, others = (jnp.asarray(draw(size=(6, *network.input_shape))) for _ in range(3))
        evaluate = jax.jit(network.evaluate)
        y = evaluate(params, x, reference)
        mixed = evaluate(params, jnp.concatenate([x[:2], 5 * others[2:]]), reference)
        np.testing.assert_array_equal(mixed[:2], y[:2])
        assert not np.allclose(mixed[2:], y[2:])
        apply = jax.jit(network.apply)
        own = apply(params, reference)
        np.testing.assert_allclose(evaluate(params, reference, reference), own, atol=1e-12)
        assert not np.allclose(apply(params, x), y, atol=1e-3)
        assert not np.allclose(evaluate(params, x, others), y, atol=1e-3)
        for wrong in (None, reference[0], reference[..., :-1]):
            with pytest.raises(ValueError, match="reference must be a batch of inputs"):
                network.evaluate(params, x, wrong)


@pytest.mark.slow
def test_without_batch_norm_evaluation_is_the_same_program_as_application():
    networks = [gf.networks.mlp(3, 1), *pair("dcgan", batch_norm=False), *pair("resnet")]
    networks.append(gf.networks.Network(lambda key: {}, lambda params, x: 2 * x, (3,)))
    for network in networks:
        params = jax.eval_shape(network.init, KEY)
        x = jnp.ones((4, *network.input_shape))
        applied = jax.make_jaxpr(network.apply)(params, x)
        assert str(jax.make_jaxpr(network.evaluate)(params, x)) == str(applied)
        # The reference is an input, and no operation has it.
        evaluated = jax.make_jaxpr(network.evaluate)(params, x, x)
        assert len(evaluated.eqns) == len(applied.eqns)


@pytest.mark.slow
def test_bfloat16_computes_in_bfloat16():
    networks = zip(pair("dcgan", dtype="bfloat16"), pair("dcgan"), strict=True)
    for network, exact in networks:
        params = network.init(KEY)
        x = jax.random.normal(KEY, (8, *network.input_shape))
        y, expected = jax.jit(network.apply)(params, x), jax.jit(exact.apply)(params, x)
        error = np.linalg.norm(y - expected) / np.linalg.norm(expected)
        assert 1e-5 < error < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
def test_parameters_outputs_and_gradients_are_float32_outside_of_bfloat16(name):
    for network in pair(name, batch_norm=True, dtype="bfloat16"):

        def total(params, x, network=network):
            y = network.apply(params, x)
            assert y.dtype == jnp.float32
            return y.sum()

        params = jax.eval_shape(network.init, KEY)
        gradient = jax.eval_shape(jax.grad(total), params, jnp.ones((2, *network.input_shape)))
        for tree in (params, gradient):
            assert {leaf.dtype for leaf in jax.tree.leaves(tree)} == {jnp.dtype("float32")}


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 3), (12, 20, 2)])
def test_other_sizes_are_made_and_taken(shape):
    generator = dcgan_generator(3, shape, num_layers=2, width=2)
    discriminator = dcgan_discriminator(shape, 5, num_layers=2, width=2)
    made = jax.eval_shape(generator.apply, jax.eval_shape(generator.init, KEY), jnp.ones((2, 3)))
    judged = jax.eval_shape(discriminator.apply, jax.eval_shape(discriminator.init, KEY), made)
    assert made.shape == (2, *shape)
    assert judged.shape == (2, 5)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        ((28, 28, 1), {}, r"2\*\*num_layers = 16 divides.*at most num_layers=2"),
        ((9, 9, 1), {"num_layers": 1}, "resize the images"),
        ((32, 32), {}, r"image_shape must be \(height, width, channels\)"),
        ((32, 32, 0), {}, "image_shape must be an integer ≥ 1"),
        ((32, 32, 3), {"num_layers": 0}, "num_layers must be an integer ≥ 1"),
        ((32, 32, 3), {"width": 0}, "width must be an integer"),
        ((32, 32, 3), {"dtype": int}, "dtype must be a floating-point type"),
        ((32, 32, 3), {"dtype": "float17"}, "dtype must be a floating-point type"),
        ((32, 32, 3), {"convolution": "patch"}, "did you mean 'patches'"),
    ],
)
def test_what_cannot_be_built_is_refused(name, image, options, message):
    generator, discriminator = PAIRS[name]
    with pytest.raises(ValueError, match=message):
        generator(3, image, **options)
    with pytest.raises(ValueError, match=message):
        discriminator(image, **options)
