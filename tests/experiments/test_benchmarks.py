"""The benchmark of image networks: PyTorch's steps are ganfield's, and no preset is forgotten."""

import json
from dataclasses import replace
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import ganfield as gf

DCGAN4 = gf.configuration.NetworkConfig(width=2)
DCGAN3 = gf.configuration.NetworkConfig(width=2, num_layers=3)
RESNET = gf.configuration.NetworkConfig(architecture="resnet", width=4, batch_norm=False)
NETWORKS = {
    "mlp": gf.configuration.NetworkConfig(
        architecture="mlp", width=4, num_layers=2, batch_norm=False
    ),
    "dcgan3": DCGAN3,
    "dcgan3_nobn": replace(DCGAN3, batch_norm=False),
    "dcgan4": DCGAN4,
    "dcgan4_nobn": replace(DCGAN4, batch_norm=False),
    "resnet_cf": replace(RESNET, growing=False),
    "resnet_bn": replace(RESNET, num_layers=3, batch_norm=True),
}
CONSENSUS = gf.configuration.MethodConfig(transform="consensus", gamma=10.0)
SMOOTHED = gf.configuration.MethodConfig(transform="smoothed", gamma=10.0)


@pytest.fixture
def torch_images(load):
    pytest.importorskip("torch")
    return load("torch_images")


def built(config, shape):
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape), np.uint8)
    return gf.configuration.build(config, gf.data.Images(pixels))


def tiny(name, method=CONSENSUS):
    network, side = NETWORKS[name], 2 ** (1 + NETWORKS[name].num_layers)
    config = gf.configuration.Config(
        generator=network, discriminator=network, method=method, batch_size=6, latent_size=5
    )
    tree = config.to_dict()
    if network.architecture != "mlp":
        for player in ("generator", "discriminator"):
            tree[player]["options"] = {"convolution": "xla"}  # quicker to compile
    return gf.configuration.Config.from_dict(tree), (side, side, 3)


def in_torch_layout(tree, network, shape, player):
    """Return the arrays of a player's pytree in the order and layout of PyTorch's parameters."""
    base = [side // 2**network.num_layers for side in shape[:2]]
    arrays = []

    def mirrored(array, axis):
        """(…, height · width · channels, …) → (…, channels · height · width, …), turned about."""
        array = np.moveaxis(np.asarray(array), axis, -1)
        rest = array.shape[:-1]
        array = array.reshape(*rest, *base, -1)[..., ::-1, ::-1, :]
        return np.moveaxis(np.moveaxis(array, -1, -3).reshape(*rest, -1), -1, axis)

    def layer(of, outputs):
        """Append a convolution; PyTorch has outputs first, or inputs for a transposed one."""
        kernel = np.asarray(of["kernel"])[::-1, ::-1]
        arrays.append(kernel.transpose(3, 2, 0, 1) if outputs else kernel.transpose(2, 3, 0, 1))
        arrays.extend([of["bias"]] if "bias" in of else [])

    def linear(of, axis):
        kernel = np.asarray(of["kernel"])
        arrays.append((kernel if axis is None else mirrored(kernel, axis)).T)
        bias = of.get("bias")
        if bias is not None:
            arrays.append(mirrored(bias, 0) if axis == 1 else bias)

    if network.architecture == "mlp":
        images = {"theta": (len(tree["layers"]) - 1, 1), "phi": (0, 0)}[player]
        base = shape[:2]
        for index in range(len(tree["layers"])):
            linear(tree["layers"][index], images[1] if index == images[0] else None)
        return arrays
    by_unit = network.architecture == "dcgan" and network.num_layers == 3
    if player == "theta":
        linear(tree["first"], 1)
        if "first_norm" in tree:
            shift = tree["first_norm"]["shift"]
            arrays.append(mirrored(shift, 0) if by_unit else shift)
    for index in range(network.num_layers):
        down = player == "phi"
        if network.architecture == "dcgan":
            layer(tree["layers"][index], down)
            norm = index - 1 if down else index
            if 0 <= norm < len(tree.get("norms", {})):
                arrays.append(tree["norms"][norm]["shift"])
        elif index in tree["blocks"]:
            block = tree["blocks"][index]
            layer(block["resample"], down)
            arrays.extend([block["norm"]["shift"]] if "norm" in block else [])
            layer(block["narrow"], True)
            layer(block["widen"], True)
        else:
            layer(tree["last"], False)
    if player == "phi":
        linear(tree["last"], 0)
    return arrays


def together(tree, config, shape):
    return [
        *in_torch_layout(tree.theta, config.generator, shape, "theta"),
        *in_torch_layout(tree.phi, config.discriminator, shape, "phi"),
    ]


def copied(torch_images, params, config, shape):
    """Return PyTorch's networks with the same weights, and those."""
    torch = torch_images.torch
    players = tuple(player.double() for player in torch_images.networks(config, shape))
    parameters = [x for player in players for x in player.parameters()]
    for parameter, array in zip(parameters, together(params, config, shape), strict=True):
        assert parameter.shape == array.shape
        with torch.no_grad():
            parameter.copy_(torch.tensor(np.array(array)))
    return players, parameters


def in_torch(torch_images, batch):
    tensor = torch_images.torch.tensor
    real = np.asarray(batch.real)[:, ::-1, ::-1].transpose(0, 3, 1, 2)
    return tensor(real.copy()), tensor(np.array(batch.latent))


def random_start(game, config, shape, count=1):
    """Return parameters, biases and shifts among them, and batches."""
    keys = iter(jax.random.split(jax.random.key(0), 100))
    params = jax.tree.map(
        lambda leaf: 0.15 * jax.random.normal(next(keys), leaf.shape),
        jax.eval_shape(game.init, jax.random.key(0)),
    )
    real = jax.random.uniform(next(keys), (count, config.batch_size, *shape), minval=-1)
    latent = jax.random.normal(next(keys), (count, config.batch_size, config.latent_size))
    return params, gf.Batch(real, latent)


@pytest.mark.parametrize("name", NETWORKS)
def test_losses_and_fields_are_ganfields(torch_images, x64, name):
    config, shape = tiny(name)
    game = built(config, shape)
    params, batches = random_start(game.game, config, shape)
    batch = jax.tree.map(lambda leaf: leaf[0], batches)
    losses, v, w = jax.jit(
        lambda *at: (game.game.losses(*at), game.original(*at), game.field(*at))
    )(params, batch)
    players, _ = copied(torch_images, params, config, shape)
    real, latent = in_torch(torch_images, batch)
    in_eager = [float(loss.detach()) for loss in torch_images.losses(players, real, latent)]
    np.testing.assert_allclose(in_eager, losses, rtol=1e-10)
    simultaneous = gf.configuration.MethodConfig()
    for method, field in ((simultaneous, v), (config.method, w)):
        gradients = torch_images.directions(method, players, real, latent)
        expected = [-np.asarray(array) for array in together(field, config, shape)]
        for gradient, array in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(gradient, array, rtol=1e-7, atol=1e-9 * abs(array).max())
        # Not by being zero everywhere.
        assert min(np.linalg.norm(array) for array in expected) > 1e-8


@pytest.mark.parametrize(
    "method",
    [
        CONSENSUS,
        SMOOTHED,
        gf.configuration.MethodConfig(),
        gf.configuration.MethodConfig(name="alternating"),
    ],
    ids=lambda method: f"{method.name}-{method.transform}",
)
def test_a_step_is_ganfields(torch_images, x64, method):
    """Both move to the same place, the second from an accumulator that has moved."""
    config, shape = tiny("dcgan3", replace(method, learning_rate=0.1))
    game = built(config, shape)
    draws = game.method.num_batches
    params, batches = random_start(game.game, config, shape, count=2 * draws)
    players, parameters = copied(torch_images, params, config, shape)
    listed = [jax.tree.map(lambda leaf, i=i: leaf[i], batches) for i in range(2 * draws)]
    queue = iter(listed)
    step = torch_images.stepper(config.method, players, lambda: in_torch(torch_images, next(queue)))
    take = jax.jit(lambda state, batch: game.method.step(game.field, state, batch)[0])
    state = game.method.init(params)
    for index in range(2):
        some = listed[index * draws : (index + 1) * draws]
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *some)
        state = take(state, stacked if draws > 1 else some[0])
        step()
    assert next(queue, None) is None
    before = together(params, config, shape)
    for parameter, array, old in zip(
        parameters, together(state.params, config, shape), before, strict=True
    ):
        np.testing.assert_allclose(parameter.detach(), array, rtol=1e-7, atol=1e-9)
        assert abs(array - old).max() > 1e-6


@pytest.mark.parametrize("foreach", [False, True])
def test_rmsprop_is_ganfields(torch_images, foreach):
    torch = torch_images.torch
    gradients = [np.float32([[1.0, -2.0, 1e-6]]), np.float32([0.0, 30.0])]
    tensors = [torch.zeros(g.shape) for g in gradients]
    moved = torch_images.RMSProp(tensors, 0.1, foreach)
    optimizer = gf.numerics_rmsprop(0.1)
    params = [jnp.zeros(g.shape) for g in gradients]
    state = optimizer.init(params)
    for scale in (1.0, -3.0, 0.5):
        scaled = [np.float32(scale) * g for g in gradients]
        moved.step([torch.tensor(g) for g in scaled])
        updates, state = optimizer.update([jnp.asarray(g) for g in scaled], state)
        params = optax.apply_updates(params, updates)
    for tensor, array in zip(tensors, params, strict=True):
        np.testing.assert_allclose(tensor, array, rtol=1e-5, atol=1e-12)


def test_every_row_has_equal_parameters(torch_images, load):
    """At full size, without any memory."""
    torch = torch_images.torch
    for row in load("image_steps").all_rows():
        game = built(row.config, row.shape).game
        sizes = sorted(
            leaf.size for leaf in jax.tree.leaves(jax.eval_shape(game.init, jax.random.key(0)))
        )
        with torch.device("meta"):
            players = torch_images.networks(row.config, row.shape)
        assert sorted(x.numel() for player in players for x in player.parameters()) == sizes
        assert not [x for player in players for x in player.buffers() if x.numel() != x.shape[0]]


def test_no_preset_is_forgotten(load):
    image_steps = load("image_steps")
    rows = image_steps.all_rows()
    named = [name for row in rows for name in row.presets]
    plain = [n for n, preset in gf.configuration.PRESETS.items() if preset.game.name == "gan"]
    assert sorted(named) == sorted(n for n in plain if not n.startswith("ring/"))
    for row in rows:
        for name in row.presets:
            preset = gf.configuration.preset(name)
            assert (preset.generator, preset.discriminator) == (
                row.config.generator,
                row.config.discriminator,
            )
            moves = preset.method
            assert (moves.name, moves.transform, moves.gamma) == (
                row.config.method.name,
                row.config.method.transform,
                row.config.method.gamma,
            )
            sizes = preset.batch_size, preset.latent_size
            assert sizes == (row.config.batch_size, row.config.latent_size)
    for one, other in pairwise(rows):
        assert one.config != other.config
    by_default = image_steps.chosen(())
    assert {name.partition("/")[0] for row in by_default for name in row.presets} == {
        "cifar10",
        "digits",
    }
    assert image_steps.chosen(("all",)) == rows
    (row,) = image_steps.chosen(("cifar10/divergence_js", "cifar10/conopt_2"))
    assert image_steps.method_of(row) == "consensus, γ = 10"
    assert image_steps.networks_of(row) == "dcgan4_nobn_cf, f = 64, 32×32×3"
    with pytest.raises(ValueError, match="did you mean 'cifar10/smooth_1'"):
        image_steps.chosen(("cifar10/smoth_1",))


def test_a_stopped_run_keeps_its_rows(load, tmp_path, monkeypatch):
    image_steps = load("image_steps")
    readme = tmp_path / "README.md"
    begin, end = "<!-- images: begin -->\n", "<!-- images: end -->\n"
    readme.write_text(f"before\n{begin}old\n{end}after\n", "utf-8")
    monkeypatch.setattr(image_steps, "README", readme)
    output = tmp_path / "results"
    names = "digits/dcgan", "digits/consensus", "cifar10/simgd_3"
    config = image_steps.Config(presets=names, precision=False, output=output)
    with pytest.raises(ValueError, match=r"images\.json for --readme"):
        image_steps.main(replace(config, readme=True))
    closed = []

    class Worker:
        def __init__(self, script, task):
            json.dumps(task)
            self.times = iter((9.0, 0.5, 0.25, 0.75))
            if len(closed) == 1:
                raise KeyboardInterrupt
            self.first = script == "ganfield_images.py"

        def measure(self):
            step = next(self.times)
            return {"step": step, "compile": 1.0, "host": 1e6, "device": 0}

        def close(self):
            closed.append(1) if self.first else None

    monkeypatch.setattr(image_steps, "Worker", Worker)
    with pytest.raises(KeyboardInterrupt):
        image_steps.main(config)
    (row,) = json.loads((output / "images.json").read_text("utf-8"))["rows"]
    assert row["presets"] == ["digits/dcgan"]
    assert row["ganfield"]["step"] == 0.25
    assert row["ganfield"]["steps"] == [0.5, 0.25, 0.75]
    closed.append(2)
    image_steps.main(replace(config, resume=True))
    kept = json.loads((output / "images.json").read_text("utf-8"))
    assert [row["presets"] for row in kept["rows"]] == [
        ["digits/dcgan"],
        ["digits/consensus"],
        ["cifar10/simgd_2", "cifar10/simgd_3"],
    ]
    with pytest.raises(ValueError, match="resume must go on in the same way, but config"):
        image_steps.main(replace(config, resume=True, steps=1))
    image_steps.main(replace(config, readme=True))
    text = readme.read_text("utf-8")
    assert text.startswith(f"before\n{begin}Fastest of 3 measurements of 3 steps")
    assert text.endswith(f"{end}after\n")
    assert "| cifar10/simgd_2, simgd_3 | dcgan4_nobn_cf, f = 64, 32×32×3 | simultaneous |" in text
    assert json.loads((tmp_path / "images.json").read_text("utf-8")) == kept


@pytest.mark.slow
def test_a_row_is_measured(load, tmp_path, capfd):
    """In processes of their own, PyTorch's too where it is."""
    image_steps = load("image_steps")
    config = image_steps.Config(
        presets=("digits/mlp",), repeats=1, steps=1, precision=False, output=tmp_path
    )
    image_steps.main(config)
    assert "left out (name them" not in capfd.readouterr().out
    result = json.loads((tmp_path / "images.json").read_text("utf-8"))
    (row,) = result["rows"]
    for library in {"ganfield", "torch"} & set(row):
        assert row[library]["step"] > 0
        assert row[library]["host"] > 5e7
    assert ("torch" in row) == (result["torch"] is not None)
    worker = load("image_workers").Worker("ganfield_images.py", {})
    with pytest.raises(ChildProcessError, match=r"ganfield_images\.py ended with code 1"):
        worker.measure()
    worker.close()


@pytest.mark.long
def test_precision_compares_types(load, monkeypatch):
    precision = load("image_precision")
    config, shape = tiny("dcgan3_nobn")
    monkeypatch.setattr(gf.configuration, "preset", lambda name: config)
    pixels = np.random.default_rng(0).integers(0, 256, (20, *shape), np.uint8)
    errors = precision.precision("tiny", gf.data.Images(pixels))
    for name in ("v", "gradient", "consensus"):
        assert 1e-4 < errors[name] < 0.3
    assert 0.95 < errors["cosine"] < 1


@pytest.mark.slow
def test_fresh_functions_are_counted(load, tmp_path, capsys):
    fresh = load("fresh_functions")
    fresh.main(fresh.Config(calls=4, warm=2, names=("simulate", "eigenvalues"), output=tmp_path))
    rows = json.loads((tmp_path / "fresh_functions.json").read_text())["rows"]
    assert [row["call"] for row in rows] == ["simulate", "eigenvalues"]
    assert all(row["ms_each"] > 0 and row["maps_more"] < 20 for row in rows)
    assert fresh.CALLS.keys() == dict.fromkeys(fresh.Config().names).keys()


@pytest.mark.slow
def test_products_are_timed(load, tmp_path, capsys):
    products = load("products")
    products.main(products.Config(games=("ring",), batch_size=4, repeats=1, output=tmp_path))
    rows = json.loads((tmp_path / "products.json").read_text())["rows"]
    assert [row["product"] for row in rows] == ["field", "Ju", "Jᵀu", "Ju and Jᵀu"]
    assert rows[0]["in_v"] == 1
    assert all(row["ms"] > 0 and row["parameters"] == 2003 for row in rows)
    with pytest.raises(ValueError, match="did you mean 'dcgan4_nobn_cf'"):
        products.main(products.Config(games=("dcgan4_nobn",), output=tmp_path))
